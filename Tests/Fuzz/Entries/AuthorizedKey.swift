// sources: Sources/Accounts/*.swift

/// Any line, and the same behind a key that is one: nothing is read outside of the line, and what is
/// valid without options is valid with them, one line, and begins with the type of a key.
func fuzz(_ octets: [UInt8]) {
    judge(octets)
    let key = Array(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+V9PxO7BmhOvh1amZKfGQ6+Ns5Y6YDB3tL/CT5vTqH".utf8)
    judge(key + octets)
    judge(octets + key)
    if octets.count >= 3 {
        var altered = key
        altered[Int(octets[0]) % key.count] = octets[1]
        altered.insert(octets[2], at: Int(octets[1]) % key.count)
        judge(altered)
    }
}

private func judge(_ octets: [UInt8]) {
    // On the heap and of its exact size, where the sanitizer sees every octet beyond it.
    let line = UnsafeMutableRawBufferPointer.allocate(byteCount: octets.count, alignment: 1)
    defer { line.deallocate() }
    line.copyBytes(from: octets)
    let plain = AuthorizedKey.isValid(UnsafeRawBufferPointer(line), allowingOptions: false)
    let free = AuthorizedKey.isValid(UnsafeRawBufferPointer(line), allowingOptions: true)
    precondition(free || !plain, "options are allowed, not required")
    guard plain || free else { return }
    precondition(!octets.contains { $0 < 0x20 || $0 == 0x7F }, "one line")
    precondition(octets.count >= 80 && octets.count <= 8192, "the room that a key takes")
    if plain {
        let starts = ["ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-nistp", "sk-ssh-", "sk-ecdsa-"]
        precondition(starts.contains { octets.starts(with: Array($0.utf8)) }, "a type in front")
    }
}
