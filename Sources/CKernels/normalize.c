#include "CKernels.h"

void normalize_rgb8_f32(const uint8_t *restrict rgb, size_t pixels, const float mean[3], const float std[3],
                        float *restrict output) {
    float table[3][256];
    for (size_t c = 0; c < 3; c++)
        for (size_t v = 0; v < 256; v++) table[c][v] = ((float)v / 255.0f - mean[c]) / std[c];
    for (size_t i = 0; i < pixels; i++) {
        output[i] = table[0][rgb[3 * i]];
        output[pixels + i] = table[1][rgb[3 * i + 1]];
        output[2 * pixels + i] = table[2][rgb[3 * i + 2]];
    }
}

int all_finite_f32(const float *values, size_t count) {
    /* x - x is 0 for a finite x and NaN otherwise; a sum of them is NaN if any was. */
    float sum = 0.0f;
    for (size_t i = 0; i < count; i++) sum += values[i] - values[i];
    return sum == 0.0f;
}
