# A configuration that configuration management puts in place, and a restart.
passwd_line='ada:\*:20001:10000:The ada:/home/ada:/bin/bash'
file_of_ada() { touch /srv/file && chown 20001:30001 /srv/file && ls -l /srv/file; }
sockets_are_open() { [ "$(stat -c %a /run/roster/login.sock /run/roster/control.sock | uniq)" = 666 ]; }

scenario "joined by a file and a restart"
configure
check "the configuration is right" rosterd --check
check "systemctl restart rosterd" systemctl restart rosterd
check "in sync" in_sync
check "rosterd runs" unit_is active
check "as its user, without a capability" says '^0000000000000000$' \
  awk '/^CapEff/ { print $2 }' "/proc/$(main_pid)/status"
check "getent passwd by name" says "^$passwd_line\$" getent passwd ada
check "by number" says "^$passwd_line\$" getent passwd 20001
check "getent group" says '^colleagues:\*:30001:ada,bob,cleo$' getent group colleagues
check "id" says '^uid=20001\(ada\).*30001\(colleagues\).*30002\(maintainers\)' id ada
check "ls -l" says ' ada +colleagues ' file_of_ada
check "somebody without privilege sees the same" \
  says "^$passwd_line\$" setpriv --reuid=nobody --regid=nogroup --clear-groups getent passwd ada
check "the sockets are open for everybody" sockets_are_open
check "root and local people get in" local_people
check "no unit has failed" no_failed_units
configure_sshd
