#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/server/master.h"

#define CONTROL_CLIENTS_MAX 32
#define ACTIVATE_WAIT_MS    9000 /* less than mofcomp waits */

struct client {
    struct client *next;
    struct master *master;
    int fd;
    bool compiling; /* said `compile` and not yet `activate` */
    bool reloading;
    uint64_t wanted; /* generation that it waits for, 0: none */
    uint64_t end_ms;
};

/* -- answers ------------------------------------------------------------------ */

static void
client_answer(struct client *c, char sign, const char *text)
{
    struct buf b = BUF_INIT;

    buf_add_char(&b, sign);
    buf_add_string(&b, text);
    if (!buf_failed(&b) && b.length <= CONTROL_REPLY_MAX)
        send(c->fd, b.data, b.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    else
        send(c->fd, "-the answer is too long", 23,
             MSG_DONTWAIT | MSG_NOSIGNAL);
    buf_fini(&b);
}

static void
quote(struct buf *b, const char *key, const char *value)
{
    buf_addf(b, ",\"%s\":", key);
    json_quote(b, span_of(value));
}

static unsigned long
resident_kib(pid_t pid)
{
    char path[64];
    unsigned long size = 0, resident = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    f = fopen(path, "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    fclose(f);
    return resident * ((unsigned long)sysconf(_SC_PAGESIZE) / 1024);
}

static void
status_workers(const struct master *m, struct buf *b)
{
    const char *comma = "";

    buf_add_string(b, ",\"workers\":[");
    for (const struct child *c = m->children; c != NULL; c = c->next) {
        const struct worker_counters *n = &m->slots[c->slot];

        if (c->kind != CHILD_WORKER || c->gone)
            continue;
        buf_addf(b,
                 "%s{\"id\":%d,\"pid\":%d,\"generation\":%llu,"
                 "\"draining\":%s,\"connections\":%llu,\"requests\":%llu,"
                 "\"denied\":%llu,\"unauthenticated\":%llu,"
                 "\"malformed\":%llu,\"residentKiB\":%lu}",
                 comma, c->id, (int)c->pid, (unsigned long long)c->generation,
                 c->draining ? "true" : "false",
                 (unsigned long long)atomic_load(&n->connections),
                 (unsigned long long)atomic_load(&n->requests),
                 (unsigned long long)atomic_load(&n->denied),
                 (unsigned long long)atomic_load(&n->unauthenticated),
                 (unsigned long long)atomic_load(&n->malformed),
                 resident_kib(c->pid));
        comma = ",";
    }
    buf_add_char(b, ']');
}

static void
status_listeners(const struct master *m, struct buf *b)
{
    static const char *const channels[] = {
        [LISTENER_CHANNEL_DIRECT] = "direct",
        [LISTENER_CHANNEL_LOCAL] = "local",
        [LISTENER_CHANNEL_ASSERTED] = "asserted",
        [LISTENER_CHANNEL_PROXY] = "proxy"};
    static const char *const bindings[] = {[CHANNEL_BINDINGS_REQUIRE] =
                                               "require",
                                           [CHANNEL_BINDINGS_ALLOW] = "allow",
                                           [CHANNEL_BINDINGS_OFF] = "off"};

    buf_add_string(b, ",\"listeners\":[");
    for (size_t i = 0; i < m->current->listeners.count; i++) {
        const struct listener *l = &m->current->listeners.items[i];
        const struct config_listener *c = l->config;

        buf_addf(b, "%s{\"name\":", i > 0 ? "," : "");
        json_quote(b, span_of(c->name));
        quote(b, "address", l->address);
        buf_addf(b, ",\"tls\":%s,\"status\":%s", c->tls ? "true" : "false",
                 c->status ? "true" : "false");
        quote(b, "channel", channels[c->channel]);
        if (c->channel_reason != NULL)
            quote(b, "reason", c->channel_reason);
        quote(b, "minimumLevel", authn_level_name(c->minimum_level));
        quote(b, "channelBindings", bindings[c->channel_bindings]);
        buf_add_char(b, '}');
    }
    buf_add_char(b, ']');
}

static void
status_stores(const struct master *m, struct buf *b)
{
    static const enum child_kind stores[] = {CHILD_RECORDER, CHILD_KEEPER,
                                             CHILD_DISPATCHER};
    const char *comma = "";

    for (size_t i = 0; i < ARRAY_COUNT(stores); i++) {
        const struct child *c = children_find(m, stores[i]);

        buf_addf(b, ",\"%s\":{\"pid\":%d}", child_kind_name(stores[i]),
                 c != NULL ? (int)c->pid : 0);
    }
    buf_add_string(b, ",\"couriers\":[");
    for (const struct child *c = m->children; c != NULL; c = c->next) {
        if (c->kind != CHILD_COURIER || c->gone)
            continue;
        buf_addf(b, "%s{\"id\":%d,\"pid\":%d,\"draining\":%s}", comma, c->id,
                 (int)c->pid, c->draining ? "true" : "false");
        comma = ",";
    }
    buf_add_char(b, ']');
    if (children_find(m, CHILD_CLERK) != NULL)
        buf_addf(b, ",\"clerk\":{\"pid\":%d}",
                 (int)children_find(m, CHILD_CLERK)->pid);
}

/* As many as there is room for: the rest must be known, too. */
#define STATUS_ROUTES_MAX (CONTROL_REPLY_MAX / 2)

static void
status_upstreams(const struct upstream_set *set, const struct config_route *r,
                 size_t at, struct buf *b)
{
    for (size_t i = 0; i < r->upstream_count; i++) {
        struct upstream_tally t = upstream_set_tally(set, at + i);

        buf_addf(b, "%s{\"url\":", i > 0 ? "," : "");
        json_quote(b, span_of(r->upstreams[i].url));
        buf_addf(b, ",\"up\":%s,\"workersUp\":%u,\"workersDown\":%u}",
                 t.down == 0 ? "true" : "false", t.up, t.down);
    }
}

static void
status_routes(const struct master *m, struct buf *b)
{
    const struct config *c = m->current->config;
    struct buf one = BUF_INIT;
    size_t at = 0, shown = 0, bytes = 0;

    buf_add_string(b, ",\"routes\":[");
    for (size_t i = 0; i < c->route_count; i++) {
        const struct config_route *r = &c->routes[i];

        buf_reset(&one);
        buf_add_string(&one, shown > 0 ? ",{\"name\":" : "{\"name\":");
        json_quote(&one, span_of(r->name));
        quote(&one, "path", r->path);
        if (r->protocol == ROUTE_HTTP) /* the others' requests say it */
            quote(&one, "namespace", r->namespace.text);
        buf_addf(&one, ",\"checked\":%s,\"upstreams\":[",
                 r->health_path != NULL ? "true" : "false");
        status_upstreams(&m->current->upstreams, r, at, &one);
        buf_add_string(&one, "]}");
        at += r->upstream_count;
        if (buf_failed(&one) || bytes + one.length > STATUS_ROUTES_MAX)
            continue;
        bytes += one.length;
        shown++;
        buf_add_span(b, buf_span(&one));
    }
    buf_addf(b, "],\"routesNotShown\":%zu", c->route_count - shown);
    buf_fini(&one);
}

static void
status_make(const struct master *m, struct buf *b)
{
    bool settled;
    uint64_t generation = children_generation(m, &settled);

    buf_add_string(b, "{\"version\":");
    json_quote(b, span_of(NSGATE_VERSION));
    buf_addf(b, ",\"pid\":%d,\"uptimeSeconds\":%llu,\"generation\":%llu",
             (int)getpid(),
             (unsigned long long)(clock_monotonic_ms() - m->started_ms) / 1000,
             (unsigned long long)generation);
    quote(b, "policy", m->policy_text[0] == '\0' ? "in force" : "unavailable");
    if (m->policy_text[0] != '\0')
        quote(b, "policyProblem", m->policy_text);
    quote(b, "stateDir", m->current->config->state_dir);
    quote(b, "configuration", m->current->config->path);
    quote(b, "keytab", m->keytab.text);
    if (m->client_keytab.text[0] != '\0')
        quote(b, "clientPrincipal", m->client_keytab.text);
    status_workers(m, b);
    status_stores(m, b);
    status_listeners(m, b);
    status_routes(m, b);
    buf_addf(b, ",\"eventsLost\":%llu}",
             (unsigned long long)event_sender_lost(m->events));
}

/* -- requests ----------------------------------------------------------------- */

static void
request_status(struct client *c, const char *argument)
{
    struct buf b = BUF_INIT;

    (void)argument;
    status_make(c->master, &b);
    client_answer(c, '+', buf_failed(&b) ? "{}" : b.data);
    buf_fini(&b);
}

static void
request_reload(struct client *c, const char *argument)
{
    struct error err = {0, ""};

    (void)argument;
    if (master_reload(c->master, &err) < 0)
        client_answer(c, '-', err.text);
    else
        c->reloading = true;
}

static void
request_compile(struct client *c, const char *argument)
{
    (void)argument;
    c->compiling = true;
    client_answer(c, '+', "{}");
}

static void
request_activate(struct client *c, const char *argument)
{
    unsigned long long generation;
    char end;

    if (sscanf(argument, "%llu%c", &generation, &end) != 1 || generation == 0)
    {
        client_answer(c, '-', "activate needs a generation");
        return;
    }
    c->compiling = false;
    c->wanted = generation;
    c->end_ms = clock_monotonic_ms() + ACTIVATE_WAIT_MS;
    children_activate(c->master);
}

static const struct {
    const char *name;
    void (*run)(struct client *c, const char *argument);
} requests[] = {
    {"status", request_status},
    {"reload", request_reload},
    {"compile", request_compile},
    {"activate", request_activate},
};

static void
client_request(struct client *c, char *text)
{
    char *argument = strchr(text, ' ');

    if (argument != NULL)
        *argument++ = '\0';
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        if (strcmp(text, requests[i].name) == 0) {
            requests[i].run(c, argument != NULL ? argument : "");
            return;
        }
    }
    client_answer(c, '-', "unknown request");
}

/* -- clients ------------------------------------------------------------------ */

static void
client_close(struct client *c)
{
    struct master *m = c->master;
    struct child *keeper = children_find(m, CHILD_KEEPER);

    for (struct client **at = &m->clients; *at != NULL; at = &(*at)->next) {
        if (*at == c) {
            *at = c->next;
            break;
        }
    }
    loop_remove(m->loop, c->fd);
    close(c->fd);
    /* A compile that is gone may have committed: the image is made here
     * (design: the end of a compile). */
    if (c->compiling && keeper != NULL && keeper->fd >= 0)
        message_send(keeper->fd, MESSAGE_REBUILD, 0, 0, NULL, -1);
    free(c);
}

static void
client_ready(void *arg, uint32_t events)
{
    struct client *c = arg;
    char text[CONTROL_REQUEST_MAX + 1];
    ssize_t n = recv(c->fd, text, CONTROL_REQUEST_MAX, MSG_DONTWAIT);

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_close(c);
        return;
    }
    text[n] = '\0';
    client_request(c, text);
}

static bool
peer_is_allowed(int fd)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

static void
control_ready(void *arg, uint32_t events)
{
    struct master *m = arg;
    struct client *c;
    size_t count = 0;
    int fd = accept4(m->control_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)events;
    if (fd < 0)
        return;
    for (c = m->clients; c != NULL; c = c->next)
        count++;
    c = calloc(1, sizeof(*c));
    if (c == NULL || count >= CONTROL_CLIENTS_MAX || !peer_is_allowed(fd) ||
        loop_add(m->loop, fd, EPOLLIN, client_ready, c, NULL) < 0)
    {
        free(c);
        close(fd);
        return;
    }
    c->next = m->clients;
    c->master = m;
    c->fd = fd;
    m->clients = c;
}

int
control_open(struct master *m, struct error *err)
{
    m->control_fd = control_listen(m->current->config->runtime_dir, err);
    if (m->control_fd < 0)
        return -1;
    return loop_add(m->loop, m->control_fd, EPOLLIN, control_ready, m, err);
}

void
control_close(struct master *m)
{
    char path[512];

    while (m->clients != NULL) {
        m->clients->compiling = false;
        client_close(m->clients);
    }
    if (m->control_fd < 0)
        return;
    loop_remove(m->loop, m->control_fd);
    close(m->control_fd);
    m->control_fd = -1;
    snprintf(path, sizeof(path), "%s/%s", m->current->config->runtime_dir,
             CONTROL_SOCKET);
    unlink(path);
}

void
control_settle(struct master *m)
{
    uint64_t now = clock_monotonic_ms();
    bool settled;
    uint64_t generation = children_generation(m, &settled);

    for (struct client *c = m->clients; c != NULL; c = c->next) {
        char text[ERROR_TEXT_MAX + 64];

        if (c->wanted == 0)
            continue;
        if (settled && generation >= c->wanted) {
            snprintf(text, sizeof(text), "{\"generation\":%llu}",
                     (unsigned long long)generation);
            client_answer(c, '+', text);
            snprintf(text, sizeof(text), "generation %llu",
                     (unsigned long long)generation);
            master_event(m, EVENT_POLICY_ACTIVATED, text);
        } else if (settled || now > c->end_ms) {
            snprintf(text, sizeof(text), "%s",
                     m->policy_text[0] != '\0'
                         ? m->policy_text
                         : "the workers do not have it yet");
            client_answer(c, '-', text);
        } else {
            continue;
        }
        c->wanted = 0;
    }
}

void
control_reload_done(struct master *m, const char *error)
{
    for (struct client *c = m->clients; c != NULL; c = c->next) {
        if (!c->reloading)
            continue;
        c->reloading = false;
        client_answer(c, error != NULL ? '-' : '+',
                      error != NULL ? error : "{}");
    }
}
