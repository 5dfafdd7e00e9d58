# A server that stands still, forgets, goes back in time, hides, refuses or disagrees.

row frozen 75 "frozen and back"
frozen_settings() { words=$no_answer patience_for_words=60 bound=40 changes_by_row=yes; }
frozen_begin() { column_freeze; }
frozen_during() { [ "${NIGHTLY:-}" != 1 ] || sleep 20; }
frozen_end() { column_thaw; changes; }

row no-session-log 20 "restarted with an empty session log"
no_session_log_settings() { needs=column_forget changes_by_row=yes bound=20; }
no_session_log_begin() {
  fault '{"reset_after": 0}'
  relay_cut
  changes
  column_forget
}
no_session_log_end() { no_fault; }

# What the backup does not know yet has to be forgotten; what was removed since has to come back.
row backup 20 "database restored from an older backup"
backup_settings() { needs="column_backup column_restore" changes_by_row=yes bound=30 unsteady='p040'; }
backup_begin() {
  column_delete "$(dn_of p001)"
  column_delete "cn=t003,$team"
  column_disable "$(dn_of p002)"
  column_backup
  patience=30
  check "the mirror follows" eventually unknown p001
  person fresh 25000 | column_add
  column_delete "$(dn_of p040)"
  check "what came after the backup is there first" eventually known fresh
  check "and gone" eventually unknown p040
  column_restore
  patience=10
}
backup_end() { :; }
backup_heal() {
  patience=$bound
  check "a person added since the backup is gone" eventually unknown fresh
  check "a person deleted since the backup is back" eventually known p040
  patience=10
}

row rebuilt 20 "rebuilt from an LDIF dump, with other entry UUIDs"
rebuilt_settings() { needs=column_rebuild bound=30 changes_by_row=yes; }
rebuilt_begin() {
  column_rebuild
  patience=20
  check "rosterd follows the new server" followed_anew
  patience=10
  changes
}
rebuilt_end() { :; }

# followed_anew: a change that could only come from the server as it is now.
followed_anew() {
  person anew 25300 | column_add
  eventually known anew
}

row rebuilt-with-less 40 "rebuilt likewise, with somebody less"
rebuilt_with_less_settings() {
  needs=column_rebuild bound=30 changes_by_row=yes
}
rebuilt_with_less_begin() {
  fault '{"reset_after": 0}'
  relay_cut
  changes
  column_rebuild
}
rebuilt_with_less_end() { no_fault; }

row rebuilt-empty 25 "rebuilt empty, and refilled"
rebuilt_empty_settings() {
  needs="column_empty column_refill" words='[Hh]eld|nobody' changes_by_row=yes bound=30 patience_for_words=30
}
rebuilt_empty_begin() { column_empty; }
rebuilt_empty_end() {
  column_refill
  patience=60
  check "nobody is held any more" eventually held_is 0
  patience=10
  changes
}

row hidden-people 35 "an ACL that hides every person"
hidden_settings() {
  needs="column_hide column_show" words='[Hh]eld' bound=40 patience_for_words=40 changes_by_row=yes
}
hidden_people_settings() { hidden_settings; }
hidden_people_begin() { column_hide "$people_base"; }
hidden_people_during() { everybody_is_there; }
hidden_people_end() { shown_again; }
everybody_is_there() { check "all are still there" people_are 160; }
shown_again() {
  column_show
  patience=40
  check "nobody is held any more" eventually held_is 0
  patience=10
  changes
}

row hidden-groups 35 "an ACL that hides every group"
hidden_groups_settings() {
  hidden_settings
  changes_by_row=
}
hidden_groups_begin() { column_hide "$groups_base"; }
hidden_groups_during() {
  check "nobody lost a group" eval 'in_group p007 makers && in_group p007 all && in_group t001 crew'
}
hidden_groups_end() { column_show; }

row hidden-subtree 35 "an ACL that hides one subtree"
hidden_subtree_settings() { hidden_settings; }
hidden_subtree_begin() { column_hide "$team"; }
hidden_subtree_during() { everybody_is_there; }
hidden_subtree_end() { shown_again; }

row left-behind-acl 60 "somebody who leaves while an ACL hides everybody"
left_behind_acl_settings() {
  hidden_settings
  changes_by_row=
}
left_behind_acl_begin() { column_hide "$people_base"; }
left_behind_acl_end() { column_show; }

row mass-deletion 15 "a real mass deletion in the stream"
mass_deletion_settings() { words='[Hh]eld.*accept-removals' unsteady='p0[3-9].' bound=10; }
mass_deletion_begin() {
  local i
  # Who asks now and then must not see the first half by itself: as much as that may go unheld.
  [ "$column_method" = syncrepl ] || kill -STOP "$relay_pid"
  for i in {30..99}; do column_delete "$(dn_of "p0$i")"; done
  kill -CONT "$relay_pid"
}
mass_deletion_during() { check "most are kept" [ "$(people_count)" -ge 120 ]; }
mass_deletion_end() { check "roster sync --accept-removals" roster sync --accept-removals; }

# What an administrator has to change on the server.
limit_setting='(olcLimits|nsSizeLimit|nsslapd-sizelimit|MaxPageSize)'

row size-limit 20 "size limit in the middle"
size_limit_settings() { needs=column_limit words='limit' bound=40; }
size_limit_begin() {
  column_limit size 50
  roster sync --full >/run/full.out 2>&1 &
  touch_everybody
}
size_limit_during() {
  check "a full load fails" full_load_fails
  sleep 20
  check "roster status goes on to name what comparisons fail from" named
}
size_limit_end() { column_limit none; }

# What comes by the stream stays below the limit; what a comparison lists does not.
row comparison-limit 45 "size limit that only the comparison meets"
comparison_limit_settings() {
  needs=column_limit words="limit.*$limit_setting" bound=40 patience_for_words=40
}
comparison_limit_begin() { column_limit size 50; }
comparison_limit_end() { column_limit none; }

row expired 20 "certificate expired"
expired_settings() { needs=column_certificate words='certificate .*expired on' bound=30; }
expired_begin() { column_certificate expired; }
expired_end() { column_certificate good; }

row wrong-name 20 "certificate of the wrong name"
wrong_name_settings() { needs=column_certificate words='certificate .*is for somewhere\.test only' bound=30; }
wrong_name_begin() { column_certificate wrong-name; }
wrong_name_end() { column_certificate good; }

row other-ca 20 "certificate of another CA"
other_ca_settings() { needs=column_certificate words='certificate .*unknown CA' bound=30; }
other_ca_begin() { column_certificate other-ca; }
other_ca_end() { column_certificate good; }

# The daemon reads its password at every attempt: writing the new one into the file is enough.
row password 20 "bind password changed"
password_settings() { needs=column_password words='[Ii]nvalid credentials.*password file' bound=30; }
password_begin() {
  column_password Another-secret-2
  relay_cut
}
password_end() { printf Another-secret-2 >/etc/roster/bind-password; }

row schema 10 "a schema change under a running daemon"
schema_settings() { needs=column_schema bound=10; }
schema_begin() { column_schema; }
schema_during() {
  column_change <<<"$(printf 'dn: %s\nchangetype: modify\nadd: objectClass\nobjectClass: badgeHolder\n-\nadd: badge\nbadge: 7\n-\nreplace: gecos\ngecos: With badge\n' "$(dn_of p050)")"
  check "entries of the new class arrive" eventually says 'With badge' getent passwd p050
}
schema_end() { :; }

row referral 10 "referrals in the tree"
referral_settings() { needs=column_referral bound=15; }
referral_begin() {
  column_referral
  relay_cut
}
referral_during() {
  check "they are passed over" eventually in_sync
  check "and a full load as well" roster sync --full
}
referral_end() { :; }

row referred-base 20 "the base refers to another server"
referred_base_settings() { words='another server.*uris' bound=20; }
referred_base_prepare() { through_ldap_relay; }
referred_base_begin() {
  fault '{"result": [0, 10]}'
  relay_stop
  through_ldap_relay
}
referred_base_end() { no_fault; }

# A second server that stands behind the relay in the list.
second_uri() { echo "ldaps://${column_second_host:-127.0.0.1}:${column_second_port:-}"; }
second_start() {
  column_twin
  column_second column_start
}
second_configure() {
  sed -i "s|^uris = .*|uris = [\"ldaps://127.0.0.1:$relay_port\", \"$(second_uri)\"]|" \
    "$config"
}
server_is() { [ "$(json roster status --json -- server_uri)" = "$1" ] || { roster status; return 1; }; }

row failover 30 "failover between two servers and back"
failover_settings() { needs="column_second column_twin" words=$(second_uri) fault_shows=yes bound=40; }
failover_prepare() { second_start; }
failover_configure() { second_configure; }
failover_begin() {
  relay_stop
  column_second changes
  patience=30
  check "the second serves" eventually server_is "$(second_uri)"
  check "and what it says arrives" eventually known fresh
  patience=10
}
failover_end() {
  column_second column_stop
  relay_start
}

row disagree 30 "two servers that disagree"
disagree_settings() { needs="column_second column_twin" words=$(second_uri) bound=40 unsteady='p04.'; }
disagree_prepare() {
  second_start
  local i
  for i in {0..7}; do column_second column_delete "$(dn_of "p04$i")"; done
  person elsewhere 26000 | column_second column_add
}
disagree_configure() { second_configure; }
disagree_begin() {
  relay_stop
  patience=30
  check "the second serves" eventually server_is "$(second_uri)"
  check "who is only there is known" eventually known elsewhere
  check "who is only at the first is not" eventually unknown p040
  patience=10
}
disagree_end() {
  column_second column_stop
  relay_start
}
