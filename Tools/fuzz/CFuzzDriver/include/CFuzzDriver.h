// libFuzzer's own entry, for a program that has a main of its own (llvm.org, LibFuzzer, "Using libFuzzer as a library").
#ifndef WHORL_CFUZZDRIVER_H
#define WHORL_CFUZZDRIVER_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

#endif
