#!/bin/bash
# What goes wrong on a host: the message says what to do, local users are unaffected, known people
# resolve from the last index, and the fix alone brings everything back. The loop stands for systemd's
# Restart=always with RestartPreventExitStatus=78.
source "$(dirname "$0")/lib.sh"

many_people 50 >/run/people.ldif
# supervise: starts rosterd again and again, as systemd would; 78 ends it. Its last exit status is in
# /run/exit.
supervise() {
  rm -f /run/exit
  (
    while :; do
      code=0
      "${unprivileged[@]}" /usr/sbin/rosterd --config "$config" </dev/null >>"$daemon_log" 2>&1 &
      echo $! >/run/supervised
      wait $! || code=$?
      echo "$code" >/run/exit
      [ "$code" != 78 ] || break
      sleep 0.3
    done
  ) &
  supervisor=$!
}
supervise_end() {
  kill "$supervisor" 2>/dev/null || true
  wait "$supervisor" 2>/dev/null || true
  kill -KILL "$(cat /run/supervised)" 2>/dev/null || true
  rm -f /run/roster/*
}
exited_with() { [ "$(cat /run/exit 2>/dev/null)" = "$1" ]; }
logged() { grep -Eq "$1" "$daemon_log" || { tail -n 5 "$daemon_log"; return 1; }; }
everybody_lives() { # local users and root, and who was mirrored before
  known root && id -u roster >/dev/null && known p025
}
# begin_broken: a host that was in sync, with rosterd stopped and an empty log.
begin_broken() {
  begin /run/people.ldif
  daemon_stop
  : >"$daemon_log"
}
recovers() { wait_in_sync 30 && index_equals_directory; }

scenario "a configuration that is a folder"
begin_broken
mv "$config" /run/kept.toml
mkdir "$config"
supervise
check "it ends with 78, for which systemd does not start it again" eventually exited_with 78
check "and says what the matter is" logged 'roster\.toml.*regular file'
check "lookups go on" everybody_lives
rmdir "$config"
mv /run/kept.toml "$config"
supervise
check "with the fix and a restart all is well" recovers
supervise_end

scenario "a configuration that rosterd may not read"
begin_broken
chmod 600 "$config"
supervise
check "it ends with 78" eventually exited_with 78
check "and says what the matter is" logged 'roster\.toml.*(ermission|read)'
check "lookups go on" everybody_lives
chmod 644 "$config"
supervise
check "with the fix and a restart all is well" recovers
supervise_end

scenario "a CA file that is missing"
begin_broken
mv /etc/roster/ca.pem /run/kept.pem
supervise
check "the message names it" eventually logged 'ca\.pem'
check "lookups go on" everybody_lives
mv /run/kept.pem /etc/roster/ca.pem
exited_with 78 && supervise  # systemctl restart
check "with the fix all is well" recovers
supervise_end

scenario "a state folder on a read-only disk"
begin_broken
mount --bind /var/lib/roster /var/lib/roster
mount -o remount,ro,bind /var/lib/roster
supervise
check "the message names the folder and the reason" eventually logged '/var/lib/roster.*[Rr]ead-only'
check "lookups go on" everybody_lives
mount -o remount,rw,bind /var/lib/roster
check "with the fix alone all is well" recovers
supervise_end
umount -l /var/lib/roster

scenario "a full disk at the start"
mount -t tmpfs -o size=40m,mode=755,uid="$(id -u roster)",gid="$(id -g roster)" tmpfs /var/lib/roster
begin_broken
dd if=/dev/zero of=/var/lib/roster/filler bs=4096 status=none 2>/dev/null || true
person ada 25000 | ldap_add
supervise
check "the message says so" eventually logged '(disk is full|No space|full)'
check "lookups go on" everybody_lives
rm -f /var/lib/roster/filler
patience=40
check "with the fix alone the change arrives" eventually known ada
check "and all is well" recovers
patience=10
supervise_end
umount -l /var/lib/roster

scenario "the state folder deleted while rosterd runs"
begin_broken
supervise
wait_in_sync 20
find /var/lib/roster -mindepth 1 -delete
person ada 25000 | ldap_add
patience=40
check "everything is built anew" eventually known ada
check "and all is well" eventually recovers
check "the store is there for the next start" test -s /var/lib/roster/store/store.sqlite
patience=10
supervise_end
