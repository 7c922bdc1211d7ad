#!/bin/bash
# sink.sh: Postfix's smtp-sink, a next hop that misbehaves on purpose. OPTIONS: as smtp-sink takes them, such as
#   "-q DATA" (hangs up after DATA), "-r RCPT" (450), "-f DATA" (500), "-p" (no PIPELINING), "-L" (LMTP).
#   ADDRESS, PORT: where it listens, 127.0.0.1 and a free one without them.
. "$(dirname "$0")/lib.sh"
begin sink
address=${ADDRESS:-127.0.0.1}
port=${PORT:-$(free_port)}
chmod 777 "$dir"
user=()
[ "$(id -u)" = 0 ] && user=(-u nobody)
# shellcheck disable=SC2086
run smtp-sink "${user[@]}" -h sink.test ${OPTIONS:-} "$address:$port" 100
until_ready listens "$port" "$address"
ready port="$port"
