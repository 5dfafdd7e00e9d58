#!/bin/bash
# Unusable configurations are refused with a message a person can act on; changed ones take effect.
source "$(dirname "$0")/lib.sh"

{ many_people 20; person cleo 20500 "loginShell: /bin/csh" "title: left"; } >/run/people.ldif
scenario "refused configurations"
begin /run/people.ldif
daemon_stop
check "the good one passes --check" rosterd --check --config "$config"
bad() { # bad SENTENCE PATTERN EDIT
  cp "$config" /etc/roster/bad.toml
  sed -i -E "$3" /etc/roster/bad.toml
  check "$1" fails_naming "$2" timeout 10 rosterd --check --config /etc/roster/bad.toml
}
bad "a syntax error, with line and column" '(line 3.*column|:3:[0-9]+)' '3s/.*/base = = "x"/'
bad "a missing key" 'directory\.base|base' '/^base/d'
bad "an unknown key" 'directory\.bind_dm' 's/^bind_dn/bind_dm/'
bad "a value of the wrong kind" 'directory\.uris' 's/^uris = .*/uris = 5/'
bad "clear text to another host" 'tls' 's|^uris = .*|uris = ["ldap://ldap.example.org"]|; s/^tls = .*/tls = "off"/'
bad "an unknown duration" 'compare_interval' 's/^\[accounts\]/compare_interval = "5 parsecs"\n[accounts]/'
bad "a password file that is missing" 'bind_password_file|no-such' 's|^bind_password_file = .*|bind_password_file = "/etc/roster/no-such"|'
bad "a CA file that is missing" 'ca_file|no-such' 's|^ca_file = .*|ca_file = "/etc/roster/no-such"|'
bad "several errors at once: the first" 'bind_dm' 's/^bind_dn/bind_dm/; s/^tls = .*/tls = "maybe"/'
bad "several errors at once: the second" 'directory\.tls' 's/^bind_dn/bind_dm/; s/^tls = .*/tls = "maybe"/'
bad "an attribute that the directory's schema does not know" 'noSuchAttribute' \
  's/^disabled = .*/disabled = ["noSuchAttribute=TRUE"]/'
chmod 644 /etc/roster/bind-password
check "a password file that everybody can read" fails_naming 'bind-password' rosterd --check --config "$config"
chmod 640 /etc/roster/bind-password
check "a missing file" fails_naming 'no-such.toml' rosterd --check --config /etc/roster/no-such.toml
sed -i 's/^bind_dn/bind_dm/' /etc/roster/bad.toml
check "no configuration may end the daemon in silence" \
  fails_naming 'bind_dm' timeout 10 rosterd --config /etc/roster/bad.toml

scenario "changed rules re-evaluate what is stored"
begin /run/people.ldif
check "before: a shell that is not installed" shell_is cleo /usr/sbin/nologin
daemon_stop
write_config $'replace_shells = ["/bin/csh"]\ndefault_shell = "/bin/sh"'
daemon_start
check "replace_shells and default_shell" eventually shell_is cleo /bin/sh
check "for people without a shell too" eventually shell_is p001 /bin/sh
daemon_stop
write_config 'max_id = 20010'
daemon_start
wait_in_sync
check "a smaller window" eventually unknown p015
check "keeps who is inside" known p005
daemon_stop
write_config
sed -i 's/^disabled = .*/disabled = ["title=left"]/' "$config"
daemon_start
wait_in_sync
check "everybody is back with the old window" eventually known p015
check "another rule for disabled" eventually disabled cleo

scenario "a wider request: attributes that were not asked for before"
daemon_stop
printf 'dn: %s\nchangetype: modify\nreplace: title\ntitle: left\n\n' "$(dn_of p003)" | ldap_change 2>/dev/null ||
  { directory_make /run/people.ldif; directory_start; }
write_config
daemon_start
wait_in_sync
check "p003 is active by the first rule" active p003
daemon_stop
replace "$(dn_of p003)" title left
sed -i 's/^disabled = .*/disabled = ["title=left"]/' "$config"
daemon_start
wait_in_sync
check "and disabled by the new one, which needs another attribute" \
  eventually disabled p003
