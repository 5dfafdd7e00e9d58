# Before the package: local people, keys, a rule of sudo, the people of the directory; and what the
# machine is like then.
scenario "a Debian without roster"
mkdir -p "$LOGINS"
chmod 755 "$LOGINS"
login_local_people
for name in key other-key; do ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$LOGINS/$name"; done
for name in root lora; do
  home=$(getent passwd "$name" | cut -d: -f6)
  install -d -m 700 -o "$name" "$home/.ssh"
  install -m 600 -o "$name" "$LOGINS/key.pub" "$home/.ssh/authorized_keys"
done
cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub | sed 's/^/127.0.0.1 /' >"$LOGINS/known_hosts"
printf 'Defaults lecture=never, passwd_tries=1\nlora ALL=(ALL:ALL) ALL\n%%maintainers ALL=(ALL:ALL) ALL\n' \
  >/etc/sudoers.d/machine
chmod 440 /etc/sudoers.d/machine

{
  uid=20001
  for name in ada bob cleo dora emil; do
    colleague "$name" $uid
    uid=$((uid + 1))
  done
  group colleagues 30001 "$(dn_of ada)" "$(dn_of bob)" "$(dn_of cleo)"
  group maintainers 30002 "$(dn_of ada)" "$(dn_of bob)" "$(dn_of cleo)"
} >"$people_file"
ldap_add <"$people_file"

# What people that log in before everything else would see: the first lookup of a boot.
cat >/etc/systemd/system/early.service <<'U'
[Unit]
DefaultDependencies=no
After=local-fs.target
Before=sysinit.target network-pre.target

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'getent passwd ada >/run/early; id ada >>/run/early; true'

[Install]
WantedBy=sysinit.target
U
systemctl enable --quiet early.service

check "root and local people get in" local_people
check "nobody of the directory is known" unknown ada
check "no unit has failed" no_failed_units
keep etc etc_listing
keep login-files login_files
