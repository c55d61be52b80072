/*
 * The dispatcher: the outbox's only writer.  It takes operations from the
 * workers, carries them out, gives what is due to the couriers and writes
 * down what became of it.  It has no key, no network and no client's bytes
 * but those a worker has judged.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/server/dispatcher.h"
#include "gateway/server/messages.h"
#include "gateway/server/stores.h"

#define EXPIRE_MS         1000
#define DRAIN_AT_ONCE     256 /* messages of one source, then others' turn */
#define WORK_PARTS        32  /* parts of results that share a commit */
#define WORK_MS           5
#define HELD_MS           1000
#define SINK_KEY_MAX      300
#define UNAVAILABLE_US    1000000
#define SLOW_MS           500
#define OVERDUE_PAGE      32
#define TROUBLE_MAX_US    60000000
#define TROUBLE_FORGET_MS 300000

#define TRANSPORT_FAILURE 0x80041015u /* WBEM_E_TRANSPORT_FAILURE */
#define ACCESS_DENIED     0x80041003u /* WBEM_E_ACCESS_DENIED */
#define CALL_CANCELLED    0x80041032u /* WBEM_E_CALL_CANCELLED */

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

/* -- sinks ------------------------------------------------------------------ */

/* scheme, host and port of a URL as sink_parse writes it. */
static void
sink_key(struct span url, char out[SINK_KEY_MAX])
{
    size_t n = 0, slashes = 0;

    while (n < url.length && n < SINK_KEY_MAX - 1) {
        slashes += url.data[n] == '/';
        if (slashes == 3)
            break;
        out[n] = url.data[n];
        n++;
    }
    out[n] = '\0';
}

static struct trouble *
trouble_find(struct dispatcher *d, const char *sink)
{
    for (size_t i = 0; i < TROUBLES_MAX; i++) {
        if (strcmp(d->troubles[i].sink, sink) == 0)
            return &d->troubles[i];
    }
    return NULL;
}

static void
trouble_add(struct dispatcher *d, const char *sink)
{
    struct trouble *t = trouble_find(d, sink);
    uint64_t now_ms = clock_monotonic_ms();
    int64_t delay_us;

    if (t == NULL) { /* the place of the one that is over soonest */
        t = d->troubles;
        for (size_t i = 1; i < TROUBLES_MAX; i++) {
            if (d->troubles[i].until_ms < t->until_ms)
                t = &d->troubles[i];
        }
        memset(t, 0, sizeof(*t));
        snprintf(t->sink, sizeof(t->sink), "%s", sink);
    }
    if (now_ms > t->until_ms + TROUBLE_FORGET_MS)
        t->failures = 0;
    delay_us = delivery_backoff_us(++t->failures, ++d->random);
    if (delay_us > TROUBLE_MAX_US)
        delay_us = TROUBLE_MAX_US;
    t->until_ms = now_ms + (uint64_t)delay_us / 1000;
}

static void
trouble_remove(struct dispatcher *d, const char *sink)
{
    struct trouble *t = trouble_find(d, sink);

    if (t != NULL)
        memset(t, 0, sizeof(*t));
}

static size_t
couriers_at(const struct dispatcher *d, const char *sink)
{
    size_t n = 0;

    for (const struct source *s = d->sources; s != NULL; s = s->next)
        n += s->courier && s->job[0] != '\0' && strcmp(s->sink, sink) == 0;
    return n;
}

static size_t
couriers_count(const struct dispatcher *d)
{
    size_t n = 0;

    for (const struct source *s = d->sources; s != NULL; s = s->next)
        n += s->courier;
    return n;
}

/* How many may be at one sink: all but one while it is quick, so that there
 * is always one for another sink; few when it keeps them waiting. */
static size_t
couriers_allowed(const struct dispatcher *d, const char *sink)
{
    uint64_t now_ms = clock_monotonic_ms();
    size_t all = couriers_count(d);

    for (const struct source *s = d->sources; s != NULL; s = s->next) {
        if (s->courier && s->job[0] != '\0' && strcmp(s->sink, sink) == 0 &&
            now_ms - s->began_ms > SLOW_MS)
            return all > 4 ? all / 4 : 1;
    }
    return all > 1 ? all - 1 : 1;
}

/* A sink in trouble has one courier at a time, and not too soon. */
static bool
sink_may_have_courier(struct dispatcher *d, const char *sink, const char *url)
{
    const char *const names[] = {sink, url};
    size_t there = couriers_at(d, sink);

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const struct trouble *t = trouble_find(d, names[i]);

        if (t != NULL && (clock_monotonic_ms() < t->until_ms || there > 0))
            return false;
    }
    return there < couriers_allowed(d, sink);
}

/* -- events ------------------------------------------------------------------ */

static struct span
level_span(unsigned level)
{
    if (level == AUTHN_LEVEL_DEFAULT)
        return (struct span){NULL, 0};
    return span_of(authn_level_name((enum authn_level)level));
}

static void
delivery_event(struct dispatcher *d, enum event_id id,
               const struct operation *o, const struct operation_note *n)
{
    struct event e = {.id = id,
                      .time_us = clock_now_us(),
                      .generation = o->generation,
                      .worker = -1};
    char detail[EVENT_TEXT_MAX];

    snprintf(
        detail, sizeof(detail), "operation %s, sink %.*s: %s", n->id,
        (int)(o->request.sink.length > 160 ? 160 : o->request.sink.length),
        o->request.sink.data, n->detail);
    e.fields[EVENT_FIELD_REQUEST_ID] = o->request.request_id;
    e.fields[EVENT_FIELD_NAMESPACE] = o->request.display;
    e.fields[EVENT_FIELD_PRINCIPAL] = o->request.principal;
    e.fields[EVENT_FIELD_TARGET] = o->request.target;
    e.fields[EVENT_FIELD_REQUIRED_LEVEL] = level_span(n->required);
    e.fields[EVENT_FIELD_EFFECTIVE_LEVEL] = level_span(n->effective);
    e.fields[EVENT_FIELD_DECLARED_LEVEL] = level_span(n->declared);
    e.fields[EVENT_FIELD_APPLIED_LEVEL] = level_span(n->applied);
    e.fields[EVENT_FIELD_REASON] = span_of(n->reason);
    e.fields[EVENT_FIELD_DETAIL] = span_of(detail);
    e.fields[EVENT_FIELD_REMEDY] =
        SPAN("docs/asynchronous.md has what a sink must offer; nsgatectl"
             " listen is one that does.");
    event_send(d->events, &e);
}

/* -- what became of a delivery ------------------------------------------------ */

struct ending {
    enum operation_state state;
    uint32_t hresult;
    enum event_id event;
};

static struct ending
ending_of(const struct operation_note *n)
{
    switch ((enum delivery_outcome)n->outcome) {
    case DELIVERY_INSECURE:
        return (struct ending){OPERATION_REFUSED, ACCESS_DENIED,
                               EVENT_CALLBACK_NOT_SECURE};
    case DELIVERY_DENIED:
        return (struct ending){OPERATION_REFUSED,
                               n->hresult != 0 ? n->hresult : ACCESS_DENIED,
                               EVENT_ACCESS_REFUSED};
    case DELIVERY_REJECTED:
        return (struct ending){OPERATION_DEAD, TRANSPORT_FAILURE,
                               EVENT_CALLBACK_FAILED};
    case DELIVERY_CANCELLED:
        return (struct ending){OPERATION_CANCELLED, CALL_CANCELLED,
                               EVENT_NONE};
    case DELIVERY_DONE:
        return (struct ending){OPERATION_DONE, 0, EVENT_NONE};
    default:
        return (struct ending){OPERATION_STATE_NONE, 0, EVENT_NONE};
    }
}

static int
delivery_end(struct dispatcher *d, const struct operation *o,
             const struct operation_note *n, struct ending end,
             struct error *err)
{
    /* Told first: if we die in between it is told twice, but never not. */
    if (end.event != EVENT_NONE)
        delivery_event(d, end.event, o, n);
    return outbox_set_end(d->outbox, n->id, end.state, end.hresult,
                          span_of(n->reason), span_of(n->detail),
                          clock_now_us(), err);
}

/* Later, or never again. */
static int
delivery_again(struct dispatcher *d, const struct operation *o,
               const struct operation_note *n, struct error *err)
{
    int64_t now = clock_now_us(), next;

    next = now + delivery_backoff_us(o->attempts + 1, ++d->random);
    if (now >= o->give_up_us) {
        struct ending end = {OPERATION_DEAD, TRANSPORT_FAILURE,
                             EVENT_CALLBACK_FAILED};

        if (n->unsecured != 0)
            end = (struct ending){OPERATION_DEAD, ACCESS_DENIED,
                                  EVENT_CALLBACK_NOT_SECURE};
        return delivery_end(d, o, n, end, err);
    }
    /* The last attempt comes at the end of the time, not after it. */
    if (next > o->give_up_us)
        next = o->give_up_us;
    return outbox_set_retry(d->outbox, n->id, next, span_of(n->reason),
                            span_of(n->detail), err);
}

static void
outcome_take(struct dispatcher *d, struct source *s,
             const struct operation_note *n)
{
    struct ending end = ending_of(n);
    struct arena *arena = arena_new();
    struct error err = {0, ""};
    struct operation o;
    int result = 0;

    if (n->outcome == DELIVERY_RETRY) {
        trouble_add(d,
                    strcmp(n->reason, "sink-answer") == 0 ? s->url : s->sink);
    } else if (n->outcome == DELIVERY_DONE) {
        trouble_remove(d, s->sink);
        trouble_remove(d, s->url);
    }
    if (strcmp(s->job, n->id) == 0)
        s->job[0] = '\0';
    s->strange = false;
    d->look = true;
    if (arena != NULL && outbox_find(d->outbox, n->id, arena, &o, &err) == 1 &&
        o.state == OPERATION_DELIVERING)
    {
        if (end.state != OPERATION_STATE_NONE)
            result = delivery_end(d, &o, n, end, &err);
        else if (n->outcome == DELIVERY_UNAVAILABLE)
            result = outbox_set_wait(
                d->outbox, n->id, clock_now_us() + UNAVAILABLE_US,
                span_of(n->reason), span_of(n->detail), &err);
        else
            result = delivery_again(d, &o, n, &err);
    }
    if (result < 0)
        log_write(LOG_LEVEL_ERROR, "outbox: %s", err.text);
    arena_free(arena);
}

/* -- messages ----------------------------------------------------------------- */

static void
answer_later(struct dispatcher *d, int fd, enum operation_message type,
             const char *id)
{
    struct answer *a = &d->answers[d->answer_count];

    if (d->answer_count == ANSWERS_MAX)
        return; /* not reached: a round takes fewer */
    a->fd = fd;
    a->type = type;
    memcpy(a->id, id, sizeof(a->id));
    d->answer_count++;
}

/* Dead letters wait for a long time, and for one principal's nobody else is
 * turned away: the oldest go first. */
static void
make_room(struct dispatcher *d, uint64_t outbox_max)
{
    struct event e = {
        .id = EVENT_OPERATIONS_LOST, .time_us = clock_now_us(), .worker = -1};
    struct error err = {0, ""};
    char detail[96];
    int dropped = outbox_drop_dead(d->outbox, outbox_max, &err);

    if (dropped < 0)
        log_write(LOG_LEVEL_ERROR, "outbox: %s", err.text);
    if (dropped <= 0)
        return;
    snprintf(detail, sizeof(detail),
             "%d dead letters were dropped to make room", dropped);
    e.fields[EVENT_FIELD_REASON] = SPAN("outbox-full");
    e.fields[EVENT_FIELD_DETAIL] = span_of(detail);
    event_send(d->events, &e);
}

/* The configuration's, and not what a worker says it is. */
static void
limits_take(const struct dispatcher *d, struct operation_request *r)
{
    const struct config_callback *c = &d->boot->config->callback;

    r->give_up_s = c->give_up_s;
    r->keep_s = c->keep_s;
    r->keep_dead_s = c->keep_dead_s;
    r->operations_max = c->operations_max;
    r->operations_per_principal = c->operations_per_principal;
    r->result_max = c->result_max;
    r->outbox_max = c->outbox_max;
}

static void
create_take(struct dispatcher *d, const struct source *s,
            const struct channel_message *m)
{
    enum operation_message type = OPERATION_MESSAGE_FAILED;
    struct operation_request r;
    struct error err = {0, ""};

    if (operation_request_decode(m->body, m->length, &r) < 0)
        return;
    limits_take(d, &r);
    make_room(d, r.outbox_max);
    switch (outbox_add(d->outbox, &r, clock_now_us(), &err)) {
    case OUTBOX_ADD_OK:
        type = OPERATION_MESSAGE_CREATED;
        d->look = true;
        break;
    case OUTBOX_ADD_QUOTA:
        type = OPERATION_MESSAGE_QUOTA;
        break;
    default:
        log_write(LOG_LEVEL_ERROR, "outbox: %s", err.text);
        break;
    }
    answer_later(d, s->fd, type, r.id);
}

/* One that has ended goes altogether: its owner has no use for it, and a dead
 * letter must not come back. */
static void
cancel_take(struct dispatcher *d, const struct source *s,
            const struct operation_note *n)
{
    enum operation_message type = OPERATION_MESSAGE_CANCELLED;
    struct arena *arena = arena_new();
    struct error err = {0, "out of memory"};
    struct operation o;
    int result = -1;

    if (arena != NULL)
        result = outbox_find(d->outbox, n->id, arena, &o, &err);
    if (result == 1 && o.finished_us > 0)
        result = outbox_remove(d->outbox, n->id, &err);
    else if (result == 1)
        result = outbox_set_end(d->outbox, n->id, OPERATION_CANCELLED,
                                CALL_CANCELLED, SPAN("cancelled"),
                                SPAN("by the client"), clock_now_us(), &err);
    arena_free(arena);
    if (result < 0) {
        log_write(LOG_LEVEL_ERROR, "outbox: %s", err.text);
        type = OPERATION_MESSAGE_FAILED;
    }
    answer_later(d, s->fd, type, n->id);
}

/* Of the operation it was given; and, once, of what a dispatcher before this
 * one gave it. */
static bool
courier_may_tell(const struct source *s, const char *id)
{
    return s->strange || strcmp(s->job, id) == 0;
}

/* What a worker may say, and what a courier may. */
static void
message_take(struct dispatcher *d, struct source *s,
             const struct channel_message *m)
{
    struct operation_note n;
    struct error err = {0, ""};

    if (!s->courier && m->type == OPERATION_MESSAGE_CREATE) {
        create_take(d, s, m);
        return;
    }
    if (!operation_note_decode(m->body, m->length, &n))
        return;
    if (!s->courier && m->type == OPERATION_MESSAGE_CANCEL) {
        cancel_take(d, s, &n);
    } else if (s->courier && !courier_may_tell(s, n.id)) {
        log_write(LOG_LEVEL_ERROR, "a courier tells of what it has not got");
    } else if (s->courier && m->type == OPERATION_MESSAGE_SENT) {
        if (outbox_set_sent(d->outbox, n.id, n.number, &err) < 0)
            log_write(LOG_LEVEL_ERROR, "outbox: %s", err.text);
    } else if (s->courier && m->type == OPERATION_MESSAGE_OUTCOME) {
        outcome_take(d, s, &n);
    }
}

static void
source_close(struct source *s)
{
    struct dispatcher *d = s->dispatcher;
    size_t kept = 0;

    for (size_t i = 0; i < d->answer_count; i++) {
        if (d->answers[i].fd != s->fd)
            d->answers[kept++] = d->answers[i];
    }
    d->answer_count = kept;
    loop_remove(d->loop, s->fd);
    close(s->fd);
    for (struct source **at = &d->sources; *at != NULL; at = &(*at)->next) {
        if (*at == s) {
            *at = s->next;
            break;
        }
    }
    d->look = true; /* its job is somebody else's */
    free(s);
}

static void
source_ready(void *arg, uint32_t events)
{
    struct source *s = arg;
    struct dispatcher *d = s->dispatcher;
    struct channel_message m;
    int got = 1;

    (void)events;
    for (int i = 0; i < DRAIN_AT_ONCE && d->answer_count < ANSWERS_MAX; i++) {
        got = channel_receive(s->fd, &m);
        if (got <= 0)
            break;
        if (m.fd >= 0)
            close(m.fd);
        message_take(d, s, &m);
    }
    if (got < 0)
        source_close(s);
}

/* A worker asks again for what a dispatcher before us took and never
 * answered. */
static void
worker_greet(int fd)
{
    struct operation_note n;

    memset(&n, 0, sizeof(n));
    memset(n.id, '0', sizeof(n.id) - 1);
    channel_send(fd, OPERATION_MESSAGE_HELLO, &n, sizeof(n), -1);
}

static void
source_add(struct dispatcher *d, int fd, bool courier)
{
    struct source *s = calloc(1, sizeof(*s));

    if (s == NULL || loop_add(d->loop, fd, EPOLLIN, source_ready, s, NULL) < 0)
    {
        free(s);
        close(fd);
        return;
    }
    s->next = d->sources;
    s->dispatcher = d;
    s->fd = fd;
    s->courier = courier;
    s->strange = courier;
    d->sources = s;
    d->look = true;
    if (!courier)
        worker_greet(fd);
}

/* -- giving it to couriers ------------------------------------------------------ */

static bool
is_at_work(const struct dispatcher *d, const char *id)
{
    for (const struct source *s = d->sources; s != NULL; s = s->next) {
        if (s->courier && strcmp(s->job, id) == 0)
            return true;
    }
    return false;
}

/* An idle one, if possible with a session to this sink. */
static struct source *
courier_find(const struct dispatcher *d, const char *sink)
{
    struct source *found = NULL;

    for (struct source *s = d->sources; s != NULL; s = s->next) {
        if (!s->courier || s->job[0] != '\0')
            continue;
        if (strcmp(s->sink, sink) == 0)
            return s;
        if (found == NULL || found->sink[0] != '\0')
            found = s;
    }
    return found;
}

static bool
due_visit(void *arg, const char *id, struct span sink)
{
    struct dispatcher *d = arg;
    struct operation_note n;
    char key[SINK_KEY_MAX], url[SINK_URL_MAX + 1];
    struct source *s;

    sink_key(sink, key);
    snprintf(url, sizeof(url), "%.*s", (int)sink.length, sink.data);
    s = courier_find(d, key);
    if (s == NULL)
        return false;
    if (is_at_work(d, id) || !sink_may_have_courier(d, key, url))
        return true;
    memset(&n, 0, sizeof(n));
    snprintf(n.id, sizeof(n.id), "%s", id);
    if (channel_send(s->fd, OPERATION_MESSAGE_DELIVER, &n, sizeof(n), -1) < 0)
        return true; /* its end is seen soon */
    snprintf(s->job, sizeof(s->job), "%s", id);
    snprintf(s->sink, sizeof(s->sink), "%s", key);
    snprintf(s->url, sizeof(s->url), "%s", url);
    s->began_ms = clock_monotonic_ms();
    return true;
}

/* -- carrying out ----------------------------------------------------------------- */

static bool
accepted_visit(void *arg, const char *id, struct span sink)
{
    struct dispatcher *d = arg;

    (void)sink;
    d->execution = execution_begin(d->outbox, id);
    return false;
}

/* One part of one operation; true: there is more to do. */
static bool
execution_work(struct dispatcher *d)
{
    struct error err = {0, ""};

    if (d->execution == NULL &&
        outbox_due(d->outbox, OPERATION_ACCEPTED, clock_now_us(), 1,
                   accepted_visit, d, &err) < 0)
        log_write(LOG_LEVEL_ERROR, "outbox: %s", err.text);
    if (d->execution == NULL)
        return false;
    if (d->repository != NULL &&
        repository_still_there(d->repository, NULL) < 0) {
        repository_close(d->repository);
        d->repository = NULL;
    }
    if (d->repository == NULL &&
        repository_open(d->boot->config->state_dir, REPOSITORY_READ,
                        &d->repository, &err) < 0)
    {
        log_write(LOG_LEVEL_ERROR, "%s", err.text);
        execution_free(d->execution);
        d->execution = NULL;
        return false; /* the timer looks again */
    }
    switch (execution_step(d->execution, d->repository, &err)) {
    case EXECUTION_MORE:
        return true;
    case EXECUTION_FAILED:
        log_write(LOG_LEVEL_ERROR, "operation: %s", err.text);
        repository_close(d->repository);
        d->repository = NULL;
        break;
    case EXECUTION_DONE:
        break;
    }
    execution_free(d->execution);
    d->execution = NULL;
    return err.text[0] == '\0';
}

/* As much as one commit may wait for. */
static bool
executions_work(struct dispatcher *d)
{
    uint64_t end_ms = clock_monotonic_ms() + WORK_MS;

    for (size_t i = 0; i < WORK_PARTS; i++) {
        if (!execution_work(d))
            return false;
        if (clock_monotonic_ms() >= end_ms)
            break;
    }
    return true;
}

/* -- each round -------------------------------------------------------------------- */

/* All that was taken in this round becomes true at once, and is told. */
static void
round_commit(struct dispatcher *d)
{
    struct operation_note n;
    struct error err = {0, ""};
    bool failed = outbox_commit(d->outbox, &err) < 0;

    if (failed) {
        log_write(LOG_LEVEL_ERROR, "outbox: %s", err.text);
        /* What it believes to be stored is not: from its beginning again. */
        execution_free(d->execution);
        d->execution = NULL;
        d->held_until_ms = clock_monotonic_ms() + HELD_MS;
    }
    for (size_t i = 0; i < d->answer_count; i++) {
        struct answer *a = &d->answers[i];

        memset(&n, 0, sizeof(n));
        memcpy(n.id, a->id, sizeof(n.id));
        channel_send(a->fd, failed ? OPERATION_MESSAGE_FAILED : a->type, &n,
                     sizeof(n), -1);
    }
    d->answer_count = 0;
}

static int
round_timeout_ms(const struct dispatcher *d)
{
    int64_t left_us = d->next_due_us - clock_now_us();

    if (d->next_due_us == INT64_MAX)
        return -1;
    if (left_us <= 0)
        return EXPIRE_MS; /* couriers are busy, or a sink is in trouble */
    return left_us < (int64_t)EXPIRE_MS * 1000 ? (int)(left_us / 1000) + 1
                                               : EXPIRE_MS;
}

/* The clock that ends it, expire_due's, ticks on. */
static bool
is_held(const struct dispatcher *d)
{
    return clock_monotonic_ms() < d->held_until_ms;
}

static int
round_end(void *arg)
{
    struct dispatcher *d = arg;
    struct error err = {0, ""};
    bool more;

    if (!d->look && d->next_due_us <= clock_now_us())
        d->look = true;
    if (is_held(d) || (!d->look && d->execution == NULL)) {
        round_commit(d);
        return round_timeout_ms(d);
    }
    more = executions_work(d);
    round_commit(d);
    if (is_held(d))
        return round_timeout_ms(d);
    if (outbox_due(d->outbox, OPERATION_DELIVERING, clock_now_us(), 0,
                   due_visit, d, &err) < 0 ||
        outbox_next_due(d->outbox, &d->next_due_us, &err) < 0)
    {
        log_write(LOG_LEVEL_ERROR, "outbox: %s", err.text);
        d->next_due_us = clock_now_us() + 1000000;
    }
    d->look = more;
    return more ? 0 : round_timeout_ms(d);
}

/* Where no courier is, the time to give up still comes: the configuration may
 * not list sinks any more. */
static bool
overdue_visit(void *arg, const char *id, struct span sink)
{
    struct dispatcher *d = arg;
    struct arena *arena = arena_new();
    struct operation_note n;
    struct error err = {0, ""};
    struct operation o;

    (void)sink;
    memset(&n, 0, sizeof(n));
    snprintf(n.id, sizeof(n.id), "%s", id);
    snprintf(n.reason, sizeof(n.reason), "no-courier");
    snprintf(n.detail, sizeof(n.detail),
             "nothing is delivered: there is no"
             " [callback] with sinks");
    if (arena != NULL && outbox_find(d->outbox, id, arena, &o, &err) == 1 &&
        clock_now_us() >= o.give_up_us)
        delivery_again(d, &o, &n, &err);
    arena_free(arena);
    if (err.text[0] != '\0')
        log_write(LOG_LEVEL_ERROR, "outbox: %s", err.text);
    return true;
}

/* A damaged outbox is begun anew; what was in it is lost, and that is told. */
static void
set_aside_tell(struct dispatcher *d)
{
    const char *name = outbox_set_aside(d->outbox);
    struct event e = {
        .id = EVENT_OPERATIONS_LOST, .time_us = clock_now_us(), .worker = -1};

    if (name == NULL || strcmp(name, d->set_aside) == 0)
        return;
    snprintf(d->set_aside, sizeof(d->set_aside), "%s", name);
    e.fields[EVENT_FIELD_DETAIL] = span_of(d->set_aside);
    event_send(d->events, &e);
}

static void
expire_due(void *arg)
{
    struct dispatcher *d = arg;
    struct error err = {0, ""};

    event_sender_flush(d->events);
    set_aside_tell(d);
    if (couriers_count(d) == 0)
        outbox_due(d->outbox, OPERATION_DELIVERING, clock_now_us(),
                   OVERDUE_PAGE, overdue_visit, d, &err);
    if (outbox_expire(d->outbox, clock_now_us(), &err) < 0)
        log_write(LOG_LEVEL_ERROR, "outbox: %s", err.text);
    d->look = true;
}

/* -- life -------------------------------------------------------------------------- */

static void
master_ready(void *arg, uint32_t events)
{
    struct dispatcher *d = arg;
    struct message m;
    uint32_t type;
    int fd, got;

    (void)events;
    while ((got = message_receive(d->boot->master_fd, &type, &m, &fd)) > 0) {
        if (type == MESSAGE_SOURCE && fd >= 0)
            source_add(d, fd, m.result == SOURCE_COURIER);
        else if (fd >= 0)
            close(fd);
    }
    if (got < 0)
        loop_stop(d->loop);
}

static void
signal_ignore(void *arg, int signal)
{
    (void)arg;
    (void)signal;
}

static int
dispatcher_open(struct dispatcher *d, struct error *err)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, 0};

    d->loop = loop_new(err);
    if (d->loop == NULL ||
        loop_signals(d->loop, signals, signal_ignore, NULL, err) < 0 ||
        privileges_drop(&d->boot->account, err) < 0)
        return -1;
    d->events = event_sender_new(d->boot->event_fd, -1);
    if (d->events == NULL)
        return error_set_errno(err, ENOMEM, "events");
    if (outbox_open(d->boot->config->state_dir, OUTBOX_WRITE, &d->outbox,
                    err) < 0)
        return -1;
    if (loop_every(d->loop, EXPIRE_MS, expire_due, d) == NULL)
        return error_set_errno(err, ENOMEM, "timers");
    loop_before_wait(d->loop, round_end, d);
    if (loop_add(d->loop, d->boot->master_fd, EPOLLIN, master_ready, d, err) <
        0)
        return -1;
    return sandbox_store(err);
}

int
dispatcher_main(const struct store_boot *boot)
{
    struct dispatcher *d = calloc(1, sizeof(*d));
    struct error err = {0, ""};
    int status = 1;

    if (d == NULL)
        return 1;
    d->boot = boot;
    d->look = true;
    d->random = (uint64_t)clock_now_us();
    if (dispatcher_open(d, &err) < 0) {
        message_send(boot->master_fd, MESSAGE_FAILED, 0, -1, err.text, -1);
    } else {
        message_send(boot->master_fd, MESSAGE_READY, 0, 0, NULL, -1);
        status = loop_run(d->loop, &err) < 0;
        round_commit(d);
    }
    while (d->sources != NULL)
        source_close(d->sources);
    execution_free(d->execution);
    outbox_close(d->outbox);
    repository_close(d->repository);
    event_sender_free(d->events);
    loop_free(d->loop);
    free(d);
    return status;
}
