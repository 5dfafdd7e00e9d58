// Several descriptors as one, for a wait that takes only one beside the connection.

internal import CLibc

/// An epoll(7) set, itself a descriptor that poll(2) can wait for; owned by this value.
@safe final class WaitSet {
    /// Readable when any member is.
    let descriptor: CInt

    /// A set of descriptors; those that are −1 are left out.
    init(_ members: [CInt]) {
        descriptor = epoll_create1(CInt(EPOLL_CLOEXEC))
        for member in members where member >= 0 {
            var event = unsafe epoll_event(events: EPOLLIN.rawValue, data: epoll_data(fd: member))
            unsafe epoll_ctl(descriptor, EPOLL_CTL_ADD, member, &event)
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Blocks until a member is readable, at most `time`.
    func wait(atMost time: Duration) {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        unsafe poll(&waiting, 1, CInt(max(0, min(time.inSeconds, 3600)) * 1000))
    }
}
