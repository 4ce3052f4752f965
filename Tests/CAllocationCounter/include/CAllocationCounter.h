#ifndef WHORL_TESTS_ALLOCATION_COUNTER_H
#define WHORL_TESTS_ALLOCATION_COUNTER_H

#include <stddef.h>

/*
 * Counts what the whole process allocates. Linking this library puts its malloc and its like in front of the C library's, to which they hand on.
 */
size_t allocation_count(void);

#endif
