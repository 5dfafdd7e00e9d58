# A disposable Debian 12 with systemd as process 1, made and booted in private namespaces: sourced by
# Tests/Machine/run. Nothing of it outlives the script that sources this, however that ends: the kernel
# kills the processes and drops the mounts, the network and the files, which are in memory.

work=/mnt                       # a tmpfs of this mount namespace only
machine=$work/machine           # the machine's root folder
machine_packages=(systemd systemd-sysv dbus libpam-systemd libnss-systemd openssh-server openssh-client
  sudo cron login passwd libpam-modules libpam-runtime iproute2 procps python3 ldap-utils)

# machine_namespaces COMMAND...: becomes the command in private namespaces, with the host's network. It
# is killed with the caller's parent, and everything in the namespaces with it.
machine_namespaces() {
  exec setpriv --pdeathsig KILL \
    unshare --mount --propagation private --pid --fork --kill-child --uts --ipc "$@"
}

# machine_outside COMMAND...: the same and waits for it; leaves with its code, and takes away what is
# left then, however it ends.
machine_outside() {
  local code=0
  export machine_token=$$
  machine_namespaces "$@" &
  namespaces=$!
  trap 'kill -KILL $namespaces 2>/dev/null || true; machine_cgroup_end' EXIT
  trap 'exit 130' INT TERM HUP
  wait $namespaces || code=$?
  exit "$code"
}

machine_mounts() {
  mount -t proc proc /proc
  mount -t tmpfs -o mode=755,size=3g tmpfs "$work"
  # One cgroup2 hierarchy, as a real Debian 12 has, whatever the host's layout is.
  umount -R /sys/fs/cgroup
  mount -t cgroup2 none /sys/fs/cgroup
}

# machine_cgroup_end: control groups are the only thing that no namespace takes away; those of runs that
# were killed go too. A group in which something runs is somebody else's.
machine_cgroup_end() {
  local try hierarchy group
  hierarchy=$(findmnt -n -r -t cgroup2 -o TARGET | head -n 1)
  [ -n "$hierarchy" ] || return 0
  for try in {1..20}; do
    for group in "$hierarchy"/roster-machine-*; do
      ! grep -qs 'populated 0' "$group/cgroup.events" ||
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
    [ -d "$hierarchy/roster-machine-$machine_token" ] || return 0
    sleep 0.1
  done
}

# machine_dependencies DEB [CONTROL]: the packages that DEB and the tests of CONTROL need. They come from
# Debian before the machine boots: it has no way there.
machine_dependencies() {
  {
    dpkg-deb -f "$1" Pre-Depends Depends
    [ -z "${2:-}" ] || sed -n '/^Depends:/,/^[^ D]/p' "$2" | grep -v '^[A-CE-Z]'
  } | sed 's/^[A-Za-z-]*://' | tr ',' '\n' |
    sed -E 's/\|.*//; s/\(.*//; s/[[:space:]]//g' | sed '/^$/d' | sort -u
}

# machine_make [PACKAGE...]: a fresh Debian 12 in $machine. BASE=FILE keeps it for the next run, for
# those who work on these tests.
machine_make() {
  local packages
  packages=$(printf '%s,' "${machine_packages[@]}" "$@")
  mkdir "$machine"
  if [ -s "${BASE:-}" ]; then
    tar -C "$machine" --numeric-owner --xattrs -xf "$BASE"
  else
    mmdebstrap --quiet --variant=minbase --include="${packages%,}" \
      --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io \
      --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
      --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$machine"
    [ -z "${BASE:-}" ] || tar -C "$machine" --numeric-owner --xattrs -cf "$BASE" .
  fi
  echo machine >"$machine/etc/hostname"
  echo '127.0.0.1 localhost machine' >"$machine/etc/hosts"
  : >"$machine/etc/apt/sources.list"  # it has no way out
}

# machine_network: the machine shares this namespace's network: loopback, and a cable on which the
# directory has an address. Both survive a reboot of the machine.
machine_network() {
  ip link set lo up
  ip link add lan type veth peer name lan-end
  ip link set lan up
  ip link set lan-end up
  network_up
}
network_up() { ip address add "$directory_address/32" dev lan; }
network_down() { ip address del "$directory_address/32" dev lan; }

# machine_boot [OPTION...]: starts it and returns when it is up. nspawn leaves with 133 when the machine
# wants to reboot; it is then started again with its files as they are.
machine_boot() {
  local group=/sys/fs/cgroup/roster-machine-$machine_token
  mkdir -p "$group"
  # bpf() is allowed so that IPAddressDeny= and DevicePolicy= are in force as on a real machine.
  (
    echo "$BASHPID" >"$group/cgroup.procs"
    while
      code=0
      systemd-nspawn --quiet --directory="$machine" --machine=roster-test --register=no --keep-unit \
        --resolv-conf=off --timezone=off --link-journal=no --console=pipe \
        --network-namespace-path=/proc/self/ns/net \
        --system-call-filter=bpf --capability=CAP_BPF --boot "$@" || code=$?
      [ "$code" = 133 ]
    do :; done
  ) </dev/null >>"$work/console" 2>&1 &
  machine_pid=$!
  disown "$machine_pid"
  machine_wait
}

children() { cat "/proc/$1/task/$1/children" 2>/dev/null || true; }

# machine_leader: the machine's systemd, as this namespace numbers it.
machine_leader() {
  local process=$machine_pid
  # The loop's shell, nspawn, its helper: the first below them that is systemd itself.
  for process in $(children "$machine_pid"); do
    for process in $(children "$process"); do
      if [ "$(cat "/proc/$process/comm" 2>/dev/null)" = systemd ]; then
        echo "$process"
        return
      fi
    done
  done
  return 1
}

# in_machine COMMAND...: as root in the machine, with a new environment.
in_machine() {
  local leader
  leader=$(machine_leader) || { echo "the machine is down" >&2; return 1; }
  nsenter -t "$leader" -m -u -i -n -p -C -r -w -- /usr/bin/env -i \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
    LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

machine_is_up() {
  local state
  state=$(in_machine systemctl is-system-running 2>/dev/null) || true
  case $state in running | degraded) ;; *) echo "it is ${state:-down}"; return 1 ;; esac
}
machine_wait() {
  local try
  for try in {1..1200}; do
    ! machine_is_up >/dev/null || return 0
    sleep 0.05
  done
  echo "the machine did not boot; the end of its console:" >&2
  tail -n 20 "$work/console" >&2
  return 1
}

# machine_reboot: with its files kept; returns when it is up again.
machine_reboot() {
  local before try
  before=$(machine_leader)
  in_machine systemctl reboot >/dev/null 2>&1 || true
  for try in {1..600}; do
    [ -e "/proc/$before" ] || break
    sleep 0.05
  done
  [ ! -e "/proc/$before" ] || { echo "the machine does not go down" >&2; return 1; }
  machine_wait
}

# machine_stop: powers it off.
machine_stop() {
  local try leader
  leader=$(machine_leader) || return 0
  kill -s RTMIN+4 "$leader"
  for try in {1..400}; do
    [ -e "/proc/$machine_pid" ] || return 0
    sleep 0.05
  done
  kill -KILL "$machine_pid"
}
