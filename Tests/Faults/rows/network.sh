# Faults between the host and its directory.
#
# A row is a line "row NAME SECONDS TITLE" (the time it takes, roughly, so that long ones start first)
# and functions with its name, - being _: NAME_begin and NAME_end make the fault come and go; where
# wanted, NAME_settings before anything runs, NAME_prepare before the relay starts, NAME_during while
# the fault lasts, NAME_heal right after its end. Variables that settings may set:
#
#   words              what log and `roster status` have to say, an extended regular expression
#   patience_for_words how long that may take from the fault on, in seconds
#   patience_for_changes how long a change may take while the fault lasts
#   fault_shows        no: only the log has to
#   bound              the seconds after which mirror and directory are equal again
#   memory             how much more memory rosterd may use than before the fault, in MB
#   unsteady           names, as an extended regular expression, that the row itself takes away
#   network_timeout, refresh_timeout  of roster's configuration; 3s and 15s
#   changes_by_row     yes: the row makes the usual changes itself
#   nightly            why the cell runs nightly and when it is named, and not always
#   needs              functions that the column must offer

# A server that is there and says nothing: to a question, a connection attempt, a search.
no_answer='did not answer within|no .*within|no answer to'

row slow-answers 40 "5 s delay per answer"
slow_answers_settings() { bound=30 network_timeout=10s; }
slow_answers_begin() { fault '{"delay": 5}'; }
slow_answers_during() {
  patience=$patience_for_changes
  check "changes arrive, late" eventually unknown p001
  check "the connection is kept" in_sync
  relay_cut
  patience=60
  person slow 25100 | column_add
  check "a new connection comes about at this speed too" eventually known slow
  patience=10
}
slow_answers_end() { no_fault; }

row slower-answers 40 "answers later than network_timeout"
slower_answers_settings() { words='no answer within|no .*within' bound=30; }
slower_answers_begin() { fault '{"delay": 5}'; relay_cut; }
slower_answers_end() { no_fault; }

row narrow 35 "1 KB/s"
narrow_settings() { bound=40; }
narrow_begin() { fault '{"rate": 1000}'; }
narrow_during() {
  patience=$patience_for_changes
  check "changes arrive" eventually unknown p001
  check "the connection is kept" in_sync
  patience=10
}
narrow_end() { no_fault; }

row narrow-reconnect 240 "a new connection at 1 KB/s"
narrow_reconnect_settings() {
  bound=70 network_timeout=10s refresh_timeout=60s nightly="takes minutes"
}
narrow_reconnect_begin() {
  fault '{"rate": 1000}'
  relay_cut
}
narrow_reconnect_during() {
  patience=180
  check "a new connection comes about at this speed" eventually unknown p001
  patience=10
}
narrow_reconnect_end() { no_fault; }

row syn-dropped 25 "SYN dropped"
syn_dropped_settings() { words='no .* within .*check the network' bound=25; }
syn_dropped_begin() {
  drop "tcp dport $relay_port tcp flags & (syn | ack) == syn"
  relay_cut
}
syn_dropped_end() { nft delete table inet fault; }

row half-open 75 "established connection dropped without a word"
half_open_settings() { words=$no_answer patience_for_words=60 bound=40; }
half_open_begin() { drop "tcp dport $relay_port" "tcp sport $relay_port"; }
half_open_end() { nft delete table inet fault; }

row black-hole 75 "everything swallowed, acknowledged by TCP"
black_hole_settings() { words=$no_answer patience_for_words=60 bound=40; }
black_hole_begin() { fault '{"hole": true}'; }
black_hole_end() { no_fault; }

row reset-handshake 20 "reset in the TLS handshake"
reset_handshake_settings() { words='TLS|handshake|reset' bound=20; }
reset_handshake_begin() { fault '{"reset_after": 300}'; relay_cut; }
reset_handshake_end() { no_fault; }

# through_ldap_relay: rows that look into the messages.
through_ldap_relay() { relay_start ldap_relay.py "$relay_port" "$column_plain_port" /run/tls "$faults_file"; }
# touch_everybody: every person changes, so that whoever resumes gets them all.
touch_everybody() {
  sed -n 's/^dn: \([Cc][Nn]=[pt][0-9]*,.*\)/\1/p' /run/people.ldif | grep -vi '^cn=p001,\|^cn=t003,' |
    sed 's/.*/dn: &\nchangetype: modify\nreplace: gecos\ngecos: Touched\n/' >/run/touch.ldif
  column_change </run/touch.ldif
}

row reset-refresh 20 "reset in the middle of a refresh"
reset_refresh_settings() { words='lost|reset|closed|[Cc]an.t contact' bound=20; }
reset_refresh_prepare() { through_ldap_relay; }
reset_refresh_begin() {
  fault '{"reset": 40}'
  roster sync --full >/run/full.out 2>&1 &
  touch_everybody
}
reset_refresh_during() { check "a full load fails" full_load_fails; }
reset_refresh_end() { no_fault; }

row reset-entry 20 "reset in the middle of an entry"
reset_entry_settings() { words='lost|reset|closed|[Cc]an.t contact' bound=20; }
reset_entry_prepare() { through_ldap_relay; }
reset_entry_begin() {
  fault '{"reset_inside": 20}'
  roster sync --full >/run/full.out 2>&1 &
  touch_everybody
}
reset_entry_during() { check "a full load fails" full_load_fails; }
reset_entry_end() { no_fault; }

row closed-after-bind 20 "closed after the bind"
closed_after_bind_settings() { words='lost|reset|closed|[Cc]an.t contact' bound=20; }
closed_after_bind_prepare() { through_ldap_relay; }
closed_after_bind_begin() {
  fault '{"close_after_bind": 1}'
  relay_stop
  through_ldap_relay
}
closed_after_bind_end() { no_fault; }

row time-limit 20 "time limit in the middle"
time_limit_settings() { words='limit' bound=20; }
time_limit_prepare() { through_ldap_relay; }
time_limit_begin() {
  fault '{"result": [40, 3]}'
  roster sync --full >/run/full.out 2>&1 &
  touch_everybody
}
time_limit_during() { check "a full load fails" full_load_fails; }
time_limit_end() { no_fault; }

row dns-silent 40 "DNS that stops answering"
dns_silent_settings() { words='directory\.test.*(no address|name resolution)' patience_for_words=40 bound=40; }
dns_silent_prepare() {
  /usr/bin/python3 "$faults/name_server.py" >/run/names.out 2>&1 &
  names_pid=$!
  disown "$names_pid"
  eventually grep -q ready /run/names.out
  rm -f /etc/resolv.conf
  printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:2\n' >/etc/resolv.conf
  sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf
  column_host=directory.test
}
dns_silent_begin() {
  kill -STOP "$names_pid"
  relay_cut
}
dns_silent_end() { kill -CONT "$names_pid"; }

# drop MATCH...: packets that nft loses without a word.
drop() {
  local match
  nft add table inet fault
  nft add chain inet fault input '{ type filter hook input priority 0; }'
  for match; do nft "add rule inet fault input $match drop"; done
}
