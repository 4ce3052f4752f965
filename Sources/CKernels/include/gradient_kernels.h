#ifndef WHORL_CKERNELS_GRADIENT_KERNELS_H
#define WHORL_CKERNELS_GRADIENT_KERNELS_H

#include "float_kernels.h"

/*
 * What the backward pass needs beside the convolutions themselves: a convolution's gradient with respect to its input is a convolution with
 * turned weights, that with respect to its weights a product over pixels. Sums go on in one fixed order, whoever computes which part.
 */

/* Pixels of two pictures that go together: `rows` rows of `columns`. */
struct pixel_pairs_f32 {
    size_t rows;
    size_t columns;
    ptrdiff_t a_step;        /* floats from a pixel to the next */
    ptrdiff_t a_row;         /* floats from a row to the next */
    ptrdiff_t b_step;
    ptrdiff_t b_row;
};

/* A channel's part in a batch normalisation's gradient: dx = scale * dy + shift + slope * x. */
struct norm_gradient_f32 {
    const float *scale;      /* [channels] */
    const float *shift;
    const float *slope;
};

/* One family of gradient kernels. Functions that a family lacks are NULL. */
struct gradient_kernels {
    size_t panel;            /* that of the family's float_kernels */

    /*
     * sums[i, o] += sum over the pixels of a[pixel, i] * b[pixel, o], for `depth` values i and whole panels o; sums has rows of sums_row
     * floats.
     */
    void (*multiply_pixels)(const struct pixel_pairs_f32 *pairs, const float *a, size_t depth, const float *b, size_t panels,
                            float *sums, ptrdiff_t sums_row);

    /*
     * The transform A z At, the adjoint of `winograd_output`'s, of the output's gradient on tiles [tile_begin, tile_end); what lies beyond the
     * picture counts as zero. A panel's values of one tile lie together: value k of panel p and tile t begins at
     * transformed[k * stride + p * panel_stride + (t - tile_begin) * panel]. `gradient` is the picture's first pixel, with rows of
     * conv->out_row floats.
     */
    void (*winograd_gradient)(const struct winograd_f32 *conv, const float *gradient, size_t tile_begin, size_t tile_end,
                              float *transformed, ptrdiff_t stride, ptrdiff_t panel_stride);

    /*
     * The transform Gt u G, the adjoint of `winograd_pack`'s: products[k * stride + i * out_channels + o] to weight gradients
     * [real_out][real_in][3][3], for input channels [in_begin, in_end).
     */
    void (*winograd_weights)(size_t tile, const float *products, ptrdiff_t stride, size_t out_channels, size_t real_out, size_t real_in,
                             size_t in_begin, size_t in_end, float *weights);

    /* gradient[x] = 0 where output[x] is not above 0, for `count` floats, a multiple of the panel. */
    void (*relu_gradient)(const float *output, float *gradient, size_t count);

    /* sums[c] += sum over `pixels` pixels of values[pixel, c], `channels` a multiple of the panel. */
    void (*add_channels)(const float *values, size_t pixels, size_t channels, float *sums);

    /* As add_channels, of (values[pixel, c] - center[c]) * others[pixel, c]. */
    void (*add_centered_products)(const float *values, const float *center, const float *others, size_t pixels, size_t channels,
                                  float *sums);

    /* output[pixel, c] = scale[c] * input[pixel, c] + shift[c], + residual if not NULL, then the ReLU if asked. */
    void (*scale_channels)(const float *input, const float *scale, const float *shift, const float *residual, int relu, size_t pixels,
                           size_t channels, float *output);

    /* values[pixel, c] = scale * gradient + shift + slope * values: overwrites what was normalised with its gradient. */
    void (*norm_gradient)(const struct norm_gradient_f32 *norm, const float *gradient, size_t pixels, size_t channels, float *values);

    /*
     * Adds the gradients of one row of a maximum to the rows under it: each to the first pixel of its window, row by row, that holds the
     * maximum, as PyTorch does. `rows` are the input's, `gradients` their gradients'.
     */
    void (*max_pool_gradient)(const struct max_pool_f32 *pool, const float *const rows[3], size_t row_count, const float *output,
                              const float *gradient, float *const gradients[3]);

    /* target[x] += source[x] */
    void (*add)(const float *source, float *target, size_t count);
};

/* The families; NULL where the program was built for another architecture. */
const struct gradient_kernels *gradient_kernels_reference(void);
const struct gradient_kernels *gradient_kernels_avx2(void);
const struct gradient_kernels *gradient_kernels_avx512(void);
const struct gradient_kernels *gradient_kernels_avx512_narrow(void);

/* Weights [out][in][taps] to [in][out][taps turned around], for input channels [in_begin, in_end): those of the gradient's convolution. */
void turn_weights_f32(const float *weights, size_t out, size_t in, size_t taps, size_t in_begin, size_t in_end, float *turned);

/*
 * Sums over pixels, [taps][in_padded][out_padded], to weight gradients [out][in][taps], for output channels [out_begin, out_end).
 */
void unpack_weights_f32(const float *sums, size_t out, size_t in, size_t taps, size_t in_padded, size_t out_padded, size_t out_begin,
                        size_t out_end, float *weights);

#endif
