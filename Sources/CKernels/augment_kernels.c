#include <string.h>

#include "augment_kernels.h"

#pragma STDC FP_CONTRACT OFF

/* Four floats wherever they lie: a pixel of three and the next one's first. */
typedef float pixel __attribute__((vector_size(16)));

static inline pixel load(const float *from) {
    pixel value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline void store(float *to, pixel value) { memcpy(to, &value, sizeof value); }

static inline float within(float value, float low, float high) {
    value = value < low ? low : value;
    return value > high ? high : value;
}

/* The columns of one output row, from the weighted sum of its rows. */
static void resample_columns(const float *line, size_t channels, const struct augment_axis *columns, size_t low, float *target) {
    const size_t taps = columns->taps;
    const int32_t *places = columns->places;
    const float *weights = columns->weights;
    for (size_t x = 0; x < columns->count; x++, places += taps, weights += taps) {
        if (channels == 1) {
            float sum = 0;
            for (size_t tap = 0; tap < taps; tap++) sum += line[(size_t)places[tap] - low] * weights[tap];
            target[x] = sum;
        } else {
            pixel sum = {0, 0, 0, 0};
            for (size_t tap = 0; tap < taps; tap++) sum += load(line + 3 * ((size_t)places[tap] - low)) * weights[tap];
            store(target + 3 * x, sum);
        }
    }
}

void augment_resample_f32(const float *source, size_t width, size_t channels, const struct augment_axis *rows,
                          const struct augment_axis *columns, size_t low, size_t high, float *line, float *target) {
    const size_t length = (high - low) * channels;
    for (size_t y = 0; y < rows->count; y++) {
        memset(line, 0, (length + augment_padding) * sizeof(float));
        for (size_t tap = 0; tap < rows->taps; tap++) {
            const float weight = rows->weights[y * rows->taps + tap];
            const float *row = source + ((size_t)rows->places[y * rows->taps + tap] * width + low) * channels;
            if (weight == 0) continue;
            for (size_t i = 0; i < length; i++) line[i] += weight * row[i];
        }
        resample_columns(line, channels, columns, low, target + y * columns->count * channels);
    }
}

void augment_resample_u8(const uint8_t *source, size_t row_bytes, size_t channels, const struct augment_axis *rows,
                         const struct augment_axis *columns, size_t low, size_t high, float *line, float *target) {
    const size_t length = (high - low) * channels;
    for (size_t y = 0; y < rows->count; y++) {
        memset(line, 0, (length + augment_padding) * sizeof(float));
        for (size_t tap = 0; tap < rows->taps; tap++) {
            const float weight = rows->weights[y * rows->taps + tap];
            const uint8_t *row = source + (size_t)rows->places[y * rows->taps + tap] * row_bytes + low * channels;
            if (weight == 0) continue;
            for (size_t i = 0; i < length; i++) line[i] += weight * (float)row[i];
        }
        resample_columns(line, channels, columns, low, target + y * columns->count * channels);
    }
}

/* The pixel that stands for place `at` of an axis. */
static inline ptrdiff_t place(ptrdiff_t at, ptrdiff_t count, enum augment_border border) {
    if (border == augment_border_reflect) {
        const ptrdiff_t period = 2 * count;
        at %= period;
        if (at < 0) at += period;
        return at < count ? at : period - 1 - at;
    }
    return at < 0 ? 0 : at >= count ? count - 1 : at;
}

static inline pixel tap(const float *source, ptrdiff_t width, ptrdiff_t height, ptrdiff_t x, ptrdiff_t y, enum augment_border border) {
    const pixel zero = {0, 0, 0, 0};
    if (border == augment_border_constant && (x < 0 || y < 0 || x >= width || y >= height)) return zero;
    return load(source + 3 * (place(y, height, border) * width + place(x, width, border)));
}

/* A matrix may point anywhere, a cast may not. */
static inline double near_picture(double at) { return at < -1e6 ? -1e6 : at > 1e6 ? 1e6 : at; }

/* The picture at a place between pixels, whole numbers being their middles. */
static inline pixel sample(const float *source, ptrdiff_t w, ptrdiff_t h, double to_x, double to_y, enum augment_border border) {
    const double at_x = near_picture(to_x), at_y = near_picture(to_y);
    /* Casts cut towards zero; moved by two millions, that is downwards. */
    const ptrdiff_t x = (ptrdiff_t)(int32_t)(at_x + 2e6) - 2000000, y = (ptrdiff_t)(int32_t)(at_y + 2e6) - 2000000;
    const float fx = (float)(at_x - (double)x), fy = (float)(at_y - (double)y);
    pixel a, b, c, d;
    if (x >= 0 && y >= 0 && x + 1 < w && y + 1 < h) {
        const float *upper = source + 3 * (y * w + x), *lower = upper + 3 * w;
        a = load(upper), b = load(upper + 3), c = load(lower), d = load(lower + 3);
    } else {
        a = tap(source, w, h, x, y, border), b = tap(source, w, h, x + 1, y, border);
        c = tap(source, w, h, x, y + 1, border), d = tap(source, w, h, x + 1, y + 1, border);
    }
    const pixel above = a + (b - a) * fx, below = c + (d - c) * fx;
    return above + (below - above) * fy;
}

void augment_warp_rgb(const float *source, size_t width, size_t height, const double matrix[6], enum augment_border border,
                      float *target) {
    for (size_t oy = 0; oy < height; oy++) {
        const double row_x = matrix[1] * (double)oy + matrix[2], row_y = matrix[4] * (double)oy + matrix[5];
        for (size_t ox = 0; ox < width; ox++)
            store(target + 3 * (oy * width + ox), sample(source, (ptrdiff_t)width, (ptrdiff_t)height, matrix[0] * (double)ox + row_x,
                                                         matrix[3] * (double)ox + row_y, border));
    }
}

void augment_blend_warped(const float *source, size_t width, size_t height, const double matrix[6], enum augment_border border,
                          const float *mask, const struct augment_region *region, float *target) {
    for (size_t oy = region->top; oy < region->bottom; oy++) {
        const double row_x = matrix[1] * (double)oy + matrix[2], row_y = matrix[4] * (double)oy + matrix[5];
        for (size_t ox = region->left; ox < region->right; ox++) {
            const float share = mask[oy * width + ox];
            if (share == 0) continue;
            const pixel value = sample(source, (ptrdiff_t)width, (ptrdiff_t)height, matrix[0] * (double)ox + row_x,
                                       matrix[3] * (double)ox + row_y, border);
            /* Not a whole vector: the next pixel is another's. */
            float *to = target + 3 * (oy * width + ox);
            for (int c = 0; c < 3; c++) to[c] += share * (value[c] - to[c]);
        }
    }
}

void augment_displace(const float *source, size_t width, size_t height, const float *dx, const float *dy, float *target) {
    const ptrdiff_t w = (ptrdiff_t)width, h = (ptrdiff_t)height;
    for (ptrdiff_t oy = 0; oy < h; oy++) {
        for (ptrdiff_t ox = 0; ox < w; ox++) {
            const size_t i = (size_t)(oy * w + ox);
            const float at_x = within((float)ox + dx[i], -2, (float)w + 1), at_y = within((float)oy + dy[i], -2, (float)h + 1);
            const ptrdiff_t x = (ptrdiff_t)(int32_t)(at_x + 4) - 4, y = (ptrdiff_t)(int32_t)(at_y + 4) - 4;
            const float fx = at_x - (float)x, fy = at_y - (float)y;
            float corners[4];
            for (int corner = 0; corner < 4; corner++) {
                const ptrdiff_t cx = x + (corner & 1), cy = y + (corner >> 1);
                corners[corner] = cx >= 0 && cy >= 0 && cx < w && cy < h ? source[cy * w + cx] : 0;
            }
            const float above = corners[0] + (corners[1] - corners[0]) * fx, below = corners[2] + (corners[3] - corners[2]) * fx;
            target[i] = above + (below - above) * fy;
        }
    }
}

/* As OpenCV's BORDER_REFLECT_101. */
static inline size_t mirrored(ptrdiff_t at, ptrdiff_t count) {
    if (count == 1) return 0;
    const ptrdiff_t period = 2 * (count - 1);
    at %= period;
    if (at < 0) at += period;
    return (size_t)(at < count ? at : period - at);
}

enum { block = 16 };

/* middle * weights[0] + the sum of (before + after) * weights[j]; taps lie around taps[radius]. `length` is rounded up to whole blocks. */
static inline void filter_columns(const float *const *taps, size_t radius, const float *weights, size_t i, size_t length, float *out) {
    float sum[block];
    for (size_t l = 0; l < length; l++) sum[l] = weights[0] * taps[radius][i + l];
    for (size_t j = 1; j <= radius; j++) {
        const float *before = taps[radius - j] + i, *after = taps[radius + j] + i;
        const float weight = weights[j];
        for (size_t l = 0; l < length; l++) sum[l] += weight * (before[l] + after[l]);
    }
    for (size_t l = 0; l < length; l++) out[l] = sum[l];
}

static inline void filter_row(const float *middle, size_t step, size_t radius, const float *weights, size_t length, float *out) {
    float sum[block];
    for (size_t l = 0; l < length; l++) sum[l] = weights[0] * middle[l];
    for (size_t j = 1; j <= radius; j++) {
        const float *before = middle - j * step, *after = middle + j * step;
        const float weight = weights[j];
        for (size_t l = 0; l < length; l++) sum[l] += weight * (before[l] + after[l]);
    }
    for (size_t l = 0; l < length; l++) out[l] = sum[l];
}

void augment_blur(const float *source, size_t width, size_t height, size_t channels, const float *weights, size_t radius,
                  float *line, const float **taps, float *target) {
    const size_t length = width * channels;
    float *inner = line + radius * channels;
    for (size_t y = 0; y < height; y++) {
        for (size_t j = 0; j <= 2 * radius; j++)
            taps[j] = source + mirrored((ptrdiff_t)(y + j) - (ptrdiff_t)radius, (ptrdiff_t)height) * length;
        size_t i = 0;
        for (; i + block <= length; i += block) filter_columns(taps, radius, weights, i, block, inner + i);
        if (i < length) filter_columns(taps, radius, weights, i, length - i, inner + i);
        for (size_t j = 1; j <= radius; j++) {
            const size_t left = mirrored(-(ptrdiff_t)j, (ptrdiff_t)width);
            const size_t right = mirrored((ptrdiff_t)(width - 1 + j), (ptrdiff_t)width);
            memcpy(inner - j * channels, inner + left * channels, channels * sizeof(float));
            memcpy(inner + (width - 1 + j) * channels, inner + right * channels, channels * sizeof(float));
        }
        float *out = target + y * length;
        for (i = 0; i + block <= length; i += block) filter_row(inner + i, channels, radius, weights, block, out + i);
        if (i < length) filter_row(inner + i, channels, radius, weights, length - i, out + i);
    }
}

void augment_gain(float *pixels, size_t count, const float gain[3], const float offset[3]) {
    float gains[12], offsets[12];
    for (int i = 0; i < 12; i++) gains[i] = gain[i % 3], offsets[i] = offset[i % 3];
    size_t i = 0;
    for (; i + 12 <= 3 * count; i += 12)
        for (int l = 0; l < 12; l++) pixels[i + l] = within(pixels[i + l] * gains[l] + offsets[l], 0, 255);
    for (; i < 3 * count; i++) pixels[i] = within(pixels[i] * gain[i % 3] + offset[i % 3], 0, 255);
}

static inline float least(float a, float b) { return a < b ? a : b; }
static inline float most(float a, float b) { return a > b ? a : b; }

/* One channel of a hue: `sector` is its place on the circle (n + hue) in sixths, below 12 (Smith 1978, as written for any channel). */
static inline float channel(float sector, float value, float chroma) {
    sector = sector >= 6 ? sector - 6 : sector;
    return value - chroma * within(least(sector, 4 - sector), 0, 1);
}

void augment_shift_hsv(float *restrict pixels, size_t count, float hue, float saturation, float value) {
    for (size_t i = 0; i < count; i++) {
        const float r = pixels[3 * i], g = pixels[3 * i + 1], b = pixels[3 * i + 2];
        const float v = most(r, most(g, b)), chroma = v - least(r, least(g, b));
        const float by = chroma > 0 ? 1 / chroma : 0;
        float h = v == r ? (g - b) * by : v == g ? (b - r) * by + 2 : (r - g) * by + 4;
        h += hue;
        h = h < 0 ? h + 6 : h;
        h = h >= 6 ? h - 6 : h;
        const float s = within((v > 0 ? chroma / v : 0) + saturation, 0, 1);
        const float shifted = within(v + value, 0, 255), c = shifted * s;
        pixels[3 * i] = channel(h + 5, shifted, c);
        pixels[3 * i + 1] = channel(h + 3, shifted, c);
        pixels[3 * i + 2] = channel(h + 1, shifted, c);
    }
}

void augment_sharpen(float *restrict pixels, const float *restrict blurred, size_t count, float amount) {
    for (size_t i = 0; i < count; i++) pixels[i] = within(pixels[i] + amount * (pixels[i] - blurred[i]), 0, 255);
}

void augment_threshold(float *values, size_t count, float least_value, float factor) {
    for (size_t i = 0; i < count; i++) {
        const float value = values[i] * factor;
        values[i] = value < least_value ? 0 : value;
    }
}

void augment_to_bytes(const float *restrict values, size_t count, uint8_t *restrict bytes) {
    /* Adding 3 * 2^22 leaves no binary digit for a fraction, so the sum is rounded as floats are: to the nearest, halves to even. */
    const float shift = 12582912.0f;
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)(int32_t)((within(values[i], 0, 255) + shift) - shift);
}

void augment_from_bytes(const uint8_t *restrict bytes, size_t count, float *restrict values) {
    for (size_t i = 0; i < count; i++) values[i] = (float)bytes[i];
}
