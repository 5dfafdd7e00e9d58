# What every script of this repository shares: where things are, which Debian packages and which
# Swift are needed, and how the release is built. Sourced by bash, never run.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Where the installed layout of the tests, the demo and the benchmarks lies.
stage=$repo/.build-release/stage
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo "$(uname -m)-linux-gnu")

# What building needs (libc6-dev and the linker come with the compiler's dependencies).
build_packages=(binutils gcc libc6-dev libldap-dev libpam0g-dev libsqlite3-dev libssl-dev libstdc++-12-dev
  pkg-config zlib1g-dev)
# What making the package needs beside that.
deb_packages=(debhelper dh-nss dpkg-dev)
# What running against a throw-away directory needs.
directory_packages=(iproute2 ldap-utils openssl python3 python3-ldap slapd util-linux)
# What a throw-away Active Directory needs beside that.
samba_packages=(ldb-tools python3-samba samba samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind)
# What logging in with the real programs needs.
login_packages=(cron libpam-modules libpam-runtime login nftables openssh-client openssh-server
  pamtester passwd procps python3-pam sudo)

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$(basename "$0"): $*"
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "this needs root and there is no sudo here; as root, run: $*"
  fi
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# need_packages NAME...: installs those that are missing, and says so first. No service is started
# or enabled by it: a directory server that somebody only wants to try must not appear on the host.
need_packages() {
  local missing=() name
  for name; do is_installed "$name" || missing+=("$name"); done
  [ ${#missing[@]} = 0 ] && return 0
  command -v apt-get >/dev/null || fail "this is no Debian; please install: ${missing[*]}"
  say "Installing from Debian: ${missing[*]}"
  as_root bash -c '
    set -e
    export DEBIAN_FRONTEND=noninteractive
    if [ ! -e /usr/sbin/policy-rc.d ]; then
      trap "rm -f /usr/sbin/policy-rc.d" EXIT
      printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d
      chmod 755 /usr/sbin/policy-rc.d
    fi
    apt-get update -q
    apt-get install -o DPkg::Lock::Timeout=120 -q -y --no-install-recommends "$@"
    [ -d /run/systemd/system ] || exit 0
    for package in slapd openssh-server cron samba winbind; do
      case $package in openssh-server) services=ssh ;; samba) services="smbd nmbd samba-ad-dc" ;; *) services=$package ;; esac
      case " $* " in *" $package "*) systemctl disable --quiet $services || true ;; esac
    done
  ' install "${missing[@]}" >&2 || fail "apt could not install: ${missing[*]}"
}

# need_swift: a Swift 6.3 or later, or the way to one.
need_swift() {
  local version=
  command -v swift >/dev/null &&
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -1)
  if [ -z "$version" ] || ! printf '%s\n' 6.3 "$version" | sort -C -V; then
    fail "Swift 6.3 or later is needed, found ${version:-none}.
  Get it from https://www.swift.org/install/linux/ (the download for Debian 12), unpack it and put
  its usr/bin first in PATH:
    curl -O https://download.swift.org/swift-6.3.1-release/debian12/swift-6.3.1-RELEASE/swift-6.3.1-RELEASE-debian12.tar.gz
    tar xzf swift-6.3.1-RELEASE-debian12.tar.gz && export PATH=\$PWD/swift-6.3.1-RELEASE-debian12/usr/bin:\$PATH"
  fi
}

# No object of ours looks for libraries beside itself ($ORIGIN): they run as root in every process.
swift_release=(swift build --package-path "$repo" -c release --disable-local-rpath)

# Where the programs are built. For withoutActuallyEscaping, which one of the fetched packages calls,
# the compiler notes how long the path of the source is, and nothing maps that: the name is padded so
# that the sources lie equally deep in every clone (whose own path has at most 120 characters).
programs=$repo/.build-release/swift
while [ ${#programs} -lt 140 ]; do programs+=_; done
# What is built does not say where: paths are as if the clone lay at /, and no id is made of what will
# be stripped. So two clones give the same package.
swift_release+=(-Xlinker --build-id=none)
for mapping in "$programs=/build" "$repo"/{Sources=/Sources,Tests=/Tests,nss=/nss,pam=/pam}; do
  swift_release+=(-Xswiftc -file-prefix-map -Xswiftc "$mapping" -Xcc "-ffile-prefix-map=$mapping"
    -Xcxx "-ffile-prefix-map=$mapping")
done
unset mapping

# build_programs: rosterd, which is roster too.
build_programs() { build_tool rosterd >/dev/null; }

# build_modules: what runs in other people's processes, and the program that sshd asks for keys, as
# Embedded Swift, without a runtime. What the products share is compiled once.
build_modules() {
  local product
  for product in nss_roster pam_roster authorized-keys; do
    "${swift_release[@]}" --traits Embedded --scratch-path "$repo/.build-embedded" \
      --product "$product" >&2 || return 1
  done
}

# build_tool NAME: rosterd or an executable of the tests: release, the Swift runtime linked in; prints
# its path. SwiftPM builds only what changed.
build_tool() {
  "${swift_release[@]}" --static-swift-stdlib --scratch-path "$programs" --product "$1" >&2 || return 1
  ln -sfnT "${programs##*/}/release" "$repo/.build-release/release"
  printf '%s\n' "$repo/.build-release/release/$1"
}

# install_changed MODE SOURCE TARGET: copies only what differs, so that a second run touches nothing.
install_changed() { install -D -C -m "$1" "$2" "$3"; }

# in_room COMMAND...: runs COMMAND in a private copy of this machine with roster laid out in it (see
# packaging/lib/room). Nothing COMMAND does reaches the host, and nothing it starts outlives it, nor
# the calling script, however that ends.
in_room() {
  local room=("$repo/packaging/lib/room" "$repo" "$stage" "$@")
  if [ "$(id -u)" = 0 ]; then
    setpriv --pdeathsig KILL "${room[@]}"
  else
    say "Private namespaces need root: asking sudo."
    local kept=() name
    for name in ROOM_DISK NIGHTLY SEED TURNS ROSTER_STAGE LOG_LINES ENVIRONMENTS BENCH_USUAL BENCH_LARGE \
      BENCH_FLEET BENCH_FLEET_PEOPLE; do
      kept+=("$name=${!name:-}")  # sudo would drop them
    done
    as_root env "${kept[@]}" "${room[@]}"
  fi
}
