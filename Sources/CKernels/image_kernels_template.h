/*
 * The kernels on pixels and boxes for one vector width. A file that includes this defines
 *
 *   LANES     floats of a vector
 *   FAMILY    the name of the table to make
 *
 * and wraps the inclusion in the target attribute of its instruction set. All families give the same bits, but for
 * pixel_dots.
 */
#include "image_kernels.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

typedef uint8_t bytes_vec __attribute__((ext_vector_type(2 * LANES)));
typedef uint16_t shorts_vec __attribute__((ext_vector_type(2 * LANES)));
typedef uint32_t words_vec __attribute__((ext_vector_type(2 * LANES)));
typedef bytes_vec bytes_unaligned __attribute__((aligned(1), may_alias));
typedef words_vec words_unaligned __attribute__((aligned(4), may_alias));

/* So many bytes at most add up to less than 2^16. */
enum { rows_per_short_sum = 257 };

/* Vectors of a strip: as many sums as stay in registers, so that each row is read in long runs. */
enum { strip = LANES / 2, block = 2 * LANES };

ALWAYS_INLINE void sum_rows_block(const int blocks, const uint8_t *first, ptrdiff_t row_bytes, size_t row_count, uint32_t *sums) {
    for (size_t begin = 0; begin < row_count; begin += rows_per_short_sum) {
        const size_t end = row_count - begin < rows_per_short_sum ? row_count : begin + rows_per_short_sum;
        shorts_vec short_sums[strip];
        for (int b = 0; b < blocks; b++) short_sums[b] = 0;
        for (size_t r = begin; r < end; r++)
#pragma clang loop unroll(full)
            for (int b = 0; b < blocks; b++)
                short_sums[b] += __builtin_convertvector(
                    *(const bytes_unaligned *)(first + (ptrdiff_t)r * row_bytes + b * block), shorts_vec);
        for (int b = 0; b < blocks; b++) {
            words_unaligned *to = (words_unaligned *)(sums + b * block);
            const words_vec words = __builtin_convertvector(short_sums[b], words_vec);
            *to = begin == 0 ? words : *to + words;
        }
    }
}

static void sum_rows(const uint8_t *first, ptrdiff_t row_bytes, size_t row_count, size_t count, uint32_t *sums) {
    size_t i = 0;
    for (; i + strip * block <= count; i += strip * block) sum_rows_block(strip, first + i, row_bytes, row_count, sums + i);
    for (; i + 2 * block <= count; i += 2 * block) sum_rows_block(2, first + i, row_bytes, row_count, sums + i);
    for (; i + block <= count; i += block) sum_rows_block(1, first + i, row_bytes, row_count, sums + i);
    /* A last block moves left rather than over the edge, and repeats some sums. */
    if (i < count && count >= block) {
        i = count - block;
        sum_rows_block(1, first + i, row_bytes, row_count, sums + i);
        return;
    }
    for (; i < count; i++) {
        sums[i] = 0;
        for (size_t r = 0; r < row_count; r++) sums[i] += first[(ptrdiff_t)r * row_bytes + (ptrdiff_t)i];
    }
}

typedef uint32_t pixel_words __attribute__((ext_vector_type(4)));
typedef pixel_words pixel_words_unaligned __attribute__((aligned(4), may_alias));
typedef int32_t pixel_integers __attribute__((ext_vector_type(4)));
typedef float pixel_floats __attribute__((ext_vector_type(4)));
typedef pixel_floats pixel_floats_unaligned __attribute__((aligned(4), may_alias));

/* The difference of two sums from the left edge is that of the pixels between, however many they are. */
static void average_columns(const uint32_t *sums, size_t width, size_t out_width, const int32_t *bounds, const float *factors,
                            float row_factor, float offset, uint32_t *prefix, float *output) {
    pixel_words sum = 0;
    *(pixel_words_unaligned *)prefix = sum;
    /* The fourth lane is the next pixel's red, and never read; the last pixel has no next. */
    for (size_t i = 0; i + 1 < width; i++) {
        sum += *(const pixel_words_unaligned *)(sums + 3 * i);
        *(pixel_words_unaligned *)(prefix + 4 * (i + 1)) = sum;
    }
    const uint32_t *last = sums + 3 * (width - 1);
    *(pixel_words_unaligned *)(prefix + 4 * width) = sum + (pixel_words){last[0], last[1], last[2], 0};
    for (size_t x = 0; x < out_width; x++) {
        const pixel_words inside = *(const pixel_words_unaligned *)(prefix + 4 * (size_t)bounds[2 * x + 1]) -
                                   *(const pixel_words_unaligned *)(prefix + 4 * (size_t)bounds[2 * x]);
        const pixel_floats value = __builtin_elementwise_fma(
            __builtin_convertvector((pixel_integers)inside, pixel_floats), (pixel_floats)(factors[x] * row_factor),
            (pixel_floats)(offset));
        if (x + 1 < out_width) {
            /* One value too many, which the next pixel overwrites. */
            *(pixel_floats_unaligned *)(output + 3 * x) = value;
        } else {
            output[3 * x] = value.x;
            output[3 * x + 1] = value.y;
            output[3 * x + 2] = value.z;
        }
    }
}

static void drop_overlapping(const float *restrict left, const float *restrict top, const float *restrict right,
                             const float *restrict bottom, size_t chosen, size_t count, float threshold,
                             int32_t *restrict dropped) {
    const float l = left[chosen], t = top[chosen], r = right[chosen], b = bottom[chosen];
    const float area = (r - l) * (b - t);
    for (size_t i = chosen + 1; i < count; i++) {
        const float width = (right[i] < r ? right[i] : r) - (left[i] > l ? left[i] : l);
        const float height = (bottom[i] < b ? bottom[i] : b) - (top[i] > t ? top[i] : t);
        const float shared = (width > 0.0f ? width : 0.0f) * (height > 0.0f ? height : 0.0f);
        const float other = (right[i] - left[i]) * (bottom[i] - top[i]);
        dropped[i] |= shared / (area + other - shared) > threshold;
    }
}

typedef float vec __attribute__((ext_vector_type(LANES)));
typedef vec vec_unaligned __attribute__((aligned(4), may_alias));

ALWAYS_INLINE vec load(const float *from) { return *(const vec_unaligned *)from; }

/* A vector's lanes added up to four. */
ALWAYS_INLINE pixel_floats folded(vec v) {
#if LANES == 16
    const float __attribute__((ext_vector_type(8))) half =
        __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) + __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    return __builtin_shufflevector(half, half, 0, 1, 2, 3) + __builtin_shufflevector(half, half, 4, 5, 6, 7);
#else
    return __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
#endif
}

ALWAYS_INLINE pixel_floats pixel_dot(const float *weights, const float *pixel, size_t channels) {
    vec sum = 0;
    for (size_t c = 0; c < channels; c += LANES) sum = __builtin_elementwise_fma(load(weights + c), load(pixel + c), sum);
    return folded(sum);
}

static void pixel_dots(const float *weights, float bias, const float *pixels, size_t count, size_t channels, float *dots) {
    size_t p = 0;
    for (; p + 4 <= count; p += 4, pixels += 4 * channels) {
        const pixel_floats a = pixel_dot(weights, pixels, channels), b = pixel_dot(weights, pixels + channels, channels);
        const pixel_floats c = pixel_dot(weights, pixels + 2 * channels, channels);
        const pixel_floats d = pixel_dot(weights, pixels + 3 * channels, channels);
        const pixel_floats ab = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
        const pixel_floats cd = __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
        *(pixel_floats_unaligned *)(dots + p) =
            __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7) + bias;
    }
    for (; p < count; p++, pixels += channels) {
        const pixel_floats a = pixel_dot(weights, pixels, channels);
        dots[p] = (a.x + a.z) + (a.y + a.w) + bias;
    }
}

static const struct image_kernels FAMILY = {
    .pixel_dots = pixel_dots,
    .sum_rows = sum_rows,
    .average_columns = average_columns,
    .drop_overlapping = drop_overlapping,
};
