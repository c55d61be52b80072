#include <stdlib.h>
#include <string.h>

#include "gateway/proxy/transfer.h"

/* -- which route ---------------------------------------------------------- */

static bool
path_matches(const struct config_route *c, struct span path)
{
    struct span wanted = span_of(c->path);

    if (wanted.data[wanted.length - 1] != '/')
        return span_equal(path, wanted);
    return path.length >= wanted.length &&
           memcmp(path.data, wanted.data, wanted.length) == 0;
}

/* Past the parameters of a segment, which begin at a ';', and the '/' behind
 * one that is of nothing else. */
static size_t
skip_parameters(struct span path, size_t at)
{
    while (at < path.length && path.data[at] == ';') {
        bool empty = at > 0 && path.data[at - 1] == '/';

        while (at < path.length && path.data[at] != '/')
            at++;
        if (empty && at < path.length)
            at++;
    }
    return at;
}

/* As above for the most generous of servers; routes have no parameters. */
static bool
path_may_match(const struct config_route *c, struct span path)
{
    struct span wanted = span_of(c->path);
    size_t at = 0;

    for (size_t i = 0; i < wanted.length; i++) {
        at = skip_parameters(path, at);
        if (at == path.length ||
            ascii_lower(path.data[at]) != ascii_lower(wanted.data[i]))
            return false;
        at++;
    }
    return wanted.data[wanted.length - 1] == '/' ||
           skip_parameters(path, at) == path.length;
}

/* "Host: name:port"; the port is of the listener, not of the route. */
static bool
host_matches(const struct config_route *c, struct span host)
{
    char name[CONFIG_HOST_SIZE];
    const char *end;

    if (c->host_count == 0)
        return true;
    end = host.length > 0 && host.data[0] == '['
              ? memchr(host.data, ']', host.length)
              : NULL;
    if (end != NULL)
        host.length = (size_t)(end + 1 - host.data);
    else
        host = span_cut(host, ':', &(struct span){NULL, 0});
    if (!config_host_parse(host, name))
        return false;
    for (size_t i = 0; i < c->host_count; i++) {
        if (strcmp(c->hosts[i], name) == 0)
            return true;
    }
    return false;
}

static bool
method_matches(const struct config_route *c, const char *method)
{
    for (size_t i = 0; i < c->method_count; i++) {
        if (strcmp(c->methods[i], method) == 0)
            return true;
    }
    return c->method_count == 0;
}

static const struct proxy_route *
find(const struct proxy *p, struct span path, struct span host,
     const char *method, struct proxy_route_miss *miss)
{
    const struct config_route *longer = NULL;

    for (size_t i = 0; i < p->route_count; i++) {
        const struct config_route *c = p->routes[i].config;
        bool matches = path_matches(c, path);

        if ((!matches && (longer != NULL || !path_may_match(c, path))) ||
            !host_matches(c, host))
            continue;
        if (!matches) {
            longer = c;
            continue;
        }
        miss->two_ways =
            longer != NULL && strlen(longer->path) > strlen(c->path);
        /* A shorter path is another service. */
        if (miss->two_ways ||
            (miss->other != NULL && strcmp(miss->other->path, c->path) != 0))
            break;
        if (method_matches(c, method))
            return &p->routes[i];
        miss->other = c;
    }
    return NULL;
}

const struct proxy_route *
proxy_route_find(const struct proxy *p, struct span path, struct span host,
                 const char *method, struct proxy_route_miss *miss)
{
    struct proxy_route_miss unwanted;

    if (miss == NULL)
        miss = &unwanted;
    *miss = (struct proxy_route_miss){0};
    return find(p, path, host, method, miss);
}

const struct config_route *
proxy_route_config(const struct proxy_route *r)
{
    return r->config;
}

/* -- whether it is private ------------------------------------------------ */

const struct config_upstream *
proxy_route_open_upstream(const struct config_route *r)
{
    for (size_t i = 0; i < r->upstream_count; i++) {
        if (!config_upstream_is_private(r, &r->upstreams[i]))
            return &r->upstreams[i];
    }
    return NULL;
}

bool
proxy_route_is_private(const struct config_route *r)
{
    return r->upstream_count > 0 && proxy_route_open_upstream(r) == NULL;
}

/* -- which upstream ------------------------------------------------------- */

bool
upstream_has_address(const struct upstream *u)
{
    return u->config->numeric || u->config->unix_path != NULL ||
           u->place != NULL;
}

bool
proxy_route_leads_anywhere(const struct proxy_route *r)
{
    for (size_t i = 0; i < r->config->upstream_count; i++) {
        if (upstream_has_address(&r->upstreams[i]))
            return true;
    }
    return false;
}

static bool
upstream_is_up(const struct proxy_route *r, const struct upstream *u,
               uint64_t now)
{
    if (r->config->health_path != NULL)
        return !u->down;
    return u->failed_ms == 0 ||
           u->failed_ms + (uint64_t)r->config->retry_s * 1000 <= now;
}

static bool
upstream_is_ready(const struct proxy_route *r, const struct upstream *u)
{
    return u->config->service == NULL ||
           r->proxy->options.signer.ready(r->proxy->options.signer.arg,
                                          u->config);
}

bool
proxy_route_is_ready(const struct proxy_route *r)
{
    for (size_t i = 0; i < r->config->upstream_count; i++) {
        if (upstream_is_ready(r, &r->upstreams[i]))
            return true;
    }
    return r->config->upstream_count == 0;
}

struct upstream *
route_pick_upstream(struct proxy_route *r, uint64_t tried)
{
    size_t count = r->config->upstream_count;
    uint64_t now = clock_monotonic_ms();
    struct upstream *oldest = NULL;

    for (size_t i = 0; i < count; i++) {
        size_t at = (r->next_upstream + i) % count;
        struct upstream *u = &r->upstreams[at];

        if ((tried & (UINT64_C(1) << at)) || !upstream_has_address(u) ||
            !upstream_is_ready(r, u))
            continue;
        if (upstream_is_up(r, u, now)) {
            r->next_upstream = (at + 1) % count;
            return u;
        }
        if (oldest == NULL || u->failed_ms < oldest->failed_ms)
            oldest = u;
    }
    return oldest;
}

struct proxy_route *
route_of(const struct proxy *p, const struct upstream *u)
{
    struct proxy_route *r = p->routes;

    while (u < r->upstreams || u >= r->upstreams + r->config->upstream_count)
        r++;
    return r;
}

bool
proxy_upstream_is_up(const struct proxy *p, size_t upstream)
{
    const struct upstream *u = &p->upstreams[upstream];
    const struct proxy_route *r = route_of(p, u);

    return upstream_has_address(u) &&
           upstream_is_up(r, u, clock_monotonic_ms());
}

void
upstream_turn(struct proxy_route *r, struct upstream *u, bool up,
              const char *why)
{
    const struct proxy_options *o = &r->proxy->options;

    if (u->down == !up)
        return;
    u->down = !up;
    r->proxy->counts.turned++;
    if (o->turned != NULL)
        o->turned(o->arg, (size_t)(u - r->proxy->upstreams), up, why);
}

void
upstream_failed(struct proxy_route *r, struct upstream *u, const char *why)
{
    u->failed_ms = clock_monotonic_ms();
    if (r->config->health_path != NULL)
        upstream_turn(r, u, false, why);
}

/* Another server, of which nothing is known. */
void
upstream_moved(struct proxy_route *r, struct upstream *u)
{
    u->failed_ms = 0;
    if (r->config->health_path == NULL)
        return;
    check_restart(u);
    upstream_turn(r, u, true, "it has another address");
}
