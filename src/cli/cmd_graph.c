/* cmd_graph.c - elbo graph MODEL: the model as text. */
#include "cli.h"

static const elbo_option_info flags[] = {
    FLAG_CHOICE("what", "output", "graph", "layers|graph|plan",
                "layers: a line per layer; graph: the training graph with its gradients; plan: the compiled steps."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo graph runs/toy-vae", "the training graph after differentiation"},
    {"elbo graph runs/toy-vae --what layers", "a line per layer with shapes, parameters and flops"},
    {"elbo graph runs/toy-vae --what plan", "the compiled steps with bytes and flops"},
    {0},
};

static elbo_status run(cli *c)
{
    const char *what = flag_text(c, "what");
    elbo_status status = open_engine(c);
    if (status == ELBO_OK) status = open_model(c, c->word[0]);
    if (status != ELBO_OK) return status;
    char *text = elbo_model_text(c->model, what, &c->error);
    if (!text) return c->error.code;
    if (flag_bool(c, "json"))
        status = print_json(c, json_pack("{s:s, s:s}", "what", what, "text", text));
    else
        fputs(text, stdout);
    elbo_text_free(c->engine, text);
    return status;
}

const command command_graph = {
    .name = "graph",
    .summary = "Print a model's layers, graph or plan",
    .words = {"MODEL"},
    .about = "Prints what MODEL computes, in the names its author gave.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
