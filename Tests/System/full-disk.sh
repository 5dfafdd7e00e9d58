#!/bin/bash
# A disk that becomes full at any write of rosterd: the first load, changes, a block, a verifier, the
# index built anew, the end and the next start. See full_disk.py. Nightly at each write in turn.
source "$(dirname "$0")/lib.sh"

cc -shared -fPIC -O2 -Wall -Wextra -o /run/full_disk.so "$system_tests/full_disk.c" -ldl
{
  many_people 40 | sed '/^uid: p003$/a userPassword: secret-p003'
  group makers 30001 "$(dn_of p001)"
} >/run/people.ldif
scenario "no space at any write"
directory_make /run/people.ldif
directory_start
write_config
cat >>"$config" <<'T'

[login]
offline = true
T
export directory_home ldap_uri ldapi_uri config daemon_log
step=40
[ "${NIGHTLY:-}" != 1 ] || step=1
/usr/bin/python3 "$system_tests/full_disk.py" "${STEP:-$step}" "${SEED:-$RANDOM}"
none_in() { [ -e "/run/full.$1" ] && [ ! -s "/run/full.$1" ] || { wc -l "/run/full.$1"; head -n "${LINES_SHOWN:-8}" "/run/full.$1"; return 1; }; }
check "with space again the mirror equals the directory, without a restart" none_in left
check "readers saw everybody or nobody, and never a part" none_in seen
check "no cookie was ahead of its data" none_in ahead
check "lookups go on while the disk is full" none_in lookups
check "roster deny is in force, or refused with a reason" none_in denied
check "SIGTERM ends it in order" none_in ends
