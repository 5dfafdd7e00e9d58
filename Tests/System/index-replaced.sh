#!/bin/bash
# Somebody puts something else in the place of the index: nothing, an empty file, a directory, a link,
# a FIFO. Lookups end at once, never with another account's data; rosterd puts the index back. Never
# by truncation: a file that shrinks under those who have it mapped ends them (SIGBUS).
source "$(dirname "$0")/lib.sh"
index=/var/lib/roster/index

put() { # put WHAT FILE: by rename, as root
  case $1 in
    'nothing') rm -f "$2" ;;
    'an empty file') : >"$2.new" && mv "$2.new" "$2" ;;
    'a file of zeros') head -c 65536 /dev/zero >"$2.new" && mv "$2.new" "$2" ;;
    'a directory') rm -rf "$2" && mkdir "$2" ;;
    'a full directory') rm -rf "$2" && mkdir "$2" && touch "$2/inside" ;;
    'a link to another file') ln -sf /etc/passwd "$2.new" && mv -T "$2.new" "$2" ;;
    'a link to nowhere') ln -sf nowhere "$2.new" && mv -T "$2.new" "$2" ;;
    'a link to a copy') cp "$2" /run/copy && ln -sf /run/copy "$2.new" && mv -T "$2.new" "$2" ;;
    'a FIFO') mkfifo "$2.new" && mv -T "$2.new" "$2" ;;
  esac
}
replace_all() { local file; for file in "${files[@]}"; do put "$1" "$file"; done; }
answers_at_once() { # whatever the answer is, it is p050's own or none
  local answer
  answer=$(timeout 5 getent -s roster passwd p050) || [ $? != 124 ] || { echo "it hangs"; return 1; }
  [ -z "$answer" ] || [ "$answer" = "$usual" ] || { echo "$answer"; return 1; }
}

{
  many_people 100
  group makers 30001 "$(dn_of p001)"
} >/run/people.ldif
kinds=('nothing' 'an empty file' 'a file of zeros' 'a link to another file' 'a link to nowhere'
  'a link to a copy' 'a FIFO' 'a directory' 'a full directory')
for what in "${kinds[@]}"; do
  scenario "$what in the place of the index"
  begin /run/people.ldif
  usual=$(getent -s roster passwd p050)
  files=("$index"/*)
  replace_all "$what"
  check "a lookup ends at once" within 2000 answers_at_once
  check "root and local accounts answer" known root
  patience=10
  check "rosterd puts it back" eventually passwd_is p050 "$usual"
  person after 25000 | ldap_add
  check "changes arrive" eventually known after
  check "the mirror equals the directory" index_equals_directory
  check "rosterd was not restarted for it" kill -0 "$daemon_pid"
  daemon_stop
  files=("$index"/*)
  replace_all "$what"
  check "without rosterd a lookup ends at once" within 2000 answers_at_once
  daemon_start
  check "rosterd starts" wait_in_sync 20
  check "and the mirror equals the directory" index_equals_directory
done
