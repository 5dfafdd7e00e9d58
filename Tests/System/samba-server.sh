# A throw-away Samba Active Directory domain controller for a room, with the attributes of RFC 2307.
# Sourced after lib.sh, whose helpers then speak to it: it takes the place of slapd.
#
#     samba_make [LDIF...]      a new domain with containers, reader and these entries; it runs then
#     samba_start, samba_stop   MODEL=standard: a process per connection, notification every 5 s
#     samba_freeze, samba_thaw  no process of it does anything between the two
#     samba_config [LINES]      rosterd's configuration; LINES go into [directory]
#     person, group, computer   entries as LDIF, as in lib.sh; group takes DNs of members
#     password_of NAME WORD     sets a password as the administrator does
# and lib.sh's modify, replace, add_value, delete_value, rename, ldap_add, ldap_delete, ldap_find, all
# as the administrator.

samba_home=/run/samba-dc
samba_log=/run/samba.log
samba_realm=ad.example.org
suffix=DC=ad,DC=example,DC=org
people_base=OU=people,$suffix
groups_base=OU=groups,$suffix
services_base=OU=services,$suffix
# An ordinary user, who may read what every user may.
reader_name=roster
reader_dn=CN=$reader_name,$services_base
reader_principal=$reader_name@$samba_realm
reader_password=Reader-secret-1
administrator_dn=CN=Administrator,CN=Users,$suffix
administrator_password=Adm1n-passw0rd
ldap_uri=ldaps://dc1.$samba_realm
ca_file=/run/tls/ca.pem
ldapi_uri=ldapi://${samba_home//\//%2F}%2Fprivate%2Fldapi

# samba_host: the name that it knows its host by.
samba_host() {
  hostname dc1
  grep -q " dc1.$samba_realm" /etc/hosts || echo "127.0.0.1 dc1.$samba_realm dc1" >>/etc/hosts
}

# samba_make [LDIF...]: a domain with the containers, the reader and the entries, running.
samba_make() {
  [ "${IN_ROOM:-}" = 1 ] || { echo "samba-server.sh: only inside packaging/lib/room" >&2; exit 1; }
  rm -rf "$samba_home"
  mkdir -p "$samba_home"
  samba_host
  certificate_names=${certificate_names:-DNS:dc1.$samba_realm,DNS:$samba_realm,IP:127.0.0.1} \
    make_certificates /run/tls
  chmod 600 /run/tls/key.pem
  samba-tool domain provision --targetdir="$samba_home" --use-rfc2307 --realm="${samba_realm^^}" \
    --domain=EXAMPLE --server-role=dc --dns-backend=SAMBA_INTERNAL --host-name=dc1 \
    --adminpass="$administrator_password" --host-ip=127.0.0.1 \
    --option='interfaces=127.0.0.1/8' --option='bind interfaces only=yes' \
    --option='ldap server require strong auth=allow_sasl_over_tls' \
    --option='server services=ldap' \
    --option='tls keyfile=/run/tls/key.pem' --option='tls certfile=/run/tls/cert.pem' \
    --option='tls cafile=/run/tls/ca.pem' >"$samba_home/provision.log" 2>&1 ||
    { tail -n 20 "$samba_home/provision.log" >&2; return 1; }
  mkdir -p "$samba_home/run"
  samba_start
  samba_base | ldap_add
  password_of "$reader_name" "$reader_password"
  [ $# = 0 ] || cat "$@" | ldap_add
}

samba_base() {
  local unit
  for unit in people groups services elsewhere; do
    printf 'dn: OU=%s,%s\nobjectClass: organizationalUnit\n\n' "$unit" "$suffix"
  done
  printf 'dn: %s\nobjectClass: user\nsAMAccountName: %s\n' "$reader_dn" "$reader_name"
  printf 'userPrincipalName: %s\nuserAccountControl: 66080\n\n' "$reader_principal"
}

samba_start() {
  local try
  setsid samba -i -M "${MODEL:-single}" -s "$samba_home/etc/smb.conf" --debug-stdout \
    </dev/null >>"$samba_log" 2>&1 &
  samba_pid=$!
  disown "$samba_pid"
  for try in {1..600}; do
    ldapsearch -x -LLL -H "$ldapi_uri" -s base -b '' dnsHostName >/dev/null 2>&1 && return 0
    sleep 0.05
  done
  echo "samba did not come up:" >&2
  tail -n 20 "$samba_log" >&2
  return 1
}

# Every process of it, its own group of them.
samba_processes() { ps -eo pid=,pgid= | awk -v group="$samba_pid" '$2 == group { print $1 }'; }

samba_stop() {
  local pids pid
  [ -n "${samba_pid:-}" ] || return 0
  pids=$(samba_processes)
  kill -CONT -- "-$samba_pid" 2>/dev/null || true
  kill -- "-$samba_pid" 2>/dev/null || true
  for pid in $pids; do
    while grep -q '^State:[^Z]*$' "/proc/$pid/status" 2>/dev/null; do sleep 0.02; done
  done
  samba_pid=
}

# samba_freeze: returns when every process of it is stopped; the signal alone is no promise.
samba_freeze() {
  local pid try state
  kill -STOP -- "-$samba_pid"
  for try in {1..500}; do
    state=T
    for pid in $(samba_processes); do
      [[ $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null) =~ ^[TtZ] ]] || state=
    done
    [ -z "$state" ] || return 0
    sleep 0.01
  done
  echo "samba does not stop" >&2
  return 1
}
samba_thaw() { kill -CONT -- "-$samba_pid"; }

# samba_config [LINES]: rosterd's configuration for the server.
samba_config() {
  mkdir -p /etc/roster
  chmod 755 /etc/roster
  printf '%s' "$reader_password" >/etc/roster/bind-password
  chown root:roster /etc/roster/bind-password
  chmod 640 /etc/roster/bind-password
  cp "$ca_file" /etc/roster/ca.pem
  cat >"$config" <<T
[directory]
uris = ["$ldap_uri"]
schema = "ad"
tls = "ldaps"
ca_file = "/etc/roster/ca.pem"
base = "$suffix"
people_base = "$people_base"
groups_base = "$groups_base"
bind_dn = "$reader_dn"
bind_password_file = "/etc/roster/bind-password"
${1:-}

[accounts]
${accounts_lines:-}
T
}

# As the administrator; LDIF on standard input, the acknowledgement is the return.
as_administrator=(-x -D "$administrator_dn" -w "$administrator_password" -H "$ldap_uri")
ldap_change() { LDAPTLS_CACERT=$ca_file ldapmodify "${as_administrator[@]}" "$@" >/dev/null; }
ldap_add() { ldap_change -a "$@"; }
ldap_delete() { LDAPTLS_CACERT=$ca_file ldapdelete "${as_administrator[@]}" "$@"; }
ldap_find() {
  LDAPTLS_CACERT=$ca_file ldapsearch "${as_administrator[@]}" -LLL -o ldif-wrap=no -b "$suffix" "$@"
}
# As the reader, whom rosterd binds as.
reader_finds() {
  LDAPTLS_CACERT=$ca_file ldapsearch -x -D "$reader_dn" -w "$reader_password" -H "$ldap_uri" -LLL \
    -o ldif-wrap=no -b "$suffix" "$@"
}

dn_of() { printf 'CN=%s,%s' "$1" "$people_base"; }
group_dn() { printf 'CN=%s,%s' "$1" "$groups_base"; }

# person NAME UID [LINE...]: an enabled user without a password; see password_of.
person() {
  local name=$1 uid=$2
  shift 2
  printf 'dn: CN=%s,%s\nobjectClass: user\nsAMAccountName: %s\n' "$name" "${under:-$people_base}" "$name"
  printf 'userPrincipalName: %s@%s\ndisplayName: The %s\nuserAccountControl: 544\n' \
    "$name" "$samba_realm" "$name"
  printf 'uidNumber: %s\ngidNumber: 10000\n' "$uid"
  case " $* " in *unixHomeDirectory*) ;; *) printf 'unixHomeDirectory: /home/%s\n' "$name" ;; esac
  case " $* " in *loginShell*) ;; *) printf 'loginShell: /bin/bash\n' ;; esac
  [ $# = 0 ] || printf '%s\n' "$@"
  echo
}
# person_without_ids NAME [LINE...]: one whom no administrator gave attributes of RFC 2307.
person_without_ids() {
  local name=$1
  shift
  printf 'dn: CN=%s,%s\nobjectClass: user\nsAMAccountName: %s\n' "$name" "${under:-$people_base}" "$name"
  printf 'userPrincipalName: %s@%s\nuserAccountControl: 544\n' "$name" "$samba_realm"
  [ $# = 0 ] || printf '%s\n' "$@"
  echo
}
group() { # group NAME GID [MEMBER_DN...]
  local name=$1 gid=$2 member
  shift 2
  printf 'dn: CN=%s,%s\nobjectClass: group\nsAMAccountName: %s\ngidNumber: %s\n' \
    "$name" "$groups_base" "$name" "$gid"
  for member; do printf 'member: %s\n' "$member"; done
  echo
}
computer() {
  printf 'dn: CN=%s,CN=Computers,%s\nobjectClass: computer\nsAMAccountName: %s$\n' "$1" "$suffix" "$1"
  printf 'userAccountControl: 4128\n\n'
}

# password_of NAME WORD: as "Reset Password" of AD's own tools; the account is found by its name.
password_of() {
  local dn
  dn=$(ldap_find "(sAMAccountName=$1)" dn | sed -n 's/^dn: //p')
  modify "$dn" "replace: unicodePwd
unicodePwd:: $(printf '"%s"' "$2" | iconv -t UTF-16LE | base64 -w0)"
}
must_change() { replace "$(dn_of "$1")" pwdLastSet 0; }
disable() { replace "$(dn_of "$1")" userAccountControl 546; }
enable() { replace "$(dn_of "$1")" userAccountControl 544; }

# show_deleted_to_reader: the right to list the deleted objects, as dsacls gives it.
show_deleted_to_reader() {
  /usr/bin/python3 - "$samba_home" "$suffix" "$reader_name" <<'P'
import sys
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB
import ldb

home, suffix, reader = sys.argv[1:]
lp = LoadParm()
lp.load(home + "/etc/smb.conf")
database = SamDB(url=home + "/private/sam.ldb", session_info=system_session(), lp=lp)
found = database.search(suffix, ldb.SCOPE_SUBTREE, "(sAMAccountName=%s)" % reader, ["objectSid"])
sid = ndr_unpack(security.dom_sid, found[0]["objectSid"][0])
deleted = "CN=Deleted Objects," + suffix
controls = ["show_deleted:1", "sd_flags:1:4"]
found = database.search(deleted, ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"], controls=controls)
rights = ndr_unpack(security.descriptor, found[0]["nTSecurityDescriptor"][0])
domain = security.dom_sid(database.get_domain_sid())
text = rights.as_sddl(domain) + "(A;;LCRP;;;%s)" % sid
rights = security.descriptor.from_sddl(text, domain)
message = ldb.Message(ldb.Dn(database, deleted))
message["nTSecurityDescriptor"] = ldb.MessageElement(
    ndr_pack(rights), ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor")
database.modify(message, controls=controls)
P
}
