/// Times the module's functions called directly: direct-bench MODULE PEOPLE
#include "module.h"

static int people;
static char (*names)[24];
static uid_t *uids;
enum { SET = 1000, ROUNDS = 2000 };

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void choose(int count, const char *pattern, uint64_t seed, uint64_t range) {
    for (int i = 0; i < count; i++) {
        uint64_t number = next_random(&seed) % range;
        snprintf(names[i], sizeof names[i], pattern, (unsigned)number);
        uids[i] = 2000000 + number;
    }
}

static double by_name(int count, int rounds, status_t expected) {
    struct passwd entry;
    char buffer[1024];
    int error;
    double start = seconds_now();
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++)
            CHECK(m_getpwnam(names[i], &entry, buffer, sizeof buffer, &error) == expected);
    return (seconds_now() - start) * 1e9 / count / rounds;
}

static double by_uid(int count, int rounds) {
    struct passwd entry;
    char buffer[1024];
    int error;
    double start = seconds_now();
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++)
            CHECK(m_getpwuid(uids[i], &entry, buffer, sizeof buffer, &error) ==
                  NSS_STATUS_SUCCESS);
    return (seconds_now() - start) * 1e9 / count / rounds;
}

static double groups(int count, int rounds) {
    int error;
    long size = 256;
    gid_t *list = malloc(size * sizeof *list);
    double start = seconds_now();
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++) {
            long used = 0;
            CHECK(m_initgroups(names[i], 2000, &used, &size, &list, -1, &error) ==
                  NSS_STATUS_SUCCESS);
        }
    free(list);
    return (seconds_now() - start) * 1e9 / count / rounds;
}

/// Nanoseconds of processor time for a lookup, so that a busy machine does not matter.
static void *one_thread(void *result) {
    struct timespec start, end;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    by_name(SET, ROUNDS, NSS_STATUS_SUCCESS);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    double used = (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec);
    *(double *)result = used / SET / ROUNDS;
    return NULL;
}

static double threads(int count) {
    pthread_t thread[8];
    double used[8], sum = 0;
    for (int i = 0; i < count; i++) pthread_create(&thread[i], NULL, one_thread, &used[i]);
    for (int i = 0; i < count; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < count; i++) sum += used[i];
    return sum / count;
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    load_module(argv[1]);
    people = atoi(argv[2]);
    int spread = people < 500000 ? people : 500000;
    names = calloc(spread > SET ? spread : SET, sizeof *names);
    uids = calloc(spread > SET ? spread : SET, sizeof *uids);
    choose(SET, "user%u", 42, people);
    by_name(SET, 10, NSS_STATUS_SUCCESS);
    printf("getpwnam hit   %6.1f ns\n", by_name(SET, ROUNDS, NSS_STATUS_SUCCESS));
    printf("getpwuid hit   %6.1f ns\n", by_uid(SET, ROUNDS));
    printf("initgroups     %6.1f ns\n", groups(SET, ROUNDS));
    double one = threads(1), two = threads(2);
    printf("two threads    %6.2f times one (%.1f ns, %.1f ns)\n", 2 * one / two, one, two);
    choose(SET, "nobody%u", 42, people);
    by_name(SET, 10, NSS_STATUS_NOTFOUND);
    printf("getpwnam miss  %6.1f ns\n", by_name(SET, ROUNDS, NSS_STATUS_NOTFOUND));
    choose(spread, "user%u", 43, people);
    by_name(spread, 1, NSS_STATUS_SUCCESS);
    printf("getpwnam any   %6.1f ns\n", by_name(spread, 3, NSS_STATUS_SUCCESS));
    return 0;
}
