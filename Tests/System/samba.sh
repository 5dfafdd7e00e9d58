#!/bin/bash
# A real Active Directory, Samba's: followed by change numbers, with and without the right to list the
# deleted objects, over restarts and a restoration.
source "$(dirname "$0")/../../packaging/lib/build.sh"
[ "${IN_ROOM:-}" = 1 ] || need_packages "${directory_packages[@]}" "${samba_packages[@]}"
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/samba-server.sh"

strategy_is() { [ "$(json roster status --json -- strategy)" = "$1" ]; }
shell_is_not() { ! shell_is "$@"; }
# timed SENTENCE COMMAND...: as check eventually, with the time it took.
timed() {
  local sentence=$1 start=${EPOCHREALTIME/./}
  shift
  if eventually "$@" >/run/timed.out; then
    passed=$((passed + 1))
    echo "ok    $sentence ($(((${EPOCHREALTIME/./} - start) / 1000)) ms)"
  else
    check "$sentence" cat /run/timed.out missing
  fi
}
people_of() { # people_of FIRST LAST
  local i
  for ((i = $1; i <= $2; i++)); do person "$(printf 'p%04d' "$i")" $((20000 + i)); done
}
begin_anew() {
  daemon_stop
  rm -rf /var/lib/roster/* /run/roster/*
  : >"$daemon_log"
  daemon_start
  wait_in_sync 60
}

echo "--    what is said before"
samba_make
printf 'dn: OU=inner,%s\nobjectClass: organizationalUnit\n\n' "$people_base" | ldap_add
{ people_of 1 30; group crew 30001 "$(dn_of p0001)" "$(dn_of p0002)" "$(dn_of p0003)"; computer pc
  # So many that one that goes is no mass removal.
  for i in {2..12}; do group "band$i" $((30000 + i)); done; } | ldap_add
samba_config
sed -i '/^schema/d' "$config"
daemon_start
check "without the schema the daemon says what to write" \
  eventually says 'Active Directory.*schema = "ad"' roster status
daemon_stop
samba_config 'sync = "syncrepl"'
daemon_start
check "RFC 4533 is refused with a sentence" \
  eventually says 'Active Directory.*no content synchronisation' roster status
daemon_stop

echo "--    followed, without the right to list deleted objects"
samba_config 'compare_interval = "1h"'
begin_anew
check "Active Directory is followed by change numbers" strategy_is usn
check "with what can be promised" \
  says 'changes within 30 s, usually at once; deletions within 5 min' roster status
check "and advice" says 'advice .*Deleted Objects.*dsacls' roster status
check "everybody is there, and no computer" people_are 30
check "members are" in_group p0003 crew

person new 25000 | ldap_add
timed "a new person arrives" known new
replace "$(dn_of p0001)" loginShell /bin/dash
timed "a change arrives" shell_is p0001 /bin/dash
modify "$(dn_of p0001)" 'delete: loginShell'
timed "an emptied attribute is empty" shell_is_not p0001 /bin/dash
disable p0002
timed "a disabled account is disabled" disabled p0002
enable p0002
timed "and enabled again" active p0002
add_value "$(group_dn crew)" member "$(dn_of p0004)"
timed "a new member is one" in_group p0004 crew
delete_value "$(group_dn crew)" member "$(dn_of p0004)"
timed "a removed member is none" not_in_group p0004 crew
rename "$(dn_of p0003)" CN=renamed
replace "CN=renamed,$people_base" loginShell /bin/dash
timed "what changes after a renaming arrives" shell_is p0003 /bin/dash
check "and who is renamed stays a member" in_group p0003 crew
rename "$(dn_of p0002)" CN=p0002 "newsuperior: OU=inner,$people_base"
modify "CN=p0002,OU=inner,$people_base" $'replace: loginShell\nloginShell: /bin/dash'
timed "after a move inside the base a change arrives" shell_is p0002 /bin/dash
check "and who is moved stays a member" in_group p0002 crew
rename "$(dn_of p0005)" CN=p0005 "newsuperior: OU=elsewhere,$suffix"
timed "who moves out of the base is gone" unknown p0005
rename "CN=p0005,OU=elsewhere,$suffix" CN=p0005 "newsuperior: $people_base"
timed "and comes back" known p0005
modify "$(dn_of p0006)" 'delete: uidNumber'
timed "who stops matching the filter is gone" unknown p0006
rename "OU=inner,$people_base" OU=renamed
check "a renamed container is noticed" eventually grep -q 'comparing every entry: container' "$daemon_log"
roster sync >/dev/null  # what the container asked for is over
ldap_delete "$(dn_of p0007)"
patience=2
check "a deletion does not show by itself" not eventually unknown p0007
patience=30
check "a comparison finds it" says 'put 1 right' roster sync
check "and it is gone" eventually unknown p0007
patience=10
check "afterwards nothing differs" says 'put 0 right' roster sync

echo "--    with the right to list deleted objects"
show_deleted_to_reader
daemon_stop
daemon_start
wait_in_sync 60
check "it went on from its cookie" not grep -q 'refresh ended.*complete=true' \
  <(sed '1,/stopping/d' "$daemon_log")
check "deletions are promised with the changes" \
  says 'deletions within 30 s, usually at once, verified every 1 h' roster status
ldap_delete "$(dn_of p0008)"
timed "a deleted person goes" unknown p0008
add_value "$(group_dn crew)" member "$(dn_of p0009)"
timed "a member joins" in_group p0009 crew
ldap_delete "$(dn_of p0009)"
timed "and is deleted" unknown p0009
person other 26009 | sed 's/^dn: CN=other/dn: CN=p0009/' | ldap_add
timed "somebody else gets the DN" known other
check "and is in none of the groups of the one before" not_in_group other crew
ldap_delete "$(group_dn crew)"
timed "a deleted group goes" group_unknown crew

daemon_stop
ldap_delete "$(dn_of p0010)"
replace "$(dn_of p0011)" loginShell /bin/dash
daemon_start
wait_in_sync 60
check "what was deleted while roster was stopped is gone" unknown p0010
check "and what changed is read" shell_is p0011 /bin/dash

echo "--    the server stops, and is restored from an older copy"
samba_stop
check "without the server everybody resolves" known p0011
cp -a "$samba_home" /run/older-copy
samba_start
patience=60
replace "$(dn_of p0012)" loginShell /bin/dash
check "after its restart changes arrive" eventually shell_is p0012 /bin/dash
for i in {13..20}; do replace "$(dn_of "p00$i")" loginShell /bin/dash; done
ldap_delete "$(dn_of p0021)"
check "and deletions" eventually unknown p0021
check "all of them" eventually shell_is p0020 /bin/dash
: >"$daemon_log"
samba_stop
rm -rf "$samba_home"
cp -a /run/older-copy "$samba_home"
samba_start
check "a server whose numbers went back is noticed" eventually grep -q 'numbers of the server went back' \
  "$daemon_log"
check "whom the copy has is back" eventually known p0021
check "and is as the copy has them" eventually shell_is_not p0020 /bin/dash
replace "$(dn_of p0020)" loginShell /bin/sh
check "and followed on" eventually shell_is p0020 /bin/sh
patience=10
check "afterwards nothing differs" says 'put 0 right' roster sync

echo "--    frozen"
samba_freeze
patience=90
check "a frozen server is noticed" eventually says 'did not answer' roster status
samba_thaw
replace "$(dn_of p0022)" loginShell /bin/dash
check "and followed again" eventually shell_is p0022 /bin/dash
patience=10

echo "--    more than a page"
people_of 1001 2200 | ldap_add
patience=60
check "1200 people who arrive while it follows are there" eventually known p2200
count=$(ldap_find -E pr=500/noprompt -b "$people_base" '(&(objectClass=user)(uidNumber=*))' dn |
  grep -c '^dn: ')
check "all of them, and nobody else" eventually people_are "$count"
begin_anew
check "and after a first load, page by page" people_are "$count"
check "without a difference" says 'put 0 right' roster sync
daemon_stop

echo "--    by polling alone"
samba_config $'sync = "poll"\npoll_interval = "300ms"'
begin_anew
check "it polls" says 'changes within 300 ms; deletions' roster status
replace "$(dn_of p0023)" loginShell /bin/dash
timed "and changes arrive" shell_is p0023 /bin/dash
daemon_stop

echo "--    a server that tells of changes every five seconds"
samba_stop
MODEL=standard samba_start
samba_config
begin_anew
replace "$(dn_of p0024)" loginShell /bin/dash
patience=25
timed "a change arrives before the next poll" shell_is p0024 /bin/dash
