#!/bin/bash
# The daemon killed, its store lost, its state wiped; a second instance.
source "$(dirname "$0")/lib.sh"

scenario "rosterd killed at random moments while changes arrive"
{
  many_people 300
  group makers 30001 "$(dn_of p001)"
  group all 30002 "$(group_dn makers)"
} >/run/people.ldif
begin /run/people.ldif
export directory_home ldap_uri ldapi_uri config daemon_log
daemon_stop
kills=50
[ "${NIGHTLY:-}" != 1 ] || kills=500
/usr/bin/python3 "$system_tests/kills.py" "$kills" "${SEED:-$RANDOM$RANDOM}"
none_in() { [ -e "/run/kills.$1" ] && [ ! -s "/run/kills.$1" ] || { wc -l "/run/kills.$1"; head -n 5 "/run/kills.$1"; return 1; }; }
check "readers saw nothing but what the directory had, and never went back" none_in seen
check "no cookie was ahead of its data" none_in ahead
check "the mirror equals the directory" none_in left

scenario "the store"
begin /run/people.ldif
for damage in deleted overwritten truncated; do
  daemon_stop
  find /var/lib/roster/store -type f >/run/store.files
  while read -r file; do
    case $damage in
      deleted) rm "$file" ;;
      overwritten) dd if=/dev/urandom of="$file" bs=4096 count=16 conv=notrunc status=none ;;
      truncated) truncate -s 5000 "$file" ;;
    esac
  done </run/store.files
  check "$damage: there was a store" [ -s /run/store.files ]
  check "$damage: the published index answers without the daemon" people_are 300
  daemon_start
  check "$damage: and while it is rebuilt" known p150
  check "$damage: the mirror is rebuilt" wait_in_sync 30
  check "$damage: and equals the directory" index_equals_directory
  replace "$(dn_of p001)" gecos "After $damage"
  ldap_add <<<"$(person "after-$damage" $((41000 + ${#damage})))"
  check "$damage: changes arrive" eventually known "after-$damage"
  ldap_delete "$(dn_of "after-$damage")"
  eventually unknown "after-$damage"
done

# Nightly, because each turn takes seconds.
if [ "${NIGHTLY:-}" = 1 ]; then
  scenario "pages of the store overwritten"
  begin /run/people.ldif
  turns=60
  RANDOM=${SEED:-$RANDOM}
  failed_before=$failed
  for ((turn = 1; turn <= turns; turn++)); do
    replace "$(dn_of "$(printf 'p%03d' "$turn")")" gecos "Turn $turn"
    eventually says "Turn $turn" getent passwd "$(printf 'p%03d' "$turn")" || true
    # Killed, it leaves a write-ahead log; ended, it leaves everything in the file.
    daemon_stop "$([ $((turn % 2)) = 0 ] && echo KILL || echo TERM)"
    mapfile -t files < <(find /var/lib/roster/store -type f -size +0 \( -name '*.sqlite' -o -name '*-wal' \) | sort)
    file=${files[RANDOM % ${#files[@]}]}
    pages=$((($(stat -c %s "$file") + 4095) / 4096)) page=
    for _ in 1 2 3; do
      page=$((RANDOM % pages))
      dd if=/dev/urandom of="$file" bs=4096 count=1 seek="$page" conv=notrunc status=none
    done
    what="turn $turn, page $page of ${file##*/}"
    check "$what: lookups answer without the daemon" known p150
    daemon_start
    check "$what: the mirror catches up" wait_in_sync 30
    check "$what: and equals the directory" index_equals_directory
    name="turn$turn"
    person "$name" $((42000 + turn)) | ldap_add
    check "$what: changes arrive" eventually known "$name"
    ldap_delete "$(dn_of "$name")"
    eventually unknown "$name" && [ "$failed" = "$failed_before" ] && continue
    failed_before=$failed
    daemon_stop KILL
    find /var/lib/roster/store -mindepth 1 -delete
    daemon_start
    wait_in_sync 30
  done
fi

scenario "the state directory wiped under a process that lives on"
begin /run/people.ldif
/usr/bin/python3 - >/run/longlived.out <<'P' &
import pwd, time
pwd.getpwnam("p001")
print("before", flush=True)
end = time.monotonic() + 30
while time.monotonic() < end:
    try:
        pwd.getpwnam("p001")
    except KeyError:
        print("lost", flush=True)
        time.sleep(0.05)
    try:
        pwd.getpwnam("newcomer")
        print("after", flush=True)
        break
    except KeyError:
        time.sleep(0.001)
P
longlived=$!
eventually grep -q before /run/longlived.out
daemon_stop
find /var/lib/roster -mindepth 1 -delete
sleep 0.3
daemon_start
wait_in_sync 20
person newcomer 40000 | ldap_add
check "a new process sees the newcomer" eventually known newcomer
patience=5 check "the old process sees the new state directory" eventually grep -q after /run/longlived.out
kill "$longlived" 2>/dev/null || true
wait "$longlived" 2>/dev/null || true
check "and kept its people meanwhile" not grep -q lost /run/longlived.out

scenario "one daemon at a time, and its end"
begin /run/people.ldif
check "a second instance is refused and names the first's pid" \
  fails_naming "$daemon_pid" timeout 10 "${unprivileged[@]}" /usr/sbin/rosterd --config "$config"
check "the first is unharmed" kill -0 "$daemon_pid"
person ada 25000 | ldap_add
check "and works" eventually known ada
check "SIGTERM ends it within 2 s" within 2000 daemon_stop TERM
check "lookups answer without it" known p150
check "roster user answers without it" says 'p150' roster user p150
check "roster status says that it does not run" says 'not running|rosterd' roster status
check "the files are readable for everybody, the store is not" \
  setpriv --reuid=nobody --clear-groups bash -c \
  'getent passwd p150 >/dev/null && ! ls /var/lib/roster/store 2>/dev/null'
