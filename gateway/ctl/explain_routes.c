#include "gateway/ctl/explain.h"

#include "gateway/ctl/ctl.h"
#include "gateway/proxy/proxy.h"

static void
print_list(const char *label, const char *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fputs(i == 0 ? label : ", ", stdout);
        ctl_print_text(stdout, span_of(items[i]), false);
    }
}

static void
print_verdict(const struct config_route *r, enum authn_level required)
{
    const struct config_upstream *open = proxy_route_open_upstream(r);

    if (r->upstream_count == 0) {
        puts("  nothing is forwarded: for /auth alone");
    } else if (open == NULL) {
        puts("  the hop is private");
    } else if (required == AUTHN_LEVEL_PKT_PRIVACY) {
        fputs("  upstream-not-private: requests are refused with 403, as the "
              "way to ",
              stdout);
        ctl_print_text(stdout, span_of(open->url), false);
        puts(" is not private");
    } else {
        puts("  the hop is not private, and need not be");
    }
}

static void
print_route(const struct config_route *r, enum authn_level required)
{
    printf("\nroute ");
    ctl_print_text(stdout, span_of(r->name), false);
    fputs(" (", stdout);
    ctl_print_text(stdout, span_of(r->path), false);
    print_list(", hosts ", r->hosts, r->host_count);
    print_list(", methods ", r->methods, r->method_count);
    puts(r->protocol == ROUTE_HTTP ? ")" : "), of requests that name it");
    for (size_t i = 0; i < r->upstream_count; i++) {
        fputs("  upstream ", stdout);
        ctl_print_text(stdout, span_of(r->upstreams[i].url), false);
        putchar('\n');
    }
    print_verdict(r, required);
}

void
explain_routes(const struct config *c, const struct namespace_path *ns,
               enum authn_level required)
{
    for (size_t i = 0; i < c->route_count; i++) {
        if (config_route_leads_to(c, &c->routes[i], ns))
            print_route(&c->routes[i], required);
    }
}
