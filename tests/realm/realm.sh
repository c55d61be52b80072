#!/bin/sh
# A throw-away MIT Kerberos realm: no root, nothing in /etc, everything in one
# directory.
#
#   realm.sh start DIR [REALM]        default realm NSGATE.TEST
#   realm.sh stop DIR                 ends the KDC; DIR stays
#   realm.sh kinit DIR USER CCACHE    a ticket for alice, bob, ops or mallory
#
# After start:  . DIR/env  sets KRB5_CONFIG and its kin, NSGATE_REALM and
# NSGATE_KDC_PORT.  Two calls with two DIRs and one realm name make two
# independent KDCs that know nothing of one another.
#
#   DIR/http.keytab    HTTP/localhost
#   DIR/other.keytab   host/localhost, HTTP/other.test
#   DIR/USER.keytab    a user's; the password is the user's name
#
# Service keytabs are 0600 and belong to the caller; the rest can be read by
# everyone, so that tests may run clients as other users.
set -eu

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
users="alice bob ops mallory"

die()
{
    echo "realm.sh: $*" >&2
    exit 1
}

# Below the usual ephemeral range, so that no outgoing connection has it.
random_port()
{
    echo $((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
}

# How many sockets listen on TCP port $1.  krb5kdc binds with SO_REUSEPORT:
# two KDCs on one port would share the clients without a word.
listeners()
{
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        awk -v port="$(printf ':%04X' "$1")" '
            $4 == "0A" && substr($2, length($2) - 4) == port { n++ }
            END { print n + 0 }'
}

write_krb5_conf()
{
    cat >"$dir/krb5.conf" <<END
[libdefaults]
    default_realm = $realm
    default_ccache_name = FILE:$dir/ccache.%{uid}
    default_keytab_name = FILE:$dir/none.keytab
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    qualify_shortname = ""
    udp_preference_limit = 1
    forwardable = true

[realms]
    $realm = {
        kdc = 127.0.0.1:$port
    }

[domain_realm]
    localhost = $realm
    other.test = $realm
END
}

write_kdc_conf()
{
    cat >"$dir/kdc.conf" <<END
[kdcdefaults]
    kdc_listen = ""
    kdc_tcp_listen = 127.0.0.1:$port

[realms]
    $realm = {
        database_name = $dir/principal
        key_stash_file = $dir/stash
        acl_file = $dir/kadm5.acl
        max_life = 10h
        supported_enctypes = aes256-cts-hmac-sha1-96:normal
    }

[logging]
    kdc = FILE:$dir/kdc.log
END
}

make_database()
{
    kdb5_util -r "$realm" create -s -P "$(od -An -N16 -tx1 /dev/urandom |
        tr -d ' \n')" >"$dir/setup.log" 2>&1 ||
        die "kdb5_util: $(tail -n 1 "$dir/setup.log")"
    {
        for p in HTTP/localhost host/localhost HTTP/other.test realm-check; do
            echo "addprinc -randkey $p"
        done
        echo "ktadd -k $dir/http.keytab HTTP/localhost"
        echo "ktadd -k $dir/other.keytab host/localhost HTTP/other.test"
        echo "ktadd -k $dir/check.keytab realm-check"
        for u in $users; do
            echo "addprinc -pw $u $u"
            echo "ktadd -norandkey -k $dir/$u.keytab $u"
        done
    } | kadmin.local -r "$realm" >>"$dir/setup.log" 2>&1 ||
        die "kadmin.local: $(tail -n 1 "$dir/setup.log")"
    for k in http other check $users; do
        [ -s "$dir/$k.keytab" ] || die "no $k.keytab, see $dir/setup.log"
    done
    for u in $users; do
        chmod 0644 "$dir/$u.keytab"
    done
}

# Only the KDC of this very database knows the random key of realm-check.
kdc_answers()
{
    [ "$(listeners "$port")" -eq 1 ] &&
        kinit -c "FILE:$dir/check.cc" -kt "$dir/check.keytab" realm-check \
            >>"$dir/setup.log" 2>&1 &&
        [ "$(listeners "$port")" -eq 1 ]
}

start_kdc()
{
    tries=0
    while [ $tries -lt 20 ]; do
        tries=$((tries + 1))
        port=$(random_port)
        [ "$(listeners "$port")" -eq 0 ] || continue
        write_krb5_conf
        write_kdc_conf
        rm -f "$dir/kdc.pid"
        # It returns when it listens, and writes its process id then.
        krb5kdc -r "$realm" -P "$dir/kdc.pid" >>"$dir/setup.log" 2>&1 ||
            continue
        waits=0
        while [ ! -s "$dir/kdc.pid" ] && [ $waits -lt 500 ]; do
            waits=$((waits + 1))
            sleep 0.01
        done
        if kdc_answers; then
            return 0
        fi
        stop_kdc
    done
    die "no KDC came up, see $dir/setup.log and $dir/kdc.log"
}

stop_kdc()
{
    [ -s "$dir/kdc.pid" ] || return 0
    pid=$(cat "$dir/kdc.pid")
    # The number may have gone to another process since.
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = krb5kdc ]; then
        kill "$pid" 2>/dev/null || true
    fi
    rm -f "$dir/kdc.pid"
}

write_env()
{
    cat >"$dir/env" <<END
export KRB5_CONFIG='$dir/krb5.conf'
export KRB5_KDC_PROFILE='$dir/kdc.conf'
export NSGATE_REALM='$realm'
export NSGATE_REALM_DIR='$dir'
export NSGATE_KDC_PORT='$port'
END
}

start()
{
    mkdir -p "$1"
    chmod 0755 "$1"
    dir=$(cd "$1" && pwd)
    realm=${2:-NSGATE.TEST}
    [ ! -e "$dir/principal" ] || die "$dir has a realm already"
    export KRB5_CONFIG="$dir/krb5.conf" KRB5_KDC_PROFILE="$dir/kdc.conf"
    unset KRB5CCNAME KRB5_KTNAME KRB5_CLIENT_KTNAME KRB5_TRACE
    umask 022
    port=0
    write_krb5_conf
    write_kdc_conf
    make_database
    start_kdc
    write_env
}

[ $# -ge 2 ] || die "usage: realm.sh start|stop|kinit DIR ..."
case $1 in
start)
    start "$2" "${3:-}"
    ;;
stop)
    [ -d "$2" ] || exit 0
    dir=$(cd "$2" && pwd)
    stop_kdc
    ;;
kinit)
    [ $# -eq 4 ] || die "usage: realm.sh kinit DIR USER CCACHE"
    . "$2/env"
    exec kinit -c "$4" -kt "$2/$3.keytab" "$3"
    ;;
*)
    die "unknown command '$1'"
    ;;
esac
