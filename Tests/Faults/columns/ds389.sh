# 389 Directory Server followed by content synchronisation. openldap.sh says what a column offers.
#
# Making an instance takes 10 to 20 s. So it is made once for all cells, with the entries that every
# cell begins with (column_template), packed, and unpacked by each.
source "${BASH_SOURCE[0]%/*}/../../System/ds389-server.sh"

column_method=syncrepl
column_lines='compare_interval = "15s"'
column_port=3636
column_plain_port=3389
group_class=groupOfNames
ds_template=ds389.tar

column_settings() {
  case $row in
    # Everything is read at each connection.
    narrow-reconnect) bound=200 refresh_timeout=120s ;;
    # It says nothing at its limit: only refresh_timeout ends such a search.
    size-limit) patience_for_words=40 bound=60 ;;
    frozen | slow-answers | slower-answers | narrow | syn-dropped | half-open | black-hole | \
      reset-handshake | dns-silent) nightly="its silence is noticed as OpenLDAP's" ;;
    closed-after-bind | reset-entry) nightly="as reset-refresh" ;;
    time-limit) nightly="as size-limit" ;;
    lies | frames | referred-base) nightly="its messages are read as OpenLDAP's" ;;
    expired | wrong-name | other-ca) nightly="its certificate is checked as OpenLDAP's" ;;
    rebuilt) nightly="as rebuilt-with-less" ;;
    hidden-groups | hidden-subtree) nightly="as hidden-people" ;;
    disagree) nightly="as failover" ;;
    huge-group) nightly="a group is read as OpenLDAP's" ;;
  esac
}

# What lib.sh and directory.sh do to slapd, they do to it.
directory_pid() { ds_pid; }
ds_paths() { printf '%s\n' "etc/dirsrv/slapd-$ds_name" "var/lib/dirsrv/slapd-$ds_name" \
  "var/log/dirsrv/slapd-$ds_name" "run/lock/dirsrv/slapd-$ds_name"; }

# column_template FOLDER: an instance with TLS and the entries of every cell, packed.
column_template() {
  make_certificates /run/tls
  ds_make
  ds_plugins on
  ds_certificate
  ds_start
  ds_tls
  ds_fill /run/people.ldif
  ds_stop
  cp -a /run/tls /run/people.ldif "$ds_folder/"
  # What maps memory is made anew at each start.
  ds_paths | tar -C / -cf "$1/$ds_template.new" --exclude='__db.*' -T -
  mv "$1/$ds_template.new" "$1/$ds_template"
}

# ds_certificate: what lies in /run/tls becomes the server's.
ds_certificate() {
  local words=$ds_folder/pwdfile.txt nss
  nss=(-d "$ds_folder" -f "$words")
  openssl pkcs12 -export -in /run/tls/cert.pem -inkey /run/tls/key.pem -name Server-Cert \
    -passout pass: -out /run/server.p12
  certutil -F -n Server-Cert "${nss[@]}" >/dev/null 2>&1 || true
  certutil -A -n room-ca -t CT,, -i /run/tls/ca.pem "${nss[@]}"
  pk12util -i /run/server.p12 -d "$ds_folder" -k "$words" -W "" >/dev/null
}
ds_tls() {
  modify cn=config "replace: nsslapd-security
nsslapd-security: on
-
replace: nsslapd-secureport
nsslapd-secureport: $column_port
-
replace: nsslapd-maxbersize
nsslapd-maxbersize: 100000000"
  ldap_add -c 2>/dev/null <<'L' || true
dn: cn=RSA,cn=encryption,cn=config
objectClass: nsEncryptionModule
cn: RSA
nsSSLToken: internal (software)
nsSSLPersonalitySSL: Server-Cert
nsSSLActivation: on
L
  modify cn=RSA,cn=encryption,cn=config "replace: nsSSLPersonalitySSL
nsSSLPersonalitySSL: Server-Cert
-
replace: nsSSLActivation
nsSSLActivation: on"
}

column_make() {
  [ -s "$logs/$ds_template" ] || "$faults/cell.sh" ds389 template
  mount -t tmpfs -o mode=1777 tmpfs /dev/shm
  mkdir -p /run/dirsrv /run/lock/dirsrv
  chown dirsrv:dirsrv /run/dirsrv /run/lock/dirsrv
  tar -C / -xpf "$logs/$ds_template"
  mv "$ds_folder/tls" /run/tls
  cmp "$1" "$ds_folder/people.ldif"
}
column_start() { ds_start; }
column_stop() { ds_stop; }
column_freeze() { directory_freeze; }
column_thaw() { directory_thaw; }
column_config() { ldap_uri=ldaps://${column_host:-127.0.0.1}:$1 write_config "" "$2"; }
column_change() { ldap_change; }
column_add() { ldap_add; }
column_delete() { ldap_delete "$1"; }
column_disable() { replace "$1" employeeType disabled; }
column_equals() { ldapi_uri=$ldapi_uri /usr/bin/python3 "$system_tests/expectation.py" "$1"; }

column_restart() {
  ds_stop
  ds_start
}
# Its log of changes is a database, but not all of what went is in it.
column_forget() { column_restart; }

ds_database=/var/lib/dirsrv/slapd-$ds_name/db
column_backup() {
  ds_stop
  rm -rf /run/backup
  cp -a "$ds_database" /run/backup
  ds_start
}
column_restore() {
  ds_stop
  rm -rf "$ds_database"
  cp -a /run/backup "$ds_database"
  ds_start
}

# dump: the entries as an administrator would write them, without what the server made of them.
dump() {
  local file=/var/lib/dirsrv/slapd-$ds_name/ldif/dump.ldif
  ns-slapd db2ldif -D "$ds_folder" -n userRoot -U -a "$file" >/run/db2ldif.log 2>&1 || {
    tail -n 5 /run/db2ldif.log >&2
    return 1
  }
  grep -vEi \
    '^(nsUniqueId|entryUUID|entryUSN|createTimestamp|modifyTimestamp|creatorsName|modifiersName|entryid|numSubordinates|dsEntryDN):' \
    "$file"
}
refill() { # refill LDIF
  local file=/var/lib/dirsrv/slapd-$ds_name/ldif/refill.ldif
  cp "$1" "$file"
  chown dirsrv "$file"
  ns-slapd ldif2db -D "$ds_folder" -n userRoot -i "$file" >/run/ldif2db.log 2>&1 || {
    tail -n 5 /run/ldif2db.log >&2
    return 1
  }
}
column_rebuild() {
  ds_stop
  dump >/run/dump.ldif
  refill /run/dump.ldif
  ds_start
}
column_empty() {
  ds_stop
  dump >/run/dump.ldif
  # Without whoever is below the containers: roster's own account and its right to read stay.
  awk -v RS= -v ORS='\n\n' -v people=",$people_base" -v groups=",$groups_base" '
    index(tolower($0), people "\n") == 0 && index(tolower($0), groups "\n") == 0' \
    /run/dump.ldif >/run/base.ldif
  refill /run/base.ldif
  ds_start
}
column_refill() {
  ds_stop
  refill /run/dump.ldif
  ds_start
}

column_hide() {
  hidden=$1
  modify "$suffix" "add: aci
aci: $(hiding "$1")"
}
column_show() {
  modify "$suffix" "delete: aci
aci: $(hiding "$hidden")"
}
hiding() {
  printf '(target = "ldap:///cn=*,%s")(targetattr = "*")(version 3.0; acl "hidden"; deny (all) userdn = "ldap:///%s";)' \
    "$1" "$reader_dn"
}

column_limit() { # of what binds from now on
  local limit=${2:--1}
  replace "$reader_dn" nsSizeLimit "$limit"
}

column_certificate() {
  new_certificate "$1"
  ds_stop
  ds_certificate
  ds_start
}

column_password() { replace "$reader_dn" userPassword "$1"; }

column_schema() {
  ldap_change <<'L'
dn: cn=schema
changetype: modify
add: attributeTypes
attributeTypes: ( 1.3.6.1.4.1.55555.1 NAME 'badge' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
-
add: objectClasses
objectClasses: ( 1.3.6.1.4.1.55555.2 NAME 'badgeHolder' SUP top AUXILIARY MAY badge )
L
}

column_referral() {
  ldap_add -M <<L
dn: ou=away,$people_base
objectClass: referral
objectClass: extensibleObject
ou: away
ref: ldap://other.test/ou=away,dc=other
L
}

column_load() { ldap_add <"$1"; }

# A second server with its own files and the same certificate.
column_second_port=4636
column_second() {
  ds_name=second ds_folder=/etc/dirsrv/slapd-second ldapi_uri=ldapi://%2Frun%2Fslapd-second.socket \
    column_port=$column_second_port "$@"
}
# The second server as a copy of the first, entry UUIDs included.
column_twin() {
  local path
  ds_stop
  for path in $(ds_paths); do cp -a "/$path" "/${path/slapd-$ds_name/slapd-second}"; done
  ds_start
  sed -i "s/slapd-$ds_name/slapd-second/g; s/^nsslapd-port: .*/nsslapd-port: 4389/
    s/^nsslapd-secureport: .*/nsslapd-secureport: $column_second_port/I" /etc/dirsrv/slapd-second/dse.ldif
}
