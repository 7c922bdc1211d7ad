#!/bin/bash
# spamd.sh: SpamAssassin with Debian's own rules, no DNS, nothing learnt: the same message has the same score.
. "$(dirname "$0")/lib.sh"
begin spamd
port=$(free_port)
mkdir -p "$dir/etc" "$dir/home/.spamassassin"
cp /etc/spamassassin/*.pre "$dir/etc/"
cat >"$dir/etc/local.cf" <<C
required_score 5
use_bayes 0
dns_available no
skip_rbl_checks 1
trusted_networks 127.0.0.0/8
C
user=()
if [ "$(id -u)" = 0 ]; then
  chown -R nobody "$dir/home"
  user=(--username=nobody)
fi
run spamd --local --nouser-config --siteconfigpath="$dir/etc" --configpath=/usr/share/spamassassin \
  --helper-home-dir="$dir/home" "${user[@]}" --listen=127.0.0.1 --port="$port" --allowed-ips=127.0.0.1 \
  --max-children=2 --min-children=1 --min-spare=1 --max-spare=1 --pidfile="$dir/spamd.pid" --syslog=stderr
# It listens before its children can answer.
answers() {
  local line
  exec 4<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf 'PING SPAMC/1.5\r\n\r\n' >&4
  read -t 5 -r line <&4
  exec 4>&-
  case "$line" in *PONG*) return 0 ;; *) return 1 ;; esac
}
until_ready answers
ready port="$port"
