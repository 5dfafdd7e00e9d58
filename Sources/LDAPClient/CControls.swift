// Controls in the form that libldap takes them in.

internal import CLDAP

/// A null-terminated array of controls; a null pointer for none.
@safe struct CControls: ~Copyable {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<ldapcontrol>?>?

    init(_ controls: [LDAPControl]) {
        guard !controls.isEmpty else {
            unsafe pointers = nil
            return
        }
        let array = UnsafeMutablePointer<UnsafeMutablePointer<ldapcontrol>?>.allocate(
            capacity: controls.count + 1)
        for (position, control) in controls.enumerated() {
            unsafe array[position] = Self.copy(control)
        }
        unsafe array[controls.count] = nil
        unsafe pointers = unsafe array
    }

    private static func copy(_ control: LDAPControl) -> UnsafeMutablePointer<ldapcontrol>? {
        var made: UnsafeMutablePointer<ldapcontrol>?
        var value = unsafe berval()
        let octets = control.value ?? []
        unsafe octets.withUnsafeBytes { buffer in
            if control.value != nil, let start = buffer.baseAddress {
                unsafe value.bv_val = UnsafeMutableRawPointer(mutating: start)
                    .assumingMemoryBound(to: CChar.self)
                unsafe value.bv_len = ber_len_t(buffer.count)
            }
            _ = unsafe ldap_control_create(
                control.oid, control.isCritical ? 1 : 0, &value, 1, &made)
        }
        return unsafe made
    }

    deinit {
        guard let pointers = unsafe pointers else { return }
        var next = unsafe pointers
        while let control = unsafe next.pointee {
            unsafe ldap_control_free(control)
            unsafe next += 1
        }
        unsafe pointers.deallocate()
    }
}
