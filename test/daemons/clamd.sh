#!/bin/bash
# clamd.sh: ClamAV with a signature database of its own of four lines, on a loopback port and a unix socket. MAX: its StreamMaxLength.
. "$(dirname "$0")/lib.sh"
begin clamd
port=$(free_port)
mkdir "$dir/db" "$dir/tmp"
# EICAR's test file, in halves, so that this file is none.
printf '%s%s' 'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STAND' 'ARD-ANTIVIRUS-TEST-FILE!$H+H*' >"$dir/eicar.com"
hex() { od -An -v -tx1 | tr -d ' \n'; }
{
  printf 'Test.EICAR:0:0:%s\n' "$(hex <"$dir/eicar.com")"
  # In mail alone (target 4): found by who is given the message as it came.
  printf 'Test.Body-Marker:4:*:%s\n' "$(printf 'GATEWAY-AV-TEST-MARKER' | hex)"
} >"$dir/db/local.ndb"
{
  sha256sum "$dir/eicar.com" | sed 's/ .*/:68:Test.EICAR-Hash/'
  # What lies in every container of Debian's clamav-testfiles.
  [ -f /usr/share/clamav-testfiles/clam.exe ] &&
    sha256sum /usr/share/clamav-testfiles/clam.exe | sed "s/ .*/:$(stat -c %s /usr/share/clamav-testfiles/clam.exe):Test.ClamAV-Test-File/"
} >"$dir/db/local.hsb"
cat >"$dir/clamd.conf" <<C
Foreground yes
LogFile $dir/clamd.log
DatabaseDirectory $dir/db
TemporaryDirectory $dir/tmp
TCPAddr 127.0.0.1
TCPSocket $port
LocalSocket $dir/clamd.sock
StreamMaxLength ${MAX:-30M}
AlertEncrypted yes
AlertExceedsMax yes
MaxThreads 4
SelfCheck 0
C
run clamd --config-file="$dir/clamd.conf"

until_ready listens "$port"
ready port="$port" socket="$dir/clamd.sock"
