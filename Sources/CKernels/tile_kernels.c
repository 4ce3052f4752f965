#include "tile_kernels.h"

#include <string.h>

static uint16_t bfloat16(float value) {
    /* Round to nearest, ties to even; of a NaN the packing makes an error, whatever comes out here. */
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

static float widened(uint16_t value) {
    const uint32_t bits = (uint32_t)value << 16;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

void tile_unpack_blocks(const uint16_t *input, size_t blocks, size_t parts, float *output) {
    for (size_t b = 0; b < blocks; b++, input += parts * tile_block, output += tile_block)
        for (size_t i = 0; i < tile_block; i++)
            output[i] = widened(input[i]) + (parts == 2 ? widened(input[tile_block + i]) : 0.0f);
}

int tile_conv_pack(const float *weights, const double *factors, size_t real_out, size_t real_in, size_t kernel,
                   size_t parts, int row_taps, size_t block_begin, size_t block_end, uint16_t *packed) {
    const size_t taps = row_taps ? kernel : kernel * kernel;
    const size_t in_blocks = row_taps ? 1 : (real_in + tile_block - 1) / tile_block;
    const size_t half = tile_maximum_rows * tile_block;
    float finite = 0;
    for (size_t block = block_begin; block < block_end; block++) {
        uint16_t *to = packed + block * taps * in_blocks * parts * 2 * half;
        for (size_t step = 0; step < taps * in_blocks; step++, to += parts * 2 * half) {
            const size_t tap = step / in_blocks;
            for (size_t k = 0; k < tile_block; k++) {
                const size_t i = row_taps ? k % real_in : step % in_blocks * tile_block + k;
                const size_t place = row_taps ? tap * kernel + k / real_in : tap;
                const int inside = row_taps ? k < kernel * real_in : i < real_in;
                for (size_t lane = 0; lane < 2 * tile_maximum_rows; lane++) {
                    const size_t o = block * tile_block + lane;
                    const float value =
                        inside && o < real_out
                            ? (float)((double)weights[(o * real_in + i) * kernel * kernel + place] * factors[o])
                            : 0.0f;
                    /* The tile's row k / 2 holds the pairs (k, k + 1) of its sixteen channels. */
                    uint16_t *pair = to + lane / 16 * half + k / 2 * 32 + lane % 16 * 2 + k % 2;
                    const uint16_t high = bfloat16(value);
                    *pair = high;
                    if (parts == 2) pair[2 * half] = bfloat16(value - widened(high));
                    /* 0 for a finite value, NaN otherwise; one that rounds to infinity counts as such. */
                    finite += (value - value) + (widened(high) - widened(high));
                }
            }
        }
    }
    return finite == 0;
}

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("amx-tile,amx-bf16,avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,avx2,fma"))), \
                             apply_to = function)

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* The first 64 bytes that LDTILECFG reads (Intel SDM, volume 1, section 18.2). */
struct tile_configuration {
    uint8_t palette;
    uint8_t start_row;
    uint8_t reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} __attribute__((packed, aligned(64)));

/* Tiles 0...3 sum, 4 and 5 hold pixels, 6 and 7 weights. */
static void configure_tiles(size_t pixel_rows) {
    struct tile_configuration configuration;
    memset(&configuration, 0, sizeof configuration);
    configuration.palette = 1;
    for (size_t i = 0; i < 8; i++) {
        configuration.row_bytes[i] = 64;
        configuration.rows[i] = (uint8_t)(i < 6 ? pixel_rows : tile_maximum_rows);
    }
    _tile_loadconfig(&configuration);
}

ALWAYS_INLINE __m512 widened_half(__m256i values) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(values), 16));
}

/* Adds 32 stored values, all parts of them. */
ALWAYS_INLINE void add_block(const int parts, const uint16_t *from, __m512 *left, __m512 *right) {
    for (int part = 0; part < parts; part++) {
        const __m512i values = _mm512_loadu_si512(from + part * tile_block);
        *left = _mm512_add_ps(*left, widened_half(_mm512_castsi512_si256(values)));
        *right = _mm512_add_ps(*right, widened_half(_mm512_extracti64x4_epi64(values, 1)));
    }
}

ALWAYS_INLINE void store_block(const int parts, __m512 left, __m512 right, ptrdiff_t part_distance, uint16_t *to) {
    const __m512i high = (__m512i)_mm512_cvtne2ps_pbh(right, left);
    _mm512_storeu_si512(to, high);
    if (parts == 2) {
        left = _mm512_sub_ps(left, widened_half(_mm512_castsi512_si256(high)));
        right = _mm512_sub_ps(right, widened_half(_mm512_extracti64x4_epi64(high, 1)));
        _mm512_storeu_si512(to + part_distance, (__m512i)_mm512_cvtne2ps_pbh(right, left));
    }
}

/* Sums of two tiles of pixels and one block of channels that wait to be finished, a few rows at each step of the next block's products. */
struct pending_sums {
    float (*sums)[tile_maximum_rows * 16]; /* [4]: pixels 0 left, right, pixels 1 left, right */
    size_t columns[2];                     /* of the two tiles in their rows of tiles */
    size_t rows[2];
    size_t block;
    size_t next;
    size_t end;
};

ALWAYS_INLINE void finish_rows(const int parts, const int float_output, const struct tile_conv *conv, void *output,
                               const uint16_t *residual, struct pending_sums *pending, size_t rows) {
    const __m512 zero = _mm512_setzero_ps();
    const size_t stop = pending->next + rows < pending->end ? pending->next + rows : pending->end;
    for (size_t n = pending->next; n < stop; n++) {
        const size_t tile = n >= conv->tile_rows, row = n - tile * conv->tile_rows;
        const size_t entry = pending->columns[tile] * tile_maximum_rows + row;
        if (conv->row_targets[entry] < 0) continue;
        const float *bias = conv->bias + pending->block * tile_block;
        __m512 left = _mm512_add_ps(_mm512_load_ps(pending->sums[2 * tile] + row * 16), _mm512_loadu_ps(bias));
        __m512 right = _mm512_add_ps(_mm512_load_ps(pending->sums[2 * tile + 1] + row * 16), _mm512_loadu_ps(bias + 16));
        const ptrdiff_t channel = (ptrdiff_t)(pending->block * tile_block);
        const ptrdiff_t pixel = conv->row_targets[entry] + (ptrdiff_t)pending->rows[tile] * conv->out_row;
        const ptrdiff_t place = pixel * conv->out_pixel + channel * (float_output ? 1 : parts);
        if (residual) {
            const ptrdiff_t other = conv->residual_targets[entry] + (ptrdiff_t)pending->rows[tile] * conv->residual_row;
            add_block(parts, residual + other * conv->residual_pixel + channel * parts, &left, &right);
        }
        if (conv->relu && conv->slopes) {
            const float *slopes = conv->slopes + pending->block * tile_block;
            /* The comparison is false for a NaN, which then stays. */
            left = _mm512_mask_mul_ps(left, _mm512_cmp_ps_mask(left, zero, _CMP_LT_OQ), left, _mm512_loadu_ps(slopes));
            right = _mm512_mask_mul_ps(right, _mm512_cmp_ps_mask(right, zero, _CMP_LT_OQ), right, _mm512_loadu_ps(slopes + 16));
        } else if (conv->relu) {
            /* The second operand is the answer for a NaN; adding zero makes -0, which it can also be, a +0. */
            left = _mm512_add_ps(_mm512_max_ps(zero, left), zero);
            right = _mm512_add_ps(_mm512_max_ps(zero, right), zero);
        }
        if (float_output) {
            _mm512_storeu_ps((float *)output + place, left);
            _mm512_storeu_ps((float *)output + place + 16, right);
        } else {
            store_block(parts, left, right, tile_block, (uint16_t *)output + place);
        }
    }
    pending->next = stop;
}

/* One step over 32 input values: two tiles of pixels times two of weights. */
ALWAYS_INLINE void multiply_step(const int parts, const uint16_t *first, const uint16_t *second, ptrdiff_t part_distance,
                                 size_t row_bytes, const uint16_t *weights) {
    enum { half = tile_maximum_rows * tile_block };
    if (parts == 1) {
        _tile_loadd(4, first, row_bytes);
        _tile_loadd(6, weights, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, weights + half, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, second, row_bytes);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    } else {
        /* Low x high, high x high, high x low. */
        _tile_loadd(4, first + part_distance, row_bytes);
        _tile_loadd(6, weights, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, weights + half, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, second + part_distance, row_bytes);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
        _tile_loadd(4, first, row_bytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, second, row_bytes);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
        _tile_loadd(6, weights + 2 * half, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(2, 5, 6);
        _tile_loadd(7, weights + 3 * half, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
    }
}

/*
 * The vector unit finishes a block's sums while the tile unit multiplies the next block's: the rows to finish are dealt out over the steps.
 * The order of the sums over taps and blocks is fixed, so a pixel's value does not depend on the tile it stands in.
 */
ALWAYS_INLINE void convolve(const int parts, const int float_output, const struct tile_conv *description,
                            const uint16_t *input, void *output, const uint16_t *residual, size_t tile_begin, size_t tile_end,
                            size_t block_begin, size_t block_end) {
    /* A copy that no store can reach, so that its members stay in registers. */
    const struct tile_conv copy = *description;
    const struct tile_conv *const conv = &copy;
    float sums[2][4][tile_maximum_rows * 16] __attribute__((aligned(64)));
    const size_t steps = conv->taps * conv->in_blocks;
    const size_t step_values = (size_t)parts * 2 * tile_maximum_rows * tile_block;
    const size_t row_bytes = (size_t)conv->row_distance * sizeof(uint16_t);
    const size_t rows_a_step = (2 * conv->tile_rows + steps - 1) / steps;
    struct pending_sums pending = {.sums = sums[0]};
    int turn = 0;
    for (size_t block = block_begin; block < block_end; block++) {
        for (size_t tile = tile_begin; tile < tile_end; tile += 2) {
            /* A last tile without a partner is multiplied twice and finished once. */
            const size_t partner = tile + 1 < tile_end ? tile + 1 : tile;
            const size_t row = tile / conv->tiles_a_row, column = tile % conv->tiles_a_row;
            const size_t partner_row = partner / conv->tiles_a_row, partner_column = partner % conv->tiles_a_row;
            const uint16_t *first_pixel = input + (ptrdiff_t)row * conv->in_row + conv->tile_offsets[column];
            const uint16_t *second_pixel = input + (ptrdiff_t)partner_row * conv->in_row + conv->tile_offsets[partner_column];
            const uint16_t *weights = conv->weights + block * steps * step_values;
            _tile_zero(0);
            _tile_zero(1);
            _tile_zero(2);
            _tile_zero(3);
            for (size_t tap = 0; tap < conv->taps; tap++) {
                const uint16_t *first = first_pixel + conv->tap_offsets[tap];
                const uint16_t *second = second_pixel + conv->tap_offsets[tap];
                for (size_t i = 0; i < conv->in_blocks; i++) {
                    multiply_step(parts, first, second, conv->part_distance, row_bytes, weights);
                    finish_rows(parts, float_output, conv, output, residual, &pending, rows_a_step);
                    first += conv->block_distance;
                    second += conv->block_distance;
                    weights += step_values;
                }
            }
            finish_rows(parts, float_output, conv, output, residual, &pending, 2 * tile_maximum_rows);
            _tile_stored(0, sums[turn][0], 64);
            _tile_stored(1, sums[turn][1], 64);
            _tile_stored(2, sums[turn][2], 64);
            _tile_stored(3, sums[turn][3], 64);
            pending = (struct pending_sums){
                .sums = sums[turn],
                .columns = {column, partner_column},
                .rows = {row, partner_row},
                .block = block,
                .end = (partner == tile ? 1 : 2) * conv->tile_rows,
            };
            turn = !turn;
        }
    }
    finish_rows(parts, float_output, conv, output, residual, &pending, 2 * tile_maximum_rows);
}

void tile_convolve(const struct tile_conv *conv, const uint16_t *input, void *output, const uint16_t *residual,
                   size_t tile_begin, size_t tile_end, size_t block_begin, size_t block_end) {
    configure_tiles(conv->tile_rows);
    if (conv->parts == 1 && conv->float_output)
        convolve(1, 1, conv, input, output, residual, tile_begin, tile_end, block_begin, block_end);
    else if (conv->parts == 1)
        convolve(1, 0, conv, input, output, residual, tile_begin, tile_end, block_begin, block_end);
    else if (conv->float_output)
        convolve(2, 1, conv, input, output, residual, tile_begin, tile_end, block_begin, block_end);
    else
        convolve(2, 0, conv, input, output, residual, tile_begin, tile_end, block_begin, block_end);
    _tile_release();
}

void tile_pack_blocks(const float *input, size_t blocks, size_t parts, uint16_t *output) {
    for (size_t b = 0; b < blocks; b++, input += tile_block, output += parts * tile_block) {
        const __m512 left = _mm512_loadu_ps(input), right = _mm512_loadu_ps(input + 16);
        if (parts == 2)
            store_block(2, left, right, tile_block, output);
        else
            store_block(1, left, right, 0, output);
    }
}

void tile_pack_row(const float *input, size_t count, size_t parts, ptrdiff_t part_distance, uint16_t *output) {
    for (size_t i = 0; i < count; i += tile_block) {
        const size_t rest = count - i < tile_block ? count - i : tile_block;
        const __mmask16 left_mask = (__mmask16)(rest >= 16 ? 0xffff : (1u << rest) - 1);
        const __mmask16 right_mask = (__mmask16)(rest >= 32 ? 0xffff : rest > 16 ? (1u << (rest - 16)) - 1 : 0);
        const __mmask32 mask = (__mmask32)left_mask | (__mmask32)right_mask << 16;
        __m512 left = _mm512_maskz_loadu_ps(left_mask, input + i);
        __m512 right = _mm512_maskz_loadu_ps(right_mask, input + i + 16);
        for (size_t part = 0; part < parts; part++) {
            const __m512i values = (__m512i)_mm512_cvtne2ps_pbh(right, left);
            _mm512_mask_storeu_epi16(output + i + (ptrdiff_t)part * part_distance, mask, values);
            left = _mm512_sub_ps(left, widened_half(_mm512_castsi512_si256(values)));
            right = _mm512_sub_ps(right, widened_half(_mm512_extracti64x4_epi64(values, 1)));
        }
    }
}

static __m512i column_maximum(const uint16_t *const rows[3], size_t row_count, size_t place) {
    const __m512i first = _mm512_max_epu16(_mm512_loadu_si512(rows[0] + place), _mm512_loadu_si512(rows[1] + place));
    return row_count == 3 ? _mm512_max_epu16(first, _mm512_loadu_si512(rows[2] + place)) : first;
}

void tile_max_pool_row(const uint16_t *const rows[3], size_t row_count, size_t width, size_t blocks, uint16_t *output) {
    const uint16_t *const lines[3] = {rows[0], row_count > 1 ? rows[1] : rows[0], row_count > 2 ? rows[2] : rows[0]};
    const size_t pixel = blocks * tile_block;
    for (size_t c = 0; c < pixel; c += tile_block) {
        /* A window's last column is the next one's first. */
        __m512i edge = column_maximum(lines, row_count, c);
        for (size_t x = 0; x < width; x += 2) {
            __m512i best = _mm512_max_epu16(edge, column_maximum(lines, row_count, x * pixel + c));
            if (x + 1 < width) {
                edge = column_maximum(lines, row_count, (x + 1) * pixel + c);
                best = _mm512_max_epu16(best, edge);
            }
            _mm512_storeu_si512(output + x / 2 * pixel + c, best);
        }
    }
}

#pragma clang attribute pop
#else

/* Never reached: `tile_unit_probe` finds no tile unit on other architectures. */
void tile_convolve(const struct tile_conv *conv, const uint16_t *input, void *output, const uint16_t *residual,
                   size_t tile_begin, size_t tile_end, size_t block_begin, size_t block_end) {
    (void)conv, (void)input, (void)output, (void)residual;
    (void)tile_begin, (void)tile_end, (void)block_begin, (void)block_end;
    __builtin_trap();
}

void tile_pack_blocks(const float *input, size_t blocks, size_t parts, uint16_t *output) {
    (void)input, (void)blocks, (void)parts, (void)output;
    __builtin_trap();
}

void tile_pack_row(const float *input, size_t count, size_t parts, ptrdiff_t part_distance, uint16_t *output) {
    (void)input, (void)count, (void)parts, (void)part_distance, (void)output;
    __builtin_trap();
}

void tile_max_pool_row(const uint16_t *const rows[3], size_t row_count, size_t width, size_t blocks, uint16_t *output) {
    (void)rows, (void)row_count, (void)width, (void)blocks, (void)output;
    __builtin_trap();
}

#endif
