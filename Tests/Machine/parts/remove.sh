# remove DEB: removed, installed again, purged.
deb=$1

# A shell of dora's over ssh, to which lines are sent.
session_begin() {
  coproc shell {
    ssh -F /dev/null -i "$LOGINS/key" -o UserKnownHostsFile="$LOGINS/known_hosts" -o BatchMode=yes \
      dora@127.0.0.1 'echo ready; while read -r line; do eval "$line"; done'
  }
  session_in=${shell[1]} session_out=${shell[0]}
  answered ready
}
answered() { # answered TEXT: the next line of the shell is this
  local line
  read -r -t 20 -u "$session_out" line || { echo "no answer"; return 1; }
  [ "$line" = "$1" ] || { echo "$line"; return 1; }
}
session_says() { # session_says TEXT COMMAND
  echo "$2" >&"$session_in"
  answered "$1"
}
gone() { # getent leaves with 2 for NOTFOUND
  local code=0
  getent passwd "$1" || code=$?
  [ "$code" = 2 ]
}
nothing_of_users() {
  local found
  found=$(grep -rlE 'cn=ada,|secret-ada|The ada' /etc /var/lib /var/cache /run 2>/dev/null |
    grep -vE '^/run/(log|upgrade|path|local|journal)|/etc/sudoers') || true
  [ -z "$found" ] || { echo "$found"; return 1; }
}

scenario "removed, with somebody logged in"
session_begin
check "dora's session works" session_says 20005x 'echo 20005x'
check "apt removes it" apt-get remove -qq -y -o Dpkg::Use-Pty=0 roster
check "nsswitch.conf and pam.d are byte for byte as before" unchanged login-files login_files
check "dora's session goes on" session_says still 'echo still'
check "it starts programs" session_says 20004 'id -u'
check "ada is unknown, and that is no error" gone ada
check "quickly" within 2000 unknown ada
rm -f /etc/ssh/sshd_config.d/roster.conf
systemctl reload ssh
check "and out by every path" out_by_all ada
check "root and local people get in" local_people
check "no process of it is left" not pgrep -x rosterd
check "no unit has failed" no_failed_units

scenario "installed again"
check "dpkg -i" dpkg -i "$deb"
check "rosterd runs, with the configuration that was kept" eventually unit_is active
check "in sync" in_sync
printf '%s' "$reader_password" >/run/password
check "roster join takes the place of that configuration" roster join "$ldap_uri" \
  --bind-dn "$reader_dn" --password-file /run/password \
  --ca-file "$directory_run/tls/ca.pem" --everybody --sshd --force --yes
check "in by every path" in_by_all ada
check "dora's session sees its name again" session_says dora 'id -un'

scenario "purged"
check "apt purges it, with what join wrote" apt-get purge -qq -y -o Dpkg::Use-Pty=0 roster
exec {session_in}>&-
check "/etc is as before the installation" unchanged etc etc_listing
for folder in /var/lib/roster /run/roster /etc/roster /usr/lib/roster; do
  check "no $folder" test ! -e "$folder"
done
check "nothing of the people is left" nothing_of_users
check "ada is unknown" gone ada
check "root and local people get in" local_people
check "no unit has failed" no_failed_units
