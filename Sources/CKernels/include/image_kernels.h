#ifndef WHORL_CKERNELS_IMAGE_KERNELS_H
#define WHORL_CKERNELS_IMAGE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* RGB24 [pixels, 3] to float [pixels, 3]: each byte's entry in its channel's table, [3][256]. */
void normalize_rgb8_f32(const uint8_t *rgb, size_t pixels, const float *table, float *output);

/* Three planes of `pixels` floats to [pixels, 3]. */
void interleave_planes_f32(const float *first, const float *second, const float *third, size_t pixels, float *output);

/* 1 if every value is finite, else 0. */
int all_finite_f32(const float *values, size_t count);

/* output[c] = mean over `pixels` pixels of channel c of [pixels, channels], summed in double in the pixels' order. */
void channel_means_f32(const float *input, size_t pixels, size_t channels, float *output);

/* output[p] = sum_c weights[c] * input[p, c], in double in one fixed order: one map out of all channels. */
void channel_sums_f64(const double *weights, const float *input, size_t pixels, size_t channels, double *output);

/* output[r] = bias[r] + sum_c weights[r, c] * input[c], summed in double in one fixed order. */
void linear_f64(const float *weights, const float *bias, const float *input, size_t rows, size_t columns, double *output);

#endif
