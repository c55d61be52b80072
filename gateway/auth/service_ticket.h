#ifndef GATEWAY_AUTH_SERVICE_TICKET_H
#define GATEWAY_AUTH_SERVICE_TICKET_H

#include <gssapi/gssapi.h>
#include <krb5.h>

#include "gateway/auth/auth.h"

struct service_ticket {
    unsigned references;
    krb5_context context;
    krb5_ccache cache; /* MEMORY:, of this ticket alone */
    gss_cred_id_t cred;
    gss_name_t target; /* the service, with its realm */
    char *client;
    struct ticket_times times;
};

#endif
