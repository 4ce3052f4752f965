// Calls that Swift does not offer, for programs that try what they must not do.
#ifndef WHORL_CATTEMPTS_H
#define WHORL_CATTEMPTS_H

// A new process, which ends at once; -1 with errno set when it is refused.
int whorl_try_fork(void);

// Asks to be traced; -1 with errno set when it is refused.
long whorl_try_ptrace(void);

#endif
