/* nets.c - the table of ready-made networks (nets.def). */
#include "architecture.h"

#include <string.h>

static const net nets[] = {
#define NET(name, encoder, decoder) {name, encoder, decoder},
#include "nets.def"
#undef NET
};

const net *net_at(size_t i)
{
    return i < sizeof nets / sizeof *nets ? &nets[i] : NULL;
}

const net *net_find(const char *name)
{
    for (size_t i = 0; net_at(i); i++)
        if (strcmp(nets[i].name, name) == 0) return &nets[i];
    return NULL;
}
