#include <string.h>

#include "float_kernels.h"

void im2col_f32(const struct conv_f32 *conv, const float *input, size_t row_begin, size_t row_end, float *columns) {
    const size_t run = conv->kernel * conv->in_channels;
    for (size_t y = row_begin; y < row_end; y++) {
        const float *row = input + (ptrdiff_t)(y * conv->stride) * conv->in_row;
        for (size_t x = 0; x < conv->out_width; x++) {
            const float *taps = row + (ptrdiff_t)x * conv->in_step;
            for (size_t h = 0; h < conv->kernel; h++, columns += run)
                memcpy(columns, taps + (ptrdiff_t)h * conv->in_row, run * sizeof(float));
        }
    }
}

void im2col_finish_f32(const struct conv_f32 *conv, const float *product, const float *residual, size_t row_begin,
                       size_t row_end, float *output) {
    for (size_t y = row_begin; y < row_end; y++) {
        float *out = output + (ptrdiff_t)y * conv->out_row;
        const float *add = residual ? residual + (ptrdiff_t)y * conv->residual_row : 0;
        for (size_t x = 0; x < conv->out_width; x++, product += conv->out_channels, out += conv->out_channels) {
            for (size_t c = 0; c < conv->out_channels; c++) {
                float value = product[c] + conv->bias[c];
                if (add) value += add[c];
                /* Written so that a NaN stays one. */
                out[c] = conv->relu && value < 0.0f ? (conv->slopes ? value * conv->slopes[c] : 0.0f) : value;
            }
            if (add) add += conv->out_channels;
        }
    }
}
