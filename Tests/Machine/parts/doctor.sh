# roster doctor where systemd runs: what it says of a healthy host, of the units, of PAM and of sshd.
# Everything else it finds is provoked in Tests/System/doctor.sh.

ids() { # of the findings that are no notes
  roster doctor --json >/run/doctor.json || true
  /usr/bin/python3 -c '
import json
findings = json.load(open("/run/doctor.json"))["findings"]
print(*sorted({finding["id"] for finding in findings if finding["severity"] != "note"}))'
}
found() { [[ " $(ids) " == *" $1 "* ]] || { ids; return 1; }; }
nothing_found() { [ -z "$(ids)" ] || { roster doctor; return 1; }; }

scenario "roster doctor"
check "nothing is found on a healthy host" nothing_found
check "somebody without privilege gets an answer too" \
  says '.' setpriv --reuid=nobody --regid=nogroup --clear-groups roster doctor
systemctl stop --quiet rosterd.socket rosterd.service
check "the daemon is stopped: found" found unit-inactive
systemctl start rosterd
in_sync >/dev/null
systemctl disable --quiet rosterd.service
check "it would not be started at a boot: found" found unit-disabled
systemctl enable --quiet rosterd.service
systemctl mask --quiet rosterd.service
check "masked: found" found unit-masked
systemctl unmask --quiet rosterd.service
pam-auth-update --package --remove roster
check "PAM does not ask roster: found" found pam-not-in-account
pam-auth-update --package --enable roster
printf 'UsePAM no\n' >/etc/ssh/sshd_config.d/00-no-pam.conf
check "sshd does not ask PAM: found" found sshd-no-pam
rm /etc/ssh/sshd_config.d/00-no-pam.conf
check "all is well again: nothing is found" nothing_found
