#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gateway/config/written.h"

SUITE(config_route);

/* Nine lines; a route begins at line 10. */
#define ROUTE_BASE                                                            \
    "[nsgate]\n"                                                              \
    "state_dir = DIR/state\n"                                                 \
    "runtime_dir = DIR/run\n"                                                 \
    "keytab = DIR/keytab\n"                                                   \
    "acceptor = HTTP@gw.example.com\n"                                        \
    "user = root\n"                                                           \
    "store_user = root\n"                                                     \
    "[access/root\\hw]\n"                                                     \
    "allow = a@EXAMPLE.COM\n"

static int
load(const char *routes, struct config **out, struct error *err)
{
    struct buf text = BUF_INIT;
    int result;

    buf_addf(&text, "%s%s" CLEAR, ROUTE_BASE, routes);
    result = written_load(text.data, out, err);
    buf_fini(&text);
    return result;
}

static struct config *
load_good(const char *routes)
{
    struct config *c = NULL;
    struct error err = {0};

    cr_assert(load(routes, &c, &err) == 0, "%s", err.text);
    return c;
}

#define ROUTE(more)                                                           \
    "[route/r]\npath = /r/\nnamespace = root\\hw\nupstream = http://h\n" more

Test(config_route, fills_in_the_defaults)
{
    struct config *c = load_good(ROUTE(""));
    const struct config_route *r = &c->routes[0];

    cr_assert_eq(c->route_count, 1);
    cr_expect_str_eq(r->name, "r");
    cr_expect_str_eq(r->namespace.text, "root\\hw");
    cr_expect_eq(r->upstream_count, 1);
    cr_expect_eq(r->upstreams[0].port, 80);
    cr_expect_not(r->local);
    cr_expect_not(r->forward_token);
    cr_expect_eq(r->method_count, 0);
    cr_expect_eq(r->host_count, 0);
    cr_expect_eq(r->connect_timeout_s, 5);
    cr_expect_eq(r->answer_timeout_s, 60);
    cr_expect_eq(r->stall_timeout_s, 60);
    cr_expect_eq(r->body_max, 64 << 20);
    cr_expect_eq(r->waiting_max, 1000);
    cr_expect_null(r->health_path);
    cr_expect_eq(r->health_interval_s, 10);
    cr_expect_eq(r->health_timeout_s, 3);
    cr_expect_eq(r->health_status_min, 200);
    cr_expect_eq(r->health_status_max, 399);
    config_free(c);
}

Test(config_route, reads_upstreams_of_every_form)
{
    static const struct {
        const char *text, *host, *unix_path, *base;
        unsigned port;
        bool tls, numeric, loopback;
    } rows[] = {
        {"http://H.example", "h.example", NULL, NULL, 80, 0, 0, 0},
        {"HTTPS://h", "h", NULL, NULL, 443, 1, 0, 0},
        {"https://h:8443/", "h", NULL, "/", 8443, 1, 0, 0},
        {"http://127.0.0.1:81", "127.0.0.1", NULL, NULL, 81, 0, 1, 1},
        {"http://127.9.9.9", "127.9.9.9", NULL, NULL, 80, 0, 1, 1},
        {"http://[::1]:81", "::1", NULL, NULL, 81, 0, 1, 1},
        {"http://192.0.2.7", "192.0.2.7", NULL, NULL, 80, 0, 1, 0},
        {"http://169.254.1.1", "169.254.1.1", NULL, NULL, 80, 0, 1, 0},
        {"http://localhost", "localhost", NULL, NULL, 80, 0, 0, 0},
        {"unix:/run/s", "localhost", "/run/s", NULL, 0, 0, 0, 0},
        {"unix:/run/s:/b/", "localhost", "/run/s", "/b/", 0, 0, 0, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf text = BUF_INIT;
        struct config *c;
        const struct config_upstream *u;

        buf_addf(
            &text,
            "[route/r]\npath = /r/\nnamespace = root\\hw\nupstream = %s\n",
            rows[i].text);
        c = load_good(text.data);
        u = &c->routes[0].upstreams[0];
        cr_expect_str_eq(u->url, rows[i].text);
        cr_expect_str_eq(u->host, rows[i].host);
        cr_expect_eq(u->port, rows[i].port, "%s", rows[i].text);
        cr_expect_eq(u->tls, rows[i].tls, "%s", rows[i].text);
        cr_expect_eq(u->numeric, rows[i].numeric, "%s", rows[i].text);
        cr_expect_eq(u->loopback, rows[i].loopback, "%s", rows[i].text);
        cr_expect((u->unix_path == NULL) == (rows[i].unix_path == NULL));
        if (u->unix_path != NULL)
            cr_expect_str_eq(u->unix_path, rows[i].unix_path);
        cr_expect((u->base == NULL) == (rows[i].base == NULL));
        if (u->base != NULL)
            cr_expect_str_eq(u->base, rows[i].base);
        config_free(c);
        buf_fini(&text);
    }
}

Test(config_route, sorts_the_longest_path_first)
{
    static const char *const names[] = {"long", "host", "method", "short"};
    struct config *c =
        load_good("[route/short]\npath = /r/\nnamespace = root\\hw\n"
                  "upstream = http://h\n"
                  "[route/method]\npath = /r/\nnamespace = root\\hw\n"
                  "upstream = http://h\nmethods = GET\n"
                  "[route/host]\npath = /r/\nnamespace = root\\hw\n"
                  "upstream = http://h\nhosts = h.example\n"
                  "[route/long]\npath = /r/x\nnamespace = root\\hw\n"
                  "upstream = http://h\n");

    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        cr_expect_str_eq(c->routes[i].name, names[i]);
    config_free(c);
}

Test(config_route, refuses_what_is_no_route)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"[route/r]\n", "t.conf:10: [route/r] needs path"},
        {"[route/r]\npath = /r/\n", "t.conf:10: [route/r] needs namespace"},
        {"[route/r]\npath = /r/\nnamespace = root\\hw\n",
         "t.conf:10: [route/r] needs upstream"},
        {ROUTE("protocol = soap\n"),
         "t.conf:14: protocol = soap: must be http, wsman or cim-xml"},
        {ROUTE("protocol = wsman\n"),
         "t.conf:12: namespace: each request of this protocol says its own"},
        {"[route/r]\npath = /r\nprotocol = cim-xml\nupstream = http://h\n"
         "methods = POST\n",
         "t.conf:14: methods: there is only POST in this protocol"},
        {"[route/r]\npath = /r\nprotocol = cim-xml\nupstream = none\n",
         "t.conf:13: upstream = none: /auth does not see what requests of "
         "this protocol are about"},
        {ROUTE("hosts = a b\n"), "t.conf:14: hosts = a b: 'a b' is no host"},
        {ROUTE("methods = GET, get\n"),
         "t.conf:14: methods = GET, get: 'get' is none of GET, HEAD, POST, "
         "PUT, PATCH, DELETE and OPTIONS"},
        {ROUTE("channel = asserted\n"),
         "t.conf:14: channel = asserted: must be local"},
        {"[route/r]\npath = /r/\nnamespace = root\\hw\n"
         "upstream = none\nhealth_path = /h\n",
         "t.conf:14: health_path: there is no server to ask"},
        {ROUTE("channel = local\n"),
         "t.conf:14: channel = local is about http to the loopback address, "
         "and no upstream is that"},
        {"[route/r]\npath = /r/\nnamespace = root\\hw\n"
         "upstream = http://0.0.0.0:80\n",
         "t.conf:13: upstream = http://0.0.0.0:80: 'http://0.0.0.0:80': no "
         "server has this address"},
        {"[route/r]\npath = /r/\nnamespace = root\\hw\n"
         "upstream = http://[ff02::1]\n",
         "t.conf:13: upstream = http://[ff02::1]: 'http://[ff02::1]': no "
         "server has this address"},
        {ROUTE("upstream_ca = /no/file\n"),
         "t.conf:14: no upstream is reached by https"},
        {ROUTE("body_max = 1\n"),
         "t.conf:14: body_max = 1: must be a number of bytes from 1K to "
         "1024G; K, M or G may follow it"},
        {"[route/r]\npath = /r/\nnamespace = root\\other\n"
         "upstream = http://h\n",
         "t.conf:12: namespace = root\\other: a route needs "
         "[access/root\\other], which says who may come in"},
        {ROUTE("[route/s]\npath = /r/\nnamespace = root\\hw\n"
               "upstream = http://i\n"),
         "t.conf:15: path = /r/: [route/r] has it already"},
        {"[route/r]\npath = /r/\nnamespace = root\\hw\n"
         "upstream = http://h/b\n",
         "t.conf:13: upstream: /b takes the place of /r/: both end in a "
         "slash, or none"},
        {"[route/r]\npath = /r/\nnamespace = root\\hw\n"
         "upstream = http://h/b/, http://i/c/\n",
         "t.conf:13: upstream: all of a route have the same path"},
        {"[route/r]\npath = /r/\nnamespace = root\\hw\n"
         "upstream = https://h\nupstream_key = /k\n",
         "t.conf:14: upstream_certificate and upstream_key go together"},
        {"[route/r]\npath = /r/\nnamespace = root\\hw\n"
         "upstream = https://h\nupstream_ca = /no/file\n",
         "t.conf:14: upstream_ca: /no/file: No such file or directory"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct config *c = NULL;
        struct error err = {0};

        cr_expect(load(rows[i].text, &c, &err) < 0, "%s", rows[i].text);
        cr_expect_str_eq(err.text, rows[i].message);
        config_free(c);
    }
}

Test(config_route, leaves_the_namespace_to_requests_that_say_it)
{
    static const struct {
        const char *text;
        enum route_protocol protocol;
    } rows[] = {
        {"protocol = wsman\n", ROUTE_WSMAN},
        {"protocol = cim-xml\n", ROUTE_CIMXML},
        {"protocol = http\nnamespace = root\\hw\n", ROUTE_HTTP},
    };
    struct namespace_path hw, other;

    namespace_path_parse(&hw, SPAN("root\\hw"), NULL);
    namespace_path_parse(&other, SPAN("root\\other"), NULL);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char text[256];
        struct config *c;

        snprintf(text, sizeof(text),
                 "[route/r]\npath = /r\nupstream = http://h\n%s",
                 rows[i].text);
        c = load_good(text);
        cr_expect_eq(c->routes[0].protocol, rows[i].protocol);
        cr_expect(config_route_leads_to(c, &c->routes[0], &hw));
        cr_expect_not(config_route_leads_to(c, &c->routes[0], &other));
        config_free(c);
    }
}

Test(config_route, reads_what_health_checks_ask_for)
{
    static const struct {
        const char *path, *status;
        unsigned min, max; /* 0: refused */
    } rows[] = {
        {"/health", "204", 204, 204},
        {"/a/b?check=all&x=1", "200-599", 200, 599},
        {"/", "401-401", 401, 401},
        {"health", "200", 0, 0},
        {"/a b", "200", 0, 0},
        {"/a/../b", "200", 0, 0},
        {"/a?b c", "200", 0, 0},
        {"/a?b#c", "200", 0, 0},
        {"/a", "99", 0, 0},
        {"/a", "199", 0, 0},
        {"/a", "200-", 0, 0},
        {"/a", "-200", 0, 0},
        {"/a", "300-200", 0, 0},
        {"/a", "200-600", 0, 0},
        {"/a", "2xx", 0, 0},
        {"/a", "0200", 0, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct config *c = NULL;
        struct error err = {0};
        char text[300];
        int result;

        snprintf(text, sizeof(text),
                 ROUTE("health_path = %s\nhealth_status = %s\n"), rows[i].path,
                 rows[i].status);
        result = load(text, &c, &err);
        cr_expect_eq(result == 0, rows[i].min > 0, "row %zu: %s", i, err.text);
        if (result == 0) {
            cr_expect_str_eq(c->routes[0].health_path, rows[i].path);
            cr_expect_eq(c->routes[0].health_status_min, rows[i].min);
            cr_expect_eq(c->routes[0].health_status_max, rows[i].max);
        }
        config_free(c);
    }
}

Test(config_route, refuses_paths_and_upstreams_with_two_readings)
{
    static const char *const paths[] = {
        "r",    "/r//",   "/../x/", "/r/./",      "/r%41/", "/r?x",
        "/r;x", "/r\\x/", "/cim/",  "/cim",       "/auth",  "/operations/x",
        "//",   "/r#x",   "/r x/",  "/events/x/", "/r*"};
    static const char *const upstreams[] = {
        "h",           "ftp://h",        "http://",       "http://h:0",
        "http://h:",   "http://h:65536", "http://u@h",    "http://h/a//b",
        "http://h/..", "http://h?x",     "http://0x7f.1", "unix:run/s",
        "unix:",       "http://127.1",   "unix:/s:b",     "http://h/a%20"};
    struct config *c = NULL;
    struct error err = {0};
    char text[300];

    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        snprintf(text, sizeof(text),
                 "[route/r]\npath = %s\nnamespace = root\\hw\n"
                 "upstream = http://h\n",
                 paths[i]);
        cr_expect(load(text, &c, &err) < 0, "%s", paths[i]);
        cr_expect(strncmp(err.text, "t.conf:11: path = ", 18) == 0, "%s",
                  err.text);
    }
    for (size_t i = 0; i < ARRAY_COUNT(upstreams); i++) {
        snprintf(text, sizeof(text),
                 "[route/r]\npath = /r/\nnamespace = root\\hw\n"
                 "upstream = %s\n",
                 upstreams[i]);
        cr_expect(load(text, &c, &err) < 0, "%s", upstreams[i]);
        cr_expect(strncmp(err.text, "t.conf:13: upstream = ", 22) == 0, "%s",
                  err.text);
    }
}

/* -- identity = negotiate --------------------------------------------------- */

#define CALLBACK "[callback]\nclient_keytab = DIR/keytab\n"
#define SIGNED(upstream, more)                                                \
    "[route/r]\npath = /r/\nnamespace = root\\hw\nupstream = " upstream "\n"  \
    "identity = negotiate\n" more CALLBACK

Test(config_route, asks_for_the_ticket_of_each_upstreams_host)
{
    struct config *c = load_good(
        SIGNED("https://BMC.example.com, https://b.example:8443", ""));

    cr_expect(c->routes[0].negotiate);
    cr_expect(config_signs_in(c));
    cr_expect_str_eq(c->routes[0].upstreams[0].service,
                     "HTTP@bmc.example.com");
    cr_expect_str_eq(c->routes[0].upstreams[1].service, "HTTP@b.example");
    config_free(c);
    c = load_good(SIGNED("unix:/run/s, https://192.0.2.7",
                         "upstream_principal = web/bmc.example@EX.TEST\n"));
    cr_expect_str_eq(c->routes[0].upstreams[0].service,
                     "web/bmc.example@EX.TEST");
    cr_expect_str_eq(c->routes[0].upstreams[1].service,
                     "web/bmc.example@EX.TEST");
    config_free(c);
    c = load_good(SIGNED("http://127.0.0.1:81",
                         "channel = local\nupstream_principal = HTTP@h\n"));
    cr_expect_str_eq(c->routes[0].upstreams[0].service, "HTTP@h");
    config_free(c);
}

Test(config_route, signs_in_nowhere_by_itself)
{
    struct config *c = load_good(ROUTE("identity = headers\n"));

    cr_expect_not(config_signs_in(c));
    cr_expect_null(c->routes[0].upstreams[0].service);
    config_free(c);
}

Test(config_route, signs_in_over_private_ways_with_keys_of_its_own_only)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {SIGNED("http://h", ""),
         "t.conf:14: identity = negotiate: the way to http://h is not "
         "private"},
        {SIGNED("http://127.0.0.1:81", "upstream_principal = HTTP@h\n"),
         "t.conf:14: identity = negotiate: the way to http://127.0.0.1:81 is "
         "not private"},
        {SIGNED("https://h, http://h", ""),
         "t.conf:14: identity = negotiate: the way to http://h is not "
         "private"},
        {SIGNED("none", ""), "t.conf:14: identity = negotiate needs an "
                             "upstream"},
        {SIGNED("unix:/run/s", ""),
         "t.conf:14: identity = negotiate needs upstream_principal: "
         "unix:/run/s has no host name"},
        {SIGNED("https://192.0.2.7", ""),
         "t.conf:14: identity = negotiate needs upstream_principal"},
        {SIGNED("https://h", "forward_token = yes\n"),
         "t.conf:15: forward_token = yes with identity = negotiate"},
        {"[route/r]\npath = /r/\nnamespace = root\\hw\n"
         "upstream = https://h\nidentity = negotiate\n",
         "t.conf:14: identity = negotiate needs client_keytab"},
        {ROUTE("upstream_principal = HTTP@h\n"),
         "t.conf:14: upstream_principal means nothing without"},
        {ROUTE("identity = kerberos\n"),
         "t.conf:14: identity = kerberos: must be headers or negotiate"},
        {SIGNED("https://h", "upstream_principal = HTTP\n"),
         "t.conf:15: upstream_principal = HTTP: must be SERVICE@HOST"},
        {SIGNED("https://h", "upstream_principal = HTTP/h\n"), "t.conf:15: "},
        {SIGNED("https://h", "upstream_principal = @h\n"), "t.conf:15: "},
        {SIGNED("https://h", "upstream_principal = HTTP@\n"), "t.conf:15: "},
        {SIGNED("https://h", "upstream_principal = HTTP/@R\n"), "t.conf:15: "},
        {SIGNED("https://h", "upstream_principal = HTTP/a/b@R\n"),
         "t.conf:15: "},
        {SIGNED("https://h", "upstream_principal = HTTP/a\\@b@R\n"),
         "t.conf:15: "},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct config *c = NULL;
        struct error err = {0};

        cr_expect(load(rows[i].text, &c, &err) < 0, "row %zu", i);
        cr_expect(
            strncmp(err.text, rows[i].message, strlen(rows[i].message)) == 0,
            "row %zu: %s", i, err.text);
    }
}

Test(config_route, lists_each_service_that_is_signed_in_to_once)
{
    const struct config_upstream first[] = {{.service = "HTTP@a"},
                                            {.service = "HTTP@b"}};
    const struct config_upstream second[] = {
        {.service = "HTTP@b"}, {.service = NULL}, {.service = "HTTP@c"}};
    const struct config_route routes[] = {
        {.upstreams = first, .upstream_count = 2},
        {.upstreams = second, .upstream_count = 3},
        {.upstream_count = 0}};
    const struct config c = {.routes = routes,
                             .route_count = ARRAY_COUNT(routes)};
    const struct config none = {.route_count = 0};
    size_t count;
    const char **services = config_services(&c, &count);

    cr_assert_eq(count, 3);
    cr_expect_str_eq(services[0], "HTTP@a");
    cr_expect_str_eq(services[1], "HTTP@b");
    cr_expect_str_eq(services[2], "HTTP@c");
    free(services);
    services = config_services(&none, &count);
    cr_expect_eq(count, 0);
    free(services);
}
