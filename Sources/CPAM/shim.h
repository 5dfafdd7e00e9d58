/// CPAM: Linux-PAM as a module sees it, and what else the module needs that Swift cannot call.
#ifndef ROSTER_CPAM_H
#define ROSTER_CPAM_H

#include <security/pam_appl.h>  // what applications call: only tests do
#include <security/pam_modules.h>
#include <security/pam_ext.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <syslog.h>

/// syslog(3), which is variadic, with a text that is never a format. Opens no log of its own.
static inline void roster_syslog(int priority, const char *text) { syslog(priority, "%s", text); }

/// The user id of whoever listens at the other end of a connected unix socket.
///
/// Returns 0 and sets `uid`, or -1 with errno set. `struct ucred` needs _GNU_SOURCE in C.
static inline int roster_peer_uid(int descriptor, uid_t *uid) {
    struct { pid_t pid; uid_t uid; gid_t gid; } peer = {0, (uid_t)-1, (gid_t)-1};
    socklen_t length = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -1;
    *uid = peer.uid;
    return 0;
}

/// Calls an application's conversation function with one message.
///
/// Returns the function's answer; `response` is null unless the application answered, and then the
/// caller's to wipe and free.
static inline int roster_converse(const struct pam_conv *conversation, int style,
                                  const char *text, struct pam_response **response) {
    const struct pam_message message = {style, text};
    const struct pam_message *messages = &message;
    *response = 0;
    if (!conversation || !conversation->conv) return PAM_CONV_ERR;
    return conversation->conv(1, &messages, response, conversation->appdata_ptr);
}

#endif
