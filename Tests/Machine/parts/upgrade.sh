# upgrade OLDER.deb NEWER.deb: lookups and logins go on while dpkg replaces the package, and rosterd
# runs afterwards or not as the administrator wanted. NEWER is what is installed.
older=$1 newer=$2
runs=/run/upgrade

# loop NAME COMMAND...: runs it over and over until loops_end, and counts.
loop() {
  local name=$1
  shift
  (
    good=0 bad=0
    while [ ! -e "$runs/end" ]; do
      if "$@" >"$runs/$name.last" 2>&1; then
        good=$((good + 1))
      else
        bad=$((bad + 1))
        { date +%T.%N; cat "$runs/$name.last"; } >>"$runs/$name.bad"
      fi
      sleep 0.02  # dpkg wants a turn too
      echo "$good $bad" >"$runs/$name.new"
      mv "$runs/$name.new" "$runs/$name"
    done
  ) </dev/null &
  loops+=($!)
}
key_login() {
  ssh -F /dev/null -i "$LOGINS/key" -o UserKnownHostsFile="$LOGINS/known_hosts" -o BatchMode=yes \
    ada@127.0.0.1 true
}
# A process that loaded the module before, and goes on asking it: each turn is one line, "1" if all 1000
# lookups were right.
old_process() {
  exec /usr/bin/python3 -u -c '
import os, pwd, sys, time
while not os.path.exists(sys.argv[1]):
    good = all(pwd.getpwnam("ada").pw_uid == 20001 for _ in range(1000))
    print(int(good))
    time.sleep(0.05)' "$runs/end"
}
loops_begin() {
  local name
  rm -rf "$runs"
  mkdir -p "$runs"
  loops=()
  loop getent getent passwd ada
  loop id id ada
  loop key key_login
  loop password by ssh_password emil
  old_process >"$runs/process" 2>"$runs/process.bad" </dev/null &
  loops+=($!)
  for name in getent id key password; do eventually test -s "$runs/$name"; done
  eventually test -s "$runs/process"
  for name in getent id key password; do cp "$runs/$name" "$runs/$name.before"; done
}
loops_end() {
  # What ran last still has to end well.
  local name before after
  for name in getent id key password; do
    cp "$runs/$name" "$runs/$name.after"
    read -r before _ <"$runs/$name.before"
    read -r after _ <"$runs/$name.after"
    echo "      $name: $((after - before)) during dpkg"
  done
  : >"$runs/end"
  wait "${loops[@]}" || true
}
went_on() { # went_on NAME: some while dpkg was at it, and not one failed
  local before after bad
  read -r before _ <"$runs/$1.before"
  read -r after _ <"$runs/$1.after"
  read -r _ bad <"$runs/$1"
  if [ "$bad" != 0 ]; then
    echo "$bad failed:"
    head -n 4 "$runs/$1.bad"
    journalctl --no-pager -o short-precise --since "@$started" | grep -E 'roster|systemd\[1\]' |
      grep -vE 'session|slice|user@|scope' >"$runs/journal"
    return 1
  fi
  [ $((after - before)) -gt 0 ] || { echo "none happened meanwhile"; return 1; }
}
process_went_on() { [ ! -s "$runs/process.bad" ] && ! grep -qv '^1$' "$runs/process"; }

version_is() { [ "$(dpkg-query -W -f '${Version}' roster)" = "$(dpkg-deb -f "$1" Version)" ]; }
installed() { # the package, and nothing half done
  [ "$(dpkg-query -W -f '${db:Status-Abbrev}' roster)" = 'ii ' ] && [ -z "$(dpkg --audit)" ]
}
# replace_package DEB WORD
replace_package() {
  local deb=$1 word=$2 before
  before=$(main_pid)
  started=$(date +%s)
  roster deny dora
  loops_begin
  check "dpkg -i $word" dpkg -i "$deb"
  check "rosterd is up at once" unit_is active
  sleep 0.5
  loops_end
  check "it is another process than before" test "$(main_pid)" != "$before"
  check "the version is the other one" version_is "$deb"
  for name in getent id key password; do check "$word: no $name failed meanwhile" went_on "$name"; done
  [ ! -s "$runs/journal" ] || sed 's/^/      | /' "$runs/journal"
  check "$word: a process with the old module found ada all the time" process_went_on
  check "in sync" in_sync
  check "the store survived: who was blocked is blocked" not by ssh_key dora
  check "and so did the journal of changes" says 'blocked' roster history dora
  roster allow dora
  check "no unit has failed" no_failed_units
  check "the package is as it should be" installed
}

scenario "downgrade, with lookups and logins going on"
replace_package "$older" downgrade

scenario "upgrade, with lookups and logins going on"
replace_package "$newer" upgrade

scenario "upgrade of a daemon that does not run"
systemctl stop rosterd
check "stopped by the administrator" unit_is inactive
check "dpkg -i" dpkg -i "$older"
check "stays stopped" unit_is inactive
check "people are found all the same" known ada
systemctl start rosterd
check "started again, it is in sync" in_sync

systemctl mask --now --quiet rosterd.service
check "masked: dpkg -i" dpkg -i "$newer"
check "stays stopped" unit_is inactive
check "and masked" says '^masked' systemctl is-enabled rosterd
systemctl unmask --quiet rosterd.service
systemctl start rosterd

systemctl disable --quiet rosterd.service
check "disabled, but running: dpkg -i" dpkg -i "$older"
check "runs" unit_is active
check "stays disabled" says '^disabled' systemctl is-enabled rosterd
systemctl enable --quiet rosterd.service

mkdir -p /run/systemd/system/rosterd.service.d
printf '[Service]\nRestart=no\n' >/run/systemd/system/rosterd.service.d/no-restart.conf
systemctl daemon-reload
kill -KILL "$(main_pid)"
check "died and failed" eventually unit_is failed
rm -r /run/systemd/system/rosterd.service.d
check "dpkg -i" dpkg -i "$newer"
check "runs" unit_is active

cp "$config" /root/roster.toml
echo 'broken = [' >>"$config"
systemctl restart rosterd 2>/dev/null || true
check "with a broken configuration: dpkg -i says so and succeeds" says 'roster(d)?.*(does not run|journalctl)' dpkg -i "$newer"
check "the package is as it should be" installed
check "people are found all the same" known ada
cp /root/roster.toml "$config"
check "the configuration repaired, rosterd runs by itself" eventually unit_is active
check "in sync" in_sync
check "no unit has failed" no_failed_units
