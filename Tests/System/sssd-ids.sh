#!/bin/bash
# The ids of ids = "sid" beside those of a real SSSD (ldap_id_mapping) over one real Samba domain.
source "$(dirname "$0")/../../packaging/lib/build.sh"
debs=$repo/.build-release/sssd
if [ "${IN_ROOM:-}" != 1 ]; then
  need_packages "${directory_packages[@]}" "${samba_packages[@]}"
  # SSSD's packages are unpacked in the room alone: installed, they would change nsswitch.conf here.
  mkdir -p "$debs/partial"
  [ -n "$(ls "$debs"/sssd-ldap_*.deb 2>/dev/null)" ] ||
    apt-get -q -y --no-install-recommends --reinstall --download-only -o Debug::NoLocking=1 \
      -o Dir::Cache::archives="$debs" -o APT::Sandbox::User=root install sssd-ldap sssd-common >&2
fi
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/samba-server.sh"

sssd_start() {
  local deb
  for deb in "$debs"/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C / --keep-directory-symlink --exclude=./etc/nsswitch.conf
  done
  ldconfig
  cat >/etc/sssd/sssd.conf <<T
[sssd]
services = nss
domains = ad
[nss]
filter_users = root
filter_groups = root
[domain/ad]
id_provider = ldap
access_provider = permit
ldap_schema = ad
ldap_id_mapping = true
ldap_use_tokengroups = true
ldap_referrals = false
ldap_uri = $ldap_uri
ldap_search_base = $suffix
ldap_tls_cacert = $ca_file
ldap_default_bind_dn = $reader_dn
ldap_default_authtok = $reader_password
case_sensitive = false
fallback_homedir = /home/%u
T
  chmod 600 /etc/sssd/sssd.conf
  sssd -i --logger=stderr >/run/sssd.log 2>&1 &
  sssd_pid=$!
  disown "$sssd_pid"
  sssd_is_up() { getent -s sss passwd "$reader_name" >/dev/null; }
  patience=60 eventually sssd_is_up || { tail -n 20 /run/sssd.log >&2; return 1; }
}

# rid_from NUMBER: the next accounts get RIDs from this one on; Samba itself would take years.
rid_from() {
  samba_stop
  local set
  set=$(ldbsearch -H "$samba_home/private/sam.ldb" '(objectClass=rIDSet)' dn | sed -n 's/^dn: //p')
  ldbmodify -H "$samba_home/private/sam.ldb" >/dev/null <<L
dn: $set
changetype: modify
replace: rIDAllocationPool
rIDAllocationPool: $((($1 + 400) << 32 | $1))
-
replace: rIDPreviousAllocationPool
rIDPreviousAllocationPool: $((($1 + 400) << 32 | $1))
-
replace: rIDNextRID
rIDNextRID: $1
L
  samba_start
}

# primary_id NAME: the RID of a group.
primary_id() {
  /usr/bin/python3 -c 'import base64, sys
print(int.from_bytes(base64.b64decode(sys.argv[1])[-4:], "little"))' \
    "$(ldap_find "(sAMAccountName=$1)" objectSid | sed -n 's/^objectSid:: //p')"
}

# names CLASS: the names of all of a class that have one, in lower case.
names() {
  ldap_find "$1" sAMAccountName | sed -n 's/^sAMAccountName: //p' | tr '[:upper:]' '[:lower:]' | sort
}
# Without the account that both bind as: its name belongs to the system where roster runs.
people_filter="(&(objectCategory=person)(objectClass=user)(!(sAMAccountName=$reader_name)))"
# Security groups of the domain: what Windows itself has on every machine has no id with SSSD.
group_filter='(&(objectCategory=group)(groupType:1.2.840.113556.1.4.803:=2147483648)(!(groupType:1.2.840.113556.1.4.803:=1)))'

# ids_of SERVICE: name, uid and gid of everybody, name and gid of every group.
ids_of() {
  local name
  names "$people_filter" | while read -r name; do
    getent -s "$1" passwd "$name" | cut -d: -f1,3,4 || echo "$name: nobody"
  done
  names "$group_filter" | while read -r name; do
    getent -s "$1" group "$name" | cut -d: -f1,3 || echo "$name: no group"
  done
}
# groups_of SERVICE: everybody's gids, the primary one among them.
groups_of() {
  local name gids
  names "$people_filter" | while read -r name; do
    gids=$(getent -s "$1" initgroups "$name" | cut -s -d' ' -f2-)
    echo "$name:" $(printf '%s\n' $gids "$(getent -s "$1" passwd "$name" | cut -d: -f4)" | sort -nu)
  done
}
same() { diff "/run/sss.$1" "/run/roster.$1"; }

samba_make
{
  person_without_ids Alice
  person_without_ids bob
  under=CN=Users,$suffix person_without_ids carol
  group Crew 20000 "$(dn_of Alice)"
  group "Two Words" 20001 "CN=Crew,$groups_base" "$(dn_of bob)"
  # Everybody by the primary group, which lists nobody.
  group vpn 20002 "CN=Domain Users,CN=Users,$suffix"
  group news 20003 "$(dn_of bob)" | sed 's/^gidNumber.*/groupType: 2/'
} | ldap_add
# Beyond the first slice, beyond the second one, and beyond those that SSSD lays out at once.
for rid in 200100 400300 2200300; do
  rid_from "$rid"
  { person_without_ids "far$rid"; group "group$rid" 20004 "$(dn_of "far$rid")"; } | ldap_add
done
add_value "$(group_dn group400300)" member "$(dn_of bob)"
replace "$(dn_of far400300)" primaryGroupID "$(primary_id group400300)"

sssd_start
ids_of sss >/run/sss.ids
groups_of sss >/run/sss.groups
check "SSSD knows everybody, and the groups of every slice" \
  test "$(grep -c ':.*:' /run/sss.ids)" -ge 8 -a "$(grep -c 'nobody\|no group' /run/sss.ids)" = 0

people_base=$suffix groups_base=$suffix accounts_lines='ids = "sid"
extra_name_characters = " "
max_name_length = 64' samba_config
daemon_start
wait_in_sync 60
ids_of roster >/run/roster.ids
groups_of roster >/run/roster.groups
check "roster gives every person and every group the ids that SSSD gives" same ids
check "and everybody the same groups, those of the primary one among them" same groups
no_id() { ! getent -s "$1" group news && ! getent -s "$1" group administrators; }
for service in sss roster; do
  check "$service: neither a group for mail nor one of every machine is a group" no_id "$service"
done
machine() { getent -s roster passwd "dc1\$"; }
check "a computer is nobody" not machine
guid_of() {
  /usr/bin/python3 -c 'import base64, sys, uuid
print(uuid.UUID(bytes_le=base64.b64decode(sys.argv[1])))' "$1"
}
guid=$(ldap_find '(sAMAccountName=Alice)' objectGUID | sed -n 's/^objectGUID:: //p')
check "the identity of an entry is written as the tools of Active Directory write it" \
  grep -q "$(guid_of "$guid")" <(roster explain alice)
daemon_stop
