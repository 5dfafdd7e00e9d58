// Who may ask what, decided per request from the peer's credentials.
internal import DaemonProtocol

/// The decision whether a request is answered, and how completely.
enum ControlAuthorisation: Equatable {
    /// Answered as it is.
    case whole
    /// Answered with what only root may see taken out.
    case reduced
    /// Not answered.
    case refused

    /// Decides about `request` of a peer with the user id `uid`.
    ///
    /// Root and `owner`, the user that the daemon runs as, may do everything.
    init(request: ControlRequest, uid: UInt32, owner: UInt32) {
        let isAdministrator = uid == 0 || uid == owner
        self =
            switch request.access {
            case .everyone: .whole
            case .everyoneReduced: isAdministrator ? .whole : .reduced
            case .administrator: isAdministrator ? .whole : .refused
            }
    }
}
