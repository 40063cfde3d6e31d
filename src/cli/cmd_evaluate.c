/* cmd_evaluate.c - elbo evaluate MODEL DATA: the loss on data. */
#include "cli.h"

#include <inttypes.h>
#include <math.h>

static const elbo_option_info flags[] = {
    FLAG_PART("test"),
    FLAG_INT("nll", "measure", "0", 0, 1e9,
             "Also -log p(x) by importance sampling with so many draws (5000 is customary); 0: not."),
    FLAG_BOOL("bits", "measure", "false",
              "Also bits for each number of an example, of the bound and of the nll; an error where that means nothing."),
    FLAG_BOOL("dimensions", "measure", "false", "Also the use of each number of the code, the largest KL first."),
    FLAG_BOOL("quality", "measure", "false",
              "Also how near reconstructions are to their originals: mean squared error, PSNR and SSIM, averaged."),
    FLAG_BOOL("squared-error", "measure", "false",
              "Also the squared error of reconstructions, summed over an example, beside that of the data's mean."),
    FLAG_BOOL("book", "measure", "false", "Family vq: also how many vectors of the book the data use."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo evaluate runs/toy-vae toy", "the loss on the test part"},
    {"elbo evaluate runs/toy-vae toy --part train --json", "on the training part, for a program to read"},
    {"elbo evaluate runs/toy-vae toy --nll 5000 --bits", "and the likelihood itself, which the loss bounds; also in bits"},
    {"elbo evaluate runs/toy-vae toy --dimensions", "what each number of the code is used for"},
    {"elbo evaluate runs/toy-vae toy --quality --squared-error", "how near reconstructions are"},
    {"elbo evaluate runs/toy-vae/last.safetensors toy", "of the last checkpoint instead of the best"},
    {0},
};

/* What was measured, and which of it was asked for. */
typedef struct figures {
    elbo_metrics loss;
    int64_t samples; /* of nll; 0: it was not asked for */
    double nll;
    bool in_bits, compared, book, dimensions;
    double bits, nll_bits;
    double error, of_mean;
    elbo_likeness quality; /* means over the examples */
    bool quality_too;
    elbo_book_use use;
} figures;

/* ---- Measuring ---- */

/* The means over the data of what elbo_compare says of reconstructions. */
static elbo_status measure_quality(cli *c, elbo_likeness *mean)
{
    enum { BLOCK = 512 };
    const elbo_data_info *info = elbo_data_describe(c->data);
    const elbo_model_info *model = elbo_model_describe(c->model);
    int64_t size = shape_size(info->shape);
    float *x = new_floats(c, BLOCK, size), *y = x ? new_floats(c, BLOCK, size) : NULL; /* [BLOCK,H,W,C] */
    elbo_likeness *each = y ? new_block(c, BLOCK, sizeof *each) : NULL;
    elbo_status status = each ? ELBO_OK : ELBO_NO_MEMORY;
    for (int64_t first = 0, n; first < info->count && status == ELBO_OK; first += n) {
        n = info->count - first < BLOCK ? info->count - first : BLOCK;
        status = read_examples(c, first, n, x, NULL);
        if (status == ELBO_OK) status = elbo_model_reconstruct(c->model, x, n, y, &c->error);
        if (status == ELBO_OK)
            status = elbo_compare(c->engine, x, y, n, info->shape, model->max - model->min, each, &c->error);
        for (int64_t i = 0; i < n && status == ELBO_OK; i++) {
            mean->mse += each[i].mse / (double)info->count;
            mean->psnr += each[i].psnr / (double)info->count;
            mean->ssim += each[i].ssim / (double)info->count;
        }
    }
    return status;
}

static elbo_status measure_bits(cli *c, figures *f)
{
    elbo_status status = elbo_model_bits(c->model, f->loss.rec + f->loss.kl, &f->bits, &c->error);
    if (status == ELBO_OK && f->samples) status = elbo_model_bits(c->model, f->nll, &f->nll_bits, &c->error);
    return status;
}

static elbo_status measure(cli *c, figures *f)
{
    *f = (figures){.samples = flag_int(c, "nll"), .in_bits = flag_bool(c, "bits"), .compared = flag_bool(c, "squared-error"),
                   .book = flag_bool(c, "book"), .dimensions = flag_bool(c, "dimensions"),
                   .quality_too = flag_bool(c, "quality")};
    elbo_status status = elbo_model_evaluate(c->model, c->data, &f->loss, &c->error);
    if (status == ELBO_OK && f->samples) status = elbo_model_nll(c->model, c->data, f->samples, &f->nll, &c->error);
    if (status == ELBO_OK && f->in_bits) status = measure_bits(c, f);
    if (status == ELBO_OK && f->compared)
        status = elbo_model_squared_error(c->model, c->data, &f->error, &f->of_mean, &c->error);
    if (status == ELBO_OK && f->quality_too) status = measure_quality(c, &f->quality);
    if (status == ELBO_OK && f->book) status = elbo_model_book_use(c->model, c->data, &f->use, &c->error);
    return status;
}

/* ---- Text ---- */

static elbo_status print_dimensions(cli *c)
{
    const code_use *use = sorted_use(c);
    char name[CODE_NAME];
    if (!use) return c->error.code;
    printf("%-10s %10s %10s %10s\n", "number", "kl", "mean", "variance");
    for (int64_t i = 0; i < elbo_model_describe(c->model)->latent_size; i++)
        printf("%-10s %10.4f %10.4f %10.4f%s\n", code_name(c->model, use[i].number, name), use[i].use.kl, use[i].use.mean,
               use[i].use.variance, use[i].use.active ? "  active" : "");
    return ELBO_OK;
}

static elbo_status print_text(cli *c, const figures *f)
{
    const elbo_metrics *m = &f->loss;
    char number[32];
    printf("rec    %10.4f nats per example\n", m->rec);
    printf("kl     %10.4f\n", m->kl);
    printf("total  %10.4f\n", m->total);
    for (int64_t i = 0; i < m->n_other; i++) printf("%-10s %6.4f\n", m->other[i].name, m->other[i].value);
    printf("active %10" PRId64 " of %" PRId64 " latent numbers\n", m->active,
           elbo_model_describe(c->model)->latent_size);
    printf("count  %10s\n", count_text(m->count, number));
    if (f->samples) printf("nll    %10.4f with %" PRId64 " draws\n", f->nll, f->samples);
    if (f->in_bits) printf("bits   %10.4f for each number of an example, by rec + kl\n", f->bits);
    if (f->in_bits && f->samples) printf("       %10.4f by nll\n", f->nll_bits);
    if (f->compared)
        printf("error  %10.4f squared; the mean example's is %.4f, %.2f times as much\n", f->error, f->of_mean,
               f->of_mean / f->error);
    if (f->quality_too) printf("mse    %10.6f\npsnr   %10.4f dB\n", f->quality.mse, f->quality.psnr);
    if (f->quality_too && isnan(f->quality.ssim))
        printf("ssim            - (pictures of 11 x 11 or more have one)\n");
    else if (f->quality_too)
        printf("ssim   %10.4f\n", f->quality.ssim);
    if (f->book)
        printf("book   %10" PRId64 " of %" PRId64 " vectors used, perplexity %.2f\n", f->use.used, f->use.codes,
               f->use.perplexity);
    return f->dimensions ? print_dimensions(c) : ELBO_OK;
}

/* ---- JSON ---- */

static json_t *dimensions_json(const cli *c, const code_use *use)
{
    json_t *list = json_array();
    char name[CODE_NAME];
    for (int64_t i = 0; i < elbo_model_describe(c->model)->latent_size; i++)
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:b}", "name", code_name(c->model, use[i].number, name),
                                              "kl", json_number(use[i].use.kl), "mean", json_number(use[i].use.mean),
                                              "variance", json_number(use[i].use.variance), "active", use[i].use.active));
    return list;
}

static void add_numbers(json_t *j, const figures *f)
{
    const struct {
        const char *key;
        bool there;
        double value;
    } rows[] = {{"nll", f->samples > 0, f->nll},
                {"bits", f->in_bits, f->bits},
                {"nll_bits", f->in_bits && f->samples, f->nll_bits},
                {"squared_error", f->compared, f->error},
                {"squared_error_of_mean", f->compared, f->of_mean},
                {"mse", f->quality_too, f->quality.mse},
                {"psnr", f->quality_too, f->quality.psnr},
                {"ssim", f->quality_too, f->quality.ssim}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].there) json_object_set_new(j, rows[i].key, json_number(rows[i].value));
}

static elbo_status print_numbers(cli *c, const figures *f)
{
    const code_use *use = f->dimensions ? sorted_use(c) : NULL;
    if (f->dimensions && !use) return c->error.code;
    json_t *j = json_metrics(&f->loss);
    add_numbers(j, f);
    if (f->book)
        json_object_set_new(j, "book", json_pack("{s:I, s:I, s:o}", "codes", (json_int_t)f->use.codes, "used",
                                                 (json_int_t)f->use.used, "perplexity", json_number(f->use.perplexity)));
    if (use) json_object_set_new(j, "dimensions", dimensions_json(c, use));
    return print_json(c, j);
}

static elbo_status run(cli *c)
{
    figures f;
    elbo_status status = open_model_and_data(c);
    if (status == ELBO_OK) status = measure(c, &f);
    if (status != ELBO_OK) return status;
    return flag_bool(c, "json") ? print_numbers(c, &f) : print_text(c, &f);
}

const command command_evaluate = {
    .name = "evaluate",
    .summary = "Measure a model's loss on data",
    .words = {"MODEL", "DATA"},
    .about = "Prints the loss of MODEL on DATA in nats per example: total = rec + beta kl. Latent numbers are active where their "
             "posterior mean varies over DATA by more than 0.01 (variance). Further figures cost another pass over DATA.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
