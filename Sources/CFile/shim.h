// What writing files takes and Swift's Glibc module lacks, since that was built without _GNU_SOURCE.
#ifndef WHORL_CFILE_SHIM_H
#define WHORL_CFILE_SHIM_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// Has the kernel begin to write a part of a file to the disk, so that a later fsync finds less to do. It promises nothing, so its failure
// is of no matter.
static inline void whorl_start_writeback(int descriptor, int64_t offset, int64_t count) {
    const unsigned int start_write = 2; // SYNC_FILE_RANGE_WRITE
    syscall(SYS_sync_file_range, descriptor, offset, count, start_write);
}

// Whether what is written from now on goes past the system's cache. −1 if the file system cannot.
static inline int whorl_set_direct(int descriptor, int is_direct) {
    return fcntl(descriptor, F_SETFL, is_direct ? __O_DIRECT : 0);
}

// Lets two names change places in one step. −1 with errno if the file system cannot.
static inline int whorl_exchange_names(const char *one, const char *other) {
    const unsigned int exchange = 2; // RENAME_EXCHANGE
    return (int)syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, exchange);
}

#endif
