#ifndef WHORL_CKERNELS_AUGMENT_KERNELS_H
#define WHORL_CKERNELS_AUGMENT_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Arithmetic on pictures for training. A picture is [height][width][channels] floats, 1 or 3 channels, with `augment_padding` floats behind
 * the last pixel that kernels read and overwrite but never use: so a pixel of three is loaded and stored as a vector of four.
 *
 * Plain C without fused multiply-add, which the compiler makes vectors of: the same bytes on every CPU.
 */

enum { augment_padding = 4 };

/* What a picture is beyond its edge. */
enum augment_border {
    augment_border_replicate = 0, /* aaaa|abcd|dddd */
    augment_border_reflect = 1,   /* dcba|abcd|dcba */
    augment_border_constant = 2   /* zero */
};

/* Which pixels of an axis each pixel of a resampled picture is made of: [count][taps] places and their weights. */
struct augment_axis {
    size_t count;
    size_t taps;
    const int32_t *places;
    const float *weights;
};

/*
 * Rows and columns by themselves: every output pixel is the weighted sum of its rows' taps, then of its columns'. `low` and `high` bound the
 * source columns that are used; `line` has room for (high - low) * channels + augment_padding floats.
 */
void augment_resample_f32(const float *source, size_t width, size_t channels, const struct augment_axis *rows,
                          const struct augment_axis *columns, size_t low, size_t high, float *line, float *target);
/* The same on bytes, rows `row_bytes` apart. */
void augment_resample_u8(const uint8_t *source, size_t row_bytes, size_t channels, const struct augment_axis *rows,
                         const struct augment_axis *columns, size_t low, size_t high, float *line, float *target);

/* A rectangle of a picture. */
struct augment_region {
    size_t left, top, right, bottom;
};

/*
 * Pixel (x, y) of the target becomes the source's at (m0 x + m1 y + m2, m3 x + m4 y + m5), whole numbers being middles of pixels,
 * bilinear. Three channels; both pictures are width x height.
 */
void augment_warp_rgb(const float *source, size_t width, size_t height, const double matrix[6], enum augment_border border,
                      float *target);

/*
 * The same source blended in within a region: target += mask * (source - target) where the mask, of one channel, is not 0. The target is
 * no part of the source.
 */
void augment_blend_warped(const float *source, size_t width, size_t height, const double matrix[6], enum augment_border border,
                          const float *mask, const struct augment_region *region, float *target);

/* Pixel (x, y) becomes the source's at (x + dx[y][x], y + dy[y][x]), bilinear, zero beyond the edge. One channel. */
void augment_displace(const float *source, size_t width, size_t height, const float *dx, const float *dy, float *target);

/*
 * A symmetric filter along both axes: weights[0] in the middle, weights[radius] at the ends; beyond the edge the picture is mirrored without
 * its edge (dcb|abcd|cba). `line` has room for (width + 2 * radius) * channels + 16 floats, `taps` for 2 * radius + 1 pointers.
 */
void augment_blur(const float *source, size_t width, size_t height, size_t channels, const float *weights, size_t radius,
                  float *line, const float **taps, float *target);

/* Each channel times a factor plus an offset, kept within 0...255, in place. */
void augment_gain(float *pixels, size_t count, const float gain[3], const float offset[3]);

/* Hue (in sixths of the circle), saturation (0...1) and value (0...255) shifted, each kept in its range, in place; pixels within 0...255. */
void augment_shift_hsv(float *pixels, size_t count, float hue, float saturation, float value);

/* pixels + amount * (pixels - blurred), kept within 0...255, into pixels; `count` floats. */
void augment_sharpen(float *pixels, const float *blurred, size_t count, float amount);

/* Values times `factor`; those below `least` become 0. */
void augment_threshold(float *values, size_t count, float least, float factor);

/* To the nearest byte, halves to even. */
void augment_to_bytes(const float *values, size_t count, uint8_t *bytes);
void augment_from_bytes(const uint8_t *bytes, size_t count, float *values);

#endif
