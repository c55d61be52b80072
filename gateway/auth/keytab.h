#ifndef GATEWAY_AUTH_KEYTAB_H
#define GATEWAY_AUTH_KEYTAB_H

#include <krb5.h>
#include <stddef.h>

#include "policy/base/base.h"

/*
 * The keys of the names asked for only, copied from a keytab file into a
 * MEMORY: keytab of this process.  A file would be opened and searched at
 * every accept, and would need to be readable for as long as the worker
 * lives.  The keys are there until both keytab_free was called and the last
 * credential that uses them was released.
 */
struct keytab {
    krb5_context context;
    krb5_keytab memory;
    char name[64];          /* "MEMORY:nsgate.PID.N", for a cred store */
    char *principal;        /* of the first key */
    bool several;           /* there are keys of others, too */
    char *realm;            /* of the first key */
    char *description;      /* "HTTP/host@REALM kvno 2 aes256-..., ..." */
    int clock_skew_seconds; /* what krb5.conf allows */
};

/* names: "SERVICE@host"; NULL: all that is there.  fd may be a sealed memory file of another uid; it
 * must be readable through /proc/self/fd. */
int keytab_load(int fd, const char *const *names, size_t count,
                struct keytab **out, struct error *err);
void keytab_free(struct keytab *k); /* NULL is fine */

#endif
