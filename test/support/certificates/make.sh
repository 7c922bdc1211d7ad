#!/bin/sh
# Makes the certificates beside it, with openssl: an authority for tests and what it signed, good until 2126.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/index"
cat > "$work/ca.cnf" <<END
[ca]
default_ca = tests
[tests]
database = $work/index
new_certs_dir = $work
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
END
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
# request NAME KEY EXTENSION, then sign NAME FROM TO, by the authority or by itself
request() { openssl req -new -config "$work/ca.cnf" -key "$2" -subj "/CN=$1" -addext "$3" -out "$work/$1.csr"; }
sign() {
  name=$1; from=$2; to=$3; shift 3
  openssl ca -batch -notext -config "$work/ca.cnf" -in "$work/$name.csr" -out "$name.pem" \
    -startdate "$from" -enddate "$to" "$@" 2> "$work/log" || { cat "$work/log"; exit 1; }
}
key "$work/authority.key"
key host.key
request authority "$work/authority.key" basicConstraints=critical,CA:true
sign authority 20200101000000Z 21260101000000Z -selfsign -keyfile "$work/authority.key"
for one in by-name/DNS:localhost by-address/IP:127.0.0.1 other-name/DNS:other.test; do
  request "${one%%/*}" host.key "subjectAltName=${one#*/}"
  sign "${one%%/*}" 20200101000000Z 21260101000000Z -cert authority.pem -keyfile "$work/authority.key"
done
request expired host.key subjectAltName=DNS:localhost,IP:127.0.0.1
sign expired 20200101000000Z 20210101000000Z -cert authority.pem -keyfile "$work/authority.key"
openssl req -x509 -newkey rsa:1024 -noenc -config "$work/ca.cnf" -subj /CN=localhost -addext subjectAltName=DNS:localhost \
  -days 36500 -keyout weak.key -out weak.pem 2> "$work/log" || { cat "$work/log"; exit 1; }
request self-signed host.key subjectAltName=DNS:localhost,IP:127.0.0.1
sign self-signed 20200101000000Z 21260101000000Z -selfsign -keyfile host.key
