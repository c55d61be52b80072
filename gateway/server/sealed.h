#ifndef GATEWAY_SERVER_SEALED_H
#define GATEWAY_SERVER_SEALED_H

#include <sys/queue.h>

#include "gateway/auth/auth.h"
#include "gateway/http/http.h"

/*
 * Message encryption (MS-WSMV 2.2.9.1; docs/levels.md): a sign-in leaves a
 * context on its connection, and that context does one thing: it opens
 * sealed bodies.  A request in clear never has an identity from it.
 *
 * Only on listeners that clients reach directly and in clear; behind TLS or a
 * proxy such requests are like any others.
 */

struct worker;

/* What a connection keeps; it lives as long as the connection. */
struct bound_context {
    TAILQ_ENTRY(bound_context) link; /* in order of use */
    struct worker *worker;
    struct security_context *context; /* NULL: over */
    struct auth_result identity;
    bool realm_allowed;
    uint64_t used_ms;
    bool busy; /* a request waits, whose answer it has to seal */
};

TAILQ_HEAD(bound_contexts, bound_context);

/* A request's sealed side. */
struct request_sealed {
    enum http_sealed_protocol protocol; /* NONE: an ordinary request */
    bool open;                          /* its answer is sealed too */
    bool drop;                          /* the context goes after it */
    struct bound_context *bound;        /* opened by it; busy until sealed */
    const char *type, *charset;         /* of the answer's plaintext */
    struct buf plain;
    struct http_inner *inner; /* into plain; NULL: not opened, or it is an
                                 envelope by itself */
};

/* Ends those that were idle too long. */
void sealed_sweep(struct worker *w);

#endif
