#include "gateway/proxy/transfer.h"

#include "tests/support/support.h"

SUITE(route);

static const struct config_upstream unix_socket = {.url = "unix:/s",
                                                   .unix_path = "/s"};
static const struct config_upstream https = {
    .url = "https://h", .tls = true, .host = "h", .port = 443};
static const struct config_upstream loopback = {.url = "http://127.0.0.1",
                                                .host = "127.0.0.1",
                                                .port = 80,
                                                .numeric = true,
                                                .loopback = true};
static const struct config_upstream http = {
    .url = "http://h", .host = "h", .port = 80};

Test(route, is_private_only_if_the_way_to_each_upstream_is)
{
    static const struct {
        const struct config_upstream *first, *second;
        bool local, expected;
    } rows[] = {
        {&unix_socket, NULL, false, true}, {&https, NULL, false, true},
        {&loopback, NULL, false, false},   {&loopback, NULL, true, true},
        {&http, NULL, false, false},       {&http, NULL, true, false},
        {&https, &http, true, false},      {&https, &unix_socket, false, true},
        {&http, &https, false, false},     {&https, &loopback, false, false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct config_upstream two[2] = {*rows[i].first, {0}};
        struct config_route r = {
            .upstreams = two, .upstream_count = 1, .local = rows[i].local};

        if (rows[i].second != NULL)
            two[r.upstream_count++] = *rows[i].second;
        cr_expect_eq(proxy_route_is_private(&r), rows[i].expected, "row %zu",
                     i);
    }
    cr_expect_not(proxy_route_is_private(&(struct config_route){0}));
}

/* Sorted as check_routes sorts them. */
static struct proxy *
routes(struct config *c, struct loop *loop)
{
    static const char *const hosts[] = {"a.example", "::1"};
    static const char *const methods[] = {"GET"};
    static struct config_route list[4];
    static const char *const addresses[4] = {"", "", "", ""};
    struct proxy_options options = {
        .loop = loop, .config = c, .addresses = addresses};
    struct proxy *p;

    for (size_t i = 0; i < ARRAY_COUNT(list); i++)
        list[i] = (struct config_route){
            .upstreams = &loopback, .upstream_count = 1, .connections_max = 1};
    list[0].path = "/a/b/";
    list[0].methods = methods;
    list[0].method_count = 1;
    list[1].path = "/a/";
    list[1].hosts = hosts;
    list[1].host_count = 2;
    list[2].path = "/a/";
    list[3].path = "/x";
    c->routes = list;
    c->route_count = ARRAY_COUNT(list);
    cr_assert_eq(proxy_new(&options, &p, NULL), 0);
    return p;
}

Test(route, is_the_one_with_the_longest_path_and_the_host)
{
    struct config c = {0};
    struct loop *loop = loop_new(NULL);
    struct proxy *p = routes(&c, loop);
    static const struct {
        const char *path, *host, *method;
        int expected; /* -1: none, -2: none for the method, -3: two ways */
    } rows[] = {
        {"/a/b/c", "h", "GET", 0},
        {"/a/b/", "h", "GET", 0},
        {"/a/b", "h", "GET", 2},
        {"/a/b/c", "h", "PUT", -2},
        {"/a/c", "A.Example", "GET", 1},
        {"/a/c", "a.example:8443", "GET", 1},
        {"/a/c", "[::1]:1", "GET", 1},
        {"/a/c", "a.example.", "GET", 2},
        {"/a/c", "", "GET", 2},
        {"/a/c", NULL, "DELETE", 2},
        {"/a", "h", "GET", -1},
        {"/x", "h", "POST", 3},
        {"/x/", "h", "POST", -1},
        {"/xy", "h", "POST", -1},
        {"/", "h", "GET", -1},
        /* Some server may read the path of a longer one. */
        {"/a/B/c", "h", "GET", -3},
        {"/a/b;x/c", "h", "GET", -3},
        {"/a/B;x=1;y/c", "h", "PUT", -3},
        {"/a/b;/", "h", "GET", -3},
        {"/a/;x/;y/b;z/c", "h", "GET", -3},
        {"/;/a/b/c", "h", "GET", -1},
        {"/a/b;x", "h", "GET", 2},
        {"/a/bb;x/c", "h", "GET", 2},
        {"/a/c;b/", "h", "GET", 2},
        {"/a/c/B/", "h", "GET", 2},
        {"/a/b/C;x", "h", "GET", 0},
        {"/a/B/c", "a.example", "GET", -3},
        /* There is none that asks for less. */
        {"/A/c", "h", "GET", -1},
        {"/a;x/c", "h", "GET", -1},
        {"/X;x", "h", "GET", -1},
        {";/", "h", "GET", -1},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct proxy_route_miss miss;
        const struct proxy_route *r =
            proxy_route_find(p, span_of(rows[i].path), span_of(rows[i].host),
                             rows[i].method, &miss);
        int found = r != NULL       ? (int)(proxy_route_config(r) - c.routes)
                    : miss.two_ways ? -3
                    : miss.other != NULL ? -2
                                         : -1;

        cr_expect_eq(found, rows[i].expected, "%s %s: %d", rows[i].path,
                     rows[i].host, found);
    }
    proxy_free(p);
    loop_free(loop);
}

Test(route, asks_upstreams_in_turn_and_those_that_failed_last)
{
    struct config_upstream configs[3] = {loopback, loopback, loopback};
    struct config_route config = {
        .upstreams = configs, .upstream_count = 3, .retry_s = 600};
    struct upstream u[3] = {{.config = &configs[0]},
                            {.config = &configs[1]},
                            {.config = &configs[2]}};
    struct proxy p = {0};
    struct proxy_route r = {.proxy = &p, .config = &config, .upstreams = u};

    for (size_t i = 0; i < 6; i++)
        cr_expect_eq(route_pick_upstream(&r, 0), &u[i % 3]);
    upstream_failed(&r, &u[0], "");
    cr_expect_eq(route_pick_upstream(&r, 0), &u[1]);
    cr_expect_eq(route_pick_upstream(&r, 0), &u[2]);
    cr_expect_eq(route_pick_upstream(&r, 0), &u[1]);
    /* The others were tried: it is better than none. */
    cr_expect_eq(route_pick_upstream(&r, 6), &u[0]);
    cr_expect_null(route_pick_upstream(&r, 7));
    /* A name that was not found is never asked. */
    configs[0].numeric = false;
    cr_expect_null(route_pick_upstream(&r, 6));
}

static unsigned turned_up, turned_down;

static void
turned(void *arg, size_t upstream, bool up, const char *why)
{
    (void)arg;
    cr_expect_eq(upstream, 1);
    cr_expect_str_eq(why, up ? "good" : "bad");
    turned_up += up;
    turned_down += !up;
}

Test(route, keeps_upstreams_that_are_checked_out_until_a_check_succeeds)
{
    struct config_upstream configs[3] = {loopback, loopback, loopback};
    struct config_route config = {
        .upstreams = configs, .upstream_count = 3, .health_path = "/h"};
    struct upstream u[3] = {{.config = &configs[0]},
                            {.config = &configs[1]},
                            {.config = &configs[2]}};
    struct proxy_route r = {.config = &config, .upstreams = u};
    struct proxy p = {.options = {.turned = turned},
                      .route_count = 1,
                      .routes = &r,
                      .upstream_count = 3,
                      .upstreams = u};

    r.proxy = &p;
    for (int i = 0; i < 2; i++)
        upstream_failed(&r, &u[1], "bad");
    cr_expect_not(proxy_upstream_is_up(&p, 1));
    cr_expect(proxy_upstream_is_up(&p, 2));
    for (int i = 0; i < 4; i++)
        cr_expect_neq(route_pick_upstream(&r, 0), &u[1]);
    for (int i = 0; i < 2; i++)
        upstream_turn(&r, &u[1], true, "good");
    cr_expect(proxy_upstream_is_up(&p, 1));
    cr_expect_eq(turned_down, 1);
    cr_expect_eq(turned_up, 1);
    cr_expect_eq(p.counts.turned, 2);
    /* All are down: the oldest failure first. */
    for (size_t i = 0; i < 3; i++) {
        u[i].down = true;
        u[i].failed_ms = (i + 1) % 3 + 5;
    }
    cr_expect_eq(route_pick_upstream(&r, 0), &u[2]);
    cr_expect_eq(route_pick_upstream(&r, 4), &u[0]);
}
