#include "gateway/server/resolver.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "gateway/server/addresses.h"
#include "gateway/server/master.h"

#define ROUND_MAX_S 600 /* then a round ends, whatever is left */

static bool
is_name(const struct config_upstream *u)
{
    return !u->numeric && u->unix_path == NULL;
}

/* upstream: its place among those of all routes; NULL: there is none. */
static const struct config_upstream *
upstream_at(const struct config *c, size_t upstream,
            const struct config_route **route_out)
{
    *route_out = c->routes;
    for (size_t i = 0; i < c->route_count; i++) {
        *route_out = &c->routes[i];
        if (upstream < c->routes[i].upstream_count)
            return &c->routes[i].upstreams[upstream];
        upstream -= c->routes[i].upstream_count;
    }
    return NULL;
}

static bool
has_names(const struct setup *s)
{
    const struct config_route *r;

    for (size_t i = 0; i < s->upstreams.count; i++) {
        if (is_name(upstream_at(s->config, i, &r)))
            return true;
    }
    return false;
}

/* -- the process ---------------------------------------------------------- */

/* What does not fit into the socket waits until the master has read. */
static void
tell(int fd, enum message_type type, size_t upstream, const char *text)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    while (message_send(fd, type, 0, (int)upstream, text, -1) < 0) {
        if (errno != EAGAIN || poll(&p, 1, -1) < 0)
            _exit(1);
    }
}

static void
look_up_all(const struct setup *s, int fd)
{
    const struct config_route *r;

    for (size_t i = 0; i < s->upstreams.count; i++) {
        const struct config_upstream *u = upstream_at(s->config, i, &r);
        struct buf found = BUF_INIT;
        const char *why;

        if (!is_name(u))
            continue;
        addresses_find(u->host, &found, &why);
        if (buf_failed(&found) || found.length == 0)
            tell(fd, MESSAGE_NOT_FOUND, i, why);
        else
            tell(fd, MESSAGE_FOUND, i, found.data);
        buf_fini(&found);
    }
}

static void __attribute__((noreturn))
resolver_run(struct master *m, const struct setup *s, int fd, pid_t parent)
{
    int keep[] = {fd};
    struct error err = {0, ""};

    loop_free(m->loop);
    descriptors_keep(keep, 1);
    secrets_forget(m, NULL);
    prctl(PR_SET_NAME, "nsgated-resolve");
    if (privileges_drop(&s->user, &err) < 0)
        _exit(1);
    privileges_hide_memory();
    /* Behind the change of user, which takes it back (prctl(2)). */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    alarm(ROUND_MAX_S);
    look_up_all(s, fd);
    _exit(0);
}

/* -- the master ----------------------------------------------------------- */

static void
round_end(struct master *m)
{
    struct resolver *r = &m->resolver;

    loop_remove(m->loop, r->fd);
    close(r->fd);
    r->fd = -1;
    r->due_ms = clock_monotonic_ms() +
                (uint64_t)m->current->config->upstream_resolve_s * 1000;
}

static void
found(struct master *m, struct upstream_set *set, size_t upstream,
      const char *text)
{
    const struct config_route *r;
    const struct config_upstream *u =
        upstream_at(m->current->config, upstream, &r);
    char *copy;

    if (set->lost[upstream])
        log_write(LOG_LEVEL_NOTICE, "[route/%s] upstream %s: found again",
                  r->name, u->url);
    set->lost[upstream] = false;
    if (addresses_are_same(set->addresses[upstream], text))
        return;
    copy = strdup(text);
    if (copy == NULL) /* the next round finds it, too */
        return;
    free(set->addresses[upstream]);
    set->addresses[upstream] = copy;
    log_write(LOG_LEVEL_INFO, "[route/%s] upstream %s is at %s now", r->name,
              u->url, text);
    children_send_addresses(m, upstream, text);
}

static void
not_found(struct master *m, struct upstream_set *set, size_t upstream,
          const char *why)
{
    const struct config_route *r;
    const struct config_upstream *u =
        upstream_at(m->current->config, upstream, &r);

    if (!set->lost[upstream])
        log_write(LOG_LEVEL_WARNING, "[route/%s] upstream %s: %s%s", r->name,
                  u->url, why,
                  set->addresses[upstream][0] != '\0'
                      ? "; its last addresses stay in use"
                      : "");
    set->lost[upstream] = true;
}

static bool
take(struct master *m, uint32_t type, const struct message *msg)
{
    struct upstream_set *set = &m->current->upstreams;
    const struct config_route *r;
    size_t upstream = (size_t)msg->result;

    if (msg->result < 0 || upstream >= set->count ||
        !is_name(upstream_at(m->current->config, upstream, &r)))
        return false;
    if (type == MESSAGE_NOT_FOUND)
        not_found(m, set, upstream, msg->text);
    else if (type == MESSAGE_FOUND && addresses_are_sound(msg->text))
        found(m, set, upstream, msg->text);
    else
        return false;
    return true;
}

static void
resolver_ready(void *arg, uint32_t events)
{
    struct master *m = arg;
    struct message msg;
    uint32_t type;
    int fd, got;

    (void)events;
    while ((got = message_receive(m->resolver.fd, &type, &msg, &fd)) > 0) {
        if (fd >= 0)
            close(fd);
        if (fd >= 0 || !take(m, type, &msg)) {
            log_write(LOG_LEVEL_ERROR, "the resolver says what it may not, "
                                       "and is ended");
            resolver_stop(m);
            return;
        }
    }
    if (got < 0)
        round_end(m);
}

void
resolver_stop(struct master *m)
{
    struct resolver *r = &m->resolver;

    if (r->fd < 0)
        return;
    if (r->pid > 0)
        kill(r->pid, SIGKILL);
    r->pid = 0;
    round_end(m);
}

void
resolver_reaped(struct master *m, pid_t pid, int status)
{
    if (m->resolver.pid != pid)
        return;
    m->resolver.pid = 0;
    if (status != 0)
        log_write(LOG_LEVEL_WARNING, "names of upstreams: a round ended with "
                                     "some of them not looked up");
}

static int
round_begin(struct master *m, struct error *err)
{
    struct resolver *r = &m->resolver;
    pid_t self = getpid();
    int ends[2];

    if (channel_pair(ends, err) < 0)
        return -1;
    r->pid = fork();
    if (r->pid == 0)
        resolver_run(m, m->current, ends[1], self);
    close(ends[1]);
    r->fd = ends[0];
    if (r->pid < 0) {
        r->pid = 0;
        close(r->fd);
        r->fd = -1;
        return error_set_errno(err, errno, "fork");
    }
    return loop_add(m->loop, r->fd, EPOLLIN, resolver_ready, m, err);
}

void
resolver_tick(struct master *m)
{
    struct resolver *r = &m->resolver;
    unsigned every_s = m->current->config->upstream_resolve_s;
    uint64_t now = clock_monotonic_ms();
    struct error err = {0, ""};

    if (m->phase != MASTER_RUNNING || r->fd >= 0 || every_s == 0)
        return;
    /* What it names was looked up when it was loaded. */
    if (r->setup != m->current) {
        r->setup = m->current;
        r->due_ms = now + (uint64_t)every_s * 1000;
    }
    if (now < r->due_ms)
        return;
    r->due_ms = now + (uint64_t)every_s * 1000;
    if (!has_names(m->current))
        return;
    if (round_begin(m, &err) < 0) {
        log_write(LOG_LEVEL_ERROR, "names of upstreams: %s", err.text);
        resolver_stop(m);
    }
}
