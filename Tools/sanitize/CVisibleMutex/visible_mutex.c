/*
 * ThreadSanitizer sees only code that was compiled for it. Of Swift's Mutex that is the part that is inlined into its users, a lock that nobody
 * holds; what happens when threads meet is in libswiftSynchronization, and each such meeting would look like a race on what the Mutex guards.
 * These stand in front of the library's functions and tell what they do.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)

#define _GNU_SOURCE
#include "CVisibleMutex.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

extern void __tsan_acquire(void *address);
extern void __tsan_release(void *address);

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

#define SWIFT_METHOD __attribute__((swiftcall))
#define SWIFT_SELF __attribute__((swift_context))

typedef SWIFT_METHOD void lock_function(uint32_t thread, SWIFT_SELF void *mutex);
typedef SWIFT_METHOD void unlock_function(SWIFT_SELF void *mutex);

/* The handle is one atomic word: what is acquired and released here is the very thing that the inlined part does it on. */
lock_function visible_lock __asm__(LOCK);
unlock_function visible_unlock __asm__(UNLOCK);

static void *library_function(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

SWIFT_METHOD void visible_lock(uint32_t thread, SWIFT_SELF void *mutex) {
    ((lock_function *)library_function(LOCK))(thread, mutex);
    __tsan_acquire(mutex);
}

SWIFT_METHOD void visible_unlock(SWIFT_SELF void *mutex) {
    __tsan_release(mutex);
    ((unlock_function *)library_function(UNLOCK))(mutex);
}

#endif
#endif
