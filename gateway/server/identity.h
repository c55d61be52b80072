#ifndef GATEWAY_SERVER_IDENTITY_H
#define GATEWAY_SERVER_IDENTITY_H

#include "gateway/auth/auth.h"
#include "gateway/proxy/proxy.h"

/* The gateway as a client of the servers of routes, in a worker. */
struct identity;
struct worker;

int identity_new(struct worker *w, struct identity **out, struct error *err);
void identity_free(struct identity *id); /* NULL is fine */
/* What a MESSAGE_TICKETS brought; fd stays the caller's. */
void identity_take(struct identity *id, int fd);
/* It outlives what is signed with it. */
struct proxy_signer identity_signer(struct identity *id);

/* Of a route that is not ready.  Whether the clerk may still say something in
 * a moment. */
bool identity_is_awaited(struct identity *id, const struct config_route *r);
/* Why. */
void identity_describe(struct identity *id, const struct config_route *r,
                       struct buf *out);

#endif
