#include "CKernels.h"

static inline float relu(float value) {
    /* Written so that a NaN stays one: a broken activation must reach the check on the logit. */
    return value < 0.0f ? 0.0f : value;
}

void bias_f32(float *restrict data, const float *restrict bias, size_t channels, size_t columns, size_t row_stride) {
    for (size_t c = 0; c < channels; c++) {
        float *row = data + c * row_stride;
        const float b = bias[c];
        for (size_t i = 0; i < columns; i++) row[i] += b;
    }
}

void bias_relu_f32(float *restrict data, const float *restrict bias, size_t channels, size_t columns,
                   size_t row_stride) {
    for (size_t c = 0; c < channels; c++) {
        float *row = data + c * row_stride;
        const float b = bias[c];
        for (size_t i = 0; i < columns; i++) row[i] = relu(row[i] + b);
    }
}

void bias_residual_relu_f32(float *restrict data, const float *restrict bias, const float *restrict residual,
                            size_t channels, size_t columns, size_t row_stride) {
    for (size_t c = 0; c < channels; c++) {
        float *row = data + c * row_stride;
        const float *add = residual + c * row_stride;
        const float b = bias[c];
        for (size_t i = 0; i < columns; i++) row[i] = relu(row[i] + b + add[i]);
    }
}
