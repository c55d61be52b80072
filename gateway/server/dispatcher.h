#ifndef GATEWAY_SERVER_DISPATCHER_H
#define GATEWAY_SERVER_DISPATCHER_H

#include "gateway/callback/callback.h"
#include "gateway/event/event.h"
#include "gateway/server/stores.h"
#include "policy/repository/repository.h"

/*
 * Carrying out one operation (execution.c): it reads what the request asked
 * for from the repository, in parts, and puts it into the outbox.  What was
 * accepted was decided; what is sent is decided again, by who sends it.
 */
struct execution;

enum execution_result {
    EXECUTION_FAILED = 0, /* the stores; the operation is as it was */
    EXECUTION_MORE,
    EXECUTION_DONE, /* READY or DELIVERING now */
};

/* NULL: there is no such operation any more. */
struct execution *execution_begin(struct outbox *outbox, const char *id);
enum execution_result execution_step(struct execution *x,
                                     struct repository *repo,
                                     struct error *err);
void execution_free(struct execution *x); /* NULL is fine */

/* -- the dispatcher's own files ----------------------------------------------- */

#define SINK_KEY_MAX   300
#define CALL_CANCELLED 0x80041032u /* WBEM_E_CALL_CANCELLED */

/* A worker's or a courier's channel. */
struct source {
    struct source *next;
    struct dispatcher *dispatcher;
    int fd;
    bool courier;
    char job[OPERATION_ID_TEXT]; /* courier: at work on; "": idle */
    char sink[SINK_KEY_MAX];     /* and where to; the last one if idle */
    char url[SINK_URL_MAX + 1];
    uint64_t began_ms;
    bool strange; /* may still tell of what another dispatcher gave it */
};

/* Told to a worker once it is true. */
struct answer {
    int fd;
    enum operation_message type;
    char id[OPERATION_ID_TEXT];
};

/* A sink that failed is left alone for a while, however many wait for it. Of
 * a host, when it cannot be reached; of a URL, when that is what refuses. */
struct trouble {
    char sink[SINK_URL_MAX + 1];
    uint32_t failures;
    uint64_t until_ms;
};

#define TROUBLES_MAX 64
#define ANSWERS_MAX  1024

struct dispatcher {
    const struct store_boot *boot;
    struct loop *loop;
    struct outbox *outbox;
    struct repository *repository;
    struct event_sender *events;
    struct execution *execution; /* the one at work, NULL: none */
    struct source *sources;
    struct answer answers[ANSWERS_MAX];
    size_t answer_count;
    struct trouble troubles[TROUBLES_MAX];
    bool look; /* something may be due */
    int64_t next_due_us;
    uint64_t held_until_ms; /* nothing is done while nothing can be stored */
    uint64_t random;
    char set_aside[64]; /* the damaged file that was told of */
};

/* -- dispatcher_couriers.c: who is given what -- */
size_t couriers_count(const struct dispatcher *d);
/* Gives what is due to couriers that are idle. */
int couriers_work(struct dispatcher *d, struct error *err);
void trouble_add(struct dispatcher *d, const char *sink);
void trouble_remove(struct dispatcher *d, const char *sink);

/* -- dispatcher_outcome.c: what became of it -- */
void outcome_take(struct dispatcher *d, struct source *s,
                  const struct operation_note *n);
/* Gives up what nobody is there to deliver. */
int outcome_overdue(struct dispatcher *d, struct error *err);

/* -- dispatcher_sources.c: what workers and couriers say -- */
void source_add(struct dispatcher *d, int fd, bool courier);
void source_close(struct source *s);

#endif
