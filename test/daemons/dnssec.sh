#!/bin/bash
# dnssec.sh: knot signs the zone of ZONE (a file; its name less .zone is the zone's), and unbound validates it and answers on `port`.
#   UNSIGNED: a file of unbound's local-data, one quoted record a line, below unsigned.test.
. "$(dirname "$0")/lib.sh"
begin dnssec
zone=$(basename "$ZONE" .zone)
mkdir -p "$dir/zones" "$dir/db" "$dir/run"
cp "$ZONE" "$dir/zones/$zone.zone"
authority=$(free_port)
cat >"$dir/knot.conf" <<C
server:
  listen: 127.0.0.1@$authority
  rundir: "$dir/run"
  background-workers: 1
  udp-workers: 1
  tcp-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: "$dir/db"
policy:
  - id: quick
    algorithm: ECDSAP256SHA256
template:
  - id: default
    storage: "$dir/zones"
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
    dnssec-signing: on
    dnssec-policy: quick
zone:
  - domain: $zone
C
run knotd -c "$dir/knot.conf"
until_ready listens "$authority"
anchors() { keymgr -c "$dir/knot.conf" "$zone." ds >"$dir/anchor" && [ -s "$dir/anchor" ]; }
until_ready anchors
port=$(free_port)
{
  unbound_head "validator iterator"
  cat <<C
  val-log-level: 2
  trust-anchor-file: "$dir/anchor"
  local-zone: "." always_nxdomain
  local-zone: "$zone." transparent
  local-zone: "unsigned.test." static
C
  [ -n "${UNSIGNED:-}" ] && sed 's/^/  local-data: /' "$UNSIGNED"
  printf 'stub-zone:\n  name: "%s."\n  stub-addr: 127.0.0.1@%s\n' "$zone" "$authority"
  printf 'remote-control:\n  control-enable: no\n'
} >"$dir/unbound.conf"
unbound-checkconf "$dir/unbound.conf" >&2 || exit 1
run unbound -d -p -c "$dir/unbound.conf"
until_ready listens "$port"
ready port="$port" authority="$authority"
