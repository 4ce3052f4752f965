// libseccomp's actions are macros with arguments, and its rules take variadic comparisons: neither is seen from Swift.
#ifndef WHORL_CSECCOMP_SHIM_H
#define WHORL_CSECCOMP_SHIM_H

#include <errno.h>
#include <seccomp.h>
#include <stdint.h>

static const uint32_t whorl_seccomp_allow = SCMP_ACT_ALLOW;
static const uint32_t whorl_seccomp_kill_process = SCMP_ACT_KILL_PROCESS;
static const uint32_t whorl_seccomp_no_access = SCMP_ACT_ERRNO(EACCES);
static const uint32_t whorl_seccomp_no_such_call = SCMP_ACT_ERRNO(ENOSYS);

// A new thread of this process, and no new process (linux/sched.h: CLONE_VM | CLONE_THREAD).
static const uint64_t whorl_clone_thread = 0x00000100 | 0x00010000;

// A rule that holds when argument `index`, masked, equals `value`. Returns 0 or a negative errno value.
static inline int whorl_seccomp_rule_masked(
    scmp_filter_ctx context, uint32_t action, int call, unsigned int index, uint64_t mask, uint64_t value) {
    struct scmp_arg_cmp comparison = {index, SCMP_CMP_MASKED_EQ, mask, value};
    return seccomp_rule_add_array(context, action, call, 1, &comparison);
}

#endif
