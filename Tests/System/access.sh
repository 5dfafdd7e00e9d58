#!/bin/bash
# Access rules whose groups come, go and change, an administrator's blocks, and what roster explain,
# check and status say of them.
with_logins=1
source "$(dirname "$0")/lib.sh"
login_make

may() { su - "$1" -c true </dev/null; }
explains() { # explains NAME PATH VALUE [ARGUMENT...]
  local name=$1 path=$2 value=$3 found
  shift 3
  found=$(json roster explain "$name" --json "$@" -- "$path" || true)
  [ "$found" = "$value" ] || { echo "$path is $found"; return 1; }
}
problem() { says "$1" roster check; }

everybody() {
  local name uid=20001
  for name in ada bob cleo dora; do
    person "$name" $uid
    uid=$((uid + 1))
  done
}
rules='
[access]
allow_groups = ["colleagues"]
deny_groups = ["contractors"]

[access.cron]
allow_users = ["dora"]

[removals]
percent = 100
count = 1000'

scenario "what decides, and who says so"
{
  everybody
  group colleagues 30001 "$(dn_of ada)" "$(dn_of bob)" "$(dn_of cleo)"
  group contractors 30002 "$(dn_of bob)"
} >/run/people.ldif
accounts_lines=$rules begin /run/people.ldif
check "a member of the allowed group may" may ada
check "explain agrees, and names the rule" explains ada decided_by access.allow_groups=colleagues
check "a member of the denied group may not" not may bob
check "and explain names that rule" explains bob decided_by access.deny_groups=contractors
check "who is in no group may not" explains dora verdict not_allowed
check "but by the rule of a service that stands alone" \
  explains dora verdict accepted --service cron
check "which refuses the others" explains ada verdict not_allowed --service cron
check "explain leaves with 1 for who is refused" not roster explain bob
check "and with 0 for who is admitted" roster explain ada
check "a local account is left to the others" explains root local True
check "a name that nobody has is said to be unknown" \
  fails_naming "neither the directory nor this host knows" roster explain nobody.here
check "others than root learn about themselves only" fails_naming "root" \
  setpriv --reuid=20001 --regid=10000 --clear-groups roster explain bob
check "but that they may" setpriv --reuid=20001 --regid=10000 --clear-groups roster explain ada

echo "--    a group is deleted, and made anew by somebody else"
ldap_delete "$(group_dn contractors)"
check "whoever was in the denied group stays denied" eventually explains bob verdict denied
check "and it is reported" problem contractors
group contractors 30003 "$(dn_of cleo)" | ldap_add
check "the new one of that name denies at once" eventually not may cleo
check "and the old members stay denied" not may bob
ldap_delete "$(group_dn colleagues)"
check "an allowed group that is gone admits nobody" eventually not may ada
group colleagues 30004 "$(dn_of dora)" "$(dn_of ada)" | ldap_add
sleep 0.3
check "a new one under the allowed name admits nobody" explains dora verdict not_allowed
check "until then it is reported" problem colleagues
daemon_stop KILL
rm -rf /var/lib/roster/store/store.sqlite*
daemon_start
wait_in_sync
check "a store that was lost changes nothing of it: the new group admits nobody" not may dora
check "and the old members of the denied one stay out" explains bob verdict denied
roster confirm colleagues >/dev/null
check "confirmed, the new group admits" eventually may dora
roster confirm contractors >/dev/null
check "confirmed, who was kept denied is not any more" eventually explains bob verdict not_allowed
check "and who is in the new one is" explains cleo verdict denied
check "nothing is left to report" not problem 'colleagues|contractors'

echo "--    an administrator's block"
check "before, the person may" may ada
roster deny ada >/dev/null
check "blocked: refused at once" not may ada
check "explain says so" explains ada verdict blocked
check "status lists the name" says ada roster status --json
check "history has it" says 'blocked' roster history ada
daemon_stop KILL
rm -rf /var/lib/roster/index/* /var/lib/roster/store/store.sqlite*
daemon_start
wait_in_sync
check "a rebuild of store and index keeps it" eventually explains ada verdict blocked
rename "$(dn_of ada)" cn=ada.x
modify "cn=ada.x,$people_base" "replace: uid"$'\n'"uid: adax"
check "a new name in the directory does not lift it" eventually explains adax verdict blocked
roster allow ada >/dev/null
check "roster allow does (the group lists the old DN)" eventually explains adax verdict not_allowed

echo "--    the directory frozen, and the daemon started anew"
# A TLS handshake with a stopped server lasts until the network timeout; nothing waits for it.
directory_freeze
daemon_stop KILL
sed -i 's/^deny_groups = .*/deny_groups = ["contractors", "everybody"]/; s/^allow_groups = .*/allow_users = ["dora", "adax"]/' "$config"
daemon_start
patience=3
check "a changed rule is in force without the directory" eventually explains adax verdict accepted
check "a block is in force at once" within 2000 roster deny adax
check "and refuses" explains adax verdict blocked
check "as the gate does" not may adax
check "and taken back at once" within 2000 roster allow adax
check "and in again" may adax
patience=10
directory_thaw
wait_in_sync 30

echo "--    an index that cannot be written"
daemon_stop
rm -rf /var/lib/roster/index
mkdir /var/lib/roster/index
mount -t tmpfs -o "size=4m,mode=755,uid=$(id -u roster),gid=$(id -g roster)" tmpfs /var/lib/roster/index
daemon_start
wait_in_sync
check "before, the person may" may dora
head -c 8M /dev/zero >/var/lib/roster/index/fill 2>/dev/null || true
replace "$(dn_of dora)" loginShell /bin/sh
check "a block that does not reach the index is no success" fails_naming "not in force" roster deny dora
check "status does not call that in sync" eventually not says '^ *"state": "in_sync"' roster status --json
verified_at() { json roster status --json -- last_verified_at || true; }  # it leaves with 1
verified_before=$(verified_at)
roster sync >/dev/null 2>&1 || true
sleep 1.1
roster sync >/dev/null 2>&1 || true
check "and what it does not show is not called verified" \
  [ "$(verified_at)" = "$verified_before" ]
rm /var/lib/roster/index/fill
patience=40
check "with room again the index follows" eventually not may dora
check "and says why" explains dora verdict blocked
