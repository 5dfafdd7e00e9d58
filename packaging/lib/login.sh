# What a Debian administrator has on a host that people log in to: PAM as pam-auth-update writes it,
# sshd on loopback, cron, sudo, local users. Sourced in a room, after directory.sh and daemon.sh;
# all of it ends with the room. The attempts themselves are in logins.py.

export LOGINS=${LOGINS:-/run/logins}
logins=$LOGINS
auth_log=/run/auth.log
root_password=root-secret
local_password=local-secret
# The local people: `lora` logs in, `lena` changes her password, `otto` calls su.
local_people=(lora lena otto)

# login_make: everything but the programs' start.
login_make() {
  mkdir -p "$logins" /run/sshd
  chmod 755 "$logins" /run/sshd
  touch "$auth_log" /run/utmp
  login_private_dev
  login_pam
  login_local_people
  login_ssh
  printf 'Defaults lecture=never, passwd_tries=1\nALL ALL=(ALL:ALL) ALL\n' >/etc/sudoers.d/room
  chmod 440 /etc/sudoers.d/room
  grep -q ' room$' /etc/hosts || echo '127.0.0.1 localhost room' >>/etc/hosts
  # A tree laid out by somebody else than root must not make sshd refuse the helper.
  chown root:root /usr /usr/lib
  [ ! -d /usr/lib/roster ] || chown -R root:root /usr/lib/roster
}

# A /dev with terminals of its own and with /dev/log, which must not appear on the host.
login_private_dev() {
  local name
  mkdir -p /run/dev
  mount -t tmpfs -o mode=755 tmpfs /run/dev
  for name in null zero full random urandom tty; do
    : >"/run/dev/$name"
    mount --bind "/dev/$name" "/run/dev/$name"
  done
  mkdir /run/dev/{pts,shm}
  mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts /run/dev/pts
  mount -t tmpfs -o mode=1777 tmpfs /run/dev/shm
  ln -s pts/ptmx /run/dev/ptmx
  ln -s /proc/self/fd /run/dev/fd
  for name in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${name%:*}" "/run/dev/${name#*:}"; done
  mount --rbind /run/dev /dev
}

# The stacks as the package will have them; without roster's profile only the local ones.
login_pam() {
  local service
  # libpam-runtime's own tool, from nothing: what the host's administrator chose stays out of it, and
  # what other packages have to say about new passwords.
  rm -f /usr/share/pam-configs/{pwquality,cracklib,passwdqc}
  DEBIAN_FRONTEND=noninteractive pam-auth-update --force --package --enable unix mkhomedir \
    $([ ! -e /usr/share/pam-configs/roster ] || echo roster) >/dev/null
  # Two more callers: a screen locker, run by the person, and a web application, run by root; and one
  # that shows the code of roster's module itself.
  for service in lock web; do
    printf '@include common-auth\n@include common-account\n' >"/etc/pam.d/$service"
  done
  printf 'auth required pam_roster.so\naccount required pam_roster.so\n' >/etc/pam.d/bare
}

login_local_people() {
  local name uid=5001
  for name in "${local_people[@]}"; do
    echo "$name:x:$uid:$uid::/home/$name:/bin/bash" >>/etc/passwd
    echo "$name:x:$uid:" >>/etc/group
    echo "$name:*:20000:0:99999:7:::" >>/etc/shadow
    install -d -o "$uid" -g "$uid" "/home/$name"
    uid=$((uid + 1))
  done
  login_reset_passwords
}

# login_reset_passwords: what the local people's passwords are at first.
login_reset_passwords() {
  { printf "%s:$local_password\n" "${local_people[@]}"; echo "root:$root_password"; } |
    chpasswd --crypt-method SHA256 --sha-rounds 1000
}

login_ssh() {
  local name home
  for name in key other-key hostkey; do ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$logins/$name"; done
  chmod 600 "$logins"/{key,other-key,hostkey}
  for name in root lora; do
    home=$(getent -s files passwd "$name" | cut -d: -f6)
    install -d -m 700 -o "$name" "$home/.ssh"
    install -m 600 -o "$name" "$logins/key.pub" "$home/.ssh/authorized_keys"
  done
  # Debian's own configuration; what the host's administrator has added stays out of it.
  rm -f /etc/ssh/sshd_config.d/*
  cp /usr/share/openssh/sshd_config "$logins/sshd_config"
  cat >>"$logins/sshd_config" <<C
ListenAddress 127.0.0.1
HostKey $logins/hostkey
PermitRootLogin yes
MaxStartups 200
LogLevel VERBOSE
C
  if [ -x /usr/lib/roster/authorized-keys ]; then
    cat >>"$logins/sshd_config" <<C
AuthorizedKeysCommand /usr/lib/roster/authorized-keys %u
AuthorizedKeysCommandUser roster-keys
C
  fi
  { printf '127.0.0.1 '; cat "$logins/hostkey.pub"; printf '[127.0.0.1]:2222 '; cat "$logins/hostkey.pub"; } \
    >"$logins/known_hosts"
}

# login_start: sshd as Debian has it on port 22, one for keyboard-interactive on 2222, and a listener
# on /dev/log that writes $auth_log and, what slapd says, $directory_log. $login_pids are their processes.
login_start() {
  local try
  /usr/bin/python3 "$repo/packaging/lib/syslog.py" "$auth_log" "$directory_log" \
    </dev/null >/dev/null 2>&1 &
  login_pids=($!)
  /usr/sbin/sshd -D -f "$logins/sshd_config" -p 22 -o PidFile=none -E /run/sshd.log \
    </dev/null >/dev/null 2>&1 &
  login_pids+=($!)
  /usr/sbin/sshd -D -f "$logins/sshd_config" -p 2222 -o PidFile=none -E /run/sshd-2222.log \
    -o KbdInteractiveAuthentication=yes -o PasswordAuthentication=no \
    </dev/null >/dev/null 2>&1 &
  login_pids+=($!)
  disown -a
  for try in {1..200}; do
    if [ -S /dev/log ] && [ "$(ss -Hltn '( sport = 22 or sport = 2222 )' | wc -l)" = 2 ]; then return; fi
    sleep 0.02
  done
  echo "sshd did not come up:" >&2
  cat /run/sshd.log /run/sshd-2222.log >&2
  return 1
}

login_stop() {
  [ ${#login_pids[@]} = 0 ] || kill "${login_pids[@]}" 2>/dev/null || true
  login_pids=()
  rm -f /dev/log
}
login_pids=()

# login_by PATH NAME UID PASSWORD: one attempt, by a function of logins.py; succeeds if it let them in.
# KEY=FILE is another key, NEW=TEXT the password that a change sets, SERVICE the PAM service of
# `python_pam`.
login_by() {
  /usr/bin/python3 - "$repo/packaging/lib" "$@" <<'P'
import os, sys
sys.path.insert(0, sys.argv[1])
import logins
path, name, uid, password = sys.argv[2:6]
person = logins.Person(name, int(uid), password, os.environ.get("KEY", logins.KEY),
                       os.environ.get("NEW", ""))
if path == "cron":
    result = logins.cron([person])[name]
elif path == "su":
    result = logins.su(person, logins.Person("otto", 5003, gid=5003))
elif path == "python_pam":
    result = logins.python_pam(person, os.environ.get("SERVICE", "web"))
else:
    result = getattr(logins, path)(person)
print(result.text.strip() or result)
if result.code: print(result.code)
sys.exit(not result.is_in)
P
}
