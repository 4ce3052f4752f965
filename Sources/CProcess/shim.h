// What starting and confining a child process takes and Swift's Glibc module lacks: variadic calls and GNU extensions. The
// extensions are declared here because that module was built without _GNU_SOURCE.
#ifndef WHORL_CPROCESS_SHIM_H
#define WHORL_CPROCESS_SHIM_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>

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

#endif
