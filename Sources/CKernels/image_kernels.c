#include "image_kernels.h"

#include <math.h>

void normalize_rgb8_f32(const uint8_t *restrict rgb, size_t pixels, const float *restrict table, float *restrict output) {
    for (size_t i = 0; i < pixels; i++) {
        output[3 * i] = table[rgb[3 * i]];
        output[3 * i + 1] = table[256 + rgb[3 * i + 1]];
        output[3 * i + 2] = table[512 + rgb[3 * i + 2]];
    }
}

void interleave_planes_f32(const float *restrict first, const float *restrict second, const float *restrict third,
                           size_t pixels, float *restrict output) {
    for (size_t i = 0; i < pixels; i++) {
        output[3 * i] = first[i];
        output[3 * i + 1] = second[i];
        output[3 * i + 2] = third[i];
    }
}

int all_finite_f32(const float *values, size_t count) {
    /* x - x is 0 for a finite x and NaN otherwise; sixteen sums hide the latency of the addition. */
    float sums[16] = {0};
    size_t i = 0;
    for (; i + 16 <= count; i += 16)
        for (size_t lane = 0; lane < 16; lane++) sums[lane] += values[i + lane] - values[i + lane];
    for (; i < count; i++) sums[0] += values[i] - values[i];
    float sum = 0;
    for (size_t lane = 0; lane < 16; lane++) sum += sums[lane];
    return sum == 0.0f;
}

void channel_means_f32(const float *input, size_t pixels, size_t channels, float *output) {
    double sums[8];
    for (size_t c = 0; c < channels; c += 8) {
        const size_t lanes = channels - c < 8 ? channels - c : 8;
        for (size_t lane = 0; lane < 8; lane++) sums[lane] = 0.0;
        for (size_t p = 0; p < pixels; p++)
            for (size_t lane = 0; lane < lanes; lane++) sums[lane] += (double)input[p * channels + c + lane];
        for (size_t lane = 0; lane < lanes; lane++) output[c + lane] = (float)(sums[lane] / (double)pixels);
    }
}

/* Eight sums side by side hide the latency of the addition; their order is fixed, so are the result's bits. */
static double dot(const double *a, const float *b, size_t count) {
    double sums[8] = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (size_t lane = 0; lane < 8; lane++) sums[lane] += a[i + lane] * (double)b[i + lane];
    double sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
    for (; i < count; i++) sum += a[i] * (double)b[i];
    return sum;
}

void channel_sums_f64(const double *weights, const float *input, size_t pixels, size_t channels, double *output) {
    for (size_t p = 0; p < pixels; p++) output[p] = dot(weights, input + p * channels, channels);
}

void linear_f64(const float *restrict weights, const float *restrict bias, const float *restrict input, size_t rows,
                size_t columns, double *restrict output) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = weights + r * columns;
        double sums[4] = {0.0, 0.0, 0.0, 0.0};
        size_t c = 0;
        for (; c + 4 <= columns; c += 4)
            for (size_t lane = 0; lane < 4; lane++) sums[lane] += (double)row[c + lane] * (double)input[c + lane];
        double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        for (; c < columns; c++) sum += (double)row[c] * (double)input[c];
        output[r] = sum + (double)bias[r];
    }
}

static void sum_rows(const uint8_t *first, ptrdiff_t row_bytes, size_t row_count, size_t count, uint32_t *sums) {
    for (size_t i = 0; i < count; i++) sums[i] = 0;
    for (size_t r = 0; r < row_count; r++)
        for (size_t i = 0; i < count; i++) sums[i] += first[(ptrdiff_t)r * row_bytes + (ptrdiff_t)i];
}

static void average_columns(const uint32_t *sums, size_t width, size_t out_width, const int32_t *bounds, const float *factors,
                            float row_factor, float offset, uint32_t *prefix, float *output) {
    (void)width, (void)prefix;
    for (size_t x = 0; x < out_width; x++)
        for (size_t c = 0; c < 3; c++) {
            uint32_t sum = 0;
            for (int32_t i = bounds[2 * x]; i < bounds[2 * x + 1]; i++) sum += sums[3 * (size_t)i + c];
            output[3 * x + c] = fmaf((float)(int32_t)sum, factors[x] * row_factor, offset);
        }
}

static void drop_overlapping(const float *left, const float *top, const float *right, const float *bottom, size_t chosen,
                             size_t count, float threshold, int32_t *dropped) {
    const float area = (right[chosen] - left[chosen]) * (bottom[chosen] - top[chosen]);
    for (size_t i = chosen + 1; i < count; i++) {
        const float width = fminf(right[chosen], right[i]) - fmaxf(left[chosen], left[i]);
        const float height = fminf(bottom[chosen], bottom[i]) - fmaxf(top[chosen], top[i]);
        const float shared = fmaxf(width, 0.0f) * fmaxf(height, 0.0f);
        const float other = (right[i] - left[i]) * (bottom[i] - top[i]);
        if (shared / (area + other - shared) > threshold) dropped[i] = 1;
    }
}

static void pixel_dots(const float *weights, float bias, const float *pixels, size_t count, size_t channels, float *dots) {
    for (size_t p = 0; p < count; p++) {
        double sum = bias;
        for (size_t c = 0; c < channels; c++) sum += (double)weights[c] * (double)pixels[p * channels + c];
        dots[p] = (float)sum;
    }
}

const struct image_kernels *image_kernels_reference(void) {
    static const struct image_kernels family = {
        .pixel_dots = pixel_dots, .sum_rows = sum_rows, .average_columns = average_columns, .drop_overlapping = drop_overlapping};
    return &family;
}

void area_windows(size_t length, size_t windows, float scale, int32_t *bounds, float *factors) {
    for (size_t i = 0; i < windows; i++) {
        const size_t begin = i * length / windows, end = ((i + 1) * length + windows - 1) / windows;
        bounds[2 * i] = (int32_t)begin;
        bounds[2 * i + 1] = (int32_t)end;
        factors[i] = scale / (float)(end - begin);
    }
}
