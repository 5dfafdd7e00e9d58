// lookup: times lookups through glibc, or a module's functions called directly. Prints one line
// "key value" per figure. Built by Tests/bench with: cc -O2 -pthread lookup.c -ldl
//
//   lookup pass KIND FILE PASSES      median over passes of nanoseconds per lookup
//   lookup threads KIND FILE SECONDS  lookups per second of one thread and of two
//   lookup direct MODULE FILE SECONDS the same, the module's getpwnam_r called directly
//   lookup first KIND KEY             nanoseconds of the first lookup in this process
//   lookup memory KIND FILE           private KiB that the first lookups added to this process
//   lookup marked KIND FILE PASSES    for strace: getppid() marks where the warm lookups begin and end
//   lookup allocations MODULE FILE    allocations in a module's warm lookups, called directly
//   lookup groups FILE WANTED         prints the names of FILE that are in exactly WANTED groups
//
// KIND is name, uid or groups; FILE holds one name (or number) a line.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef enum nss_status (*getpwnam_function)(const char *, struct passwd *, char *, size_t, int *);
typedef enum nss_status (*getpwuid_function)(uid_t, struct passwd *, char *, size_t, int *);

enum kind { NAME, UID, GROUPS };

static char **keys;
static size_t key_count;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "lookup: %s\n", what);
    exit(1);
}

static void read_keys(const char *path) {
    FILE *file = fopen(path, "re");
    if (!file) die("cannot open the file of names");
    size_t room = 0, length = 0;
    char *line = NULL;
    ssize_t size;
    while ((size = getline(&line, &length, file)) > 0) {
        if (line[size - 1] == '\n') line[size - 1] = 0;
        if (key_count == room) {
            room = room ? room * 2 : 1024;
            keys = realloc(keys, room * sizeof *keys);
        }
        keys[key_count++] = strdup(line);
    }
    free(line);
    fclose(file);
    if (key_count == 0) die("the file of names is empty");
}

static enum kind kind_of(const char *text) {
    if (strcmp(text, "name") == 0) return NAME;
    if (strcmp(text, "uid") == 0) return UID;
    if (strcmp(text, "groups") == 0) return GROUPS;
    die("KIND is name, uid or groups");
    return NAME;
}

// One lookup; returns whether it was found. A fault of the service ends the program: a figure for
// answers that were none would be worthless.
static int look_up(enum kind kind, const char *key) {
    char buffer[1024];
    struct passwd entry, *found = NULL;
    int code;
    if (kind == GROUPS) {
        gid_t groups[256];
        int count = 256;
        if (getgrouplist(key, 20000, groups, &count) < 0) die("more than 256 groups");
        return count;
    }
    if (kind == NAME)
        code = getpwnam_r(key, &entry, buffer, sizeof buffer, &found);
    else
        code = getpwuid_r((uid_t)strtoul(key, NULL, 10), &entry, buffer, sizeof buffer, &found);
    if (code != 0 && code != ENOENT) die(strerror(code));
    return found != NULL;
}

static int by_value(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return difference < 0 ? -1 : difference > 0;
}

static void pass(enum kind kind, int passes) {
    double *times = calloc((size_t)passes, sizeof *times);
    size_t found = 0;
    for (size_t i = 0; i < key_count; i++) found += look_up(kind, keys[i]) > 0;
    for (int turn = 0; turn < passes; turn++) {
        double start = now();
        for (size_t i = 0; i < key_count; i++) look_up(kind, keys[i]);
        times[turn] = (now() - start) / (double)key_count;
    }
    qsort(times, (size_t)passes, sizeof *times, by_value);
    printf("ns %.2f\nfound %zu\nkeys %zu\n", times[passes / 2], found, key_count);
}

// Threads: each walks the keys from its own place until told to stop.
static volatile int stopping;
static enum kind thread_kind;
static getpwnam_function direct;

struct work {
    pthread_t thread;
    size_t start;
    double count;
    double seconds;  // of processor time
};

static void *walk(void *argument) {
    struct work *work = argument;
    size_t at = work->start;
    double count = 0;
    char buffer[1024];
    struct passwd entry;
    int code;
    while (!stopping) {
        for (int i = 0; i < 256; i++) {
            if (direct)
                direct(keys[at], &entry, buffer, sizeof buffer, &code);
            else
                look_up(thread_kind, keys[at]);
            if (++at == key_count) at = 0;
        }
        count += 256;
    }
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    work->seconds = (double)used.tv_sec + (double)used.tv_nsec / 1e9;
    work->count = count;
    return NULL;
}

// Lookups per second; and in *by_processor what it would be with a processor for each thread alone.
static double rate(int threads, double seconds, double *by_processor) {
    struct work work[2];
    stopping = 0;
    double start = now();
    for (int i = 0; i < threads; i++) {
        work[i].start = (size_t)i * key_count / 2;
        if (pthread_create(&work[i].thread, NULL, walk, &work[i])) die("no thread");
    }
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
    stopping = 1;
    double total = 0;
    *by_processor = 0;
    for (int i = 0; i < threads; i++) {
        pthread_join(work[i].thread, NULL);
        total += work[i].count;
        *by_processor += work[i].count / work[i].seconds;
    }
    return total / ((now() - start) / 1e9);
}

// One and two threads take turns, so that what else the machine does hits both.
static void threads(double seconds) {
    enum { TURNS = 9 };
    double gains[TURNS], twos[TURNS], processor_gains[TURNS], one_processor, two_processors;
    rate(1, 0.05, &one_processor);
    for (int turn = 0; turn < TURNS; turn++) {
        double one = rate(1, seconds, &one_processor);
        twos[turn] = rate(2, seconds, &two_processors);
        gains[turn] = twos[turn] / one;
        processor_gains[turn] = two_processors / one_processor;
    }
    qsort(gains, TURNS, sizeof *gains, by_value);
    qsort(twos, TURNS, sizeof *twos, by_value);
    qsort(processor_gains, TURNS, sizeof *processor_gains, by_value);
    printf("two %.0f\ngain %.3f\ncpugain %.3f\n", twos[TURNS / 2], gains[TURNS / 2],
           processor_gains[TURNS / 2]);
}

static void *module_function(const char *path, const char *entry) {
    void *module = dlopen(path, RTLD_NOW);
    if (!module) die(dlerror());
    char symbol[128];
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    int length = (int)(strchr(base, '.') - base) - 7;  // libnss_NAME.so.2
    snprintf(symbol, sizeof symbol, "_nss_%.*s_%s", length, base + 7, entry);
    void *function = dlsym(module, symbol);
    if (!function) die(dlerror());
    return function;
}

static void memory(enum kind kind) {
    const char *names[] = {"Private_Dirty:", "Private_Clean:", "Rss:"};
    long before[3] = {0}, after[3] = {0};
    for (int round = 0; round < 2; round++) {
        long *values = round ? after : before;
        if (round)
            for (size_t i = 0; i < key_count && i < 1000; i++) look_up(kind, keys[i]);
        char text[4096];
        FILE *file = fopen("/proc/self/smaps_rollup", "re");
        if (!file) die("no smaps_rollup");
        size_t size = fread(text, 1, sizeof text - 1, file);
        text[size] = 0;
        fclose(file);
        for (int i = 0; i < 3; i++) values[i] = atol(strstr(text, names[i]) + strlen(names[i]));
    }
    printf("dirty %ld\nclean %ld\nrss %ld\n", after[0] - before[0], after[1] - before[1],
           after[2] - before[2]);
}

// Counted by allocations.c, which is preloaded; without it there is nothing to count with.
extern unsigned long bench_allocations(void) __attribute__((weak));

static void allocations(const char *path) {
    if (!bench_allocations) die("allocations.so is not preloaded");
    getpwnam_function by_name = module_function(path, "getpwnam_r");
    getpwuid_function by_uid = module_function(path, "getpwuid_r");
    char buffer[1024];
    struct passwd entry;
    int code;
    unsigned long start = 0;
    size_t lookups = 0;
    for (int round = 0; round < 2; round++) {
        if (round) start = bench_allocations();
        for (size_t i = 0; i < key_count; i++) {
            if (by_name(keys[i], &entry, buffer, sizeof buffer, &code) == NSS_STATUS_SUCCESS)
                by_uid(entry.pw_uid, &entry, buffer, sizeof buffer, &code);
            lookups += (size_t)round;
        }
    }
    unsigned long counted = bench_allocations() - start;
    void *volatile one = malloc(1);
    free(one);
    if (bench_allocations() - start == counted) die("the counter does not count");
    printf("allocations %lu\nlookups %zu\n", counted, lookups * 2);
}

int main(int count, char **words) {
    if (count < 4) die("see the head of lookup.c");
    const char *mode = words[1];
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(mode, "first") == 0) {
        enum kind kind = kind_of(words[2]);
        double start = now();
        int found = look_up(kind, words[3]);
        printf("ns %.0f\nfound %d\n", now() - start, found);
        return 0;
    }
    if (strcmp(mode, "groups") == 0) {
        read_keys(words[2]);
        for (size_t i = 0; i < key_count; i++)
            if (look_up(GROUPS, keys[i]) == atoi(words[3]) + 1) puts(keys[i]);
        return 0;
    }
    if (strcmp(mode, "memory") == 0) {
        read_keys(words[3]);
        memory(kind_of(words[2]));
        return 0;
    }
    if (strcmp(mode, "allocations") == 0) {
        read_keys(words[3]);
        allocations(words[2]);
        return 0;
    }
    if (count < 5) die("see the head of lookup.c");
    read_keys(words[3]);
    if (strcmp(mode, "direct") == 0) {
        direct = (getpwnam_function)module_function(words[2], "getpwnam_r");
        threads(atof(words[4]));
        return 0;
    }
    enum kind kind = kind_of(words[2]);
    if (strcmp(mode, "pass") == 0) {
        pass(kind, atoi(words[4]));
    } else if (strcmp(mode, "threads") == 0) {
        thread_kind = kind;
        threads(atof(words[4]));
    } else if (strcmp(mode, "marked") == 0) {
        for (size_t i = 0; i < key_count; i++) look_up(kind, keys[i]);
        getppid();
        for (int turn = 0; turn < atoi(words[4]); turn++)
            for (size_t i = 0; i < key_count; i++) look_up(kind, keys[i]);
        getppid();
        printf("lookups %zu\n", key_count * (size_t)atoi(words[4]));
    } else {
        die("see the head of lookup.c");
    }
    return 0;
}
