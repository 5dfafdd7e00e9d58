#!/bin/bash
# The program that sshd asks for keys, as installed: what it prints for whom, and what sshd makes of
# it. The index is written by index-tool, so no directory and no daemon take part.
source "$(dirname "$(readlink -f "$0")")/../../packaging/lib/build.sh"
if [ "${IN_ROOM:-}" != 1 ]; then
  need_packages openssh-client openssh-server strace
  build_tool index-tool >/dev/null
fi
source "$(dirname "$0")/lib.sh"

helper=/usr/lib/roster/authorized-keys
tool=$repo/.build-release/release/index-tool
index=/var/lib/roster/index
keys=/run/keys
mkdir -p "$index" "$keys"

# As sshd runs it: its user, no groups beside, no capability.
asked=(setpriv --reuid=roster-keys --regid=roster-keys --clear-groups --inh-caps=-all
  --bounding-set=-all --no-new-privs "$helper")
prints() { # prints NAME LINE...: exactly these lines, exit 0, nothing on stderr
  local name=$1 output
  shift
  output=$("${asked[@]}" "$name" 2>/run/stderr) || { echo "exit $?"; cat /run/stderr; return 1; }
  [ ! -s /run/stderr ] || { cat /run/stderr; return 1; }
  [ "$output" = "$(printf '%s\n' "$@")" ] || { printf '%s\n' "$output"; return 1; }
}
prints_nothing() { prints "$1"; }
cannot_tell() { # cannot_tell PATTERN COMMAND...: exit 1, nothing printed, one line on stderr
  local pattern=$1 output code=0
  shift
  output=$("$@" 2>/run/stderr) || code=$?
  [ "$code" = 1 ] && [ -z "$output" ] && [ "$(wc -l </run/stderr)" = 1 ] &&
    grep -q -- "$pattern" /run/stderr || { echo "exit $code: $output"; cat /run/stderr; return 1; }
}
facts() { # facts NAME FACT...: publishes a person with these facts; the file keeps its rights
  "$tool" gate "$index" "$@" >/dev/null
}
rules() { "$tool" policy "$index" "$@" >/dev/null; }
new_index() {
  rm -rf "${index:?}"/*
  "$tool" generate "$index" 50 5 >/dev/null
  chgrp roster-keys "$index/gate.1"
  "$tool" verified "$index"
}

for type in ed25519 ecdsa rsa; do ssh-keygen -q -t "$type" -N '' -C "someone's $type" -f "$keys/$type"; done
ssh-keygen -q -t ecdsa -b 521 -N '' -C '' -f "$keys/ecdsa521"
ssh-keygen -q -t dsa -N '' -C 'someone' -f "$keys/dsa"
ssh-keygen -q -s "$keys/rsa" -I someone -n user0 "$keys/ed25519.pub"
ed25519=$(cat "$keys/ed25519.pub")
ecdsa=$(cat "$keys/ecdsa.pub")

new_index
check "the program belongs to root, and so do all folders above; nobody else can write there" \
  test -z "$(for path in / /usr /usr/lib /usr/lib/roster "$helper"; do
    find "$path" -maxdepth 0 \( ! -user root -o -perm /022 \)
  done)"
check "the gate is not readable by everybody" test "$(stat -c %a:%G "$index/gate.1")" = 640:roster-keys

facts user0 "key=$ed25519" "key=$ecdsa" "key=$(cat "$keys/rsa.pub")" "key=$(cat "$keys/ecdsa521.pub")"
check "every key of an account, in order, as ssh-keygen made them" \
  prints user0 "$ed25519" "$ecdsa" "$(cat "$keys/rsa.pub")" "$(cat "$keys/ecdsa521.pub")"
check "sshd's own tools read what is printed" test "$("${asked[@]}" user0 | ssh-keygen -l -f - | wc -l)" = 4
check "an account without keys" prints_nothing user1
check "a name that nobody has" prints_nothing nobody-here
check "root" prints_nothing root
check "an empty name" prints_nothing ""
check "the name of the policy is no account's" prints_nothing /policy
check "a name of 5000 octets" prints_nothing "$(printf 'u%.0s' {1..5000})"
check "no argument, and two" cannot_tell usage "${asked[@]}"
check "another user may not ask" cannot_tell gate.1 setpriv --reuid=nobody --regid=nogroup --clear-groups "$helper" user0
check "an empty environment changes nothing" test "$(env -i "${asked[@]}" user0 | wc -l)" = 4

for fact in disabled=nsAccountLock=TRUE blocked expires=1000; do
  facts user0 "key=$ed25519" "$fact"
  check "nothing for an account with the fact ${fact%%=*}" prints_nothing user0
done
facts user0 "key=$ed25519" must-change=pwdReset
check "the keys of one who has to choose a new password" prints user0 "$ed25519"

facts user0 "key=$ed25519" slots=1,4
rules deny=4
check "nothing for one whom a rule denies" prints_nothing user0
rules deny=4 sshd:allow=1
check "a rule of sshd's own stands alone" prints user0 "$ed25519"
rules allow=1 sshd:allow=2
check "nothing for one whom it does not name" prints_nothing user0
rules staleness=60
check "while the mirror is fresh" prints user0 "$ed25519"
rules staleness=-1
check "nothing when the mirror is too old" prints_nothing user0

rules staleness=3600
facts user0 "key=$(cat "$keys/dsa.pub")" "key=$(cat "$keys/ed25519-cert.pub")" "key=ssh-ed25519 AAAA" \
  "key=restrict $ed25519" "key=$ecdsa" "key=$ed25519 $ecdsa" "key=#$ed25519"
check "only what is exactly one key" prints user0 "$ecdsa"
rules options
check "options where the rules allow them" prints user0 "restrict $ed25519" "$ecdsa"
rules staleness=3600

facts user2 "key=$ed25519"
check "a directory account of this name" prints user2 "$ed25519"
echo 'user2:x:4242:4242::/home/user2:/bin/sh' >>/etc/passwd
check "is nobody's once a local account has the name" prints_nothing user2
"$tool" remove "$index" user2 >/dev/null
sed -i '/^user2:/d' /etc/passwd
check "nothing for one who was removed a moment ago" prints_nothing user2

# Output that does not arrive.
many=()
for number in {1..400}; do many+=("key=$ed25519 $number $(printf 'c%.0s' {1..300})"); done
facts user3 "${many[@]}"
slowly() { "${asked[@]}" user3 | (sleep 0.3; cat) | wc -l; }
check "400 long keys through a full pipe" test "$(slowly)" = 400
check "a full disk" cannot_tell 'cannot write' bash -c '"$@" >/dev/full' - "${asked[@]}" user3
check "a closed standard output" cannot_tell 'cannot write' bash -c '"$@" >&-' - "${asked[@]}" user3

# What it does: few system calls, no socket, nothing but passwd, the gate and the boot's number.
strace -f -o /run/calls "$helper" user0 >/dev/null
check "no socket, no process, no thread" not grep -E '^[0-9]+ (socket|connect|clone|fork|vfork|execve)' \
  <(grep -v 'execve("/usr/lib/roster' /run/calls)
check "it opens the C library, passwd, the gate and the number of the boot" test \
  "$(grep -oE 'open(at)?\([^"]*"[^"]+"' /run/calls | grep -oE '/[^"]+' | grep -vE '/etc/ld.so|libc.so' | sort | tr '\n' ' ')" \
  = "/etc/passwd /proc/sys/kernel/random/boot_id /var/lib/roster/index/gate.1 "

# The real sshd.
mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f /run/host-key
cat >/run/sshd.conf <<T
Port 2222
ListenAddress 127.0.0.1
HostKey /run/host-key
UsePAM no
PasswordAuthentication no
AuthorizedKeysFile none
AuthorizedKeysCommand $helper %u
AuthorizedKeysCommandUser roster-keys
LogLevel VERBOSE
T
/usr/sbin/sshd -f /run/sshd.conf -D -E /run/sshd.log 2>/dev/null &
login() { # login NAME KEY: logs in and says who that is
  ssh -p 2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
    -o BatchMode=yes -o IdentitiesOnly=yes -i "$keys/$2" "$1@127.0.0.1" id -un </dev/null
}
enters() { [ "$(login "$@" 2>/dev/null)" = "$1" ] || { login "$@"; tail -n 5 /run/sshd.log; return 1; }; }
facts user0 "key=$ed25519"
check "sshd lets the owner of a key in" eventually enters user0 ed25519
check "and nobody with another key" fails_naming denied login user0 ecdsa
check "nor with this key under another name" fails_naming denied login user1 ed25519
facts user0 "key=$ecdsa"
check "a removed key stops working at the next attempt" fails_naming denied login user0 ed25519
check "and a new one works at once" enters user0 ecdsa
facts user0 "key=$ecdsa" disabled=employeeType=disabled
check "a disabled account is refused at the next attempt" fails_naming denied login user0 ecdsa
facts user0 "key=$ecdsa"
check "and let in again when it is active" enters user0 ecdsa
check "sshd found nothing wrong with the program" not grep -iE 'unsafe|bad owner|bad ownership|returned status' /run/sshd.log
chmod 777 /usr/lib/roster
check "it refuses to run it once others could replace it" fails_naming denied login user0 ecdsa
chmod 755 /usr/lib/roster

# An index that cannot be used: nobody of the directory gets in, local names are none of our business.
echo 'local1:x:4243:4243::/home/local1:/bin/sh' >>/etc/passwd
cp "$index/gate.1" /run/gate.1
printf '\377\377\377\377' | dd of="$index/gate.1" bs=1 seek=100 conv=notrunc status=none
check "a damaged index: nothing, and a complaint" cannot_tell gate.1 "${asked[@]}" user0
check "a local name all the same" prints_nothing local1
check "sshd refuses" fails_naming denied login user0 ecdsa
chmod 666 "$index/gate.1"
check "an index that others may write" cannot_tell gate.1 "${asked[@]}" user0
rm "$index/gate.1"
mkfifo "$index/gate.1"
check "a FIFO in its place does not block" cannot_tell gate.1 timeout 5 "${asked[@]}" user0
rm -rf "${index:?}"
check "no index at all" cannot_tell gate.1 "${asked[@]}" user0
check "a local name even then" prints_nothing local1
