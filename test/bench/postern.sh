#!/usr/bin/env bash
# Postern as an adapter of an SMTP bench harness that lays peers side by side. Copy it into the harness's adapters/ folder and set
# POSTERN_ROOT to this checkout. POSTERN_POLICY=plain (default) decides nothing; inbound is the shipped policy with every check on.
. "$(dirname "$0")/../lib/adapter.sh"
ROOT="${POSTERN_ROOT:?set POSTERN_ROOT to the checkout of Postern}"
POLICY="${POSTERN_POLICY:-plain}"
export PATH="$ROOT/node_modules/.bin:$PATH"
do_config() {
  mkdir -p "$DIR/policies"
  if [ "$POLICY" = plain ]; then printf 'policy: plain\nchecks: {}\nrules: {}\n' > "$DIR/policies/plain.yaml"
  else cp -r "$ROOT/policies/." "$DIR/policies/"
    # All load comes from one address: its rate limit is lifted, the counting stays.
    sed -i "s/limit: 200,/limit: 1000000000,/" "$DIR/policies/inbound.yaml"; fi
  cat > "$DIR/postern.yaml" <<Y
hostname: mx.bench.test
listeners:
  mx: { address: "127.0.0.1:$PORT", policy: $POLICY, xclient_from: [127.0.0.1] }
domains:
  bench.test: { route: sink, recipients: { inline: [user@bench.test] } }
routes:
  sink: { hosts: ["127.0.0.1:$SINK"], tls: none }
dns: { servers: ["127.0.53.53:53"], timeout: 2s }
store: { path: store, min_free: 100 MiB }
log: { level: warn }
Y
}
do_start() { setsid node "$ROOT/src/main.ts" serve --config "$DIR/postern.yaml" >> "$DIR/log" 2>&1 < /dev/null & echo $! > "$DIR/pid"; }
do_stop()  { [ -f "$DIR/pid" ] && kill -TERM "$(cat "$DIR/pid")" 2>/dev/null; }
do_flush() { node "$ROOT/src/main.ts" queue retry --all --config "$DIR/postern.yaml"; }
do_queue() { node "$ROOT/src/main.ts" queue list --json --config "$DIR/postern.yaml" | grep -c . || true; }
do_info()  { echo "postern ($POLICY) node $(node -v)"; }
run "$@"
