/* A worker and the servers behind it. */
#include "gateway/server/addresses.h"
#include "gateway/server/identity.h"
#include "gateway/server/worker.h"

static void
tell_all(struct worker *w)
{
    for (size_t i = 0; i < w->boot->upstreams->count; i++)
        upstream_set_tell(w->boot->upstreams, w->boot->slot, i,
                          proxy_upstream_is_up(w->proxy, i));
}

void
upstreams_watch(struct worker *w)
{
    struct proxy_counts n;

    proxy_sweep(w->proxy);
    n = proxy_counts(w->proxy);
    atomic_store(&w->counters->forwarded, n.sent);
    atomic_store(&w->counters->upstream_failures, n.failed);
    atomic_store(&w->counters->upstream_active, n.active);
    atomic_store(&w->counters->upstream_turned, n.turned);
    tell_all(w);
}

/* Said by the first worker that finds one down, and by the last that finds it
 * up again. */
static void
upstream_turned(void *arg, size_t upstream, bool up, const char *why)
{
    struct worker *w = arg;
    const struct upstream_set *set = w->boot->upstreams;
    const struct config_route *r = w->boot->config->routes;
    unsigned down = upstream_set_tally(set, upstream).down;
    size_t i = upstream;

    upstream_set_tell(set, w->boot->slot, upstream, up);
    if (up)
        down = upstream_set_tally(set, upstream).down;
    if (down > 0)
        return;
    for (; i >= r->upstream_count; r++)
        i -= r->upstream_count;
    log_write(up ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING,
              "[route/%s] upstream %s is %s: %s", r->name, r->upstreams[i].url,
              up ? "up again" : "down", why);
}

void
upstreams_take(struct worker *w, int upstream, const char *addresses)
{
    if (w->proxy != NULL && upstream >= 0 &&
        (size_t)upstream < w->boot->upstreams->count &&
        addresses_are_sound(addresses) &&
        !proxy_set_addresses(w->proxy, (size_t)upstream, addresses))
        log_write(LOG_LEVEL_ERROR, "changed addresses: out of memory");
}

int
upstreams_open(struct worker *w, struct error *err)
{
    const struct worker_boot *boot = w->boot;
    struct proxy_options options = {
        .loop = w->loop,
        .config = boot->config,
        .addresses = (const char *const *)boot->upstreams->addresses,
        .turned = upstream_turned,
        .arg = w,
    };

    if (boot->config->route_count == 0)
        return 0;
    if (config_signs_in(boot->config)) {
        if (identity_new(w, &w->identity, err) < 0)
            return -1;
        options.signer = identity_signer(w->identity);
    }
    if (proxy_new(&options, &w->proxy, err) < 0)
        return -1;
    tell_all(w);
    return 0;
}
