#!/bin/bash
# Any interleaving of directory changes, disconnects, daemon kills and full refreshes ends with the
# mirror equal to what ldapsearch says. SEED=n repeats a run; TURNS=n makes it longer.
source "$(dirname "$0")/lib.sh"

scenario "a random history"
/usr/bin/python3 "$system_tests/property.py" people >/run/people.ldif
begin /run/people.ldif
export directory_home ldap_uri ldapi_uri config daemon_log
daemon_stop
status=0
/usr/bin/python3 "$system_tests/property.py" run "${SEED:-$RANDOM$RANDOM}" "${TURNS:-120}" || status=$?
check "the mirror equals the directory after every quiet moment" [ "$status" = 0 ]
