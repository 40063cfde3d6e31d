/* tape.h - what the builders share: adding a node to the tape. */
#ifndef ELBO_GRAPH_TAPE_H
#define ELBO_GRAPH_TAPE_H

#include "graph.h"

/* The node with these operands and attributes: an equal one that exists, or a new one at the end of the tape. Passes a broken
 * operand on. Its rows follow from the batch rule of the operation. */
node *tape_add(graph *g, op_code op, dtype type, shape s, node *const *in, int n_in, attributes at);

/* A leaf, whose rows its builder knows. */
node *tape_leaf(graph *g, op_code op, dtype type, shape s, bool example_major, attributes at, const char *name);

/* Leading rows per example of the result of op; 0 where it is not example-major. */
int batch_rows(op_code op, shape s, node *const *in, int n_in, const attributes *at, int64_t examples);

/* Whether, in a row-local step, operand i is cut to the block's examples (else every block reads all of it). */
bool batch_follows(const node *n, int i);

/* The gradient rules: fill dx[i], the adjoint of operand i (NULL: none), from the result y and its adjoint dy. */
typedef void (*gradient_rule)(node *y, node *dy, node **dx);
extern const gradient_rule gradient_rules[N_OPS];

#endif
