#include "gateway/server/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "gateway/server/identity.h"
#include "gateway/server/messages.h"
#include "gateway/wsman/wsman.h"

/* How often the image file and the repository are looked at; messages are
 * faster, this is for what nobody announced. */
#define WATCH_MS   500
#define RETRY_MS   5
#define RCACHE_DIR "rcache"

static void
say(const struct worker *w, enum message_type type, int result,
    const char *text)
{
    message_send(w->boot->master_fd, type,
                 policy_holder_generation(&w->policy), result, text, -1);
}

/* -- policy ------------------------------------------------------------------ */

static void
policy_lost(struct worker *w, const char *detail)
{
    struct event e = {.id = EVENT_POLICY_UNAVAILABLE,
                      .time_us = clock_now_us(),
                      .worker = w->boot->id};

    e.fields[EVENT_FIELD_REASON] = SPAN("no-policy");
    e.fields[EVENT_FIELD_DETAIL] = span_of(detail);
    event_send(w->events, &e);
    log_write(LOG_LEVEL_ERROR,
              "everything is answered 503: no policy is in force: %s", detail);
}

static int
policy_load(struct worker *w, struct error *err)
{
    int result = policy_holder_load(&w->policy, err);

    atomic_store(&w->counters->generation,
                 policy_holder_generation(&w->policy));
    if (result < 0)
        policy_lost(w, err->text);
    return result;
}

/* Without a readable repository nothing is decided either: 503 for all. */
static void
repository_try(struct worker *w)
{
    struct error err = {0, ""};
    bool had = w->repository != NULL;
    uint64_t generation;

    if (!had && repository_open(w->boot->config->state_dir, REPOSITORY_READ,
                                &w->repository, &err) < 0)
        w->repository = NULL;
    if (w->repository == NULL) {
        snprintf(w->store_text, sizeof(w->store_text), "%s", err.text);
        return;
    }
    if (repository_still_there(w->repository, &err) == 0 &&
        repository_read_begin(w->repository, &generation, &err) == 0)
    {
        repository_read_end(w->repository);
        return;
    }
    repository_close(w->repository);
    w->repository = NULL;
    snprintf(w->store_text, sizeof(w->store_text), "%s", err.text);
    if (had)
        policy_lost(w, err.text);
}

/* A policy without the data it is about is not in force; once per change. */
static void
repository_tell(struct worker *w)
{
    bool lost = w->repository == NULL;

    if (lost == w->store_lost)
        return;
    w->store_lost = lost;
    say(w, MESSAGE_ACTIVE, lost ? -1 : 1, lost ? w->store_text : NULL);
}

static void
watch_due(void *arg)
{
    struct worker *w = arg;
    uint64_t connections = 0;
    struct error err;

    event_sender_flush(w->events);
    sealed_sweep(w);
    if (policy_holder_changed(&w->policy))
        policy_load(w, &err);
    if (policy_holder_generation(&w->policy) != w->told_generation) {
        w->told_generation = policy_holder_generation(&w->policy);
        say(w, MESSAGE_ACTIVE, 1, NULL);
    }
    repository_try(w);
    repository_tell(w);
    if (w->proxy != NULL)
        upstreams_watch(w);
    for (size_t i = 0; i < w->endpoint_count; i++)
        connections += http_endpoint_connections(w->endpoints[i]);
    atomic_store(&w->counters->connections, connections);
    if (w->draining && connections == 0)
        loop_stop(w->loop);
}

static void
waiting_due(void *arg)
{
    struct worker *w = arg;

    requests_retry(w);
}

/* -- messages from the master -------------------------------------------------- */

static void
endpoint_accept(void *arg, uint32_t events)
{
    (void)events;
    http_endpoint_accept(arg);
}

static void
endpoint_run(void *arg, uint32_t events)
{
    (void)events;
    http_endpoint_run(arg);
}

/* What one worker has no room for is left to the others, or waits. */
static void
endpoint_listen(struct worker *w, size_t i)
{
    struct http_endpoint *ep = w->endpoints[i];
    int fd = http_endpoint_listen_fd(ep);
    bool listens = w->started && http_endpoint_has_room(ep);

    if (listens == w->listens[i])
        return;
    if (!listens)
        loop_remove(w->loop, fd);
    else if (loop_add(w->loop, fd, EPOLLIN | EPOLLEXCLUSIVE, endpoint_accept,
                      ep, NULL) < 0)
        return; /* tried again before the next wait */
    w->listens[i] = listens;
}

static void
worker_drain(struct worker *w)
{
    if (w->draining)
        return;
    w->draining = true;
    for (size_t i = 0; i < w->endpoint_count; i++) {
        http_endpoint_drain(w->endpoints[i]);
        endpoint_listen(w, i);
    }
    watch_due(w);
}

static void
keytab_take(struct worker *w, int fd)
{
    struct error err = {0, ""};
    int result;

    if (fd < 0)
        return;
    result = acceptor_set_keytab(w->acceptor, fd, &err);
    close(fd);
    say(w, MESSAGE_KEYTAB_SET, result,
        result < 0 ? err.text : acceptor_describe(w->acceptor));
}

/* New sessions get the new certificate; the rest is looked at by each
 * request. */
static int
listener_set(struct worker *w, size_t which, int fd, struct error *err)
{
    struct http_endpoint *ep;
    struct listener *l, fresh;
    int result = 0;

    if (fd < 0 || which >= w->endpoint_count)
        return error_set(err, "there is no such listener");
    ep = w->endpoints[which];
    l = http_endpoint_context(ep);
    fresh = (struct listener){.config = l->config, .fd = -1};
    if (listener_files_unpack(&fresh, fd, err) < 0)
        return -1;
    if (l->config->tls)
        result = http_endpoint_set_certificate(ep, fresh.certificate.data,
                                               fresh.key.data, err);
    if (result == 0)
        listener_files_move(l, &fresh);
    listener_files_fini(&fresh);
    return result;
}

static void
listener_take(struct worker *w, int which, int fd)
{
    struct error err = {0, ""};
    int result = listener_set(w, (size_t)which, fd, &err);

    if (fd >= 0)
        close(fd);
    say(w, MESSAGE_LISTENER_SET, result, result < 0 ? err.text : NULL);
}

static void
master_ready(void *arg, uint32_t events)
{
    struct worker *w = arg;
    struct error err = {0, ""};
    struct message m;
    uint32_t type;
    int fd, got, loaded;

    (void)events;
    while ((got = message_receive(w->boot->master_fd, &type, &m, &fd)) > 0) {
        switch (type) {
        case MESSAGE_START:
            w->started = true; /* before_wait */
            break;
        case MESSAGE_DRAIN:
            worker_drain(w);
            break;
        case MESSAGE_ACTIVATE:
            loaded = policy_load(w, &err);
            repository_try(w);
            say(w, MESSAGE_ACTIVE, loaded, loaded < 0 ? err.text : NULL);
            requests_retry(w);
            break;
        case MESSAGE_KEYTAB:
            keytab_take(w, fd);
            fd = -1;
            break;
        case MESSAGE_TICKETS:
            if (w->identity != NULL && fd >= 0)
                identity_take(w->identity, fd);
            requests_retry(w);
            break;
        case MESSAGE_ADDRESSES:
            upstreams_take(w, m.result, m.text);
            break;
        case MESSAGE_LISTENER:
            listener_take(w, m.result, fd);
            fd = -1;
            break;
        default:
            break;
        }
        if (fd >= 0)
            close(fd);
    }
    if (got < 0) /* the master is gone: so are we */
        loop_stop(w->loop);
}

static void
dispatcher_ready(void *arg, uint32_t events)
{
    (void)events;
    operation_answered(arg);
}

static void
signal_caught(void *arg, int signal)
{
    if (signal == SIGTERM)
        worker_drain(arg);
}

/* -- the loop's own needs --------------------------------------------------- */

static int
before_wait(void *arg)
{
    struct worker *w = arg;
    int limit = w->waiting != NULL ? RETRY_MS : -1;

    if (w->proxy != NULL && proxy_timeout_ms(w->proxy) == 0)
        proxy_run(w->proxy);
    for (size_t i = 0; i < w->endpoint_count; i++) {
        int t = http_endpoint_timeout_ms(w->endpoints[i]);

        if (t == 0) {
            http_endpoint_run(w->endpoints[i]);
            t = http_endpoint_timeout_ms(w->endpoints[i]);
        }
        if (t >= 0 && (limit < 0 || t < limit))
            limit = t;
        endpoint_listen(w, i);
    }
    if (w->proxy != NULL) {
        int t = proxy_timeout_ms(w->proxy);

        if (t >= 0 && (limit < 0 || t < limit))
            limit = t;
    }
    if (w->waiting != NULL && w->waiting_timer == NULL)
        w->waiting_timer = loop_every(w->loop, RETRY_MS, waiting_due, w);
    if (w->waiting == NULL && w->waiting_timer != NULL) {
        loop_every_stop(w->loop, w->waiting_timer);
        w->waiting_timer = NULL;
    }
    return limit;
}

/* -- life ------------------------------------------------------------------- */

/* Each route has its own limit; this is what has to be let in for one. */
static uint64_t
routes_body_max(const struct config *c)
{
    uint64_t max = 0;

    for (size_t i = 0; i < c->route_count; i++) {
        if (c->routes[i].body_max > max)
            max = c->routes[i].body_max;
    }
    return max;
}

static int
sessions_open(struct worker *w, struct error *err)
{
    const struct config *c = w->boot->config;
    bool wanted = false;

    for (size_t i = 0; i < c->listener_count; i++)
        wanted |= c->listeners[i].session_s > 0;
    return wanted ? session_box_new(w->boot->session_keys, &w->sessions, err)
                  : 0;
}

static int
endpoint_open(struct worker *w, size_t i, struct error *err)
{
    const struct listener *l = &w->boot->listeners->items[i];
    const struct config_listener *c = l->config;
    const struct http_endpoint_options options = {
        .name = c->name,
        .listen_fd = l->fd,
        .tls_certificate = c->tls ? l->certificate.data : NULL,
        .tls_key = c->tls ? l->key.data : NULL,
        .tls_priorities = c->tls_priorities,
        .need_peer_uid = c->channel == LISTENER_CHANNEL_LOCAL,
        .restrict_uid =
            c->channel == LISTENER_CHANNEL_PROXY && c->unix_path != NULL,
        .only_uid = c->trusted_proxy_uid,
        .connections_max = c->connections_max,
        .connections_per_address_max = c->channel == LISTENER_CHANNEL_PROXY
                                           ? 0
                                           : c->connections_per_address_max,
        .first_byte_timeout_s = c->first_byte_timeout_s,
        .header_timeout_s = c->header_timeout_s,
        .body_timeout_s = c->body_timeout_s,
        .write_timeout_s = c->write_timeout_s,
        .write_progress_s = c->write_progress_s,
        .write_progress_min = c->write_progress_min,
        .idle_timeout_s = c->idle_timeout_s,
        .header_max = c->header_max,
        .token_max = c->token_max,
        .body_max = c->body_max,
        .taken_body_max = routes_body_max(w->boot->config),
    };
    struct http_handlers handlers = worker_handlers;

    handlers.arg = w;
    if (http_endpoint_new(&options, &handlers, &w->endpoints[i], err) < 0)
        return error_prefix(err, "%s:%u: listener '%s'", c->file, c->line,
                            c->name);
    w->endpoint_count = i + 1;
    http_endpoint_set_context(w->endpoints[i], (void *)(uintptr_t)l);
    return loop_add(w->loop, http_endpoint_epoll_fd(w->endpoints[i]), EPOLLIN,
                    endpoint_run, w->endpoints[i], err);
}

static int
endpoints_open(struct worker *w, struct error *err)
{
    size_t count = w->boot->listeners->count;

    w->endpoints = calloc(count + 1, sizeof(struct http_endpoint *));
    w->listens = calloc(count + 1, sizeof(bool));
    if (w->endpoints == NULL || w->listens == NULL)
        return error_set_errno(err, ENOMEM, "endpoints");
    for (size_t i = 0; i < count; i++) {
        if (endpoint_open(w, i, err) < 0)
            return -1;
    }
    w->secure_port = listener_set_tls_port(w->boot->listeners);
    return 0;
}

static int
acceptor_open(struct worker *w, struct error *err)
{
    const struct config *c = w->boot->config;
    char rcache[512];
    const struct acceptor_options options = {
        .names = c->acceptors,
        .name_count = c->acceptor_count,
        .keytab_fd = w->boot->keytab_fd,
        .rcache_dir = rcache,
    };

    snprintf(rcache, sizeof(rcache), "%s/%s", c->state_dir, RCACHE_DIR);
    if (acceptor_new(&options, &w->acceptor, err) < 0)
        return error_prefix(err, "%s", c->keytab);
    return 0;
}

static int
worker_open(struct worker *w, struct error *err)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, 0};

    w->loop = loop_new(err);
    if (w->loop == NULL ||
        loop_signals(w->loop, signals, signal_caught, w, err) < 0)
        return -1;
    if (privileges_drop(&w->boot->account, err) < 0)
        return -1;
    privileges_hide_memory();
    w->events = event_sender_new(w->boot->event_fd, w->boot->id);
    if (w->events == NULL)
        return error_set_errno(err, ENOMEM, "events");
    if (acceptor_open(w, err) < 0 || endpoints_open(w, err) < 0 ||
        upstreams_open(w, err) < 0 || sessions_open(w, err) < 0)
        return -1;
    policy_load(w, err);
    repository_try(w);
    siphash_key_random(&w->id_key);
    if (loop_every(w->loop, WATCH_MS, watch_due, w) == NULL)
        return error_set_errno(err, ENOMEM, "timers");
    loop_before_wait(w->loop, before_wait, w);
    if (loop_add(w->loop, w->boot->master_fd, EPOLLIN, master_ready, w, err) <
            0 ||
        loop_add(w->loop, w->boot->operation_fd, EPOLLIN, dispatcher_ready, w,
                 err) < 0)
        return -1;
    xml_init();
    return w->proxy != NULL ? sandbox_forwarding_worker(err)
                            : sandbox_worker(err);
}

static void
worker_close(struct worker *w)
{
    for (size_t i = 0; i < w->endpoint_count; i++)
        http_endpoint_free(w->endpoints[i]);
    free(w->endpoints);
    free(w->listens);
    proxy_free(w->proxy);
    identity_free(w->identity);
    session_box_free(w->sessions);
    requests_free(w);
    acceptor_free(w->acceptor);
    repository_close(w->repository);
    outbox_close(w->outbox);
    policy_holder_fini(&w->policy);
    event_sender_free(w->events);
    loop_free(w->loop);
}

int
worker_main(const struct worker_boot *boot)
{
    struct worker w = {.boot = boot, .counters = &boot->slots[boot->slot]};
    struct error err = {0, ""};
    int status = 1;

    heap_keep();
    atomic_store(&w.counters->pid, getpid());
    policy_holder_init(&w.policy, boot->config->state_dir);
    TAILQ_INIT(&w.bound);
    if (worker_open(&w, &err) < 0) {
        say(&w, MESSAGE_FAILED, -1, err.text);
    } else {
        say(&w, MESSAGE_READY, 0, acceptor_describe(w.acceptor));
        status = loop_run(w.loop, &err) < 0;
        if (status != 0)
            log_write(LOG_LEVEL_ERROR, "%s", err.text);
    }
    worker_close(&w);
    return status;
}
