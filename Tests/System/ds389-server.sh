# A throw-away 389 Directory Server for a room, without systemd. Sourced after lib.sh, whose helpers
# then speak to it: it takes the place of slapd.

ds_name=room
ds_folder=/etc/dirsrv/slapd-$ds_name
ldap_uri=ldap://127.0.0.1:3389
ldapi_uri=ldapi://%2Frun%2Fslapd-$ds_name.socket

# ds_make: a new instance with the containers and the reader's account; it is left stopped.
ds_make() {
  [ "${IN_ROOM:-}" = 1 ] || { echo "ds389-server.sh: only inside packaging/lib/room" >&2; exit 1; }
  mount -t tmpfs -o mode=1777 tmpfs /dev/shm  # its database maps files there
  sed -i 's/^with_systemd = 1/with_systemd = 0/' /usr/share/dirsrv/inf/defaults.inf
  mkdir -p /run/dirsrv /run/lock/dirsrv
  chown dirsrv:dirsrv /run/dirsrv /run/lock/dirsrv
  cat >/run/ds389.inf <<I
[general]
full_machine_name = localhost
strict_host_checking = False
systemd = False
selinux = False
start = False
[slapd]
instance_name = $ds_name
port = 3389
root_password = directory-manager
self_sign_cert = False
[backend-userroot]
suffix = $suffix
sample_entries = no
create_suffix_entry = True
I
  dscreate from-file /run/ds389.inf >/run/dscreate.log 2>&1 || { tail -n 20 /run/dscreate.log >&2; return 1; }
  ds_stop
}

ds_pid() { cat "/run/dirsrv/slapd-$ds_name.pid" 2>/dev/null; }

ds_start() {
  local try
  rm -f "/run/dirsrv/slapd-$ds_name.pid"
  ns-slapd -D "$ds_folder" -i "/run/dirsrv/slapd-$ds_name.pid" </dev/null >>/run/ns-slapd.log 2>&1 &
  for try in {1..600}; do
    ldapwhoami -Q -Y EXTERNAL -H "$ldapi_uri" >/dev/null 2>&1 && return 0
    sleep 0.05
  done
  echo "389 DS did not come up:" >&2
  tail -n 20 /run/ns-slapd.log "/var/log/dirsrv/slapd-$ds_name/errors" >&2
  return 1
}

ds_stop() {
  local pid
  pid=$(ds_pid) || return 0
  kill "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
}

# ds_plugins on|off: what content synchronisation needs, while the server is stopped.
ds_plugins() {
  /usr/bin/python3 - "$ds_folder/dse.ldif" "$1" <<'P'
import re, sys
path, state = sys.argv[1:]
entries = open(path).read().split("\n\n")
for number, entry in enumerate(entries):
    first = entry.strip().split("\n")[0]
    if not re.match(r"dn: cn=(Content Synchronization|Retro Changelog Plugin),cn=plugins", first):
        continue
    entry = re.sub(r"(?m)^nsslapd-pluginEnabled: .*$", "nsslapd-pluginEnabled: " + state, entry)
    if "Retro" in first and "targetUniqueId" not in entry:
        entry = entry.rstrip("\n") + "\nnsslapd-attribute: nsuniqueid:targetUniqueId"
    entries[number] = entry
open(path, "w").write("\n\n".join(entries))
P
}

# ds_fill [FILE...]: the containers, the reader's account with its right to read, and the entries.
ds_fill() {
  local unit
  {
    for unit in people groups services elsewhere; do
      printf 'dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n\n' "$unit" "$suffix" "$unit"
    done
    printf 'dn: %s\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n' "$reader_dn"
    printf 'cn: roster\nuserPassword: %s\n\n' "$reader_password"
    [ $# = 0 ] || cat "$@"
  } | ldap_add
  modify "$suffix" "add: aci
aci: (targetattr != \"userPassword\")(version 3.0; acl \"roster\"; allow (read, search, compare) userdn = \"ldap:///$reader_dn\";)"
}

# ds_limit NUMBER: how many entries one search may show.
ds_limit() { replace cn=config nsslapd-sizelimit "$1"; }
