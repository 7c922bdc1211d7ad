# lib.sh: what every recipe shares. A recipe starts plain processes on loopback in a folder of its own, prints one line
#   READY name port=… dir=…
# and stays until its standard input closes, a signal comes, or the daemon ends; then it ends its own processes and
# removes the folder. Whoever started it need not know a pid: when he dies, his end of the pipe closes.
set -u
exec 3<&0

# begin NAME: makes $dir, and sees to the end.
begin() {
  name=$1
  pids=()
  dir=$(mktemp -d "${TMPDIR:-/tmp}/postern-$name.XXXXXX")
  chmod 755 "$dir"
  trap finish EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
}

# run COMMAND…: starts a daemon that stays in the foreground; its output goes to $dir/NAME.log.
run() {
  "$@" >>"$dir/$name.log" 2>&1 &
  pids+=($!)
}

# alive: whether every daemon still runs; says why not.
alive() {
  local pid
  for pid in "${pids[@]}"; do
    kill -0 "$pid" 2>/dev/null && continue
    echo "$name ended early:" >&2
    tail -n 20 "$dir"/*.log >&2
    return 1
  done
}

# until_ready COMMAND…: asks again and again until the command succeeds, the daemon ends, or half a minute has passed.
until_ready() {
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    "$@" >/dev/null 2>&1 && return 0
    alive || exit 1
    sleep 0.05
  done
  echo "$name does not answer:" >&2
  tail -n 20 "$dir"/*.log >&2
  exit 1
}

# listens PORT [ADDRESS]: whether something takes TCP connections there.
listens() { (exec 9<>"/dev/tcp/${2:-127.0.0.1}/$1") 2>/dev/null; }

# free_port: a port that is free for TCP and UDP on 127.0.0.1.
free_port() {
  node -e '
    const tcp = require("node:net").createServer();
    tcp.listen(0, "127.0.0.1", function attempt() {
      const { port } = tcp.address();
      const udp = require("node:dgram").createSocket("udp4");
      udp.on("error", () => tcp.close(() => tcp.listen(0, "127.0.0.1", attempt)));
      udp.bind(port, "127.0.0.1", () => { console.log(port); udp.close(); tcp.close(); });
    });'
}

# unbound_head MODULES: how an unbound of ours begins its configuration: on $port of loopback, in the foreground, asking nobody outside.
unbound_head() {
  cat <<C
server:
  interface: 127.0.0.1@$port
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "$dir"
  pidfile: "$dir/unbound.pid"
  logfile: "$dir/unbound.log"
  use-syslog: no
  num-threads: 1
  do-not-query-localhost: no
  do-ip6: no
  module-config: "$1"
  qname-minimisation: no
  root-hints: ""
C
}

# slapd_head CERTIFICATE KEY: how a slapd of ours begins its configuration, up to its database.
slapd_head() {
  cat <<C
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile $dir/slapd.pid
TLSCertificateFile $1
TLSCertificateKeyFile $2
C
}

# ready KEY=VALUE…: says so, then waits for the end.
ready() {
  echo "READY $name $* dir=$dir"
  cat <&3 >/dev/null &
  pids+=($!)
  wait -n
}

finish() {
  trap - EXIT
  local pid tries
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null; done
  for pid in "${pids[@]}"; do
    for ((tries = 0; tries < 50; tries++)); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null
  done
  rm -rf "$dir"
}
