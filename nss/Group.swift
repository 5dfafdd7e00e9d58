// group: getgrnam, getgrgid, getgrent. Source: glibc manual, "NSS Module Function Internals".
internal import AccountIndex
internal import Accounts
public import CLibc

/// Answers getgrnam(3).
@c(_nss_roster_getgrnam_r)
public func groupByName(
    _ name: UnsafePointer<CChar>?, _ result: UnsafeMutablePointer<group>?,
    _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int, _ errnop: UnsafeMutablePointer<CInt>?
) -> nss_status {
    unsafe Service.installed().groupByName(name, result, buffer, size, errnop)
}

/// Answers getgrgid(3).
@c(_nss_roster_getgrgid_r)
public func groupByGID(
    _ gid: gid_t, _ result: UnsafeMutablePointer<group>?, _ buffer: UnsafeMutablePointer<CChar>?,
    _ size: Int, _ errnop: UnsafeMutablePointer<CInt>?
) -> nss_status {
    unsafe Service.installed().groupByGID(gid, result, buffer, size, errnop)
}

/// Starts the enumeration of all groups; `stayOpen` says nothing to us.
@c(_nss_roster_setgrent)
public func startGroup(_ stayOpen: CInt) -> nss_status {
    Service.installed().startGroup()
}

/// Answers getgrent(3): the next group of the generation in which the enumeration began.
@c(_nss_roster_getgrent_r)
public func nextGroup(
    _ result: UnsafeMutablePointer<group>?, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int,
    _ errnop: UnsafeMutablePointer<CInt>?
) -> nss_status {
    unsafe Service.installed().nextGroup(result, buffer, size, errnop)
}

/// Ends the enumeration.
@c(_nss_roster_endgrent)
public func endGroup() -> nss_status {
    Service.installed().endGroup()
}

extension Service {
    func groupByName(
        _ name: UnsafePointer<CChar>?, _ result: UnsafeMutablePointer<group>?,
        _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int, _ errnop: UnsafeMutablePointer<CInt>?
    ) -> nss_status {
        do throws(LookupFailure) {
            let asked = try unsafe AskedName(name)
            try index.read(fault: LookupFailure.init) { view, generation throws(LookupFailure) in
                let group: GroupAnswer?
                do throws(IndexFault) {
                    group = try unsafe view.group(
                        named: asked.start, count: asked.count, generation: generation)
                } catch { throw LookupFailure(error) }
                guard let group else { throw .notFound }
                try unsafe fill(result, with: group, of: view, buffer, size)
            }
            return NSS_STATUS_SUCCESS
        } catch {
            return unsafe report(error, errnop)
        }
    }

    func groupByGID(
        _ gid: gid_t, _ result: UnsafeMutablePointer<group>?,
        _ buffer: UnsafeMutablePointer<CChar>?,
        _ size: Int, _ errnop: UnsafeMutablePointer<CInt>?
    ) -> nss_status {
        do throws(LookupFailure) {
            if ReservedIDs.contains(gid) { throw .notFound }
            try index.read(fault: LookupFailure.init) { view, generation throws(LookupFailure) in
                let group: GroupAnswer?
                do throws(IndexFault) {
                    group = try view.group(gid: gid, generation: generation)
                } catch { throw LookupFailure(error) }
                guard let group else { throw .notFound }
                try unsafe fill(result, with: group, of: view, buffer, size)
            }
            return NSS_STATUS_SUCCESS
        } catch {
            return unsafe report(error, errnop)
        }
    }

    func startGroup() -> nss_status {
        start(.groups)
    }

    func nextGroup(
        _ result: UnsafeMutablePointer<group>?, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int,
        _ errnop: UnsafeMutablePointer<CInt>?
    ) -> nss_status {
        do throws(LookupFailure) {
            let found: Void? = try index.nextGroup(fault: LookupFailure.init) {
                view, group throws(LookupFailure) in
                try unsafe fill(result, with: group, of: view, buffer, size)
            }
            guard found != nil else { throw .notFound }
            return NSS_STATUS_SUCCESS
        } catch {
            return unsafe report(error, errnop)
        }
    }

    func endGroup() -> nss_status {
        index.endEnumeration(.groups)
        return NSS_STATUS_SUCCESS
    }
}

/// Copies a group into the caller's buffer: padding, member array, name, "*", member names.
///
/// The space needed is known before anything is copied; the result is untouched unless all fits.
private func fill(
    _ result: UnsafeMutablePointer<group>?, with group: GroupAnswer, of view: borrowing IndexView,
    _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int
) throws(LookupFailure) {
    guard let buffer = unsafe buffer, let result = unsafe result, size > 0 else {
        throw .bufferTooSmall
    }
    let padding = Int(bitPattern: 0 &- UInt(bitPattern: buffer)) & 7
    let nameStart = padding &+ (group.memberCount &+ 1) &* 8
    let memberStart = nameStart &+ group.nameBytes &+ 3
    // Neither number exceeds the size of the file (2³⁵), so nothing here overflows.
    guard size >= memberStart &+ group.memberBytes else { throw .bufferTooSmall }

    let array = unsafe UnsafeMutableRawPointer(buffer + padding)
        .assumingMemoryBound(to: UnsafeMutablePointer<CChar>?.self)
    let name = unsafe buffer + nameStart
    unsafe memcpy(name, group.name, group.nameBytes)
    unsafe name[group.nameBytes] = 0
    unsafe name[group.nameBytes &+ 1] = 0x2A
    unsafe name[group.nameBytes &+ 2] = 0
    do throws(IndexFault) {
        var space = unsafe MemberSpace(
            array: array, arrayLeft: group.memberCount, text: buffer + memberStart,
            textLeft: group.memberBytes)
        for index in 0..<group.itemCount {
            try space.append(view.members(index, of: group))
        }
        guard space.arrayLeft == 0, space.textLeft == 0 else { throw .corrupt }
    } catch { throw LookupFailure(error) }
    unsafe array[group.memberCount] = nil
    unsafe result.pointee.gr_name = name
    unsafe result.pointee.gr_passwd = name + (group.nameBytes &+ 1)
    unsafe result.pointee.gr_gid = group.gid
    unsafe result.pointee.gr_mem = array
}

/// What is left of the caller's buffer for members.
@safe
private struct MemberSpace {
    var array: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    var arrayLeft: Int
    var text: UnsafeMutablePointer<CChar>
    var textLeft: Int

    /// Copies names and points at them; throws if they are not what the group announced.
    mutating func append(_ names: MemberNames) throws(IndexFault) {
        guard names.count <= arrayLeft, names.byteCount <= textLeft else { throw .corrupt }
        unsafe memcpy(text, names.start, names.byteCount)
        arrayLeft &-= names.count
        textLeft &-= names.byteCount
        let end = unsafe text + names.byteCount
        for _ in 0..<names.count {
            // Looked for in the copy, which nobody alters.
            let left = unsafe end - text
            guard left > 0, let terminator = unsafe memchr(text, 0, left) else { throw .corrupt }
            unsafe array.pointee = text
            unsafe array += 1
            unsafe text = terminator.assumingMemoryBound(to: CChar.self) + 1
        }
        guard unsafe text == end else { throw .corrupt }
    }
}
