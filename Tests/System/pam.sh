#!/bin/bash
# pam_roster in real programs, in stacks that the real pam-auth-update wrote: local users and root
# always get in, people of the directory by what index and daemon say. No daemon is needed: a small
# server answers the login socket (Tests/System/pam/login_server.py).
if [ "${IN_ROOM:-}" != 1 ]; then
  source "$(dirname "$0")/../../packaging/lib/build.sh"
  need_packages expect gcc libpam0g-dev pamtester strace
  # Inside there is no network for a build.
  [ -n "${INDEX_TOOL:-}" ] || build_tool index-tool >/dev/null || fail "index-tool was not built"
fi
source "$(dirname "$0")/lib.sh"

index_tool=$repo/.build-release/release/index-tool
module=/usr/lib/$multiarch/security/pam_roster.so
index=/var/lib/roster/index
socket=/run/roster/login.sock
requests=/tmp/requests

# A system log of our own: /dev gets an upper side in memory, as /etc and /usr have.
log=/tmp/syslog
log_start() {
  mkdir -p /run/dev/{pts,up,work}
  mount --bind /dev/pts /run/dev/pts
  mount -t overlay dev -o lowerdir=/dev,upperdir=/run/dev/up,workdir=/run/dev/work /dev
  mount --bind /run/dev/pts /dev/pts
  /usr/bin/python3 "$system_tests/pam/syslog_server.py" /dev/log "$log" &
  eventually test -S /dev/log
}
# logs PATTERN COMMAND...: the log gained a line that matches, whatever the command leaves with.
logs() {
  local pattern=$1 before
  before=$(wc -l <"$log")
  shift
  "$@" >/dev/null 2>&1 || true
  gained() { tail -n +$((before + 1)) "$log" | grep -Eq -- "$pattern"; }
  eventually gained || { tail -n +$((before + 1)) "$log"; return 1; }
}
server_start() { # server_start [WRAPPER...]
  "$@" /usr/bin/python3 "$system_tests/pam/login_server.py" "$socket" "$requests" &
  server=$!
  eventually test -S "$socket"
}
server_stop() {
  [ -z "${server:-}" ] || { kill "$server" && wait "$server" 2>/dev/null || true; }
  server=
  rm -f "$socket"
}
index_make() {
  rm -rf "$index" && mkdir -p "$index"
  "$index_tool" logins "$index" "$@"
}

# try SERVICE USER PASSWORD PHASE...: what pamtester says, with the password on its standard input.
try() {
  local service=$1 user=$2 password=$3
  shift 3
  for _ in 1 2 3 4; do echo "$password"; done |
    timeout 60 pamtester "$service" "$user" "$@" 2>&1
}
login_ok() { try stack "$1" "${2-right}" authenticate acct_mgmt open_session close_session; }
su_from() { # su_from CALLER USER PASSWORD: a shell of USER, asked for by CALLER
  echo "$3" | setpriv --reuid "$1" --regid "$(id -g "$1")" --clear-groups \
    timeout 60 su "$2" -c 'id -un' 2>/dev/null | grep -x "$2"
}
login_on_tty() { # login_on_tty USER PASSWORD: /bin/login as on a console
  timeout 90 expect -c "
    set timeout 30
    spawn /bin/login
    expect login: { send $1\r }
    expect assword: { send $2\r }
    expect {
      \"\\\\$ \" { send \"echo I am \\\$(id -un).\r\" }
      \"# \" { send \"echo I am \\\$(id -un).\r\" }
      incorrect { exit 1 }
      timeout { exit 2 }
      eof { exit 3 }
    }
    expect \"I am $1.\" { exit 0 }
    exit 4"
}
asked() { wc -l <"$requests"; }
asks() { # asks COUNT COMMAND...: succeeds, and so many requests reached the socket
  local before now expected=$1
  before=$(asked)
  shift
  "$@" || return 1
  now=$(asked)
  [ $((now - before)) = "$expected" ] || { echo "$((now - before)) requests"; tail -n 3 "$requests"; return 1; }
}

# The stacks: those of Debian's programs, and one that names every phase.
printf '@include common-%s\n' auth account password session >/etc/pam.d/stack
for kind in auth account password session; do echo "$kind required pam_roster.so"; done >/etc/pam.d/alone
echo '+:ALL:ALL' >>/etc/security/access.conf
cat >/usr/share/pam-configs/faillock-notice <<'P'
Name: Refuse after many failures
Default: yes
Priority: 1024
Auth-Type: Primary
Auth:
	requisite	pam_faillock.so preauth
Account-Type: Additional
Account:
	required	pam_faillock.so
P
cat >/usr/share/pam-configs/faillock <<'P'
Name: Count failures
Default: yes
Priority: 0
Auth-Type: Primary
Auth:
	[default=die]	pam_faillock.so authfail
P
cat >/usr/share/pam-configs/access <<'P'
Name: Who may from where
Default: yes
Priority: 64
Account-Type: Additional
Account:
	required	pam_access.so
P
cat >/usr/share/pam-configs/limits <<'P'
Name: Limits
Default: yes
Priority: 0
Session-Type: Additional
Session:
	required	pam_limits.so
P
stacks() { DEBIAN_FRONTEND=noninteractive pam-auth-update "$@"; }
echo '* hard core 0' >>/etc/security/limits.conf
printf 'deny = 1000\ndir = /run/faillock\n' >/etc/security/faillock.conf
useradd --create-home --home-dir /tmp/home-local --shell /bin/sh local
useradd --create-home --home-dir /tmp/home-other --shell /bin/sh other
printf 'local:local-password\nother:other-password\nroot:root-password\n' | chpasswd
mkdir -p /etc/roster /tmp/home
: >/etc/roster/roster.toml
: >"$requests"
touch "$log"
log_start
stacks --package --force
stacks --enable mkhomedir
index_make
cc -std=gnu11 -O2 -Wall -Wextra -o /tmp/unload "$system_tests/pam/unload.c" -lpam

echo "--    the stacks as pam-auth-update writes them"
order() { grep -vE '^#|^$' "/etc/pam.d/common-$1" | grep -oE 'pam_[a-z_]+\.so' | xargs; }
check "authentication: after pam_unix" says 'pam_unix.so pam_roster.so pam_faillock' order auth
check "account: after pam_localuser" says 'pam_unix.so .*pam_localuser.so pam_roster.so' order account
check "no session line" not says pam_roster order session

locals_get_in() { # locals_get_in CONDITION
  check "$1: a local user logs in by password" login_ok local local-password
  check "$1: root too" login_ok root root-password
  check "$1: a local user with a wrong password does not" not login_ok local wrong
  check "$1: su between local users" su_from local other other-password
  check "$1: su from root" su other -c true
  check "$1: login on a terminal" login_on_tty local local-password
}
nobody_of_ours() { # nobody_of_ours CONDITION [CODE]
  check "$1: a person of the directory does not get in" not login_ok active
  check "$1: nor without a password" not try stack active '' acct_mgmt
}

echo "--    people of the directory, with a daemon"
server_start
check "by password" login_ok active
check "the home directory was made" test -d /tmp/home/active
check "with a wrong password not" not login_ok active wrong-one
check "su to a person of the directory" su_from local active right
check "su from one to a local user" su_from active local local-password
check "login on a terminal" login_on_tty active right
check "one request for one login" asks 1 login_ok active
check "empty passwords never reach the daemon" asks 0 not login_ok active ''
check "sshd's junk password neither" asks 0 not login_ok active $'\x08'
check "nor unknown names" asks 0 not login_ok nobody-here right
check "nor local ones" asks 0 login_ok local local-password
check "a wrong password is an authentication failure" \
  says 'Authentication failure' try alone active wrong authenticate
check "a locked account has its own code and words" \
  says 'As you wish.*maximum number of retries|maximum number of retries' try alone active locked authenticate
check "the daemon going away mid-conversation: unavailable" \
  says 'cannot retrieve authentication info' try alone active gone authenticate

refused() { # refused NAME CODE_TEXT SENTENCE
  check "$1 is refused with the right code" says "$2" try alone "$1" '' acct_mgmt
  check "$1 is told why" says "$3" try alone "$1" '' acct_mgmt
  check "$1 is refused in the whole stack" not try stack "$1" right authenticate acct_mgmt
}
echo "--    every reason of the gate"
refused disabled 'Permission denied' 'is disabled in your organisation'
refused blocked 'Permission denied' 'blocked on this host'
refused expired 'account has expired' 'This account has expired'
refused guest 'Permission denied' 'may not use this service'
refused outsider 'Permission denied' 'not among those'
refused removed 'account has expired' 'no longer exists'
check "who must change the password is told so" \
  says 'new one required|token is no longer valid' try stack mustchange right acct_mgmt
echo '-:mustchange:ALL' >/tmp/access
cat /etc/security/access.conf >>/tmp/access
cp /etc/security/access.conf /tmp/access.before && cp /tmp/access /etc/security/access.conf
check "another module's refusal outweighs a password that must change" \
  says 'Permission denied' try stack mustchange right acct_mgmt
cp /tmp/access.before /etc/security/access.conf
check "the account phase asks nobody" asks 0 try alone active '' acct_mgmt
check "who is not root asks the daemon about itself" \
  asks 1 setpriv --reuid 2000001 --regid 2000 --clear-groups pamtester alone active acct_mgmt
check "who is not root can have its own password checked, as a screen locker does" \
  says 'successfully authenticated' bash -c \
  'echo right | setpriv --reuid 2000001 --regid 2000 --clear-groups pamtester alone active authenticate'
check "and is refused about others" \
  not setpriv --reuid 2000001 --regid 2000 --clear-groups pamtester alone mustchange acct_mgmt

echo "--    the log"
check "a refusal: one line with reason and source, authpriv.notice" logs \
  "^10\.5 .pamtester: roster: phase=account user=disabled service=alone rhost=- verdict=disabled source=nsAccountLock=TRUE.$" \
  try alone disabled '' acct_mgmt
check "a wrong password" logs \
  '^10\.5 .*user=active service=stack rhost=- verdict=wrong-password source=directory' \
  login_ok active wrong-one
check "an empty one in the same words" logs \
  '^10\.5 .*user=active service=stack rhost=- verdict=wrong-password source=directory' \
  login_ok active ''
check "the right one" logs \
  '^10\.6 .*user=active service=stack rhost=- verdict=accepted source=directory' login_ok active
check "an unusable index" logs \
  '^10\.4 .*phase=account service=alone warning=index-unusable errno=' bash -c \
  "mv $index $index.away; pamtester alone active acct_mgmt; mv $index.away $index"

echo "--    changing the password"
change() { # change USER CALLER ANSWER...: passwd's conversation through pamtester
  local user=$1 caller=$2
  shift 2
  printf '%s\n' "$@" | setpriv --reuid "$caller" --regid 2000 --clear-groups \
    timeout 60 pamtester stack "$user" chauthtok 2>&1
}
check "with the old one" change active 2000001 right new-one new-one
check "a wrong old one" not change active 2000001 wrong-one new-one new-one
check "the server's refusal in words" says 'too short' change active 2000001 right abc abc
check "two that differ" says 'do not match' change active 2000001 right new-one other-one
check "root is pointed to the directory" says 'id.example' try stack active new-one chauthtok
check "a local password still changes" says 'success' try stack local new-Password-77 chauthtok
printf 'local:local-password\n' | chpasswd

echo "--    nothing stays in the process"
export GLIBC_TUNABLES=glibc.malloc.tcache_count=0  # freed memory counts as free at once
left=$(/tmp/unload alone active 1000)
echo "      $left" | head -n 1
check "1,000 loads: no descriptor, thread, mapping or memory is left" \
  says 'code 0 descriptors \+0 threads 1 mappings \+0 module 0 memory \+0' echo "$left"
check "and no trace of the password" says 'traces 0 of 1' echo "$left"
refusing=$(/tmp/unload alone disabled 200)
unset GLIBC_TUNABLES
check "the same where the gate refuses" says 'descriptors \+0 threads 1 mappings \+0 module 0 memory \+0' echo "$refusing"

echo "--    system calls"
sockets() { # sockets OPTIONS... : socket and connect calls of a pamtester run
  strace -f -qq -e trace=socket,connect -o /tmp/trace "$@" >/dev/null 2>&1 || true
  cat /tmp/trace
}
# libpam itself writes to the kernel's audit log over netlink.
check "acct_mgmt as root opens no socket" \
  not says '(socket|connect)\((AF_[^N]|[0-9])' sockets pamtester alone active acct_mgmt
check "local users never come near the daemon" \
  not says 'login.sock' sockets bash -c "echo local-password | pamtester stack local authenticate acct_mgmt open_session"
descriptors_left() { strace -f -qq -e trace=openat -o /tmp/trace pamtester alone active acct_mgmt; grep 'gate.1' /tmp/trace; }
check "the gate is opened once, close-on-exec" says 'gate\.1.*O_CLOEXEC' descriptors_left

echo "--    whoever listens on the socket"
server_stop
chmod 777 /run/roster
chmod 666 "$requests"
server_start setpriv --reuid roster --regid roster --clear-groups
check "the daemon's own user is trusted" asks 1 login_ok active
server_stop
server_start setpriv --reuid local --regid local --clear-groups
check "anybody else gets no password" asks 0 not login_ok active
server_stop
chmod 755 /run/roster
server_start

locals_get_in "with a daemon"
server_stop
locals_get_in "without a daemon"
nobody_of_ours_password() { check "$1: no password can be checked" not login_ok active; }
nobody_of_ours_password "without a daemon"
check "without a daemon the account phase goes on" try alone active '' acct_mgmt
check "without a daemon it is unavailable, not unknown" \
  says 'cannot retrieve authentication info' try alone active right authenticate
server_start
rm -rf "$index"
locals_get_in "without an index"
nobody_of_ours "without an index"
check "without an index it is unavailable, and said" \
  says 'cannot be checked at the moment' try alone active '' acct_mgmt
mkdir "$index"
head -c 100000 /dev/urandom >"$index/gate.1"
cp "$index/gate.1" "$index/public.1"
locals_get_in "with a corrupt index"
nobody_of_ours "with a corrupt index"
index_make stale
nobody_of_ours "with a mirror too old"
locals_get_in "with a mirror too old"
check "and it is said" says 'out of touch' try alone active '' acct_mgmt
index_make
cat /etc/passwd >/tmp/passwd
echo 'active:x:4321:4321::/tmp/home-local:/bin/sh' >>/etc/passwd
check "a local user with the name of one of ours is local" \
  says 'not known' try alone active right authenticate
cp /tmp/passwd /etc/passwd
mv "$module" /tmp/module
locals_get_in "without the module's file"
nobody_of_ours "without the module's file"
mv /tmp/module "$module"
check "with the module back, people get in" login_ok active
stacks --package --remove roster
check "the profile is gone from the stacks" not grep -q pam_roster /etc/pam.d/common-{auth,account,password,session}
locals_get_in "without the profile"
check "no password ever came into the log" \
  not grep -Eq 'right[^s]|wrong-one|local-password|root-password|new-one' "$log"
server_stop
