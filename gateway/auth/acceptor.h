#ifndef GATEWAY_AUTH_ACCEPTOR_H
#define GATEWAY_AUTH_ACCEPTOR_H

#include <gssapi/gssapi.h>

#include "gateway/auth/auth.h"
#include "gateway/auth/keytab.h"

struct acceptor {
    char **names;
    size_t name_count;
    char *rcache; /* "file2:DIR/nsgate.rcache2" */
    struct keytab *keytab;
    gss_cred_id_t cred;
};

#endif
