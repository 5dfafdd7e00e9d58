// A first look at a directory: what the server says about itself, and what the bind identity sees.

internal import Accounts
internal import DirectorySync
internal import LDAPClient
public import Settings

/// What a server says about itself.
public struct DirectorySurvey: Codable, Equatable, Sendable {
    /// The server.
    public var server: String
    /// Who made it; empty if it does not say.
    public var vendor: String
    /// Whether it is Active Directory or AD LDS.
    public var isActiveDirectory: Bool
    /// The trees that may hold accounts.
    public var namingContexts: [String]
    /// What keeps roster from following the server; `nil`: nothing.
    public var obstacle: String?
    /// What the bind identity sees below the base; `nil`: not looked at yet.
    public var sample: DirectorySample?

    /// Trees of servers that hold their own affairs.
    private static let ownAffairs = [
        "cn=config", "cn=schema", "cn=changelog", "cn=accesslog", "cn=monitor", "cn=configuration",
        "dc=domaindnszones", "dc=forestdnszones", "o=netscaperoot",
    ]

    init(_ server: String, _ root: RootDSE, by connector: DirectoryConnector) {
        self.server = server
        vendor = root.vendor
        isActiveDirectory = root.isActiveDirectory
        namingContexts = root.namingContexts.filter { context in
            let key = DistinguishedName.key(of: context)
            return !key.isEmpty && !Self.ownAffairs.contains { key.hasPrefix($0) }
        }
        do throws(DirectoryFailure) {
            _ = try connector.strategy(root)
        } catch {
            obstacle = "\(server): \(error.description)"
        }
    }
}

/// Why a server could not be looked at.
public enum SurveyFailure: Error, Equatable, Sendable {
    /// Its certificate cannot be verified.
    case certificate(String)
    /// Name or password are wrong, or may not bind.
    case credentials(String)
    /// Anything else.
    case other(String)

    /// What is wrong and what to do.
    public var text: String {
        switch self {
        case .certificate(let text), .credentials(let text), .other(let text): text
        }
    }
}

extension DirectorySurvey {
    /// Looks at the first server of a configuration that answers.
    ///
    /// `failures` names the servers before it that did not. Blocks for some network timeouts per
    /// server.
    public static func look(
        by settings: Settings, failures: inout [String]
    ) throws(SurveyFailure) -> DirectorySurvey {
        var first: SurveyFailure?
        for position in settings.directory.uris.indices {
            do throws(SurveyFailure) {
                return try look(at: position, by: settings)
            } catch {
                first = first ?? error
                failures.append(error.text)
            }
        }
        throw first ?? .other("no server is named")
    }

    private static func look(
        at position: Int, by settings: Settings
    ) throws(SurveyFailure) -> DirectorySurvey {
        try onSession(settings, position) { session throws(LDAPError) in
            DirectorySurvey(
                session.options.uri, try session.readRootDSE(),
                by: DirectoryConnector(settings: settings))
        }
    }

    /// Adds what the bind identity sees below the base of the configuration.
    public mutating func takeSample(by settings: Settings) throws(SurveyFailure) {
        sample = try onSameServer(settings) { session throws(LDAPError) in
            let connector = DirectoryConnector(settings: settings)
            if let complaint = try connector.baseComplaints(on: session).first {
                throw LDAPError(
                    server: server, step: .search, code: .noSuchObject, diagnostic: complaint,
                    remedy: "")
            }
            let root = try session.readRootDSE()
            let strategy: SyncStrategy
            do throws(DirectoryFailure) {
                strategy = try connector.strategy(root, on: session)
            } catch {
                throw LDAPError(
                    server: server, step: .search, code: .unwillingToPerform,
                    diagnostic: error.description, remedy: "")
            }
            return try DirectorySample(settings, strategy, on: session)
        }
    }

    /// Those of the trees in which the bind identity sees a person.
    public func contextsWithPeople(by settings: Settings) throws(SurveyFailure) -> [String] {
        try onSameServer(settings) { session throws(LDAPError) in
            var found: [String] = []
            for context in namingContexts {
                let search = LDAPSearch(
                    base: context, scope: .subtree, filter: DirectorySample.peopleFilter(settings),
                    attributes: ["1.1"])
                let people = try session.first(1, of: search, inPages: isActiveDirectory)
                if !people.isEmpty { found.append(context) }
            }
            return found
        }
    }

    private func onSameServer<Result>(
        _ settings: Settings, _ body: (borrowing LDAPSession) throws(LDAPError) -> Result
    ) throws(SurveyFailure) -> Result {
        let position = settings.directory.uris.firstIndex { $0.text == server } ?? 0
        return try Self.onSession(settings, position, body)
    }

    private static func onSession<Result>(
        _ settings: Settings, _ position: Int,
        _ body: (borrowing LDAPSession) throws(LDAPError) -> Result
    ) throws(SurveyFailure) -> Result {
        let password: [UInt8]?
        do throws(SettingsError) {
            password = try settings.readBindPassword()
        } catch {
            throw .other("\(error)")
        }
        do throws(LDAPError) {
            let connector = DirectoryConnector(settings: settings)
            return try body(try connector.session(to: position, password: password))
        } catch {
            throw SurveyFailure(error)
        }
    }
}

extension SurveyFailure {
    fileprivate init(_ error: LDAPError) {
        switch error.code {
        case .invalidCredentials, .inappropriateAuthentication, .strongerAuthRequired:
            self = .credentials(error.description)
        default:
            let isTLS = error.step == .connect && error.diagnostic.hasPrefix("TLS:")
            self = isTLS ? .certificate(error.description) : .other(error.description)
        }
    }
}
