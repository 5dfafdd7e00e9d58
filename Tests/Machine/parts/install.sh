# install DEB: the package on a machine that has joined nothing changes nothing for anyone.
deb=$1

# The time a lookup takes that nobody answers, in a process of its own, as getent does it.
unknown_quickly() { within 500 unknown nobody-has-this-name; }
answers_notfound() { # getent leaves with 2 for NOTFOUND, and not for a service that is out of order
  local code=0
  getent -s "$1" passwd nobody-has-this-name || code=$?
  [ "$code" = 2 ] || { echo "getent leaves with $code"; return 1; }
}
names_roster_after_files() { grep -Eq "^$1:[[:space:]]+files roster( |$)" /etc/nsswitch.conf; }
exposure_is_low() {
  local line
  line=$(systemd-analyze security --no-pager rosterd.service | tail -n 1)
  echo "$line"
  awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+\.[0-9]$/) exit !($i <= 2.0); exit 1 }' <<<"$line"
}

units_are_right() {  # man pages are not in this machine
  ! systemd-analyze verify rosterd.service rosterd.socket 2>&1 | grep -v "Command 'man"
}

scenario "installed, not joined"
check "apt installs it, with nothing but what is there" apt-get install -qq -y "$deb"
check "it is configured" says '^install ok installed$' dpkg-query -W -f '${Status}\n' roster
check "no unit has failed" no_failed_units
check "rosterd waits for a configuration" unit_is inactive
check "so do its sockets" unit_is inactive rosterd.socket
check "both are enabled" systemctl is-enabled --quiet rosterd.service rosterd.socket
for database in passwd group; do
  check "nsswitch.conf: $database has roster right after files" names_roster_after_files "$database"
done
check "an unknown name is NOTFOUND" answers_notfound roster
check "quickly" unknown_quickly
check "and unknown to all services" answers_notfound 'files roster systemd'
check "root and local people get in" local_people
check "roster status says that nothing is configured" fails_naming 'roster.toml|not (joined|configured)|join' roster status
check "the sandbox: systemd-analyze security is 2.0 at most" exposure_is_low
check "systemd finds nothing odd in the units" units_are_right
check "starting it without a configuration fails nothing" systemctl start rosterd
check "nor does a restart" systemctl restart rosterd
check "no unit has failed" no_failed_units
check "nothing is kept of anybody" test ! -e /var/lib/roster/store
