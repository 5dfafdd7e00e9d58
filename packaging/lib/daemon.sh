# rosterd in the room: its configuration, started as the unprivileged user, and stopped again.
# Sourced after directory.sh.

daemon_log=/run/rosterd.log
config=/etc/roster/roster.toml

# write_config [ACCOUNTS_LINES [DIRECTORY_LINES]]: the configuration for the room's directory.
write_config() {
  mkdir -p /etc/roster
  chmod 755 /etc/roster
  printf '%s' "$reader_password" >/etc/roster/bind-password
  chown root:roster /etc/roster/bind-password
  chmod 640 /etc/roster/bind-password
  cp /run/tls/ca.pem /etc/roster/ca.pem
  cat >"$config" <<T
[directory]
uris = ["$ldap_uri"]
base = "${search_base:-$suffix}"
bind_dn = "$reader_dn"
bind_password_file = "/etc/roster/bind-password"
tls = "ldaps"
ca_file = "/etc/roster/ca.pem"
${2:-}

[accounts]
disabled = ["employeeType=disabled"]
${1:-}
T
}

# As the user roster, without any capability: "${unprivileged[@]}" COMMAND...
unprivileged=(setpriv --reuid=roster --regid=roster
  --groups "$(getent -s files group roster-keys | cut -d: -f3)"
  --inh-caps=-all --bounding-set=-all --no-new-privs)

# daemon_start: starts rosterd; $daemon_pid is its process, because setpriv becomes it.
daemon_start() {
  "${unprivileged[@]}" /usr/sbin/rosterd --config "$config" </dev/null >>"$daemon_log" 2>&1 &
  daemon_pid=$!
  disown "$daemon_pid"  # bash need not comment on how it ends
}

# daemon_stop [SIGNAL]: stops it and waits for its end, in a subshell too.
daemon_stop() {
  [ -n "${daemon_pid:-}" ] || return 0
  kill -"${1:-TERM}" "$daemon_pid" 2>/dev/null || true
  while grep -q '^State:[^Z]*$' "/proc/$daemon_pid/status" 2>/dev/null; do sleep 0.005; done
  daemon_pid=
}

# wait_in_sync [SECONDS]: until the mirror has caught up; shows the daemon's log when it does not.
wait_in_sync() {
  local try limit=${1:-30}
  for try in {1..100}; do
    [ ! -S /run/roster/control.sock ] || break
    sleep 0.02
  done
  if ! roster wait --timeout "${limit}s" >/run/wait.out 2>&1; then
    echo "the mirror did not catch up within $limit s:" >&2
    cat /run/wait.out >&2
    tail -n 20 "$daemon_log" >&2
    return 1
  fi
}
