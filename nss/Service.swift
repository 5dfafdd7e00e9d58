// What every answer of this module starts from.
internal import AccountIndex
internal import CLibc

/// Where the module finds its answers; the exported functions use `installed()`, tests their own.
@safe
struct Service {
    let index: IndexReader
    /// The file whose presence says that this host is configured for roster.
    let configuration: UnsafePointer<CChar>

    /// The index of this host, over the state that this process keeps.
    static func installed() -> Service {
        let path = unsafe IndexPath(
            file: text("/var/lib/roster/index/public.1"), stateDirectory: text("/var/lib/roster"),
            part: .public)
        return unsafe Service(
            index: IndexReader(state: roster_reader_state(), path: path),
            configuration: text("/etc/roster/roster.toml"))
    }

    private static func text(_ text: StaticString) -> UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }
}

/// A name that a caller asks for.
@safe
struct AskedName {
    let start: UnsafeRawPointer
    let count: Int

    /// A name that could be published; throws ``LookupFailure/notFound`` for any other.
    ///
    /// Empty, overlong and purely numeric names and ones with a colon, slash or control character
    /// are turned away without a look at the index: programs ask for such, and no directory may
    /// define them. A space may be in the name of a group.
    init(_ name: UnsafePointer<CChar>?) throws(LookupFailure) {
        guard let name = unsafe name else { throw .notFound }
        let count = unsafe strnlen(name, 257)
        guard count > 0, count <= 256 else { throw .notFound }
        unsafe start = UnsafeRawPointer(name)
        self.count = count
        var isNumber = true
        for index in 0..<count {
            let byte = unsafe (start + index).load(as: UInt8.self)
            if byte < 0x30 || byte > 0x39 {
                isNumber = false
                if byte == 0x3A || byte == 0x2F || byte < 0x20 { throw .notFound }
            }
        }
        if isNumber { throw .notFound }
    }
}
