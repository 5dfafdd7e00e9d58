#!/bin/bash
# The documents against the tree: what they name exists, and manual pages are well formed.
no_room=1
source "$(dirname "$0")/lib.sh"
need_packages groff-base man-db

# paths_of FILE: the files and folders of this repository that FILE names in backquotes.
paths_of() {
  grep -oE '`(Sources|Tests|nss|pam|packaging)/[A-Za-z0-9_./-]*`' "$1" | tr -d '`' | sort -u
}

# all_exist FILE: every path that FILE names is there.
all_exist() {
  local path missing=0 seen=0
  while read -r path; do
    seen=$((seen + 1))
    [ -e "$repo/$path" ] || { echo "$1 names $path"; missing=1; }
  done < <(paths_of "$1")
  [ "$seen" -gt 0 ] && [ "$missing" = 0 ]
}

# well_formed PAGE: man(1) has nothing to warn of.
well_formed() {
  local said
  said=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=100 man --warnings=w -l -Tutf8 "$1" 2>&1 >/dev/null)
  [ -z "$said" ] || { echo "$said"; return 1; }
}

# refers_to_pages PAGE: each page of roster that SEE ALSO or the text names is among ours.
refers_to_pages() {
  local name bad=0
  while read -r name; do
    ls "$repo/packaging/man/$name".[158] >/dev/null 2>&1 || { echo "no page $name"; bad=1; }
  done < <(grep -oE '^\.BR (lib|pam_|authorized|rosterd|roster)[a-z_.-]*' "$1" | cut -d' ' -f2 |
    tr -d '\\' | grep -E 'roster' | sort -u)
  return "$bad"
}

# options_documented: every option that rosterd --help shows is in rosterd(8).
options_documented() {
  local option bad=0
  while read -r option; do
    sed 's/\\-/-/g' "$repo/packaging/man/rosterd.8" | grep -e "$option" >/dev/null ||
      { echo "rosterd(8) lacks $option"; bad=1; }
  done < <("$stage/usr/sbin/rosterd" --help | grep -oE -e '--[a-z-]+' | sort -u)
  return "$bad"
}

for document in README.md packaging/threat-model.md nss/README.md pam/README.md; do
  if [ -n "$(paths_of "$repo/$document")" ]; then
    check "what $document names exists" all_exist "$repo/$document"
  fi
done
for page in "$repo"/packaging/man/*; do
  check "${page##*/} is well formed" well_formed "$page"
  check "${page##*/} refers to pages that there are" refers_to_pages "$page"
done
check "rosterd(8) has every option" options_documented
