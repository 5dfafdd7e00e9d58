#!/bin/bash
# A real 389 Directory Server: by content synchronisation, and by polling with persistent search.
source "$(dirname "$0")/../../packaging/lib/build.sh"
[ "${IN_ROOM:-}" = 1 ] || need_packages 389-ds-base
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/ds389-server.sh"

# ds_config [LINES]: rosterd's configuration for the server.
ds_config() {
  mkdir -p /etc/roster
  printf '%s' "$reader_password" >/etc/roster/bind-password
  chgrp roster /etc/roster/bind-password
  chmod 640 /etc/roster/bind-password
  cat >"$config" <<T
[directory]
uris = ["$ldap_uri"]
tls = "off"
base = "$suffix"
people_base = "$people_base"
groups_base = "$groups_base"
bind_dn = "$reader_dn"
bind_password_file = "/etc/roster/bind-password"
${1:-}

[accounts]
disabled = ["nsAccountLock=true"]
T
}
ds_group() { group "$@" | sed 's/groupOfMembers/groupOfNames/'; }
strategy_is() { [ "$(json roster status --json -- strategy)" = "$1" ]; }
# stops_matching NAME: it is still a person, but no longer an account.
stops_matching() {
  modify "$(dn_of "$1")" $'delete: objectClass\nobjectClass: posixAccount\n-\ndelete: uidNumber\n-\ndelete: gidNumber\n-\ndelete: homeDirectory'
}

# follows STOPS MOVES JOINS: everything that may happen to an account arrives.
follows() {
  person new 25000 | ldap_add
  check "a new person arrives" eventually known new
  replace "$(dn_of p001)" loginShell /bin/dash
  check "a change arrives" eventually shell_is p001 /bin/dash
  add_value "$(dn_of p002)" nsAccountLock true
  check "an account locked by nsAccountLock is disabled" eventually disabled p002
  modify "$(dn_of p002)" 'delete: nsAccountLock'
  check "and enabled again" eventually active p002
  add_value "$(group_dn crew)" member "$(dn_of "$3")"
  check "a new member is one" eventually in_group "$3" crew
  ldap_delete "$(dn_of new)"
  check "a deleted person goes" eventually unknown new
  stops_matching "$1"
  check "a person who stops matching goes" eventually unknown "$1"
  rename "$(dn_of "$2")" "cn=$2" "newsuperior: ou=elsewhere,$suffix"
  check "who moves out of the base is gone" eventually unknown "$2"
}

echo "--    by content synchronisation"
ds_make
ds_plugins on
ds_start
{ many_people 20; ds_group crew 30001 "$(dn_of p001)"; } >/run/people.ldif
ds_fill /run/people.ldif
ds_config
daemon_start
wait_in_sync 20
check "389 DS is followed by RFC 4533" strategy_is syncrepl
check "with the promise of it" says 'changes within milliseconds; deletions within milliseconds' roster status
check "everybody is there" people_are 20
follows p004 p005 p003
check "a comparison finds nothing to mend" says 'put 0 right' roster sync

: >"$daemon_log"
ds_stop
check "without the server everybody resolves" people_are 18
ds_start
stops_matching p006
ldap_delete "$(dn_of p007)"
patience=60
check "after its restart a deletion arrives" eventually unknown p007
check "and an entry that stopped matching meanwhile" eventually unknown p006
patience=10
check "because everything was read again" grep -q 'refresh ended.*complete=true' "$daemon_log"
replace "$(dn_of p008)" loginShell /bin/dash
check "and the stream is live again" eventually shell_is p008 /bin/dash

daemon_stop
ds_limit 5
ds_config 'refresh_timeout = "1s"'
daemon_start
check "the server's silence at its size limit is explained" \
  eventually says 'without a word at its size limit, here after 5 entries.*nsslapd-sizelimit' \
  roster status
check "and removes nobody" known p001
ds_limit 2000
daemon_stop

ds_config 'sync = "syncrepl"'
sed -i '/^bind_/d' "$config"
daemon_start
check "an anonymous client is told that it must bind" \
  eventually says '389 DS offers it to bound identities only' roster status
sed -i '/^sync/d' "$config"
daemon_stop
daemon_start
check "or is polled for, where that is left to the daemon" \
  eventually grep -q 'polling instead of following' "$daemon_log"
daemon_stop

echo "--    by polling with persistent search"
ds_stop
ds_plugins off
ds_start
ds_config $'poll_interval = "10m"\ncompare_interval = "1h"'
rm -rf /var/lib/roster/*
daemon_start
wait_in_sync 20
check "without the plugins it is polled" strategy_is poll
check "and told of changes by persistent search" \
  says 'changes within 10 min, usually at once; deletions within 5 min, usually at once' \
  roster status
check "with advice" says 'advice .*Content Synchronization' roster status
follows p009 p010 p011
ds_limit 5
restart_daemon TERM 2 >/dev/null 2>&1 || true
rm -rf /var/lib/roster/store
daemon_stop
daemon_start
check "a size limit is an error that names it" \
  eventually says 'size limit cut the content short after 5 entries.*nsSizeLimit' roster status
ds_limit 2000
daemon_stop

ds_config $'poll_interval = "200ms"\ncompare_interval = "1s"'
daemon_start
patience=30
check "after it everybody is there" eventually known p001
ds_stop
ds_start
person later 25002 | ldap_add
check "after a restart of the server a new person arrives" eventually known later
ldap_delete "$(dn_of later)"
check "and a deletion" eventually unknown later
