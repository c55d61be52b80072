#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/event/event.h"
#include "gateway/server/messages.h"
#include "gateway/server/stores.h"

#define COMMIT_MS     100
#define REOPEN_MS     2000
#define UNLOGGED_MS   1000
#define SOURCES_MAX   512
#define LATE_MAX_US   60000000
#define DRAIN_AT_ONCE 256 /* messages of one source, then others' turn */

struct recorder {
    const struct store_boot *boot;
    struct loop *loop;
    struct event_store *store; /* NULL: could not be opened; lines only */
    struct source *sources;
    bool dirty, broken, ending;
    uint64_t unlogged;  /* repeats without a line of their own */
    uint64_t unwritten; /* events that the store did not take */
};

struct source {
    struct source *next;
    struct recorder *recorder;
    int fd;
    int worker; /* -1: the master, or a store */
};

static void
store_failed(struct recorder *rec, const struct error *err)
{
    rec->unwritten++;
    if (!rec->broken)
        log_write(LOG_LEVEL_ERROR,
                  "events are on this log only, the event log fails: %s",
                  err->text);
    rec->broken = true;
}

/* What could not be stored is told by the first event that can. */
static void
lost_tell(struct recorder *rec)
{
    struct event e = {
        .id = EVENT_LOST, .time_us = clock_now_us(), .worker = -1};

    if (rec->unwritten == 0)
        return;
    e.count =
        (uint32_t)(rec->unwritten < UINT32_MAX ? rec->unwritten : UINT32_MAX);
    if (event_store_write(rec->store, &e, NULL) >= 0)
        rec->unwritten = 0;
}

/* A line for each event, but not for each of a flood. */
static void
event_log(struct recorder *rec, const struct event *e, bool merged)
{
    static const enum log_level levels[] = {
        [EVENT_INFORMATION] = LOG_LEVEL_NOTICE,
        [EVENT_WARNING] = LOG_LEVEL_WARNING,
        [EVENT_ERROR] = LOG_LEVEL_ERROR};
    const struct event_type *type = event_type(e->id);
    struct buf line = BUF_INIT;

    if (merged) {
        rec->unlogged++;
        return;
    }
    event_format_line(e, &line);
    if (!buf_failed(&line) && type != NULL)
        log_write(levels[type->severity], "%s", line.data);
    buf_fini(&line);
}

static void
unlogged_tell(void *arg)
{
    struct recorder *rec = arg;

    if (rec->unlogged > 0)
        log_write(LOG_LEVEL_WARNING,
                  "%llu more events like those before; nsgatectl events has"
                  " their counts",
                  (unsigned long long)rec->unlogged);
    rec->unlogged = 0;
}

static void
event_take(struct recorder *rec, const struct event *e)
{
    struct error err = {0, ""};
    int written = -1;

    if (rec->store == NULL) {
        rec->unwritten++;
    } else if ((written = event_store_write(rec->store, e, &err)) < 0) {
        store_failed(rec, &err);
    } else {
        lost_tell(rec);
        rec->broken = false;
        rec->dirty = true;
    }
    event_log(rec, e, written == 1);
}

/* Who sends is known by the channel, when and how often by us: a taken-over
 * worker can lie about its own requests, and about nothing else. */
static void
event_correct(struct event *e, const struct source *s)
{
    int64_t now = clock_now_us();

    e->worker = s->worker;
    if (e->time_us > now || e->time_us < now - LATE_MAX_US)
        e->time_us = now;
    if (e->id != EVENT_LOST)
        e->count = 0;
}

static void
source_close(struct source *s)
{
    struct recorder *rec = s->recorder;

    loop_remove(rec->loop, s->fd);
    close(s->fd);
    for (struct source **at = &rec->sources; *at != NULL; at = &(*at)->next) {
        if (*at == s) {
            *at = s->next;
            break;
        }
    }
    free(s);
    if (rec->ending && rec->sources == NULL)
        loop_stop(rec->loop);
}

static void
source_ready(void *arg, uint32_t events)
{
    struct source *s = arg;
    struct channel_message m;
    struct event e;
    int got = 0;

    (void)events;
    for (int i = 0; i < DRAIN_AT_ONCE; i++) {
        got = channel_receive(s->fd, &m);
        if (got <= 0)
            break;
        if (m.fd >= 0)
            close(m.fd);
        if (m.type != EVENT_MESSAGE || event_decode(m.body, m.length, &e) < 0)
            continue;
        event_correct(&e, s);
        event_take(s->recorder, &e);
    }
    if (got < 0)
        source_close(s);
}

static void
source_add(struct recorder *rec, int fd, int worker)
{
    struct source *s = calloc(1, sizeof(*s));

    if (s == NULL ||
        loop_add(rec->loop, fd, EPOLLIN, source_ready, s, NULL) < 0) {
        free(s);
        close(fd);
        return;
    }
    *s = (struct source){rec->sources, rec, fd, worker};
    rec->sources = s;
}

static void
recorder_end(struct recorder *rec)
{
    rec->ending = true;
    loop_remove(rec->loop, rec->boot->master_fd);
    if (rec->sources == NULL)
        loop_stop(rec->loop);
}

static void
master_ready(void *arg, uint32_t events)
{
    struct recorder *rec = arg;
    struct message m;
    uint32_t type;
    int fd, got;

    (void)events;
    while ((got = message_receive(rec->boot->master_fd, &type, &m, &fd)) > 0) {
        if (type == MESSAGE_SOURCE && fd >= 0)
            source_add(rec, fd, (int)m.generation - 1);
        else if (fd >= 0)
            close(fd);
    }
    if (got < 0)
        recorder_end(rec);
}

static void
commit_due(void *arg)
{
    struct recorder *rec = arg;
    struct error err = {0, ""};

    if (rec->store == NULL || !rec->dirty)
        return;
    if (event_store_commit(rec->store, &err) < 0)
        store_failed(rec, &err);
    rec->dirty = false;
}

static void
store_try(void *arg)
{
    struct recorder *rec = arg;
    const struct config *c = rec->boot->config;
    struct error err = {0, ""};

    if (rec->store == NULL && event_store_open(c->state_dir, c->event_rows_max,
                                               &rec->store, &err) < 0)
    {
        rec->store = NULL;
        store_failed(rec, &err);
    }
}

static void
signal_ignore(void *arg, int signal)
{
    (void)arg;
    (void)signal;
}

static int
recorder_open(struct recorder *rec, struct error *err)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, 0};

    rec->loop = loop_new(err);
    if (rec->loop == NULL ||
        loop_signals(rec->loop, signals, signal_ignore, NULL, err) < 0 ||
        privileges_drop(&rec->boot->account, err) < 0)
        return -1;
    store_try(rec);
    rec->unwritten = 0;
    if (loop_every(rec->loop, COMMIT_MS, commit_due, rec) == NULL ||
        loop_every(rec->loop, REOPEN_MS, store_try, rec) == NULL ||
        loop_every(rec->loop, UNLOGGED_MS, unlogged_tell, rec) == NULL)
        return error_set_errno(err, ENOMEM, "timers");
    if (loop_add(rec->loop, rec->boot->master_fd, EPOLLIN, master_ready, rec,
                 err) < 0)
        return -1;
    return sandbox_store(err);
}

int
recorder_main(const struct store_boot *boot)
{
    struct recorder rec = {.boot = boot};
    struct error err = {0, ""};
    int status = 1;

    if (recorder_open(&rec, &err) < 0) {
        message_send(boot->master_fd, MESSAGE_FAILED, 0, -1, err.text, -1);
    } else {
        message_send(boot->master_fd, MESSAGE_READY, 0, 0, NULL, -1);
        status = loop_run(rec.loop, &err) < 0;
        commit_due(&rec);
        unlogged_tell(&rec);
    }
    while (rec.sources != NULL)
        source_close(rec.sources);
    event_store_close(rec.store);
    loop_free(rec.loop);
    return status;
}
