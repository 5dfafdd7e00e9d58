// initgroups: the groups of a user, for getgrouplist(3), id, login, sudo.
internal import AccountIndex
public import CLibc

/// Adds the groups of `user`, without the gid `skip`, to the caller's array.
///
/// `start` is the number of gids in the array and `size` its room; both are raised. The array is
/// enlarged by realloc up to `limit` gids (none if not positive), at which the list is cut. For a
/// name that is not published, root and every local user among them, the answer is not found.
@c(_nss_roster_initgroups_dyn)
public func groupsOfUser(
    _ user: UnsafePointer<CChar>?, _ skip: gid_t, _ start: UnsafeMutablePointer<CLong>?,
    _ size: UnsafeMutablePointer<CLong>?,
    _ groups: UnsafeMutablePointer<UnsafeMutablePointer<gid_t>?>?, _ limit: CLong,
    _ errnop: UnsafeMutablePointer<CInt>?
) -> nss_status {
    unsafe Service.installed().groupsOfUser(user, skip, start, size, groups, limit, errnop)
}

extension Service {
    func groupsOfUser(
        _ user: UnsafePointer<CChar>?, _ skip: gid_t, _ start: UnsafeMutablePointer<CLong>?,
        _ size: UnsafeMutablePointer<CLong>?,
        _ groups: UnsafeMutablePointer<UnsafeMutablePointer<gid_t>?>?, _ limit: CLong,
        _ errnop: UnsafeMutablePointer<CInt>?
    ) -> nss_status {
        do throws(LookupFailure) {
            guard let start = unsafe start, let size = unsafe size, let groups = unsafe groups
            else {
                throw .unusable(EINVAL)
            }
            let asked = try unsafe AskedName(user)
            try index.read(fault: LookupFailure.init) { view, generation throws(LookupFailure) in
                let list: GroupListAnswer?
                do throws(IndexFault) {
                    list = try unsafe view.groupList(
                        named: asked.start, count: asked.count, generation: generation)
                } catch { throw LookupFailure(error) }
                guard let list else { throw .notFound }
                var array = unsafe GroupArray(
                    start: start, size: size, groups: groups, limit: limit)
                try array.append(list, skip: skip)
            }
            return NSS_STATUS_SUCCESS
        } catch {
            return unsafe report(error, errnop)
        }
    }
}

/// The caller's array of gids.
@safe
private struct GroupArray {
    let start: UnsafeMutablePointer<CLong>
    let size: UnsafeMutablePointer<CLong>
    let groups: UnsafeMutablePointer<UnsafeMutablePointer<gid_t>?>
    let limit: CLong

    /// Appends until the limit; makes room at once for all there is.
    mutating func append(_ list: GroupListAnswer, skip: gid_t) throws(LookupFailure) {
        var count = unsafe start.pointee
        guard count >= 0, unsafe size.pointee >= 0, count < 1 << 30 else { throw .unusable(EINVAL) }
        var room = count &+ list.count
        if limit > 0 && room > limit { room = limit }
        if unsafe room > size.pointee { try enlarge(to: room) }
        guard let array = unsafe groups.pointee else { return }
        for index in 0..<list.count {
            let gid = list.gid(at: index)
            if gid == skip || count >= room { continue }
            unsafe array[count] = gid
            count &+= 1
        }
        unsafe start.pointee = count
    }

    /// Doubles the array at least, as glibc's own modules do, so that the next service has room.
    private func enlarge(to room: CLong) throws(LookupFailure) {
        var wanted = unsafe size.pointee &* 2
        if wanted < room { wanted = room }
        if limit > 0 && wanted > limit { wanted = limit }
        let saved = roster_errno()
        let bytes = wanted &* MemoryLayout<gid_t>.size
        guard let larger = unsafe realloc(groups.pointee, bytes) else {
            roster_set_errno(saved)
            throw .unusable(ENOMEM)
        }
        unsafe groups.pointee = larger.assumingMemoryBound(to: gid_t.self)
        unsafe size.pointee = wanted
    }
}
