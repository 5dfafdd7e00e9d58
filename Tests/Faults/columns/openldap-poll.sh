# The same OpenLDAP, followed by polling: changes within a second or two, deletions by comparisons.
source "${BASH_SOURCE[0]%/*}/openldap.sh"

column_method=poll
column_lines='sync = "poll"
poll_interval = "1s"
compare_interval = "2s"'
# After a slow comparison the next one waits fifty times as long, but no longer than a third of this.
column_settings_of_logins='
[login]
max_staleness = "30s"'

column_settings() {
  # A comparison that did not see a change, the rest, and the next one.
  bound=$((bound + 10))
  case $row in
    # Each answer of a comparison takes so long: handshake, bind, listing and reading again.
    slow-answers) patience_for_changes=80 bound=90 ;;
    # For its first minute everything is in the overlap of each search.
    narrow) patience_for_changes=300 bound=120 refresh_timeout=60s nightly="takes minutes" ;;
    narrow-reconnect) patience_for_changes=300 bound=200 ;;
    syn-dropped | slower-answers | reset-handshake | closed-after-bind | dns-silent | expired | \
      wrong-name | other-ca | password) nightly="connects as content synchronisation does" ;;
    half-open | black-hole) nightly="as frozen: no answer to a search" ;;
    reset-entry) nightly="as reset-refresh" ;;
    time-limit | comparison-limit) nightly="as size-limit" ;;
    garbage | huge-group | schema) nightly="entries mean what they mean however they come" ;;
    frames) nightly="as lies" ;;
    rebuilt) nightly="as rebuilt-with-less" ;;
    no-session-log) nightly="polling uses no session log" ;;
    hidden-groups | hidden-subtree) nightly="as hidden-people" ;;
    referred-base) nightly="ends as any search that ends" ;;
    disagree) nightly="as failover" ;;
  esac
}
