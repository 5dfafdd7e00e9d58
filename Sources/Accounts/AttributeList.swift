// The attributes of one entry in one piece of memory: a first load handles a million of them.
//
// Layout, repeated: 1 octet length of the name, the name (lower case, no options), 4 octets
// little-endian number of values, then for each value 4 octets little-endian length and the value.

#if !hasFeature(Embedded)
    /// The attributes of a directory entry, packed; names in lower case, values as the octets sent.
    ///
    /// This is also the form in which the store keeps them, so that a changed local rule can be
    /// applied again without asking the directory.
    public struct AttributeList: Equatable, Sendable {
        /// The packed form.
        public private(set) var packed: [UInt8]
        /// Where the number of values of the attribute being written stands.
        private var countOffset = 0

        /// An entry without attributes.
        public init() {
            packed = []
        }

        /// Takes the packed form back, as the store kept it.
        public init(packed: [UInt8]) {
            self.packed = packed
        }

        /// Compares the packed form.
        public static func == (left: AttributeList, right: AttributeList) -> Bool {
            left.packed == right.packed
        }

        /// Starts an attribute; its values follow by ``appendValue(_:)``.
        ///
        /// The name is folded to lower case; options (`;lang-en`) are cut off; at most 255 octets.
        public mutating func startAttribute(_ name: some Collection<UInt8>) {
            let lengthOffset = packed.count
            packed.append(0)
            for character in name.prefix(255) {
                if character == UInt8(ascii: ";") { break }
                let isUpper = character >= UInt8(ascii: "A") && character <= UInt8(ascii: "Z")
                packed.append(isUpper ? character | 0x20 : character)
            }
            packed[lengthOffset] = UInt8(truncatingIfNeeded: packed.count - lengthOffset - 1)
            countOffset = packed.count
            packed.append(contentsOf: [0, 0, 0, 0])
        }

        /// Appends a value to the attribute started last.
        public mutating func appendValue(_ value: some Collection<UInt8>) {
            appendLength(value.count)
            packed.append(contentsOf: value)
            store(length(at: countOffset) + 1, at: countOffset)
        }

        /// Makes room for an entry of about this size, in octets.
        public mutating func reserveCapacity(_ octets: Int) {
            packed.reserveCapacity(octets)
        }

        /// Starts an attribute as ``startAttribute(_:)`` does, from octets lent for the call.
        public mutating func startAttribute(_ name: RawSpan) {
            unsafe name.withUnsafeBytes { octets in unsafe startAttribute(octets) }
        }

        /// Appends a value to the attribute started last, from octets lent for the call.
        public mutating func appendValue(_ value: RawSpan) {
            unsafe value.withUnsafeBytes { octets in unsafe appendValue(octets) }
        }

        /// Appends an attribute with all its values, for tests and small lists.
        public mutating func append(_ name: String, _ values: [String]) {
            startAttribute(name.utf8)
            for value in values { appendValue(value.utf8) }
        }

        /// Calls `body` with each value of `name` (lower case), in the order sent.
        public func forEachValue(of name: String, _ body: (ArraySlice<UInt8>) -> Void) {
            forEachAttribute { candidate, count, start in
                guard candidate.elementsEqual(name.utf8) else { return }
                var offset = start
                for _ in 0..<count {
                    let size = length(at: offset)
                    body(packed[offset + 4..<offset + 4 + size])
                    offset += 4 + size
                }
            }
        }

        /// The first value of `name` (lower case); `nil` if there is none.
        public func firstValue(of name: String) -> ArraySlice<UInt8>? {
            var first: ArraySlice<UInt8>?
            forEachValue(of: name) { value in
                if first == nil { first = value }
            }
            return first
        }

        /// The first value of `name` as text; `nil` if there is none or it is not UTF-8.
        public func firstText(of name: String) -> String? {
            firstValue(of: name).flatMap { String(validating: $0, as: UTF8.self) }
        }

        /// All values of `name` (lower case), in the order sent.
        public func values(of name: String) -> [ArraySlice<UInt8>] {
            var values: [ArraySlice<UInt8>] = []
            forEachValue(of: name) { values.append($0) }
            return values
        }

        /// The names of the attributes, in lower case, in the order sent.
        public var names: [String] {
            var names: [String] = []
            forEachAttribute { name, _, _ in names.append(String(decoding: name, as: UTF8.self)) }
            return names
        }

        /// Walks the attributes: name, number of values, offset of the first value.
        ///
        /// Stops at anything that does not lie inside the packed form.
        private func forEachAttribute(_ body: (ArraySlice<UInt8>, Int, Int) -> Void) {
            var offset = 0
            while offset < packed.count {
                let nameEnd = offset + 1 + Int(packed[offset])
                guard nameEnd + 4 <= packed.count else { return }
                let count = length(at: nameEnd)
                var end = nameEnd + 4
                for _ in 0..<count {
                    guard end + 4 <= packed.count, end + 4 + length(at: end) <= packed.count else {
                        return
                    }
                    end += 4 + length(at: end)
                }
                body(packed[offset + 1..<nameEnd], count, nameEnd + 4)
                offset = end
            }
        }

        private func length(at offset: Int) -> Int {
            Int(packed[offset]) | Int(packed[offset + 1]) << 8 | Int(packed[offset + 2]) << 16
                | Int(packed[offset + 3]) << 24
        }

        private mutating func store(_ length: Int, at offset: Int) {
            for place in 0..<4 {
                packed[offset + place] = UInt8(truncatingIfNeeded: length >> (8 * place))
            }
        }

        private mutating func appendLength(_ length: Int) {
            packed.append(contentsOf: [0, 0, 0, 0])
            store(length, at: packed.count - 4)
        }
    }
#endif
