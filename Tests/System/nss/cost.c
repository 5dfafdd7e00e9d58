/// What the module costs its host: cost MODULE
///
/// Allocations of warm lookups, private memory, descriptors; between the two writes to descriptor -1
/// a tracer counts the system calls of warm lookups.
#include "module.h"

extern void *__libc_malloc(size_t size);
static long allocations;

void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

/// Anonymous memory: the index's pages are the page cache's, though smaps calls those that were just
/// written and are mapped once private and dirty.
static long private_kilobytes(void) {
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    long dirty = -1;
    CHECK(file);
    while (fgets(line, sizeof line, file)) sscanf(line, "Anonymous: %ld", &dirty);
    fclose(file);
    return dirty;
}

static void look_up(int rounds) {
    struct passwd entry;
    struct group group;
    static char buffer[65536];
    char name[16];
    int error;
    for (int i = 0; i < rounds; i++) {
        snprintf(name, sizeof name, "user%d", i % 100);
        CHECK(m_getpwnam(name, &entry, buffer, sizeof buffer, &error) == NSS_STATUS_SUCCESS);
        CHECK(m_getpwuid(entry.pw_uid, &entry, buffer, sizeof buffer, &error) ==
              NSS_STATUS_SUCCESS);
        CHECK(m_getpwnam("nobody here", &entry, buffer, sizeof buffer, &error) ==
              NSS_STATUS_NOTFOUND);
        CHECK(m_getgrnam("group0", &group, buffer, sizeof buffer, &error) == NSS_STATUS_SUCCESS);
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    look_up(0);
    private_kilobytes();
    long before = private_kilobytes();
    load_module(argv[1]);
    look_up(1000);
    long dirty = private_kilobytes() - before;

    long counted = allocations;
    long size = 64, used = 0;
    gid_t *list = __libc_malloc(size * sizeof *list);
    int error;
    look_up(10000);
    CHECK(m_initgroups("user1", 2000, &used, &size, &list, -1, &error) == NSS_STATUS_SUCCESS);
    CHECK(m_setpwent(0) == NSS_STATUS_SUCCESS);
    CHECK(m_endpwent() == NSS_STATUS_SUCCESS);
    counted = allocations - counted;

    look_up(1);
    (void)!write(-1, "BEGIN", 5);
    look_up(2000);
    (void)!write(-1, "END", 3);
    int descriptor = open("/dev/null", O_RDONLY);
    printf("private %ld KB, allocations %ld, next descriptor %d\n", dirty, counted, descriptor);
    fflush(stdout);
    CHECK(counted == 0);
    CHECK(dirty <= 40);
    CHECK(descriptor == 3);
    return 0;
}
