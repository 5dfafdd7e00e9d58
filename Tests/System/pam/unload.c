// unload SERVICE USER TURNS: whole transactions, libpam loading and unloading the modules each time.
// Afterwards nothing of the module may be left in the process: no descriptor, thread, mapping,
// memory, and no trace of the password.
#include <dirent.h>
#include <malloc.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The password, never in one piece in this program's own memory: each octet is altered by 0x55.
static const unsigned char hidden[] = "\x27\x3c\x32\x3d\x21";  // r i g h t
static const unsigned char hidden_long[] =
    "\x23\x30\x27\x2c\x78\x26\x30\x36\x27\x30\x21\x78\x25\x34\x26\x26\x22\x3a\x27\x31";
static const unsigned char *password = hidden;
static size_t password_length = sizeof hidden - 1;

static int converse(int count, const struct pam_message **messages, struct pam_response **answers,
                    void *unused) {
    (void)unused;
    struct pam_response *made = calloc(count, sizeof *made);
    for (int index = 0; index < count; index++) {
        if (messages[index]->msg_style != PAM_PROMPT_ECHO_OFF) continue;
        char *text = calloc(1, password_length + 1);
        for (size_t place = 0; place < password_length; place++) text[place] = password[place] ^ 0x55;
        made[index].resp = text;
    }
    *answers = made;
    return PAM_SUCCESS;
}

static int once(const char *service, const char *user) {
    struct pam_conv conversation = {converse, NULL};
    pam_handle_t *handle = NULL;
    int codes[5];
    if (pam_start(service, user, &conversation, &handle) != PAM_SUCCESS) exit(3);
    codes[0] = pam_authenticate(handle, 0);
    codes[1] = pam_acct_mgmt(handle, 0);
    codes[2] = pam_setcred(handle, PAM_ESTABLISH_CRED);
    codes[3] = pam_open_session(handle, 0);
    codes[4] = pam_close_session(handle, 0);
    if (pam_end(handle, codes[4]) != PAM_SUCCESS) exit(3);
    return codes[0] * 100 + codes[1];
}

static int entries(const char *folder) {
    int count = 0;
    DIR *open = opendir(folder);
    while (open && readdir(open)) count++;
    if (open) closedir(open);
    return count;
}

static int mappings(const char *part) {
    char line[512];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) count += !part || strstr(line, part) != NULL;
    if (maps) fclose(maps);
    return count;
}

/// How often the password lies in memory that this process can write.
static int traces(void) {
    char line[512];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char rights[5];
        if (sscanf(line, "%lx-%lx %4s", &start, &end, rights) != 3 || rights[1] != 'w') continue;
        for (const unsigned char *at = (void *)start; at + password_length <= (const unsigned char *)end; at++) {
            size_t same = 0;
            while (same < password_length && (at[same] ^ 0x55) == password[same]) same++;
            if (same == password_length) found++;
        }
    }
    if (maps) fclose(maps);
    return found;
}

int main(int count, char **arguments) {
    if (count < 4) return 2;
    int turns = atoi(arguments[3]);
    int code = once(arguments[1], arguments[2]);
    for (int turn = 0; turn < 50; turn++) once(arguments[1], arguments[2]);
    int descriptors = entries("/proc/self/fd"), maps = mappings(NULL);
    size_t used = mallinfo2().uordblks;
    for (int turn = 0; turn < turns; turn++) {
        if (once(arguments[1], arguments[2]) != code) return puts("the answers differ"), 1;
    }
    printf("code %d descriptors %+d threads %d mappings %+d module %d memory %+ld\n", code,
           entries("/proc/self/fd") - descriptors, entries("/proc/self/task") - 2,
           mappings(NULL) - maps, mappings("pam_roster") + mappings("/index/"),
           (long)(mallinfo2().uordblks - used));
    password = hidden_long;
    password_length = sizeof hidden_long - 1;
    once(arguments[1], arguments[2]);
    int left = traces();
    char *copy = malloc(64);  // that the search finds what there is
    for (size_t place = 0; place < password_length; place++) copy[place] = password[place] ^ 0x55;
    printf("traces %d of %d\n", left, traces() - left);
    free(copy);
    return 0;
}
