/* clock.h - time that passes evenly, from some moment on. */
#ifndef ELBO_BASE_CLOCK_H
#define ELBO_BASE_CLOCK_H

double clock_seconds(void);
/* What the calling thread has had of a processor. */
double clock_cpu_seconds(void);

#endif
