#!/bin/bash
# The administrator's command: what it answers, to whom, and in which form.
source "$(dirname "$0")/lib.sh"

scenario "the command"
{ many_people 20; group makers 30001 "$(dn_of p001)"; } >/run/people.ldif
begin /run/people.ldif
check "roster status" says '[Ii]n sync' roster status
check "roster status --json is JSON" bash -c 'roster status --json | /usr/bin/python3 -m json.tool'
check "roster user" says '20001' roster user p001
check "roster user shows the groups" says 'makers' roster user p001
check "roster user of nobody leaves non-zero" not roster user nobody.here
check "roster group" says 'p001' roster group makers
check "roster group of nothing leaves non-zero" not roster group nothing.here
check "public questions work for any user" setpriv --reuid=nobody --clear-groups roster user p001
check "roster status works for any user" setpriv --reuid=nobody --clear-groups roster status
check "history is root's" fails_naming 'root|permi|allowed' setpriv --reuid=nobody --clear-groups roster history
replace "$(dn_of p001)" uid p001x
eventually known p001x
ldap_delete "$(dn_of p002)"
eventually unknown p002
check "history tells the rename" says 'p001x' roster history
check "history tells the removal" says 'p002' roster history p002
check "history --json is JSON" bash -c 'roster history --json | /usr/bin/python3 -m json.tool'
check "roster sync --full" roster sync --full
check "roster wait returns at once when in sync" within 1000 roster wait --timeout 5s
check "the log has journald priorities" grep -Eq '^<[0-7]>' "$daemon_log"
check "the log holds no password" not grep -q "$reader_password" "$daemon_log"
check "the bash completion was installed" grep -q roster /usr/share/bash-completion/completions/roster

scenario "readiness"
directory_make /run/people.ldif
directory_start
write_config
/usr/bin/python3 - >/run/notify.out <<'P' &
import socket
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("/run/notify")
import os
os.chmod("/run/notify", 0o666)
listener.settimeout(20)
try:
    while True:
        print(listener.recv(4096).decode(), flush=True)
except TimeoutError:
    pass
P
listener=$!
eventually test -S /run/notify
directory_freeze
NOTIFY_SOCKET=/run/notify daemon_start
check "READY does not wait for the network" eventually grep -q READY=1 /run/notify.out
directory_thaw
patience=60 check "and the mirror follows later" eventually known p001
check "STATUS says how it stands" eventually grep -q STATUS= /run/notify.out
daemon_stop
check "STOPPING is said" grep -q STOPPING=1 /run/notify.out
kill "$listener" 2>/dev/null || true
