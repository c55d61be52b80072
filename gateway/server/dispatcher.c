/*
 * The dispatcher: the outbox's only writer.  It takes operations from the
 * workers, carries them out, gives what is due to the couriers and writes
 * down what became of it.  It has no key, no network and no client's bytes
 * but those a worker has judged.
 */
#include "gateway/server/dispatcher.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/server/messages.h"

#define EXPIRE_MS  1000
#define WORK_PARTS 32 /* parts of results that share a commit */
#define WORK_MS    5
#define HELD_MS    1000

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
    if (couriers_work(d, &err) < 0 ||
        outbox_next_due(d->outbox, &d->next_due_us, &err) < 0)
    {
        log_write(LOG_LEVEL_ERROR, "outbox: %s", err.text);
        d->next_due_us = clock_now_us() + 1000000;
    }
    d->look = more;
    return more ? 0 : round_timeout_ms(d);
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
    if (outcome_overdue(d, &err) < 0)
        log_write(LOG_LEVEL_ERROR, "outbox: %s", err.text);
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
