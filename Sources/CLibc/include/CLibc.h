/// CLibc: the C library as the rooms see it that are also built as Embedded Swift, where the Glibc
/// module does not exist, with shims for what Swift cannot call (variadic functions, macros).
#ifndef ROSTER_CLIBC_H
#define ROSTER_CLIBC_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/// open(2), which is variadic in C. Returns a descriptor, or -1 with errno set.
static inline int roster_open(const char *path, int flags, mode_t mode) {
    return open(path, flags, mode);
}

/// errno of this thread.
static inline int roster_errno(void) { return errno; }

/// Puts errno of this thread back to what it was.
static inline void roster_set_errno(int value) { errno = value; }

/// A word that differs between live threads: the address of the thread's control block.
static inline uintptr_t roster_thread_word(void) {
    return (uintptr_t)__builtin_thread_pointer();
}

/// Seconds of CLOCK_MONOTONIC_COARSE: read from the vdso, without a system call; 0 if there is none.
static inline uint64_t roster_coarse_seconds(void) {
    struct timespec now;
    return clock_gettime(CLOCK_MONOTONIC_COARSE, &now) == 0 ? (uint64_t)now.tv_sec : 0;
}

/// The processor this thread runs on, without a system call where glibc has rseq; -1 if unknown.
static inline int roster_processor(void) {
    extern int sched_getcpu(void);  // declared by glibc only under _GNU_SOURCE
    return sched_getcpu();
}

/// Starts loading the cache line at an address that is about to be read.
static inline void roster_prefetch(const void *address) { __builtin_prefetch(address); }

/// Whether the status word of stat(2) says regular file (S_ISREG is a macro).
static inline int roster_is_regular(mode_t mode) { return S_ISREG(mode); }

/// The bytes of a reader's state, see IndexReader in the room AccountIndex.
#define ROSTER_READER_BYTES 36864

/// The state that the NSS module keeps between calls: zero when the process starts, page-aligned.
///
/// Storage only, in .bss; Swift would initialise a global of this size through a `once`.
void *roster_reader_state(void);

#endif
