/*
 * Part of float_kernels_template.h: the backward pass's kernels for one vector width.
 */
#include "gradient_kernels.h"

ALWAYS_INLINE void pixel_micro(const int depth, const struct pixel_pairs_f32 *pairs, const float *a, const float *b, float *sums,
                               ptrdiff_t sums_row) {
    vec total[ROWS][VECTORS];
#pragma clang loop unroll(full)
    for (int i = 0; i < depth; i++)
#pragma clang loop unroll(full)
        for (int v = 0; v < VECTORS; v++) total[i][v] = load(sums + i * sums_row + v * LANES);
    for (size_t y = 0; y < pairs->rows; y++) {
        const float *left = a + (ptrdiff_t)y * pairs->a_row, *right = b + (ptrdiff_t)y * pairs->b_row;
        for (size_t x = 0; x < pairs->columns; x++) {
            vec factors[VECTORS];
#pragma clang loop unroll(full)
            for (int v = 0; v < VECTORS; v++) factors[v] = load(right + v * LANES);
#pragma clang loop unroll(full)
            for (int i = 0; i < depth; i++) {
                const vec value = splat(left[i]);
#pragma clang loop unroll(full)
                for (int v = 0; v < VECTORS; v++) total[i][v] = fma_vec(value, factors[v], total[i][v]);
            }
            left += pairs->a_step;
            right += pairs->b_step;
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < depth; i++)
#pragma clang loop unroll(full)
        for (int v = 0; v < VECTORS; v++) store(sums + i * sums_row + v * LANES, total[i][v]);
}

#define PIXEL_CASE(depth)                                                              \
    case (depth):                                                                      \
        if ((depth) <= ROWS) pixel_micro(depth, pairs, a, b, sums, sums_row); \
        break;

static __attribute__((noinline)) void pixel_micro_depth(size_t depth, const struct pixel_pairs_f32 *pairs, const float *a, const float *b,
                                                        float *sums, ptrdiff_t sums_row) {
    switch (depth) {
        PIXEL_CASE(1) PIXEL_CASE(2) PIXEL_CASE(3) PIXEL_CASE(4) PIXEL_CASE(5) PIXEL_CASE(6) PIXEL_CASE(7)
        PIXEL_CASE(8) PIXEL_CASE(9) PIXEL_CASE(10) PIXEL_CASE(11) PIXEL_CASE(12) PIXEL_CASE(13) PIXEL_CASE(14)
    }
}

static void multiply_pixels(const struct pixel_pairs_f32 *pairs, const float *a, size_t depth, const float *b, size_t panels,
                            float *sums, ptrdiff_t sums_row) {
    for (size_t panel = 0; panel < panels; panel++) {
        size_t left = depth, place = 0;
        for (size_t blocks = (depth + ROWS - 1) / ROWS; blocks > 0; blocks--) {
            const size_t rows = (left + blocks - 1) / blocks;
            pixel_micro_depth(rows, pairs, a + place, b + panel * panel_width,
                              sums + (ptrdiff_t)place * sums_row + (ptrdiff_t)(panel * panel_width), sums_row);
            place += rows;
            left -= rows;
        }
    }
}

/* A z of F(4, 3): four values to six (the columns of At, section 4.3). */
ALWAYS_INLINE void gradient_transform_4(const vec *z, int step, vec *o, int out_step) {
    const vec z0 = z[0], z1 = z[step], z2 = z[2 * step], z3 = z[3 * step];
    const vec even = z0 + z2, odd = z1 + z3;
    const vec even2 = fma_vec(splat(4.0f), z2, z0), odd2 = fma_vec(splat(8.0f), z3, 2.0f * z1);
    o[0] = z0;
    o[out_step] = even + odd;
    o[2 * out_step] = even - odd;
    o[3 * out_step] = even2 + odd2;
    o[4 * out_step] = even2 - odd2;
    o[5 * out_step] = z3;
}

/* A z of F(3, 3): three values to five. */
ALWAYS_INLINE void gradient_transform_3(const vec *z, int step, vec *o, int out_step) {
    const vec z0 = z[0], z1 = z[step], z2 = z[2 * step];
    const vec even = z0 + z2;
    o[0] = z0;
    o[out_step] = even + z1;
    o[2 * out_step] = even - z1;
    o[3 * out_step] = fma_vec(splat(4.0f), z2, fma_vec(splat(2.0f), z1, z0));
    o[4 * out_step] = z2;
}

/* A z of F(2, 3): two values to four. */
ALWAYS_INLINE void gradient_transform_2(const vec *z, int step, vec *o, int out_step) {
    const vec z0 = z[0], z1 = z[step];
    o[0] = z0;
    o[out_step] = z0 + z1;
    o[2 * out_step] = z0 - z1;
    o[3 * out_step] = splat(0.0f) - z1;
}

ALWAYS_INLINE void gradient_tile(const int tile, const int whole, const struct winograd_f32 *conv, const float *gradient, size_t rows,
                                 size_t columns, float *transformed, ptrdiff_t stride, ptrdiff_t panel_stride) {
    const int side = tile + 2;
    for (size_t c = 0; c < conv->out_channels; c += LANES) {
        float *to = transformed + (ptrdiff_t)(c / panel_width) * panel_stride + (ptrdiff_t)(c % panel_width);
        vec z[16], half[24], o[36];
#pragma clang loop unroll(full)
        for (int y = 0; y < tile; y++)
#pragma clang loop unroll(full)
            for (int x = 0; x < tile; x++)
                z[y * tile + x] = whole || ((size_t)y < rows && (size_t)x < columns)
                                      ? load(gradient + y * conv->out_row + (ptrdiff_t)((size_t)x * conv->out_channels + c))
                                      : splat(0.0f);
#pragma clang loop unroll(full)
        for (int x = 0; x < tile; x++) {
            if (tile == 4)
                gradient_transform_4(z + x, 4, half + x, 4);
            else if (tile == 3)
                gradient_transform_3(z + x, 3, half + x, 3);
            else
                gradient_transform_2(z + x, 2, half + x, 2);
        }
#pragma clang loop unroll(full)
        for (int y = 0; y < side; y++) {
            if (tile == 4)
                gradient_transform_4(half + y * 4, 1, o + y * 6, 1);
            else if (tile == 3)
                gradient_transform_3(half + y * 3, 1, o + y * 5, 1);
            else
                gradient_transform_2(half + y * 2, 1, o + y * 4, 1);
        }
#pragma clang loop unroll(full)
        for (int k = 0; k < side * side; k++) store(to + k * stride, o[k]);
    }
}

static void winograd_gradient(const struct winograd_f32 *conv, const float *gradient, size_t tile_begin, size_t tile_end,
                              float *transformed, ptrdiff_t stride, ptrdiff_t panel_stride) {
    const size_t tiles_x = (conv->width + conv->tile - 1) / conv->tile;
    for (size_t t = tile_begin; t < tile_end; t++) {
        const size_t y = t / tiles_x * conv->tile, x = t % tiles_x * conv->tile;
        const float *from = gradient + (ptrdiff_t)y * conv->out_row + (ptrdiff_t)(x * conv->out_channels);
        float *to = transformed + (ptrdiff_t)((t - tile_begin) * panel_width);
        const size_t rows = conv->height - y, columns = conv->width - x;
        const int whole = rows >= conv->tile && columns >= conv->tile;
        if (conv->tile == 4)
            whole ? gradient_tile(4, 1, conv, from, rows, columns, to, stride, panel_stride)
                  : gradient_tile(4, 0, conv, from, rows, columns, to, stride, panel_stride);
        else if (conv->tile == 3)
            whole ? gradient_tile(3, 1, conv, from, rows, columns, to, stride, panel_stride)
                  : gradient_tile(3, 0, conv, from, rows, columns, to, stride, panel_stride);
        else
            whole ? gradient_tile(2, 1, conv, from, rows, columns, to, stride, panel_stride)
                  : gradient_tile(2, 0, conv, from, rows, columns, to, stride, panel_stride);
    }
}

/* Gt u: `side` values, `step` apart, to three. */
ALWAYS_INLINE void weight_transform(const int tile, const vec *u, int step, vec *o, int out_step) {
    if (tile == 4) {
        const vec sum1 = u[step] + u[2 * step], difference1 = u[2 * step] - u[step];
        const vec sum2 = u[3 * step] + u[4 * step], difference2 = u[3 * step] - u[4 * step];
        o[0] = fma_vec(splat(1.0f / 4), u[0], fma_vec(splat(1.0f / 24), sum2, splat(-1.0f / 6) * sum1));
        o[out_step] = fma_vec(splat(1.0f / 12), difference2, splat(1.0f / 6) * difference1);
        o[2 * out_step] = fma_vec(splat(1.0f / 6), sum2 - sum1, u[5 * step]);
    } else if (tile == 3) {
        o[0] = fma_vec(splat(0.5f), u[0] - u[step], splat(1.0f / 6) * (u[3 * step] - u[2 * step]));
        o[out_step] = fma_vec(splat(-0.5f), u[step], fma_vec(splat(1.0f / 6), u[2 * step], splat(1.0f / 3) * u[3 * step]));
        o[2 * out_step] =
            fma_vec(splat(-0.5f), u[step], fma_vec(splat(-1.0f / 6), u[2 * step], fma_vec(splat(2.0f / 3), u[3 * step], u[4 * step])));
    } else {
        const vec sum = u[step] + u[2 * step];
        o[0] = fma_vec(splat(0.5f), sum, u[0]);
        o[out_step] = splat(0.5f) * (u[step] - u[2 * step]);
        o[2 * out_step] = fma_vec(splat(0.5f), sum, u[3 * step]);
    }
}

ALWAYS_INLINE void weights_block(const int tile, const float *products, ptrdiff_t stride, size_t real, size_t real_in, float *weights) {
    const int side = tile + 2;
    vec u[36], half[18], o[9];
#pragma clang loop unroll(full)
    for (int k = 0; k < side * side; k++) u[k] = load(products + k * stride);
#pragma clang loop unroll(full)
    for (int x = 0; x < side; x++) weight_transform(tile, u + x, side, half + x, side);
#pragma clang loop unroll(full)
    for (int y = 0; y < 3; y++) weight_transform(tile, half + y * side, 1, o + y * 3, 1);
    for (size_t lane = 0; lane < real; lane++)
#pragma clang loop unroll(full)
        for (int tap = 0; tap < 9; tap++) weights[lane * real_in * 9 + (size_t)tap] = o[tap][lane];
}

static void winograd_weights(size_t tile, const float *products, ptrdiff_t stride, size_t out_channels, size_t real_out, size_t real_in,
                             size_t in_begin, size_t in_end, float *weights) {
    for (size_t first = 0; first < real_out; first += LANES) {
        const size_t real = real_out - first < LANES ? real_out - first : LANES;
        for (size_t i = in_begin; i < in_end; i++) {
            const float *from = products + i * out_channels + first;
            float *to = weights + (first * real_in + i) * 9;
            if (tile == 4)
                weights_block(4, from, stride, real, real_in, to);
            else if (tile == 3)
                weights_block(3, from, stride, real, real_in, to);
            else
                weights_block(2, from, stride, real, real_in, to);
        }
    }
}

static void relu_gradient(const float *output, float *gradient, size_t count) {
    for (size_t x = 0; x < count; x += LANES) store(gradient + x, load(output + x) > splat(0.0f) ? load(gradient + x) : splat(0.0f));
}

/* Channels that are summed side by side, and of two pixels each: sums that wait for one another would cost the latency of each addition. */
static void add_channels(const float *values, size_t pixels, size_t channels, float *sums) {
    for (size_t c = 0; c < channels; c += LANES) {
        vec even = splat(0.0f), odd = splat(0.0f);
        const float *from = values + c;
        size_t p = 0;
        for (; p + 1 < pixels; p += 2, from += 2 * channels) {
            even += load(from);
            odd += load(from + channels);
        }
        if (p < pixels) even += load(from);
        store(sums + c, load(sums + c) + (even + odd));
    }
}

static void add_centered_products(const float *values, const float *center, const float *others, size_t pixels, size_t channels,
                                  float *sums) {
    for (size_t c = 0; c < channels; c += LANES) {
        vec even = splat(0.0f), odd = splat(0.0f);
        const vec middle = load(center + c);
        const float *a = values + c, *b = others + c;
        size_t p = 0;
        for (; p + 1 < pixels; p += 2, a += 2 * channels, b += 2 * channels) {
            even = fma_vec(load(a) - middle, load(b), even);
            odd = fma_vec(load(a + channels) - middle, load(b + channels), odd);
        }
        if (p < pixels) even = fma_vec(load(a) - middle, load(b), even);
        store(sums + c, load(sums + c) + (even + odd));
    }
}

static void scale_channels(const float *input, const float *scale, const float *shift, const float *residual, int relu, size_t pixels,
                           size_t channels, float *output) {
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c += LANES) {
            const size_t place = p * channels + c;
            vec value = fma_vec(load(scale + c), load(input + place), load(shift + c));
            if (residual) value += load(residual + place);
            store(output + place, relu ? relu_vec(value) : value);
        }
}

static void norm_gradient(const struct norm_gradient_f32 *norm, const float *gradient, size_t pixels, size_t channels, float *values) {
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c += LANES) {
            const size_t place = p * channels + c;
            const vec inner = fma_vec(load(norm->slope + c), load(values + place), load(norm->shift + c));
            store(values + place, fma_vec(load(norm->scale + c), load(gradient + place), inner));
        }
}

static void max_pool_gradient(const struct max_pool_f32 *pool, const float *const rows[3], size_t row_count, const float *output,
                              const float *gradient, float *const gradients[3]) {
    for (size_t x = 0; x < pool->out_width; x++) {
        const size_t begin = 2 * x < pool->padding ? 0 : 2 * x - pool->padding;
        const size_t last = 2 * x + pool->kernel - pool->padding;
        const size_t end = last < pool->width ? last : pool->width;
        for (size_t c = 0; c < pool->channels; c += LANES) {
            const vec best = load(output + x * pool->channels + c);
            vec left = load(gradient + x * pool->channels + c);
            for (size_t r = 0; r < row_count; r++)
                for (size_t column = begin; column < end; column++) {
                    const size_t place = column * pool->channels + c;
                    const vec_mask here = load(rows[r] + place) == best;
                    store(gradients[r] + place, load(gradients[r] + place) + (here ? left : splat(0.0f)));
                    left = here ? splat(0.0f) : left;
                }
        }
    }
}

static void add(const float *source, float *target, size_t count) {
    for (size_t x = 0; x < count; x += LANES) store(target + x, load(target + x) + load(source + x));
}

static const struct gradient_kernels GRADIENT_FAMILY = {
    .panel = panel_width,
    .multiply_pixels = multiply_pixels,
    .winograd_gradient = winograd_gradient,
    .winograd_weights = winograd_weights,
    .relu_gradient = relu_gradient,
    .add_channels = add_channels,
    .add_centered_products = add_centered_products,
    .scale_channels = scale_channels,
    .norm_gradient = norm_gradient,
    .max_pool_gradient = max_pool_gradient,
    .add = add,
};
