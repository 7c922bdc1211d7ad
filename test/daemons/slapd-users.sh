#!/bin/bash
# slapd-users.sh: OpenLDAP with users who have passwords, for logins. Needs Debian's slapd.
# Environment: TLS_CERT and TLS_KEY, files.
. "$(dirname "$0")/lib.sh"
begin slapd-users
port=$(free_port)
secure=$(free_port)
mkdir "$dir/db"
{
  slapd_head "$TLS_CERT" "$TLS_KEY"
  cat <<C
allow bind_anon_cred bind_anon_dn
database mdb
suffix "dc=example,dc=com"
rootdn "cn=admin,dc=example,dc=com"
rootpw admin-secret-7
directory $dir/db
maxsize 104857600
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=reader,dc=example,dc=com" read by anonymous auth by * none
C
} >"$dir/slapd.conf"
{ printf 'dn: dc=example,dc=com\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: example\n\n'
  printf 'dn: cn=reader,dc=example,dc=com\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\nuserPassword: reader-secret-7\n\n'
  printf 'dn: ou=people,dc=example,dc=com\nobjectClass: organizationalUnit\nou: people\n\n'
  printf 'dn: uid=alice,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: alice\ncn: Alice\nsn: A\nmail: alice@example.com\nmail: sales@example.com\nuserPassword: correct horse 9\n\n'
  printf 'dn: cn=Bob (the Builder)*,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: bob\ncn: Bob (the Builder)*\nsn: B\nmail: bob@example.com\nuserPassword: battery staple 7\n\n'
  # LDIF has letters beyond ASCII in base64 (RFC 2849).
  printf 'dn:: %s\nobjectClass: inetOrgPerson\nuid:: %s\ncn: Jose\nsn: J\nuserPassword: letter opener 3\n\n' "$(printf 'uid=jos\303\251,ou=people,dc=example,dc=com' | base64 -w0)" "$(printf 'jos\303\251' | base64)"; } > "$dir/init.ldif"
slapadd -q -f "$dir/slapd.conf" -l "$dir/init.ldif" 2>"$dir/add.log" || { cat "$dir/add.log"; exit 1; }
run slapd -f "$dir/slapd.conf" -h "ldap://127.0.0.1:$port/ ldaps://127.0.0.1:$secure/" -d 0
until_ready listens "$port"
until_ready listens "$secure"
ready port=$port secure=$secure
