/*
 * Part of float_kernels_template.h: Winograd's minimal filtering along both axes (Lavin and Gray 2016, arXiv:1509.09308), the transforms around
 * the products.
 */

/* Bt d of F(4, 3) on six values, `step` apart (Lavin and Gray 2016, section 4.3). */
ALWAYS_INLINE void input_transform_4(vec *d, int step) {
    const vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    const vec even = d4 - 4.0f * d2, odd = d3 - 4.0f * d1;
    const vec even2 = d4 - d2, odd2 = 2.0f * (d3 - d1);
    d[0] = fma_vec(splat(4.0f), d0, fma_vec(splat(-5.0f), d2, d4));
    d[step] = even + odd;
    d[2 * step] = even - odd;
    d[3 * step] = even2 + odd2;
    d[4 * step] = even2 - odd2;
    d[5 * step] = fma_vec(splat(4.0f), d1, fma_vec(splat(-5.0f), d3, d5));
}

/* Bt d of F(3, 3) on five values, from the points 0, 1, -1, 2 and infinity. */
ALWAYS_INLINE void input_transform_3(vec *d, int step) {
    const vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
    const vec odd = d3 - d1;
    d[0] = fma_vec(splat(2.0f), d0 - d2, odd);
    d[step] = fma_vec(splat(-2.0f), d1, d3 - d2);
    d[2 * step] = fma_vec(splat(2.0f), d1, fma_vec(splat(-3.0f), d2, d3));
    d[3 * step] = odd;
    d[4 * step] = fma_vec(splat(-2.0f), odd, d4 - d2);
}

/* Bt d of F(2, 3) on four values. */
ALWAYS_INLINE void input_transform_2(vec *d, int step) {
    const vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
    d[0] = d0 - d2;
    d[step] = d1 + d2;
    d[2 * step] = d2 - d1;
    d[3 * step] = d1 - d3;
}

/* At m of F(4, 3): six values to four. */
ALWAYS_INLINE void output_transform_4(const vec *m, int step, vec *o, int out_step) {
    const vec sum1 = m[step] + m[2 * step], difference1 = m[step] - m[2 * step];
    const vec sum2 = m[3 * step] + m[4 * step], difference2 = m[3 * step] - m[4 * step];
    o[0] = m[0] + sum1 + sum2;
    o[out_step] = fma_vec(splat(2.0f), difference2, difference1);
    o[2 * out_step] = fma_vec(splat(4.0f), sum2, sum1);
    o[3 * out_step] = fma_vec(splat(8.0f), difference2, difference1 + m[5 * step]);
}

/* At m of F(3, 3): five values to three. */
ALWAYS_INLINE void output_transform_3(const vec *m, int step, vec *o, int out_step) {
    const vec sum = m[step] + m[2 * step], difference = m[step] - m[2 * step];
    o[0] = m[0] + sum + m[3 * step];
    o[out_step] = fma_vec(splat(2.0f), m[3 * step], difference);
    o[2 * out_step] = fma_vec(splat(4.0f), m[3 * step], sum + m[4 * step]);
}

/* At m of F(2, 3): four values to two. */
ALWAYS_INLINE void output_transform_2(const vec *m, int step, vec *o, int out_step) {
    o[0] = m[0] + m[step] + m[2 * step];
    o[out_step] = m[step] - m[2 * step] - m[3 * step];
}

/* `side` values of the input a side; unless it is `whole`, those beyond `rows` and `columns` are zero. */
ALWAYS_INLINE void transform_input_tile(const int side, const int whole, const struct winograd_f32 *conv, const float *input, size_t rows,
                                        size_t columns, float *transformed, ptrdiff_t stride) {
    for (size_t c = 0; c < conv->in_channels; c += LANES) {
        vec d[36];
#pragma clang loop unroll(full)
        for (int y = 0; y < side; y++)
#pragma clang loop unroll(full)
            for (int x = 0; x < side; x++)
                d[y * side + x] = whole || ((size_t)y < rows && (size_t)x < columns)
                                      ? load(input + y * conv->in_row + (ptrdiff_t)((size_t)x * conv->in_channels + c))
                                      : splat(0.0f);
#pragma clang loop unroll(full)
        for (int x = 0; x < side; x++) {
            if (side == 6)
                input_transform_4(d + x, 6);
            else if (side == 5)
                input_transform_3(d + x, 5);
            else
                input_transform_2(d + x, 4);
        }
#pragma clang loop unroll(full)
        for (int y = 0; y < side; y++) {
            if (side == 6)
                input_transform_4(d + y * 6, 1);
            else if (side == 5)
                input_transform_3(d + y * 5, 1);
            else
                input_transform_2(d + y * 4, 1);
#pragma clang loop unroll(full)
            for (int x = 0; x < side; x++) store(transformed + (y * side + x) * stride + (ptrdiff_t)c, d[y * side + x]);
        }
    }
}

static void winograd_input(const struct winograd_f32 *conv, const float *input, size_t tile_begin, size_t tile_end,
                           float *transformed, ptrdiff_t stride) {
    const size_t tiles_x = (conv->width + conv->tile - 1) / conv->tile;
    for (size_t t = tile_begin; t < tile_end; t++) {
        const size_t y = t / tiles_x * conv->tile, x = t % tiles_x * conv->tile;
        const float *from = input + (ptrdiff_t)y * conv->in_row + (ptrdiff_t)(x * conv->in_channels);
        float *to = transformed + (ptrdiff_t)((t - tile_begin) * conv->in_channels);
        const size_t rows = conv->height + 2 - y, columns = conv->width + 2 - x;
        const int whole = rows >= conv->tile + 2 && columns >= conv->tile + 2;
        if (conv->tile == 4)
            whole ? transform_input_tile(6, 1, conv, from, rows, columns, to, stride)
                  : transform_input_tile(6, 0, conv, from, rows, columns, to, stride);
        else if (conv->tile == 3)
            whole ? transform_input_tile(5, 1, conv, from, rows, columns, to, stride)
                  : transform_input_tile(5, 0, conv, from, rows, columns, to, stride);
        else
            whole ? transform_input_tile(4, 1, conv, from, rows, columns, to, stride)
                  : transform_input_tile(4, 0, conv, from, rows, columns, to, stride);
    }
}

ALWAYS_INLINE void transform_output_tile(const int tile, const int whole, const struct winograd_f32 *conv, const float *products, ptrdiff_t stride,
                                         size_t rows, size_t columns, size_t channel_begin, size_t channel_end,
                                         float *output, const float *residual) {
    const int side = tile + 2;
    for (size_t c = channel_begin; c < channel_end; c += LANES) {
        vec m[36], half[24], o[16];
#pragma clang loop unroll(full)
        for (int k = 0; k < side * side; k++) m[k] = load(products + k * stride + (ptrdiff_t)c);
#pragma clang loop unroll(full)
        for (int x = 0; x < side; x++) {
            if (tile == 4)
                output_transform_4(m + x, 6, half + x, 6);
            else if (tile == 3)
                output_transform_3(m + x, 5, half + x, 5);
            else
                output_transform_2(m + x, 4, half + x, 4);
        }
#pragma clang loop unroll(full)
        for (int y = 0; y < tile; y++) {
            if (tile == 4)
                output_transform_4(half + y * 6, 1, o + y * 4, 1);
            else if (tile == 3)
                output_transform_3(half + y * 5, 1, o + y * 3, 1);
            else
                output_transform_2(half + y * 4, 1, o + y * 2, 1);
        }
        const vec bias = load(conv->bias + c);
        if (whole && conv->slopes && !residual) {
            /* The same as below with its questions answered once. */
            const vec slopes = load(conv->slopes + c);
#pragma clang loop unroll(full)
            for (int y = 0; y < tile; y++)
#pragma clang loop unroll(full)
                for (int x = 0; x < tile; x++)
                    store(output + y * conv->out_row + (ptrdiff_t)((size_t)x * conv->out_channels + c),
                          prelu_vec(o[y * tile + x] + bias, slopes));
            continue;
        }
#pragma clang loop unroll(full)
        for (int y = 0; y < tile; y++)
#pragma clang loop unroll(full)
            for (int x = 0; x < tile; x++) {
                if (!whole && ((size_t)y >= rows || (size_t)x >= columns)) continue;
                const ptrdiff_t place = (ptrdiff_t)((size_t)x * conv->out_channels + c);
                vec value = o[y * tile + x] + bias;
                if (residual) value += load(residual + y * conv->residual_row + place);
                if (conv->relu) value = conv->slopes ? prelu_vec(value, load(conv->slopes + c)) : relu_vec(value);
                store(output + y * conv->out_row + place, value);
            }
    }
}

static void winograd_output(const struct winograd_f32 *conv, const float *products, ptrdiff_t stride, size_t tile_begin,
                            size_t tile_end, size_t panel_begin, size_t panel_end, float *output, const float *residual) {
    const size_t channel_begin = panel_begin * panel_width, channel_end = panel_end * panel_width;
    const size_t tiles_x = (conv->width + conv->tile - 1) / conv->tile;
    for (size_t t = tile_begin; t < tile_end; t++) {
        const size_t y = t / tiles_x * conv->tile, x = t % tiles_x * conv->tile;
        const ptrdiff_t column = (ptrdiff_t)(x * conv->out_channels);
        const float *from = products + (ptrdiff_t)((t - tile_begin) * conv->out_channels);
        float *to = output + (ptrdiff_t)y * conv->out_row + column;
        const float *add = residual ? residual + (ptrdiff_t)y * conv->residual_row + column : 0;
        const size_t rows = conv->height - y, columns = conv->width - x;
        const int whole = rows >= conv->tile && columns >= conv->tile;
        if (conv->tile == 4)
            whole ? transform_output_tile(4, 1, conv, from, stride, rows, columns, channel_begin, channel_end, to, add)
                  : transform_output_tile(4, 0, conv, from, stride, rows, columns, channel_begin, channel_end, to, add);
        else if (conv->tile == 3)
            whole ? transform_output_tile(3, 1, conv, from, stride, rows, columns, channel_begin, channel_end, to, add)
                  : transform_output_tile(3, 0, conv, from, stride, rows, columns, channel_begin, channel_end, to, add);
        else
            whole ? transform_output_tile(2, 1, conv, from, stride, rows, columns, channel_begin, channel_end, to, add)
                  : transform_output_tile(2, 0, conv, from, stride, rows, columns, channel_begin, channel_end, to, add);
    }
}

static const double weight_transform_4[6][3] = {
    {1.0 / 4, 0, 0},           {-1.0 / 6, -1.0 / 6, -1.0 / 6}, {-1.0 / 6, 1.0 / 6, -1.0 / 6},
    {1.0 / 24, 1.0 / 12, 1.0 / 6}, {1.0 / 24, -1.0 / 12, 1.0 / 6}, {0, 0, 1}};
static const double weight_transform_3[5][3] = {
    {0.5, 0, 0}, {-0.5, -0.5, -0.5}, {-1.0 / 6, 1.0 / 6, -1.0 / 6}, {1.0 / 6, 1.0 / 3, 2.0 / 3}, {0, 0, 1}};
static const double weight_transform_2[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};

static int winograd_pack(size_t tile, const float *weights, const double *factors, size_t real_out, size_t real_in,
                         size_t panel_index, float *packed, ptrdiff_t stride) {
    const size_t side = tile + 2;
    const double(*g)[3] = tile == 4 ? weight_transform_4 : tile == 3 ? weight_transform_3 : weight_transform_2;
    const size_t first = panel_index * panel_width;
    const size_t real = first >= real_out ? 0 : real_out - first < panel_width ? real_out - first : panel_width;
    double finite = 0;
    for (size_t i = 0; i < real_in; i++) {
        double taps[9][panel_width], half[6][3][panel_width];
        for (size_t o = 0; o < panel_width; o++)
            for (size_t tap = 0; tap < 9; tap++)
                taps[tap][o] = o < real
                                   ? (double)(float)((double)weights[((first + o) * real_in + i) * 9 + tap] * factors[first + o])
                                   : 0.0;
        for (size_t y = 0; y < side; y++)
            for (size_t x = 0; x < 3; x++)
                for (size_t o = 0; o < panel_width; o++)
                    half[y][x][o] = g[y][0] * taps[x][o] + g[y][1] * taps[3 + x][o] + g[y][2] * taps[6 + x][o];
        for (size_t y = 0; y < side; y++)
            for (size_t x = 0; x < side; x++) {
                float *to = packed + (ptrdiff_t)(y * side + x) * stride + (ptrdiff_t)(i * panel_width);
                for (size_t o = 0; o < panel_width; o++) {
                    const double value = g[x][0] * half[y][0][o] + g[x][1] * half[y][1][o] + g[x][2] * half[y][2][o];
                    to[o] = (float)value;
                    /* 0 for a finite float, NaN otherwise. */
                    finite += (double)(to[o] - to[o]);
                }
            }
    }
    return finite == 0;
}

