#ifndef GATEWAY_PROXY_TRANSFER_H
#define GATEWAY_PROXY_TRANSFER_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "gateway/proxy/proxy.h"

/*
 * Where the host of an upstream is, in the library's words, which it reads
 * as long as a handle has them.  Changed addresses are those of another name
 * (CURLOPT_CONNECT_TO), since kept connections are told apart by names.
 */
struct place {
    unsigned uses;
    char *key;   /* "host:port" that stands for it */
    char *stale; /* that of one before, which is forgotten; NULL: none */
    bool told;   /* to the handle of a route */
    struct curl_slist *resolve, *connect_to;
    struct curl_slist *plain; /* for connections that are not kept */
};

/* One server, as this process has met it. */
struct upstream {
    const struct config_upstream *config;
    struct place *place; /* NULL: its host is no name, or not found */
    uint64_t failed_ms;  /* when it last failed; 0: never */
    bool down;           /* until a health check succeeds */
    struct check *check; /* NULL: none is wanted */
};

/* A multi handle of the library in the caller's loop. */
struct multi {
    CURLM *handle;
    struct loop *loop;
    uint64_t timer_ms; /* 0: none */
    unsigned inside;   /* the library, where no handle may be removed */
    /* Takes what has ended, while nothing of the library is on the stack. */
    void (*collect)(void *arg);
    void *arg;
    bool has_transfers; /* CURLOPT_PRIVATE is a struct proxy_transfer */
    struct socket_watch **sockets; /* by descriptor */
    size_t socket_count;
};

/* Bytes between two that are not equally fast. */
struct pipe {
    char *data; /* PROXY_BUFFER; NULL until something is put in */
    size_t start, length;
};

size_t pipe_put(struct pipe *p, const char *data, size_t size);
size_t pipe_get(struct pipe *p, char *out, size_t max);
size_t pipe_room(const struct pipe *p);
void pipe_fini(struct pipe *p);

TAILQ_HEAD(transfer_list, proxy_transfer);

/*
 * A route has its own multi handle: its connections, and its limits, are no
 * other route's.
 */
struct proxy_route {
    struct proxy *proxy;
    const struct config_route *config;
    struct multi multi;
    struct upstream *upstreams; /* of proxy's, those of this route */
    size_t next_upstream;
    unsigned count;
    struct transfer_list transfers;
};

struct proxy {
    struct proxy_options options;
    size_t route_count;
    struct proxy_route *routes;
    size_t upstream_count;
    struct upstream *upstreams; /* of all routes */
    struct multi checks;        /* beside the limits of routes */
    unsigned places;            /* that took another's place */
    struct proxy_counts counts;
};

struct proxy_transfer {
    TAILQ_ENTRY(proxy_transfer) link;
    struct proxy_route *route;
    struct proxy_handlers handlers;
    struct upstream *upstream;
    struct place *place; /* that the library was told */
    uint64_t tried;      /* bits of the upstreams that were asked */
    CURL *easy;
    bool added;                 /* to the multi handle */
    bool seen;                  /* socket_wanted has been told of it */
    bool freed;                 /* by its owner, before the library was done */
    struct curl_slist *headers; /* all but Authorization of ours */
    struct curl_slist *signature; /* that, in front of them; NULL: none */
    struct proxy_proof *proof;
    enum proxy_failure refusal; /* our own, whatever the library says */
    struct error why;           /* of it */
    struct buf target;          /* for the upstream */
    char error[CURL_ERROR_SIZE];
    uint64_t deadline_ms; /* 0: the client's turn */

    bool has_body, body_ended, body_waits; /* the library, for more */
    bool writer_waits;
    uint64_t body_sent;
    struct pipe up;
    bool may_repeat; /* a method that is safe, without a body */
    bool fresh;      /* on a connection of its own */
    bool stale;      /* the kept connection is no longer fit */

    struct buf lines; /* of the answer's head */
    struct buf location, caching;
    size_t head_bytes;
    bool head_said, head_bad;
    bool has_length; /* the answer */
    uint64_t length, taken;
    bool held;   /* the library, until the reader has read */
    bool unseen; /* held only until it is seen */
    bool reader_waits;
    struct pipe down;
    bool ended, broken;
};

/* -- transfer.c ----------------------------------------------------------- */

/* Goes on, as far as it is not held up. */
void transfer_unpause(struct proxy_transfer *t);
/* The library says that it is over. */
void transfer_done(struct proxy_transfer *t, CURLcode code);
/* Its time is up. */
void transfer_expire(struct proxy_transfer *t);
void transfer_destroy(struct proxy_transfer *t);

/* CURLOPT_READFUNCTION and CURLOPT_WRITEFUNCTION */
size_t transfer_give_body(char *out, size_t size, size_t count, void *arg);
size_t transfer_take_answer(char *bytes, size_t size, size_t count, void *arg);

/* -- multi.c -------------------------------------------------------------- */

int multi_open(struct multi *m, struct loop *loop, void (*collect)(void *arg),
               void *arg, struct error *err);
void multi_close(struct multi *m);
/* What is due. */
void multi_run(struct multi *m, uint64_t now_ms);
bool multi_add(struct multi *m, CURL *easy);
/* The next handle that has ended: what CURLOPT_PRIVATE says; NULL: none. */
void *multi_ended(struct multi *m, CURLcode *code_out);

/* -- socket.c ------------------------------------------------------------- */

/* CURLMOPT_SOCKETFUNCTION and CURLOPT_CLOSESOCKETFUNCTION; arg: the multi. */
int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg,
                  void *known);
int socket_open(void *arg, curl_socket_t fd, curlsocktype purpose);
int socket_close(void *arg, curl_socket_t fd);
/* False: a kept connection with something to read. */
bool socket_is_fit(struct proxy_transfer *t);

/* -- health.c ------------------------------------------------------------- */

/* Of an upstream whose route has health_path. */
int check_open(struct proxy_route *r, struct upstream *u, struct error *err);
void check_close(struct upstream *u);
/* What is asked at the moment says nothing any more; the next is due. */
void check_restart(struct upstream *u);
void check_start_if_due(struct upstream *u, uint64_t now_ms);
/* Checks that have ended: multi's collect. */
void checks_collect(void *proxy);

/* -- easy.c --------------------------------------------------------------- */

/* Header lines: the client's that pass, then the gateway's own. */
bool easy_add_lines(struct proxy_transfer *t, const struct proxy_request *q);
void easy_configure(struct proxy_transfer *t, const struct proxy_request *q);
/* What is the same for all that goes to servers of the route. */
void easy_prepare(CURL *easy, const struct config_route *c, char *error);
/* kept: the connection may be one that was kept, and be kept. */
bool easy_aim(CURL *easy, const struct upstream *u, struct span target,
              bool kept);

/* -- sign.c: upstreams that have a service ---------------------------------- */

/* A connection is there, and nothing is sent yet; false: nothing may be. */
bool sign_request(struct proxy_transfer *t);
/* What the head of an answer says; false: it is none of ours. */
bool sign_verify(struct proxy_transfer *t, int status,
                 const struct proxy_field *fields, size_t count);
void sign_fini(struct proxy_transfer *t);

/* -- framing.c ------------------------------------------------------------ */

/* Whether every reader finds the same end of the answer (RFC 9112 6.3). */
bool framing_is_plain(const struct proxy_field *fields, size_t count);

/* -- caching.c ------------------------------------------------------------ */

/* The value of the one Cache-Control that an answer has instead of those in
 * fields: as they say, but for caches that are shared. */
void caching_restrict(const struct proxy_field *fields, size_t count,
                      struct buf *out);

/* -- answer.c ------------------------------------------------------------- */

/* CURLOPT_HEADERFUNCTION */
size_t answer_line(char *bytes, size_t size, size_t count, void *arg);

/* -- place.c -------------------------------------------------------------- */

/* addresses: at least one.  number: 0, or one that no other place has.
 * before: whose it takes, or NULL.  NULL: no memory. */
struct place *place_new(const struct config_upstream *u, const char *addresses,
                        unsigned number, const struct place *before);
struct place *place_use(struct place *p); /* NULL stays NULL */
void place_leave(struct place *p);

/* -- route.c -------------------------------------------------------------- */

/* One that was not tried: of those that are up the next in turn, else the one
 * whose failure is oldest; NULL: all were tried. */
struct upstream *route_pick_upstream(struct proxy_route *r, uint64_t tried);
/* Names are not asked for here: that would take a thread. */
bool upstream_has_address(const struct upstream *u);
void upstream_failed(struct proxy_route *r, struct upstream *u,
                     const char *why);
struct proxy_route *route_of(const struct proxy *p, const struct upstream *u);
/* It has other addresses. */
void upstream_moved(struct proxy_route *r, struct upstream *u);
/* What a health check says. */
void upstream_turn(struct proxy_route *r, struct upstream *u, bool up,
                   const char *why);

#endif
