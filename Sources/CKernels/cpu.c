#define _GNU_SOURCE
#include "cpu.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tile_kernels.h"

#if defined(__x86_64__) && defined(__linux__)
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

enum cpu_vector_level cpu_vector_level_detect(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return cpu_vector_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return cpu_vector_avx2;
#endif
    return cpu_vector_baseline;
}

#if defined(__x86_64__) && defined(__linux__)

enum { request_permission = 0x1023, tile_data_feature = 18 };

/* A product of two blocks, both parts of each, held against the same sums in double. */
static int product_is_right(void) {
    enum { pixels = tile_maximum_rows, channels = 2 * tile_maximum_rows, depth = tile_block };
    static float input[pixels * depth], weights[channels * depth], bias[channels], output[pixels * channels];
    static double factors[channels];
    static uint16_t packed_input[pixels * depth * 2], packed_weights[channels * depth * 2];
    for (int i = 0; i < pixels * depth; i++) input[i] = (float)((i * 37 + 11) % 101 - 50) / 64.0f;
    for (int i = 0; i < channels * depth; i++) weights[i] = (float)((i * 53 + 29) % 97 - 48) / 32.0f;
    for (int i = 0; i < channels; i++) {
        factors[i] = 1;
        bias[i] = (float)i;
    }
    tile_pack_blocks(input, pixels, 2, packed_input);
    if (!tile_conv_pack(weights, factors, channels, depth, 1, 2, 0, 0, 1, packed_weights)) return 0;
    const int32_t tap = 0, offset = 0;
    int32_t targets[tile_maximum_rows];
    for (int i = 0; i < tile_maximum_rows; i++) targets[i] = i;
    const struct tile_conv conv = {
        .parts = 2, .taps = 1, .tap_offsets = &tap, .in_blocks = 1, .block_distance = 2 * depth, .part_distance = depth,
        .row_distance = 2 * depth, .tile_rows = pixels, .tiles_a_row = 1, .tile_offsets = &offset, .row_targets = targets,
        .weights = packed_weights, .bias = bias, .out_pixel = channels, .float_output = 1,
    };
    tile_convolve(&conv, packed_input, output, 0, 0, 1, 0, 1);
    for (int p = 0; p < pixels; p++)
        for (int c = 0; c < channels; c++) {
            double sum = bias[c];
            for (int k = 0; k < depth; k++) sum += (double)input[p * depth + k] * (double)weights[c * depth + k];
            if (!(fabs(sum - (double)output[p * channels + c]) <= 1e-3)) return 0;
        }
    return 1;
}

enum tile_unit_state tile_unit_probe(void) {
    if (cpu_vector_level_detect() != cpu_vector_avx512 || !__builtin_cpu_supports("avx512bf16"))
        return tile_unit_unsupported;
    if (syscall(SYS_arch_prctl, request_permission, tile_data_feature) != 0) return tile_unit_refused;
    /* The child answers through a pipe: its exit status would be lost where the parent's signals are set to reap by themselves. */
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return tile_unit_untried;
    const pid_t child = fork();
    if (child == 0) {
        /* A faulting instruction is an answer here, not a crash worth a core file. */
        const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        const char answer = product_is_right() ? 1 : 0;
        _exit(write(ends[1], &answer, 1) == 1 ? 0 : 1);
    }
    close(ends[1]);
    char answer = 0;
    ssize_t got = 0;
    if (child > 0) {
        do got = read(ends[0], &answer, 1);
        while (got < 0 && errno == EINTR);
        int status = 0;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    }
    close(ends[0]);
    if (child < 0) return tile_unit_untried;
    return got == 1 && answer == 1 ? tile_unit_works : tile_unit_broken;
}

#else

enum tile_unit_state tile_unit_probe(void) { return tile_unit_unsupported; }

#endif
