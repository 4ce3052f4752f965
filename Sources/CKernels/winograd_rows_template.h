/*
 * Part of float_kernels_template.h: Winograd's F(4, 3) along rows only, for pictures of up to four channels. The transform along columns as
 * well would cost as many additions as the products that it saves.
 */

enum { row_tile = 4, row_side = row_tile + 2, row_lanes = 4, row_tile_floats = row_side * row_lanes };

/* Tiles whose sums stay in registers together. */
enum { row_tiles_at_once = LANES == 16 ? 4 : 2 };

typedef float row_vec __attribute__((ext_vector_type(row_lanes)));
typedef row_vec row_vec_unaligned __attribute__((aligned(4), may_alias));

/* Bt d along one row of pixels: [tiles][side][lanes], channels beyond the picture's being whatever they are. */
static void transform_row(const struct conv_f32 *conv, size_t channels, const float *row, size_t tiles, float *transformed) {
    const size_t pixel = conv->in_channels, width = conv->out_width + 2;
    for (size_t t = 0; t < tiles; t++, transformed += row_tile_floats) {
        const size_t x = t * row_tile;
        float edge[row_tile_floats] = {0};
        row_vec d[row_side];
        if ((x + row_side - 1) * pixel + row_lanes <= width * pixel) {
#pragma clang loop unroll(full)
            for (size_t i = 0; i < row_side; i++) d[i] = *(const row_vec_unaligned *)(row + (x + i) * pixel);
        } else {
            /* A vector of the last pixel would reach beyond the row. */
            for (size_t i = 0; i < row_side && x + i < width; i++)
                for (size_t c = 0; c < channels; c++) edge[i * row_lanes + c] = row[(x + i) * pixel + c];
            for (size_t i = 0; i < row_side; i++) d[i] = *(const row_vec_unaligned *)(edge + i * row_lanes);
        }
        const row_vec even = d[4] - 4.0f * d[2], odd = d[3] - 4.0f * d[1];
        const row_vec even2 = d[4] - d[2], odd2 = 2.0f * (d[3] - d[1]);
        row_vec_unaligned *to = (row_vec_unaligned *)transformed;
        to[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
        to[1] = even + odd;
        to[2] = even - odd;
        to[3] = even2 + odd2;
        to[4] = even2 - odd2;
        to[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
    }
}

/* `count` tiles of one output row, one vector of channels of it. */
ALWAYS_INLINE void multiply_row_tiles(const int count, const struct conv_f32 *conv, size_t channels, const float *const rows[3],
                                      const float *weights, size_t channel, size_t x, float *out) {
    vec sums[row_tiles_at_once][row_side];
#pragma clang loop unroll(full)
    for (int t = 0; t < count; t++)
#pragma clang loop unroll(full)
        for (int k = 0; k < row_side; k++) sums[t][k] = splat(0.0f);
    for (int h = 0; h < 3; h++) {
        const float *from = rows[h] + x / row_tile * row_tile_floats;
        for (size_t c = 0; c < channels; c++, from++, weights += row_side * panel_width)
#pragma clang loop unroll(full)
            for (int k = 0; k < row_side; k++) {
                const vec weight = load(weights + k * panel_width);
#pragma clang loop unroll(full)
                for (int t = 0; t < count; t++)
                    sums[t][k] = fma_vec(splat(from[t * row_tile_floats + k * row_lanes]), weight, sums[t][k]);
            }
    }
    const vec bias = load(conv->bias + channel);
    const vec slopes = conv->slopes ? load(conv->slopes + channel) : splat(0.0f);
#pragma clang loop unroll(full)
    for (int t = 0; t < count; t++) {
        vec o[row_tile];
        output_transform_4(sums[t], 1, o, 1);
        const size_t first = x + (size_t)(t * row_tile);
        if (conv->slopes && first + row_tile <= conv->out_width) {
            /* The same as below with its questions answered once. */
#pragma clang loop unroll(full)
            for (int i = 0; i < row_tile; i++)
                store(out + (first + (size_t)i) * conv->out_channels, prelu_vec(o[i] + bias, slopes));
            continue;
        }
        for (int i = 0; i < row_tile; i++) {
            const size_t column = first + (size_t)i;
            if (column >= conv->out_width) break;
            vec value = o[i] + bias;
            if (conv->relu) value = conv->slopes ? prelu_vec(value, slopes) : relu_vec(value);
            store(out + column * conv->out_channels, value);
        }
    }
}

static void convolve_rows(const struct conv_f32 *conv, size_t channels, const float *input, float *output, size_t row_begin,
                          size_t row_end, size_t panel_begin, size_t panel_end, float *scratch) {
    const size_t tiles = (conv->out_width + row_tile - 1) / row_tile;
    const size_t row_floats = tiles * row_tile_floats, panel_floats = 3 * channels * row_side * panel_width;
    /* The last three input rows, each transformed once. */
    for (size_t y = row_begin; y < row_begin + 2; y++)
        transform_row(conv, channels, input + (ptrdiff_t)y * conv->in_row, tiles, scratch + y % 3 * row_floats);
    for (size_t y = row_begin; y < row_end; y++) {
        transform_row(conv, channels, input + (ptrdiff_t)(y + 2) * conv->in_row, tiles, scratch + (y + 2) % 3 * row_floats);
        const float *const rows[3] = {scratch + y % 3 * row_floats, scratch + (y + 1) % 3 * row_floats,
                                      scratch + (y + 2) % 3 * row_floats};
        for (size_t channel = panel_begin * panel_width; channel < panel_end * panel_width; channel += LANES) {
            const float *weights = conv->weights + channel / panel_width * panel_floats + channel % panel_width;
            float *out = output + (ptrdiff_t)y * conv->out_row + channel;
            size_t t = 0;
            for (; t + row_tiles_at_once <= tiles; t += row_tiles_at_once)
                multiply_row_tiles(row_tiles_at_once, conv, channels, rows, weights, channel, t * row_tile, out);
            for (; t + 2 <= tiles; t += 2) multiply_row_tiles(2, conv, channels, rows, weights, channel, t * row_tile, out);
            for (; t < tiles; t++) multiply_row_tiles(1, conv, channels, rows, weights, channel, t * row_tile, out);
        }
    }
}

static int winograd_rows_pack(const float *weights, const double *factors, size_t real_out, size_t real_in, size_t panel_index,
                              float *packed) {
    float finite = 0;
    for (size_t h = 0; h < 3; h++)
        for (size_t i = 0; i < real_in; i++)
            for (size_t k = 0; k < row_side; k++)
                for (size_t lane = 0; lane < panel_width; lane++, packed++) {
                    const size_t o = panel_index * panel_width + lane;
                    double value = 0;
                    for (size_t x = 0; x < 3 && o < real_out; x++)
                        value += weight_transform_4[k][x] *
                                 (double)(float)((double)weights[((o * real_in + i) * 3 + h) * 3 + x] * factors[o]);
                    *packed = (float)value;
                    /* 0 for a finite value, NaN otherwise. */
                    finite += *packed - *packed;
                }
    return finite == 0;
}
