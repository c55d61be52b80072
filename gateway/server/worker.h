#ifndef GATEWAY_SERVER_WORKER_H
#define GATEWAY_SERVER_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/auth/auth.h"
#include "gateway/callback/callback.h"
#include "gateway/config/config.h"
#include "gateway/event/event.h"
#include "gateway/http/http.h"
#include "gateway/proxy/proxy.h"
#include "gateway/server/listener.h"
#include "gateway/server/policy.h"
#include "gateway/server/revoked.h"
#include "gateway/server/sealed.h"
#include "gateway/server/upstreams.h"
#include "gateway/sys/sys.h"
#include "policy/repository/repository.h"

/*
 * Counters of one worker, in memory that all workers and the master share:
 * its owner is the only writer, /metrics and `status` read.
 */
struct worker_counters {
    _Atomic uint64_t requests;
    _Atomic uint64_t allowed;
    _Atomic uint64_t denied;          /* 403 */
    _Atomic uint64_t unauthenticated; /* 401 */
    _Atomic uint64_t malformed;       /* refused before authentication */
    _Atomic uint64_t unavailable;     /* 503 */
    _Atomic uint64_t generation;
    _Atomic uint64_t connections;
    _Atomic uint64_t forwarded; /* to upstreams */
    _Atomic uint64_t upstream_failures;
    _Atomic uint64_t upstream_active;
    _Atomic uint64_t upstream_turned;
    _Atomic int64_t pid; /* 0: the slot is free */
};

#define WORKER_SLOTS 256

/* What a worker is born with; all of it the master's until the fork. */
struct worker_boot {
    int id;
    const struct config *config;
    const struct listener_set *listeners;
    const struct upstream_set *upstreams;
    const struct session_keys *session_keys;
    struct revoked *revoked; /* shared by all */
    struct account account;
    int master_fd;    /* channel to the master */
    int event_fd;     /* channel to the recorder */
    int operation_fd; /* channel to the dispatcher */
    int keytab_fd;
    int access_fd;                 /* access log, -1: off */
    struct worker_counters *slots; /* WORKER_SLOTS of them */
    size_t slot;                   /* its own */
};

struct request;

struct worker {
    const struct worker_boot *boot;
    struct loop *loop;
    struct acceptor *acceptor;
    struct repository *repository;   /* NULL: could not be opened (yet) */
    bool store_lost;                 /* and the master knows it */
    char store_text[ERROR_TEXT_MAX]; /* why there is no repository */
    struct outbox *outbox;           /* NULL: not opened (yet) */
    struct policy_holder policy;
    struct event_sender *events;
    struct proxy *proxy;          /* NULL: there is no route */
    struct identity *identity;    /* NULL: no route wants one */
    struct session_box *sessions; /* NULL: no listener has them */
    struct worker_counters *counters;
    struct http_endpoint **endpoints; /* one a listener, in its order */
    size_t endpoint_count;
    bool *listens;        /* which of them the loop accepts for */
    bool started;         /* the master has said so */
    uint16_t secure_port; /* of secureUri; 0: there is none */
    struct request *free_requests;
    struct request *waiting; /* for the image of a newer generation */
    struct loop_timer *waiting_timer;
    struct bound_contexts bound; /* of message encryption, oldest use first */
    size_t bound_count;
    struct siphash_key id_key;
    uint64_t id_next;
    uint64_t told_generation; /* to the master, by the watch */
    bool draining;
};

/* The life of a worker process; returns its exit status. */
int worker_main(const struct worker_boot *boot);

/* -- requests (steps.c) --------------------------------------------------- */

extern const struct http_handlers worker_handlers; /* arg is set by worker */
/* Asks the waiting requests again. */
void requests_retry(struct worker *w);
void requests_free(struct worker *w);
/* -- operation.c ----------------------------------------------------------- */

/* NULL: it cannot be opened. */
struct outbox *worker_outbox(struct worker *w);
/* The dispatcher has said something. */
void operation_answered(struct worker *w);

/* -- servers of routes (worker_upstreams.c) ------------------------------- */

/* Nothing if there is no route. */
int upstreams_open(struct worker *w, struct error *err);
/* Now and then, with a proxy. */
void upstreams_watch(struct worker *w);
/* What the master says: where one is from now on. */
void upstreams_take(struct worker *w, int upstream, const char *addresses);

/* -- the status listener (status.c) --------------------------------------- */

void status_serve(struct worker *w, struct http_request *r);

#endif
