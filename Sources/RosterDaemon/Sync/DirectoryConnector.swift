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

    /// A session with the server at `position`, bound and ready to search.
    ///
    /// Blocks at most some four network timeouts.
    func connect(to position: Int) throws(DirectoryFailure) -> LDAPSession {
        let uri = settings.directory.uris[position]
        let password = try password()
        do throws(LDAPError) {
            let session = try LDAPSession(options(for: uri))
            switch settings.directory.bind {
            case .anonymous: break
            case .simple(let dn, _):
                try session.bind(dn: dn, password: LDAPSecret(copying: password ?? []))
            case .external: try session.bindExternal()
            }
            return session
        } catch {
            throw DirectoryFailure(error.description)
        }
    }

    private func password() throws(DirectoryFailure) -> [UInt8]? {
        do throws(SettingsError) {
            return try settings.readBindPassword()
        } catch {
            throw DirectoryFailure("\(error)")
        }
    }

    /// How the server at `position` is connected to.
    func options(to position: Int) -> LDAPConnectOptions {
        options(for: settings.directory.uris[position])
    }

    private func options(for uri: DirectoryURI) -> LDAPConnectOptions {
        let policy: TLSPolicy =
            switch uri.tls {
            case .ldaps: .ldaps
            case .startTLS: .startTLS
            case .off: .off
            }
        var options = LDAPConnectOptions(uri: uri.text, tls: policy)
        options.caFile = settings.directory.caFile
        options.networkTimeout = settings.directory.networkTimeout
        options.operationTimeout = settings.directory.networkTimeout
        return options
    }
}
