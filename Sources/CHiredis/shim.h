#include <hiredis/hiredis.h>

// The reply kinds and flags are macros, which Swift imports as plain Int32 constants; the variadic
// redisCommand family is not importable at all, so callers use the Argv functions.

/// Stops hiredis from waiting in reads and writes by itself: the caller polls the descriptor.
static inline void whorl_redis_forget_blocking(redisContext *context) {
    context->flags &= ~REDIS_BLOCK;
}
