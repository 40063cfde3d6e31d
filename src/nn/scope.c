/* scope.c - see scope.h */
#include "scope.h"
#include "../base/philox.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int scope_enter(scope *s, const char *format, ...)
{
    int mark = (int)strlen(s->path);
    size_t used = (size_t)mark, room = sizeof s->path - used;
    if (mark && room > 1) {
        s->path[used++] = '.';
        room--;
    }
    va_list args;
    va_start(args, format);
    int n = vsnprintf(s->path + used, room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room) g_fail(s->g, "the name %s... is too long", s->path);
    g_set_path(s->g, s->path);
    return mark;
}

void scope_leave(scope *s, int mark)
{
    s->path[mark] = 0;
    g_set_path(s->g, s->path);
}

static void full_name(const scope *s, const char *name, char out[2 * STORE_NAME])
{
    snprintf(out, 2 * STORE_NAME, "%s%s%s", s->path, *s->path ? "." : "", name);
}

node *scope_param(scope *s, const char *name, shape dims, const layout *l, init_rule init)
{
    char full[2 * STORE_NAME];
    full_name(s, name, full);
    layout plain = layout_plain(dims);
    const char *why = "";
    if (!init.how && init.fan_in) init.how = s->init;
    const entry *e = store_param(s->store, full, s->group, dims, l ? l : &plain, init, &why);
    return e ? g_param(s->g, e->offset, dims, s->store->finished ? full : NULL)
             : g_fail(s->g, "parameter %s: %s", full, why);
}

node *scope_state(scope *s, const char *name, shape dims, double value)
{
    char full[2 * STORE_NAME];
    full_name(s, name, full);
    const char *why = "";
    const entry *e = store_state(s->store, full, dims, value, &why);
    return e ? g_state(s->g, e->offset, dims, full) : g_fail(s->g, "state %s: %s", full, why);
}

void scope_state_set(scope *s, const char *name, node *value)
{
    char full[2 * STORE_NAME];
    full_name(s, name, full);
    const entry *e = store_find(&s->store->states, full);
    if (!e) g_fail(s->g, "state %s is set but was never made", full);
    else if (s->state_value) s->state_value[e - s->store->states.at] = value;
}

node *scope_random(scope *s, distribution_kind kind, shape dims, const char *name)
{
    char full[2 * STORE_NAME + 32], path[2 * STORE_NAME];
    full_name(s, name, path);
    snprintf(full, sizeof full, "%.16s/%s#%d", s->purpose, path, s->n_streams++);
    return g_name(g_random(s->g, kind, philox_stream(full), dims, true), "%s", path);
}
