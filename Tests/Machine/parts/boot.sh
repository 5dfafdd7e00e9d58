# boot STATE: right after a boot, in one of the states that a directory and a daemon can be in.
#   away          the directory cannot be reached, the daemon runs
#   no-daemon     the directory cannot be reached, the daemon is masked
#   no-index      the same, and the host has no index yet
#   back          the directory answers again
state=$1

early() { cat /run/early 2>/dev/null; }
case $state in
  away | no-daemon)
    scenario "booted: $state"
    if [ "$state" = away ]; then
      check "rosterd runs" unit_is active
      check "it says that the directory is not there" says 'cannot|unreachable|connect' roster status
    else
      check "rosterd does not run" unit_is inactive
    fi
    check "people resolve, before the network too" says '^ada:\*:20001:' early
    check "and now" known ada
    check "with their groups" in_group ada maintainers
    check "in by key, and by cron" in_by_all ada "ssh_key cron"
    check "root and local people get in" local_people
    check "no unit has failed" no_failed_units
    ;;
  no-index)
    scenario "booted: a first boot without an index, and no directory"
    check "rosterd runs" unit_is active
    check "nobody of the directory is known yet" unknown ada
    check "that is known quickly" within 500 unknown ada
    check "root and local people get in" local_people
    check "no unit has failed" no_failed_units
    ;;
  back)
    scenario "the directory is back"
    check "in sync, by itself" in_sync
    check "in by every path" in_by_all ada
    ;;
esac
