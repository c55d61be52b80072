#include <stdio.h>
#include <stdlib.h>

#include "gateway/server/request.h"

/*
 * Of the certificate that this very session was begun with, which after a
 * change is not the listener's newest.  Kept with the certificate, since
 * reading it anew for each request costs a fifth of an authentication.
 */
static const struct channel_binding *
binding_of_session(const struct request *r)
{
    static const struct channel_binding unknown;
    struct channel_binding *b = http_request_certificate_context(r->http);

    if (b != NULL)
        return b;
    b = malloc(sizeof(*b));
    if (b == NULL)
        return &unknown;
    if (!channel_binding_from_session(http_request_tls(r->http), b)) {
        free(b);
        return &unknown;
    }
    http_request_set_certificate_context(r->http, b, free);
    return b;
}

const struct channel_binding *
binding_of_channel(const struct request *r)
{
    switch (r->channel) {
    case CHANNEL_TLS:
        return binding_of_session(r);
    case CHANNEL_PROXY_TLS:
        return &r->listener->binding;
    default:
        return NULL;
    }
}

const struct channel_binding *
binding_expected(const struct request *r)
{
    return r->listener->config->channel_bindings == CHANNEL_BINDINGS_OFF
               ? NULL
               : binding_of_channel(r);
}

static void
refuse(struct request *r, const char *cause, const char *remedy)
{
    auth_result_fini(&r->auth);
    r->auth.outcome = AUTH_REFUSED;
    snprintf(r->auth.cause, sizeof(r->auth.cause), "%s", cause);
    r->auth.remedy = remedy;
}

void
binding_require(struct request *r)
{
    const struct channel_binding *expected = binding_expected(r);

    if (r->auth.outcome != AUTH_OK || r->auth.bound || expected == NULL)
        return;
    if (r->listener->config->channel_bindings == CHANNEL_BINDINGS_REQUIRE)
        refuse(r,
               "the client sent no channel binding and the listener says"
               " channel_bindings = require",
               "Use a client that sends tls-server-end-point bindings, or"
               " channel_bindings = allow.");
    /* A wrong one would not have been noticed: not "off" by accident. */
    else if (r->channel == CHANNEL_TLS && expected->length == 0)
        refuse(r, "the channel binding of this TLS session is not known",
               "Connect again.");
}
