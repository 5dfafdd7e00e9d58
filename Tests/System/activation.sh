#!/bin/bash
# The sockets made by the service manager: who asks while rosterd is away waits for it and loses
# nothing; the sockets stay as they were made.
with_logins=1
source "$(dirname "$0")/lib.sh"

login_make
login_start
login_sock=/run/roster/login.sock
control_sock=/run/roster/control.sock

hold() { # hold PATH...: a holder of these sockets, as $holder_pid
  : >/run/holder.out
  /usr/bin/python3 "$system_tests/socket_holder.py" /run/held.pid "$daemon_log" "$@" -- \
    "${unprivileged[@]}" /usr/sbin/rosterd --config "$config" </dev/null >/run/holder.out 2>&1 &
  holder_pid=$!
  disown "$holder_pid"
  eventually grep -q ready /run/holder.out
}
held_start() { # as daemon_start, with the holder's sockets
  rm -f /run/held.pid
  kill -USR1 "$holder_pid"
  eventually test -s /run/held.pid
  daemon_pid=$(cat /run/held.pid)
}
inodes() { stat -c '%i %a %U %G' "$login_sock" "$control_sock"; }
unchanged() { [ "$(inodes)" = "$made" ] || { inodes; return 1; }; }
# Whom the one who connects sees at the other end (SO_PEERCRED): the one who last said listen(2).
listener_uid() {
  /usr/bin/python3 - "$1" <<'P'
import socket, struct, sys
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
print(struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1])
P
}
is_empty() { [ ! -s "$1" ] || { cat "$1"; return 1; }; }
gets_in() { login_by python_pam ada 25000 secret-ada; }
in_background() { # in_background NAME COMMAND...: its end is in /run/NAME.result
  local name=$1
  shift
  rm -f "/run/$name.result"
  { "$@" >"/run/$name.out" 2>&1 && echo fine || echo "failed with $?"; } >"/run/$name.part" &&
    mv "/run/$name.part" "/run/$name.result" &
}
ended_well() {
  eventually test -e "/run/$1.result" && grep -q fine "/run/$1.result" || { cat "/run/$1".*; return 1; }
}
# asking N: so many connections wait that nobody has accepted yet (Recv-Q of a listener).
asking() { [ "$(ss -Hxln | awk '/\/run\/roster\// { n += $3 } END { print n + 0 }')" -ge "$1" ]; }

scenario "asked before rosterd was started"
person ada 25000 "userPassword: secret-ada" >/run/people.ldif
directory_make /run/people.ldif
directory_start
write_config
printf '[login]\ntimeout = "5s"\n' >>"$config"
hold "$login_sock" /run/roster/stranger.sock "$control_sock"
made=$(inodes)
check "the sockets are root's" [ "$(stat -c %U "$login_sock")" = root ]
check "who connects sees root at the other end" [ "$(listener_uid "$login_sock")" = 0 ]
in_background status says 'daemon +version' roster status
eventually asking 2
held_start
check "the command that asked before is answered" ended_well status
check "rosterd loads the directory" wait_in_sync 30
check "a socket that rosterd does not serve is closed with one warning" \
  [ "$(grep -c 'passed sockets that rosterd does not serve.*stranger.sock' "$daemon_log")" = 1 ]
check "the sockets are as they were made" unchanged
check "who connects now sees the user that rosterd runs as" \
  [ "$(listener_uid "$login_sock")" = "$(id -u roster)" ]
check "a password login" gets_in

restart_by() { # restart_by SIGNAL
  daemon_stop "$1"
  check "SIG$1: the sockets stay" unchanged
  in_background user says 'user +ada' roster user ada
  in_background login gets_in
  eventually asking 2
  held_start
  check "SIG$1: the command asked while rosterd was away is answered" ended_well user
  check "SIG$1: and so is the login" ended_well login
  check "SIG$1: lookups go on" known ada
}
echo "--    asked while rosterd is restarted"
for signal in TERM KILL; do restart_by "$signal"; done

echo "--    logins and commands all the time, while rosterd is restarted ten times"
wait_in_sync 20
ask_all_the_time() { # ask_all_the_time NAME COMMAND...: until /run/enough; failures in /run/NAME.failed
  local name=$1
  shift
  : >"/run/$name.failed"
  : >"/run/$name.asked"
  while [ ! -e /run/enough ]; do
    echo >>"/run/$name.asked"
    "$@" >"/run/$name.last" 2>&1 || cat "/run/$name.last" >>"/run/$name.failed"
  done
}
ask_all_the_time logins gets_in &
ask_all_the_time users roster user ada &
ask_all_the_time lookups known ada &
for turn in {1..10}; do
  sleep 0.3
  daemon_stop TERM
  held_start
done
touch /run/enough
wait %?logins %?users %?lookups 2>/dev/null || true
for name in logins users lookups; do
  check "$name: $(wc -l <"/run/$name.asked") asked, none failed" is_empty "/run/$name.failed"
done

echo "--    asked as somebody"
check "who asks is known by the kernel's word: nobody may not deny" \
  fails_naming 'root' setpriv --reuid=nobody --clear-groups roster deny ada
check "and root may" roster deny ada
check "in force" not gets_in
check "and back" roster allow ada
check "in force" eventually gets_in

echo "--    without a holder's sockets"
daemon_stop
kill "$holder_pid"
rm -f /run/roster/*.sock
daemon_start
wait_in_sync 20
check "rosterd makes its own" [ "$(stat -c '%a %U' "$login_sock")" = "666 roster" ]
check "and removes them at its end" daemon_stop
check "both" not test -e "$control_sock"
