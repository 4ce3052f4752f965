#include "image_kernels.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#define FAMILY image_family_avx2
#include "image_kernels_template.h"
#pragma clang attribute pop

const struct image_kernels *image_kernels_avx2(void) { return &image_family_avx2; }
#else
const struct image_kernels *image_kernels_avx2(void) { return 0; }
#endif
