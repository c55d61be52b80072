#ifndef GATEWAY_SERVER_WAY_H
#define GATEWAY_SERVER_WAY_H

#include "gateway/auth/auth.h"
#include "gateway/callback/callback.h"
#include "gateway/http/http.h"

/*
 * The secure way to a sink, as a courier makes it: a connection, signed in as
 * the gateway's own principal (RFC 4559 as the client), whose certificate or
 * whose sealed messages make it private.  One at a time; kept for the next
 * delivery to the same scheme, host and port.
 */
struct way {
    const struct config_callback *config;
    const struct client_credential *credential; /* the courier's */
    struct sink_authenticator authenticator;
    struct sink sink;
    struct sink_session *session; /* NULL: none */
    struct initiator *initiator;
    struct security_context *context; /* of sealed messages; NULL: TLS, or
                                         in clear */
    enum authn_level declared, applied;
    int64_t expires_us;
};

void way_init(struct way *w, const struct config_callback *config);
/* Of the connection alone; the rest stays. */
void way_close(struct way *w);
/* What a sink's address can come to at best. */
enum authn_level way_best_level(const struct config_callback *config,
                                const struct sink *sink);
/* 0: there is a way to sink, its levels in w.  -1: *failure. */
int way_open(struct way *w, const struct sink *sink,
             struct sink_failure *failure);
/* One part; 0: the sink has it. headers: of the part. */
int way_post(struct way *w, const struct sink *sink,
             const struct http_header *headers, size_t header_count,
             struct span body, struct sink_failure *failure);

#endif
