#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "gateway/proxy/transfer.h"

/* -- what the library is told --------------------------------------------- */

/* A descriptor of the library's in the caller's loop. */
struct socket_watch {
    struct proxy_route *route;
    curl_socket_t fd;
};

/* What has ended, while nothing of the library is on the stack. */
static void
route_collect(struct proxy_route *r)
{
    struct proxy_transfer *t, *next;
    struct CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(r->multi, &left)) != NULL) {
        CURLcode code = m->data.result;

        if (m->msg != CURLMSG_DONE ||
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t) !=
                CURLE_OK)
            continue;
        transfer_done(t, code);
    }
    for (t = TAILQ_FIRST(&r->transfers); t != NULL; t = next) {
        next = TAILQ_NEXT(t, link);
        if (t->freed)
            transfer_destroy(t);
    }
}

static void
socket_ready(void *arg, uint32_t events)
{
    struct socket_watch *w = arg;
    struct proxy_route *r = w->route;
    curl_socket_t fd = w->fd;
    int mask = 0, running;

    if (events & EPOLLIN)
        mask |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        mask |= CURL_CSELECT_OUT;
    if (events & (EPOLLERR | EPOLLHUP))
        mask |= CURL_CSELECT_ERR;
    r->inside++;
    curl_multi_socket_action(r->multi, fd, mask, &running);
    r->inside--;
    route_collect(r);
}

static uint32_t
epoll_events(int what)
{
    return (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
           (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
}

static int
socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct proxy_route *r = arg;
    struct socket_watch *w = known;

    (void)easy;
    if (w != NULL)
        loop_remove(r->proxy->options.loop, fd);
    if (what == CURL_POLL_REMOVE) {
        free(w);
        return 0;
    }
    if (w == NULL) {
        w = calloc(1, sizeof(*w));
        if (w == NULL)
            return -1;
        *w = (struct socket_watch){r, fd};
        curl_multi_assign(r->multi, fd, w);
    }
    return loop_add(r->proxy->options.loop, fd, epoll_events(what),
                    socket_ready, w, NULL);
}

static int
timer_wanted(CURLM *multi, long timeout_ms, void *arg)
{
    struct proxy_route *r = arg;

    (void)multi;
    r->timer_ms =
        timeout_ms < 0 ? 0 : clock_monotonic_ms() + (uint64_t)timeout_ms;
    return 0;
}

static int
route_open_multi(struct proxy_route *r, struct error *err)
{
    r->multi = curl_multi_init();
    if (r->multi == NULL)
        return error_set_errno(err, ENOMEM, "route '%s'", r->config->name);
    curl_multi_setopt(r->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
    curl_multi_setopt(r->multi, CURLMOPT_SOCKETDATA, r);
    curl_multi_setopt(r->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
    curl_multi_setopt(r->multi, CURLMOPT_TIMERDATA, r);
    curl_multi_setopt(r->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(r->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                      (long)r->config->connections_max);
    curl_multi_setopt(
        r->multi, CURLMOPT_MAXCONNECTS,
        (long)(r->config->connections_max * r->config->upstream_count));
    return 0;
}

/* -- the proxy ------------------------------------------------------------ */

static int
route_open_upstreams(struct proxy_route *r, const char *const *addresses,
                     struct error *err)
{
    const struct config_route *c = r->config;

    r->upstreams = calloc(c->upstream_count, sizeof(*r->upstreams));
    if (r->upstreams == NULL)
        return error_set_errno(err, ENOMEM, "route '%s'", c->name);
    for (size_t i = 0; i < c->upstream_count; i++) {
        struct upstream *u = &r->upstreams[i];
        struct buf line = BUF_INIT;

        u->config = &c->upstreams[i];
        u->address = addresses[i];
        if (u->config->numeric || u->config->unix_path != NULL)
            continue;
        buf_addf(&line, "%s:%u:%s", u->config->host, (unsigned)u->config->port,
                 u->address);
        if (!buf_failed(&line) && u->address[0] != '\0')
            u->resolve = curl_slist_append(NULL, line.data);
        buf_fini(&line);
        if (u->resolve == NULL && u->address[0] != '\0')
            return error_set_errno(err, ENOMEM, "route '%s'", c->name);
    }
    return 0;
}

int
proxy_new(const struct proxy_options *options, struct proxy **out,
          struct error *err)
{
    const struct config *c = options->config;
    const char *const *addresses = options->addresses;
    struct proxy *p = calloc(1, sizeof(*p));

    *out = NULL;
    if (p != NULL)
        p->routes = calloc(c->route_count + 1, sizeof(*p->routes));
    if (p == NULL || p->routes == NULL) {
        proxy_free(p);
        return error_set_errno(err, ENOMEM, "routes");
    }
    p->options = *options;
    for (size_t i = 0; i < c->route_count; i++) {
        struct proxy_route *r = &p->routes[i];

        *r = (struct proxy_route){.proxy = p, .config = &c->routes[i]};
        TAILQ_INIT(&r->transfers);
        p->route_count = i + 1;
        if (route_open_multi(r, err) < 0 ||
            route_open_upstreams(r, addresses, err) < 0)
        {
            proxy_free(p);
            return -1;
        }
        addresses += c->routes[i].upstream_count;
    }
    *out = p;
    return 0;
}

static void
route_close(struct proxy_route *r)
{
    struct proxy_transfer *t;

    while ((t = TAILQ_FIRST(&r->transfers)) != NULL)
        transfer_destroy(t);
    if (r->multi != NULL)
        curl_multi_cleanup(r->multi);
    for (size_t i = 0; r->upstreams != NULL && i < r->config->upstream_count;
         i++)
        curl_slist_free_all(r->upstreams[i].resolve);
    free(r->upstreams);
}

void
proxy_free(struct proxy *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->route_count; i++)
        route_close(&p->routes[i]);
    free(p->routes);
    free(p);
}

struct proxy_counts
proxy_counts(const struct proxy *p)
{
    return p->counts;
}

/* -- time ----------------------------------------------------------------- */

int
proxy_timeout_ms(const struct proxy *p)
{
    uint64_t next = UINT64_MAX, now;

    for (size_t i = 0; i < p->route_count; i++) {
        uint64_t at = p->routes[i].timer_ms;

        if (at != 0 && at < next)
            next = at;
    }
    if (next == UINT64_MAX)
        return -1;
    now = clock_monotonic_ms();
    if (next <= now)
        return 0;
    return next - now < 3600000 ? (int)(next - now) : 3600000;
}

void
proxy_run(struct proxy *p)
{
    uint64_t now = clock_monotonic_ms();
    int running;

    for (size_t i = 0; i < p->route_count; i++) {
        struct proxy_route *r = &p->routes[i];

        if (r->timer_ms == 0 || r->timer_ms > now)
            continue;
        r->timer_ms = 0;
        r->inside++;
        curl_multi_socket_action(r->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        r->inside--;
        route_collect(r);
    }
}

void
proxy_sweep(struct proxy *p)
{
    uint64_t now = clock_monotonic_ms();

    for (size_t i = 0; i < p->route_count; i++) {
        struct proxy_transfer *t, *next;

        for (t = TAILQ_FIRST(&p->routes[i].transfers); t != NULL; t = next) {
            next = TAILQ_NEXT(t, link);
            if (!t->ended && t->deadline_ms != 0 && t->deadline_ms <= now)
                transfer_expire(t);
        }
    }
}
