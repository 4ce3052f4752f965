/*
 * The float32 kernels for one vector width. A file that includes this defines
 *
 *   LANES     floats of a vector
 *   VECTORS   vectors of a panel, 1 or 2
 *   ROWS      most pixels of the micro-kernel, even and at most 14: ROWS * VECTORS + 3 vectors must fit the registers
 *   FAMILY    the name of the table to make
 *   GRADIENT_FAMILY  that of the backward pass's
 *
 * and wraps the inclusion in the target attribute of its instruction set.
 */
#include "float_kernels.h"

enum { panel_width = VECTORS * LANES };

typedef float vec __attribute__((ext_vector_type(LANES)));
typedef vec vec_unaligned __attribute__((aligned(4), may_alias));
typedef int vec_mask __attribute__((ext_vector_type(LANES)));

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE vec load(const float *from) { return *(const vec_unaligned *)from; }
ALWAYS_INLINE void store(float *to, vec value) { *(vec_unaligned *)to = value; }
ALWAYS_INLINE vec splat(float value) { return (vec)(value); }
ALWAYS_INLINE vec fma_vec(vec a, vec b, vec c) { return __builtin_elementwise_fma(a, b, c); }

/* max(0, x) that keeps a NaN: a broken activation must reach the check on the logit. */
ALWAYS_INLINE vec relu_vec(vec value) {
    const vec zero = splat(0.0f);
    return zero > value ? zero : value;
}

/* The same with negative values multiplied instead of cut. */
ALWAYS_INLINE vec prelu_vec(vec value, vec slope) { return splat(0.0f) > value ? value * slope : value; }

/* What the micro-kernel reads and writes: up to ROWS pixels times one panel. */
struct micro_task {
    const float *a;          /* the first pixel's first tap */
    ptrdiff_t a_pixel;       /* from a pixel to the next, under the same tap */
    ptrdiff_t a_second_half; /* from pixel 0 to pixel ROWS / 2, which need not follow its neighbour */
    ptrdiff_t a_row;         /* from one kernel row's taps to the next's */
    size_t kernel_rows;
    size_t run;              /* floats of one kernel row's taps */
    const float *b;          /* [kernel_rows * run][panel] */
    const float *bias;       /* NULL: start at zero */
    const float *residual;   /* NULL: none */
    float *out;
    ptrdiff_t out_pixel;
    ptrdiff_t out_second_half;
    ptrdiff_t residual_second_half;
    int relu;
    const float *slopes;     /* NULL: zeros */
    ptrdiff_t prefetch;      /* to the weights wanted next, 0 for none */
};

/*
 * The sums stay in registers over the whole depth, and each is added up in the order of the depth whatever the number of rows: a pixel's value
 * is the same to the bit in whatever block it is computed.
 */
ALWAYS_INLINE void micro(const int rows, const struct micro_task *task) {
    vec sums[ROWS][VECTORS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < VECTORS; v++) sums[r][v] = task->bias ? load(task->bias + v * LANES) : splat(0.0f);

    /* Few registers for many addresses: multiples of one distance that the CPU's scaled index can reach from three. */
    const ptrdiff_t pixel = task->a_pixel, pixel3 = 3 * pixel, pixel5 = 5 * pixel;
    const float *b = task->b;
    for (size_t h = 0; h < task->kernel_rows; h++) {
        const float *first = task->a + (ptrdiff_t)h * task->a_row;
        const float *second = first + task->a_second_half;
        for (size_t k = 0; k < task->run; k++) {
            vec weights[VECTORS];
#pragma clang loop unroll(full)
            for (int v = 0; v < VECTORS; v++) weights[v] = load(b + v * LANES);
            if (task->prefetch) {
#pragma clang loop unroll(full)
                for (int v = 0; v < VECTORS; v++) __builtin_prefetch(b + task->prefetch + v * LANES, 0, 2);
            }
            b += panel_width;
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
                const float *half = r < ROWS / 2 ? first : second;
                const int place = r % (ROWS / 2);
                const ptrdiff_t offset = place == 0   ? 0
                                         : place == 1 ? pixel
                                         : place == 2 ? 2 * pixel
                                         : place == 3 ? pixel3
                                         : place == 4 ? 4 * pixel
                                         : place == 5 ? pixel5
                                                      : 2 * pixel3;
                const vec value = splat(half[offset]);
#pragma clang loop unroll(full)
                for (int v = 0; v < VECTORS; v++) sums[r][v] = fma_vec(value, weights[v], sums[r][v]);
            }
            first++;
            second++;
        }
    }

#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        const ptrdiff_t pixels = r % (ROWS / 2) * task->out_pixel;
#pragma clang loop unroll(full)
        for (int v = 0; v < VECTORS; v++) {
            vec value = sums[r][v];
            if (task->residual)
                value += load(task->residual + (r < ROWS / 2 ? 0 : task->residual_second_half) + pixels + v * LANES);
            if (task->relu) value = task->slopes ? prelu_vec(value, load(task->slopes + v * LANES)) : relu_vec(value);
            store(task->out + (r < ROWS / 2 ? 0 : task->out_second_half) + pixels + v * LANES, value);
        }
    }
}

#define MICRO_CASE(rows)                   \
    case (rows):                           \
        if ((rows) <= ROWS) micro(rows, task); \
        break;

static __attribute__((noinline)) void micro_rows(size_t rows, const struct micro_task *task) {
    switch (rows) {
        MICRO_CASE(1) MICRO_CASE(2) MICRO_CASE(3) MICRO_CASE(4) MICRO_CASE(5) MICRO_CASE(6) MICRO_CASE(7)
        MICRO_CASE(8) MICRO_CASE(9) MICRO_CASE(10) MICRO_CASE(11) MICRO_CASE(12) MICRO_CASE(13) MICRO_CASE(14)
    }
}

/* `pixels` in a row times one panel, in blocks of nearly equal size. `task` is at the first pixel. */
static void micro_line(struct micro_task task, size_t pixels) {
    const size_t blocks = (pixels + ROWS - 1) / ROWS;
    task.a_second_half = ROWS / 2 * task.a_pixel;
    task.out_second_half = ROWS / 2 * task.out_pixel;
    task.residual_second_half = task.out_second_half;
    for (size_t block = 0; block < blocks; block++) {
        const size_t rows = (pixels + blocks - block - 1) / (blocks - block);
        micro_rows(rows, &task);
        task.prefetch = 0;
        task.a += (ptrdiff_t)rows * task.a_pixel;
        task.out += (ptrdiff_t)rows * task.out_pixel;
        if (task.residual) task.residual += (ptrdiff_t)rows * task.out_pixel;
        pixels -= rows;
    }
}

static void convolve(const struct conv_f32 *conv, const float *input, float *output, const float *residual, size_t row_begin,
                     size_t row_end, size_t panel_begin, size_t panel_end) {
    const size_t depth = conv->kernel * conv->kernel * conv->in_channels;
    /* A panel at a time over all rows, so that its weights stay in the cache. */
    for (size_t panel = panel_begin; panel < panel_end; panel++) {
        for (size_t row = row_begin; row < row_end; row++) {
            const ptrdiff_t channel = (ptrdiff_t)(panel * panel_width);
            struct micro_task task = {
                .a = input + (ptrdiff_t)(row * conv->stride) * conv->in_row,
                .a_pixel = conv->in_step,
                .a_row = conv->in_row,
                .kernel_rows = conv->kernel,
                .run = conv->kernel * conv->in_channels,
                .b = conv->weights + panel * depth * panel_width,
                .bias = conv->bias + panel * panel_width,
                .residual = residual ? residual + (ptrdiff_t)row * conv->residual_row + channel : 0,
                .out = output + (ptrdiff_t)row * conv->out_row + channel,
                .out_pixel = (ptrdiff_t)conv->out_channels,
                .relu = conv->relu,
                .slopes = conv->slopes ? conv->slopes + panel * panel_width : 0,
            };
            if (conv->out_width == ROWS / 2 && row + 1 < row_end) {
                /* Two short rows fill one block. */
                task.a_second_half = (ptrdiff_t)conv->stride * conv->in_row;
                task.out_second_half = conv->out_row;
                task.residual_second_half = conv->residual_row;
                micro_rows(ROWS, &task);
                row++;
            } else {
                micro_line(task, conv->out_width);
            }
        }
    }
}

static void multiply(const float *a, ptrdiff_t a_row, size_t rows, size_t depth, const float *b, size_t panels, float *product,
                     ptrdiff_t product_row) {
    for (size_t panel = 0; panel < panels; panel++) {
        const struct micro_task task = {
            .a = a, .a_pixel = a_row, .kernel_rows = 1, .run = depth, .b = b + panel * depth * panel_width,
            .out = product + panel * panel_width, .out_pixel = product_row,
            /* The next panel, or the next matrix's first: they lie one after the other, too far apart for the CPU to guess. */
            .prefetch = (ptrdiff_t)(depth * panel_width),
        };
        micro_line(task, rows);
    }
}

/* The largest of some values, and where one of them was a NaN. */
struct maximum {
    vec best;
    vec_mask broken;
};

ALWAYS_INLINE struct maximum larger(struct maximum a, struct maximum b) {
    return (struct maximum){a.best > b.best ? a.best : b.best, a.broken | b.broken};
}

/* Keeps a NaN, whatever the comparisons made of it. */
ALWAYS_INLINE void store_maximum(float *to, struct maximum maximum) {
    store(to, maximum.broken ? splat(__builtin_nanf("")) : maximum.best);
}

ALWAYS_INLINE struct maximum column_maximum(const float *const rows[3], size_t row_count, size_t place) {
    const vec first = load(rows[0] + place), second = load(rows[1] + place);
    const struct maximum both = {first > second ? first : second, (first != first) | (second != second)};
    if (row_count < 3) return both;
    const vec third = load(rows[2] + place);
    return larger(both, (struct maximum){third, third != third});
}

static void max_pool_row(const struct max_pool_f32 *pool, const float *const rows[3], size_t row_count, float *output) {
    const float *const lines[3] = {rows[0], row_count > 1 ? rows[1] : rows[0], row_count > 2 ? rows[2] : rows[0]};
    const size_t channels = pool->channels, last = pool->width - 1;
    for (size_t c = 0; c < channels; c += LANES) {
        if (pool->kernel == 2) {
            for (size_t x = 0; x < pool->out_width; x++) {
                const size_t second = 2 * x + 1 < last ? 2 * x + 1 : last;
                store_maximum(output + x * channels + c,
                              larger(column_maximum(lines, row_count, 2 * x * channels + c),
                                     column_maximum(lines, row_count, second * channels + c)));
            }
            continue;
        }
        /* A window's last column is the next one's first. One beyond the edge is replaced by the last, which its window holds anyway. */
        struct maximum edge = column_maximum(lines, row_count, c);
        for (size_t x = 0; x < pool->out_width; x++) {
            const size_t middle = 2 * x + 1 - pool->padding < last ? 2 * x + 1 - pool->padding : last;
            const size_t right = middle + 1 < last ? middle + 1 : last;
            const struct maximum best = larger(edge, column_maximum(lines, row_count, middle * channels + c));
            edge = column_maximum(lines, row_count, right * channels + c);
            store_maximum(output + x * channels + c, larger(best, edge));
        }
    }
}

#include "winograd_template.h"
#include "winograd_rows_template.h"
#include "gradient_template.h"

static const struct float_kernels FAMILY = {
    .panel = panel_width,
    .convolve = convolve,
    .winograd_input = winograd_input,
    .multiply = multiply,
    .winograd_output = winograd_output,
    .max_pool_row = max_pool_row,
    .winograd_pack = winograd_pack,
    .convolve_rows = convolve_rows,
    .winograd_rows_pack = winograd_rows_pack,
};
