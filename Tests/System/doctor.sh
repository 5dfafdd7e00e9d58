#!/bin/bash
# roster doctor on a host with a real directory, real stacks of PAM and a real sshd: every finding is
# provoked once and goes with its fix, and what it says of a stack is what libpam does with it.
with_logins=1
source "$(dirname "$(readlink -f "$0")")/lib.sh"

ids() { # ids [NAME]: the ids of what is found, sorted
  roster doctor --json "$@" | /usr/bin/python3 -c '
import json, sys
print(*sorted({finding["id"] for finding in json.load(sys.stdin)["findings"]}))'
}
found_are() { # found_are "ID..." [NAME]: these and no others, beside what this machine has anyway
  local now expected
  now=$(ids "${@:2}" | tr ' ' '\n' | grep -vxF "$usual" | sort | xargs)
  expected=$(tr ' ' '\n' <<<"$1" | sort | xargs)
  [ "$now" = "$expected" ] || { echo "found: $now, expected: $expected"; return 1; }
}
# provoked "ID..." SPOIL MEND [NAME]: the findings come with the one and go with the other.
provoked() {
  local ids=$1 spoil=$2 mend=$3
  shift 3
  eval "$spoil"
  check "$ids: found after: $spoil" found_are "$ids" "$@"
  eval "$mend"
  check "$ids: gone after: $mend" found_are "" "$@"
}
quiet() { "$@" >/dev/null 2>&1; }
stacks() { DEBIAN_FRONTEND=noninteractive quiet pam-auth-update "$@"; }
# The account phase as libpam has it.
lets_in() { pamtester "$1" "$2" acct_mgmt; }
refuses() { ! lets_in "$@"; }
line() { # line DATABASE SERVICES: a line of nsswitch.conf
  sed -i "/^$1:/d" /etc/nsswitch.conf
  [ -z "$2" ] || echo "$1: $2" >>/etc/nsswitch.conf
}
keep() { local file; for file; do mkdir -p "/run/kept${file%/*}"; cp -a "$file" "/run/kept$file"; done; }
back() { local file; for file; do cp -a "/run/kept$file" "$file"; done; }

login_make
mkdir -p /run/sshd
cp /usr/share/openssh/sshd_config /etc/ssh/sshd_config
[ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -A
drop_in=/etc/ssh/sshd_config.d/50-roster.conf
printf 'AuthorizedKeysCommand /usr/lib/roster/authorized-keys %%u\nAuthorizedKeysCommandUser roster-keys\n' >$drop_in
{ person anna 20001; person otto-disabled 20002 'employeeType: disabled'; } >/run/people.ldif
accounts_lines='' directory_lines=''
begin /run/people.ldif
printf '[login]\nmax_staleness = "7d"\n' >>"$config"
restart_daemon
keep /etc/nsswitch.conf /etc/pam.d/{sshd,login,sudo,su,cron} /etc/ssh/sshd_config $drop_in "$config" \
  /etc/roster/bind-password /etc/roster/ca.pem

echo "--    a healthy host"
usual=$'clock-unsynchronised'
check "nothing is found" found_are ""
check "the exit status says so" roster doctor
check "what is in order is shown when asked for" says 'ok: sshd: whom the directory disabled' roster doctor --verbose
check "somebody who is not root gets what can be seen, and no finding" \
  says 'not seen: .*gate.1' setpriv --reuid lora --regid 5001 --clear-groups roster doctor
check "and no failure" setpriv --reuid lora --regid 5001 --clear-groups roster doctor
check "a person who is admitted" found_are "user-home" anna
check "a person who is disabled" found_are "user-home user-refused" otto-disabled
check "a local person" found_are "user-local" lora
check "a name that nobody has" found_are "user-unknown" nobody-here
check "a finding makes the exit status 1" fails_naming 'user-refused' roster doctor otto-disabled

echo "--    nsswitch.conf and caches"
nss_back='back /etc/nsswitch.conf'
provoked nss-missing "line passwd 'files systemd'" "line passwd 'files roster systemd'"
check "the fix is the line as it must be" test "$(getent passwd anna | cut -d: -f3)" = 20001
provoked nss-before-files "line group 'roster files'" "$nss_back"
provoked nss-cut-off "line passwd 'files [NOTFOUND=return] roster'" "$nss_back"
provoked nss-local-lost "line group 'files [SUCCESS=continue] roster'" "$nss_back"
line passwd 'files [SUCCESS=continue] roster'
check "and really, root is lost then" not getent passwd root
back /etc/nsswitch.conf
provoked nss-initgroups "line initgroups files" "line initgroups ''"
provoked nss-shadow "line shadow 'files roster'" "$nss_back"
provoked nss-beside "line group 'files roster sss'" "$nss_back"
module=/usr/lib/$multiarch/libnss_roster.so.2
provoked nss-module "mv $module /run/nss-module" "mv /run/nss-module $module"
mkdir -p /home/anna
provoked "nss-missing user-not-seen" "line passwd files" "$nss_back" anna
cp /bin/sleep /run/nscd
provoked nscd-running '/run/nscd 1000 & nscd=$!; until [ "$(cat /proc/$nscd/comm)" = nscd ]; do sleep 0.01; done' \
  'kill $nscd; wait $nscd 2>/dev/null || true'
provoked nscd-installed 'cp /bin/true /usr/sbin/unscd' 'rm /usr/sbin/unscd'

echo "--    the stacks of PAM, and what libpam does with them"
provoked "pam-no-passwords pam-not-in-account" 'stacks --package --remove roster' 'stacks --enable roster'
stacks --package --remove roster
check "disabled people really get in without the profile" lets_in sshd otto-disabled
stacks --enable roster
check "and not with it" refuses sshd otto-disabled
check "who is admitted gets in" lets_in sshd anna
spoil_pam() { # spoil_pam SERVICE LINE: a line before the common ones
  sed -i "s/^@include common-$1$/$3\n&/" "/etc/pam.d/$2"
}
provoked pam-refused-gets-in "spoil_pam account sshd 'account sufficient pam_unix.so'" 'back /etc/pam.d/sshd'
spoil_pam account sshd 'account sufficient pam_unix.so'
check "libpam agrees" lets_in sshd otto-disabled
check "the line that lets in is named" says 'pam_unix.so in /etc/pam.d/sshd:' roster doctor
back /etc/pam.d/sshd
provoked "pam-refused-may-get-in pam-unknown-module" \
  "spoil_pam account sudo 'account sufficient pam_wheel.so'" 'back /etc/pam.d/sudo'
locked() { printf 'account required pam_unix.so\naccount required pam_roster.so\n' >/etc/pam.d/cron; }
provoked "pam-local-refused pam-root-refused" locked 'back /etc/pam.d/cron'
locked
check "libpam agrees about local users" refuses cron lora
check "and about root" refuses cron root
back /etc/pam.d/cron
needy() { printf 'account required pam_unix.so\naccount [default=bad success=ok user_unknown=ignore] pam_roster.so\n' >/etc/pam.d/cron; }
provoked pam-local-needs-module needy 'back /etc/pam.d/cron'
provoked pam-admitted-refused "spoil_pam account su 'account requisite pam_localuser.so'" 'back /etc/pam.d/su'
spoil_pam account su 'account requisite pam_localuser.so'
check "libpam agrees that it refuses who is admitted" refuses su anna
back /etc/pam.d/su
provoked "pam-no-passwords pam-wrong-password-gets-in" \
  "sed -i 's/^@include common-auth/auth required pam_permit.so/' /etc/pam.d/sudo" 'back /etc/pam.d/sudo'
provoked pam-broken "echo '@include common-nowhere' >>/etc/pam.d/login" 'back /etc/pam.d/login'
echo '@include common-nowhere' >>/etc/pam.d/login
check "libpam agrees that nobody gets in" refuses login root
back /etc/pam.d/login
provoked pam-nologin 'touch /run/nologin' 'rm /run/nologin'
rm -rf /home/anna
provoked pam-no-mkhomedir 'stacks --package --remove mkhomedir' 'stacks --enable mkhomedir'
pam_module=/usr/lib/$multiarch/security/pam_roster.so
provoked "pam-admitted-refused pam-module pam-no-passwords" "mv $pam_module /run/pam-module" \
  "mv /run/pam-module $pam_module"

echo "--    sshd"
ssh_back="back /etc/ssh/sshd_config $drop_in"
provoked sshd-broken "echo Nonsense >>$drop_in" "$ssh_back"
provoked sshd-no-pam "sed -i 's/^UsePAM yes/UsePAM no/' /etc/ssh/sshd_config" "$ssh_back"
provoked sshd-no-keys "rm $drop_in" "$ssh_back"
provoked sshd-other-keys "sed -i 's,/usr/lib/roster/authorized-keys,/bin/true,' $drop_in" "$ssh_back"
provoked sshd-keys-arguments "sed -i 's/%u/%f/' $drop_in" "$ssh_back"
provoked sshd-keys-user "sed -i 's/ roster-keys/ nobody/' $drop_in" "$ssh_back"
provoked sshd-keys-program 'chmod 775 /usr/lib/roster' 'chown root:root /usr/lib/roster; chmod 0755 /usr/lib/roster'
provoked sshd-unknown-group "echo 'AllowGroups linux-usrs root' >>$drop_in" "$ssh_back"
provoked sshd-unknown-user "echo 'AllowUsers anna eva' >>$drop_in" "$ssh_back"
mkdir -p /home/anna
provoked user-not-for-sshd "echo 'AllowGroups root' >>$drop_in" "$ssh_back" anna
provoked sshd-no-passwords "echo 'PasswordAuthentication no' >>$drop_in" "$ssh_back"
provoked "sshd-no-drop-ins sshd-no-keys" "sed -i /^Include/d /etc/ssh/sshd_config" "$ssh_back"

echo "--    files"
mode() { provoked "$1" "chmod $2 $3" "chmod $4 $3"; }
mode files-configuration 777 /etc/roster 755
mode files-configuration 666 "$config" 644
mode files-secret 644 /etc/roster/bind-password 640
mode files-state 777 /var/lib/roster 755
mode files-store 755 /var/lib/roster/store 700
mode files-index 777 /var/lib/roster/index 755
mode files-gate 644 /var/lib/roster/index/gate.1 640
mode files-socket 600 /run/roster/login.sock 666
provoked "files-index index-damaged" 'chmod 666 /var/lib/roster/index/public.1' \
  'chmod 644 /var/lib/roster/index/public.1'

echo "--    the servers"
provoked tls-ca-file 'mv /etc/roster/ca.pem /run/ca.pem' 'mv /run/ca.pem /etc/roster/ca.pem'
provoked tls-ca-file 'echo nothing >/etc/roster/ca.pem' 'back /etc/roster/ca.pem'
other_ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=other' \
  -keyout /run/other.key -out /etc/roster/ca.pem 2>/dev/null; }
provoked tls-fails other_ca 'back /etc/roster/ca.pem'
serve() { # serve OPTION...: another certificate of the directory's CA
  openssl x509 -req -in /run/tls/request.pem -CA /run/tls/ca.pem -CAkey /run/tls/ca.key -CAcreateserial \
    -extfile <(echo "subjectAltName=${names:-IP:127.0.0.1}") -out /run/tls/cert.pem "$@" 2>/dev/null
  directory_stop
  directory_start
  wait_in_sync 60
}
provoked tls-expires 'serve -days 13' 'serve -days 30'
names=DNS:other.example.org
openssl x509 -req -in /run/tls/request.pem -CA /run/tls/ca.pem -CAkey /run/tls/ca.key -CAcreateserial \
  -extfile <(echo "subjectAltName=$names") -out /run/tls/cert.pem -days 30 2>/dev/null
directory_stop
directory_start
check "a certificate for another name: tls-fails" says 'is for other.example.org only.*tls-fails' roster doctor
names=
serve -days 30
check "nothing is found with the right one" found_are ""
directory_stop
check "tls-unreachable: found when the server is away" says 'tls-unreachable' roster doctor
directory_start
wait_in_sync 60
check "tls-unreachable: gone when it is back" found_are ""

echo "--    the daemon, the index and the configuration"
provoked daemon-away 'daemon_stop' 'daemon_start; wait_in_sync'
provoked config-invalid "sed -i 's/7d/7 months/' $config" "back $config"
daemon_stop
mv /var/lib/roster/index /run/index
check "index-absent: found" found_are "daemon-away index-absent"
mv /run/index /var/lib/roster/index
cp -a /var/lib/roster/index /run/index
printf '\377\377\377\377' | dd of=/var/lib/roster/index/gate.1 bs=1 seek=9000 conv=notrunc status=none
check "index-damaged: found" says 'index-damaged' roster doctor
rm -r /var/lib/roster/index
daemon_start
wait_in_sync
check "index-damaged: gone after the fix" found_are ""
held() { # an old gate beside a new public file
  daemon_stop
  cp -a /run/index/gate.1 /var/lib/roster/index/gate.1
}
provoked "daemon-away index-disagrees" held 'rm -r /var/lib/roster/index; daemon_start; wait_in_sync'
person outlaw 500 | ldap_add
check "mirror-withheld: found" eventually found_are "mirror-withheld"
replace "$(dn_of outlaw)" uidNumber 20500
check "mirror-withheld: gone" eventually found_are ""
reader_access none
quiet roster sync || true
check "mirror-held: found" found_are "mirror-held"
reader_access read
quiet roster sync
check "mirror-held: gone" found_are ""
rules() {
  printf '[access]\nallow_groups = ["nobody-made-this"]\n' >>"$config"
  restart_daemon
}
provoked "access-rules config-directory" rules "back $config; restart_daemon"
sed -i 's/7d/2s/' "$config"
restart_daemon
directory_stop
aged() { says 'mirror-too-old' roster doctor; }
check "mirror-too-old: found when the directory is away for longer" eventually aged
check "so are the other signs" found_are "mirror-not-in-sync mirror-too-old tls-unreachable"
sed -i 's/2s/7d/' "$config"
directory_start
daemon_stop
daemon_start
wait_in_sync 60
check "mirror-too-old: gone when the directory is back" found_are ""

echo "--    processes that began before an upgrade"
old_process() {
  /usr/bin/python3 -c 'import pwd, time
try: pwd.getpwnam("nobody-here")
except KeyError: pass
open("/run/mapped", "w").close()
time.sleep(1000)' &
  old=$!
  eventually test -e /run/mapped
  cp $module $module.new
  mv $module.new $module
}
provoked old-module old_process 'kill $old; wait $old 2>/dev/null || true'

echo "--    a host that follows no directory"
daemon_stop
rm -rf "$config" /var/lib/roster/*
check "a note, and nothing else" found_are not-joined
check "which is no failure" roster doctor
locked
check "local users who are locked out are found all the same" \
  found_are "not-joined pam-local-refused pam-root-refused"
