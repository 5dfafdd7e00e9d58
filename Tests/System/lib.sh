# What the system tests share. A test sources this first; it then runs itself again inside a room
# (packaging/lib/room), where slapd, rosterd and the NSS module are the real ones and the host is
# out of reach. Every test ends with a line "N passed, N failed" and exits non-zero if one failed.
# A test that only looks at files sets `no_room=1` before it sources this, one that logs people in
# `with_logins=1`.
set -euo pipefail

system_tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$system_tests/../../packaging/lib/build.sh"
stage=${ROSTER_STAGE:-$stage}
if [ "${IN_ROOM:-}" != 1 ] && [ "${no_room:-}" != 1 ]; then
  [ "${with_logins:-}" != 1 ] || need_packages "${directory_packages[@]}" "${login_packages[@]}"
  [ -x "$stage/usr/sbin/rosterd" ] || "$repo/packaging/install" "$stage"
  in_room "$(readlink -f "$0")" "$@"
  exit
fi
if [ "${no_room:-}" != 1 ]; then
  source "$repo/packaging/lib/directory.sh"
  source "$repo/packaging/lib/daemon.sh"
  [ "${with_logins:-}" != 1 ] || source "$repo/packaging/lib/login.sh"
fi

passed=0
failed=0
trap 'finish $?' EXIT

finish() {
  if [ "$1" != 0 ]; then
    echo "FAIL  the test stopped before its end, with $1"
    failed=$((failed + 1))
  fi
  if [ "$failed" != 0 ] && [ -s "${daemon_log:-}" ]; then
    echo "      the end of rosterd's log:"
    tail -n "${LOG_LINES:-15}" "$daemon_log" 2>/dev/null | sed 's/^/      | /'
  fi
  echo "$passed passed, $failed failed"
  trap - EXIT
  exit "$((failed > 0))"
}

# check SENTENCE COMMAND...: one assertion.
check() {
  local sentence=$1 output
  shift
  if output=$("$@" 2>&1); then
    passed=$((passed + 1))
    echo "ok    $sentence"
  else
    failed=$((failed + 1))
    echo "FAIL  $sentence"
    printf '%s\n' "$output" | head -n 10 | sed 's/^/      | /'
  fi
}

# eventually COMMAND...: retries for at most $patience seconds.
patience=10
eventually() {
  local end=$((${EPOCHREALTIME/./} + patience * 1000000))
  while ! "$@" >/dev/null 2>&1; do
    if [ "${EPOCHREALTIME/./}" -gt "$end" ]; then
      echo "not within $patience s: $*"
      "$@" 2>&1 | tail -n 5
      return 1
    fi
    sleep 0.005
  done
}

# within MILLISECONDS COMMAND...: succeeds, and in that time.
within() {
  local limit=$1 start=${EPOCHREALTIME/./} spent
  shift
  "$@" || return 1
  spent=$(((${EPOCHREALTIME/./} - start) / 1000))
  [ "$spent" -le "$limit" ] || { echo "took $spent ms, allowed are $limit ms"; return 1; }
}

not() { ! "$@"; }
fails_naming() { # fails_naming PATTERN COMMAND...: leaves non-zero, its output matches
  local pattern=$1 output
  shift
  if output=$("$@" 2>&1); then echo "it succeeded: $output"; return 1; fi
  grep -Eiq -- "$pattern" <<<"$output" || { echo "no $pattern in: $output"; return 1; }
}
says() { # says PATTERN COMMAND...: its output matches (whatever it leaves with)
  local pattern=$1 output
  shift
  output=$("$@" 2>&1) || true
  grep -Eq -- "$pattern" <<<"$output" || { echo "no $pattern in: $output"; return 1; }
}

# What the host sees, through the roster module alone or as every program does.
known() { getent passwd "$1" >/dev/null; }
unknown() { ! getent passwd "$1" >/dev/null; }
passwd_is() { [ "$(getent -s roster passwd "$1")" = "$2" ] || { getent -s roster passwd "$1"; return 1; }; }
shell_is() { [ "$(getent passwd "$1" | cut -d: -f7)" = "$2" ]; }
group_known() { getent -s roster group "$1" >/dev/null; }
group_unknown() { ! getent -s roster group "$1" >/dev/null; }
in_group() { [[ " $(id -nG "$1" 2>/dev/null) " == *" $2 "* ]]; }
not_in_group() { ! in_group "$1" "$2"; }
lists_member() { [[ ",$(getent -s roster group "$1" | cut -d: -f4)," == *",$2,"* ]]; }
people_count() { getent -s roster passwd | wc -l; }
people_are() { [ "$(people_count)" = "$1" ] || { echo "$(people_count) people"; return 1; }; }

# json COMMAND... -- PATH: a value out of a command's JSON, e.g. json roster status --json -- generation
json() {
  local command=()
  while [ "$1" != -- ]; do command+=("$1"); shift; done
  "${command[@]}" | /usr/bin/python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(json.dumps(value) if isinstance(value, (dict, list)) else value)' "$2"
}
disabled() { [ "$(json roster user "$1" --json -- details.disabled)" = True ]; }
active() { [ "$(json roster user "$1" --json -- details.disabled)" = False ]; }
publications() { json roster status --json -- publications; }

# Entries.
person() { # person NAME UID [LINE...]
  local name=$1 uid=$2
  shift 2
  printf 'dn: cn=%s,%s\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\n' "$name" "${under:-$people_base}"
  printf 'objectClass: shadowAccount\ncn: %s\ncn: The %s\nsn: %s\nuid: %s\nuidNumber: %s\n' \
    "$name" "$name" "$name" "$name" "$uid"
  printf 'gidNumber: 10000\n'
  case " $* " in *homeDirectory*) ;; *) printf 'homeDirectory: /home/%s\n' "$name" ;; esac
  [ $# = 0 ] || printf '%s\n' "$@"
  echo
}
group() { # group NAME GID [MEMBER_DN...]: a groupOfMembers, so it may be empty, or a $group_class
  local name=$1 gid=$2 member
  shift 2
  printf 'dn: cn=%s,%s\nobjectClass: %s\nobjectClass: posixGroup\ncn: %s\ngidNumber: %s\n' \
    "$name" "$groups_base" "${group_class:-groupOfMembers}" "$name" "$gid"
  for member; do printf 'member: %s\n' "$member"; done
  echo
}
dn_of() { printf 'cn=%s,%s' "$1" "$people_base"; }
group_dn() { printf 'cn=%s,%s' "$1" "$groups_base"; }
modify() { printf 'dn: %s\nchangetype: modify\n%s\n' "$1" "$2" | ldap_change; }
replace() { modify "$1" "replace: $2"$'\n'"$2: $3"; }
delete_value() { modify "$1" "delete: $2"$'\n'"$2: $3"; }
add_value() { modify "$1" "add: $2"$'\n'"$2: $3"; }
rename() { printf 'dn: %s\nchangetype: modrdn\nnewrdn: %s\ndeleteoldrdn: 1\n%s\n' "$1" "$2" "${3:-}" | ldap_change; }

many_people() { local i; for ((i = 1; i <= $1; i++)); do person "$(printf 'p%03d' "$i")" $((20000 + i)); done; }

# Logins; the people are those of /run/people.ldif or $people_file.
every_path="ssh_key ssh_password ssh_keyboard login su sudo pamtester python_pam cron"
public_key() { ssh-keygen -y -f "$logins/$1"; }
colleague() { # colleague NAME UID [LINE...]: somebody who can log in by password and by key
  local name=$1 uid=$2
  shift 2
  person "$name" "$uid" "sshPublicKey: $(public_key key)" "userPassword: secret-$name" "$@" |
    sed 's/^objectClass: shadowAccount$/&\nobjectClass: ldapPublicKey/'
}
uid_of() { sed -n "/^uid: $1$/,/^$/s/^uidNumber: //p" "${people_file:-/run/people.ldif}"; }

# by PATH NAME [PASSWORD]: one attempt by one path, whether it lets NAME in.
by() { login_by "$1" "$2" "$(uid_of "$2")" "${3-secret-$2}"; }

# all_paths in|out NAME [PATHS]: attempts by every path at once; all of them must end so.
all_paths() {
  local path wanted=$1 name=$2 wrong=0 paths=${3:-$every_path}
  rm -f /run/path.*
  for path in $paths; do
    { by "$path" "$name" >"/run/path.$path" 2>&1 && echo in || echo out; } >"/run/path.$path.result" &
  done
  wait
  for path in $paths; do
    [ "$(cat "/run/path.$path.result")" != "$wanted" ] || continue
    wrong=1
    echo "$path is $(cat "/run/path.$path.result"): $(tail -n 2 "/run/path.$path" | tr -d '\r' | tr '\n' ' ')"
  done
  return $wrong
}
in_by_all() { all_paths in "$@"; }
out_by_all() { all_paths out "$@"; }
local_people_get_in() {
  login_by ssh_key root 0 x && login_by ssh_key lora 5001 x && login_by su root 0 "$root_password" &&
    login_by ssh_password lora 5001 "$local_password" && login_by sudo lora 5001 "$local_password" &&
    login_by login root 0 "$root_password"
}

# What the reader may see: "read" is normal, "none" makes the directory look empty.
reader_access() {
  ldapmodify -Q -Y EXTERNAL -H "$ldapi_uri" >/dev/null <<L
dn: olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcAccess
olcAccess: to attrs=userPassword by self =xw by anonymous auth by * none
olcAccess: to dn.children="$people_base" by dn.exact="$reader_dn" $1 by * none
olcAccess: to * by dn.exact="$reader_dn" read by * none
L
}

# scenario TITLE: stops what runs and forgets everything; the directory and the state are new.
scenario() {
  echo "--    $1"
  daemon_stop KILL
  directory_stop
  rm -rf /var/lib/roster/* /run/roster/*
  : >"$daemon_log"
}

# begin [FILE...]: a directory with these entries, and rosterd in sync with it.
begin() {
  directory_make "$@"
  directory_start
  write_config "${accounts_lines:-}" "${directory_lines:-}"
  daemon_start
  wait_in_sync 20
}

restart_daemon() {
  daemon_stop "${1:-TERM}"
  daemon_start
  wait_in_sync "${2:-20}"
}

# index_equals_directory: getent and id against what ldapsearch says, see expectation.py.
index_equals_directory() { /usr/bin/python3 "$system_tests/expectation.py"; }
