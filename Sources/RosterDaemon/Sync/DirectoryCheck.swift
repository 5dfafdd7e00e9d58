// Whether configuration and directory fit together, beyond what the configuration alone can tell.

internal import Accounts
internal import DirectorySync
internal import LDAPClient
internal import Settings

extension DirectoryConnector {
    /// Attributes that a rule or map names and that the server's schema does not know, as sentences.
    ///
    /// Empty also where the server does not show its schema. Blocks for a reading.
    func schemaComplaints(
        on session: borrowing LDAPSession, _ root: RootDSE
    ) throws(LDAPError) -> [String] {
        guard let schema = try session.readAttributeSchema(root) else { return [] }
        return settings.namedAttributes.filter { !schema.contains($0.attribute) }.map {
            "\($0.key): the schema of \(session.options.uri) has no attribute \($0.attribute); "
                + "correct the name or load the schema"
        }
    }
}

extension DirectoryConnector {
    /// Search bases that do not exist or may not be read, as sentences.
    ///
    /// Blocks for a reading each.
    func baseComplaints(on session: borrowing LDAPSession) throws(LDAPError) -> [String] {
        let directory = settings.directory
        var complaints: [String] = []
        for base in Set([directory.peopleBase, directory.groupsBase]).sorted() {
            let search = LDAPSearch(
                base: base, scope: .base, filter: "(objectClass=*)", attributes: ["objectClass"])
            if try session.read(search)?.isEmpty ?? true {
                complaints.append(
                    "\(session.options.uri): \(base) does not exist, or \(bindName) may not read it; "
                        + "check [directory] base and the access rules of the server")
            }
        }
        return complaints
    }
}

extension Daemon {
    /// Tries what the daemon would do first, and says on stderr what is wrong with it.
    ///
    /// True when the directory can be followed. Blocks for some network timeouts per server.
    public func check() -> Bool {
        let connector = DirectoryConnector(settings: settings)
        var complaints: [String] = []
        var remarks: [String] = []
        for (position, uri) in connector.uris.enumerated() {
            do {
                let session = try connector.connect(to: position)
                let root = try session.readRootDSE()
                complaints += try connector.schemaComplaints(on: session, root)
                complaints += try connector.baseComplaints(on: session)
                let strategy = try connector.strategy(root, on: session)
                remarks.append("\(uri): \(connector.promise(strategy).inOneLine(strategy.method))")
            } catch {
                complaints.append("\(error)")
            }
        }
        for line in remarks + complaints { Self.complain(line) }
        if complaints.isEmpty { Self.complain("\(configurationPath): fine") }
        return complaints.isEmpty
    }
}
