// One connection, from the first server that answers to the moment it is lost or given up.

internal import AccountStore
internal import Accounts
internal import DirectorySync
internal import LDAPClient
internal import Logging
internal import NIOPosix
internal import Settings

extension SyncEngine {
    /// The time between two attempts to return to the preferred server, and after one that led to
    /// nothing.
    private static let returnInterval = Duration.seconds(60)
    private static let returnIntervalAfterFailure = Duration.seconds(600)

    /// Connects and follows until the connection is lost (throws) or a new one is wanted (returns).
    func follow() throws(DirectoryFailure) {
        let connected = try connectToFirst()
        connection.server = connected.position
        noteConnection(to: connected.session.options.uri)
        defer { connection.isOpen = false }
        do throws(DirectoryFailure) {
            connection.uri = connected.session.options.uri
            let root = try rootDSE(of: connected.session)
            let strategy = try chooseStrategy(root, on: connected.session)
            let patience = context.settings.directory.refreshTimeout
            try follow(
                DirectoryStream(
                    session: connected.session, strategy: strategy, patience: patience))
        } catch {
            if isAnotherWayLeft(after: error) { return }
            if !connection.wasFollowing {
                // It let us in but was of no use: the next one gets its turn.
                servers.first = (connection.server + 1) % connector.uris.count
                servers.returnAt = now + Self.returnIntervalAfterFailure
            }
            throw error
        }
    }

    /// What the server says about itself; `nil`: it says nothing to us.
    ///
    /// Any other failure is none to go on after: the server would be taken for another kind.
    private func rootDSE(
        of session: borrowing LDAPSession
    ) throws(DirectoryFailure) -> RootDSE? {
        do throws(LDAPError) {
            return try session.readRootDSE()
        } catch {
            if [.noSuchObject, .insufficientAccessRights].contains(error.code) { return nil }
            throw DirectoryFailure(error.description)
        }
    }

    private func follow(_ opened: consuming DirectoryStream) throws(DirectoryFailure) {
        var stream = opened
        try startSearches(on: &stream)
        var health = StreamHealth(
            refreshLimit: context.settings.directory.refreshTimeout, now: now)
        var batch = ChangeBatch()
        var hasOctets = false
        while true {
            let isDrained = try take(from: &stream, into: &batch, &health, hasOctets: hasOctets)
            hasOctets = false
            if batch.isDue(now: now, isRefreshing: stream.isRefreshing) {
                if try store(&batch) == .anew { return }
                if !stream.isRefreshing { health.refreshEnded() }
            }
            if attend() != nil { return }
            guard isDrained else { continue }
            try stream.advance(now: moment)
            try keepAlive(&stream, &health)
            startComparisonIfDue()
            returnToPreferredServer()
            let rest = stream.nextDueAt.map { max(.zero, $0 - now) } ?? .seconds(1)
            hasOctets = wait(
                on: stream, atMost: min(rest, batch.isEmpty ? .seconds(1) : .milliseconds(20)))
        }
    }

    /// Takes what has arrived; true when nothing more was there.
    ///
    /// `hasOctets`: octets arrived, which may be only a part of a message.
    private func take(
        from stream: inout DirectoryStream, into batch: inout ChangeBatch,
        _ health: inout StreamHealth, hasOctets: Bool
    ) throws(DirectoryFailure) -> Bool {
        var isPart = hasOctets
        let before = stream.refreshedCount
        defer { if stream.refreshedCount != before { noteProgress(stream.refreshedCount) } }
        while !batch.isFull {
            let moment = moment
            guard let events = try stream.next(now: moment) else {
                if isPart { health.messageReceived(now: moment.uptime) }
                return true
            }
            isPart = false
            let now = moment.uptime
            var isAnswer = false
            for event in events {
                switch event {
                case .change(let change, let search): batch.add(change, search: search, now: now)
                case .alive:
                    isAnswer = true
                    health.probeAnswered(now: now)
                    noteContact()
                case .polled(let took):
                    health.probeAnswered(now: now)
                    noteContact()
                    noteAnswerTime(took)
                case .wakeUpLost(let reason): noteLostWakeUp(reason)
                }
            }
            if !isAnswer { health.messageReceived(now: now) }
        }
        return false
    }

    /// A session with the first server of the list that lets itself be connected to.
    private func connectToFirst() throws(DirectoryFailure) -> PlacedSession {
        var failures: [String] = []
        let count = connector.uris.count
        for turn in 0..<count where !context.mailbox.isStopping {
            beat()
            let position = (servers.first + turn) % count
            do throws(DirectoryFailure) {
                return PlacedSession(session: try connect(to: position), position: position)
            } catch {
                failures.append(error.description)
            }
        }
        servers.first = 0
        throw DirectoryFailure(failures.joined(separator: "; "))
    }

    /// A session with one server; commands, local files and the index are attended to meanwhile.
    private func connect(to position: Int) throws(DirectoryFailure) -> LDAPSession {
        let attempt = ConnectAttempt(
            to: position, by: connector, on: context.background, wakeup: context.mailbox.wakeup)
        while !attempt.isDone {
            waitForNews(atMost: .seconds(1))
            guard attend() != .stopping else { break }
        }
        return try attempt.take()
    }

    private func startSearches(on stream: inout DirectoryStream) throws(DirectoryFailure) {
        try? lane.finish()
        let strategy = stream.strategy
        let offered = offeredCookies
        let isFull = fullRefreshReason != nil
        if let reason = fullRefreshReason { logger.notice("reading everything again: \(reason)") }
        offeredCookies = [:]
        fullRefreshReason = nil
        connection = ConnectionProgress(
            number: connection.number + 1, server: connection.server, uri: connection.uri,
            beganAt: now, isOpen: true,
            strategy: strategy)
        adoptStrategy()
        let containers = ContainerWatch(known: storedContainers())
        for (index, planned) in searchPlan.searches.enumerated() {
            let digest = connector.digest(of: planned, strategy)
            connection.searches.append(ConnectionProgress.Search(digest: digest))
            let kept = isFull ? nil : offered[index] ?? storedCookie(search: index, digest)
            let cookie = strategy.trustsCookies ? kept : nil
            stream.add(feed(planned, cookie, containers), index: index)
        }
        if strategy.asks, strategy.offersWakeUp {
            try stream.startWakeUp(below: wakeUpBase, now: now)
        }
        try stream.advance(now: moment)
    }

    private func storedCookie(search: Int, _ digest: [UInt8]) -> [UInt8]? {
        guard let kept = try? store.reader.cookie(search: search) else { return nil }
        return kept.digest == digest ? kept.bytes : nil
    }

    private func storedContainers() -> [EntryUUID: String] {
        var containers: [EntryUUID: String] = [:]
        try? store.reader.forEachContainer { containers[$0] = $1 }
        return containers
    }

    /// Reads the server's schema on a connection of its own, on another thread, once beside each
    /// connection that is followed.
    ///
    /// It is large and only feeds complaints: nothing waits for it.
    func readSchemaOnce() {
        guard !connection.hasReadSchema else { return }
        connection.hasReadSchema = true
        let connector = connector
        let server = connection.server
        let mailbox = context.mailbox
        context.background.submit { _ in
            guard let session = try? connector.connect(to: server),
                let root = try? session.readRootDSE(),
                let complaints = try? connector.schemaComplaints(on: session, root)
            else { return }
            mailbox.post(.schemaRead(complaints))
        }
    }

    private func keepAlive(
        _ stream: inout DirectoryStream, _ health: inout StreamHealth
    ) throws(DirectoryFailure) {
        switch health.action(now: now) {
        case .wait: return
        case .sendProbe:
            try stream.ask()
            health.probeSent(now: now)
        case .giveUp(let reason):
            let advice =
                stream.isRefreshing
                ? standstillAdvice(after: stream.refreshedCount)
                : "is the server stopped or overloaded?"
            throw DirectoryFailure("\(stream.session.options.uri): \(reason); \(advice)")
        }
    }

    /// Finds out on another thread whether the preferred server is back, when another one serves.
    private func returnToPreferredServer() {
        guard connection.server > 0, connection.isFollowing, !servers.isProbing else { return }
        guard now >= max(servers.returnAt, connection.beganAt + Self.returnInterval) else { return }
        servers.returnAt = now + Self.returnInterval
        servers.isProbing = true
        let connector = connector
        let mailbox = context.mailbox
        context.background.submit { _ in
            let answers = (try? connector.connect(to: 0)) != nil
            mailbox.post(.preferredServerAnswers(answers))
        }
    }
}

/// A session and which server of the list it is with.
private struct PlacedSession: ~Copyable {
    let session: LDAPSession
    let position: Int
}
