/* transfer.h - a model that begins with the numbers of another. */
#ifndef ELBO_TRAIN_TRANSFER_H
#define ELBO_TRAIN_TRANSFER_H

#include "../vae/model.h"

/* What was found in the other model. */
typedef struct transferred {
    int taken, drawn;      /* tensors of the model: taken over; not in the other, and left as they were */
    const char *first_drawn; /* the name of one of the latter */
} transferred;

/* Takes over every parameter and state that the other model has under the same name. Errors: MISMATCH (one has another shape
 * there, or there is none of the same name), NO_MEMORY; the model may then hold numbers of both. */
elbo_status transfer(elbo_model *to, const elbo_model *from, transferred *out, elbo_error *error);

#endif
