#ifndef WHORL_CKERNELS_CPU_H
#define WHORL_CKERNELS_CPU_H

/* What float vectors the CPU and its operating system let a kernel use. */
enum cpu_vector_level { cpu_vector_baseline = 0, cpu_vector_avx2 = 1, cpu_vector_avx512 = 2 };

enum cpu_vector_level cpu_vector_level_detect(void);

/* What became of asking for the AMX tile unit. */
enum tile_unit_state {
    tile_unit_works = 0,
    /* The program was built for another architecture, or the CPU lacks AVX-512 with bfloat16. */
    tile_unit_unsupported = 1,
    /* The kernel gave no permission. */
    tile_unit_refused = 2,
    /* Permission was given, but a product of tiles died or came out wrong. */
    tile_unit_broken = 3,
    /* Permission was given, but no process could be started to try it. */
    tile_unit_untried = 4
};

/*
 * Asks the kernel for permission to use the tiles (for the whole process, for good) and then computes a known product in a child
 * process, so that an instruction that faults harms nobody. CPUID is not consulted: hypervisors zero AMX's leaves while the unit works, and the
 * reverse. Forks: cheapest before the process has grown.
 */
enum tile_unit_state tile_unit_probe(void);

#endif
