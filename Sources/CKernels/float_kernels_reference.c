#include <math.h>

#include "float_kernels.h"

/*
 * The definition, in plain C: sums in double, in the order of the kernel's rows, columns and input channels. Slow, and what every other
 * family is compared with.
 */

enum { panel_width = 16 };

static float relu(float value, const float *slope) {
    /* Keeps a NaN. */
    return value < 0.0f ? (slope ? value * *slope : 0.0f) : value;
}

static void convolve(const struct conv_f32 *conv, const float *input, float *output, const float *residual, size_t row_begin,
                     size_t row_end, size_t panel_begin, size_t panel_end) {
    const size_t run = conv->kernel * conv->in_channels;
    for (size_t panel = panel_begin; panel < panel_end; panel++) {
        const float *weights = conv->weights + panel * conv->kernel * run * panel_width;
        for (size_t y = row_begin; y < row_end; y++) {
            for (size_t x = 0; x < conv->out_width; x++) {
                const float *first = input + (ptrdiff_t)(y * conv->stride) * conv->in_row +
                                     (ptrdiff_t)x * conv->in_step;
                double sums[panel_width];
                for (size_t o = 0; o < panel_width; o++) sums[o] = conv->bias[panel * panel_width + o];
                for (size_t h = 0; h < conv->kernel; h++) {
                    const float *taps = first + (ptrdiff_t)h * conv->in_row;
                    for (size_t k = 0; k < run; k++) {
                        const double value = taps[k];
                        for (size_t o = 0; o < panel_width; o++)
                            sums[o] += value * (double)weights[(h * run + k) * panel_width + o];
                    }
                }
                const ptrdiff_t place = (ptrdiff_t)(x * conv->out_channels + panel * panel_width);
                float *out = output + (ptrdiff_t)y * conv->out_row + place;
                const float *add = residual ? residual + (ptrdiff_t)y * conv->residual_row + place : 0;
                for (size_t o = 0; o < panel_width; o++) {
                    float value = (float)sums[o];
                    if (add) value += add[o];
                    out[o] = conv->relu ? relu(value, conv->slopes ? conv->slopes + panel * panel_width + o : 0) : value;
                }
            }
        }
    }
}

static void max_pool_row(const struct max_pool_f32 *pool, const float *const rows[3], size_t row_count, float *output) {
    for (size_t x = 0; x < pool->out_width; x++) {
        const size_t begin = 2 * x < pool->padding ? 0 : 2 * x - pool->padding;
        const size_t last = 2 * x + pool->kernel - pool->padding;
        const size_t end = last < pool->width ? last : pool->width;
        for (size_t c = 0; c < pool->channels; c++) {
            float best = -INFINITY;
            for (size_t r = 0; r < row_count; r++)
                for (size_t column = begin; column < end; column++) {
                    const float value = rows[r][column * pool->channels + c];
                    if (!isnan(best) && (value > best || isnan(value))) best = value;
                }
            output[x * pool->channels + c] = best;
        }
    }
}

const struct float_kernels *float_kernels_reference(void) {
    static const struct float_kernels family = {
        .panel = panel_width, .convolve = convolve, .max_pool_row = max_pool_row};
    return &family;
}

int conv_f32_pack(const float *weights, const double *factors, size_t real_out, size_t real_in, size_t kernel,
                  size_t in_channels, size_t panel, size_t panel_begin, size_t panel_end, float *packed) {
    const size_t taps = kernel * kernel;
    float finite = 0;
    for (size_t p = panel_begin; p < panel_end; p++) {
        float *to = packed + p * taps * in_channels * panel;
        for (size_t tap = 0; tap < taps; tap++)
            for (size_t i = 0; i < in_channels; i++, to += panel)
                for (size_t lane = 0; lane < panel; lane++) {
                    const size_t o = p * panel + lane;
                    to[lane] = o < real_out && i < real_in
                                   ? (float)((double)weights[(o * real_in + i) * taps + tap] * factors[o])
                                   : 0.0f;
                    /* 0 for a finite value, NaN otherwise. */
                    finite += to[lane] - to[lane];
                }
    }
    return finite == 0;
}
