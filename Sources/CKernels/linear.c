#include "CKernels.h"

void linear_f64(const float *restrict weights, const float *restrict bias, const float *restrict input, size_t rows,
                size_t columns, double *restrict output) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = weights + r * columns;
        /* Four sums side by side hide the latency of the addition; their order is fixed, so are the result's bits. */
        double sums[4] = {0.0, 0.0, 0.0, 0.0};
        size_t c = 0;
        for (; c + 4 <= columns; c += 4)
            for (size_t lane = 0; lane < 4; lane++) sums[lane] += (double)row[c + lane] * (double)input[c + lane];
        double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        for (; c < columns; c++) sum += (double)row[c] * (double)input[c];
        output[r] = sum + (double)bias[r];
    }
}

void weighted_plane_sum_f64(const double *restrict weights, const float *restrict input, size_t channels,
                            size_t plane, double *restrict output) {
    for (size_t i = 0; i < plane; i++) output[i] = 0.0;
    for (size_t c = 0; c < channels; c++) {
        const double w = weights[c];
        const float *row = input + c * plane;
        for (size_t i = 0; i < plane; i++) output[i] += w * (double)row[i];
    }
}
