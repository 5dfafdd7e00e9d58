#!/bin/bash
# Logins of every kind, by people in every state, in every condition of the directory, the daemon and
# the index; root and a local user beside them. NIGHTLY=1 runs the full product, otherwise every pair
# of two values and all of ssh by key. ENVIRONMENTS="frozen,index missing" runs some. What is expected
# of each cell, and how it is run, is in login_matrix.py.
with_logins=1
source "$(dirname "$0")/lib.sh"
matrix() { /usr/bin/python3 "$system_tests/login_matrix.py" "$@"; }
export RESULTS=/run/matrix.results
: >"$RESULTS"
delay=/run/relay.delay
relay_uri=ldaps://127.0.0.1:6636

# The daemon reaches slapd by way of a relay, which can be slow or gone.
relay_start() {
  /usr/bin/python3 "$system_tests/relay.py" 6636 636 0 "$delay" >/run/relay.out &
  relay_pid=$!
  disown "$relay_pid"
  patience=5 eventually grep -q ready /run/relay.out
}
relay_stop() { kill "$relay_pid"; while kill -0 "$relay_pid" 2>/dev/null; do sleep 0.01; done; }

configure() { # configure MAX_STALENESS
  ldap_uri=$relay_uri write_config "
[access]
allow_groups = [\"colleagues\"]

[login]
max_staleness = \"$1\"

[removals]
percent = 100
count = 1000"
}

# rosterd in a mount namespace of its own: what hides the index from everybody else does not hide it
# from rosterd, which would put it back.
unprivileged=(unshare --mount --propagation private "${unprivileged[@]}")

hide_index() {
  mount -t tmpfs -o "mode=755,uid=$(id -u roster),gid=$(id -g roster)" tmpfs /var/lib/roster/index
}

# Everything after the first octets of each file is turned over.
corrupt_index() {
  cp -a /var/lib/roster/index /run/index.copy
  hide_index
  cp -a /run/index.copy/. /var/lib/roster/index/
  rm -rf /run/index.copy
  /usr/bin/python3 - /var/lib/roster/index/* <<'P'
import os, sys
for path in filter(os.path.isfile, sys.argv[1:]):
    with open(path, "r+b") as file:
        octets = file.read()
        file.seek(64)
        file.write(bytes(octet ^ 0x5A for octet in octets[64:]))
P
}

up() { # up ENVIRONMENT
  case $1 in
    healthy) ;;
    slow) echo 5 >"$delay" ;;
    frozen) directory_freeze ;;
    'black hole')
      nft add table inet hole
      nft add chain inet hole input '{ type filter hook input priority 0; }'
      nft add rule inet hole input tcp dport 6636 drop
      nft add rule inet hole input tcp sport 6636 drop
      ;;
    refused) relay_stop ;;
    'daemon stopped') daemon_stop ;;
    'index missing') hide_index ;;
    'index corrupt') corrupt_index ;;
    'mirror too old')
      daemon_stop
      configure 1s
      daemon_start
      wait_in_sync 20
      relay_stop
      sleep 2
      ;;
  esac
}

down() { # down ENVIRONMENT: healthy again, with a daemon that remembers nothing of it
  case $1 in
    slow) rm -f "$delay" ;;
    frozen) directory_thaw ;;
    'black hole') nft delete table inet hole ;;
    refused) relay_start ;;
    'index missing' | 'index corrupt') umount -l /var/lib/roster/index ;;
    'mirror too old')
      relay_start
      configure 7d
      ;;
  esac
  daemon_stop
  daemon_start
  wait_in_sync 30
  login_reset_passwords
}

resting() { # resting: rosterd used no processor time for 0.4 s, so every verifier is derived (a thread of
  # low priority does it, which on a busy machine takes a while)
  local before
  before=$(cut -d' ' -f14,15 "/proc/$daemon_pid/stat")
  sleep 0.4
  [ "$(cut -d' ' -f14,15 "/proc/$daemon_pid/stat")" = "$before" ]
}

scenario "people who logged in before"
login_make
login_start
matrix people >/run/people.ldif
directory_make /run/people.ldif
directory_start
relay_start
configure 7d
daemon_start
check "the mirror is in sync" wait_in_sync 30
check "everybody logs in once by password" matrix seed
patience=180 check "and rosterd comes to rest" eventually resting
matrix changes >/run/changes.ldif
ldap_change -f /run/changes.ldif
check "their changes are in force" roster sync --full

scenario_of() { case ",${ENVIRONMENTS:-$1}," in *",$1,"*) return 0 ;; *) return 1 ;; esac; }
for environment in healthy slow frozen 'black hole' refused 'daemon stopped' 'index missing' \
  'index corrupt' 'mirror too old'; do
  scenario_of "$environment" || continue
  # Whatever fails in between, the table at the end shows what ran.
  for part in up 'matrix run' down; do
    $part "$environment" && continue
    echo "FAIL  $part: $environment"
    failed=$((failed + 1))
  done
done
matrix table >/run/matrix.table
sed '$d' /run/matrix.table
read -r _ cells_ok cells_bad <<<"$(tail -n 1 /run/matrix.table)"
passed=$((passed + cells_ok))
failed=$((failed + cells_bad))
login_stop
