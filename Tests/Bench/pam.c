/* pam MODE ...: calls libpam directly, for Tests/bench.
 *
 *   pam account SERVICE NAME COUNT   pam_start, pam_acct_mgmt, pam_end, COUNT times: "ns N", "accepted N"
 *   pam authenticate SERVICE COUNT   as many pam_authenticate of names that nobody has: "ns N", "refused N"
 */
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* Answers every question with the same password. */
static int answer(int count, const struct pam_message **messages, struct pam_response **responses,
                  void *data) {
    (void)messages;
    (void)data;
    *responses = calloc(count, sizeof **responses);
    if (!*responses) return PAM_BUF_ERR;
    for (int i = 0; i < count; i++) (*responses)[i].resp = strdup("some password");
    return PAM_SUCCESS;
}

/* Instead of libpam's wait after a refusal. */
static void no_delay(int code, unsigned microseconds, void *data) {
    (void)code;
    (void)microseconds;
    (void)data;
}

static pam_handle_t *begin(const char *service, const char *name) {
    static const struct pam_conv conversation = {answer, NULL};
    pam_handle_t *handle = NULL;
    if (pam_start(service, name, &conversation, &handle) != PAM_SUCCESS) exit(2);
    pam_set_item(handle, PAM_FAIL_DELAY, (const void *)no_delay);
    return handle;
}

int main(int argc, char **argv) {
    if (argc == 5 && !strcmp(argv[1], "account")) {
        long count = atol(argv[4]), accepted = 0;
        long long start = now();
        for (long i = 0; i < count; i++) {
            pam_handle_t *handle = begin(argv[2], argv[3]);
            int code = pam_acct_mgmt(handle, PAM_SILENT);
            accepted += code == PAM_SUCCESS;
            pam_end(handle, code);
        }
        printf("ns %lld\naccepted %ld\n", (now() - start) / count, accepted);
        return 0;
    }
    if (argc == 4 && !strcmp(argv[1], "authenticate")) {
        long count = atol(argv[3]), refused = 0;
        pam_handle_t *handle = begin(argv[2], "nobody.0");
        long long start = now();
        for (long i = 0; i < count; i++) {
            char name[32];
            snprintf(name, sizeof name, "nobody.%ld", i);
            pam_set_item(handle, PAM_USER, name);
            pam_set_item(handle, PAM_AUTHTOK, NULL);
            refused += pam_authenticate(handle, PAM_SILENT) != PAM_SUCCESS;
        }
        printf("ns %lld\nrefused %ld\n", (now() - start) / count, refused);
        pam_end(handle, PAM_SUCCESS);
        return 0;
    }
    fprintf(stderr, "usage: see the beginning of pam.c\n");
    return 2;
}
