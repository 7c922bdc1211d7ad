#!/bin/bash
# slapd.sh: OpenLDAP with USERS people (user0@store.test, …), alice (proxyAddresses, as Active Directory has them) and bob
#   (mailAlternateAddress). Only cn=reader may read, with the password PASSWORD. StartTLS, and LDAPS on `secure`, by CERT and KEY.
# While $dir/down is there it stays dead; $dir/slapd.pid is whom to kill.
. "$(dirname "$0")/lib.sh"
begin slapd
port=$(free_port)
secure=$(free_port)
mkdir "$dir/db"
{
  slapd_head "$CERT" "$KEY"
  cat <<C
attributetype ( 1.2.840.113556.1.2.210 NAME 'proxyAddresses' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.7914.1.2.1.3 NAME 'mailAlternateAddress' EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
objectclass ( 1.3.6.1.4.1.7914.1.2.2.1 NAME 'withAddresses' SUP top AUXILIARY MAY ( proxyAddresses $ mailAlternateAddress ) )
database mdb
suffix "dc=store,dc=test"
directory $dir/db
maxsize 104857600
index objectClass,mail,proxyAddresses,mailAlternateAddress eq
# Without it the 500 entries that slapd gives at most are those of all pages together.
limits dn.exact="cn=reader,dc=store,dc=test" size.prtotal=unlimited
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=reader,dc=store,dc=test" read by * none
C
} >"$dir/slapd.conf"
{
  printf 'dn: dc=store,dc=test\nobjectClass: dcObject\nobjectClass: organization\ndc: store\no: store\n\n'
  printf 'dn: cn=reader,dc=store,dc=test\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\nuserPassword: %s\n\n' "$PASSWORD"
  person() { printf 'dn: uid=%s,dc=store,dc=test\nobjectClass: inetOrgPerson\nobjectClass: withAddresses\nuid: %s\ncn: %s\nsn: %s\n' "$1" "$1" "$1" "$1"; }
  person alice
  printf 'proxyAddresses: SMTP:alice@store.test\nproxyAddresses: smtp:a.lice@store.test\nproxyAddresses: sip:alice.sip@store.test\n\n'
  person bob
  printf 'mail: bob@store.test\nmailAlternateAddress: b.ob@store.test\n\n'
  for ((n = 0; n < ${USERS:-1000}; n++)); do
    person "user$n"
    printf 'mail: user%d@store.test\n\n' "$n"
  done
} >"$dir/init.ldif"
slapadd -q -f "$dir/slapd.conf" -l "$dir/init.ldif" >"$dir/add.log" 2>&1 || {
  cat "$dir/add.log" >&2
  exit 1
}
keep() {
  trap 'kill $child 2>/dev/null; exit' TERM
  while :; do
    while [ -e "$dir/down" ]; do sleep 0.05; done
    slapd -f "$dir/slapd.conf" -h "ldap://127.0.0.1:$port/ ldaps://127.0.0.1:$secure/" -d 0 &
    child=$!
    wait $child
  done
}
run keep
until_ready listens "$port"
ready port="$port" secure="$secure" pidfile="$dir/slapd.pid"
