#!/bin/bash
# Every kind of change in the directory, seen by getent and id.
source "$(dirname "$0")/lib.sh"

scenario "changes of a person"
{
  person ada 20001
  person bob 20002
  person cleo 20003 "loginShell: /bin/sh" "employeeType: disabled"
  group makers 30001 "$(dn_of ada)" "$(dn_of cleo)"
  group empty 30002
} >/run/people.ldif
begin /run/people.ldif
check "an entry as Entra writes it resolves" \
  passwd_is ada "ada:*:20001:10000:The ada:/home/ada:/bin/bash"
check "the same by number" passwd_is 20001 "ada:*:20001:10000:The ada:/home/ada:/bin/bash"
check "a disabled person stays resolvable" known cleo
check "roster user says that she is disabled" disabled cleo
check "a group without members is there" group_known empty
check "local accounts are as before" [ "$(getent passwd root | head -1 | cut -d: -f3)" = 0 ]
check "there is no shadow map to answer" not getent -s roster shadow ada

person dana 20004 | ldap_add
check "a new person appears" eventually known dana
replace "$(dn_of dana)" loginShell /bin/sh
check "a changed shell appears" eventually shell_is dana /bin/sh
replace "$(dn_of dana)" gidNumber 30001
check "a changed primary group appears" eventually says '^30001$' id -g dana
replace "$(dn_of dana)" userPassword initial-value
check "the password of the second call changes nothing" known dana

rename "$(dn_of dana)" cn=dana.x
sleep 0.2
check "a changed RDN leaves the account in place" known dana
printf 'dn: cn=dana.x,%s\nchangetype: modify\nreplace: uid\nuid: dora\n-\nreplace: homeDirectory\nhomeDirectory: /home/dora\n' \
  "$people_base" | ldap_change
check "a person renamed in place appears under the new name" eventually known dora
check "and is gone under the old one" unknown dana
check "with the same number" says '^20004$' id -u dora
replace "cn=dana.x,$people_base" uidNumber 20044
check "a changed number appears" eventually says '^20044$' id -u dora
check "and the old number is gone" not getent passwd 20004

replace "$(dn_of bob)" employeeType disabled
check "a disabled person is reported" eventually disabled bob
check "and stays resolvable" known bob
modify "$(dn_of bob)" "delete: employeeType"
check "an enabled person is reported" eventually active bob

printf 'dn: %s\nchangetype: modify\ndelete: objectClass\nobjectClass: posixAccount\nobjectClass: shadowAccount\n-\ndelete: uidNumber\n-\ndelete: gidNumber\n-\ndelete: homeDirectory\n' \
  "$(dn_of bob)" | ldap_change
check "a person who leaves the filter disappears" eventually unknown bob
printf 'dn: %s\nchangetype: modify\nadd: objectClass\nobjectClass: posixAccount\n-\nadd: uidNumber\nuidNumber: 20002\n-\nadd: gidNumber\ngidNumber: 10000\n-\nadd: homeDirectory\nhomeDirectory: /home/bob\n' \
  "$(dn_of bob)" | ldap_change
check "and is back with the class" eventually known bob

ldap_delete "$(dn_of bob)"
check "a deleted person disappears" eventually unknown bob
check "by number too" not getent passwd 20002
person bob 20002 | ldap_add
check "deleted and created again with both name and number: the same person" eventually known bob
check "the mirror equals the directory" index_equals_directory

scenario "groups"
{
  for name in ada bob cleo; do person $name $((20000 + ${#name} * 10 + $(printf %d "'$name"))); done
  group inner 30001 "$(dn_of ada)"
  group middle 30002 "$(group_dn inner)"
  group outer 30003 "$(group_dn middle)" "$(dn_of bob)"
} >/run/people.ldif
begin /run/people.ldif
check "a nested member is in every group around" in_group ada outer
check "and in the member list" lists_member outer ada
check "a direct member is not in the groups inside" not_in_group bob inner
add_value "$(group_dn inner)" member "$(dn_of cleo)"
check "a membership gained in the inner group" eventually in_group cleo outer
delete_value "$(group_dn inner)" member "$(dn_of cleo)"
check "and lost again" eventually not_in_group cleo outer
delete_value "$(group_dn outer)" member "$(group_dn middle)"
check "a group taken out of the outer one" eventually not_in_group ada outer
check "stays in the middle one" in_group ada middle
add_value "$(group_dn inner)" member "$(group_dn outer)"
add_value "$(group_dn outer)" member "$(group_dn middle)"
check "a cycle is harmless: bob is in all three" eventually in_group bob inner
check "and id answers" within 200 id bob
delete_value "$(group_dn inner)" member "$(group_dn outer)"
check "the cycle is gone again" eventually not_in_group bob inner
add_value "$(group_dn inner)" member "$(dn_of later)"
person later 20999 | ldap_add
check "a member that arrives after its group" eventually in_group later outer
ldap_delete "$(dn_of later)"
check "leaves the member list with its entry" eventually not lists_member inner later
rename "$(group_dn inner)" cn=core
check "a renamed group" eventually group_known core
check "is gone under the old name" group_unknown inner
ldap_delete "$(group_dn middle)"
check "a deleted group" eventually group_unknown middle
check "takes its members out of the outer one" not_in_group ada outer
check "the mirror equals the directory" index_equals_directory

scenario "containers and moves"
{
  printf 'dn: ou=team,%s\nobjectClass: organizationalUnit\nou: team\n\n' "$people_base"
  for i in 1 2 3 4 5; do under="ou=team,$people_base" person "t$i" $((21000 + i)); done
  many_people 30
  group crew 30001 "cn=t1,ou=team,$people_base" "cn=t2,ou=crew,$people_base" "$(dn_of p001)"
} >/run/people.ldif
begin /run/people.ldif
check "a member by DN below the container" in_group t1 crew
check "a member whose DN does not exist yet is none" not_in_group t2 crew
rename "ou=team,$people_base" ou=crew
check "after the rename of a container its people are all there" known t5
check "a member reference to the new DN resolves" eventually in_group t2 crew
check "and one to the old DN does not" eventually not_in_group t1 crew
rename "$(dn_of p001)" cn=p001 "newsuperior: ou=elsewhere,$suffix"
sleep 0.2
check "a move inside the base removes nobody" known p001
check "the mirror equals the directory" index_equals_directory

scenario "a person who leaves the base"
many_people 30 >/run/people.ldif
search_base=$people_base begin /run/people.ldif
check "is there before" known p001
rename "$(dn_of p001)" cn=p001 "newsuperior: ou=elsewhere,$suffix"
check "and gone after" eventually unknown p001
rename "cn=p001,ou=elsewhere,$suffix" cn=p001 "newsuperior: $people_base"
check "and there again when moved back" eventually known p001

scenario "what changes nothing publishes nothing"
many_people 50 >/run/people.ldif
begin /run/people.ldif
replace "$(dn_of p001)" loginShell /bin/sh
eventually shell_is p001 /bin/sh
before=$(publications)
for i in {1..1000}; do
  printf 'dn: %s\nchangetype: modify\nreplace: uidNumber\nuidNumber: %d\n\n' \
    "$(dn_of "$(printf 'p%03d' $((i % 50 + 1)))")" $((20001 + i % 50))
done >/run/noop.ldif
ldap_change -f /run/noop.ldif
/usr/bin/python3 - "$people_base" <<'P'
import sys, ldap
for number in range(1000):
    try:
        connection = ldap.initialize("ldapi://%2Frun%2Fldapi")
        connection.simple_bind_s(f"cn=p{number % 50 + 1:03d},{sys.argv[1]}", "wrong")
    except ldap.INVALID_CREDENTIALS:
        connection.unbind_s()
P
replace "$(dn_of p002)" loginShell /bin/sh
check "a real change still arrives" eventually shell_is p002 /bin/sh
check "1,000 no-op modifies and 1,000 failed binds published nothing" \
  [ "$(publications)" = $((before + 1)) ]
