#ifndef WHORL_CKERNELS_FLOAT_KERNELS_H
#define WHORL_CKERNELS_FLOAT_KERNELS_H

#include <stddef.h>

/*
 * Images lie with their channels innermost: a pixel is `channels` floats, the pixels of a row follow one another, rows are a fixed
 * distance apart. The zeros around a picture are stored: a kernel reads them like any pixel. Channel counts are padded with zeros to whole
 * panels, a panel being the output channels that one micro-kernel computes.
 */

/* A convolution with a square kernel over one image. */
struct conv_f32 {
    size_t in_channels;      /* floats of an input pixel */
    size_t out_channels;     /* floats of an output pixel: whole panels */
    size_t kernel;
    size_t stride;
    size_t out_width;
    ptrdiff_t in_step;       /* floats between the first taps of neighbouring outputs: stride * in_channels within one image */
    ptrdiff_t in_row;        /* floats between rows of the input */
    ptrdiff_t out_row;       /* floats between rows of the output */
    ptrdiff_t residual_row;  /* floats between rows of the residual */
    const float *weights;    /* [out_channels / panel][kernel * kernel * in_channels][panel] */
    const float *bias;       /* [out_channels] */
    int relu;                /* finish with max(0, x), which keeps a NaN */
    const float *slopes;     /* with relu: [out_channels] factors that negative values are multiplied with; NULL for zeros */
};

/* A 3x3 convolution of stride 1 by Winograd's F(tile x tile, 3x3) over one image. */
struct winograd_f32 {
    size_t tile;             /* 2, 3 or 4 outputs a side */
    size_t in_channels;
    size_t out_channels;
    size_t height;           /* of the output */
    size_t width;
    ptrdiff_t in_row;
    ptrdiff_t out_row;
    ptrdiff_t residual_row;
    const float *bias;
    int relu;
    const float *slopes;     /* as conv_f32's */
};

/*
 * A maximum over kernel x kernel pixels (2 or 3), with stride 2. Windows that reach over the picture's edge are cut there, so with padding 0
 * it is for the caller to say, by out_width, whether a last one of fewer pixels counts.
 */
struct max_pool_f32 {
    size_t kernel;
    size_t padding;          /* 0, or 1 with kernel 3 */
    size_t width;            /* pixels of an input row */
    size_t channels;         /* floats of a pixel: whole panels */
    size_t out_width;
};

/* One family of kernels. Functions that a family lacks are NULL. */
struct float_kernels {
    size_t panel;

    /*
     * Output rows [row_begin, row_end) of panels [panel_begin, panel_end). `input` is the pixel under the first tap of output (0, 0);
     * `residual`, if not NULL, is added before the ReLU and may be the output itself.
     */
    void (*convolve)(const struct conv_f32 *conv, const float *input, float *output, const float *residual, size_t row_begin,
                     size_t row_end, size_t panel_begin, size_t panel_end);

    /*
     * The transform Bt d B (Lavin and Gray 2016, arXiv:1509.09308, section 4) of tiles [tile_begin, tile_end), counted row by row. Value k
     * of tile t goes to transformed[k * stride + (t - tile_begin) * in_channels]. `input` as above.
     */
    void (*winograd_input)(const struct winograd_f32 *conv, const float *input, size_t tile_begin, size_t tile_end,
                           float *transformed, ptrdiff_t stride);

    /*
     * product[r, c] = sum_d a[r, d] * b[d, c] for whole panels: a has rows of a_row floats, b is [panels][depth][panel], product has rows of
     * product_row floats.
     */
    void (*multiply)(const float *a, ptrdiff_t a_row, size_t rows, size_t depth, const float *b, size_t panels, float *product,
                     ptrdiff_t product_row);

    /*
     * The transform At m A of the products of tiles [tile_begin, tile_end), laid out as `winograd_input` does, for panels
     * [panel_begin, panel_end); bias, residual and ReLU as above.
     */
    void (*winograd_output)(const struct winograd_f32 *conv, const float *products, ptrdiff_t stride, size_t tile_begin,
                            size_t tile_end, size_t panel_begin, size_t panel_end, float *output, const float *residual);

    /* One row of a maximum, over `row_count` (1...3) rows of pixels. Keeps a NaN, as PyTorch's does. */
    void (*max_pool_row)(const struct max_pool_f32 *pool, const float *const rows[3], size_t row_count, float *output);

    /*
     * The transform G g Gt of one panel's kernels, computed in double from weights * factors rounded to float. `weights` is
     * [real_out][real_in][3][3]; value k of channel pair (i, o) goes to packed[k * stride + i * panel + o]. Returns 0 if a value is not finite.
     */
    int (*winograd_pack)(size_t tile, const float *weights, const double *factors, size_t real_out, size_t real_in,
                         size_t panel_index, float *packed, ptrdiff_t stride);

    /*
     * A 3x3 convolution of stride 1 on the first `channels` of each pixel, at most four, by Winograd's F(4, 3) along rows, without residual:
     * output rows [row_begin, row_end) of panels [panel_begin, panel_end). The weights are [panels][3][channels][6][panel]; `scratch` has
     * room for 72 * ceil(out_width / 4) floats.
     */
    void (*convolve_rows)(const struct conv_f32 *conv, size_t channels, const float *input, float *output, size_t row_begin,
                          size_t row_end, size_t panel_begin, size_t panel_end, float *scratch);

    /* Packs one panel's weights for `convolve_rows`, as `winograd_pack` does. */
    int (*winograd_rows_pack)(const float *weights, const double *factors, size_t real_out, size_t real_in, size_t panel_index,
                              float *packed);
};

/* The families; NULL where the program was built for another architecture. The caller checks the CPU. */
const struct float_kernels *float_kernels_reference(void);
const struct float_kernels *float_kernels_avx2(void);
const struct float_kernels *float_kernels_avx512(void);
/* With panels of one vector instead of two, for layers of few channels. */
const struct float_kernels *float_kernels_avx512_narrow(void);

/*
 * Packs panels [panel_begin, panel_end) of `weights` [real_out][real_in][kernel][kernel], each output channel multiplied by its factor, for
 * `convolve` (or, with one panel as wide as the output, for a plain matrix product). Returns 0 if a value is not finite.
 */
int conv_f32_pack(const float *weights, const double *factors, size_t real_out, size_t real_in, size_t kernel,
                  size_t in_channels, size_t panel, size_t panel_begin, size_t panel_end, float *packed);

/*
 * Unrolls the input of output rows [row_begin, row_end): one row of kernel * kernel * in_channels floats for each output pixel, so that
 * columns x packed weights is the convolution.
 */
void im2col_f32(const struct conv_f32 *conv, const float *input, size_t row_begin, size_t row_end, float *columns);

/* Adds bias and residual to a product of im2col's rows, applies the ReLU and stores it as output rows [row_begin, row_end). */
void im2col_finish_f32(const struct conv_f32 *conv, const float *product, const float *residual, size_t row_begin,
                       size_t row_end, float *output);

#endif
