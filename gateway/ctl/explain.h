#ifndef GATEWAY_CTL_EXPLAIN_H
#define GATEWAY_CTL_EXPLAIN_H

#include "gateway/config/config.h"
#include "policy/decision/decision.h"

/*
 * The ways a request can reach a namespace by one listener, and what
 * decide() says to each: the same function with the same inputs as in the
 * server's steps, so that an explanation cannot differ from an answer.
 */
struct explain_way {
    const char *label; /* "https, token bound" */
    enum channel_kind channel;
    bool bound;
};

#define EXPLAIN_WAYS_MAX 4

/* How many were put into out; 0 for a status listener. */
size_t explain_ways(const struct config_listener *l,
                    struct explain_way out[EXPLAIN_WAYS_MAX]);

struct explain_caller {
    struct span principal;
    bool realm_allowed;
    const struct access_list *access; /* NULL: everyone of the realms */
};

/* What a context that says declared by itself counts for on this way. */
enum authn_level explain_declared(const struct config_listener *l,
                                  const struct explain_way *way,
                                  enum authn_level declared);

/* declared: what the client's context says by itself. */
struct decision explain_decide(const struct policy_image *image,
                               const struct namespace_path *ns,
                               const struct config_listener *l,
                               const struct explain_way *way,
                               enum authn_level declared, bool audit,
                               const struct explain_caller *caller);

/* Prints the routes that lead to ns, and whether their hops are as private as
 * it requires. */
void explain_routes(const struct config *c, const struct namespace_path *ns,
                    enum authn_level required);

/* What the reason means, for people. */
const char *explain_reason(enum decision_reason reason);

#endif
