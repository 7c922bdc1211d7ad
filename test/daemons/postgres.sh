#!/bin/bash
# postgres.sh: PostgreSQL with a table `mailboxes` of USERS people (user0@store.test, …), which the role `reader` may read with
#   the password PASSWORD. While $dir/down is there it stays dead; the first line of `pidfile` is whom to kill.
. "$(dirname "$0")/lib.sh"
begin postgres
port=$(free_port)
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
as=()
if [ "$(id -u)" = 0 ]; then
  as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
  chown postgres "$dir"
fi
(umask 077 && echo "$PASSWORD-root" >"$dir/root")
[ "$(id -u)" = 0 ] && chown postgres "$dir/root"
cd "$dir"
"${as[@]}" "$bin/initdb" -D "$dir/data" -A scram-sha-256 --pwfile="$dir/root" -U postgres -E UTF8 --no-sync >"$dir/initdb.log" 2>&1 || {
  cat "$dir/initdb.log" >&2
  exit 1
}
keep() {
  trap 'kill $child 2>/dev/null; wait $child; exit' TERM
  while :; do
    while [ -e "$dir/down" ]; do sleep 0.05; done
    "${as[@]}" "$bin/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$dir" -c fsync=off -c shared_buffers=16MB &
    child=$!
    wait $child
    sleep 0.1 # what was killed leaves children, which keep the shared memory for a moment
  done
}
run keep
until_ready "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"
PGPASSWORD="$PASSWORD-root" "$bin/psql" -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U postgres >"$dir/fill.log" 2>&1 <<S || {
create table mailboxes (address text primary key, active boolean not null default true);
insert into mailboxes select 'user' || n || '@store.test' from generate_series(0, ${USERS:-1000} - 1) n;
insert into mailboxes values ('gone@store.test', false);
create role reader login password '$PASSWORD';
grant select on mailboxes to reader;
S
  cat "$dir/fill.log" >&2
  exit 1
}
ready port="$port" pidfile="$dir/data/postmaster.pid"
