/* [route/NAME]: whose requests are forwarded, and whether they may be. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/config/check.h"

static int
check_needed(const struct config_route *r, const struct ini_section *s,
             struct error *err)
{
    bool said = r->protocol != ROUTE_HTTP || r->namespace.length > 0;
    const char *missing = r->path == NULL        ? "path"
                          : !said                ? "namespace"
                          : r->upstreams == NULL ? "upstream"
                                                 : NULL;

    if (missing != NULL)
        return draft_fail(s, NULL, err, "[route/%s] needs %s", s->name,
                          missing);
    return 0;
}

/* The requests say it: what could be said here as well would be ignored, or
 * contradict them. */
static int
check_protocol(const struct config_route *r, const struct ini_section *s,
               struct error *err)
{
    if (r->protocol == ROUTE_HTTP)
        return 0;
    if (r->namespace.length > 0)
        return draft_fail(s, "namespace", err,
                          "namespace: each request of this protocol says its "
                          "own");
    if (r->method_count > 0)
        return draft_fail(s, "methods", err,
                          "methods: there is only POST in this protocol");
    if (r->upstream_count == 0)
        return draft_fail(s, "upstream", err,
                          "upstream = none: /auth does not see what requests "
                          "of this protocol are about");
    return 0;
}

/* What is written down for one kind of upstream only, and for no other. */
static int
check_upstreams(struct draft *d, const struct config_route *r,
                const struct ini_section *s, struct error *err)
{
    bool tls = false, loopback = false;
    bool based = r->upstream_count > 0 && r->upstreams[0].base != NULL;

    if (r->upstream_count > 64)
        return draft_fail(s, "upstream", err, "upstream: more than 64");
    for (size_t i = 0; i < r->upstream_count; i++) {
        const struct config_upstream *u = &r->upstreams[i];

        tls |= u->tls;
        loopback |= !u->tls && u->loopback;
        if ((u->base != NULL) != based ||
            (based && strcmp(u->base, r->upstreams[0].base) != 0))
            return draft_fail(s, "upstream", err,
                              "upstream: all of a route have the same path");
    }
    if (based &&
        (r->path[strlen(r->path) - 1] == '/') !=
            (r->upstreams[0].base[strlen(r->upstreams[0].base) - 1] == '/'))
        return draft_fail(s, "upstream", err,
                          "upstream: %s takes the place of %s: both end in a "
                          "slash, or none",
                          r->upstreams[0].base, r->path);
    if (r->health_path != NULL && r->upstream_count == 0)
        return draft_fail(s, "health_path", err,
                          "health_path: there is no server to ask");
    if (r->local && !loopback)
        return draft_fail(s, "channel", err,
                          "channel = local is about http to the loopback "
                          "address, and no upstream is that");
    if ((r->upstream_ca != NULL || r->upstream_certificate != NULL) && !tls)
        return draft_fail(
            s, r->upstream_ca != NULL ? "upstream_ca" : "upstream_certificate",
            err, "no upstream is reached by https");
    if ((r->upstream_certificate == NULL) != (r->upstream_key == NULL))
        return draft_fail(
            s,
            r->upstream_key != NULL ? "upstream_key" : "upstream_certificate",
            err, "upstream_certificate and upstream_key go together");
    if (check_file(d, s, "upstream_ca", r->upstream_ca, err) < 0 ||
        check_file(d, s, "upstream_certificate", r->upstream_certificate,
                   err) < 0)
        return -1;
    return check_file(d, s, "upstream_key", r->upstream_key, err);
}

/* -- identity = negotiate ------------------------------------------------- */

bool
config_upstream_is_private(const struct config_route *r,
                           const struct config_upstream *u)
{
    return u->unix_path != NULL || u->tls || (r->local && u->loopback);
}

bool
config_signs_in(const struct config *c)
{
    for (size_t i = 0; i < c->route_count; i++) {
        if (c->routes[i].negotiate)
            return true;
    }
    return false;
}

static bool
is_listed(const char *const *services, size_t count, const char *service)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(services[i], service) == 0)
            return true;
    }
    return false;
}

const char **
config_services(const struct config *c, size_t *count_out)
{
    const char **services;
    size_t most = 0, count = 0;

    *count_out = 0;
    for (size_t i = 0; i < c->route_count; i++)
        most += c->routes[i].upstream_count;
    services = calloc(most + 1, sizeof(*services));
    if (services == NULL)
        return NULL;
    for (size_t i = 0; i < c->route_count; i++) {
        const struct config_route *r = &c->routes[i];

        for (size_t j = 0; j < r->upstream_count; j++) {
            const char *service = r->upstreams[j].service;

            if (service != NULL && !is_listed(services, count, service))
                services[count++] = service;
        }
    }
    *count_out = count;
    return services;
}

static int
check_service(struct draft *d, const struct config_route *r,
              struct config_upstream *u, const struct ini_section *s,
              struct error *err)
{
    char name[CONFIG_HOST_SIZE + 8];

    /* Whoever reads it could use it before it arrives. */
    if (!config_upstream_is_private(r, u))
        return draft_fail(s, "identity", err,
                          "identity = negotiate: the way to %s is not "
                          "private, and the gateway's token could be taken "
                          "from it",
                          u->url);
    u->service = r->upstream_principal;
    if (u->service != NULL)
        return 0;
    if (u->unix_path != NULL || u->numeric)
        return draft_fail(s, "identity", err,
                          "identity = negotiate needs upstream_principal: "
                          "%s has no host name",
                          u->url);
    snprintf(name, sizeof(name), "HTTP@%s", u->host);
    u->service = arena_copy(d->arena, span_of(name));
    return u->service != NULL ? 0
                              : error_set_errno(err, ENOMEM, "configuration");
}

static int
check_identity(struct draft *d, struct config_route *r,
               const struct ini_section *s, struct error *err)
{
    if (!r->negotiate && r->upstream_principal != NULL)
        return draft_fail(s, "upstream_principal", err,
                          "upstream_principal means nothing without identity "
                          "= negotiate");
    if (!r->negotiate)
        return 0;
    if (r->upstream_count == 0)
        return draft_fail(s, "identity", err,
                          "identity = negotiate needs an upstream");
    if (r->forward_token)
        return draft_fail(s, "forward_token", err,
                          "forward_token = yes with identity = negotiate: "
                          "there is one Authorization");
    if (d->config->callback.client_keytab == NULL)
        return draft_fail(s, "identity", err,
                          "identity = negotiate needs client_keytab in "
                          "[callback]: the gateway's own keys as a client");
    for (size_t i = 0; i < r->upstream_count; i++) {
        struct config_upstream *u = (void *)(uintptr_t)&r->upstreams[i];

        if (check_service(d, r, u, s, err) < 0)
            return -1;
    }
    return 0;
}

/* -- one route a request -------------------------------------------------- */

static bool
hosts_meet(const struct config_route *a, const struct config_route *b)
{
    if (a->host_count == 0 || b->host_count == 0)
        return a->host_count == b->host_count;
    for (size_t i = 0; i < a->host_count; i++) {
        for (size_t j = 0; j < b->host_count; j++) {
            if (strcmp(a->hosts[i], b->hosts[j]) == 0)
                return true;
        }
    }
    return false;
}

static bool
methods_meet(const struct config_route *a, const struct config_route *b)
{
    if (a->method_count == 0 || b->method_count == 0)
        return a->method_count == b->method_count;
    for (size_t i = 0; i < a->method_count; i++) {
        for (size_t j = 0; j < b->method_count; j++) {
            if (strcmp(a->methods[i], b->methods[j]) == 0)
                return true;
        }
    }
    return false;
}

/* A request has one route. */
static int
check_doubles(struct draft *d, size_t i, struct error *err)
{
    const struct config_route *r = &d->routes[i];

    for (size_t j = 0; j < i; j++) {
        const struct config_route *o = &d->routes[j];

        if (strcmp(o->path, r->path) == 0 && hosts_meet(o, r) &&
            methods_meet(o, r))
            return draft_fail(d->route_sections[i], "path", err,
                              "path = %s: [route/%s] has it already", r->path,
                              o->name);
    }
    return 0;
}

/* Longest first; then those that name hosts, those that name methods, and as
 * they were written. */
static int
by_reach(const void *a, const void *b)
{
    const struct config_route *x = a, *y = b;
    size_t n = strlen(x->path), m = strlen(y->path);

    if (n != m)
        return n > m ? -1 : 1;
    if ((x->host_count > 0) != (y->host_count > 0))
        return x->host_count > 0 ? -1 : 1;
    if ((x->method_count > 0) != (y->method_count > 0))
        return x->method_count > 0 ? -1 : 1;
    return strcmp(x->name, y->name);
}

int
check_routes(struct draft *d, struct error *err)
{
    struct config *c = d->config;

    for (size_t i = 0; i < c->route_count; i++) {
        struct config_route *r = &d->routes[i];
        const struct ini_section *s = d->route_sections[i];

        if (check_needed(r, s, err) < 0 || check_protocol(r, s, err) < 0 ||
            check_upstreams(d, r, s, err) < 0 ||
            check_identity(d, r, s, err) < 0 || check_doubles(d, i, err) < 0)
            return -1;
        if (r->protocol == ROUTE_HTTP &&
            config_access(c, &r->namespace) == NULL)
            return draft_fail(s, "namespace", err,
                              "namespace = %s: a route needs [access/%s], "
                              "which says who may come in",
                              r->namespace.text, r->namespace.text);
    }
    qsort(d->routes, c->route_count, sizeof(*d->routes), by_reach);
    return 0;
}
