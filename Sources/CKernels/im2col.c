#include "CKernels.h"

#include <string.h>

/* One row of the input as one kernel tap sees it: out_width values, `stride` apart, zero outside the picture. */
static void gather_row(const float *restrict row, size_t width, size_t out_width, size_t stride, ptrdiff_t first,
                       float *restrict out) {
    size_t begin = 0;
    if (first < 0) {
        begin = ((size_t)(-first) + stride - 1) / stride;
        if (begin > out_width) begin = out_width;
    }
    size_t end = 0;
    if ((ptrdiff_t)width > first) {
        end = (size_t)((ptrdiff_t)width - first - 1) / stride + 1;
        if (end > out_width) end = out_width;
    }
    if (end < begin) end = begin;

    for (size_t x = 0; x < begin; x++) out[x] = 0.0f;
    if (stride == 1) {
        if (end > begin) memcpy(out + begin, row + (first + (ptrdiff_t)begin), (end - begin) * sizeof(float));
    } else {
        for (size_t x = begin; x < end; x++) out[x] = row[first + (ptrdiff_t)(x * stride)];
    }
    for (size_t x = end; x < out_width; x++) out[x] = 0.0f;
}

void im2col_f32(const struct conv2d_shape *shape, const float *restrict input, size_t row_begin, size_t row_end,
                float *restrict columns) {
    const size_t plane = shape->in_height * shape->in_width;
    float *out = columns;
    for (size_t c = 0; c < shape->in_channels; c++) {
        const float *image = input + c * plane;
        for (size_t ky = 0; ky < shape->kernel; ky++) {
            for (size_t kx = 0; kx < shape->kernel; kx++) {
                const ptrdiff_t first = (ptrdiff_t)kx - (ptrdiff_t)shape->padding;
                for (size_t oy = row_begin; oy < row_end; oy++) {
                    const ptrdiff_t iy = (ptrdiff_t)(oy * shape->stride + ky) - (ptrdiff_t)shape->padding;
                    if (iy < 0 || iy >= (ptrdiff_t)shape->in_height) {
                        memset(out, 0, shape->out_width * sizeof(float));
                    } else {
                        gather_row(image + (size_t)iy * shape->in_width, shape->in_width, shape->out_width,
                                   shape->stride, first, out);
                    }
                    out += shape->out_width;
                }
            }
        }
    }
}

void conv2d_reference(const struct conv2d_shape *shape, const float *restrict input, const float *restrict weights,
                      const float *restrict bias, float *restrict output) {
    const size_t taps = shape->kernel * shape->kernel;
    for (size_t o = 0; o < shape->out_channels; o++) {
        for (size_t oy = 0; oy < shape->out_height; oy++) {
            for (size_t ox = 0; ox < shape->out_width; ox++) {
                double sum = bias ? bias[o] : 0.0;
                for (size_t c = 0; c < shape->in_channels; c++) {
                    for (size_t tap = 0; tap < taps; tap++) {
                        const ptrdiff_t iy = (ptrdiff_t)(oy * shape->stride + tap / shape->kernel) -
                                             (ptrdiff_t)shape->padding;
                        const ptrdiff_t ix = (ptrdiff_t)(ox * shape->stride + tap % shape->kernel) -
                                             (ptrdiff_t)shape->padding;
                        if (iy < 0 || ix < 0 || iy >= (ptrdiff_t)shape->in_height || ix >= (ptrdiff_t)shape->in_width)
                            continue;
                        const size_t pixel = (size_t)iy * shape->in_width + (size_t)ix;
                        sum += (double)weights[(o * shape->in_channels + c) * taps + tap] *
                               (double)input[c * shape->in_height * shape->in_width + pixel];
                    }
                }
                output[(o * shape->out_height + oy) * shape->out_width + ox] = (float)sum;
            }
        }
    }
}
