#!/bin/sh
# tls.sh DIR: a certificate authority of its own and two certificates for
# localhost (DNS:localhost, 127.0.0.1, ::1), one RSA, one ECDSA.
#
#   DIR/ca.crt ca.key   tls.crt tls.key (RSA)   ecdsa.crt ecdsa.key
#
# Keys are 0600 and belong to the caller.
set -eu

die()
{
    echo "tls.sh: $*" >&2
    exit 1
}

# issue NAME GENPKEY-OPTIONS...: a key, a request, and the CA's signature.
issue()
{
    name=$1
    shift
    openssl genpkey "$@" -out "$dir/$name.key" &&
        openssl req -new -config "$dir/tls.cnf" -key "$dir/$name.key" \
            -subj /CN=localhost -out "$dir/$name.csr" &&
        openssl x509 -req -sha256 -days 30 -in "$dir/$name.csr" \
            -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial \
            -extfile "$dir/tls.cnf" -extensions server \
            -out "$dir/$name.crt"
}

make_all()
{
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
        -out "$dir/ca.key" &&
        openssl req -x509 -new -config "$dir/tls.cnf" -extensions ca \
            -sha256 -days 30 -key "$dir/ca.key" \
            -subj "/CN=nsgate test authority" -out "$dir/ca.crt" &&
        issue tls -algorithm RSA -pkeyopt rsa_keygen_bits:2048 &&
        issue ecdsa -algorithm EC -pkeyopt ec_paramgen_curve:P-256
}

[ $# -eq 1 ] || die "usage: tls.sh DIR"
mkdir -p "$1"
dir=$(cd "$1" && pwd)
umask 077
cat >"$dir/tls.cnf" <<'END'
[req]
distinguished_name = name
prompt = no
[name]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
make_all >"$dir/tls.log" 2>&1 || die "$(tail -n 1 "$dir/tls.log")"
chmod 0644 "$dir"/*.crt
rm -f "$dir"/*.csr "$dir"/*.srl "$dir/tls.cnf" "$dir/tls.log"
