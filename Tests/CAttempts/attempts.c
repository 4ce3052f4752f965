#include "CAttempts.h"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int whorl_try_fork(void) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (child > 0) waitpid(child, NULL, 0);
    return child < 0 ? -1 : 0;
}

long whorl_try_ptrace(void) {
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
