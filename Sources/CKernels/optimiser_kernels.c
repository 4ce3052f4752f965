#include "optimiser_kernels.h"

/* A fused multiplication and addition would give other bits where the CPU has one. */
#pragma STDC FP_CONTRACT OFF

void adamw_step_f32(const struct adamw_f32 *step, size_t count, float *restrict parameters, const float *restrict gradients,
                    float *restrict first, float *restrict second) {
    const struct adamw_f32 k = *step;
    for (size_t i = 0; i < count; i++) {
        const float gradient = gradients[i] * k.gradient_scale;
        const float mean = first[i] + k.first_rest * (gradient - first[i]);
        const float square = second[i] * k.second + k.second_rest * gradient * gradient;
        /* The builtin never touches errno, so the loop becomes vector instructions. */
        const float divisor = __builtin_elementwise_sqrt(square) / k.root_correction + k.epsilon;
        first[i] = mean;
        second[i] = square;
        parameters[i] = parameters[i] * k.kept - k.step_size * mean / divisor;
    }
}

void sgd_step_f32(const struct sgd_f32 *step, size_t count, float *restrict parameters, const float *restrict gradients,
                  float *restrict velocity) {
    const struct sgd_f32 k = *step;
    for (size_t i = 0; i < count; i++) {
        const float gradient = gradients[i] * k.gradient_scale + k.decay * parameters[i];
        const float moved = velocity[i] * k.momentum + gradient;
        velocity[i] = moved;
        parameters[i] -= k.rate * moved;
    }
}

double square_sum_f64(const float *values, size_t count) {
    enum { lanes = 16 };
    double sums[lanes] = {0};
    size_t i = 0;
    for (; i + lanes <= count; i += lanes)
        for (size_t lane = 0; lane < lanes; lane++) sums[lane] += (double)values[i + lane] * (double)values[i + lane];
    for (size_t lane = 0; i < count; i++, lane++) sums[lane] += (double)values[i] * (double)values[i];
    double sum = 0;
    for (size_t lane = 0; lane < lanes; lane++) sum += sums[lane];
    return sum;
}

void add_scaled_f32(float factor, size_t count, float *restrict values, const float *restrict other) {
    for (size_t i = 0; i < count; i++) values[i] += factor * other[i];
}

void approach_f32(float share, size_t count, float *restrict average, const float *restrict values) {
    for (size_t i = 0; i < count; i++) average[i] += share * (values[i] - average[i]);
}
