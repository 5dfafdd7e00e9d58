# A throw-away OpenLDAP with TLS, syncprov and ppolicy. Sourced by the demo, the system tests and the
# benchmarks, in a room, where it is on loopback and its files are in /run; who runs it elsewhere says
# first where its files ($directory_run), its database and it itself may be.

suffix=dc=example,dc=org
people_base=ou=people,$suffix
groups_base=ou=groups,$suffix
reader_dn=cn=roster,ou=services,$suffix
reader_password=reader-secret
if [ -z "${directory_run:-}" ]; then
  [ "${IN_ROOM:-}" = 1 ] || { echo "directory.sh: only inside packaging/lib/room" >&2; exit 1; }
  directory_run=/run
fi
ldap_uri=${ldap_uri:-ldaps://127.0.0.1:636}
ldapi_uri=ldapi://${directory_run//\//%2F}%2Fldapi
directory_home=${directory_home:-/var/lib/ldap/room}
directory_log=$directory_run/slapd.log

# make_certificates FOLDER [ADDRESS]: a certificate authority and a certificate for ADDRESS, which is
# 127.0.0.1 by default, or for $certificate_names.
make_certificates() {
  mkdir -p "$1"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=room CA' \
    -keyout "$1/ca.key" -out "$1/ca.pem" 2>/dev/null
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=directory' \
    -keyout "$1/key.pem" -out "$1/request.pem" 2>/dev/null
  openssl x509 -req -in "$1/request.pem" -CA "$1/ca.pem" -CAkey "$1/ca.key" -CAcreateserial \
    -days 30 -out "$1/cert.pem" 2>/dev/null \
    -extfile <(echo "subjectAltName=${certificate_names:-DNS:localhost,IP:${2:-127.0.0.1}}")
}

# directory_make [LDIF...]: a new, empty directory with the containers and the reader's account, then
# the entries of the files. SESSION_LOG=0 leaves out syncprov's log of deletions; SYNCPROV=module
# loads syncprov for no database, SYNCPROV=none not at all. READER_LIMITS is what olcLimits gives the
# reader.
directory_make() {
  local d=$directory_home file
  rm -rf "$d"
  mkdir -p "$d/conf" "$d/db"
  [ -s "$directory_run/tls/cert.pem" ] || make_certificates "$directory_run/tls"
  directory_config >"$directory_run/config.ldif"
  slapadd -n0 -F "$d/conf" -l "$directory_run/config.ldif"
  directory_base >"$directory_run/base.ldif"
  for file in "$directory_run/base.ldif" "$@"; do
    slapadd -n1 -q -w -F "$d/conf" -l "$file"
  done
}

directory_config() {
  local d=$directory_home ppolicy={0}ppolicy
  cat <<L
dn: cn=config
objectClass: olcGlobal
cn: config
olcTLSCACertificateFile: $directory_run/tls/ca.pem
olcTLSCertificateFile: $directory_run/tls/cert.pem
olcTLSCertificateKeyFile: $directory_run/tls/key.pem
olcPidFile: $directory_run/slapd.pid
olcLogLevel: stats
olcSizeLimit: unlimited

dn: cn=module{0},cn=config
objectClass: olcModuleList
cn: module{0}
olcModulePath: /usr/lib/ldap
olcModuleLoad: back_mdb
olcModuleLoad: ppolicy$([ "${SYNCPROV:-}" = none ] || printf '\nolcModuleLoad: syncprov')

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file:///etc/ldap/schema/core.ldif
include: file:///etc/ldap/schema/cosine.ldif
include: file:///etc/ldap/schema/inetorgperson.ldif
include: file://${DIRECTORY_SCHEMA:-$repo/packaging/lib/rfc2307bis.ldif}
include: file://$repo/packaging/lib/openssh-lpk.ldif

dn: olcDatabase={0}config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: {0}config
olcAccess: to * by dn.exact=gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth manage

dn: olcDatabase={1}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {1}mdb
olcDbDirectory: $d/db
olcSuffix: $suffix
olcRootDN: gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth
olcDbMaxSize: 8589934592
olcDbNoSync: ${DIRECTORY_NOSYNC:-TRUE}
olcDbIndex: objectClass,uid,uidNumber,gidNumber,member,memberUid,entryCSN,entryUUID eq
olcLimits: dn.exact="$reader_dn" ${READER_LIMITS:-size=unlimited time=unlimited}
olcAccess: to attrs=userPassword by self =xw by anonymous auth by * none
olcAccess: to * by dn.exact="$reader_dn" read by * none
L
  if [ -z "${SYNCPROV:-}" ]; then
    cat <<L

dn: olcOverlay={0}syncprov,olcDatabase={1}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcSyncProvConfig
olcOverlay: {0}syncprov
olcSpCheckpoint: 100 10
olcSpSessionlog: ${SESSION_LOG:-10000}
L
    ppolicy={1}ppolicy
  fi
  cat <<L

dn: olcOverlay=$ppolicy,olcDatabase={1}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcPPolicyConfig
olcOverlay: $ppolicy
olcPPolicyDefault: cn=default,ou=policies,$suffix
L
}

directory_base() {
  cat <<L
dn: $suffix
objectClass: dcObject
objectClass: organization
dc: example
o: Example

L
  local unit
  for unit in people groups services policies elsewhere; do
    printf 'dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n\n' "$unit" "$suffix" "$unit"
  done
  cat <<L
dn: cn=default,ou=policies,$suffix
objectClass: organizationalRole
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 100000

dn: $reader_dn
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: roster
userPassword: $(slappasswd -s "$reader_password")
L
}

directory_pid() { cat "$directory_run/slapd.pid" 2>/dev/null; }

directory_start() {
  local try
  rm -f "$directory_run/slapd.pid"
  # -d keeps slapd in the foreground, so that it is ours to stop and to freeze.
  slapd -d 0 -F "$directory_home/conf" \
    -h "${listen_url:-ldap://127.0.0.1:389 $ldap_uri $ldapi_uri}" </dev/null >>"$directory_log" 2>&1 &
  for try in {1..200}; do
    [ -s "$directory_run/slapd.pid" ] && ldapwhoami -Q -Y EXTERNAL -H "$ldapi_uri" >/dev/null 2>&1 && return 0
    sleep 0.02
  done
  echo "slapd did not come up, see $directory_log:" >&2
  tail "$directory_log" >&2
  return 1
}

directory_stop() {
  local pid
  pid=$(directory_pid) || return 0
  kill -CONT "$pid" 2>/dev/null || true
  kill "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null; do sleep 0.01; done
}

# directory_freeze: returns when every thread of slapd is stopped; the signal alone is no promise.
directory_freeze() {
  local pid task try state
  pid=$(directory_pid)
  kill -STOP "$pid"
  for try in {1..500}; do
    state=T
    for task in /proc/"$pid"/task/*/stat; do
      # The name in the second field may hold blanks; the state follows its last parenthesis.
      [[ $(sed 's/.*) //' "$task" 2>/dev/null) =~ ^[Tt] ]] || state=
    done
    [ -z "$state" ] || return 0
    sleep 0.01
  done
  echo "slapd does not stop" >&2
  return 1
}
directory_thaw() { kill -CONT "$(directory_pid)"; }

# LDIF on standard input; the acknowledgement is the return.
ldap_change() { ldapmodify -Q -Y EXTERNAL -H "$ldapi_uri" "$@" >/dev/null; }
ldap_add() { ldap_change -a "$@"; }
ldap_delete() { ldapdelete -Q -Y EXTERNAL -H "$ldapi_uri" "$@"; }
ldap_find() { ldapsearch -Q -Y EXTERNAL -H "$ldapi_uri" -LLL -o ldif-wrap=no -b "$suffix" "$@"; }
