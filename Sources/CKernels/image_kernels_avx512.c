#include "image_kernels.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512cd,avx2,fma"))), apply_to = function)
#define LANES 16
#define FAMILY image_family_avx512
#include "image_kernels_template.h"
#pragma clang attribute pop

const struct image_kernels *image_kernels_avx512(void) { return &image_family_avx512; }
#else
const struct image_kernels *image_kernels_avx512(void) { return 0; }
#endif
