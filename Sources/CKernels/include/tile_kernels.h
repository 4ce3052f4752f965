#ifndef WHORL_CKERNELS_TILE_KERNELS_H
#define WHORL_CKERNELS_TILE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Convolutions on AMX tiles. A number is one bfloat16 (parts = 1) or the sum of two, its rounding and the rounding of the rest (parts = 2);
 * of the four products of halves the smallest is left out. Sums are float32.
 *
 * An image's pixel is [channels / 32][parts][32] values; channel counts are padded with zeros to whole blocks of 32. A tile multiplies up to
 * sixteen output pixels, equally far apart in the input, with 32 input values and sixteen output channels.
 */

enum { tile_block = 32, tile_maximum_rows = 16 };

/* Offsets and distances count 16-bit values. */
struct tile_conv {
    size_t parts;
    size_t taps;
    const int32_t *tap_offsets;   /* [taps]: from the first tap to each */
    size_t in_blocks;             /* blocks of 32 input values at each tap */
    ptrdiff_t block_distance;     /* from one of them to the next */
    ptrdiff_t part_distance;      /* from the halves of the higher to those of the lower weight */
    ptrdiff_t row_distance;       /* from one of a tile's pixels to the next, under the same tap */
    size_t tile_rows;             /* pixels of a tile, 1...16 */
    size_t tiles_a_row;           /* tiles that cover one row of output pixels */
    const int32_t *tile_offsets;  /* [tiles_a_row]: the first pixel's first tap, in the first row */
    const int32_t *row_targets;   /* [tiles_a_row][16]: the output pixel's number in the first row, -1 for a row that is none */
    ptrdiff_t in_row;             /* from one row of output pixels to the next, in the input */
    ptrdiff_t out_row;            /* the same in numbers of output pixels */
    const uint16_t *weights;      /* [out_blocks][taps][in_blocks][parts][2][16][32] */
    const float *bias;            /* [out_blocks * 32] */
    ptrdiff_t out_pixel;          /* values (or, with float_output, floats) of an output pixel */
    const int32_t *residual_targets; /* as row_targets, residual_row and residual_pixel as theirs, for the residual */
    ptrdiff_t residual_row;
    ptrdiff_t residual_pixel;
    int float_output;             /* store float32 instead of parts */
    int relu;                     /* finish with max(0, x), which keeps a NaN and leaves no -0 */
    const float *slopes;          /* with relu: [out_blocks * 32] factors of negative values; NULL for zeros */
};

/*
 * Computes tiles [tile_begin, tile_end), counted row by row, of output blocks [block_begin, block_end). `residual`, if not NULL, is an
 * image of parts that is added before the ReLU; it may be the output itself. Configures the thread's tiles and releases them.
 */
void tile_convolve(const struct tile_conv *conv, const uint16_t *input, void *output, const uint16_t *residual,
                   size_t tile_begin, size_t tile_end, size_t block_begin, size_t block_end);

/*
 * One row of a 3x3 maximum with stride 2 and padding 1 over rows of single bfloat16 that a ReLU without slopes has made: such numbers have the
 * order of their bits, a NaN above all. The maximum over `row_count` (2 or 3) rows of `width` pixels, for (width - 1) / 2 + 1 output pixels.
 */
void tile_max_pool_row(const uint16_t *const rows[3], size_t row_count, size_t width, size_t blocks, uint16_t *output);

/* `blocks` blocks of 32 floats to [blocks][parts][32]. */
void tile_pack_blocks(const float *input, size_t blocks, size_t parts, uint16_t *output);

/* `count` floats to one row of values a part, `part_distance` apart. */
void tile_pack_row(const float *input, size_t count, size_t parts, ptrdiff_t part_distance, uint16_t *output);

/* The inverse of `tile_pack_blocks`, in plain C. */
void tile_unpack_blocks(const uint16_t *input, size_t blocks, size_t parts, float *output);

/*
 * Packs output blocks [block_begin, block_end) of `weights` [real_out][real_in][kernel][kernel], each output channel multiplied by its
 * factor. With `row_taps` a tap is a whole row of the kernel, kernel * real_in <= 32 values, for inputs of a few channels without padding.
 * Returns 0 if a value is not finite.
 */
int tile_conv_pack(const float *weights, const double *factors, size_t real_out, size_t real_in, size_t kernel,
                   size_t parts, int row_taps, size_t block_begin, size_t block_end, uint16_t *packed);

#endif
