#!/bin/bash
# A directory that tells nothing of its changes: followed by asking again and again.
source "$(dirname "$0")/lib.sh"

status_is() { says "$1" roster status; }
polling='poll_interval = "200ms"
compare_interval = "1s"'

# reader_limits LIMITS: what the running slapd lets the reader have.
reader_limits() {
  ldapmodify -Q -Y EXTERNAL -H "$ldapi_uri" >/dev/null <<L
dn: olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcLimits
olcLimits: dn.exact="$reader_dn" $1
L
}

scenario "slapd without syncprov"
{ many_people 30; group crew 30001 "$(dn_of p001)" "$(dn_of p002)"; } >/run/people.ldif
SYNCPROV=none directory_lines=$polling begin /run/people.ldif
check "is followed by polling" [ "$(json roster status --json -- strategy)" = poll ]
check "which the status says, with what it promises" \
  status_is 'promise +changes within [0-9]+ m?s; deletions within [0-9]+ s$'
check "and what would be better" status_is 'advice .*syncprov'
check "rosterd --check says the same and is content" \
  says 'polling: changes within 200 ms.*deletions within 1 s.*syncprov' rosterd --check
check "and succeeds" rosterd --check
person new 25000 | ldap_add
check "a new person arrives" eventually known new
replace "$(dn_of p003)" loginShell /bin/dash
check "a change arrives" eventually shell_is p003 /bin/dash
replace "$(dn_of p003)" loginShell /bin/sh
check "a second one within the same second too" eventually shell_is p003 /bin/sh
add_value "$(dn_of p004)" employeeType disabled
check "a disabled account is disabled" eventually disabled p004
add_value "$(group_dn crew)" member "$(dn_of p005)"
check "a new member is one" eventually in_group p005 crew
printf 'dn: %s\nchangetype: modrdn\nnewrdn: cn=renamed\ndeleteoldrdn: 0\n' "$(dn_of p006)" | ldap_change
replace "cn=renamed,$people_base" uid renamed
check "a renamed person arrives" eventually known renamed
check "and is gone under the old name" eventually unknown p006
ldap_delete "$(dn_of new)"
check "a deleted person goes" eventually unknown new
modify "$(dn_of p007)" $'delete: objectClass\nobjectClass: posixAccount\n-\ndelete: uidNumber\n-\ndelete: gidNumber\n-\ndelete: homeDirectory'
check "a person who stops matching goes" eventually unknown p007
check "the mirror equals the directory" index_equals_directory
before=$(publications)
sleep 1
check "nothing is published while nothing changes" [ "$(publications)" = "$before" ]

daemon_stop
person away 25001 | ldap_add
ldap_delete "$(dn_of p008)"
: >"$daemon_log"
daemon_start
wait_in_sync 20
check "after a restart the new is there" known away
check "the deleted is gone as soon as it says that it is in sync" unknown p008
check "and not everything was read again" grep -q 'refresh ended.*complete=false' "$daemon_log"

directory_stop
listen_url=$ldapi_uri directory_start
person later 25002 | ldap_add
directory_stop
directory_start
patience=60
check "after a restart of slapd a new person arrives" eventually known later
patience=10

# All at once for roster: a comparison in the middle would let the first few pass.
directory_stop
listen_url=$ldapi_uri directory_start
for i in {10..30}; do printf 'cn=p%03d,%s\n' "$i" "$people_base"; done | ldap_delete -f /dev/stdin
directory_stop
directory_start
patience=60
check "a mass removal is held" eventually says '"people" : 21' roster status --json
patience=10
check "and nobody is gone" known p020
roster sync --accept-removals >/dev/null
check "until it is confirmed" eventually unknown p020

daemon_stop
reader_limits size=5
rm -rf /var/lib/roster/store /var/lib/roster/index
daemon_start
check "a size limit is an error that names it" \
  eventually says 'size limit cut the content short after 5 entries.*olcLimits' roster status
check "and nobody is published by half" people_are 0
reader_limits size=unlimited
patience=60 check "without it all are" eventually known p001
replace "$(dn_of p001)" loginShell /bin/dash
check "and followed" eventually shell_is p001 /bin/dash
reader_limits size=5
check "a limit that comes later is an error too" \
  eventually says 'size limit|ended with 4' roster status
check "and removes nobody" known p001

scenario "people who move out of the base, and containers"
{
  printf 'dn: ou=team,%s\nobjectClass: organizationalUnit\nou: team\n\n' "$people_base"
  under="ou=team,$people_base" person t1 21001
  many_people 12
  group crew 30001 "cn=t1,ou=troop,$people_base"
} >/run/people.ldif
SYNCPROV=module directory_lines="$polling
people_base = \"$people_base\"
groups_base = \"$groups_base\"" begin /run/people.ldif
check "an overlay that is missing although its control is offered means polling" \
  [ "$(json roster status --json -- strategy)" = poll ]
check "which the log says" grep -q 'polling instead of following' "$daemon_log"
rename "$(dn_of p001)" cn=p001 "newsuperior: ou=elsewhere,$suffix"
check "who moves out of the base is gone" eventually unknown p001
rename "cn=p001,ou=elsewhere,$suffix" cn=p001 "newsuperior: $people_base"
check "and there again when moved back" eventually known p001
rename "ou=team,$people_base" ou=troop
check "a renamed container brings its people under their new names" eventually in_group t1 crew
check "the mirror equals the directory" index_equals_directory

scenario "polling chosen although the server offers more"
{ many_people 12; group crew 30001; group band 30002; group club 30003; } >/run/people.ldif
directory_lines="$polling
people_base = \"$people_base\"
groups_base = \"$groups_base\"
sync = \"poll\"" begin /run/people.ldif
check "is what happens" [ "$(json roster status --json -- strategy)" = poll ]
check "with a hint" status_is 'advice .*take out'
sed -i 's/^sync = .*/sync = "auto"/; s/^compare_interval.*/compare_interval = "1h"/; /^[a-z]*_base = /d' "$config"
daemon_stop
ldap_delete "$(group_dn crew)"
daemon_start
wait_in_sync
check "one search instead of two forgets what only the second showed" group_unknown crew
ldap_delete "$(group_dn band)"
check "and what goes later" eventually group_unknown band
check "another strategy takes over what is stored" people_are 12
check "and is followed at once" [ "$(json roster status --json -- strategy)" = syncrepl ]
sed -i 's/^sync = .*/sync = "dirsync"/' "$config"
daemon_stop
daemon_start
check "what is for another directory is said" \
  eventually says 'dirsync.*is for Active Directory' roster status
