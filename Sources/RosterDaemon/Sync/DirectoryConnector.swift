// From the configuration to a bound session with a server of the directory.

internal import Accounts
internal import DirectorySync
internal import LDAPClient
internal import Settings

/// Why the directory cannot be followed right now, in words a person can act on.
struct DirectoryFailure: Error, CustomStringConvertible {
    /// What is wrong and what to do.
    let description: String
    /// What a search by RFC 4533 was refused for; `nil`: it was something else.
    let kind: SyncError.Kind?

    /// A failure in so many words.
    init(_ description: String, kind: SyncError.Kind? = nil) {
        self.description = description
        self.kind = kind
    }
}

/// Opens sessions as the configuration says.
///
/// Blocks; not for the cooperative pool.
struct DirectoryConnector: Sendable {
    let settings: Settings

    /// The servers, the preferred one first.
    var uris: [String] {
        settings.directory.uris.map(\.text)
    }

    /// Where people and groups lie, for messages.
    var base: String {
        let directory = settings.directory
        return directory.peopleBase == directory.groupsBase
            ? directory.peopleBase : "\(directory.peopleBase) and \(directory.groupsBase)"
    }

    /// Who we are to the directory, for messages.
    var bindName: String {
        switch settings.directory.bind {
        case .anonymous: "anonymous"
        case .simple(let dn, _): dn
        case .external: "the user rosterd runs as (SASL EXTERNAL)"
        }
    }

    /// Which directory this is: when it changes, people are matched by uid and uidNumber.
    func identity(_ strategy: SyncStrategy) -> String {
        let base = DistinguishedName.key(of: settings.directory.base)
        return "base \(base), id \(strategy.entryID.name.lowercased())"
    }

    /// The digest of everything that the cookie of a search depends on.
    func digest(of search: SearchPlan.Search, _ strategy: SyncStrategy) -> [UInt8] {
        SyncCookie.digest(
            SyncCookie.Request(
                uris: uris, bindDN: bindName, base: search.base, scope: .subtree,
                filter: search.filter, attributes: search.attributes,
                schema: "\(settings.accounts.schema), \(identity(strategy))",
                strategy: strategy.method.rawValue))
    }

    /// A session with the server at `position`, bound and ready to search; of a domain with the first
    /// of its servers that lets itself be connected to.
    ///
    /// Blocks at most some four network timeouts per server.
    ///
    /// `only`: the one server, by its URI, that will do.
    func connect(
        to position: Int, only uri: String? = nil
    ) throws(DirectoryFailure) -> LDAPSession {
        let password: [UInt8]?
        do throws(SettingsError) {
            password = try settings.readBindPassword()
        } catch {
            throw DirectoryFailure("\(error)")
        }
        do throws(LDAPError) {
            return try session(to: position, password: password, only: uri)
        } catch {
            throw DirectoryFailure(error.description)
        }
    }

    /// A session with the very domain controller that is followed, which may be one of many behind the
    /// name in its URI: by its own name, where that name leads to another one.
    ///
    /// Blocks as ``connect(to:only:)`` does, and for some readings.
    func connect(
        to position: Int, only uri: String, followedBy controller: DomainController
    ) throws(DirectoryFailure) -> LDAPSession {
        let session = try connect(to: position, only: uri)
        do throws(LDAPError) {
            if controller.isServer(of: try session.readRootDSE()) { return session }
            let directory = settings.directory
            let own = controller.dnsName.flatMap { name -> LDAPConnectOptions? in
                guard var address = DirectoryURI(text: uri) else { return nil }
                address.tls = directory.uris[position].tls
                let port = address.port.map { ":\($0)" } ?? ""
                let text = "\(address.scheme.rawValue)://\(name)\(port)"
                return DirectoryURI(text: text) == nil ? nil : options(for: address, text: text)
            }
            if let own {
                let password: [UInt8]? = try? settings.readBindPassword()
                let session = try self.session(with: own, password)
                if controller.isServer(of: try session.readRootDSE()) { return session }
            }
        } catch {
            throw DirectoryFailure(error.description)
        }
        throw DirectoryFailure(
            "\(uri) leads to another domain controller than the one that is followed, whose own name "
                + "leads there neither; name the controllers one by one in [directory] uris")
    }

    /// The same with a password that was read already, and the reason of a failure in its parts: of
    /// several servers those of the first, with what befell the others in words.
    func session(
        to position: Int, password: [UInt8]?, only uri: String? = nil
    ) throws(LDAPError) -> LDAPSession {
        var failures: [LDAPError] = []
        let servers = try options(to: position, only: uri)
        guard !servers.isEmpty else {
            throw LDAPError(
                server: uri ?? "", step: .connect, code: .serverDown,
                diagnostic: "DNS does not name this server any more", remedy: "")
        }
        for options in servers {
            do throws(LDAPError) {
                return try session(with: options, password)
            } catch {
                failures.append(error)
            }
        }
        let texts = [failures[0].diagnostic] + failures.dropFirst().map(\.description)
        throw LDAPError(
            server: failures[0].server, step: failures[0].step, code: failures[0].code,
            diagnostic: texts.joined(separator: "; "), remedy: failures[0].remedy)
    }

    private func session(
        with options: LDAPConnectOptions, _ password: [UInt8]?
    ) throws(LDAPError) -> LDAPSession {
        let session = try LDAPSession(options)
        switch settings.directory.bind {
        case .anonymous: break
        case .simple(let dn, _):
            try session.bind(dn: dn, password: LDAPSecret(copying: password ?? []))
        case .external: try session.bindExternal()
        }
        return session
    }

    /// How the server at `position` is connected to; of a domain its servers, as DNS names them now,
    /// in the order in which they are to be tried; never none.
    ///
    /// `only`: the one server, by its URI, that will do; none where DNS does not name it. Blocks for a
    /// domain, some ten seconds at most.
    func options(
        to position: Int, only wanted: String? = nil
    ) throws(LDAPError) -> [LDAPConnectOptions] {
        let uri = settings.directory.uris[position]
        guard uri.scheme == .srv else {
            return wanted == nil || wanted == uri.text ? [options(for: uri, text: uri.text)] : []
        }
        let scheme = uri.tls == .startTLS ? "ldap" : "ldaps"
        let records = try ServiceRecord.look(for: "_\(scheme)", in: uri.host, server: uri.text)
        let servers = records.inOrder { Double.random(in: 0..<1) }
            .map { "\(scheme)://\($0.host):\($0.port)" }
            // What DNS says is input like any other: a name that is none leads nowhere.
            .filter { DirectoryURI(text: $0) != nil }
        guard !servers.isEmpty else {
            throw LDAPError(
                server: uri.text, step: .connect, code: .serverDown,
                diagnostic: "its SRV records name no usable host", remedy: "correct them")
        }
        if let wanted { return servers.filter { $0 == wanted }.map { options(for: uri, text: $0) } }
        return servers.prefix(Self.mostServers).map { options(for: uri, text: $0) }
    }

    /// So many servers of a domain are tried in a row.
    private static let mostServers = 8

    private func options(for uri: DirectoryURI, text: String) -> LDAPConnectOptions {
        let policy: TLSPolicy =
            switch uri.tls {
            case .ldaps: .ldaps
            case .startTLS: .startTLS
            case .off: .off
            }
        var options = LDAPConnectOptions(uri: text, tls: policy)
        options.caFile = settings.directory.caFile
        options.networkTimeout = settings.directory.networkTimeout
        options.operationTimeout = settings.directory.networkTimeout
        return options
    }
}
