#ifndef GATEWAY_AUTH_CLIENT_CREDENTIAL_H
#define GATEWAY_AUTH_CLIENT_CREDENTIAL_H

#include <gssapi/gssapi.h>

#include "gateway/auth/auth.h"
#include "gateway/auth/keytab.h"

struct client_credential {
    struct keytab *keytab;
    char *principal;
    char cache[64]; /* "MEMORY:nsgate.PID.N" */
};

/* A GSS credential to initiate with, as GSS_C_INITIATE gives it for mechs;
 * the caller releases it.  0, or -1. */
int client_credential_acquire(const struct client_credential *c,
                              gss_OID_set mechs, gss_cred_id_t *cred_out,
                              struct error *err);

#endif
