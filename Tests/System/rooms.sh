#!/bin/bash
# Which room may import which: the package description and the import lines against the table.
no_room=1
source "$(dirname "$0")/lib.sh"
for traits in "" Embedded; do
  check "the package description${traits:+ with the trait $traits} keeps to the table" \
    /usr/bin/python3 "$system_tests/rooms.py" "$repo" $traits
done
