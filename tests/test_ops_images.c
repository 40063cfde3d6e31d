/* ctest: slow
 * test_ops_images.c - the cases of ops_cases.h on images; see test_ops.c. */
#define OPS_IMAGES true
#include "test_ops.c"
