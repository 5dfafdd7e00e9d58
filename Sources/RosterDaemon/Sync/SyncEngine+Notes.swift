// What the engine tells the status board, the index, the service manager and the log.

internal import AccountStore
internal import DirectorySync
internal import LDAPClient
internal import Logging

extension SyncEngine {
    /// What was found when the store was opened.
    func noteOpening() {
        var notes: [String] = []
        if case .setAside(let reason) = store.opening.store {
            notes.append("the store was set aside and is rebuilt from the directory: \(reason)")
        }
        if case .setAside(let reason) = store.opening.journal {
            notes.append("the journal was set aside and begun anew: \(reason)")
        }
        for note in notes { logger.warning("\(note)") }
        if !isFirstLoad, let access = try? store.reader.access() { reportAccess(access) }
        let opening = store.opening
        context.board.update {
            $0.storeNotes = notes
            if case .setAside = opening.store { $0.isStoreSetAside = true }
            $0.isJournalLost = opening.isJournalLost
        }
    }

    /// A server answered and let us in.
    func noteConnection(to uri: String) {
        logger.info("connected", metadata: ["server": "\(uri)"])
        let since = context.clock.now()
        let expected = (try? store.reader.summary().entries).flatMap { $0 > 0 ? $0 : nil }
        context.board.update {
            $0.connections += 1
            $0.serverURI = uri
            $0.state = .loading(received: 0, expected: expected, since: since)
        }
        noteContact()
    }

    /// What configuration and schema of the server do not agree on.
    func noteSchema(_ complaints: [String]) {
        let known = context.board.current.complaints
        for complaint in complaints where !known.contains(complaint) {
            logger.error("\(complaint)")
        }
        context.board.update { $0.complaints = complaints }
    }

    /// A refresh has come this far.
    func noteProgress(_ received: Int) {
        context.board.update {
            guard case .loading(let before, let expected, let since) = $0.state else { return }
            guard received / 10_000 != before / 10_000 || received > before else { return }
            $0.state = .loading(received: received, expected: expected, since: since)
        }
        if received / 10_000 > connection.loggedProgress / 10_000 {
            logger.info("loading", metadata: ["entries": "\(received)"])
            context.notification.status("loading: \(received) entries")
        }
        connection.loggedProgress = received
    }

    /// The directory answered.
    func noteContact() {
        let time = context.clock.now()
        context.board.update { $0.lastContact = time }
        publisher.noteContact()
    }

    /// The mirror is what the directory is.
    ///
    /// What the index does not show is not verified for those who read it.
    func noteVerified() {
        guard publisher.isCurrent else { return }
        let time = context.clock.now()
        context.board.update {
            $0.lastVerified = time
            $0.lastContact = time
        }
        publisher.noteVerified()
        publisher.noteContact()
    }

    /// Says that the mirror is what the directory is, once that is so and published.
    func announceIfInSync() {
        if connection.isAnnounced, !publisher.isCurrent {
            connection.isAnnounced = false
            let since = context.clock.now()
            context.board.update {
                let reason = $0.lastError ?? "the index has to be built anew"
                $0.state = .interrupted(since: since, reason: reason)
            }
        }
        guard connection.isFollowing, publisher.isCurrent, !connection.isAnnounced,
            !connection.isUnproven
        else { return }
        connection.isAnnounced = true
        if hasLoaded {
            hasLoaded = false
            store.shrinkLog()
        }
        noteVerified()
        let since = context.clock.now()
        context.board.update {
            $0.state = .inSync(since: since)
            $0.lastError = nil
        }
        logger.notice("in sync", metadata: ["generation": "\(context.board.current.generation)"])
        context.notification.status("in sync with \(context.board.current.serverURI ?? "")")
        answerWaiting(.done("everything was read again", count: 1))
        if !connection.sawAPart {
            answerComparison(.done("everything was read again", count: 1))
        }
        readSchemaOnce()
    }

    /// The server ended the search soon, again, and is left alone for a while.
    func noteShortSearch(pause: Duration) {
        let since = context.clock.now()
        let reason =
            "the server ends each search soon after it began; asked again in \(pause.inWords)"
        logger.warning("\(reason)")
        context.board.update { $0.state = .interrupted(since: since, reason: reason) }
    }

    /// The directory is not followed, for this reason.
    func interrupted(_ failure: DirectoryFailure) {
        let began = context.clock.now()
        let text = failure.description
        var isNews = true
        context.board.update { status in
            var since = began
            if case .interrupted(let earlier, let reason) = status.state {
                since = earlier
                isNews = reason != text
            }
            status.state = .interrupted(since: since, reason: text)
            status.lastError = text
        }
        if isNews {
            logger.warning("not following the directory: \(text)")
            context.notification.status("not following the directory: \(text)")
        }
        answerWaiting(.failed(text, remedy: "see the log of rosterd"))
        answerComparison(.failed(text, remedy: "see the log of rosterd"))
    }
}
