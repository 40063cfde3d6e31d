/* ranking.c - how well a score tells positives from negatives: the area under the receiver operating characteristic, and
 * the average precision. Examples of equal score are one step of either curve, whatever their order. */
#include "../base/engine.h"
#include "../base/error.h"
#include "../base/mode.h"

#include <math.h>
#include <stdlib.h>

typedef struct entry {
    double score;
    bool positive;
} entry;

static int highest_first(const void *a, const void *b)
{
    double x = ((const entry *)a)->score, y = ((const entry *)b)->score;
    return (x < y) - (x > y);
}

/* Walks the sorted entries from the highest score down: above, so many positives and negatives were met before a step. */
static elbo_ranking walk(const entry *e, int64_t n)
{
    elbo_ranking r = {.auroc = 0};
    double positives = 0, negatives = 0, area = 0, precision = 0;
    for (int64_t i = 0, next; i < n; i = next) {
        double more = 0;
        for (next = i; next < n && e[next].score == e[i].score; next++) more += e[next].positive;
        double less = (double)(next - i) - more;
        area += less * (positives + 0.5 * more);
        positives += more;
        negatives += less;
        precision += more * positives / (positives + negatives);
    }
    r.n_positive = (int64_t)positives;
    r.n_negative = (int64_t)negatives;
    r.auroc = positives > 0 && negatives > 0 ? area / (positives * negatives) : (double)NAN;
    r.average_precision = positives > 0 ? precision / positives : (double)NAN;
    return r;
}

elbo_status elbo_rank(elbo_engine *engine, const double *score, const unsigned char *positive, int64_t n, elbo_ranking *ranking,
                      elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    if (n < 0) return err_set(error, ELBO_USAGE, "got %lld scores, expected 0 or more", (long long)n);
    entry *e = mem_new(engine->m, (size_t)n, sizeof *e);
    if (!e) return err_memory(error, "a ranking");
    elbo_status status = ELBO_OK;
    for (int64_t i = 0; i < n && status == ELBO_OK; i++) {
        e[i] = (entry){score[i], positive[i] != 0};
        if (isnan(score[i])) status = err_set(error, ELBO_USAGE, "score %lld is not a number", (long long)i);
    }
    if (status == ELBO_OK) {
        qsort(e, (size_t)n, sizeof *e, highest_first);
        *ranking = walk(e, n);
    }
    mem_free(engine->m, e);
    return status;
}
