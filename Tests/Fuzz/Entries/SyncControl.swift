// sources: asn1 Sources/LDAPClient/BERReader.swift Sources/LDAPClient/LDAPControl.swift Sources/LDAPClient/SyncStateControl.swift Sources/LDAPClient/SyncDoneControl.swift Sources/LDAPClient/SyncInfoMessage.swift Sources/LDAPClient/PagedResultsControl.swift Sources/LDAPClient/PersistentSearchControl.swift

/// The decoders of everything that a server sends beside entries; what is accepted is sound.
func fuzz(_ octets: [UInt8]) {
    if let state = try? SyncStateControl(decoding: octets) {
        precondition((state.cookie?.count ?? 0) < octets.count)
    }
    if let usual = SyncStateControl(usual: octets) {
        precondition((try? SyncStateControl(general: octets)) == usual)
    }
    _ = try? SyncDoneControl(decoding: octets)
    _ = try? EntryChangeNotification(decoding: octets)
    if case .idSet(_, _, let uuids) = try? SyncInfoMessage(decoding: octets) {
        precondition(uuids.count * 18 <= octets.count)
    }
    if let page = try? PagedResultsControl(decoding: octets), page.size >= 0, page.size < 65536 {
        let again = page.control(isCritical: false).value ?? []
        precondition((try? PagedResultsControl(decoding: again)) == page)
    }
}
