#!/bin/bash
# What the shipped objects need, export and are made of.
no_room=1
source "$(dirname "$0")/lib.sh"
[ -x "$stage/usr/sbin/rosterd" ] || "$repo/packaging/install" "$stage"

module=$stage/usr/lib/$multiarch/libnss_roster.so.2
pam_module=$stage/usr/lib/$multiarch/security/pam_roster.so
needs() { readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort; }
exports() { nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' | sed 's/@.*//' | sort; }
undefined() { nm -D --undefined-only "$1" | awk '{ print $NF }' | sed 's/@.*//'; }
expected=$(for entry in getpwnam_r getpwuid_r setpwent getpwent_r endpwent \
  getgrnam_r getgrgid_r setgrent getgrent_r endgrent initgroups_dyn; do
  echo "_nss_roster_$entry"
done | sort)

same() { [ "$1" = "$2" ] || { diff <(echo "$1") <(echo "$2"); return 1; }; }
at_most() { [ "$1" -le "$2" ] || { echo "$1 octets, allowed are $2"; return 1; }; }
subset() { # subset LINES ALLOWED...
  local line allowed=" ${*:2} " bad=
  for line in $1; do case $allowed in *" $line "*) ;; *) bad="$bad $line" ;; esac; done
  [ -z "$bad" ] || { echo "not on the list:$bad"; return 1; }
}
header() { readelf -lW "$1"; }
dynamic() { readelf -dW "$1"; }

check "the module needs libc and nothing else" same "$(needs "$module")" libc.so.6
check "it exports exactly the eleven entries" same "$(exports "$module")" "$expected"
check "its soname is libnss_roster.so.2" says 'SONAME.*\[libnss_roster\.so\.2\]' dynamic "$module"
check "it is never unloaded (nodelete)" says 'NODELETE' dynamic "$module"
check "it is at most 128 KiB" at_most "$(stat -c %s "$module")" 131072
check "it has no thread-local storage" not says '^ *TLS ' header "$module"
check "it has no search path of its own" not says 'R(UN)?PATH' dynamic "$module"
check "it starts no threads, allocates by nobody's locks but libc's, and ends nobody" \
  subset "$(undefined "$module" | grep -E '^(pthread_create|fork|exec|exit|signal|sigaction|dlopen|socket|system|popen)' || true)"

pam_expected=$(printf 'pam_sm_%s\n' authenticate setcred acct_mgmt open_session close_session chauthtok | sort)
check "the PAM module needs libpam and libc and nothing else" \
  same "$(needs "$pam_module")" $'libc.so.6\nlibpam.so.0'
check "it exports exactly the six entries" same "$(exports "$pam_module")" "$pam_expected"
check "it can be unloaded (no nodelete)" not says 'NODELETE' dynamic "$pam_module"
check "it is at most 128 KiB" at_most "$(stat -c %s "$pam_module")" 131072
check "it has no thread-local storage" not says '^ *TLS ' header "$pam_module"
check "it has no search path of its own" not says 'R(UN)?PATH' dynamic "$pam_module"
check "it binds everything at load" says 'FLAGS.*(NOW|BIND_NOW)' dynamic "$pam_module"
check "it starts no threads, touches no signals, leaves nothing for the exit, and ends nobody" \
  subset "$(undefined "$pam_module" | grep -E '^(pthread_|fork|exec|exit|abort|atexit|__cxa_atexit|__cxa_thread_atexit|signal|sigaction|dlopen|system|popen|openlog|closelog)' || true)"

helper=$stage/usr/lib/roster/authorized-keys
check "authorized-keys needs libc and nothing else" same "$(needs "$helper")" libc.so.6
check "it is at most 128 KiB" at_most "$(stat -c %s "$helper")" 131072
check "it is position independent" says 'DYN' readelf -hW "$helper"
check "it has no search path of its own" not says 'R(UN)?PATH' dynamic "$helper"
check "it binds everything at load" says 'FLAGS.*(NOW|BIND_NOW)' dynamic "$helper"
check "it opens no socket, starts nothing and reads no environment" \
  subset "$(undefined "$helper" | grep -E '^(pthread_create|fork|exec|signal|sigaction|dlopen|socket|connect|system|popen|getenv|secure_getenv|getpw|getgr)' || true)"

for object in "$module" "$pam_module" "$helper" "$stage/usr/sbin/rosterd"; do
  name=${object##*/}
  check "$name: the stack is not executable" says 'GNU_STACK.* RW ' header "$object"
  check "$name: relocations are read-only" says 'GNU_RELRO' header "$object"
  check "$name: no section is writable and executable" not says 'LOAD.* RWE ' header "$object"
  check "$name: no text relocations" not says 'TEXTREL' dynamic "$object"
  check "$name: it does not tell where it was built" not grep -qF "$repo/" "$object"
done
check "the module binds everything at load" says 'FLAGS.*(NOW|BIND_NOW)' dynamic "$module"
program=$stage/usr/sbin/rosterd
check "rosterd is position independent" says 'DYN' readelf -hW "$program"
check "it carries its Swift runtime" not says 'libswift|libFoundation|libdispatch' dynamic "$program"
check "it needs only the listed libraries" subset "$(needs "$program")" \
  libc.so.6 libm.so.6 libgcc_s.so.1 libstdc++.so.6 ld-linux-x86-64.so.2 \
  libldap-2.5.so.0 liblber-2.5.so.0 libresolv.so.2 libssl.so.3 libcrypto.so.3 libsqlite3.so.0
check "roster is the same program" same "$(readlink -f "$stage/usr/bin/roster")" "$program"
