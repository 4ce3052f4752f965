#include "CKernels.h"

/* The maximum that keeps a NaN, as PyTorch's pooling does. */
static inline float max_or_nan(float a, float b) {
    return (b > a || b != b) ? b : a;
}

enum { pool_chunk = 128 };

/* Column-wise maximum of up to three rows, `count` values of it: the part of the work that vectorises. */
static void maximum_of_rows(const float *restrict rows, size_t row_count, size_t width, size_t count,
                            float *restrict out) {
    for (size_t x = 0; x < count; x++) out[x] = rows[x];
    for (size_t r = 1; r < row_count; r++)
        for (size_t x = 0; x < count; x++) out[x] = max_or_nan(out[x], rows[r * width + x]);
}

void max_pool_3x3s2_f32(const float *restrict input, size_t channels, size_t height, size_t width,
                        float *restrict output) {
    const size_t out_height = (height - 1) / 2 + 1;
    const size_t out_width = (width - 1) / 2 + 1;
    float columns[2 * pool_chunk + 1];
    for (size_t c = 0; c < channels; c++) {
        const float *plane = input + c * height * width;
        for (size_t oy = 0; oy < out_height; oy++) {
            const size_t y_begin = oy == 0 ? 0 : 2 * oy - 1;
            const size_t y_end = 2 * oy + 2 < height ? 2 * oy + 2 : height;
            float *out = output + (c * out_height + oy) * out_width;
            for (size_t chunk = 0; chunk < out_width; chunk += pool_chunk) {
                const size_t chunk_end = chunk + pool_chunk < out_width ? chunk + pool_chunk : out_width;
                const size_t x_begin = chunk == 0 ? 0 : 2 * chunk - 1;
                const size_t x_end = 2 * chunk_end < width ? 2 * chunk_end : width;
                maximum_of_rows(plane + y_begin * width + x_begin, y_end - y_begin, width, x_end - x_begin, columns);
                for (size_t ox = chunk; ox < chunk_end; ox++) {
                    size_t x = ox == 0 ? 0 : 2 * ox - 1;
                    const size_t last = 2 * ox + 2 < width ? 2 * ox + 2 : width;
                    float best = columns[x - x_begin];
                    for (x++; x < last; x++) best = max_or_nan(best, columns[x - x_begin]);
                    out[ox] = best;
                }
            }
        }
    }
}

void global_average_pool_f32(const float *restrict input, size_t channels, size_t plane, float *restrict output) {
    for (size_t c = 0; c < channels; c++) {
        double sum = 0.0;
        for (size_t i = 0; i < plane; i++) sum += input[c * plane + i];
        output[c] = (float)(sum / (double)plane);
    }
}
