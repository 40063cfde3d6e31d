/* use_installed.c - a program outside elbo's tree, valid C and valid C++: scripts/check-install builds it against an installed
 * libelbo in every documented way, and runs it. */
#include <elbo.h>

#include <stdio.h>
#include <string.h>

#define CHECK(condition)                                                                                               \
    if (!(condition)) {                                                                                                \
        fprintf(stderr, "use_installed: line %d: %s: %s\n", __LINE__, #condition, error.message);                      \
        return 1;                                                                                                      \
    }

/* A name libelbo uses inside: a program may have it too. */
int mem_new(void);
int mem_new(void)
{
    return 7;
}

int main(void)
{
    char version[64];
    elbo_error error;
    memset(&error, 0, sizeof error);
    snprintf(version, sizeof version, "%d.%d.%d", ELBO_VERSION_MAJOR, ELBO_VERSION_MINOR, ELBO_VERSION_PATCH);
    CHECK(strcmp(version, elbo_version()) == 0);

    elbo_engine *engine = elbo_engine_open(NULL, &error);
    CHECK(engine && elbo_engine_threads(engine) > 0);
    elbo_config *config = elbo_config_new(engine, &error);
    CHECK(config);
    CHECK(elbo_config_set(config, "no such option", "1", &error) == ELBO_USAGE && error.code == ELBO_USAGE);

    const int64_t shape[3] = {1, 1, 2};
    const float values[6] = {0, 1, 2, 3, 4, 5};
    float read[2];
    const int64_t last = 2;
    elbo_data *data = elbo_data_from_memory(engine, values, ELBO_F32, 3, shape, NULL, &error);
    CHECK(data && elbo_data_describe(data)->count == 3);
    CHECK(elbo_data_read(data, &last, 1, read, NULL, &error) == ELBO_OK && read[0] == 4 && read[1] == 5);

    CHECK(mem_new() == 7);

    elbo_data_free(data);
    elbo_config_free(config);
    elbo_engine_close(engine);
    printf("elbo %s works\n", elbo_version());
    return 0;
}
