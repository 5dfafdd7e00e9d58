#!/bin/bash
# cell.sh COLUMN ROW: one cell of the fault matrix, in a room of its own. The server of the column
# runs, rosterd follows it by way of a relay, the fault of the row comes and goes. What holds in every
# cell is here; what a fault is, and in which words rosterd has to name it, is in rows/, and how a
# kind of server is made and changed, in columns/.
source "$(dirname "$(readlink -f "$0")")/../System/lib.sh"
faults=$repo/Tests/Faults
column=$1 row=$2
source "$faults/columns/$column.sh"
logs=$repo/.build-faults
row() { :; }
for file in "$faults"/rows/*.sh; do source "$file"; done

relay_port=1636
faults_file=/run/faults.json

# The relay that rosterd connects to. relay_start [PROGRAM ARGUMENT...]: relay.py by default.
relay_start() {
  [ $# != 0 ] || set -- relay.py "$relay_port" "$column_port" "$faults_file"
  : >/run/relay.out
  /usr/bin/python3 "$faults/$1" "${@:2}" >/run/relay.out 2>/run/relay.err &
  relay_pid=$!
  disown "$relay_pid"
  patience=5 eventually grep -q ready /run/relay.out
}
relay_stop() { kill -KILL "$relay_pid"; while [ -e "/proc/$relay_pid" ]; do sleep 0.01; done; }
relay_cut() { kill -USR1 "$relay_pid"; }  # the connections that are open; new ones are welcome
fault() { printf '%s' "$1" >"$faults_file.new" && mv "$faults_file.new" "$faults_file"; }
no_fault() { rm -f "$faults_file"; }

# Another name for the certificate, so that a resolver can be asked.
certificate_names=${certificate_names:-DNS:localhost,IP:127.0.0.1,DNS:directory.test}
# new_certificate KIND: in the place of the server's; good, expired, wrong-name, other-ca.
new_certificate() {
  local days=30 names=$certificate_names tls=/run/tls
  case $1 in
    good)
      cp "$tls/good/"{cert,key}.pem "$tls"
      return
      ;;
    expired) days=-1 ;;
    wrong-name) names=DNS:somewhere.test ;;
  esac
  mkdir -p "$tls/good"
  cp "$tls/"{cert,key}.pem "$tls/good"
  if [ "$1" = other-ca ]; then
    make_certificates /run/other-tls
    cp /run/other-tls/{cert,key}.pem "$tls"
  else
    openssl x509 -req -in "$tls/request.pem" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial \
      -days "$days" -extfile <(echo "subjectAltName=$names") -out "$tls/cert.pem" 2>/dev/null
  fi
}

ended() { ! grep -q '^State:[^Z]*$' "/proc/$daemon_pid/status" 2>/dev/null; }
peak() { awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$daemon_pid/status"; }  # MB
calls() { # calls COMMAND...: how many system calls it makes
  strace -f -qq -e signal=none -o /run/strace.out "$@" >/dev/null 2>&1 || true
  wc -l </run/strace.out
}
least() { printf '%s\n' "$(calls "$@")" "$(calls "$@")" "$(calls "$@")" | sort -n | head -n 1; }
calls_of_all() { echo "$(least getent passwd p007) $(least id p007) $(least getent passwd nobody.here)"; }
same_calls() {
  local now
  now=$(calls_of_all)
  [ "$now" = "$usual_calls" ] || { echo "usually $usual_calls, now $now"; return 1; }
}
# In proportion to an account of the host itself at the same moment: on a busy machine everything
# takes longer. What waits for a network takes far longer than that.
usual_speed() {
  local now
  now=$(/usr/bin/python3 "$faults/lookups.py" time p007) || { echo "$now"; return 1; }
  awk -v now="$now" -v usual="$usual_times" 'BEGIN {
    split(now, n); split(usual, u)
    ratio = (n[1] / n[3]) / (u[1] / u[3])
    printf "%.2f\n", ratio >>"/run/ratios"
    if (ratio > 3 && n[1] > n[3] + 20 || n[2] > 2000) { print "usually " usual ", now " now; exit 1 }
  }'
}
named() { says "$words" roster status; }
named_in_log() { grep -Eiq -- "$words" "$daemon_log"; }
held_is() { [ "$(json roster status --json -- held.people)" = "$1" ] || { roster status; return 1; }; }
in_sync() { [ "$(json roster status --json -- state)" = in_sync ] || { roster status; return 1; }; }
full_load_fails() { # what `roster sync --full` said that began with the fault
  eventually grep -q . /run/full.out
  grep -Eq "$words" /run/full.out || { cat /run/full.out; return 1; }
}
no_violations() { [ ! -s /run/violations ] || { wc -l </run/violations; head -n 5 /run/violations; return 1; }; }
memory_below() { [ "$(peak)" -le "$1" ] || { echo "peak $(peak) MB"; return 1; }; }
gone_or_disabled() { unknown "$1" || disabled "$1"; }

team=ou=team,$people_base
# The directory of every cell: 120 people, 40 more in a container, three groups. Whom the changes of
# a cell touch is in no other role.
write_people() {
  printf 'dn: %s\nobjectClass: organizationalUnit\nou: team\n\n' "$team"
  many_people 120
  local i members=()
  for ((i = 1; i <= 40; i++)); do under=$team person "$(printf 't%03d' "$i")" $((21000 + i)); done
  for ((i = 1; i <= 30; i++)); do members+=("$(dn_of "$(printf 'p%03d' "$i")")"); done
  group makers 30001 "${members[@]}"
  group crew 30002 "$(people_base=$team dn_of t001)" "$(people_base=$team dn_of t002)"
  group all 30003 "$(group_dn makers)" "$(group_dn crew)"
}

# What happens in the directory while the fault lasts: somebody leaves, somebody is disabled,
# somebody comes, a membership ends.
changes() {
  column_delete "$(dn_of p001)"
  column_delete "cn=t003,$team"
  column_disable "$(dn_of p002)"
  person fresh 25000 | column_add
  column_change <<<"$(printf 'dn: %s\nchangetype: modify\ndelete: member\nmember: %s\n' "$(group_dn makers)" "$(dn_of p004)")"
}
# Everybody whom no change touches: they have to be there at every moment.
steady() {
  awk -v RS= -v ORS='\n\n' '/\nuidNumber: /' /run/people.ldif | sed -nE 's/^(uid|sAMAccountName): //p' |
    grep -vxE "p001|p002|t003${unsteady:+|$unsteady}"
}

# call HOOK: the row's function of that name, if it has one.
call() {
  local hook=${row//-/_}_$1
  ! declare -F "$hook" >/dev/null || "$hook"
}

# What a row may set, see rows/, and a column for some of the rows, see columns/.
words= bound=20 memory=40 patience_for_words=20 patience_for_changes=20 unsteady= fault_shows=yes
network_timeout=3s refresh_timeout=15s
call settings
! declare -F column_settings >/dev/null || column_settings

write_people >/run/people.ldif
if [ "$row" = template ]; then
  column_template "$logs"
  exit
fi
for hook in "${row//-/_}_begin" "${row//-/_}_end"; do
  declare -F "$hook" >/dev/null || { echo "no row $row"; exit 2; }
done
column_make /run/people.ldif
column_start
call prepare
[ -n "${relay_pid:-}" ] || relay_start
column_config "$relay_port" "network_timeout = \"$network_timeout\"
refresh_timeout = \"$refresh_timeout\"
$column_lines"
call configure
daemon_start
wait_in_sync 60
# One change, so that the index has had one, as any index that lives.
column_change <<<"$(printf 'dn: %s\nchangetype: modify\nreplace: gecos\ngecos: Begun\n' "$(dn_of p100)")"
eventually says Begun getent passwd p100
usual_calls=$(calls_of_all)
usual_times=$(/usr/bin/python3 "$faults/lookups.py" time p007)
usual_peak=$(peak)
first_pid=$daemon_pid
steady >/run/steady
/usr/bin/python3 "$faults/lookups.py" watch /run/steady >/run/violations 2>&1 &
watcher=$!
disown "$watcher"

: >"$daemon_log"
begun=$SECONDS
"${row//-/_}_begin"
[ "${changes_by_row:-}" = yes ] || changes
check "lookups answer in the usual time" usual_speed
check "and make as many system calls as ever" same_calls
if [ -n "$words" ]; then
  patience=$patience_for_words
  check "the log names it" eventually named_in_log
  [ "$fault_shows" = no ] || check "roster status names it" eventually named
  patience=10
fi
call during
check "lookups still answer in the usual time" usual_speed
check "and still make as many system calls" same_calls
"${row//-/_}_end"
healed=${EPOCHREALTIME/./}
call heal
check "the mirror equals the directory within $bound s" column_equals "$bound"
equal_after=$(((${EPOCHREALTIME/./} - healed) / 1000))
check "who left is gone" eval 'unknown p001 && unknown t003'
check "who was disabled is" eventually gone_or_disabled p002
patience=$bound
check "roster status says in sync" eventually in_sync
patience=10
person later 25999 | column_add
check "and the next change arrives" eventually known later
kill "$watcher"
check "everybody else was there all the time" no_violations
check "rosterd is the same process" [ "$daemon_pid" = "$first_pid" -a -d "/proc/$first_pid" ]
check "its memory stayed below $((usual_peak + memory)) MB" memory_below $((usual_peak + memory))
echo "figures: ratios $(tr '\n' ' ' </run/ratios), $usual_calls system calls, peak $usual_peak and \
$(peak) MB, fault $((SECONDS - begun)) s, equal after $equal_after ms"
echo "      the log:"
head -n 60 "$daemon_log" | sed 's/^/      | /'
column_stop
