#!/bin/bash
# unbound.sh: a real caching resolver on loopback that asks nobody outside. RBL=PORT sends the blocklists' zones there.
. "$(dirname "$0")/lib.sh"
begin unbound
port=$(free_port)
big=$(printf 'x%.0s' {1..200})
{
  unbound_head iterator
  cat <<C
  unknown-server-time-limit: 50
  outbound-msg-retry: 1
  # Whatever no zone below owns does not exist, and nothing leaves the machine.
  local-zone: "." always_nxdomain
  local-zone: "mail.test." static
  local-data: "mail.test. 3600 IN SOA ns.mail.test. hostmaster.mail.test. 1 3600 600 86400 45"
  local-data: "mail.test. 60 IN MX 10 mx1.mail.test."
  local-data: 'mail.test. 120 IN TXT "v=spf1 ip4:127.0.0.0/8 " "-all"'
  local-data: "mx1.mail.test. 60 IN A 127.0.0.1"
  local-data: "mx1.mail.test. 60 IN AAAA ::1"
  local-zone: "127.in-addr.arpa." static
  local-data-ptr: "127.0.0.1 mx1.mail.test"
  local-zone: "refused.test." always_refuse
  local-zone: "silent.test." always_deny
  local-zone: "dead.test." transparent
C
  # More than 1232 octets of TXT: UDP answers with TC set.
  for n in {1..9}; do echo "  local-data: 'big.mail.test. 60 IN TXT \"$n$big\"'"; done
  for zone in bl bl6 world nobody; do
    [ -n "${RBL:-}" ] || continue
    printf 'server:\n  local-zone: "%s.test." transparent\n' "$zone"
    printf 'stub-zone:\n  name: "%s.test."\n  stub-addr: 127.0.0.1@%s\n' "$zone" "$RBL"
  done
  # A zone whose only server is a closed port: SERVFAIL.
  printf 'stub-zone:\n  name: "dead.test."\n  stub-addr: 127.0.0.1@1\n'
  printf 'remote-control:\n  control-enable: no\n'
} >"$dir/unbound.conf"
unbound-checkconf "$dir/unbound.conf" >&2 || exit 1
run unbound -d -p -c "$dir/unbound.conf"
until_ready listens "$port"
ready port="$port"
