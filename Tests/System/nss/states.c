/// What lies in the state directory and what happens to it: states MODULE
///
/// Runs as root in a private mount namespace whose /var/lib/roster it may alter.
#include "module.h"

static const char *const path = "/var/lib/roster/index/public.1";
static const char *const aside = "/var/lib/roster/index/aside";
static const char *const toml = "/etc/roster/roster.toml";

static int error;
static char buffer[1024];
static struct passwd entry;

static status_t ask(void) {
    error = 0;
    return m_getpwnam("user3", &entry, buffer, sizeof buffer, &error);
}

/// Runs a check in a process that has not mapped anything yet.
static void fresh(const char *what, status_t status, int code) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        alarm(10);
        status_t answer = ask();
        if (answer != status || (code && error != code)) {
            fprintf(stderr, "%s: status %d errno %d\n", what, answer, error);
            _exit(1);
        }
        _exit(0);
    }
    int result;
    CHECK(waitpid(pid, &result, 0) == pid);
    CHECK(WIFEXITED(result) && WEXITSTATUS(result) == 0);
}

static void untrusted(void) {
    CHECK(chown(path, 1234, 0) == 0);
    fresh("a foreign owner", NSS_STATUS_UNAVAIL, EPERM);
    CHECK(chown("/var/lib/roster", 1234, 0) == 0);
    fresh("the owner of the state directory", NSS_STATUS_SUCCESS, 0);
    CHECK(chown(path, 0, 0) == 0);
    fresh("root", NSS_STATUS_SUCCESS, 0);
    CHECK(chmod(path, 0664) == 0);
    fresh("writable by group", NSS_STATUS_UNAVAIL, EPERM);
    CHECK(chmod(path, 0646) == 0);
    fresh("writable by all", NSS_STATUS_UNAVAIL, EPERM);
    CHECK(chmod(path, 0644) == 0);
    CHECK(rename(path, aside) == 0);
    fresh("nothing", NSS_STATUS_UNAVAIL, ENOENT);
    CHECK(symlink("aside", path) == 0);
    fresh("a symlink", NSS_STATUS_UNAVAIL, ELOOP);
    CHECK(unlink(path) == 0 && mkfifo(path, 0644) == 0);
    fresh("a fifo", NSS_STATUS_UNAVAIL, EPERM);
    CHECK(unlink(path) == 0 && rename(aside, path) == 0);
    fresh("the index again", NSS_STATUS_SUCCESS, 0);
}

static void unconfigured(void) {
    CHECK(rename(toml, "/etc/roster/away") == 0 && rename(path, aside) == 0);
    fresh("merely installed", NSS_STATUS_NOTFOUND, ENOENT);
    CHECK(rename("/etc/roster/away", toml) == 0 && rename(aside, path) == 0);
}

/// A mapping outlives what it was made from.
static void wiped(void) {
    CHECK(ask() == NSS_STATUS_SUCCESS);
    CHECK(rename("/var/lib/roster/index", "/var/lib/roster/gone") == 0);
    sleep(2);
    CHECK(ask() == NSS_STATUS_SUCCESS);
    CHECK(mkdir("/var/lib/roster/index", 0755) == 0);
    CHECK(system("\"$INDEX_TOOL\" generate /var/lib/roster/index 3 0 >/dev/null") == 0);
    sleep(2);
    CHECK(ask() == NSS_STATUS_NOTFOUND);
    CHECK(system("rm -r /var/lib/roster/index") == 0);
    CHECK(rename("/var/lib/roster/gone", "/var/lib/roster/index") == 0);
    sleep(2);
    CHECK(ask() == NSS_STATUS_SUCCESS);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    alarm(60);
    load_module(argv[1]);
    untrusted();
    unconfigured();
    wiped();
    printf("every state answered as it should\n");
    return 0;
}
