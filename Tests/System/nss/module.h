/// The module under test, loaded as glibc loads it, and small helpers for the test programs.
#ifndef ROSTER_TEST_MODULE_H
#define ROSTER_TEST_MODULE_H

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef enum nss_status status_t;

static status_t (*m_getpwnam)(const char *, struct passwd *, char *, size_t, int *);
static status_t (*m_getpwuid)(uid_t, struct passwd *, char *, size_t, int *);
static status_t (*m_setpwent)(int);
static status_t (*m_getpwent)(struct passwd *, char *, size_t, int *);
static status_t (*m_endpwent)(void);
static status_t (*m_getgrnam)(const char *, struct group *, char *, size_t, int *);
static status_t (*m_getgrgid)(gid_t, struct group *, char *, size_t, int *);
static status_t (*m_setgrent)(int);
static status_t (*m_getgrent)(struct group *, char *, size_t, int *);
static status_t (*m_endgrent)(void);
static status_t (*m_initgroups)(const char *, gid_t, long *, long *, gid_t **, long, int *);

#define CHECK(condition)                                                                      \
    do {                                                                                      \
        if (!(condition)) {                                                                   \
            fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #condition, \
                    errno);                                                                   \
            _exit(1);                                                                         \
        }                                                                                     \
    } while (0)

static inline void *load_module(const char *path) {
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module) {
        fprintf(stderr, "%s\n", dlerror());
        _exit(1);
    }
#define FIND(variable, name) CHECK((*(void **)&variable = dlsym(module, "_nss_roster_" name)))
    FIND(m_getpwnam, "getpwnam_r");
    FIND(m_getpwuid, "getpwuid_r");
    FIND(m_setpwent, "setpwent");
    FIND(m_getpwent, "getpwent_r");
    FIND(m_endpwent, "endpwent");
    FIND(m_getgrnam, "getgrnam_r");
    FIND(m_getgrgid, "getgrgid_r");
    FIND(m_setgrent, "setgrent");
    FIND(m_getgrent, "getgrent_r");
    FIND(m_endgrent, "endgrent");
    FIND(m_initgroups, "initgroups_dyn");
    return module;
}

static inline double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

#endif
