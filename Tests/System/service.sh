#!/bin/bash
# What the service manager is told: READY as soon as the host can be served, and signs of life while
# rosterd works, however slow the directory; none when it hangs.
source "$(dirname "$0")/lib.sh"

notes=/run/notes
/usr/bin/python3 "$system_tests/notify_socket.py" /run/notify.sock "$notes" >/run/notify.out 2>&1 &
notifier=$!
disown "$notifier"
eventually grep -q ready /run/notify.out
export NOTIFY_SOCKET=/run/notify.sock WATCHDOG_USEC=6000000
told() { grep -q " $1" "$notes"; }
signs() { grep -c ' WATCHDOG=1' "$notes" || true; }
signs_go_on() { # signs_go_on SECONDS: at least one in each of them, and still at the end
  local before end=$((SECONDS + $1))
  while [ "$SECONDS" -lt "$end" ]; do
    before=$(signs)
    sleep 3
    [ "$(signs)" -gt "$before" ] || { echo "none in 3 s"; tail -n 3 "$notes"; return 1; }
  done
}
started() { : >"$notes"; daemon_start; }
state_is() { [ "$(json roster status --json -- state)" = "$1" ] || { roster status; return 1; }; }
directory_lines='network_timeout = "1s"'
many_people 300 >/run/people.ldif

scenario "no index, and a directory that cannot be reached"
directory_make /run/people.ldif
write_config '' "$directory_lines"
started
check "READY all the same" eventually told READY=1
check "the sockets answer by then" says 'daemon +version' roster status
check "the status names the trouble" eventually told 'STATUS=not following the directory'
check "signs of life go on" signs_go_on 9
directory_start
check "it is loaded when the directory comes" wait_in_sync 30

scenario "a directory that is frozen"
begin /run/people.ldif
daemon_stop
directory_freeze
started
check "READY all the same" eventually told READY=1
check "lookups are answered" known p150
check "signs of life go on" signs_go_on 9
directory_thaw
check "and it is followed" wait_in_sync 30
directory_freeze
check "frozen while it is followed: signs of life go on" signs_go_on 9
directory_thaw

scenario "a first load that takes long"
many_people 3000 >/run/many.ldif
directory_make /run/many.ldif
directory_start
write_config '' "$directory_lines"
/usr/bin/python3 "$system_tests/relay.py" 2636 636 60000 >/run/relay.out 2>&1 &
relay_pid=$!
disown "$relay_pid"
eventually grep -q ready /run/relay.out
sed -i 's|^uris = .*|uris = ["ldaps://127.0.0.1:2636"]|' "$config"
started
check "READY before it" eventually told READY=1
check "it is loading" eventually state_is loading
check "signs of life go on" signs_go_on 9
check "it is still loading" state_is loading
kill -KILL "$relay_pid"

scenario "a store that cannot be opened for the moment"
begin /run/people.ldif
daemon_stop
/usr/bin/python3 - <<'P' >/run/lock.out &
import sqlite3, sys, time
store = sqlite3.connect("/var/lib/roster/store/store.sqlite", isolation_level=None)
store.execute("PRAGMA locking_mode = EXCLUSIVE")
store.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(600)
P
locker=$!
eventually grep -q locked /run/lock.out
started
check "READY without it, from the index alone" eventually told READY=1
check "lookups are answered" known p150
check "roster status says what is wrong" eventually says 'locked' roster status
check "signs of life go on" signs_go_on 9
kill "$locker"
wait "$locker" 2>/dev/null || true
check "it is opened when that is over" wait_in_sync 30

scenario "a disk that hangs"
# A file system that can be frozen: what writes to it hangs until it is thawed, as on a dead disk.
disk=/var/lib/roster
if truncate -s 64M /run/disk && mkfs.ext4 -q /run/disk && mount -o loop /run/disk "$disk" 2>/run/mount.err; then
  chown roster:roster "$disk"
  : >"$notes"
  begin /run/people.ldif
  check "signs of life" signs_go_on 3
  trap 'code=$?; fsfreeze --unfreeze "$disk" 2>/dev/null || true; finish "$code"' EXIT
  fsfreeze --freeze "$disk"
  replace "$(dn_of p001)" gecos "After the freeze"
  patience=40
  no_signs() { local before; before=$(signs); sleep 3; [ "$(signs)" = "$before" ]; }
  check "the sync thread hangs: the signs end, and systemd would start rosterd anew" eventually no_signs
  check "lookups go on" known p150
  fsfreeze --unfreeze "$disk"
  check "the disk is back: so are the signs" eventually signs_go_on 3
  gecos_is() { [ "$(getent passwd "$1" | cut -d: -f5)" = "$2" ]; }
  check "and what changed meanwhile" eventually gecos_is p001 "After the freeze"
  patience=10
  daemon_stop KILL
  umount -l "$disk"
else
  echo "      skipped: no loop device here ($(cat /run/mount.err))"
fi
kill "$notifier"
