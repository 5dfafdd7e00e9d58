#!/bin/bash
# What goes wrong around a running daemon: the directory set back or away, the index or the store
# damaged, no space, accounts of the host in the way. It ends equal to the directory, and lookups
# are answered meanwhile.
source "$(dirname "$0")/lib.sh"

alive() { grep -q '^State:[^Z]*$' "/proc/$daemon_pid/status" 2>/dev/null; }
ended() { ! alive; }
cpu_milliseconds() { awk '{ sub(/.*\) /, ""); print ($12 + $13) * 10 }' "/proc/$daemon_pid/stat"; }
idles() { # idles SECONDS LIMIT: rosterd is busy for at most LIMIT ms in that time
  local before spent
  before=$(cpu_milliseconds)
  sleep "$1"
  spent=$(($(cpu_milliseconds) - before))
  [ "$spent" -le "$2" ] || { echo "busy for $spent ms in $1 s"; return 1; }
}
equal_within() { /usr/bin/python3 "$system_tests/expectation.py" "$1"; }
server_is() { [ "$(json roster status --json -- server_uri)" = "$1" ] || { roster status; return 1; }; }

relay() { # relay FROM TO [OCTETS_PER_SECOND]: in the background, as $relay_pid
  : >/run/relay.out
  /usr/bin/python3 "$system_tests/relay.py" "$@" >/run/relay.out 2>&1 &
  relay_pid=$!
  disown "$relay_pid"
  eventually grep -q ready /run/relay.out
}
relay_end() {
  kill -KILL "$relay_pid" 2>/dev/null || true
  while [ -e "/proc/$relay_pid" ]; do sleep 0.01; done
}

# watch_lookups NAME: asks all the time, from a new process each time; a miss is a line in the file.
watch_lookups() {
  : >/run/misses
  (while :; do known "$1" || date +%T.%N >>/run/misses; sleep 0.01; done) &
  watcher=$!
}
watch_end() {
  kill "$watcher"
  wait "$watcher" 2>/dev/null || true
}
no_misses() { [ ! -s /run/misses ] || { wc -l /run/misses; head -n 3 /run/misses; return 1; }; }

# traffic: all kinds of changes until killed, as $changer.
traffic() {
  (
    for ((turn = 0; ; turn++)); do
      name=$(printf 'p%03d' $((turn % 300 + 1)))
      replace "$(dn_of "$name")" loginShell "/bin/$([ $((turn / 300 % 2)) = 0 ] && echo sh || echo bash)"
      [ $((turn % 7)) != 0 ] || person "new$turn" $((40000 + turn)) | ldap_add
      [ $((turn % 5)) != 0 ] || add_value "$(group_dn makers)" member "$(dn_of "$name")" || true
      [ $((turn % 70)) != 35 ] || ldap_delete "$(dn_of "new$((turn - turn % 7))")" || true
    done
  ) >/dev/null 2>&1 &
  changer=$!
}
traffic_end() {
  kill "$changer"
  wait "$changer" 2>/dev/null || true
}

{
  many_people 300
  group makers 30001 "$(dn_of p001)" "$(dn_of p002)"
  group all 30002 "$(group_dn makers)"
} >/run/people.ldif

scenario "the directory set back to an older backup"
directory_make /run/people.ldif
rm -rf /run/backup
cp -a "$directory_home/db" /run/backup
directory_start
write_config
daemon_start
wait_in_sync 20
person fresh 25000 | ldap_add
ldap_delete "$(dn_of p003)"
replace "$(dn_of p004)" loginShell /bin/sh
delete_value "$(group_dn makers)" member "$(dn_of p002)"
eventually known fresh
check "what came after the backup is there first" eventually unknown p003
check "all of it" equal_within 10
directory_stop
rm -rf "$directory_home/db"
cp -a /run/backup "$directory_home/db"
directory_start
patience=30
check "a person deleted since the backup is back" eventually known p003
check "a person added since the backup is gone" eventually unknown fresh
check "the mirror equals the older directory" equal_within 10
check "rosterd does not spin" idles 3 1000
person later 25001 | ldap_add
check "and follows it" eventually known later
patience=10

scenario "two servers: the first away and back"
begin /run/people.ldif
daemon_stop
relay 2636 636
sed -i 's|^uris = .*|uris = ["ldaps://127.0.0.1:2636", "ldaps://127.0.0.1:636"]|' "$config"
daemon_start
wait_in_sync 20
check "the first is used" eventually server_is ldaps://127.0.0.1:2636
relay_end
person second 25000 | ldap_add
patience=30
check "without the first, changes arrive from the second" eventually known second
check "which roster status names" eventually server_is ldaps://127.0.0.1:636
restart_daemon
check "and which a start finds as well" server_is ldaps://127.0.0.1:636
relay 2636 636
if [ "${NIGHTLY:-}" = 1 ]; then
  patience=150 check "the first is used again once it is back" eventually server_is ldaps://127.0.0.1:2636
fi
person third 25001 | ldap_add
check "changes arrive with the first back" eventually known third
check "the mirror equals the directory" equal_within 10
patience=10
relay_end

scenario "SIGTERM while the directory is silent"
many_people 3000 >/run/many.ldif
directory_make /run/many.ldif
directory_start
write_config
directory_freeze
daemon_start
sleep 0.5
check "during the connect: rosterd runs" alive
check "during the connect: ended within 2 s" within 2000 daemon_stop TERM
directory_thaw
relay 2636 636 100000
sed -i 's|^uris = .*|uris = ["ldaps://127.0.0.1:2636"]|' "$config"
daemon_start
check "during the load: it is loading" eventually says '"state" *: *"loading"' roster status --json
sleep 1
check "during the load: it still is" says '"state" *: *"loading"' roster status --json
directory_freeze
kill -STOP "$relay_pid"
check "during the load: ended within 2 s" within 2000 daemon_stop TERM
directory_thaw
relay_end
relay 2636 636
daemon_start
check "the next start loads it" wait_in_sync 30
check "the mirror equals the directory" equal_within 10
relay_end

scenario "the index deleted under a running daemon"
begin /run/people.ldif
find /var/lib/roster/index -mindepth 1 -delete
check "it is gone" unknown p050
patience=3 check "within 3 s it is back" eventually known p050
check "rosterd runs" alive
person fresh 25000 | ldap_add
check "changes arrive" eventually known fresh
check "the mirror equals the directory" equal_within 10

scenario "the index deleted where none can be made"
begin /run/people.ldif
chmod 555 /var/lib/roster/index
find /var/lib/roster/index -mindepth 1 -delete
person fresh 25000 | ldap_add
sleep 2
check "rosterd runs and does not spin" idles 2 1000
chmod 755 /var/lib/roster/index
patience=30
check "when it can be made it is back, with the change" eventually known fresh
check "rosterd was not restarted for it" alive
check "the mirror equals the directory" equal_within 10
patience=10

scenario "no space for the index"
mkdir -p /var/lib/roster/index
mount -t tmpfs -o size=64m,mode=755,uid="$(id -u roster)",gid="$(id -g roster)" tmpfs /var/lib/roster/index
begin /run/people.ldif
# As the daemon's user and with the last page, so that nothing is left.
dd if=/dev/zero of=/var/lib/roster/index/filler bs=4096 status=none 2>/dev/null || true
check "the disk is full" not dd if=/dev/zero of=/var/lib/roster/index/more bs=4096 count=1
watch_lookups p050
for i in {1..300}; do
  printf 'dn: %s\nchangetype: modify\nreplace: gecos\ngecos: %0200d\n\n' "$(dn_of "$(printf 'p%03d' "$i")")" "$i"
done >/run/changes.ldif
ldap_change -f /run/changes.ldif
person fresh 25000 | ldap_add
sleep 3
check "rosterd runs" alive
check "and does not spin" idles 2 1000
rm -f /var/lib/roster/index/{filler,more}
patience=30
check "with space again the change arrives" eventually known fresh
check "rosterd was not restarted for it" alive
check "the mirror equals the directory" equal_within 20
patience=10
watch_end
check "lookups were answered all the time" no_misses
daemon_stop KILL
umount -l /var/lib/roster/index

scenario "the store overwritten with zeros while rosterd runs"
begin /run/people.ldif
watch_lookups p050
find /var/lib/roster/store -type f -size +8k >/run/store.files
check "there is a store" [ -s /run/store.files ]
while read -r file; do
  dd if=/dev/zero of="$file" bs=4096 seek=1 conv=notrunc status=none \
    count=$(($(stat -c %s "$file") / 4096 - 1))
done </run/store.files
starts=0
for turn in {1..40}; do
  replace "$(dn_of "$(printf 'p%03d' "$turn")")" gecos "After $turn"
  [ "$turn" != 20 ] || person fresh 25000 | ldap_add
  if ended; then
    starts=$((starts + 1))
    daemon_start  # as systemd would
  fi
  sleep 0.1
done
patience=30
check "changes arrive" eventually known fresh
check "the mirror equals the directory" equal_within 30
check "it took at most 3 starts" [ "$starts" -le 3 ]
restart_daemon
check "and still after a restart" equal_within 10
patience=10
watch_end
check "lookups were answered all the time" no_misses

scenario "an account of the host with a person's name"
many_people 2500 >/run/many.ldif
begin /run/many.ldif
# Not useradd: it refuses a name that resolves. An image or a configuration tool does not.
local_user() { { cat /etc/passwd; echo "$1:x:$2:100::/:/bin/sh"; } >/etc/passwd.new && mv /etc/passwd.new /etc/passwd; }
withheld() { ! getent -s roster passwd "$1" >/dev/null; }
mirrored() { getent -s roster passwd "$1" >/dev/null; }
patience=2
local_user p1234 5000
check "the person is withheld within 2 s" eventually withheld p1234
check "by number too" withheld 21234
check "rosterd runs" alive
check "roster check names the person" says p1234 roster check
check "the account of the host answers" says '^5000$' id -u p1234
check "everybody else resolves" people_are 2499
replace "$(dn_of p1234)" loginShell /bin/sh
sleep 0.3
check "a change of the entry does not bring the person back" withheld p1234
userdel p1234
check "without the account the person is back within 2 s" eventually mirrored p1234
check "with what changed meanwhile" shell_is p1234 /bin/sh
for i in {2001..2100}; do local_user "p$i" $((3000 + i)); done
check "a hundred at once" eventually people_are 2400
check "rosterd runs" alive
sed -i '/^p2[0-9]*:/d' /etc/passwd
check "and back" eventually people_are 2500
patience=10
check "the mirror equals the directory" equal_within 10

scenario "roster sync --full during traffic"
begin /run/people.ldif
traffic
watch_lookups p050
for turn in 1 2 3; do
  check "sync --full, number $turn" timeout 60 roster sync --full
done
traffic_end
watch_end
check "the mirror equals the directory" equal_within 20
check "lookups were answered all the time" no_misses

scenario "a container renamed and moved"
team="ou=team,$people_base"
{
  printf 'dn: %s\nobjectClass: organizationalUnit\nou: team\n\n' "$team"
  printf 'dn: ou=inner,%s\nobjectClass: organizationalUnit\nou: inner\n\n' "$team"
  for i in {1..150}; do under=$team person "t$i" $((21000 + i)); done
  for i in {151..200}; do under="ou=inner,$team" person "t$i" $((21000 + i)); done
  many_people 50
  group old 30001 "cn=t1,$team" "cn=t200,ou=inner,$team" "$(dn_of p001)"
  group new 30002 "cn=t1,ou=crew,$people_base" "cn=t200,ou=inner,ou=crew,$people_base" "$(dn_of p001)"
  group moved 30003 "cn=t200,ou=inner,ou=elsewhere,$suffix"
  group around 30004 "$(group_dn old)" "$(group_dn new)"
} >/run/people.ldif
begin /run/people.ldif
check "before: members by the old DNs" index_equals_directory
watch_lookups t200
rename "$team" ou=crew
patience=2
check "a member by a new DN, two levels down" eventually in_group t200 new
check "not by an old one any more" eventually not_in_group t200 old
check "nobody is lost" people_are 250
check "every membership is right at once" equal_within 2
rename "ou=inner,ou=crew,$people_base" ou=inner "newsuperior: ou=elsewhere,$suffix"
check "the inner container moved away" eventually in_group t200 moved
check "every membership is right again" equal_within 2
rename "ou=crew,$people_base" ou=team
check "renamed back" eventually in_group t1 old
check "the mirror equals the directory" equal_within 2
watch_end
check "lookups were answered all the time" no_misses
