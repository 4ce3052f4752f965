#include "float_kernels.h"
#include "gradient_kernels.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512cd,avx2,fma"))), apply_to = function)
#define LANES 16
#define VECTORS 2
#define ROWS 14
#define FAMILY family_avx512
#define GRADIENT_FAMILY gradients_avx512
#include "float_kernels_template.h"
#pragma clang attribute pop

const struct float_kernels *float_kernels_avx512(void) { return &family_avx512; }
const struct gradient_kernels *gradient_kernels_avx512(void) { return &gradients_avx512; }
#else
const struct float_kernels *float_kernels_avx512(void) { return 0; }
const struct gradient_kernels *gradient_kernels_avx512(void) { return 0; }
#endif
