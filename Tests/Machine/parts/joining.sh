# roster join and roster leave where systemd runs: the service is started, waited for and stopped.
# Comes between `install` and `join`, and leaves the machine as `install` did.
drop_in=/etc/ssh/sshd_config.d/50-roster.conf
service_drop_in=/etc/systemd/system/rosterd.service.d/bind-password.conf
printf '%s' "$reader_password" >/run/password
join=(roster join "$ldap_uri" --bind-dn "$reader_dn" --password-file /run/password
  --ca-file "$directory_run/tls/ca.pem" --yes)

scenario "joined by roster join"
check "joins" "${join[@]}" --allow-group maintainers --sshd --explain ada
check "the service runs" unit_is active
check "and its sockets" unit_is active rosterd.socket
check "both are there after a boot" systemctl is-enabled rosterd.service rosterd.socket
check "the password is root's alone" test "$(stat -c %U:%G:%a /etc/roster/bind_password)" = root:root:600
check "and reaches the daemon as a credential" cmp /run/credentials/rosterd.service/bind_password \
  /etc/roster/bind_password
check "in sync" in_sync
check "people resolve" known ada
check "in by key at once: sshd was reloaded" by ssh_key ada
check "not who is outside the access group" not by ssh_key emil
check "again, the same: nothing to say" "${join[@]}" --allow-group maintainers --sshd
check "another configuration is not taken without --force" fails_naming 'configuration already' "${join[@]}" --everybody
check "with it, it is in force when join returns" "${join[@]}" --everybody --force
check "for emil too" by ssh_key emil
check "no unit has failed" no_failed_units

scenario "a service that cannot run"
mkdir -p /etc/systemd/system/rosterd.service.d
printf '[Service]\nLoadCredential=\nLoadCredential=bind_password:/etc/hostname\n' \
  >/etc/systemd/system/rosterd.service.d/broken.conf
systemctl daemon-reload
check "is told by join, with what was done and how to undo it" \
  fails_naming 'does not follow the directory' "${join[@]}" --allow-group maintainers --force
rm /etc/systemd/system/rosterd.service.d/broken.conf
systemctl daemon-reload

scenario "left by roster leave"
check "leaves" roster leave --yes
check "the service is stopped" unit_is inactive
check "its sockets too" unit_is inactive rosterd.socket
check "both stay enabled, for a configuration that is put in place by hand" \
  systemctl is-enabled rosterd.service rosterd.socket
check "and do not start without one" bash -c \
  'systemctl start rosterd.service; [ "$(systemctl is-active rosterd.service)" = inactive ]'
check "nobody of the directory is known" unknown ada
check "nobody gets in by key" not by ssh_key ada
check "sshd is as before" test "$(sshd -T | grep '^authorizedkeyscommand ')" = 'authorizedkeyscommand none'
check "root and local people get in" local_people
check "nothing is left" test ! -e "$config" -a ! -e "$drop_in" -a ! -e "$service_drop_in"
check "no unit has failed" no_failed_units
check "a second time there is nothing to do" says 'nothing to undo' roster leave --yes
check "and --purge leaves no data" roster leave --yes --purge
check "none" test -z "$(ls -A /var/lib/roster)"
# As the package left it, for the parts that come after this one.
rm -f /etc/roster/*
