# Entries and messages that are wrong in themselves.

huge_count=20000
[ "${NIGHTLY:-}" != 1 ] || huge_count=200000

row garbage 25 "garbage: no value, 1 MB, invalid UTF-8, NUL, a deep DN"
garbage_settings() { bound=20 memory=80; }
garbage_prepare() { through_ldap_relay; }
garbage_begin() {
  # Servers check what they are given: these three become garbage on their way.
  fault '{"rewrite": [["4d41524b55544638", "fffec0af80e28080"], ["4d41524b4e554c00", "0000000000000000"],
    ["4d41524b4e554c21", "410042004300440a"]], "without_value": "emptyvalue"}'
  {
    person badutf 25201 "gecos: MARKUTF8"
    person badnul 25202 "gecos: MARKNUL!"
    person emptyvalue 25203
    person large 25204 "gecos: $(many_x "${largest_gecos:-1000000}")"
    person largekey 25205 "description: $(many_x "${largest_description:-1000000}")"
  } | column_add
  local i under=$people_base
  for i in {1..100}; do
    under="ou=level-$i,$under"
    printf 'dn: %s\nobjectClass: organizationalUnit\nou: level-%d\n\n' "$under" "$i"
  done | column_add
  deep=$people_base
  for i in {1..100}; do deep="ou=level-$i,$deep"; done
  under=$deep person deepest 25206 | column_add
}
many_x() { head -c "$1" /dev/zero | tr '\0' x; }
garbage_during() {
  check "somebody at the end of a very deep DN is there" eventually known deepest
  check "who has a large value that nobody reads is there" eventually known largekey
  check "a full load brings it all once more" roster sync --full
  getent -s roster passwd >/run/garbage.passwd || true
  check "every line of passwd has seven fields" not grep -Evq '^([^:]*:){6}[^:]*$' /run/garbage.passwd
  check "no octet but printable UTF-8 arrives" \
    /usr/bin/python3 -c 'import sys; text = open(sys.argv[1], "rb").read().decode(); sys.exit(not all(letter.isprintable() or letter == "\n" for letter in text))' /run/garbage.passwd
  check "nor a field of a megabyte" not grep -q 'x\{2000\}' /run/garbage.passwd
  check "roster check names the large one" says large roster check
  check "and the one with invalid UTF-8" says badutf roster check
  check "and the one with NUL" says badnul roster check
  check "rosterd is in sync" in_sync
}
garbage_end() {
  local name
  for name in badutf badnul emptyvalue large largekey; do column_delete "$(dn_of "$name")"; done
  no_fault
}

row huge-group 25 "a group of $huge_count members"
huge_group_settings() { needs=column_load memory=$((60 + huge_count / 500)) bound=60; }
huge_group_begin() {
  local i
  {
    group huge 30500 "$(dn_of p010)" | sed '/^$/d'
    awk -v count="$huge_count" -v base="$people_base" \
      'BEGIN { for (i = 0; i < count; i++) printf "member: cn=nobody%07d,%s\n", i, base; print "" }'
  } >/run/huge.ldif
  column_load /run/huge.ldif
}
huge_group_during() {
  patience=60
  check "its one member of ours is in it" eventually in_group p010 huge
  patience=10
}
huge_group_end() { column_delete "$(group_dn huge)"; }

row lies 60 "BER that lies about lengths"
lies_settings() { words='decode|RFC 4533' bound=70; }
lies_prepare() { through_ldap_relay; }
lies_begin() {
  fault '{"lie": "attributes"}'
  touch_everybody
}
lies_during() {
  local kind
  for kind in name value; do told_lie "$kind" 'decode|RFC 4533'; done
  # Nobody else reads the controls of an entry.
  [ "$column_method" != syncrepl ] ||
    for kind in control uuid; do told_lie "$kind" 'decode|RFC 4533'; done
  for kind in message huge indefinite wide; do told_lie "$kind" .; done
}
told_lie() { # told_lie KIND WORDS: on a new connection; WORDS are in what a full load fails with
  fault "{\"lie\": \"$1\"}"
  relay_stop
  through_ldap_relay
  check "$1: a full load fails, in words" fails_naming "$2" timeout 30 roster sync --full
  check "$1: rosterd lives" not ended
  check "$1: nobody is lost" [ "$(people_count)" -ge 158 ]
  check "$1: memory stays bounded" memory_below $((usual_peak + memory))
}
lies_end() { no_fault; }

row frames 30 "what is no LDAP message at all, by name"
frames_settings() {
  words='not LDAP|no LDAP|malformed|too large' bound=70
}
frames_prepare() { through_ldap_relay; }
frames_begin() {
  fault '{"lie": "huge"}'
  touch_everybody
}
frames_end() { no_fault; }
