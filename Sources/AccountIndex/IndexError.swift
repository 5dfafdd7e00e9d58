// What can go wrong on the writing side, by what the daemon does next.

#if !hasFeature(Embedded)
    internal import CLibc

    /// Why an index could not be written, opened or verified.
    public enum IndexError: Error, Equatable, Sendable {
        /// A call to the system failed: what was tried, on which path, and errno.
        case cannot(operation: String, path: String, errno: Int32)
        /// The delta has no room left: build a new index.
        case full
        /// The index does not fit together, and why: build a new one.
        case damaged(String)
        /// A value that the format cannot hold, and why; it should have been withheld.
        case unrepresentable(String)
    }

    extension IndexError: CustomStringConvertible {
        /// One line for the log.
        public var description: String {
            switch self {
            case .cannot(let operation, let path, let errno):
                unsafe "cannot \(operation) \(path): \(String(cString: strerror(errno)))"
            case .full: "the index has no room left for changes and must be built anew"
            case .damaged(let why): "the index is damaged and must be built anew: \(why)"
            case .unrepresentable(let why): "cannot be published: \(why)"
            }
        }
    }

    extension IndexError {
        /// The error of the call that failed last.
        static func last(_ operation: String, _ path: String) -> IndexError {
            .cannot(operation: operation, path: path, errno: roster_errno())
        }
    }

    /// Runs a reading step; its fault means damage.
    func proven<Answer>(
        _ what: String, _ body: () throws(IndexFault) -> Answer
    ) throws(IndexError) -> Answer {
        do throws(IndexFault) {
            return try body()
        } catch {
            throw .damaged(what)
        }
    }
#endif
