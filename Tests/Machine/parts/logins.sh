# Logins of the directory's people by everything that a Debian has, and what a change in the directory
# does to the very next attempt.
scenario "logins by every path"
check "by key, by password, on a console, su, sudo by a directory group, cron" in_by_all ada
check "a wrong password is refused" not by ssh_password ada wrong
KEY=$LOGINS/other-key check "a wrong key is refused" not by ssh_key ada
check "sudo is refused to somebody outside the group" out_by_all emil sudo
session_of_logind() { # an ssh login is a session of logind, with a manager of its own
  ssh -F /dev/null -i "$LOGINS/key" -o UserKnownHostsFile="$LOGINS/known_hosts" -o BatchMode=yes \
    ada@127.0.0.1 'loginctl show-user ada -P Name && systemctl --user is-system-running --wait'
}
check "an ssh login is a session of logind" says '^ada$' session_of_logind

scenario "disabled and deleted: the very next attempt"
replace "$(dn_of bob)" employeeType disabled
check "disabled: out by every path" out_by_all bob
check "but still the owner of their files" known bob
modify "$(dn_of bob)" "delete: employeeType"
check "enabled again: in by every path" in_by_all bob
ldap_delete "$(dn_of cleo)"
check "deleted: out by every path" out_by_all cleo
check "and gone" eventually unknown cleo
check "root and local people get in" local_people
