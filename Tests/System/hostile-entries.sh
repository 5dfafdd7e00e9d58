#!/bin/bash
# What the directory must never be able to do to the host: every entry here is withheld, and named
# with its reason by `roster check`.
source "$(dirname "$0")/lib.sh"

encoded() { printf '%s:: %s' "$1" "$(printf "$2" | base64 -w0)"; }
odd() { # odd CN UID_LINE NUMBER [LINE...]: a person whose login name is not its cn
  local cn=$1 uid=$2 number=$3
  shift 3
  person "$cn" "$number" "$@" | sed "s|^uid: .*|$uid|"
}

groupadd --gid 1500 localgroup
useradd --uid 1500 --gid 1500 --no-create-home localuser
scenario "hostile entries"
{
  person good 20001
  person better 20002 "loginShell: /bin/sh"
  person zero 0
  person system 999
  person dynamic 61184
  person nobodys 65534
  person outside 70000
  person negative 4294967295
  person signed 2147483648
  odd asroot "uid: root" 20010
  odd aslocal "uid: localuser" 20011
  odd colon "uid: a:b" 20012
  odd newline "$(encoded uid 'evil\nroot2:x:0:0::/:/bin/sh')" 20013
  odd space "uid: two words" 20014
  odd digits "uid: 12345" 20015
  odd dash "uid: -rf" 20016
  odd dots "uid: .." 20017
  odd long "uid: $(printf 'x%.0s' {1..300})" 20018
  odd control "$(encoded uid 'bell\a')" 20019
  person homeetc 20020 "homeDirectory: /etc"
  person homedots 20021 "homeDirectory: /home/../etc/systemd/system"
  person homecolon 20022 "homeDirectory: /home/x:0"
  person homeline 20023 "$(encoded homeDirectory '/home/x\nevil2:x:0:0::/:/bin/sh')"
  person homerelative 20024 "homeDirectory: home/x"
  person twin 20030
  person twin2 20030
  person badshell 20040 "loginShell: /no/such/shell"
  person lineshell 20041 "$(encoded loginShell '/bin/sh\nevil3:x:0:0::/:/bin/sh')"
  person colongecos 20042 "gecos: a:0:0:b"
  person linegecos 20043 "$(encoded gecos 'a\nevil4:x:0:0::/:/bin/sh')"
  group good 30001 "$(dn_of good)" "$(dn_of zero)" "$(dn_of asroot)"
  group sudo 30002 "$(dn_of good)"
  group wheel 30003 "$(dn_of good)"
  group docker 30004 "$(dn_of good)"
  group localgroup 30005 "$(dn_of good)"
  group gidzero 0 "$(dn_of good)"
  group gidsystem 27 "$(dn_of good)"
  group gidlocal 1500 "$(dn_of good)"
  group twing 30010
  group twing2 30010
  printf 'dn: cn=legacy,%s\nobjectClass: groupOfMembers\nobjectClass: posixGroup\ncn: legacy\ngidNumber: 30020\n' "$groups_base"
  printf 'memberUid: good\nmemberUid: root\nmemberUid: localuser\nmemberUid: a,b\n\n'
} >/run/people.ldif
begin /run/people.ldif
getent -s roster passwd >/run/passwd || true
getent -s roster group >/run/group || true
roster check >/run/check || true

check "the good ones are there" eval 'known good && shell_is better /bin/sh'
for name in zero system dynamic nobodys outside negative signed asroot aslocal colon space digits \
  dash dots long control homeetc homedots homecolon homeline homerelative; do
  check "$name is invisible" not grep -Eq "^(The )?$name:|:The $name:" /run/passwd
  check "$name is named by roster check" grep -q -- "$name" /run/check
done
check "newline is invisible" not grep -q ':The newline:' /run/passwd
check "no entry smuggled a line in" not grep -Eq '^(evil|root)[0-9]*:' /run/passwd
check "exactly one of two people with one number is there" \
  [ "$(grep -c ':20030:' /run/passwd)" = 1 ]
check "the other is named" grep -Eq 'twin2?' /run/check
check "a shell that is not installed becomes nologin" shell_is badshell /usr/sbin/nologin
check "and is reported" grep -q badshell /run/check
check "every line of passwd has seven fields" not grep -Evq '^([^:]*:){6}[^:]*$' /run/passwd
check "no id below the floor" not awk -F: '$3 < 1000 || $4 < 1000 { found = 1 } END { exit !found }' /run/passwd
for name in sudo wheel docker localgroup gidzero gidsystem gidlocal; do
  check "group $name is invisible" not grep -q "^$name:" /run/group
  check "group $name is named by roster check" grep -q "$name" /run/check
done
check "exactly one of two groups with one number is there" [ "$(grep -c ':30010:' /run/group)" = 1 ]
check "withheld people are in no member list" [ "$(grep '^good:' /run/group)" = "good:*:30001:good" ]
check "memberUid of local accounts is dropped" [ "$(grep '^legacy:' /run/group)" = "legacy:*:30020:good" ]
check "and reported" grep -q localuser /run/check
check "root is untouched" [ "$(id root)" = "uid=0(root) gid=0(root) groups=0(root)" ]
check "the local user is in the local groups only" [ "$(id -nG localuser)" = localgroup ]
check "uid 0 is root" [ "$(getent passwd 0 | cut -d: -f1)" = root ]
check "a member of the directory's sudo is in no sudo" not_in_group good sudo
check "roster check --json is JSON" bash -c 'roster check --json | /usr/bin/python3 -m json.tool'

scenario "entries that become hostile, and good again"
{ person ada 20001; person bob 20002; person cleo 20003; } >/run/people.ldif
begin /run/people.ldif
replace "$(dn_of ada)" uidNumber 0
check "uid 0 makes the account invisible" eventually unknown ada
check "root stays root" [ "$(getent passwd 0 | cut -d: -f1)" = root ]
replace "$(dn_of ada)" uidNumber 20001
check "a proper number makes it visible" eventually known ada
ldap_delete "$(dn_of bob)"
eventually unknown bob
person mallory 20002 | ldap_add
sleep 0.5
check "the number of a removed person under another name is withheld" unknown mallory
check "and named by roster check" says mallory roster check
check "roster allow releases it" roster allow mallory
check "then it is visible" eventually known mallory

scenario "local accounts and groups that appear later"
{ person ada 20001; person bob 20002; group crew 30001 "$(dn_of ada)"; } >/run/people.ldif
begin /run/people.ldif
check "before" eval 'known ada && group_known crew'
useradd --uid 3000 --no-create-home --no-user-group --gid 1500 ada 2>/dev/null ||
  echo 'ada:x:3000:1500::/:/bin/sh' >>/etc/passwd
check "a local account takes the name over" eventually not getent -s roster passwd ada
check "a local group takes the name over" eval 'echo "crew:x:3001:" >>/etc/group; eventually group_unknown crew'
sed -i '/^ada:/d' /etc/passwd
sed -i '/^crew:/d' /etc/group
check "when the local account goes, the directory's is back" eventually getent -s roster passwd ada
check "and the group" eventually group_known crew
