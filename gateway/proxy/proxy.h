#ifndef GATEWAY_PROXY_PROXY_H
#define GATEWAY_PROXY_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/config/config.h"
#include "gateway/sys/sys.h"
#include "policy/base/base.h"

/*
 * Requests handed on to the servers of [route/NAME], by libcurl's multi
 * interface in the caller's event loop: one thread, nothing waits.
 *
 *     proxy_new(&options, &p, err);
 *     before each wait: proxy_timeout_ms(p), and proxy_run(p) when it is 0
 *     proxy_sweep(p) now and then: what takes too long ends, and servers are
 *         asked how they are
 *
 *     route = proxy_route_find(p, path, host, method);
 *     (the caller decides whether the request may pass)
 *     t = proxy_send(route, &request, &handlers);
 *     proxy_transfer_write(t, ...), proxy_transfer_write_end(t)
 *     -> handlers.head, then proxy_transfer_read until it says 0 or -1
 *     proxy_transfer_free(t)
 *
 * Bytes flow both ways through buffers of PROXY_BUFFER each, so that whoever
 * is slower holds the other up and memory is bounded.  No redirect is
 * followed, no proxy of the environment used, nothing asked twice that may
 * have been done.
 */
struct proxy;
struct proxy_route;
struct proxy_transfer;

#define PROXY_BUFFER ((size_t)64 * 1024)

/*
 * Who signs the gateway in at upstreams that have a `service`.  A token is
 * good once (RFC 4120 3.2.3: the server remembers it), so that each attempt
 * gets its own, when its connection is there.
 */
struct proxy_proof; /* the signer's: what an answer is compared with */

struct proxy_signer {
    void *arg;
    /* Whether sign has what it needs for u. */
    bool (*ready)(void *arg, const struct config_upstream *u);
    /* Appends a fresh value of Authorization.  NULL: err says why. */
    struct proxy_proof *(*sign)(void *arg, const struct config_upstream *u,
                                struct buf *out, struct error *err);
    /* token: of the answer's WWW-Authenticate: Negotiate; length 0: none.  0:
     * the server is who it should be. */
    int (*verify)(struct proxy_proof *p, struct span token, struct error *err);
    void (*discard)(struct proxy_proof *p); /* NULL is fine */
    /* The server does not take what was signed: 401. */
    void (*refused)(void *arg, const struct config_upstream *u);
};

struct proxy_options {
    struct loop *loop;
    const struct config *config; /* outlives the proxy, as do the next */
    /* One an upstream of all routes, in their order: "address[,address]" of
     * a host that is a name, "" if it could not be found. */
    const char *const *addresses;
    /* A server that is looked after by health checks went down or came up;
     * upstream: its place among those of all routes.  May be NULL; called as
     * handlers are.  why may hold any bytes of the server's. */
    void (*turned)(void *arg, size_t upstream, bool up, const char *why);
    void *arg;
    struct proxy_signer signer; /* all NULL: no upstream has a service */
};

int proxy_new(const struct proxy_options *options, struct proxy **out,
              struct error *err);
/* No transfer may be left. */
void proxy_free(struct proxy *p);
/* New connections to the upstream, and none that is kept, are made there;
 * what is under way goes on.  addresses as in proxy_options.  False: there is
 * no memory, all stays. */
bool proxy_set_addresses(struct proxy *p, size_t upstream,
                         const char *addresses);
int proxy_timeout_ms(const struct proxy *p); /* -1: none */
void proxy_run(struct proxy *p);
void proxy_sweep(struct proxy *p);

/* -- routes --------------------------------------------------------------- */

/* Why there is no route: all zero, none has the path and the host. */
struct proxy_route_miss {
    const struct config_route *other; /* one does not forward the method */
    bool two_ways; /* servers read another path, which a longer route has */
};

/*
 * path: decoded, canonical; host: of the Host header, may be absent; miss may
 * be NULL.  Some servers take names without regard to case, some take ";x" off
 * each segment (RFC 3986 3.3): a path that would be a longer route's to them
 * has no route, as the shorter one may ask for less.
 */
const struct proxy_route *proxy_route_find(const struct proxy *p,
                                           struct span path, struct span host,
                                           const char *method,
                                           struct proxy_route_miss *miss);
const struct config_route *proxy_route_config(const struct proxy_route *r);
/* Whether the signer is ready for one of its upstreams, or for none wanted. */
bool proxy_route_is_ready(const struct proxy_route *r);
/* Whether requests go to the server; upstream as above.  One that is not is
 * asked only when there is no other. */
bool proxy_upstream_is_up(const struct proxy *p, size_t upstream);
/* Whether config_upstream_is_private says so of each of its upstreams. */
bool proxy_route_is_private(const struct config_route *r);
/* The first upstream that is not; NULL: all are. */
const struct config_upstream *
proxy_route_open_upstream(const struct config_route *r);

struct sockaddr;
/* A name may lead to any host but those that trust whoever can connect
 * (threat 28); an address that was written down is meant. */
bool proxy_upstream_may_be_at(const struct config_upstream *u,
                              const struct sockaddr *address);

/*
 * A raw target in the one spelling that an upstream gets (RFC 3986 6.2.2):
 * what need not be percent-encoded is not, what is is in upper case, bytes
 * beyond ASCII are.  False for what two readers would read in two ways: an
 * encoded '%' in front of two hexadecimal digits (decoded twice, another
 * path), an encoded separator, a segment that is empty or of dots, also with a
 * parameter ("..;x").
 */
bool proxy_target_normalize(struct span raw, struct buf *out);

/* -- headers -------------------------------------------------------------- */

struct proxy_field {
    struct span name, value;
};

/*
 * What of a client's header reaches an upstream (RFC 9110 7.6.1; threat 23):
 * not what is meant for the next hop only, nor what Connection names, nor
 * anything that could be read as an identity or as ours.  Names of
 * more than letters, digits and '-' are left out: some readers take the rest
 * for '-'.
 */
/* All values of Connection as one list. */
void proxy_connection_list(const struct proxy_field *fields, size_t count,
                           struct buf *out);
bool proxy_request_field_passes(struct span name, struct span connection,
                                bool forward_token);
/* A Cookie field's value without the gateway's own cookie. */
void proxy_cookie_strip(struct span value, struct buf *out);
/* The same of an answer: hop-by-hop fields, challenges, and what would make
 * a server in front of the gateway do something. */
bool proxy_answer_field_passes(struct span name, struct span connection);

/* -- transfers ------------------------------------------------------------ */

/* Who is behind a request; the gateway's own header fields are made of it.
 * All are checked to be fit for a header before, or left out. */
struct proxy_identity {
    const char *principal, *realm, *level, *request_id;
    const char *client; /* address, without port */
    const char *proto;  /* "https" or "http" */
};

struct proxy_request {
    const char *method;
    struct span target; /* as proxy_target_normalize gives it */
    const struct proxy_field *fields;
    size_t field_count;
    struct proxy_identity identity;
    bool has_body;
    bool has_length; /* else it is sent chunked */
    uint64_t length;
};

enum proxy_failure {
    PROXY_FAILURE_NONE = 0,
    PROXY_FAILURE_UNREACHABLE, /* no upstream could be connected to */
    PROXY_FAILURE_CLOSED,      /* ended before its answer */
    PROXY_FAILURE_ANSWER,      /* an answer that is none, or too long a head */
    PROXY_FAILURE_TIMEOUT,
    PROXY_FAILURE_TICKET,   /* nothing to sign in with: nothing was sent */
    PROXY_FAILURE_IDENTITY, /* the server did not prove who it is */
    PROXY_FAILURE_MEMORY,
};
const char *proxy_failure_name(enum proxy_failure failure);

/* An answer with more is none. */
#define PROXY_ANSWER_FIELDS_MAX 200

struct proxy_answer {
    int status;
    const struct proxy_field *fields; /* those that pass; NUL-terminated */
    size_t field_count;
    bool has_length;
    uint64_t length;
};

/* Called from proxy_run or the loop, never from the functions below. */
struct proxy_handlers {
    void *arg;
    /* The head of the answer; what is in it lives until the return. */
    void (*head)(void *arg, const struct proxy_answer *answer);
    /* There is no answer: nothing was said before.  detail may hold any
     * bytes of the upstream's. */
    void (*failed)(void *arg, enum proxy_failure failure, const char *detail);
    void (*readable)(void *arg); /* proxy_transfer_read has something */
    void (*writable)(void *arg); /* proxy_transfer_write has room again */
};

/* False: no address of any of its servers is known. */
bool proxy_route_leads_anywhere(const struct proxy_route *route);
/* NULL: waiting_max of the route are there, it leads nowhere, or there is no
 * memory. */
struct proxy_transfer *proxy_send(const struct proxy_route *route,
                                  const struct proxy_request *request,
                                  const struct proxy_handlers *handlers);
/* How much of it was taken; less than all: wait for writable. */
size_t proxy_transfer_write(struct proxy_transfer *t, const char *data,
                            size_t size);
void proxy_transfer_write_end(struct proxy_transfer *t);
/* Not once it is over: an upstream may answer before it has read all. */
bool proxy_transfer_wants_body(const struct proxy_transfer *t);
/* > 0: bytes; 0: the end; -1: broken off; -2: nothing yet. */
long proxy_transfer_read(struct proxy_transfer *t, char *out, size_t max);
/* Of the upstream it went to, as configured. */
const char *proxy_transfer_upstream(const struct proxy_transfer *t);
/* Ends it, whatever its state; no handler is called any more. */
void proxy_transfer_free(struct proxy_transfer *t);

/* Since the start, over all routes. */
struct proxy_counts {
    uint64_t sent, failed, timed_out;
    uint64_t active;
    uint64_t turned; /* servers that went down or came up */
};
struct proxy_counts proxy_counts(const struct proxy *p);

#endif
