#!/bin/bash
# rspamd.sh: rspamd with Debian's own rules, without Redis, DNS and maps from outside: the same message has the same score.
. "$(dirname "$0")/lib.sh"
begin rspamd
port=$(free_port)
nobody=$(free_port)
mkdir -p "$dir"/{db,run,log,etc/local.d,etc/override.d}
override="$dir/etc/override.d"
printf 'bind_socket = "127.0.0.1:%s";\ncount = 1;\n' "$port" >"$override/worker-normal.inc"
for worker in controller proxy; do echo 'enabled = false; count = 0;' >"$override/worker-$worker.inc"; done
cat >"$override/options.inc" <<C
dns { nameserver = ["127.0.0.1:$nobody"]; timeout = 0.2s; retransmits = 1; sockets = 4; }
local_addrs = "127.0.0.0/8, ::1";
control_socket = "$dir/run/rspamd.sock mode=0600";
hs_cache_dir = "$dir/db";
C
echo 'type = "console"; level = "notice"; color = false;' >"$override/logging.inc"
for module in rbl surbl asn fuzzy_check phishing rspamd_update redis greylist ratelimit replies history_redis neural reputation \
  mx_check url_redirector dcc clickhouse elastic bimi p0f antivirus external_services spamtrap; do
  echo 'enabled = false;' >"$override/$module.conf"
done
user=()
if [ "$(id -u)" = 0 ]; then
  chown -R _rspamd:_rspamd "$dir/db" "$dir/run" "$dir/log"
  user=(--user=_rspamd --group=_rspamd)
else
  user=(--insecure)
fi
run rspamd --no-fork --config=/etc/rspamd/rspamd.conf "${user[@]}" \
  --var=LOCAL_CONFDIR="$dir/etc" --var=DBDIR="$dir/db" --var=RUNDIR="$dir/run" --var=LOGDIR="$dir/log"
answers() {
  local line
  exec 4<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf 'GET /ping HTTP/1.0\r\n\r\n' >&4
  read -t 2 -r line <&4
  exec 4>&-
  case "$line" in *200*) return 0 ;; *) return 1 ;; esac
}
until_ready answers
ready port="$port"
