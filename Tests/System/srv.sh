#!/bin/bash
# srv:DOMAIN: the servers that DNS names, by a name server of the room's own.
source "$(dirname "$0")/lib.sh"

certificate_names=DNS:ldap.example.test,IP:127.0.0.1
records=/run/records
: >"$records"
/usr/bin/python3 "$system_tests/dns_server.py" "$records" >/run/dns.out 2>&1 &
dns=$!
disown "$dns"
eventually grep -q ready /run/dns.out
echo 'nameserver 127.0.0.1' >/run/resolv.conf
mount --bind /run/resolv.conf "$(readlink -f /etc/resolv.conf)" 2>/dev/null || cp /run/resolv.conf /etc/resolv.conf
echo '127.0.0.1 ldap.example.test other.example.test' >>/etc/hosts
names() { printf '_ldaps._tcp.example.test %s\n' "$@" >"$records"; }
server_is() { [ "$(json roster status --json -- server_uri)" = "$1" ] || { roster status; return 1; }; }
status_says() { says "$1" roster status; }
by_srv() { sed -i 's|^uris = .*|uris = ["srv:example.test"]|' "$config"; }
many_people 20 >/run/people.ldif
relay() {
  : >/run/relay.out
  /usr/bin/python3 "$system_tests/relay.py" "$1" 636 >/run/relay.out 2>&1 &
  relay_pid=$!
  disown "$relay_pid"
  eventually grep -q ready /run/relay.out
}

scenario "a server by its SRV record"
directory_make /run/people.ldif
directory_start
write_config
by_srv
names '0 0 636 ldap.example.test'
daemon_start
check "it is followed" wait_in_sync 20
check "roster status names the server itself" server_is ldaps://ldap.example.test:636
check "--check is content" rosterd --check --config "$config"
person ada 25000 | ldap_add
check "changes arrive" eventually known ada

scenario "several: by priority, and looked up anew at each connect"
directory_make /run/people.ldif
directory_start
write_config
by_srv
relay 2636
names '20 0 636 ldap.example.test' '10 0 2636 ldap.example.test' '0 100 2637 ldap.example.test'
daemon_start
check "the first that lets itself be connected to is followed" wait_in_sync 20
check "in the order of the priorities" server_is ldaps://ldap.example.test:2636
names '0 0 636 ldap.example.test'
kill -KILL "$relay_pid"
patience=30
check "when it goes, the one is followed that DNS names by then" eventually server_is ldaps://ldap.example.test:636
person ada 25000 | ldap_add
check "changes arrive" eventually known ada

scenario "what DNS says is not believed further than the certificate goes"
directory_make /run/people.ldif
directory_start
write_config
by_srv
names '0 0 636 other.example.test'
daemon_start
check "a host that the certificate does not name is refused, and named" \
  eventually status_says 'other\.example\.test.*certificate'
check "nobody is published" people_are 0
names '0 0 636 other.example.test' '1 0 636 ldap.example.test'
check "the next record is tried" wait_in_sync 60
names '0 0 636 .'
check "a domain that does not offer the service" fails_naming 'SRV' rosterd --check --config "$config"
names '0 0 636 bad_/name'
check "a name that is none" fails_naming 'SRV' rosterd --check --config "$config"
: >"$records"
check "no such record: which one" fails_naming '_ldaps\._tcp\.example\.test' rosterd --check --config "$config"
echo silent >"$records"
check "a silent name server: within 15 s, and what to look at" \
  within 15000 fails_naming 'resolv\.conf' rosterd --check --config "$config"
check "what is mirrored stays" people_are 20
kill "$dns"
