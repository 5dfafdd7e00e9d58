// A look at the whole published index: both files, whether they fit together, and their times.
internal import AccountIndex
internal import Accounts
internal import Glibc

/// What was found of one file of the index.
enum IndexPartState: Equatable, Sendable {
    case absent
    /// This user may not read it.
    case refused
    /// It does not prove; why.
    case damaged(String)
    /// It proves.
    case fine(generation: UInt64)
}

/// What was found of the index.
struct IndexExamination: Sendable {
    var publicPart = IndexPartState.absent
    var gatePart = IndexPartState.absent
    /// What does not fit between the two; `nil`: nothing, or it could not be looked at.
    var disagreement: String?
    /// How many seconds the newest published time is ahead of the host's clock; `nil`: unknown.
    var aheadSeconds: Int64?
    /// Some published people.
    var people: [KnownAccount] = []

    /// So many people are kept, and looked for in the gate.
    private static let sample = 1000
}

extension IndexExamination {
    /// Proves the index in `directory`; costs in proportion to its size.
    static func of(directory: String) -> IndexExamination {
        var found = IndexExamination()
        let main = open(directory, .public, &found.publicPart)
        let gate = open(directory, .gate, &found.gatePart)
        switch consume gate {
        case .some(let gate):
            found.aheadSeconds = ahead(gate)
            if let main {
                found.people = people(main)
                found.disagreement = disagreement(main, gate, found.people)
            }
        case .none:
            if let main {
                found.aheadSeconds = ahead(main)
                found.people = people(main)
            }
        }
        return found
    }

    private static func open(
        _ directory: String, _ part: IndexPart, _ state: inout IndexPartState
    ) -> IndexSnapshot? {
        do throws(IndexError) {
            let snapshot = try IndexSnapshot(directory: directory, part: part)
            try snapshot.verify()
            state = .fine(generation: snapshot.generation)
            return snapshot
        } catch {
            switch error {
            case .cannot(_, _, errno: ENOENT): state = .absent
            case .cannot(_, _, errno: EACCES): state = .refused
            case .cannot(_, _, errno: EPERM):
                state = .damaged("its owner or mode make it untrustworthy, so no program reads it")
            case .cannot, .full, .damaged, .unrepresentable: state = .damaged("\(error)")
            }
            return nil
        }
    }

    private static func ahead(_ snapshot: borrowing IndexSnapshot) -> Int64? {
        let clock = GateClock.ofThisHost()
        let times = snapshot.times
        guard times.contact != nil || times.verified != nil else { return nil }
        return times.now(clock) - clock.now
    }

    private static func people(_ snapshot: borrowing IndexSnapshot) -> [KnownAccount] {
        var people: [KnownAccount] = []
        try? snapshot.forEachPerson { person in
            guard people.count < sample else { return }
            let passwd = person.passwd
            people.append(
                KnownAccount(
                    name: passwd.name, uid: passwd.uid, home: passwd.home, shell: passwd.shell))
        }
        return people
    }

    private static func disagreement(
        _ main: borrowing IndexSnapshot, _ gate: borrowing IndexSnapshot, _ people: [KnownAccount]
    ) -> String? {
        guard main.isPair(with: gate) else {
            return "the public and the gate file were not built together"
        }
        // The gate is published first; a change in between is no fault.
        guard main.generation <= gate.generation, gate.generation - main.generation < 1000 else {
            return "the gate file is at generation \(gate.generation), the public one at "
                + "\(main.generation)"
        }
        guard main.generation == gate.generation else { return nil }
        for person in people {
            let known = try? gate.gateAccount(named: person.name)
            if known?.key.id != person.uid {
                return "\(person.name) is published, and the gate does not know the account"
            }
        }
        return nil
    }
}

/// The command that removes the index and lets rosterd publish it anew.
///
/// One command, because between its steps nothing may start rosterd: the socket would.
func removalOfIndex(_ host: DoctorHost) -> String {
    "sudo sh -c 'systemctl stop rosterd.socket rosterd; rm -r \(host.paths.stateFolder)/index; "
        + "systemctl start rosterd'"
}

/// Checks the published index.
func checkIndex(_ host: DoctorHost) -> CheckResult {
    var result = CheckResult(.index)
    guard host.isJoined else { return result }
    let found = host.index()
    let folder = "\(host.paths.stateFolder)/index"
    let fix = "\(removalOfIndex(host)), which builds it anew"
    for (name, state) in [("public.1", found.publicPart), ("gate.1", found.gatePart)] {
        switch state {
        case .absent:
            result.found(
                .indexAbsent, "\(folder)/\(name) is not there: nothing was published yet",
                fix: "systemctl start rosterd; roster wait; journalctl -u rosterd says what it does"
            )
        case .refused:
            result.couldNotSee("\(folder)/\(name): only root and roster-keys may read it")
        case .damaged(let why):
            result.found(.indexDamaged, "\(folder)/\(name): \(why)", fix: fix)
        case .fine(let generation):
            result.isFine("\(name) proves, generation \(generation)")
        }
    }
    if let disagreement = found.disagreement {
        result.found(.indexDisagrees, disagreement, fix: fix)
    }
    return result
}
