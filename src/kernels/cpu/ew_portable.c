/* ew_portable.c - the loops of ew_loops.inc with the vector instructions every processor of the kind has. */
#define LEVEL ew_portable
#include "ew_loops.inc"
