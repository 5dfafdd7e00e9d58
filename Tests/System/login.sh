#!/bin/bash
# Logins with the real programs: what a change in the directory or by the host's administrator does
# to the very next attempt, passwords and their policy, ssh keys, and the PAM stacks.
with_logins=1
source "$(dirname "$0")/lib.sh"

login_make
login_start
binds() { grep -c "BIND dn=\"cn=$1,.*method=128" "$directory_log" || true; }
binds_are() { [ "$(binds "$1")" = "$2" ] || { echo "$(binds "$1") binds of $1 instead of $2"; return 1; }; }
logged() { grep -E "$1" "$auth_log" | tail -n 1 | grep -q .; }
policy() { modify "cn=default,ou=policies,$suffix" "replace: $1"$'\n'"$1: $2"; }

access='
[access]
allow_groups = ["colleagues"]
deny_groups = ["contractors"]

[access.sudo]
allow_groups = ["maintainers"]

[login]
timeout = "2s"'

scenario "disabled in the directory: the very next attempt"
{
  names=(ada bob cleo dora emil fred gina hugo ines jana)
  for i in "${!names[@]}"; do colleague "${names[$i]}" $((20001 + i)); done
  colleague outsider 20100
  group colleagues 30001 $(for name in "${names[@]}"; do dn_of "$name"; echo; done)
  group maintainers 30002 $(for name in "${names[@]}"; do dn_of "$name"; echo; done)
  group contractors 30003
} >/run/people.ldif
accounts_lines=$access begin /run/people.ldif
check "in by every path" in_by_all ada
check "somebody who is in no allowed group is out by every path" out_by_all outsider
check "root and local people get in" local_people_get_in
replace "$(dn_of ada)" employeeType disabled
check "disabled: out by every path" out_by_all ada
check "the person is told why, once the account phase is reached" fails_naming 'disabled' su - ada -c true
check "and the log says why, with the attribute" logged 'roster.*ada.*employeeType'
modify "$(dn_of ada)" "delete: employeeType"
check "enabled again: in by every path" in_by_all ada
replace "$(dn_of ada)" employeeType disabled
directory_freeze
check "disabled, and the directory frozen right after: out by every path" out_by_all ada
check "somebody else is still in by every path" in_by_all bob "ssh_key cron"
directory_thaw

scenario "deleted, expired, out of the group, in a denied one: the very next attempt"
accounts_lines=$access begin /run/people.ldif
check "before: in by every path" in_by_all bob
replace "$(dn_of bob)" shadowExpire 20000
check "expired: out by every path" out_by_all bob
check "and told so" fails_naming 'expired' su - bob -c true
modify "$(dn_of bob)" "delete: shadowExpire"
check "and in again" in_by_all bob "ssh_key su"
delete_value "$(group_dn colleagues)" member "$(dn_of bob)"
check "out of the allowed group: out by every path but sudo's own rule" \
  out_by_all bob "ssh_key ssh_password login su pamtester python_pam cron"
check "whose rule stands alone" by sudo bob
delete_value "$(group_dn maintainers)" member "$(dn_of bob)"
check "out of sudo's group: refused by sudo" not by sudo bob
add_value "$(group_dn colleagues)" member "$(dn_of bob)"
check "and in by ssh again" by ssh_key bob
add_value "$(group_dn contractors)" member "$(dn_of bob)"
check "in a denied group: out by every path" out_by_all bob "ssh_key ssh_password su cron"
ldap_delete "$(dn_of cleo)"
check "deleted: out by every path" out_by_all cleo
person cleo 20003 | ldap_add
check "and created again without key and password: out" out_by_all cleo "ssh_key ssh_password su"

scenario "roster deny and roster allow"
accounts_lines=$access begin /run/people.ldif
check "before: in" in_by_all dora "ssh_key su"
check "roster deny" roster deny dora
check "out by every path" out_by_all dora
check "roster status lists it" says dora roster status
restart_daemon
check "still after a restart" out_by_all dora "ssh_key su"
daemon_stop KILL
check "and without the daemon" out_by_all dora "ssh_key cron"
daemon_start
wait_in_sync
check "somebody else than root may not deny" \
  fails_naming '.' setpriv --reuid=nobody --clear-groups roster deny emil
directory_freeze
check "roster allow, with the directory frozen" roster allow dora
check "in again" in_by_all dora "ssh_key cron"
check "roster deny, with the directory frozen" roster deny emil
check "out by every path" out_by_all emil "ssh_key su sudo cron"
directory_thaw

scenario "ssh keys"
accounts_lines=$access begin /run/people.ldif
add_value "$(dn_of fred)" sshPublicKey "$(public_key other-key)"
KEY=$logins/other-key check "a second key works at once" by ssh_key fred
delete_value "$(dn_of fred)" sshPublicKey "$(public_key key)"
check "a removed key does not" not by ssh_key fred
KEY=$logins/other-key check "the other one still does" by ssh_key fred
delete_value "$(dn_of fred)" sshPublicKey "$(public_key other-key)"
directory_freeze
KEY=$logins/other-key check "nor does the last one, the directory frozen right after" not by ssh_key fred
directory_thaw
keys=/usr/lib/roster/authorized-keys
as_helper=(setpriv --reuid=roster-keys --regid=roster-keys --clear-groups)
no_keys_of() { [ -z "$("${as_helper[@]}" "$keys" "$1")" ]; }
check "the helper prints an account's keys" says '^ssh-ed25519 ' "${as_helper[@]}" "$keys" gina
check "nothing for root" no_keys_of root
check "nothing for a local name" no_keys_of lora
replace "$(dn_of gina)" employeeType disabled
check "nothing for a disabled account" eventually no_keys_of gina
add_value "$(dn_of hugo)" sshPublicKey "command=\"/bin/id\" $(public_key other-key)"
add_value "$(dn_of hugo)" sshPublicKey "ssh-ed25519 AAAA hugo"
KEY=$logins/other-key check "a key with options is none" not by ssh_key hugo
check "the good one beside it works" by ssh_key hugo
check "roster check names the person" says hugo roster check

scenario "an account that goes between sshd's phases"
accounts_lines=$access begin /run/people.ldif
sed -i '1i account optional pam_exec.so quiet /run/logins/between' /etc/pam.d/sshd
cat >"$logins/between" <<B
#!/bin/bash
[ "\$PAM_USER" = ines ] || exit 0
ldapdelete -Q -Y EXTERNAL -H $ldapi_uri $(dn_of ines)
for try in {1..500}; do getent passwd ines >/dev/null || break; sleep 0.01; done
echo "gone after \$try" >$logins/between.out
B
chmod 755 "$logins/between"
check "before: another one is in" by ssh_key jana
check "deleted between getpwnam and acct_mgmt: refused" not by ssh_key ines
check "it was gone by then" grep -Eq 'gone after ([0-9]|[0-9][0-9])$' "$logins/between.out"
sed -i 1d /etc/pam.d/sshd

scenario "wrong passwords that never reach the directory"
accounts_lines=$access begin /run/people.ldif
replace "$(dn_of ada)" employeeType disabled
replace "$(dn_of bob)" shadowExpire 20000
ldap_delete "$(dn_of cleo)"
check "the changes are in force" eventually disabled ada
: >"$directory_log"
wrong_passwords() {
  local path name
  for path in ssh_password su python_pam; do
    for name in ada bob cleo outsider; do by $path "$name" wrong & done
    login_by $path nobody.here 29999 wrong &
    login_by $path lora 5001 wrong &
  done
  wait
}
(wrong_passwords) >/dev/null 2>&1  # apart, so that only these are waited for
for name in ada bob cleo outsider nobody.here lora; do
  check "no bind of $name" binds_are "$name" 0
done
check "the directory was not asked anything" not grep -q 'SRCH' "$directory_log"
check "a wrong password of an admissible person is one bind" not by python_pam dora wrong
check "counted" binds_are dora 1
check "an empty password" not by python_pam emil ""
check "one of 1,100 octets" not by python_pam emil "$(printf 'x%.0s' {1..1100})"
check "and sshd's junk" not by python_pam emil $'\b\n\r\x7fINCORRECT'
check "are none" binds_are emil 0

scenario "passwords and their policy"
accounts_lines=$access begin /run/people.ldif
policy pwdMinLength 8
policy pwdCheckQuality 1
policy pwdInHistory 3
changes() { NEW=$3 login_by passwd "$1" "$(uid_of "$1")" "$2"; }
check "a password that is too short is refused, in words" fails_naming 'short|quality|length' changes ada secret-ada tiny1
check "the old one still works" by ssh_password ada
check "a wrong old password changes nothing" not changes ada wrong New-secret-1
check "a good one is accepted" changes ada secret-ada New-secret-1
check "it works at the next attempt" by ssh_password ada New-secret-1
check "the old one does not" not by python_pam ada secret-ada
check "one that was used before is refused, in words" fails_naming 'history|used' changes ada New-secret-1 secret-ada
root_changes() { printf 'Root-secret-1\nRoot-secret-1\n' | passwd "$1"; }
check "root is sent to the directory" fails_naming 'directory' root_changes ada
check "and has changed nothing" by ssh_password ada New-secret-1
directory_freeze
check "the new one works with the directory frozen" by ssh_password ada New-secret-1
check "the old one does not" not by python_pam ada secret-ada
check "no change while it is frozen" not changes ada New-secret-1 New-secret-2
directory_thaw
restart_daemon
for name in bob cleo dora; do replace "$(dn_of "$name")" pwdReset TRUE; done
check "must change: not by key" not by ssh_key bob
NEW=New-secret-1 check "must change: login makes the change" by login bob
check "and the new one works" by ssh_password bob New-secret-1
NEW=New-secret-1 check "must change: keyboard-interactive makes it" by ssh_keyboard cleo
check "and the new one works" by ssh_password cleo New-secret-1
NEW=New-secret-1 check "must change: passwd makes it" changes dora secret-dora New-secret-1
check "and the new one works" by ssh_key dora
policy pwdMaxFailure 3
for i in 1 2 3; do by python_pam emil wrong >/dev/null 2>&1 || true; done
check "locked by the directory: refused with the right password" not by python_pam emil
modify "olcOverlay={1}ppolicy,olcDatabase={1}mdb,cn=config" $'replace: olcPPolicyUseLockout\nolcPPolicyUseLockout: TRUE'
SERVICE=bare check "where the directory says so, the module's own code is PAM_MAXTRIES" says 'authenticate 11' by python_pam emil

scenario "the PAM stacks"
accounts_lines=$access begin /run/people.ldif
sed -i '1i account required pam_access.so accessfile=/dev/null' /etc/pam.d/sshd
sed -i '1i auth required pam_faillock.so preauth\naccount required pam_faillock.so' /etc/pam.d/sshd
check "with pam_access and pam_faillock beside it" in_by_all ada "ssh_key ssh_password"
check "and a disabled person" replace "$(dn_of ada)" employeeType disabled
check "is out" out_by_all ada "ssh_key ssh_password"
sed -i 1,3d /etc/pam.d/sshd
module=$(echo /usr/lib/*/security/pam_roster.so)
mv "$module" /run/pam_roster.so
check "with the module's file missing root and local people get in" local_people_get_in
check "and directory people do not" out_by_all bob "ssh_key ssh_password su sudo cron"
cp /run/pam_roster.so "$module"
check "with the file back they do" in_by_all bob "ssh_key su"
DEBIAN_FRONTEND=noninteractive pam-auth-update --package --remove roster
check "the profile can be removed" not grep -q pam_roster /etc/pam.d/common-{auth,account,password,session}
check "then root and local people get in" local_people_get_in
check "and no directory password is taken" out_by_all bob "ssh_password su"
login_stop
