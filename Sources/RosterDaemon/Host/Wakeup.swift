// A descriptor that another thread can make readable: how the sync thread is woken out of poll(2).

internal import CLibc

/// An eventfd(2), owned by this value.
@safe final class Wakeup: Sendable {
    /// Readable from ``signal()`` until ``drain()``.
    let descriptor: CInt

    /// Makes the descriptor; −1 (never readable) when the process has none left.
    init() {
        descriptor = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Makes the descriptor readable.
    ///
    /// Does not block.
    func signal() {
        eventfd_write(descriptor, 1)
    }

    /// Makes the descriptor unreadable again.
    ///
    /// Does not block.
    func drain() {
        var count: eventfd_t = 0
        unsafe eventfd_read(descriptor, &count)
    }
}
