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

/*
 * Area resampling, as PyTorch's adaptive average pooling: output i of `windows` is the mean of inputs [bounds[i][0], bounds[i][1]), which is
 * [floor(i * length / windows), ceil((i + 1) * length / windows)). factors[i] = scale / (bounds[i][1] - bounds[i][0]).
 */
void area_windows(size_t length, size_t windows, float scale, int32_t *bounds, float *factors);

/* One family of kernels on pixels and boxes. Where nothing else is said all give the same bits. */
struct image_kernels {
    /*
     * dots[p] = bias + sum_c weights[c] * pixels[p, c] for `count` pixels of `channels` floats, a multiple of 16. The order of the sum is the
     * family's.
     */
    void (*pixel_dots)(const float *weights, float bias, const float *pixels, size_t count, size_t channels, float *dots);

    /* sums[i] = the sum over `row_count` rows, `row_bytes` apart, of byte i of each. */
    void (*sum_rows)(const uint8_t *first, ptrdiff_t row_bytes, size_t row_count, size_t count, uint32_t *sums);

    /*
     * Averages of RGB columns: output[x, c] = (sum of sums[i, c] for i in [bounds[x][0], bounds[x][1])) * factors[x] * row_factor + offset
     * for `out_width` pixels. `sums` is [width, 3], `prefix` room for [width + 1][4].
     */
    void (*average_columns)(const uint32_t *sums, size_t width, size_t out_width, const int32_t *bounds, const float *factors,
                            float row_factor, float offset, uint32_t *prefix, float *output);

    /*
     * Marks in `dropped` (with 1) each box in (chosen, count) whose overlap with box `chosen`, intersection by union, is more than `threshold`.
     * The corners are in `left`, `top`, `right`, `bottom`.
     */
    void (*drop_overlapping)(const float *left, const float *top, const float *right, const float *bottom, size_t chosen,
                             size_t count, float threshold, int32_t *dropped);
};

/* The families; NULL where the program was built for another architecture. The caller checks the CPU. */
const struct image_kernels *image_kernels_reference(void);
const struct image_kernels *image_kernels_avx2(void);
const struct image_kernels *image_kernels_avx512(void);

#endif
