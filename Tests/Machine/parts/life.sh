# What breaks around a daemon that runs: root, local people and whoever is known get in, what is said
# names the remedy, and the remedy is all that is needed. The clock of a container cannot be set: that
# the mirror's age survives a wrong one is what GateClockTests of AccountIndex show; here
# a certificate that is not valid yet stands for a clock that is behind.
all_is_well() {
  known ada || { echo "ada is unknown"; return 1; }
  by ssh_key ada || return 1
  local_people
}
changed() { shell_is emil "$1"; }
change() { replace "$(dn_of emil)" loginShell "$1"; }
recovered() { # recovered SHELL: a change arrives again
  change "$1"
  eventually changed "$1"
}
status_or_journal() { # status_or_journal PATTERN SINCE
  local output
  output=$(roster status 2>&1) || true
  grep -Eq -- "$1" <<<"$output" && return 0
  echo "$output"
  journal_says "$1" "$2"
}

scenario "a broken roster.toml"
start=$(now)
cp "$config" /root/roster.toml
printf '\nuris = [\n' >>"$config"
check "the restart says that it failed" not systemctl restart rosterd
check "root, local people and known people get in" all_is_well
check "the journal names the file and the line" journal_says 'roster\.toml.*line [0-9]+|roster\.toml:[0-9]+' "$start"
check "roster status says where to look, and soon" within 15000 says 'journalctl|rosterd --check' roster status
cp /root/roster.toml "$config"
check "repaired: it runs by itself" eventually unit_is active
check "in sync" in_sync

scenario "the CA file is missing"
start=$(now)
mv /etc/roster/ca.pem /root/ca.pem
systemctl restart rosterd 2>/dev/null || true
check "root, local people and known people get in" all_is_well
check "the file is named" eventually status_or_journal '/etc/roster/ca\.pem' "$start"
mv /root/ca.pem /etc/roster/ca.pem
check "put back: a change arrives, by itself" recovered /bin/sh

certificate() { # certificate NAME: slapd uses it for whoever connects from now on
  ldap_change <<L
dn: cn=config
changetype: modify
replace: olcTLSCertificateFile
olcTLSCertificateFile: $directory_run/tls/$1.pem
-
replace: olcTLSCertificateKeyFile
olcTLSCertificateKeyFile: $directory_run/tls/key.pem
L
}
for kind in expired future; do
  scenario "the server's certificate: $kind"
  start=$(now)
  certificate "$kind"
  systemctl restart rosterd
  check "root, local people and known people get in" all_is_well
  check "it is said what is wrong" eventually status_or_journal \
    "$([ $kind = expired ] && echo 'expired' || echo 'not valid before|not yet valid')" "$start"
  certificate cert
  check "renewed: a change arrives, by itself" recovered "/bin/$([ $kind = expired ] && echo bash || echo sh)"
done

scenario "a full disk"
start=$(now)
systemctl stop rosterd
mkdir -p /srv/small
mount -t tmpfs -o mode=755,size=8m tmpfs /srv/small
cp -a /var/lib/roster/. /srv/small
chown --reference=/var/lib/roster /srv/small
mount --bind /srv/small /var/lib/roster
systemctl start rosterd
check "before: in sync" in_sync
head -c 16m /dev/zero >/var/lib/roster/full 2>/dev/null || true
change /bin/bash
person fred 20006 | ldap_add
many_people 200 | sed 's/p\([0-9]\{3\}\)/q\1/g; s/^uidNumber: 20/uidNumber: 21/' | ldap_add
check "root, local people and known people get in" all_is_well
check "it is said that there is no space" eventually status_or_journal '[Nn]o space|disk is full|full' "$start"
check "somebody else is found too" known dora
check "a restart of rosterd harms nobody" systemctl restart rosterd
check "root, local people and known people get in" all_is_well
rm /var/lib/roster/full
check "space again: the changes arrive, by themselves" eventually changed /bin/bash
check "all of them" eventually known q200

scenario "a read-only /var/lib/roster"
start=$(now)
systemctl stop rosterd  # a file system that is written to is not made read-only
mount -o remount,bind,ro /var/lib/roster
change /bin/sh
systemctl start rosterd 2>/dev/null || true
check "it is said that it is read-only" eventually status_or_journal '[Rr]ead-?only' "$start"
check "root, local people and known people get in" all_is_well
mount -o remount,bind,rw /var/lib/roster
check "writable again: the change arrives, by itself" eventually changed /bin/sh
systemctl stop rosterd
umount --lazy /var/lib/roster
umount --lazy /srv/small  # others have its files mapped
systemctl start rosterd
check "with the state of long ago it finds what changed since" eventually known q200
check "in sync" in_sync

scenario "the state directory is deleted"
start=$(now)
rm -rf /var/lib/roster
check "root and local people get in" local_people
check "one restart later it is all there" systemctl restart rosterd
check "in sync" in_sync
check "root, local people and known people get in" all_is_well
check "a change arrives" recovered /bin/bash

scenario "rosterd is killed again and again"
killed_often() {
  local turn pid
  for turn in {1..4}; do
    eventually unit_is active || return 1
    pid=$(main_pid)
    kill -KILL "$pid" || true
    known ada && known root || return 1
    eventually test ! -e "/proc/$pid" || return 1
  done
}
check "four times, and ada is found every time" killed_often
check "root, local people and known people get in" all_is_well
check "it comes back by itself" eventually unit_is active
check "a change arrives" recovered /bin/sh
check "no unit has failed" no_failed_units
