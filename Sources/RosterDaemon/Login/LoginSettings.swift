// From the configuration to the services of login.

internal import NIOPosix
internal import Settings

extension OfflinePolicy {
    /// What `[login]` says about verifiers.
    init(_ settings: Settings.Login) {
        self.init(
            isAllowed: settings.isOfflineAllowed, maxAge: settings.offlineMaxAge.components.seconds)
    }
}

extension LoginService {
    /// The service of a daemon.
    convenience init(_ context: EngineContext, keeper: VerifierKeeper) {
        let settings = context.settings
        let login = settings.login
        let reset = login.resetDN.map { dn in
            ServiceIdentity(dn: dn) { Password(try settings.readResetPassword() ?? []) }
        }
        var reader: ServiceIdentity?
        if case .simple(let dn, _) = settings.directory.bind {
            reader = ServiceIdentity(dn: dn) { Password(try settings.readBindPassword() ?? []) }
        }
        let connector = DirectoryConnector(settings: settings)
        let pool = BindPool(ConfiguredDirectory(connector: connector), clock: context.clock)
        let directory = LoginDirectory(
            pool, timeout: login.timeout, clock: context.clock, logger: context.logger)
        self.init(
            timeout: login.timeout, gate: LoginGate(directory: context.paths.state + "/index"),
            directory: directory, keeper: keeper, storeReader: context.storeReader,
            reset: reset, reader: reader, clock: context.clock, logger: context.logger)
    }
}
