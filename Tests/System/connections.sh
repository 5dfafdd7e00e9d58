#!/bin/bash
# 1,000 connections to each socket of rosterd, half of them silent, the others talking nonsense:
# logins and commands of well-behaved clients go on as if nobody was there.
with_logins=1
source "$(dirname "$0")/lib.sh"

login_make
crowds=()
crowd() { # crowd SOCKET CONNECTIONS UID...
  /usr/bin/python3 "$system_tests/crowd.py" "$@" >/run/crowd.out 2>&1 &
  crowds+=($!)
  disown "$!"
}
crowds_end() {
  [ ${#crowds[@]} = 0 ] || kill "${crowds[@]}"
  crowds=()
}
descriptors() { ls "/proc/$daemon_pid/fd" | wc -l; }
descriptors_above() { [ "$(descriptors)" -ge "$1" ] || { echo "$(descriptors) descriptors"; return 1; }; }
descriptors_below() { [ "$(descriptors)" -le "$1" ] || { echo "$(descriptors) descriptors"; return 1; }; }
peak() { awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$daemon_pid/status"; }
memory_below() { [ "$(peak)" -le "$1" ] || { echo "peak $(peak) MB"; return 1; }; }
as_somebody() { setpriv --reuid=2000001 --regid=2000001 --clear-groups "$@"; }
gets_in() { by pamtester "$1"; }
out() { not by pamtester "$1" wrong; }
all_is_well() { # all_is_well WHEN: the checks that hold at any time
  local turn
  for turn in 1 2 3; do
    check "$1: login $turn with the right password, within 5 s" within 5000 gets_in "ada$turn"
  done
  check "$1: no login with a wrong one" within 8000 out ada4
  check "$1: roster status, asked by root" within 3000 roster status
  check "$1: and by somebody else" within 3000 as_somebody roster status
  check "$1: a change arrives" eval "person new$changed $((30000 + changed)) | ldap_add && eventually known new$changed"
  changed=$((changed + 1))
}
changed=1

for i in {1..4}; do colleague "ada$i" $((20000 + i)); done >/run/people.ldif
begin /run/people.ldif
all_is_well "without a crowd"
usual=$(descriptors)
usual_peak=$(peak)
# What a thousand users could do, by ten; nobody has more than his share.
crowd /run/roster/login.sock 1000 {30001..30010}
crowd /run/roster/control.sock 1000 {30001..30010}
check "they are there" eventually descriptors_above $((usual + 60))
check "as many of them as there are places" descriptors_below $((usual + 160))
all_is_well "a crowd of users"
crowds_end
sleep 1
# A broken program that runs as root.
crowd /run/roster/login.sock 1000 0
crowd /run/roster/control.sock 1000 0
check "they are there" eventually descriptors_above $((usual + 500))
all_is_well "a crowd of root's"
crowds_end
check "memory stayed below $((usual_peak + 60)) MB" memory_below $((usual_peak + 60))
patience=20 check "and every connection is given back" eventually descriptors_below $((usual + 4))
all_is_well "afterwards"
