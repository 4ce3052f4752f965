#include "gradient_kernels.h"

/*
 * The definitions, in plain C: sums over pixels in double, rounded once a call. Slow, and what every other family is compared with.
 */

enum { panel_width = 16 };

static void multiply_pixels(const struct pixel_pairs_f32 *pairs, const float *a, size_t depth, const float *b, size_t panels,
                            float *sums, ptrdiff_t sums_row) {
    for (size_t i = 0; i < depth; i++)
        for (size_t panel = 0; panel < panels; panel++) {
            double total[panel_width];
            float *to = sums + (ptrdiff_t)i * sums_row + (ptrdiff_t)(panel * panel_width);
            for (size_t o = 0; o < panel_width; o++) total[o] = to[o];
            for (size_t y = 0; y < pairs->rows; y++)
                for (size_t x = 0; x < pairs->columns; x++) {
                    const double value = a[(ptrdiff_t)y * pairs->a_row + (ptrdiff_t)x * pairs->a_step + (ptrdiff_t)i];
                    const float *factors = b + (ptrdiff_t)y * pairs->b_row + (ptrdiff_t)x * pairs->b_step + (ptrdiff_t)(panel * panel_width);
                    for (size_t o = 0; o < panel_width; o++) total[o] += value * (double)factors[o];
                }
            for (size_t o = 0; o < panel_width; o++) to[o] = (float)total[o];
        }
}

static void relu_gradient(const float *output, float *gradient, size_t count) {
    for (size_t x = 0; x < count; x++)
        if (!(output[x] > 0.0f)) gradient[x] = 0.0f;
}

static void add_channels(const float *values, size_t pixels, size_t channels, float *sums) {
    for (size_t c = 0; c < channels; c++) {
        double total = sums[c];
        for (size_t p = 0; p < pixels; p++) total += (double)values[p * channels + c];
        sums[c] = (float)total;
    }
}

static void add_centered_products(const float *values, const float *center, const float *others, size_t pixels, size_t channels,
                                  float *sums) {
    for (size_t c = 0; c < channels; c++) {
        double total = sums[c];
        for (size_t p = 0; p < pixels; p++)
            total += ((double)values[p * channels + c] - (double)center[c]) * (double)others[p * channels + c];
        sums[c] = (float)total;
    }
}

static void scale_channels(const float *input, const float *scale, const float *shift, const float *residual, int relu, size_t pixels,
                           size_t channels, float *output) {
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++) {
            const size_t place = p * channels + c;
            float value = (float)((double)scale[c] * (double)input[place] + (double)shift[c]);
            if (residual) value += residual[place];
            /* Keeps a NaN. */
            output[place] = relu && value < 0.0f ? 0.0f : value;
        }
}

static void norm_gradient(const struct norm_gradient_f32 *norm, const float *gradient, size_t pixels, size_t channels, float *values) {
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++) {
            const size_t place = p * channels + c;
            values[place] = (float)((double)norm->scale[c] * (double)gradient[place] + (double)norm->shift[c] +
                                    (double)norm->slope[c] * (double)values[place]);
        }
}

static void max_pool_gradient(const struct max_pool_f32 *pool, const float *const rows[3], size_t row_count, const float *output,
                              const float *gradient, float *const gradients[3]) {
    for (size_t x = 0; x < pool->out_width; x++) {
        const size_t begin = 2 * x < pool->padding ? 0 : 2 * x - pool->padding;
        const size_t last = 2 * x + pool->kernel - pool->padding;
        const size_t end = last < pool->width ? last : pool->width;
        for (size_t c = 0; c < pool->channels; c++) {
            int found = 0;
            for (size_t r = 0; r < row_count && !found; r++)
                for (size_t column = begin; column < end && !found; column++) {
                    const size_t place = column * pool->channels + c;
                    found = rows[r][place] == output[x * pool->channels + c];
                    if (found) gradients[r][place] += gradient[x * pool->channels + c];
                }
        }
    }
}

static void add(const float *source, float *target, size_t count) {
    for (size_t x = 0; x < count; x++) target[x] += source[x];
}

const struct gradient_kernels *gradient_kernels_reference(void) {
    static const struct gradient_kernels family = {
        .panel = panel_width,
        .multiply_pixels = multiply_pixels,
        .relu_gradient = relu_gradient,
        .add_channels = add_channels,
        .add_centered_products = add_centered_products,
        .scale_channels = scale_channels,
        .norm_gradient = norm_gradient,
        .max_pool_gradient = max_pool_gradient,
        .add = add,
    };
    return &family;
}

void turn_weights_f32(const float *weights, size_t out, size_t in, size_t taps, size_t in_begin, size_t in_end, float *turned) {
    for (size_t i = in_begin; i < in_end; i++)
        for (size_t o = 0; o < out; o++)
            for (size_t tap = 0; tap < taps; tap++)
                turned[(i * out + o) * taps + tap] = weights[(o * in + i) * taps + (taps - 1 - tap)];
}

void unpack_weights_f32(const float *sums, size_t out, size_t in, size_t taps, size_t in_padded, size_t out_padded, size_t out_begin,
                        size_t out_end, float *weights) {
    for (size_t o = out_begin; o < out_end; o++)
        for (size_t i = 0; i < in; i++)
            for (size_t tap = 0; tap < taps; tap++)
                weights[(o * in + i) * taps + tap] = sums[(tap * in_padded + i) * out_padded + o];
}
