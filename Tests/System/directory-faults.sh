#!/bin/bash
# A directory that is empty, restarted, frozen, gone, or suddenly shows much less than before.
source "$(dirname "$0")/lib.sh"

held_is() { [ "$(json roster status --json -- held.people)" = "$1" ] || { roster status; return 1; }; }

scenario "a directory without a single person"
directory_make
directory_start
write_config
daemon_start
check "is not in sync" fails_naming '.' roster wait --timeout 2s
check "and roster status says why" says 'shows nobody.*check' roster status
check "nobody is published" people_are 0
check "local accounts answer" known root
person ada 20001 | ldap_add
patience=60 check "the first person makes it a directory" eventually known ada

scenario "slapd restarted"
many_people 100 >/run/people.ldif
begin /run/people.ldif
directory_stop
check "with the directory gone everybody resolves" people_are 100
check "in the usual time" within 100 known p050
check "roster status says so" says '[Nn]ot in sync|[Oo]ffline|unreachable|since' roster status
listen_url=ldapi://%2Frun%2Fldapi directory_start
person fresh 25000 | ldap_add
ldap_delete "$(dn_of p001)"
replace "$(dn_of p002)" loginShell /bin/sh
check "nothing can arrive while the daemon cannot connect" unknown fresh
directory_stop
directory_start
patience=60
check "what was added meanwhile arrives" eventually known fresh
check "what was deleted meanwhile goes" eventually unknown p001
check "what was changed meanwhile changes" eventually shell_is p002 /bin/sh
patience=10
person after 25001 | ldap_add
check "and the stream is live again" eventually known after
check "the mirror equals the directory" index_equals_directory

scenario "slapd restarted without a session log"
SESSION_LOG=0 begin /run/people.ldif
directory_stop
listen_url=ldapi://%2Frun%2Fldapi directory_start
ldap_delete "$(dn_of p001)"
person fresh 25000 | ldap_add
directory_stop
directory_start
patience=60
check "the present phase brings the new one" eventually known fresh
check "and removes the deleted one" eventually unknown p001
patience=10
check "the mirror equals the directory" index_equals_directory

scenario "the directory restored from nothing: other entryUUIDs, the same people"
begin /run/people.ldif
directory_stop
directory_make /run/people.ldif
directory_start
replace "$(dn_of p003)" loginShell /bin/sh
patience=60 check "the mirror follows the new directory" eventually shell_is p003 /bin/sh
check "and nobody was removed" people_are 100

scenario "slapd frozen"
begin /run/people.ldif
directory_freeze
check "a hit answers at once" within 100 known p050
check "a miss answers at once" within 100 unknown nobody.here
check "the groups answer at once" within 100 id p050
check "roster status answers" within 2000 roster status
check "SIGTERM ends rosterd within 2 s" within 2000 daemon_stop TERM
daemon_start
check "rosterd starts with the directory frozen; lookups answer" within 100 known p050
check "SIGTERM ends it during the connect too" within 2000 daemon_stop TERM
daemon_start
directory_thaw
person thawed 25000 | ldap_add
patience=60 check "after the thaw changes arrive" eventually known thawed

scenario "a mass removal in the stream"
begin /run/people.ldif
for i in {1..5}; do ldap_delete "$(dn_of "p00$i")"; done
check "a few removals pass at once" eventually people_are 95
for i in {11..70}; do dn_of "p0$i"; echo; done >/run/gone
ldap_delete -f /run/gone
sleep 2
check "a mass removal is held, at the latest from the limit on" [ "$(people_count)" -ge 80 ]
check "roster status names the held ones" says '[Hh]eld' roster status
replace "$(dn_of p090)" employeeType disabled
check "a disable is never held" eventually disabled p090
person fresh 25000 | ldap_add
check "nor is a new person" eventually known fresh
before=$(people_count)
restart_daemon
check "the held ones survive a restart" people_are "$before"
daemon_stop KILL
daemon_start
sleep 1
check "and a kill" people_are "$before"
check "somebody else than root may not accept" fails_naming '.' \
  setpriv --reuid=nobody --clear-groups roster sync --accept-removals
check "roster sync --accept-removals succeeds" roster sync --accept-removals
check "and they are gone" eventually people_are 36
check "the mirror equals the directory" index_equals_directory

scenario "an access rule hides everybody"
begin /run/people.ldif
reader_access none
roster sync --full >/dev/null 2>&1 || true
sleep 2
check "everybody is held" [ "$(people_count)" -ge 80 ]
restart_daemon TERM 5 2>/dev/null || true
check "after a restart too" [ "$(people_count)" -ge 80 ]
before=$(people_count)
reader_access read
roster sync --full >/dev/null 2>&1 || true
check "when the directory shows them again they are all there" eventually people_are 100
check "and nobody is held any more" eventually held_is 0
check "there were people all the time" [ "$before" -ge 80 ]

scenario "a certificate of another authority"
begin /run/people.ldif
daemon_stop
make_certificates /run/other-tls
cp /run/other-tls/ca.pem /etc/roster/ca.pem
: >"$daemon_log"
daemon_start
check "the log names the certificate and a remedy" eventually grep -Eiq 'certificate' "$daemon_log"
check "no password was sent to it: everybody still resolves" people_are 100

scenario "a wrong bind password"
begin /run/people.ldif
daemon_stop
printf wrong >/etc/roster/bind-password
: >"$daemon_log"
daemon_start
check "the log names it" eventually grep -Eiq 'credentials|password' "$daemon_log"
check "everybody still resolves" people_are 100

if [ "${NIGHTLY:-}" = 1 ]; then
  scenario "slapd frozen for longer than the deadline of the stream"
  begin /run/people.ldif
  directory_freeze
  patience=60 check "the dead stream is noticed" eventually \
    says '[Nn]ot in sync|[Oo]ffline|unreachable' roster status
  directory_thaw
  person thawed 25000 | ldap_add
  patience=90 check "and taken up again" eventually known thawed
fi
