/// Lookups from 8 threads, enumerations and forks while another process changes and rebuilds the
/// index (index-tool churn): torture MODULE SECONDS
///
/// In every generation user0 to user4 have one and the same shell. Anything that hangs is killed by
/// an alarm; everything else that is wrong ends the program with its line.
#include "module.h"

static volatile int is_over;
static long lookups, enumerations, forks, guests;

static void look_up(int rounds) {
    struct passwd entry;
    struct group group;
    char buffer[1024], name[16];
    int error;
    for (int i = 0; i < rounds; i++) {
        snprintf(name, sizeof name, "user%d", i % 5);
        CHECK(m_getpwnam(name, &entry, buffer, sizeof buffer, &error) == NSS_STATUS_SUCCESS);
        CHECK(!strcmp(entry.pw_name, name) && entry.pw_uid == 2000000 + i % 5u);
        CHECK(m_getpwuid(entry.pw_uid, &entry, buffer, sizeof buffer, &error) ==
              NSS_STATUS_SUCCESS);
        CHECK(!strcmp(entry.pw_name, name));
        CHECK(m_getpwnam(name, &entry, buffer, 1, &error) == NSS_STATUS_TRYAGAIN &&
              error == ERANGE);
        CHECK(m_getpwnam("root", &entry, buffer, sizeof buffer, &error) == NSS_STATUS_NOTFOUND &&
              error == ENOENT);
        status_t guest = m_getpwuid(92000000, &entry, buffer, sizeof buffer, &error);
        CHECK(guest == NSS_STATUS_NOTFOUND || guest == NSS_STATUS_SUCCESS);
        if (guest == NSS_STATUS_SUCCESS) {
            CHECK(!strcmp(entry.pw_name, "user90000000"));
            __atomic_add_fetch(&guests, 1, __ATOMIC_RELAXED);
        }
        CHECK(m_getgrgid(3000000, &group, buffer, sizeof buffer, &error) == NSS_STATUS_SUCCESS);
        CHECK(!strcmp(group.gr_name, "group0") && group.gr_mem[0]);
        long used = 0, size = 1;
        gid_t *list = malloc(sizeof *list);
        CHECK(m_initgroups(name, 2000, &used, &size, &list, -1, &error) == NSS_STATUS_SUCCESS);
        free(list);
        __atomic_add_fetch(&lookups, 7, __ATOMIC_RELAXED);
    }
}

/// One enumeration shows every person once, all of one generation.
static void enumerate(void) {
    struct passwd entry;
    char buffer[1024], shell[64] = "";
    int error, people = 0;
    status_t status;
    CHECK(m_setpwent(0) == NSS_STATUS_SUCCESS);
    while ((status = m_getpwent(&entry, buffer, sizeof buffer, &error)) == NSS_STATUS_SUCCESS) {
        people++;
        if (entry.pw_uid > 2000004) continue;
        if (!shell[0]) strcpy(shell, entry.pw_shell);
        CHECK(!strcmp(shell, entry.pw_shell));
    }
    CHECK(status == NSS_STATUS_NOTFOUND);
    CHECK(people == 100 || people == 101);
    CHECK(m_endpwent() == NSS_STATUS_SUCCESS);
    enumerations++;
}

static void *reader(void *unused) {
    (void)unused;
    while (!is_over) look_up(100);
    return NULL;
}

static void child(int kind) {
    alarm(20);
    if (kind == 1) CHECK(close_range(0, ~0U, 0) == 0);
    if (kind == 2) CHECK(chroot("/var/lib/empty") == 0 && chdir("/") == 0);
    if (kind == 3) CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    look_up(50);
    enumerate();
    _exit(0);
}

static void fork_once(int kind) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) child(kind);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    forks++;
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    alarm(120);
    void *module = load_module(argv[1]);
    look_up(1);
    CHECK(dlclose(module) == 0);  // nodelete: the functions stay
    look_up(1);
    pthread_t thread[8];
    for (int i = 0; i < 8; i++) CHECK(pthread_create(&thread[i], NULL, reader, NULL) == 0);
    double end = seconds_now() + atoi(argv[2]);
    while (seconds_now() < end) {
        for (int kind = 0; kind < 4; kind++) fork_once(kind);
        enumerate();
    }
    is_over = 1;
    for (int i = 0; i < 8; i++) pthread_join(thread[i], NULL);
    printf("%ld lookups, %ld enumerations, %ld forks, %ld times a guest seen\n", lookups,
           enumerations, forks, guests);
    CHECK(guests > 0 && forks > 0 && enumerations > 0);
    return 0;
}
