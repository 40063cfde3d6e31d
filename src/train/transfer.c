/* transfer.c - see transfer.h. Numbers go by way of the exported layout, in which shapes are compared too. */
#include "transfer.h"

static elbo_status take(const entry *to, float *to_base, const entry *from, const float *from_base, float *room,
                        elbo_error *error)
{
    char have[96], want[96];
    if (!shape_equal(to->layout.exported, from->layout.exported)) {
        shape_text(from->layout.exported, have);
        shape_text(to->layout.exported, want);
        return err_set(error, ELBO_MISMATCH, "tensor %s is %s in the model to begin from, but %s in this one; do the options "
                                             "fit?", to->name, have, want);
    }
    store_export(from, from_base, room);
    store_import(to, room, to_base);
    return ELBO_OK;
}

static elbo_status take_all(const entry_list *to, float *to_base, const entry_list *from, const float *from_base, float *room,
                            transferred *out, elbo_error *error)
{
    elbo_status status = ELBO_OK;
    for (int i = 0; i < to->n && status == ELBO_OK; i++) {
        const entry *e = store_find(from, to->at[i].name);
        if (e) status = take(&to->at[i], to_base, e, from_base, room, error);
        else if (out->drawn++ == 0) out->first_drawn = to->at[i].name;
        out->taken += e != NULL;
    }
    return status;
}

elbo_status transfer(elbo_model *to, const elbo_model *from, transferred *out, elbo_error *error)
{
    store *s = &to->store;
    const store *f = &from->store;
    float *room = mem_new(to->m, (size_t)(s->params.size + s->states.size) + 1, sizeof *room);
    *out = (transferred){.taken = 0};
    if (!room) return err_memory(error, "the numbers of another model");
    elbo_status status = take_all(&s->params, s->value, &f->params, f->value, room, out, error);
    if (status == ELBO_OK && out->taken == 0)
        status = err_set(error, ELBO_MISMATCH, "the model to begin from has no parameter of this one; its first is %s, this "
                                               "one's %s", f->params.n ? f->params.at[0].name : "none",
                         s->params.n ? s->params.at[0].name : "none");
    if (status == ELBO_OK) status = take_all(&s->states, s->state, &f->states, f->state, room, out, error);
    store_revert(s);
    mem_free(to->m, room);
    return status;
}
