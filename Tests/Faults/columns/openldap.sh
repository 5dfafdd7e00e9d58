# OpenLDAP followed by RFC 4533. What a column offers, for cell.sh and the rows:
#
#   column_make LDIF...        a new, empty server with these entries, stopped
#   column_start, column_stop, column_freeze, column_thaw
#   column_port                where it speaks TLS; column_plain_port: without
#   column_method              how rosterd follows it: syncrepl, poll or usn
#   column_lines               what roster's configuration says of that
#   column_config PORT LINES   roster's configuration for the server as seen through PORT
#   column_change, column_add  LDIF on standard input; column_delete DN, column_disable DN
#   column_equals SECONDS      the mirror is what the server says, at the latest then
#   column_settings            where wanted, what is different for this column in $row: longer bounds,
#                              or why the cell runs nightly only
#
#   column_template FOLDER     where making a server takes long: what all cells share, made once
#
# and what some rows need; a cell whose row needs what its column does not offer is not run:
#
#   column_forget              a restart with no memory of what was deleted
#   column_backup, column_restore
#   column_rebuild             from an LDIF dump, with other entry UUIDs; column_empty: with nothing
#   column_hide DN, column_show  what is below DN, from roster; everything again
#   column_limit size N, column_limit none
#   column_certificate KIND    good, expired, wrong-name, other-ca
#   column_password TEXT       roster's own
#   column_schema              another attribute type and class
#   column_referral            an entry that refers elsewhere
#   column_load FILE           many entries at once
#   column_second COMMAND...   the same functions for a second server

column_method=syncrepl
column_lines='compare_interval = "15s"'
column_port=636
column_plain_port=389
column_make() {
  [ -s /run/tls/cert.pem ] || make_certificates /run/tls
  directory_make "$@"
}
column_start() { directory_start; }
column_stop() { directory_stop; }
column_freeze() { directory_freeze; }
column_thaw() { directory_thaw; }
column_config() { ldap_uri=ldaps://${column_host:-127.0.0.1}:$1 write_config "${column_settings_of_logins:-}" "$2"; }
column_change() { ldap_change; }
column_add() { ldap_add; }
column_delete() { ldap_delete "$1"; }
column_disable() { replace "$1" employeeType disabled; }
column_equals() { /usr/bin/python3 "$system_tests/expectation.py" "$1"; }

column_restart() {
  directory_stop
  directory_start
}
# Syncprov's log of deletions is in memory.
column_forget() { column_restart; }

column_backup() {
  directory_stop
  rm -rf /run/backup
  cp -a "$directory_home/db" /run/backup
  directory_start
}
column_restore() {
  directory_stop
  rm -rf "$directory_home/db"
  cp -a /run/backup "$directory_home/db"
  directory_start
}
# dump: the entries as an administrator would write them, without what the server made of them.
dump() {
  slapcat -n1 -o ldif-wrap=no -F "$directory_home/conf" | grep -vE \
    '^(entryUUID|entryCSN|contextCSN|createTimestamp|modifyTimestamp|creatorsName|modifiersName|structuralObjectClass|pwdChangedTime):'
}
refill() { # refill LDIF
  rm -rf "$directory_home/db"
  mkdir "$directory_home/db"
  slapadd -n1 -q -w -F "$directory_home/conf" -l "$1"
}
column_rebuild() {
  directory_stop
  dump >/run/dump.ldif
  refill /run/dump.ldif
  directory_start
}
column_empty() {
  directory_stop
  dump >/run/dump.ldif
  refill "$directory_run/base.ldif"
  directory_start
}
column_refill() {
  directory_stop
  refill /run/dump.ldif
  directory_start
}

column_hide() { people_base=$1 reader_access none; }
column_show() { reader_access read; }

column_limit() {
  local limit="size=unlimited time=unlimited"
  [ "$1" = none ] || limit="$1=$2"
  printf 'dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcLimits\nolcLimits: dn.exact="%s" %s\n' \
    "$reader_dn" "$limit" | ldap_change
}

column_certificate() {
  new_certificate "$1"
  column_restart
}

column_password() { replace "$reader_dn" userPassword "$(slappasswd -s "$1")"; }

column_schema() {
  ldap_add <<'L'
dn: cn=badges,cn=schema,cn=config
objectClass: olcSchemaConfig
cn: badges
olcAttributeTypes: ( 1.3.6.1.4.1.55555.1 NAME 'badge' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
olcObjectClasses: ( 1.3.6.1.4.1.55555.2 NAME 'badgeHolder' SUP top AUXILIARY MAY badge )
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

column_load() {
  directory_stop
  slapadd -n1 -q -w -F "$directory_home/conf" -l "$1"
  directory_start
}

# A second server with its own files, whose certificate comes from the same authority.
column_second_port=2636
column_second() {
  mkdir -p /run/second
  [ -d /run/second/tls ] || cp -a /run/tls /run/second/tls
  directory_run=/run/second directory_home=/var/lib/ldap/second directory_log=/run/second/slapd.log \
    ldap_uri=ldaps://127.0.0.1:$column_second_port ldapi_uri=ldapi://%2Frun%2Fsecond%2Fldapi \
    listen_url="ldaps://127.0.0.1:$column_second_port ldapi://%2Frun%2Fsecond%2Fldapi" "$@"
}
# The second server as a copy of the first, entry UUIDs and change stamps included.
column_twin() {
  slapcat -n1 -F "$directory_home/conf" >/run/twin.ldif
  column_second directory_make
  column_second refill /run/twin.ldif
}
