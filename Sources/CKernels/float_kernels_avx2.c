#include "float_kernels.h"
#include "gradient_kernels.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#define VECTORS 2
#define ROWS 6
#define FAMILY family_avx2
#define GRADIENT_FAMILY gradients_avx2
#include "float_kernels_template.h"
#pragma clang attribute pop

const struct float_kernels *float_kernels_avx2(void) { return &family_avx2; }
const struct gradient_kernels *gradient_kernels_avx2(void) { return &gradients_avx2; }
#else
const struct float_kernels *float_kernels_avx2(void) { return 0; }
const struct gradient_kernels *gradient_kernels_avx2(void) { return 0; }
#endif
