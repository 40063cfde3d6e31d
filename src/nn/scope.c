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
    if (e) return g_param(s->g, e->offset, dims, s->store->finished ? full : NULL);
    return why ? g_fail(s->g, "parameter %s: %s", full, why) : g_fail_memory(s->g);
}

node *scope_state(scope *s, const char *name, shape dims, double value)
{
    char full[2 * STORE_NAME];
    full_name(s, name, full);
    const char *why = "";
    const entry *e = store_state(s->store, full, dims, value, &why);
    if (e) return g_state(s->g, e->offset, dims, full);
    return why ? g_fail(s->g, "state %s: %s", full, why) : g_fail_memory(s->g);
}

void scope_state_set(scope *s, const char *name, node *value)
{
    char full[2 * STORE_NAME];
    full_name(s, name, full);
    const entry *e = store_find(&s->store->states, full);
    if (!e) g_fail(s->g, "state %s is set but was never made", full);
    else if (s->state_value) s->state_value[e - s->store->states.at] = value;
}

typedef node *(*drawing)(graph *g, distribution_kind kind, uint32_t stream, shape s, bool example_major);

static node *draw(scope *s, drawing how, distribution_kind kind, shape dims, const char *name)
{
    char full[2 * STORE_NAME + 32], path[2 * STORE_NAME];
    full_name(s, name, path);
    snprintf(full, sizeof full, "%.16s/%s#%d", s->purpose, path, s->n_streams++);
    return g_name(how(s->g, kind, philox_stream(full), dims, true), "%s", path);
}

node *scope_random(scope *s, distribution_kind kind, shape dims, const char *name)
{
    return draw(s, g_random, kind, dims, name);
}

node *scope_random_data(scope *s, distribution_kind kind, shape dims, const char *name)
{
    return draw(s, s->training ? g_random : g_random_once, kind, dims, name);
}
