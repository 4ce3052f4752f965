#ifndef WHORL_CKERNELS_OPTIMISER_KERNELS_H
#define WHORL_CKERNELS_OPTIMISER_KERNELS_H

#include <stddef.h>

/*
 * One step of an optimiser over a run of floats. Every value is computed by itself and without fused operations, so that the result is the same
 * to the bit however a run is divided among calls, and on every CPU.
 */

/* What AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2) needs at one step. */
struct adamw_f32 {
    float gradient_scale;   /* gradients are multiplied with it first: clipping */
    float kept;             /* 1 - rate * weight decay */
    float first_rest;       /* 1 - beta1 */
    float second;           /* beta2 */
    float second_rest;      /* 1 - beta2 */
    float step_size;        /* rate / (1 - beta1^t) */
    float root_correction;  /* sqrt(1 - beta2^t) */
    float epsilon;          /* added to the corrected root, outside of it */
};

/* parameters, first and second moment are updated; the order of roundings is PyTorch's. */
void adamw_step_f32(const struct adamw_f32 *step, size_t count, float *parameters, const float *gradients, float *first, float *second);

/* What stochastic gradient descent with momentum (Sutskever et al. 2013, in PyTorch's form: the rate outside of the momentum) needs. */
struct sgd_f32 {
    float gradient_scale;
    float decay;            /* times the parameter, added to its gradient */
    float momentum;
    float rate;
};

void sgd_step_f32(const struct sgd_f32 *step, size_t count, float *parameters, const float *gradients, float *velocity);

/* The sum of squares in double: 16 interleaved sums, added up in one fixed order. */
double square_sum_f64(const float *values, size_t count);

/* values += factor * other. */
void add_scaled_f32(float factor, size_t count, float *values, const float *other);

/* average += share * (values - average). */
void approach_f32(float share, size_t count, float *average, const float *values);

#endif
