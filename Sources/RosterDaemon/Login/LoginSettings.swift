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
    convenience init(_ context: EngineContext) {
        let login = context.settings.login
        let connector = DirectoryConnector(settings: context.settings)
        let pool = BindPool(ConfiguredDirectory(connector: connector), clock: context.clock)
        let directory = LoginDirectory(
            pool, timeout: login.timeout, clock: context.clock, logger: context.logger)
        self.init(
            timeout: login.timeout, gate: LoginGate(directory: context.paths.state + "/index"),
            directory: directory, keeper: context.verifiers, storeReader: context.storeReader,
            reset: nil, clock: context.clock, logger: context.logger)
    }
}
