#!/bin/bash
# Logins against a real Active Directory (Samba): what each of its refusals comes to, passwords changed
# by unicodePwd, and `roster join`; through PAM as a host has it.
with_logins=1
source "$(dirname "$0")/../../packaging/lib/build.sh"
[ "${IN_ROOM:-}" = 1 ] || need_packages "${samba_packages[@]}" faketime
source "$(dirname "$0")/lib.sh"
source "$(dirname "$0")/samba-server.sh"

uid_of() { getent passwd "$1" | cut -d: -f3; }
# No name of anybody in a password: where libpam-pwquality is installed, it refuses that first.
elsewhere=OU=elsewhere,$suffix
secret() { printf 'Winter-journey-1'; }
by() { login_by "$1" "$2" "$(uid_of "$2")" "${3-$(secret "$2")}"; }
changes() { NEW=$3 login_by passwd "$1" "$(uid_of "$1")" "$2"; }
code() { SERVICE=bare by python_pam "$@"; }
logged() { grep -E "$1" "$auth_log" | tail -n 1 | grep -q .; }
policy() { samba-tool domain passwordsettings set "$@" -H "$samba_home/private/sam.ldb" -s "$samba_home/etc/smb.conf" >/dev/null; }
# A policy by which passwords are good for two days, for one person; Samba takes less for no limit.
short_lived() {
  ldap_add <<L
dn: CN=short-lived,CN=Password Settings Container,CN=System,$suffix
objectClass: msDS-PasswordSettings
msDS-PasswordSettingsPrecedence: 1
msDS-PasswordReversibleEncryptionEnabled: FALSE
msDS-PasswordHistoryLength: 0
msDS-PasswordComplexityEnabled: TRUE
msDS-MinimumPasswordLength: 12
msDS-MinimumPasswordAge: 0
msDS-MaximumPasswordAge: -1728000000000
msDS-LockoutThreshold: 0
msDS-LockoutObservationWindow: -18000000000
msDS-LockoutDuration: -18000000000
msDS-PSOAppliesTo: $(dn_of "$1")
L
}
verifiers() {
  /usr/bin/python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("select count(*) from verifiers where name = ?", [sys.argv[2]]).fetchone()[0])' \
    /var/lib/roster/store/verifiers.sqlite "$1"
}
has_verifier() { [ "$(verifiers "$1")" = 1 ]; }
has_none() { [ "$(verifiers "$1")" = 0 ]; }

login_make
login_start
people=(ann must1 must2 must3 old hours station off late lock root1)
{
  number=21001
  for name in "${people[@]}"; do person "$name" "$number"; number=$((number + 1)); done
  group crew 30001 "$(dn_of ann)"
  under=$elsewhere person_without_ids plain
} >/run/people.ldif
samba_make /run/people.ldif
policy --min-pwd-length=12 --min-pwd-age=0 --history-length=3 --account-lockout-threshold=3
for name in "${people[@]}"; do password_of "$name" "$(secret "$name")"; done
reset_lines="
[login]
timeout = \"5s\"
reset_dn = \"administrator@$samba_realm\"
reset_password_file = \"/etc/roster/reset-password\""
samba_config
printf '%s' "$administrator_password" >/etc/roster/reset-password
chown root:roster /etc/roster/reset-password
chmod 640 /etc/roster/reset-password
echo "$reset_lines" >>"$config"
daemon_start
wait_in_sync 30

echo "--    right and wrong"
check "the right password lets in by every path that takes one" \
  in_by_all ann "ssh_password ssh_keyboard login su sudo python_pam"
check "a wrong one does not" not by ssh_password ann wrong
check "nor an empty one" not by python_pam ann ""
check "a verifier is kept" eventually has_verifier ann
check "the log has the server's reason" says 'data 52e' grep 'wrongPassword' "$daemon_log"

echo "--    refusals with the right password, each with its words"
modify "$(dn_of hours)" $'replace: logonHours\nlogonHours:: AAAAAAAAAAAAAAAAAAAAAAAAAAAA'
replace "$(dn_of station)" userWorkstations ELSEWHERE
check "not at this hour" fails_naming 'at this hour' by su hours
check "not from this computer" fails_naming 'from this host' by su station
check "in the log too" says 'data 530' grep 'user=hours\|hours' "$daemon_log"
check "before: in" by python_pam off
check "and a verifier" eventually has_verifier off
# The directory says so before the change has arrived by any other way.
samba_says() { # samba_says NAME REASON: what the directory answers to a bind
  says "data $2" env LDAPTLS_CACERT="$ca_file" ldapsearch -x -H "$ldap_uri" -D "$(dn_of "$1")" \
    -w "$(secret "$1")" -s base -b '' 1.1
}
disable off
replace "$(dn_of late)" accountExpires 131000000000000000
check "disabled in the directory: 533" samba_says off 533
check "disabled: out" eventually not by python_pam off
check "expired in the directory: 701" samba_says late 701
check "expired: out" eventually not by python_pam late
enable off
check "enabled again: in" eventually by python_pam off
for i in 1 2 3 4; do by python_pam lock wrong >/dev/null 2>&1 || true; done
check "locked by the directory: refused with the right password" not by python_pam lock
check "the module's own code is PAM_MAXTRIES" says 'authenticate 11' code lock
check "the person is told" fails_naming 'locked' by su lock

echo "--    must change, and too old"
for name in must1 must2 must3; do must_change "$name"; done
check "must change: the directory binds nobody then" samba_says must1 773
check "the account phase says so" eventually says 'acct_mgmt 12' code must1
check "a wrong password is a wrong one" fails_naming 'authenticate 7' code must1 wrong
NEW=Chosen-anew-11 check "login makes the change" by login must1
check "and the new one works" eventually by ssh_password must1 Chosen-anew-11
NEW=Chosen-anew-22 check "keyboard-interactive makes it" by ssh_keyboard must2
check "and the new one works" eventually by ssh_password must2 Chosen-anew-22
check "passwd makes it" changes must3 "$(secret must3)" Chosen-anew-33
check "and the new one works" eventually by ssh_password must3 Chosen-anew-33
check "before: in" by python_pam old
short_lived old
samba_stop
LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1) FAKETIME=+3d samba_start
check "too old: the directory binds nobody then" eventually samba_says old 532
check "the account phase says so" eventually says 'acct_mgmt 12' code old
NEW=Chosen-anew-44 check "login makes the change" by login old
check "and the new one works" eventually by ssh_password old Chosen-anew-44

echo "--    passwd"
check "a wrong old password changes nothing" not changes ann wrong Spring-cleaning-3
check "a new one that is too short is refused, in words" fails_naming 'too short' changes ann "$(secret ann)" Qv7-trwlm
check "one that is too simple is refused, in words" fails_naming 'too simple' changes ann "$(secret ann)" qvtrwlmzpkhdxy
check "the old one still works" by ssh_password ann
check "a good one is accepted" changes ann "$(secret ann)" 'Autumn-lèaves-€-4'
check "it works at the next attempt" by ssh_password ann 'Autumn-lèaves-€-4'
check "one that was used before is refused, in words" \
  fails_naming 'used before' changes ann 'Autumn-lèaves-€-4' "$(secret ann)"
policy --min-pwd-age=1
check "one too soon after the last is refused, in words" \
  fails_naming 'too recently' changes ann 'Autumn-lèaves-€-4' Summer-holiday-2
policy --min-pwd-age=0
root_changes() { printf '%s\n%s\n' "$2" "$2" | passwd "$1"; }
check "root sets a password" root_changes root1 Market-square-5
check "and it works" by ssh_password root1 Market-square-5
check "but not one that the policy refuses" fails_naming 'too short' root_changes root1 Qv7-trwlm
check "no log holds a password" \
  not grep -rE 'Winter-j|Chosen-anew|Autumn-l|Summer-h|Market-s|Adm1n' "$daemon_log" "$auth_log"

echo "--    with the directory frozen"
check "a verifier of the new password is kept" eventually has_verifier ann
samba_freeze
check "it lets in" by ssh_password ann 'Autumn-lèaves-€-4'
check "the old one does not" not by python_pam ann
check "nobody changes a password" not changes ann 'Autumn-lèaves-€-4' Summer-holiday-2
samba_thaw
login_stop

echo "--    doctor"
check "doctor names the strategy and what it promises" says 'followed by .*changes .*deletions' \
  roster doctor --verbose
daemon_stop
rm -rf /etc/roster /var/lib/roster/*

echo "--    roster join"
printf '%s' "$reader_password" >/run/password
join=(roster join "$ldap_uri" --ca-file "$ca_file" --everybody --no-sshd --yes)
reader=(--bind-dn "$reader_principal" --password-file /run/password)
left_alone() { [ ! -e "$config" ]; }
check "who says nothing of themselves is told what Active Directory wants" \
  fails_naming 'anonymous reader' "${join[@]}" --anonymous
check "another schema than its own is refused" fails_naming 'schema = "ad"' "${join[@]}" "${reader[@]}" --schema rfc2307
check "where nobody has a uidNumber, ids are not made up" \
  fails_naming 'nobody of .* has a uidNumber' "${join[@]}" "${reader[@]}" --base "$elsewhere"
check "nothing was written" left_alone
check "but computed where that is said" says 'ids = "sid"' "${join[@]}" "${reader[@]}" --base "$elsewhere" --ids sid --dry-run
check "and the sample then looks at what they are computed from" \
  says 'primaryGroupID, the primary group: seen on [1-9]' \
  "${join[@]}" "${reader[@]}" --base "$elsewhere" --ids sid --dry-run
check "whether deletions show is known before anything is written" \
  says '"shows_deletions" ?: ?false' "${join[@]}" "${reader[@]}" --base "$suffix" --dry-run --json
check "joined by the name of a user" "${join[@]}" "${reader[@]}" --base "$suffix"
check "Active Directory was recognised" grep -qx 'schema = "ad"' "$config"
install -d -o roster -m 500 /run/credentials
install -o roster -m 400 /etc/roster/bind_password /run/credentials/bind_password
CREDENTIALS_DIRECTORY=/run/credentials daemon_start
check "the mirror is in sync" wait_in_sync 30
check "and knows its people" known ann
