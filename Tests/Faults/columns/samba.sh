# Samba as an Active Directory domain controller, followed by its change numbers (uSNChanged). roster's
# own account is an ordinary user, who may not list deleted objects: comparisons show deletions.
# openldap.sh says what a column offers. Not offered: a schema change, from which this Samba ends; a limit,
# for pages go round it; and a group of people who do not exist, which it refuses.
#
# Making a domain takes 6 to 16 s. So it is made once for all cells, as ds389.sh does; and a second one
# without people, for a server that is built anew.
source "${BASH_SOURCE[0]%/*}/../../System/samba-server.sh"

column_method=usn
column_lines='poll_interval = "1s"
compare_interval = "2s"'
column_port=636
column_plain_port=389
certificate_names="DNS:dc1.$samba_realm,DNS:$samba_realm,IP:127.0.0.1,IP:127.0.0.2,DNS:directory.test"
# The administrator comes by the socket, whatever becomes of the certificate.
administrator=(-x -D "$administrator_dn" -w "$administrator_password")
as_administrator=("${administrator[@]}" -H "$ldapi_uri")
# Its schema limits what a value may hold.
largest_gecos=10000 largest_description=1000
samba_template=samba.tar samba_other_template=samba-other.tar
# As in openldap-poll.sh: after a slow comparison the next one does not wait for ever.
accounts_lines='[login]
max_staleness = "30s"'

column_settings() {
  bound=$((bound + 10))
  case $row in
    slow-answers) patience_for_changes=120 bound=120 nightly="takes minutes" ;;
    narrow) patience_for_changes=120 bound=60 nightly="takes minutes" ;;
    narrow-reconnect) patience_for_changes=300 bound=200 refresh_timeout=120s ;;
    slower-answers | syn-dropped | half-open | black-hole | reset-handshake | dns-silent) \
      nightly="its silence is noticed as that of a server that is polled" ;;
    expired | wrong-name | other-ca) nightly="its certificate is checked as OpenLDAP's" ;;
    closed-after-bind | reset-entry) nightly="as reset-refresh" ;;
    time-limit) nightly="ends as any search that ends" ;;
    lies | frames | referred-base) nightly="its messages are read as OpenLDAP's" ;;
    referral) nightly="all it does ends with references" ;;
    no-session-log) nightly="it has no session log" ;;
    rebuilt) nightly="as rebuilt-with-less" ;;
    hidden-groups | hidden-subtree) nightly="as hidden-people" ;;
  esac
}

# column_template FOLDER: a domain with the entries of every cell, and another one without, packed.
column_template() {
  local as_administrator=("${administrator[@]}" -H "$ldap_uri")
  samba_make
  pack "$1/$samba_other_template"
  samba_make /run/people.ldif
  cp -a /run/tls /run/people.ldif "$samba_home/"
  pack "$1/$samba_template"
}
pack() {
  samba_stop
  # The relay that looks into messages speaks to it without TLS; and a password that was changed would
  # be good for another hour.
  sed -i 's/\(ldap server require strong auth\) =.*/\1 = no\n\told password allowed period = 0/' \
    "$samba_home/etc/smb.conf"
  find "$samba_home" -type s -delete
  tar -C / -cSf "$1.new" "${samba_home#/}"
  mv "$1.new" "$1"
}
unpack() {
  rm -rf "$samba_home"
  tar -C / -xpf "$logs/$1"
}

column_make() {
  [ -s "$logs/$samba_template" ] || "$faults/cell.sh" samba template
  samba_host
  unpack "$samba_template"
  mv "$samba_home/tls" /run/tls
  cmp "$1" "$samba_home/people.ldif"
}
column_start() { samba_start; }
column_stop() { samba_stop; }
column_freeze() { samba_freeze; }
column_thaw() { samba_thaw; }
column_config() { ldap_uri=ldaps://${column_host:-127.0.0.1}:$1 samba_config "$2"; }
column_change() { ldap_change; }
column_add() { ldap_add; }
column_delete() { ldap_delete "$1"; }
column_disable() { replace "$1" userAccountControl 546; }
column_equals() {
  suffix=$suffix ldap_uri=$ldap_uri ca_file=$ca_file administrator_dn=$administrator_dn \
    administrator_password=$administrator_password \
    /usr/bin/python3 "$system_tests/expectation.py" "$1"
}

column_restart() {
  samba_stop
  samba_start
}
column_forget() { column_restart; }

column_backup() {
  samba_stop
  rm -rf /run/backup
  cp -a "$samba_home" /run/backup
  samba_start
}
column_restore() {
  samba_stop
  rm -rf "$samba_home"
  cp -a /run/backup "$samba_home"
  samba_start
}

# dump: containers, people and groups as an administrator would write them; who is named comes first.
dump() {
  local what=(sAMAccountName userPrincipalName displayName gecos userAccountControl uidNumber gidNumber
    unixHomeDirectory loginShell objectClass)
  entries "$people_base" '(objectClass=organizationalUnit)' ou objectClass
  entries "$people_base" '(objectClass=user)' "${what[@]}"
  entries "$groups_base" '(objectClass=group)' "${what[@]}"
  # Members afterwards, because groups are members too.
  entries "$groups_base" '(member=*)' member |
    sed 's/^dn: .*/&\nchangetype: modify\nadd: member/'
}
entries() { # entries BASE FILTER ATTRIBUTE...: without the base and without references
  local base=$1
  ldap_find -b "$base" "(&$2(!(distinguishedName=$base)))" "${@:3}" | grep -v '^# ref'
}
refill() { ldap_change -a -f "$1"; }

column_rebuild() {
  dump >/run/dump.ldif
  column_refill
}
column_empty() {
  dump >/run/dump.ldif
  samba_stop
  unpack "$samba_other_template"
  samba_start
}
column_refill() {
  samba_stop
  unpack "$samba_other_template"
  unseen refill /run/dump.ldif
}
# unseen COMMAND...: starts it and does that before any client comes.
unseen() {
  kill -STOP "$relay_pid"
  samba_start
  "$@"
  kill -CONT "$relay_pid"
}

# The right to read is denied to what inherits it, and the right to list to the container, because what
# every user may do with a group stands before what a group inherits. All is given back as it was.
column_hide() {
  local sid
  hidden=$1
  sid=$(ldbsearch -H "$samba_home/private/sam.ldb" "(sAMAccountName=$reader_name)" objectSid |
    sed -n 's/^objectSid: //p')
  ldbsearch -H "$samba_home/private/sam.ldb" -s base -b "$1" nTSecurityDescriptor |
    awk '/^[^ ]/ { wanted = /^nTSecurityDescriptor:/ } /^$/ { wanted = 0 } wanted' >/run/descriptor
  samba-tool dsacl set -H "$samba_home/private/sam.ldb" -s "$samba_home/etc/smb.conf" \
    --objectdn="$1" --sddl="(D;CIIO;GR;;;$sid)(D;;LC;;;$sid)" >/run/dsacl.log 2>&1
}
column_show() {
  { printf 'dn: %s\nchangetype: modify\nreplace: nTSecurityDescriptor\n' "$hidden"; cat /run/descriptor; } |
    ldbmodify -H "$samba_home/private/sam.ldb" >/dev/null
}

column_certificate() {
  new_certificate "$1"
  chmod 600 /run/tls/key.pem
  column_restart
}

# Every search from the top of the domain ends with references to its other parts.
column_referral() { :; }

column_password() { password_of "$reader_name" "$1"; }

# A second domain controller of the same domain, at another address, whose database has another identity
# and change numbers of its own.
column_second_host=127.0.0.2
column_second_port=636
column_second() {
  local samba_home=/run/samba-second samba_log=/run/second.log samba_pid=${second_pid:-} \
    ldap_uri=ldaps://$column_second_host ldapi_uri=ldapi://%2Frun%2Fsamba-second%2Fprivate%2Fldapi
  local as_administrator=("${administrator[@]}" -H "$ldapi_uri")
  "$@"
  second_pid=$samba_pid
}
# The second server as a copy of the first, objectGUIDs included.
column_twin() {
  local second=/run/samba-second file settings
  ip address add "$column_second_host/8" dev lo
  samba_stop
  cp -a "$samba_home" "$second"
  samba_start
  sed -i "s|$samba_home|$second|; s|interfaces = 127.0.0.1/8|interfaces = $column_second_host/8\n\tpid directory = $second|" \
    "$second/etc/smb.conf"
  file=tdb://$second/private/sam.ldb.d/CN=CONFIGURATION,${suffix^^}.ldb
  settings=$(ldbsearch -H "$file" '(invocationId=*)' dn | sed -n 's/^dn: //p')
  printf 'dn: %s\nchangetype: modify\nreplace: invocationId\ninvocationId:: %s\n' \
    "$settings" "$(head -c 16 /dev/urandom | base64)" | ldbmodify -H "$file" >/dev/null
}
