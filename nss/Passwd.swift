// passwd: getpwnam, getpwuid, getpwent. Source: glibc manual, "NSS Module Function Internals".
internal import AccountIndex
internal import Accounts
public import CLibc

/// Answers getpwnam(3).
@c(_nss_roster_getpwnam_r)
public func passwdByName(
    _ name: UnsafePointer<CChar>?, _ result: UnsafeMutablePointer<passwd>?,
    _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int, _ errnop: UnsafeMutablePointer<CInt>?
) -> nss_status {
    unsafe Service.installed().passwdByName(name, result, buffer, size, errnop)
}

/// Answers getpwuid(3).
@c(_nss_roster_getpwuid_r)
public func passwdByUID(
    _ uid: uid_t, _ result: UnsafeMutablePointer<passwd>?, _ buffer: UnsafeMutablePointer<CChar>?,
    _ size: Int, _ errnop: UnsafeMutablePointer<CInt>?
) -> nss_status {
    unsafe Service.installed().passwdByUID(uid, result, buffer, size, errnop)
}

/// Starts the enumeration of all people; `stayOpen` says nothing to us.
@c(_nss_roster_setpwent)
public func startPasswd(_ stayOpen: CInt) -> nss_status {
    Service.installed().startPasswd()
}

/// Answers getpwent(3): the next person of the generation in which the enumeration began.
@c(_nss_roster_getpwent_r)
public func nextPasswd(
    _ result: UnsafeMutablePointer<passwd>?, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int,
    _ errnop: UnsafeMutablePointer<CInt>?
) -> nss_status {
    unsafe Service.installed().nextPasswd(result, buffer, size, errnop)
}

/// Ends the enumeration.
@c(_nss_roster_endpwent)
public func endPasswd() -> nss_status {
    Service.installed().endPasswd()
}

extension Service {
    func passwdByName(
        _ name: UnsafePointer<CChar>?, _ result: UnsafeMutablePointer<passwd>?,
        _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int, _ errnop: UnsafeMutablePointer<CInt>?
    ) -> nss_status {
        do throws(LookupFailure) {
            let asked = try unsafe AskedName(name)
            try index.read(fault: LookupFailure.init) { view, generation throws(LookupFailure) in
                let person: PersonAnswer?
                do throws(IndexFault) {
                    person = try unsafe view.person(
                        named: asked.start, count: asked.count, generation: generation)
                } catch { throw LookupFailure(error) }
                guard let person else { throw .notFound }
                try unsafe fill(result, with: person, buffer, size)
            }
            return NSS_STATUS_SUCCESS
        } catch {
            return unsafe report(error, errnop)
        }
    }

    func passwdByUID(
        _ uid: uid_t, _ result: UnsafeMutablePointer<passwd>?,
        _ buffer: UnsafeMutablePointer<CChar>?,
        _ size: Int, _ errnop: UnsafeMutablePointer<CInt>?
    ) -> nss_status {
        do throws(LookupFailure) {
            if ReservedIDs.contains(uid) { throw .notFound }
            try index.read(fault: LookupFailure.init) { view, generation throws(LookupFailure) in
                let person: PersonAnswer?
                do throws(IndexFault) {
                    person = try view.person(uid: uid, generation: generation)
                } catch { throw LookupFailure(error) }
                guard let person else { throw .notFound }
                try unsafe fill(result, with: person, buffer, size)
            }
            return NSS_STATUS_SUCCESS
        } catch {
            return unsafe report(error, errnop)
        }
    }

    func startPasswd() -> nss_status {
        start(.people)
    }

    func nextPasswd(
        _ result: UnsafeMutablePointer<passwd>?, _ buffer: UnsafeMutablePointer<CChar>?,
        _ size: Int,
        _ errnop: UnsafeMutablePointer<CInt>?
    ) -> nss_status {
        do throws(LookupFailure) {
            let found: Void? = try index.nextPerson(fault: LookupFailure.init) {
                person throws(LookupFailure) in
                try unsafe fill(result, with: person, buffer, size)
            }
            guard found != nil else { throw .notFound }
            return NSS_STATUS_SUCCESS
        } catch {
            return unsafe report(error, errnop)
        }
    }

    func endPasswd() -> nss_status {
        index.endEnumeration(.people)
        return NSS_STATUS_SUCCESS
    }
}

extension Service {
    /// Starts an enumeration.
    func start(_ map: EnumeratedMap) -> nss_status {
        do throws(IndexFault) {
            try index.startEnumeration(map)
            return NSS_STATUS_SUCCESS
        } catch {
            return unsafe report(LookupFailure(error), nil)
        }
    }
}

/// Copies a person into the caller's buffer; the result is untouched unless everything fits.
@inline(__always)
private func fill(
    _ result: UnsafeMutablePointer<passwd>?, with person: PersonAnswer,
    _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int
) throws(LookupFailure) {
    guard let buffer = unsafe buffer, let result = unsafe result, size >= person.stringBytes else {
        throw .bufferTooSmall
    }
    unsafe memcpy(buffer, person.strings, person.stringBytes)
    // The file may be altered while it is copied: the ends are set here, not believed.
    let password = unsafe buffer + (person.nameBytes &+ 1)
    let gecos = unsafe password + 2
    let home = unsafe gecos + (person.gecosBytes &+ 1)
    let shell = unsafe home + (person.homeBytes &+ 1)
    unsafe buffer[person.nameBytes] = 0
    unsafe password[0] = 0x2A
    unsafe password[1] = 0
    unsafe gecos[person.gecosBytes] = 0
    unsafe home[person.homeBytes] = 0
    unsafe buffer[person.stringBytes &- 1] = 0
    unsafe result.pointee.pw_name = buffer
    unsafe result.pointee.pw_passwd = password
    unsafe result.pointee.pw_uid = person.uid
    unsafe result.pointee.pw_gid = person.gid
    unsafe result.pointee.pw_gecos = gecos
    unsafe result.pointee.pw_dir = home
    unsafe result.pointee.pw_shell = shell
}
