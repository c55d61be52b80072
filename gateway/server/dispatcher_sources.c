/* What workers and couriers say to the dispatcher. */
#include "gateway/server/dispatcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define DRAIN_AT_ONCE 256 /* messages of one source, then others' turn */

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

void
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

void
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
