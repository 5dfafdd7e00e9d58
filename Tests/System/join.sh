#!/bin/bash
# roster join and roster leave against a real slapd: by options, by answers on a terminal, and every
# way in which they refuse. There is no systemd in a room: the daemon is started by hand afterwards.
source "$(dirname "$(readlink -f "$0")")/../../packaging/lib/build.sh"
[ "${IN_ROOM:-}" = 1 ] || need_packages openssh-client openssh-server
source "$(dirname "$0")/lib.sh"

answers=$system_tests/answers.py
drop_in=/etc/ssh/sshd_config.d/50-roster.conf
service_drop_in=/etc/systemd/system/rosterd.service.d/bind-password.conf
mkdir -p /run/sshd
ssh-keygen -A >/dev/null
rm -f /etc/ssh/sshd_config.d/*.conf
cp /usr/share/openssh/sshd_config /etc/ssh/sshd_config
echo '127.0.0.1 ldap.room' >>/etc/hosts

ask() { # ask STATUS COMMAND...: runs it without a terminal; its output stays in /run/out and /run/err
  local wanted=$1 status=0
  shift
  "$@" >/run/out 2>/run/err </dev/null || status=$?
  [ "$status" = "$wanted" ] || { echo "exit $status instead of $wanted"; cat /run/out /run/err; return 1; }
}
told() { grep -Eq -- "$1" /run/out /run/err || { echo "no $1 in:"; cat /run/out /run/err; return 1; }; }
refused() { # refused STATUS PATTERN COMMAND...: leaves so, says so, and wrote nothing
  local status=$1 pattern=$2
  shift 2
  ask "$status" "$@" && told "$pattern" && nothing_written
}
nothing_written() {
  local path
  for path in "$config" /etc/roster/bind_password "$service_drop_in" "$drop_in" /etc/roster/ca.pem; do
    [ ! -e "$path" ] || { echo "$path is there"; return 1; }
  done
  no_rest
}
no_rest() { ! compgen -G '/var/tmp/roster-join-*'; }
file_is() { [ "$(stat -c %U:%G:%a "$1")" = "$2" ] || { stat -c %U:%G:%a "$1"; return 1; }; }
blank() {
  daemon_stop KILL
  rm -rf /etc/roster /var/lib/roster/* "$(dirname "$service_drop_in")" "$drop_in"
}
# As systemd would start it: the password comes as a credential.
start_as_service() {
  install -d -o roster -m 500 /run/credentials
  install -o roster -m 400 /etc/roster/bind_password /run/credentials/bind_password
  CREDENTIALS_DIRECTORY=/run/credentials daemon_start
  wait_in_sync 20
}

printf '%s' "$reader_password" >/run/password
usual=(--bind-dn "$reader_dn" --password-file /run/password --ca-file /run/tls/ca.pem)
join=(roster join "$ldap_uri" "${usual[@]}")
key=$(ssh-keygen -q -t ed25519 -N '' -C key -f /run/key && cat /run/key.pub)
{
  many_people 30
  person ada 20500 "sshPublicKey: $key" | sed 's/^objectClass: shadowAccount/&\nobjectClass: ldapPublicKey/'
  person gone 20501 "employeeType: disabled"
  person daemon 20502
  person low 500
  group admins 30000 "$(dn_of p001)" "$(dn_of p002)" "$(dn_of ada)" "$(dn_of gone)"
  group sudo 30001 "$(dn_of p003)"
} >/run/people.ldif
directory_make /run/people.ldif
directory_start

scenario() { echo "--    $1"; blank; }

scenario "what is refused before anything is written"
check "nobody but root" ask 4 setpriv --reuid 65534 --clear-groups roster join "$ldap_uri"
check "which is said" told 'only root'
check "nor leaves anybody but root" ask 4 setpriv --reuid 65534 --clear-groups roster leave --yes
check "no terminal and no options: everything that is missing is named" refused 2 \
  'URI.*--bind-dn.*--allow-group.*--everybody.*--yes' roster join
check "a bind DN needs a password file" refused 2 '--password-file' \
  roster join "$ldap_uri" --bind-dn "$reader_dn" --everybody --yes
check "options that contradict each other" refused 2 'does not go with' \
  "${join[@]}" --everybody --allow-group x --yes
check "a URI that is none" refused 2 'directory.uris' \
  roster join nonsense "${usual[@]}" --everybody --yes
check "clear text to another host" refused 2 'directory.tls' \
  roster join ldap://ldap.example.org --tls off "${usual[@]}" --everybody --yes
check "an unknown CA is named, and the option" refused 1 'unknown CA.*room CA|--ca-file' \
  roster join "$ldap_uri" --bind-dn "$reader_dn" --password-file /run/password --everybody --yes
check "an unknown CA is named" told 'unknown CA'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=other CA' \
  -keyout /run/other.key -out /run/other.pem 2>/dev/null
check "the wrong CA too" refused 1 'unknown CA' roster join "$ldap_uri" --bind-dn "$reader_dn" \
  --password-file /run/password --ca-file /run/other.pem --everybody --yes
check "a name that the certificate is not for" refused 1 'TLS: certificate of .* is for' \
  roster join ldaps://ldap.room "${usual[@]}" --everybody --yes
check "nobody listens" refused 1 'refused' roster join ldaps://127.0.0.1:1 "${usual[@]}" --everybody --yes
printf 'wrong' >/run/wrong
check "a wrong password" refused 1 'Invalid credentials|invalid credentials' \
  roster join "$ldap_uri" --bind-dn "$reader_dn" --password-file /run/wrong --ca-file /run/tls/ca.pem \
  --everybody --yes
check "which says what to check" told '--bind-dn and the password'
check "an empty password" refused 2 'empty' roster join "$ldap_uri" --bind-dn "$reader_dn" \
  --password-file /dev/null --ca-file /run/tls/ca.pem --everybody --yes
check "a base that does not exist" refused 1 'ou=nowhere.*does not exist' \
  "${join[@]}" --base "ou=nowhere,$suffix" --everybody --yes
check "a base without people" refused 1 'shows nobody with a uidNumber' \
  "${join[@]}" --base "ou=elsewhere,$suffix" --everybody --yes
check "an identity that may read nothing" refused 1 'does not exist, or anonymous may not read it' \
  roster join "$ldap_uri" --anonymous --base "$suffix" --ca-file /run/tls/ca.pem --everybody --yes
check "an access group that does not exist: nobody could log in" refused 1 \
  'nobody of the directory could log in' "${join[@]}" --allow-group nosuch --yes
check "the missing group is named" told 'no group nosuch'
check "a domain that DNS does not know" refused 1 '_ldaps._tcp.example.invalid' \
  roster join srv:example.invalid "${usual[@]}" --everybody --yes
printf 'dn: olcOverlay={0}syncprov,olcDatabase={1}mdb,cn=config\nchangetype: delete\n' >/run/no-syncprov.ldif
directory_stop
slapcat -n0 -F "$directory_home/conf" >/run/with.ldif
/usr/bin/python3 - <<'P'
entries = open("/run/with.ldif").read().split("\n\n")
kept = [entry for entry in entries if "syncprov,olcDatabase" not in entry.split("\n")[0]]
open("/run/without.ldif", "w").write("\n\n".join(kept))
P
rm -rf "$directory_home/conf" && mkdir "$directory_home/conf"
slapadd -n0 -F "$directory_home/conf" -l /run/without.ldif
directory_start
check "a directory without syncprov can be joined" ask 0 "${join[@]}" --everybody --dry-run
check "what polling promises is said, and what to load for more" told 'followed by polling: changes within 30 s.*syncprov'
directory_make /run/people.ldif
directory_stop
directory_start

scenario "what is shown"
check "a rehearsal writes nothing" ask 0 "${join[@]}" --allow-group admins --dry-run --explain ada \
  --disabled employeeType=disabled
check "nothing at all" nothing_written
check "how many people and groups" told '^people +32$'
check "and groups" told '^groups +1$'
check "who could log in under the access group" told 'could log in +3 now.*admins.*; 1 of them'
check "who is refused, and why" told 'refused +1 disabled'
check "what a local account stands in the way of" told 'person daemon: .*local account'
check "privileged groups" told 'group sudo:'
check "ids of the system" told 'person low:'
check "the administrator's own way in" told 'root: a local account'
check "what the bind identity sees" told 'sshPublicKey.*seen on 1 of'
check "the base was found" told "^base +$suffix"
check "a person of the directory who could not log in any more is warned" refused 1 \
  'you are p005 of the directory' env SUDO_USER=p005 "${join[@]}" --allow-group admins --yes
check "one who could is not" ask 0 env SUDO_USER=ada "${join[@]}" --allow-group admins --dry-run
check "as JSON" ask 0 "${join[@]}" --allow-group admins --dry-run --json
check "the numbers of the report" test "$(json cat /run/out -- rehearsal.people):$(
  json cat /run/out -- rehearsal.admitted):$(json cat /run/out -- joined)" = 32:4:False

check "of several servers one is enough" ask 0 roster join ldaps://127.0.0.1:1 "$ldap_uri" "${usual[@]}" \
  --everybody --dry-run --no-sshd --explain nosuch
check "the other is named" told 'Warning: ldaps://127.0.0.1:1'
check "and a person whom nobody knows" told 'knows nosuch'

scenario "joining by options"
check "joins" ask 0 "${join[@]}" --allow-group admins --disabled employeeType=disabled --yes --sshd
check "says that systemd does not run" told 'systemd does not run here'
check "the configuration is everybody's to read" file_is "$config" root:root:644
check "the password is the daemon's alone" file_is /etc/roster/bind_password root:roster:640
check "the password goes over as a credential" \
  grep -qx 'LoadCredential=bind_password:/etc/roster/bind_password' "$service_drop_in"
check "a CA file that the daemon might not reach is kept beside" cmp /run/tls/ca.pem /etc/roster/ca.pem
check "sshd asks roster for keys" test "$(sshd -T | grep -c '^authorizedkeyscommand.* .*roster')" = 2
check "nothing is left of the rehearsal" no_rest
check "rosterd accepts it" env CREDENTIALS_DIRECTORY=/none rosterd --check --config "$config"
start_as_service
check "what was rehearsed is what is" people_are 32
check "the access group is in force" says 'is refused.*not allowed' roster explain p005 --service sshd
check "for its members too" says 'is admitted' roster explain ada --service sshd
check "the disabling attribute too" says 'disabled' roster explain gone --service sshd

check "the same again changes nothing and needs no force" ask 0 "${join[@]}" --allow-group admins \
  --disabled employeeType=disabled --yes
check "another one does" ask 2 "${join[@]}" --everybody --yes
check "and shows the difference" told '^ *- allow_groups = \["admins"\]'
check "with --force it is replaced" ask 0 "${join[@]}" --everybody --yes --force
check "and the old one kept" grep -q admins "$config.before-join"
check "the new one is in place" grep -q 'everybody' "$config"

echo "--    leaving"
check "a person of the directory is warned" ask 1 env SUDO_USER=ada roster leave --yes
check "without a terminal it takes --yes" ask 2 roster leave
check "which is said" told '--yes'
check "ada is still known" known ada
exec 5> >(/usr/bin/python3 -u -c '
import pwd, sys
for line in sys.stdin:
    try: pwd.getpwnam(line.strip()); print("known", flush=True)
    except KeyError: print("unknown", flush=True)' >/run/long)
long_says() { echo ada >&5; sleep 0.2; [ "$(tail -n1 /run/long)" = "$1" ]; }
check "a process that runs for long knows her" eventually long_says known
daemon_stop
check "leaves" ask 0 roster leave --yes
check "says who loses what" told '32 people and 1 group'
check "she is unknown" unknown ada
check "also to the process that runs for long" eventually long_says unknown
check "PAM does not know her either" not pamtester sshd ada acct_mgmt
check "the configuration is kept under another name" test -e "$config.left" -a ! -e "$config"
check "no file of join is left" test ! -e /etc/roster/bind_password -a ! -e "$service_drop_in" -a ! -e "$drop_in"
check "sshd is as before" test "$(sshd -T | grep '^authorizedkeyscommand ')" = 'authorizedkeyscommand none'
check "the mirror stays" test -e /var/lib/roster/store
check "a second time there is nothing to do" ask 0 roster leave --yes
check "which is said" told 'nothing to undo'
check "--purge removes the state" ask 0 roster leave --yes --purge
check "all of it" test -z "$(ls -A /var/lib/roster)"
check "she stays unknown" unknown ada
exec 5>&-
check "after a leave one can join again" ask 0 "${join[@]}" --everybody --yes
chown roster: /var/lib/roster
start_as_service
check "and be known" known ada
daemon_stop

scenario "sshd is never broken"
echo 'AuthorizedKeysCommand /usr/bin/other' >/etc/ssh/sshd_config.d/10-other.conf
echo 'AuthorizedKeysCommandUser nobody' >>/etc/ssh/sshd_config.d/10-other.conf
check "joins beside another AuthorizedKeysCommand" ask 0 "${join[@]}" --everybody --yes --sshd
check "which stays, and is named" told 'AuthorizedKeysCommand already.*10-other.conf'
check "nothing of ours is there" test ! -e "$drop_in"
blank
printf 'Match User git\n  authorizedkeyscommand /usr/bin/git-keys\n  AuthorizedKeysCommandUser nobody\n' \
  >/etc/ssh/sshd_config.d/10-other.conf
check "nor is one in a Match block overlooked" ask 0 "${join[@]}" --everybody --dry-run
check "which is named" told 'AuthorizedKeysCommand already.*git-keys'
rm /etc/ssh/sshd_config.d/10-other.conf
sed -i 's/^Include/#Include/' /etc/ssh/sshd_config
check "a sshd_config that includes nothing" ask 0 "${join[@]}" --everybody --dry-run --sshd
check "which is said" told 'does not include'
sed -i 's/^#Include/Include/' /etc/ssh/sshd_config
mv /usr/sbin/sshd /usr/sbin/sshd.real
printf '#!/bin/sh\n[ ! -e %s ] || { echo "50-roster.conf: no"; exit 255; }\nexec /usr/sbin/sshd.real "$@"\n' \
  "$drop_in" >/usr/sbin/sshd
chmod 755 /usr/sbin/sshd
check "a sshd that does not accept the file" ask 1 "${join[@]}" --everybody --yes --sshd
check "the file is gone again" test ! -e "$drop_in"
check "what was done, and how to undo it, is said" told 'Done before that: .*roster.toml'
check "the way back too" told 'roster leave'
mv /usr/sbin/sshd.real /usr/sbin/sshd
check "a file that was changed since" ask 0 "${join[@]}" --everybody --yes --sshd
echo '# mine' >>"$drop_in"
check "stays at leave" ask 0 roster leave --yes
check "which is said" told 'was changed since'
check "it is there" test -e "$drop_in"
check "and goes with --force" ask 0 roster leave --yes --force
check "it is gone" test ! -e "$drop_in"

scenario "joining by answers"
talk() { /usr/bin/python3 "$answers" "$@" >/run/talk 2>&1; }
check "no, thank you" not talk 'CA.s certificate=>/run/tls/ca.pem' "Bind DN=>$reader_dn" \
  "password=>$reader_password" 'Groups=>admins' 'sshd ask=>n' 'Join now=>n' -- roster join "$ldap_uri"
check "wrote nothing" nothing_written
check "the password is not shown" not grep -q "$reader_password" /run/talk
check "Ctrl-C at the password" not talk 'CA.s certificate=>/run/tls/ca.pem' "Bind DN=>$reader_dn" \
  'password=>^C' -- roster join "$ldap_uri"
check "wrote nothing" nothing_written
check "Ctrl-C at another question" not talk 'CA.s certificate=>^C' -- roster join "$ldap_uri"
check "wrote nothing" nothing_written
check "yes: the address, a wrong password first, everything asked" talk "Address=>$ldap_uri" \
  'CA.s certificate=>/run/tls/ca.pem' "Bind DN=>$reader_dn" 'password=>wrong' \
  "password=>$reader_password" 'Groups=>admins' 'sshd ask=>y' 'Join now=>y' -- roster join
check "the drop-in is there" test -e "$drop_in"
start_as_service
check "and ada is known" known ada
daemon_stop
check "leaving, answered with no" not talk 'Leave now=>n' -- roster leave
check "changes nothing" test -e "$config"
check "answered with yes" talk 'Leave now=>y' -- roster leave
check "it is done" test ! -e "$config"

scenario "other ways in"
echo '_ldaps._tcp.room.test 10 5 636 127.0.0.1' >/run/records
/usr/bin/python3 "$system_tests/dns_server.py" /run/records >/run/dns.out 2>&1 &
disown
eventually grep -q ready /run/dns.out
echo 'nameserver 127.0.0.1' >/run/resolv.conf
mount --bind /run/resolv.conf "$(readlink -f /etc/resolv.conf)"
check "the servers that DNS names for a domain" ask 0 roster join srv:room.test "${usual[@]}" --everybody --dry-run
check "are looked up at each connect: the configuration names the domain" told '^ *uris = \["srv:room.test"\]'
check "a domain without a record" refused 1 '_ldaps._tcp.nothing.test' \
  roster join srv:nothing.test "${usual[@]}" --everybody --yes
check "over ldapi as root would see it, but bound as the user roster" ask 1 \
  roster join "$ldapi_uri" --external --everybody --dry-run
ldapmodify -Q -Y EXTERNAL -H "$ldapi_uri" >/dev/null <<L
dn: olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcAccess
olcAccess: to attrs=userPassword by self =xw by anonymous auth by * none
olcAccess: to * by dn.exact="$reader_dn" read by dn.exact=gidNumber=$(id -g roster)+uidNumber=$(
  id -u roster),cn=peercred,cn=external,cn=auth read by * none
L
check "once the directory lets it" ask 0 roster join "$ldapi_uri" --external --everybody --yes
check "no password file" test ! -e /etc/roster/bind_password -a ! -e "$service_drop_in"
daemon_start
wait_in_sync 20
check "the daemon gets in the same way" known ada
daemon_stop
blank
check "StartTLS, and the password on standard input" bash -c 'printf "%s\n" "$1" | roster join \
  ldap://127.0.0.1 --bind-dn "$2" --password-file - --ca-file /run/tls/ca.pem --everybody --yes' - \
  "$reader_password" "$reader_dn"
check "is kept octet for octet, with one newline" cmp <(printf '%s\n' "$reader_password") /etc/roster/bind_password
