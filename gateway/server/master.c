#include "gateway/server/master.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/server/server.h"

#define TICK_MS       100
#define WATCH_MS      1000
#define STORES_END_MS 3000 /* for the recorder to write what is left */

void
master_event(struct master *m, enum event_id id, const char *detail)
{
    struct event e = {.id = id, .time_us = clock_now_us(), .worker = -1};

    e.fields[EVENT_FIELD_DETAIL] = span_of(detail);
    event_send(m->events, &e);
}

/* The newest state that the manager has not taken is offered again. */
static void
master_notify(struct master *m, const char *state)
{
    m->notify = service_notify(state) ? NULL : state;
}

/* -- start, reload, end ------------------------------------------------------- */

static void
master_serving(struct master *m)
{
    struct error err = {0, ""};

    if (listener_set_listen(&m->current->listeners, &err) < 0) {
        master_fail(m, err.text);
        return;
    }
    children_send(m, CHILD_WORKER, m->current, MESSAGE_START, -1);
    m->phase = MASTER_RUNNING;
    master_event(m, EVENT_STARTED, NSGATE_VERSION);
    for (size_t i = 0; i < m->current->listeners.count; i++) {
        const struct listener *l = &m->current->listeners.items[i];

        log_write(LOG_LEVEL_NOTICE, "listener '%s' on %s%s", l->config->name,
                  l->address, l->config->tls ? " (TLS)" : "");
    }
    master_notify(m, "READY=1\nSTATUS=serving");
}

static void
reload_end(struct master *m, const char *error)
{
    struct setup *gone = error != NULL ? m->next : m->current;

    if (error == NULL)
        m->current = m->next;
    m->next = NULL;
    if (error != NULL)
        children_kill(m, 0, gone);
    else
        children_send(m, 0, gone, MESSAGE_DRAIN, -1);
    children_orphan(m, gone);
    if (error == NULL) {
        resolver_stop(m);
        m->resolver.setup = NULL;
    }
    if (error == NULL)
        children_renew(m, CHILD_DISPATCHER);
    setup_close(gone, m->current);
    free(gone);
    master_event(m, error != NULL ? EVENT_RELOAD_FAILED : EVENT_RELOADED,
                 error != NULL ? error : m->current->config->path);
    control_reload_done(m, error);
    master_notify(m, "READY=1");
}

static void
reload_serving(struct master *m)
{
    struct error err = {0, ""};
    struct child *keeper = children_find(m, CHILD_KEEPER);

    if (listener_set_listen(&m->next->listeners, &err) < 0) {
        reload_end(m, err.text);
        return;
    }
    children_send(m, CHILD_WORKER, m->next, MESSAGE_START, -1);
    reload_end(m, NULL);
    /* The operator asked: a missing or broken image is made anew. */
    if (keeper != NULL && keeper->fd >= 0)
        message_send(keeper->fd, MESSAGE_REBUILD, 0, 1, NULL, -1);
}

int
master_reload(struct master *m, struct error *err)
{
    const char *path = m->current->config->path;
    struct config *config;
    struct setup *s;

    if (m->phase != MASTER_RUNNING || m->next != NULL)
        return error_set(err, "the gateway is starting, stopping or"
                              " reloading already");
    master_notify(m, "RELOADING=1");
    s = calloc(1, sizeof(*s));
    if (s == NULL || config_load(path, &config, err) < 0 ||
        setup_open(s, config, m->current, err) < 0)
    {
        free(s);
        master_event(m, EVENT_RELOAD_FAILED, err->text);
        master_notify(m, "READY=1");
        return -1;
    }
    m->next = s;
    if (children_spawn_setup(m, s, err) < 0) {
        reload_end(m, err->text);
        return -1;
    }
    return 0;
}

static void
master_stop(struct master *m)
{
    if (m->phase == MASTER_STARTING) {
        master_fail(m, "stopped while starting");
        return;
    }
    if (m->phase != MASTER_RUNNING)
        return;
    master_notify(m, "STOPPING=1");
    m->phase = MASTER_STOPPING;
    m->phase_ms = clock_monotonic_ms();
    resolver_stop(m);
    if (m->next != NULL)
        reload_end(m, "the gateway is stopping");
    children_send(m, CHILD_WORKER, NULL, MESSAGE_DRAIN, -1);
    /* What they are at will be delivered again. */
    children_kill(m, CHILD_COURIER, NULL);
    children_kill(m, CHILD_CLERK, NULL);
    master_progress(m);
}

static void
stores_end(struct master *m)
{
    m->phase = MASTER_ENDING;
    m->phase_ms = clock_monotonic_ms();
    if (m->status == 0 && m->error.text[0] == '\0')
        master_event(m, EVENT_STOPPED, NULL);
    close(m->event_fd); /* the recorder sees its end when it is drained */
    m->event_fd = -1;
    close(m->own_source_fd);
    m->own_source_fd = -1;
    for (struct child *c = m->children; c != NULL; c = c->next) {
        if (!child_is_of_setup(c) && c->fd >= 0) {
            loop_remove(m->loop, c->fd);
            close(c->fd);
            c->fd = -1;
        }
    }
}

void
master_fail(struct master *m, const char *text)
{
    if (m->phase == MASTER_RUNNING && m->next != NULL) {
        reload_end(m, text);
        return;
    }
    if (m->phase != MASTER_STARTING || m->error.text[0] != '\0')
        return;
    error_set(&m->error, "%s", text);
    m->status = 1;
    m->phase = MASTER_STOPPING;
    children_kill(m, 0, NULL);
}

static bool
serving_are_gone(const struct master *m)
{
    for (const struct child *c = m->children; c != NULL; c = c->next) {
        if (child_is_of_setup(c) && !c->gone)
            return false;
    }
    return true;
}

static bool
stores_are_gone(const struct master *m)
{
    for (const struct child *c = m->children; c != NULL; c = c->next) {
        if (!c->gone)
            return false;
    }
    return true;
}

void
master_progress(struct master *m)
{
    switch (m->phase) {
    case MASTER_STARTING:
        if (children_all_ready(m, m->current))
            master_serving(m);
        break;
    case MASTER_RUNNING:
        if (m->next != NULL && children_all_ready(m, m->next))
            reload_serving(m);
        control_settle(m);
        break;
    case MASTER_STOPPING:
        if (serving_are_gone(m))
            stores_end(m);
        break;
    case MASTER_ENDING:
        if (stores_are_gone(m))
            loop_stop(m->loop);
        break;
    }
}

/* -- timers --------------------------------------------------------------------- */

static void
tick_due(void *arg)
{
    struct master *m = arg;
    uint64_t in_phase = clock_monotonic_ms() - m->phase_ms;

    if (m->notify != NULL)
        master_notify(m, m->notify);
    if (m->event_fd >= 0)
        event_sender_flush(m->events);
    children_tick(m);
    listeners_settle(m);
    control_settle(m);
    resolver_tick(m);
    if (m->phase == MASTER_STOPPING &&
        in_phase > (uint64_t)m->current->config->drain_timeout_s * 1000)
        children_kill(m, 0, NULL);
    if (m->phase == MASTER_ENDING && in_phase > STORES_END_MS) {
        for (struct child *c = m->children; c != NULL; c = c->next)
            kill(c->pid, SIGKILL);
    }
}

static void
watchdog_due(void *arg)
{
    (void)arg;
    service_notify("WATCHDOG=1");
}

static void
signal_caught(void *arg, int signal)
{
    struct master *m = arg;
    struct error err = {0, ""};

    switch (signal) {
    case SIGCHLD:
        children_reap(m);
        break;
    case SIGHUP:
        if (master_reload(m, &err) < 0)
            log_write(LOG_LEVEL_ERROR, "reload: %s", err.text);
        break;
    case SIGTERM:
    case SIGINT:
        master_stop(m);
        break;
    default:
        break;
    }
}

/* -- life ----------------------------------------------------------------------- */

static int
events_open(struct master *m, struct error *err)
{
    int ends[2];

    if (channel_pair(ends, err) < 0)
        return -1;
    m->event_fd = ends[0];
    m->own_source_fd = ends[1];
    m->events = event_sender_new(m->event_fd, -1);
    return m->events != NULL ? 0 : error_set_errno(err, ENOMEM, "events");
}

static int
slots_open(struct master *m, struct error *err)
{
    size_t bytes = WORKER_SLOTS * sizeof(struct worker_counters);

    m->slots = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (m->slots == MAP_FAILED) {
        m->slots = NULL;
        return error_set_errno(err, errno, "counters");
    }
    return 0;
}

static int
timers_open(struct master *m, struct error *err)
{
    uint32_t watchdog_ms = service_watchdog_ms();

    if (loop_every(m->loop, TICK_MS, tick_due, m) == NULL ||
        loop_every(m->loop, WATCH_MS, master_watch, m) == NULL ||
        (watchdog_ms > 0 &&
         loop_every(m->loop, watchdog_ms, watchdog_due, m) == NULL))
        return error_set_errno(err, ENOMEM, "timers");
    return 0;
}

static int
master_open(struct master *m, struct config *config, struct error *err)
{
    static const int signals[] = {SIGCHLD, SIGHUP,  SIGTERM,
                                  SIGINT,  SIGPIPE, 0};

    m->current = calloc(1, sizeof(*m->current));
    if (m->current == NULL) {
        config_free(config);
        return error_set_errno(err, ENOMEM, "configuration");
    }
    if (setup_open(m->current, config, NULL, err) < 0) {
        free(m->current);
        m->current = NULL;
        return -1;
    }
    m->revoked = revoked_open(m->current->config->state_dir,
                              &m->current->store_user, err);
    m->loop = m->revoked != NULL ? loop_new(err) : NULL;
    if (m->loop == NULL || slots_open(m, err) < 0 ||
        loop_signals(m->loop, signals, signal_caught, m, err) < 0 ||
        control_open(m, err) < 0 || events_open(m, err) < 0 ||
        privileges_keep_master(err) < 0 || timers_open(m, err) < 0 ||
        children_spawn_stores(m, err) < 0)
        return -1;
    return children_spawn_setup(m, m->current, err);
}

static void
master_close(struct master *m)
{
    for (struct child *c = m->children; c != NULL; c = c->next) {
        if (!c->gone && c->pid > 0)
            kill(c->pid, SIGKILL);
    }
    if (m->loop != NULL) {
        control_close(m);
        resolver_stop(m);
    }
    children_free(m);
    event_sender_free(m->events);
    if (m->event_fd >= 0)
        close(m->event_fd);
    if (m->own_source_fd >= 0)
        close(m->own_source_fd);
    if (m->keytab.next >= 0)
        close(m->keytab.next);
    if (m->client_keytab.next >= 0)
        close(m->client_keytab.next);
    if (m->current != NULL) {
        setup_close(m->current, NULL);
        free(m->current);
    }
    if (m->slots != NULL)
        munmap(m->slots, WORKER_SLOTS * sizeof(struct worker_counters));
    revoked_close(m->revoked);
    loop_free(m->loop);
}

int
master_run(struct config *config, struct error *err)
{
    struct master m = {.control_fd = -1,
                       .event_fd = -1,
                       .own_source_fd = -1,
                       .resolver.fd = -1,
                       .keytab.next = -1,
                       .client_keytab.next = -1,
                       .started_ms = clock_monotonic_ms()};
    int status = 1;

    privileges_hide_memory();
    descriptors_raise();
    if (master_open(&m, config, err) == 0 && loop_run(m.loop, err) == 0) {
        status = m.status;
        if (status != 0)
            *err = m.error;
    }
    master_close(&m);
    return status;
}
