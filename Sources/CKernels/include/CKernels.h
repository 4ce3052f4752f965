#ifndef WHORL_CKERNELS_H
#define WHORL_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Plain C kernels of the forward pass. All tensors are contiguous, row-major float32; planes are [channels, height, width].
 * Pointers need the alignment of float only and, where `restrict`, must not overlap. No kernel allocates or keeps state.
 */

/* A convolution over one image: square kernel, one stride and one zero padding for both axes. */
struct conv2d_shape {
    size_t in_channels;
    size_t in_height;
    size_t in_width;
    size_t out_channels;
    size_t out_height;
    size_t out_width;
    size_t kernel;
    size_t stride;
    size_t padding;
};

/*
 * Unrolls the input of output rows [row_begin, row_end) into `columns`
 * [in_channels * kernel * kernel, (row_end - row_begin) * out_width], so that weights x columns is the convolution.
 */
void im2col_f32(const struct conv2d_shape *shape, const float *restrict input, size_t row_begin, size_t row_end,
                float *restrict columns);

/* The definition of the convolution, summed in double: slow, and what the fast way is compared with. bias may be NULL. */
void conv2d_reference(const struct conv2d_shape *shape, const float *restrict input, const float *restrict weights,
                      const float *restrict bias, float *restrict output);

/* data[c, i] += bias[c] for `columns` values of each row; rows lie `row_stride` floats apart. */
void bias_f32(float *restrict data, const float *restrict bias, size_t channels, size_t columns, size_t row_stride);

/* data[c, i] = max(0, data[c, i] + bias[c]). */
void bias_relu_f32(float *restrict data, const float *restrict bias, size_t channels, size_t columns,
                   size_t row_stride);

/* data[c, i] = max(0, data[c, i] + bias[c] + residual[c, i]); residual has the rows of data. */
void bias_residual_relu_f32(float *restrict data, const float *restrict bias, const float *restrict residual,
                            size_t channels, size_t columns, size_t row_stride);

/* 3x3 maximum, stride 2, padding 1 of minus infinity; output is [channels, (h - 1) / 2 + 1, (w - 1) / 2 + 1]. */
void max_pool_3x3s2_f32(const float *restrict input, size_t channels, size_t height, size_t width,
                        float *restrict output);

/* output[c] = mean of the plane c of `plane` values, summed in double. */
void global_average_pool_f32(const float *restrict input, size_t channels, size_t plane, float *restrict output);

/* output[r] = bias[r] + sum_c weights[r, c] * input[c], summed in double in one fixed order. */
void linear_f64(const float *restrict weights, const float *restrict bias, const float *restrict input, size_t rows,
                size_t columns, double *restrict output);

/* output[i] = sum_c weights[c] * input[c, i]: one map out of `channels` planes, summed in double. */
void weighted_plane_sum_f64(const double *restrict weights, const float *restrict input, size_t channels,
                            size_t plane, double *restrict output);

/* RGB24 [pixels, 3] to planar [3, pixels]: (value / 255 - mean[c]) / std[c], in float32 as torchvision computes it. */
void normalize_rgb8_f32(const uint8_t *restrict rgb, size_t pixels, const float mean[3], const float std[3],
                        float *restrict output);

/* 1 if every value is finite, else 0. */
int all_finite_f32(const float *values, size_t count);

/* What the CPU and its operating system let a float kernel use. */
enum cpu_vector_level { cpu_vector_baseline = 0, cpu_vector_avx2 = 1, cpu_vector_avx512 = 2 };

enum cpu_vector_level cpu_vector_level_detect(void);

#endif
