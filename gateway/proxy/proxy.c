/* All routes together. */
#include <errno.h>
#include <stdlib.h>

#include "gateway/proxy/transfer.h"

/* -- life ----------------------------------------------------------------- */

static void
route_collect(void *arg)
{
    struct proxy_route *r = arg;
    struct proxy_transfer *t, *next;
    CURLcode code;

    while ((t = multi_ended(&r->multi, &code)) != NULL)
        transfer_done(t, code);
    for (t = TAILQ_FIRST(&r->transfers); t != NULL; t = next) {
        next = TAILQ_NEXT(t, link);
        if (t->freed) {
            transfer_destroy(t);
        } else if (t->unseen) {
            t->unseen = t->held = false;
            t->seen = true; /* there is room, and it wants to read on */
            if (!t->ended)
                transfer_unpause(t);
        }
    }
}

static int
route_open_multi(struct proxy_route *r, struct error *err)
{
    const struct config_route *c = r->config;

    if (multi_open(&r->multi, r->proxy->options.loop, route_collect, r, err) <
        0)
        return error_prefix(err, "route '%s'", c->name);
    r->multi.has_transfers = true;
    curl_multi_setopt(r->multi.handle, CURLMOPT_MAX_HOST_CONNECTIONS,
                      (long)c->connections_max);
    curl_multi_setopt(r->multi.handle, CURLMOPT_MAXCONNECTS,
                      (long)(c->connections_max * c->upstream_count));
    return 0;
}

static int
upstream_open(struct proxy_route *r, struct upstream *u,
              const struct config_upstream *config, const char *address,
              struct error *err)
{
    u->config = config;
    if (r->config->health_path != NULL && check_open(r, u, err) < 0)
        return -1;
    if (config->numeric || config->unix_path != NULL || address[0] == '\0')
        return 0;
    u->place = place_new(config, address, 0, NULL);
    return u->place != NULL
               ? 0
               : error_set_errno(err, ENOMEM, "route '%s'", r->config->name);
}

/* at: of its first upstream. */
static int
route_open(struct proxy *p, const struct config_route *c, size_t at,
           struct error *err)
{
    struct proxy_route *r = &p->routes[p->route_count];

    *r = (struct proxy_route){
        .proxy = p, .config = c, .upstreams = p->upstreams + at};
    TAILQ_INIT(&r->transfers);
    p->route_count++;
    if (route_open_multi(r, err) < 0)
        return -1;
    for (size_t i = 0; i < c->upstream_count; i++) {
        if (upstream_open(r, &r->upstreams[i], &c->upstreams[i],
                          p->options.addresses[at + i], err) < 0)
            return -1;
    }
    return 0;
}

int
proxy_new(const struct proxy_options *options, struct proxy **out,
          struct error *err)
{
    const struct config *c = options->config;
    struct proxy *p = calloc(1, sizeof(*p));
    size_t at = 0;

    *out = NULL;
    if (p == NULL)
        return error_set_errno(err, ENOMEM, "routes");
    p->options = *options;
    for (size_t i = 0; i < c->route_count; i++)
        p->upstream_count += c->routes[i].upstream_count;
    p->routes = calloc(c->route_count + 1, sizeof(*p->routes));
    p->upstreams = calloc(p->upstream_count + 1, sizeof(*p->upstreams));
    if (p->routes == NULL || p->upstreams == NULL) {
        proxy_free(p);
        return error_set_errno(err, ENOMEM, "routes");
    }
    if (multi_open(&p->checks, options->loop, checks_collect, p, err) < 0) {
        proxy_free(p);
        return -1;
    }
    for (size_t i = 0; i < c->route_count; i++) {
        if (route_open(p, &c->routes[i], at, err) < 0) {
            proxy_free(p);
            return -1;
        }
        at += c->routes[i].upstream_count;
    }
    *out = p;
    return 0;
}

void
proxy_free(struct proxy *p)
{
    struct proxy_transfer *t;

    if (p == NULL)
        return;
    for (size_t i = 0; i < p->route_count; i++) {
        while ((t = TAILQ_FIRST(&p->routes[i].transfers)) != NULL)
            transfer_destroy(t);
        multi_close(&p->routes[i].multi);
    }
    for (size_t i = 0; p->upstreams != NULL && i < p->upstream_count; i++) {
        check_close(&p->upstreams[i]);
        place_leave(p->upstreams[i].place);
    }
    multi_close(&p->checks);
    free(p->routes);
    free(p->upstreams);
    free(p);
}

bool
proxy_set_addresses(struct proxy *p, size_t upstream, const char *addresses)
{
    struct upstream *u = &p->upstreams[upstream];
    struct place *place =
        place_new(u->config, addresses, ++p->places, u->place);

    if (place == NULL)
        return false;
    place_leave(u->place);
    u->place = place;
    upstream_moved(route_of(p, u), u);
    return true;
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
    uint64_t next = p->checks.timer_ms, now;

    for (size_t i = 0; i < p->route_count; i++) {
        uint64_t at = p->routes[i].multi.timer_ms;

        if (at != 0 && (next == 0 || at < next))
            next = at;
    }
    if (next == 0)
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

    for (size_t i = 0; i < p->route_count; i++)
        multi_run(&p->routes[i].multi, now);
    multi_run(&p->checks, now);
}

void
proxy_sweep(struct proxy *p)
{
    uint64_t now = clock_monotonic_ms();

    for (size_t i = 0; i < p->route_count; i++) {
        struct proxy_transfer *t, *next;

        for (t = TAILQ_FIRST(&p->routes[i].transfers); t != NULL; t = next) {
            next = TAILQ_NEXT(t, link);
            if (!t->ended && !t->freed && t->deadline_ms != 0 &&
                t->deadline_ms <= now)
                transfer_expire(t);
        }
    }
    for (size_t i = 0; i < p->upstream_count; i++)
        check_start_if_due(&p->upstreams[i], now);
}
