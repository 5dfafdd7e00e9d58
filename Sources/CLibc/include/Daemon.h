/// What only daemon and command need of the C library: waiting, watching, locking, the clock's state.
#ifndef ROSTER_CLIBC_DAEMON_H
#define ROSTER_CLIBC_DAEMON_H

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/un.h>

/// connect(2) with an address of a unix socket, whose casts Swift would have to make by hand.
static inline int roster_connect_unix(int descriptor, const struct sockaddr_un *address,
                                      socklen_t length) {
    return connect(descriptor, (const struct sockaddr *)address, length);
}

/// getsockname(2) of a unix socket.
static inline int roster_own_name(int descriptor, struct sockaddr_un *address, socklen_t *length) {
    return getsockname(descriptor, (struct sockaddr *)address, length);
}

/// Keeps a descriptor from surviving an exec; fcntl(2) is variadic in C.
static inline int roster_set_close_on_exec(int descriptor) {
    return fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

#endif
