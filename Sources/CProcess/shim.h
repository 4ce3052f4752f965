// What starting and confining a child process takes and Swift's Glibc module lacks: variadic calls and GNU extensions. The
// extensions are declared here because that module was built without _GNU_SOURCE.
#ifndef WHORL_CPROCESS_SHIM_H
#define WHORL_CPROCESS_SHIM_H

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

extern int pipe2(int ends[2], int flags);
extern int pthread_setname_np(pthread_t thread, const char *name);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

// Kills this process when the thread that started it ends. Returns 0 or an errno value.
static inline int whorl_die_with_parent(void) {
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 ? 0 : errno;
}

// No later exec can raise privileges. Returns 0 or an errno value.
static inline int whorl_no_new_privileges(void) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

// Memory with a descriptor, of `bytes` zeros that nobody can make longer or shorter any more. Returns the descriptor, or -1 with errno set.
static inline int whorl_sealed_memory(const char *name, int64_t bytes) {
    // F_ADD_SEALS and the seals are hidden without _GNU_SOURCE; the numbers are the kernel's interface (linux/fcntl.h).
    const int add_seals = 1033, seal_seal = 0x1, seal_shrink = 0x2, seal_grow = 0x4;
    int descriptor = (int)syscall(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) return -1;
    if (ftruncate(descriptor, bytes) == 0 && fcntl(descriptor, add_seals, seal_shrink | seal_grow | seal_seal) == 0) return descriptor;
    int failure = errno;
    close(descriptor);
    errno = failure;
    return -1;
}

// Takes every right to files and, where the kernel knows them, to TCP ports, from this process for good. Returns Landlock's version,
// 0 where the kernel has none or has it switched off, or a negative errno value.
static inline int whorl_landlock_everything(void) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 0) return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
    // Two fields by hand: an older header lacks the second. A right is known from version 1 (13 of files), 2, 3 and 5 (one more each); version 4
    // brought two of ports.
    struct {
        uint64_t files;
        uint64_t ports;
    } handled = {0x1FFF, 0};
    if (version >= 2) handled.files |= 1 << 13;
    if (version >= 3) handled.files |= 1 << 14;
    if (version >= 4) handled.ports = 0x3;
    if (version >= 5) handled.files |= 1 << 15;
    size_t size = version >= 4 ? sizeof handled : sizeof handled.files;
    long ruleset = syscall(SYS_landlock_create_ruleset, &handled, size, 0);
    if (ruleset < 0) return -errno;
    long result = syscall(SYS_landlock_restrict_self, (int)ruleset, 0);
    int failure = errno;
    close((int)ruleset);
    return result == 0 ? (int)version : -failure;
}

#endif
