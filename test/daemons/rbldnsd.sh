#!/bin/bash
# rbldnsd.sh: real blocklists on a loopback UDP port, one for each way in which a list can be right or wrong.
. "$(dirname "$0")/lib.sh"
begin rbldnsd
port=$(free_port)
mkdir "$dir/zones"

# Right: the test points of RFC 5782 §5 for IPv4, ranges, several codes, an exclusion.
cat >"$dir/zones/bl" <<'Z'
$SOA 300 ns.bl.test. hostmaster.bl.test. 0 600 300 86400 60
$NS 300 ns.bl.test.
:127.0.0.2:Listed, see http://bl.test/?ip=$
127.0.0.2
192.0.2.0/28
!192.0.2.5
198.51.100.7 :127.0.0.4:exploited host $
198.51.100.8 :127.0.0.10:dynamic pool $
198.51.100.9 :127.0.0.77:a code that nobody described
198.51.100.10 :127.255.255.254:public resolver, see http://bl.test/public
Z
# Right, for IPv6: ::ffff:7f00:2 is listed.
cat >"$dir/zones/bl6" <<'Z'
$SOA 300 ns.bl6.test. hostmaster.bl6.test. 0 600 300 86400 60
:127.0.0.2:v6 listed $
2001:db8:bad::/48
::ffff:7f00:2/128
Z
# Wrong: lists the whole world, as a list does when its domain was sold.
cat >"$dir/zones/world" <<'Z'
$SOA 300 ns.world.test. hostmaster.world.test. 0 600 300 86400 60
# Ranges no larger than a class A: so much the server takes.
:127.0.0.2:everybody
127.0.0.0/8
192.0.0.0/8
Z
# Wrong: lists nothing, as a list does when it was abandoned.
cat >"$dir/zones/nobody" <<'Z'
$SOA 300 ns.nobody.test. hostmaster.nobody.test. 0 600 300 86400 60
:127.0.0.2:nobody
203.0.113.255
Z
chmod -R a+rX "$dir"

user=()
[ "$(id -u)" = 0 ] && user=(-u rbldns)
run rbldnsd -n -f -b "127.0.0.1/$port" -r "$dir/zones" "${user[@]}" \
  bl.test:ip4set:bl bl6.test:ip6trie:bl6 world.test:ip4set:world nobody.test:ip4set:nobody
answers() {
  node -e '
    const resolver = new (require("node:dns").Resolver)({ timeout: 200, tries: 1 });
    resolver.setServers(["127.0.0.1:" + process.argv[1]]);
    resolver.resolve4("2.0.0.127.bl.test", (error) => process.exit(error ? 1 : 0));' "$port"
}
until_ready answers
ready port="$port"
