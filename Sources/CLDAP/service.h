/// SRV records (RFC 2782) by the resolver of the C library, bounded in time.
#ifndef ROSTER_SERVICE_H
#define ROSTER_SERVICE_H

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdint.h>
#include <string.h>

/// Asks for the SRV records of a name; blocks for some ten seconds at most.
///
/// Returns the length of the answer in `answer`, or -1 with the reason (h_errno) in `reason`.
static inline int roster_srv_query(const char *name, unsigned char *answer, int room, int *reason) {
    struct __res_state state;
    memset(&state, 0, sizeof state);
    if (res_ninit(&state) != 0) {
        *reason = NETDB_INTERNAL;
        return -1;
    }
    if (state.retrans > 2) state.retrans = 2;
    if (state.retry > 2) state.retry = 2;
    int length = res_nquery(&state, name, ns_c_in, ns_t_srv, answer, room);
    *reason = state.res_h_errno;
    res_nclose(&state);
    return length > room ? room : length;
}

/// The SRV record at `index` of an answer.
///
/// Returns 1 for a record, 0 for something else at this place, -1 when there is nothing more or the
/// answer is malformed. `host` has at least NS_MAXDNAME octets and is terminated by a NUL.
static inline int roster_srv_record(const unsigned char *answer, int length, int index,
                                    uint16_t *priority, uint16_t *weight, uint16_t *port,
                                    char *host) {
    ns_msg message;
    ns_rr record;
    if (ns_initparse(answer, length, &message) != 0 ||
        ns_parserr(&message, ns_s_an, index, &record) != 0)
        return -1;
    if (ns_rr_type(record) != ns_t_srv || ns_rr_rdlen(record) < 7) return 0;
    const unsigned char *data = ns_rr_rdata(record);
    *priority = ns_get16(data);
    *weight = ns_get16(data + 2);
    *port = ns_get16(data + 4);
    return dn_expand(answer, answer + length, data + 6, host, NS_MAXDNAME) < 0 ? 0 : 1;
}

/// The longest name with its NUL (a macro of sums, which Swift does not take over).
static const int roster_longest_name = NS_MAXDNAME;

#endif
