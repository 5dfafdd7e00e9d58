/* Preloaded into rosterd: from the n-th write below a folder on the disk is full, until it is said not
 * to be. What may need space counts as a write: write, ftruncate, fallocate, rename, mkdir, open of a
 * new file. The counters lie in the file $FULL_DISK, which the test has mapped too; the folder is
 * $FULL_DISK_BELOW. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct control {
    uint64_t count;   /* writes so far */
    uint64_t fail_at; /* the first that fails; 0: none does */
    uint64_t failed;  /* how many failed */
    char first[232];  /* what failed first */
};

static struct control *control;
static const char *below;
static size_t below_length;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FULL_DISK");
    below = getenv("FULL_DISK_BELOW");
    if (!path || !below) return;
    below_length = strlen(below);
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return;
    void *place = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (place != MAP_FAILED) control = place;
}

/* Whether there is no space for this; counts it. */
static int is_full(const char *what, const char *path) {
    if (!control || !path || strncmp(path, below, below_length) != 0) return 0;
    uint64_t number = __atomic_add_fetch(&control->count, 1, __ATOMIC_SEQ_CST);
    uint64_t at = __atomic_load_n(&control->fail_at, __ATOMIC_SEQ_CST);
    if (at == 0 || number < at) return 0;
    if (__atomic_fetch_add(&control->failed, 1, __ATOMIC_SEQ_CST) == 0)
        snprintf(control->first, sizeof control->first, "%s %s", what, path);
    errno = ENOSPC;
    return 1;
}

static int is_full_at(const char *what, int descriptor) {
    char link[64], path[4096];
    if (!control) return 0;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = before;
    if (length < 0) return 0;
    path[length] = 0;
    return is_full(what, path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size) {
    return is_full_at("write", fd) ? -1 : NEXT(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return is_full_at("pwrite", fd) ? -1 : NEXT(pwrite)(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    return is_full_at("pwrite", fd) ? -1 : NEXT(pwrite64)(fd, data, size, at);
}
int ftruncate(int fd, off_t size) {
    return is_full_at("ftruncate", fd) ? -1 : NEXT(ftruncate)(fd, size);
}
int ftruncate64(int fd, off64_t size) {
    return is_full_at("ftruncate", fd) ? -1 : NEXT(ftruncate64)(fd, size);
}
int fallocate(int fd, int mode, off_t at, off_t size) {
    return is_full_at("fallocate", fd) ? -1 : NEXT(fallocate)(fd, mode, at, size);
}
int posix_fallocate(int fd, off_t at, off_t size) {
    return is_full_at("posix_fallocate", fd) ? ENOSPC : NEXT(posix_fallocate)(fd, at, size);
}
int posix_fallocate64(int fd, off64_t at, off64_t size) {
    return is_full_at("posix_fallocate", fd) ? ENOSPC : NEXT(posix_fallocate64)(fd, at, size);
}
int rename(const char *from, const char *to) {
    return is_full("rename", to) ? -1 : NEXT(rename)(from, to);
}
int mkdir(const char *path, mode_t mode) {
    return is_full("mkdir", path) ? -1 : NEXT(mkdir)(path, mode);
}

/* Only a file that is not there needs space. */
static int is_new(const char *path, int flags) {
    int before = errno;
    int found = (flags & O_CREAT) && access(path, F_OK) != 0;
    errno = before;
    return found;
}
#define OPEN(name)                                                             \
    int name(const char *path, int flags, ...) {                               \
        va_list rest;                                                          \
        va_start(rest, flags);                                                 \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;              \
        va_end(rest);                                                          \
        if (is_new(path, flags) && is_full("open", path)) return -1;           \
        return NEXT(name)(path, flags, mode);                                  \
    }
OPEN(open)
OPEN(open64)
