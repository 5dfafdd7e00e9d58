#!/bin/bash
# Any interleaving of directory changes, disconnects, daemon kills and full refreshes ends with the
# mirror equal to what ldapsearch says. SEED=n repeats a run; TURNS=n makes it longer.
source "$(dirname "$0")/lib.sh"

# history TURNS: changes at random, and whether the mirror follows.
history() {
  local status=0
  export directory_home ldap_uri ldapi_uri config daemon_log
  daemon_stop
  /usr/bin/python3 "$system_tests/property.py" run "${SEED:-$RANDOM$RANDOM}" "$1" || status=$?
  check "the mirror equals the directory after every quiet moment" [ "$status" = 0 ]
}

/usr/bin/python3 "$system_tests/property.py" people >/run/people.ldif
scenario "a random history"
begin /run/people.ldif
history "${TURNS:-120}"

scenario "a random history, by polling"
SYNCPROV=none directory_lines='poll_interval = "200ms"
compare_interval = "1s"' begin /run/people.ldif
history $((${TURNS:-120} / 2))
