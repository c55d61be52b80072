/* Values of [route/NAME]: what is forwarded, and to whom. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "gateway/config/config.h"
#include "gateway/config/values.h"

/*
 * A path in the one form that requests are compared in: letters, digits and
 * what needs no percent-encoding in any reader's opinion, no empty segment,
 * no "." and no "..".
 */
static bool
is_plain_path(struct span path)
{
    struct span rest = path, segment = span_cut(rest, '/', &rest);

    if (path.length == 0 || path.length > 1024 || segment.length != 0 ||
        rest.data == NULL)
        return false;
    while (rest.data != NULL) {
        segment = span_cut(rest, '/', &rest);
        if ((segment.length == 0 && rest.data != NULL) ||
            span_equal(segment, SPAN(".")) || span_equal(segment, SPAN("..")))
            return false;
        for (size_t i = 0; i < segment.length; i++) {
            char c = segment.data[i];

            if (!ascii_is_alpha(c) && !ascii_is_digit(c) &&
                (c == '\0' || strchr("-._~", c) == NULL))
                return false;
        }
    }
    return true;
}

/* Resources of the gateway's own. */
static const char *const own_paths[] = {"/cim", "/operations", "/auth",
                                        "/events"};

int
value_route_path(struct arena *arena, const struct key *key, void *structure,
                 const char *text, struct error *err)
{
    (void)key;
    if (!is_plain_path(span_of(text)))
        return error_set(err, "must be a path of plain segments, such as "
                              "/redfish/ or /wsman");
    for (size_t i = 0; i < ARRAY_COUNT(own_paths); i++) {
        size_t n = strlen(own_paths[i]);

        if (strncmp(text, own_paths[i], n) == 0 &&
            (text[n] == '\0' || text[n] == '/'))
            return error_set(err, "%s is the gateway's own", own_paths[i]);
    }
    return value_text(arena, key, structure, text, err);
}

int
value_route_hosts(struct arena *arena, const struct key *key, void *structure,
                  const char *text, struct error *err)
{
    struct config_route *r = structure;
    char host[CONFIG_HOST_SIZE];
    struct value_list list;

    (void)key;
    if (value_split(arena, text, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.count; i++) {
        if (!config_host_parse(span_of(list.items[i]), host))
            return error_set(err, "'%s' is no host", list.items[i]);
        list.items[i] = arena_copy(arena, span_of(host));
        if (list.items[i] == NULL)
            return error_set_errno(err, ENOMEM, "configuration");
    }
    r->host_count = list.count;
    r->hosts = list.items;
    return 0;
}

int
value_route_methods(struct arena *arena, const struct key *key,
                    void *structure, const char *text, struct error *err)
{
    static const char *const methods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                          "PATCH", "DELETE", "OPTIONS"};
    struct config_route *r = structure;
    struct value_list list;

    (void)key;
    if (value_split(arena, text, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.count; i++) {
        bool known = false;

        for (size_t j = 0; j < ARRAY_COUNT(methods); j++)
            known |= strcmp(list.items[i], methods[j]) == 0;
        if (!known)
            return error_set(err,
                             "'%s' is none of GET, HEAD, POST, PUT, PATCH, "
                             "DELETE and OPTIONS",
                             list.items[i]);
    }
    r->method_count = list.count;
    r->methods = list.items;
    return 0;
}

int
value_route_protocol(struct arena *arena, const struct key *key,
                     void *structure, const char *text, struct error *err)
{
    static const char *const protocols[] = {
        [ROUTE_HTTP] = "http",
        [ROUTE_WSMAN] = "wsman",
        [ROUTE_CIMXML] = "cim-xml",
    };
    struct config_route *r = structure;

    (void)arena;
    (void)key;
    for (size_t i = 0; i < ARRAY_COUNT(protocols); i++) {
        if (strcmp(text, protocols[i]) == 0) {
            r->protocol = (enum route_protocol)i;
            return 0;
        }
    }
    return error_set(err, "must be http, wsman or cim-xml");
}

int
value_route_namespace(struct arena *arena, const struct key *key,
                      void *structure, const char *text, struct error *err)
{
    struct config_route *r = structure;

    (void)arena;
    (void)key;
    return namespace_path_parse(&r->namespace, span_of(text), err) ==
                   NAMESPACE_PATH_OK
               ? 0
               : -1;
}

int
value_route_channel(struct arena *arena, const struct key *key,
                    void *structure, const char *text, struct error *err)
{
    struct config_route *r = structure;

    (void)arena;
    (void)key;
    if (strcmp(text, "local") != 0)
        return error_set(err, "must be local");
    r->local = true;
    return 0;
}

/* -- health --------------------------------------------------------------- */

/* A plain path, and a query without anything to encode. */
int
value_health_path(struct arena *arena, const struct key *key, void *structure,
                  const char *text, struct error *err)
{
    struct span query, path = span_cut(span_of(text), '?', &query);
    bool ok = is_plain_path(path) && query.length <= 1024;

    for (size_t i = 0; i < query.length; i++) {
        char c = query.data[i];

        ok = ok && c != '\0' &&
             (ascii_is_alpha(c) || ascii_is_digit(c) ||
              strchr("-._~=&", c) != NULL);
    }
    if (!ok)
        return error_set(err, "must be a path of plain segments, such as "
                              "/health or /status?check=all");
    return value_text(arena, key, structure, text, err);
}

static bool
parse_status(struct span text, unsigned *out)
{
    *out = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!ascii_is_digit(text.data[i]))
            return false;
        *out = *out * 10 + (unsigned)(text.data[i] - '0');
    }
    return text.length == 3 && *out >= 200 && *out <= 599;
}

int
value_health_status(struct arena *arena, const struct key *key,
                    void *structure, const char *text, struct error *err)
{
    struct config_route *r = structure;
    struct span last, first = span_cut(span_of(text), '-', &last);

    (void)arena;
    (void)key;
    if (!parse_status(first, &r->health_status_min) ||
        !parse_status(last.data != NULL ? last : first,
                      &r->health_status_max) ||
        r->health_status_min > r->health_status_max)
        return error_set(err, "must be one status, such as 204, or the first "
                              "and the last, such as 200-399; from 200 to "
                              "599");
    return 0;
}

int
value_route_identity(struct arena *arena, const struct key *key,
                     void *structure, const char *text, struct error *err)
{
    struct config_route *r = structure;

    (void)arena;
    (void)key;
    r->negotiate = strcmp(text, "negotiate") == 0;
    if (!r->negotiate && strcmp(text, "headers") != 0)
        return error_set(err, "must be headers or negotiate");
    return 0;
}

/* Letters, digits and what names of hosts and realms have besides: nothing
 * that Kerberos would take for a quote or a separator. */
static bool
is_plain_name(struct span s)
{
    for (size_t i = 0; i < s.length; i++) {
        char c = s.data[i];

        if (!ascii_is_alpha(c) && !ascii_is_digit(c) &&
            (c == '\0' || strchr("-._", c) == NULL))
            return false;
    }
    return s.length > 0;
}

int
value_service(struct arena *arena, const struct key *key, void *structure,
              const char *text, struct error *err)
{
    struct span right, host, left = span_cut(span_of(text), '@', &right);
    struct span service = span_cut(left, '/', &host);

    if (strlen(text) > 500 || !is_plain_name(service) ||
        !is_plain_name(right) || (host.data != NULL && !is_plain_name(host)))
        return error_set(err, "must be SERVICE@HOST, such as "
                              "HTTP@bmc.example.com, or "
                              "SERVICE/HOST@REALM");
    return value_text(arena, key, structure, text, err);
}

/* -- upstreams ------------------------------------------------------------ */

static int
upstream_keep(struct arena *arena, struct span text, const char **field,
              struct error *err)
{
    *field = arena_copy(arena, text);
    return *field != NULL ? 0 : error_set_errno(err, ENOMEM, "configuration");
}

/* "unix:/run/x.sock" or "unix:/run/x.sock:/base". */
static int
parse_unix(struct arena *arena, struct span text, struct config_upstream *u,
           struct error *err)
{
    struct span base, path = span_cut(text, ':', &base);

    if (path.length == 0 || path.data[0] != '/' ||
        path.length >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return error_set(err,
                         "'%s': a socket's absolute path is written "
                         "behind unix:, at most 107 bytes",
                         u->url);
    strcpy(u->host, "localhost");
    if (base.data != NULL && !is_plain_path(base))
        return error_set(err, "'%s': what follows the socket is no plain path",
                         u->url);
    if (base.data != NULL && upstream_keep(arena, base, &u->base, err) < 0)
        return -1;
    return upstream_keep(arena, path, &u->unix_path, err);
}

/* False for an address that no server can have. */
static bool
host_judge(struct config_upstream *u)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, u->host, &in.sin_addr) == 1) {
        u->numeric = true;
        u->loopback = ntohl(in.sin_addr.s_addr) >> 24 == 127;
        return config_address_kind((void *)&in, NULL) != ADDRESS_NONE;
    }
    if (inet_pton(AF_INET6, u->host, &in6.sin6_addr) == 1) {
        u->numeric = true;
        u->loopback = IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
        return config_address_kind((void *)&in6, NULL) != ADDRESS_NONE;
    }
    return true;
}

static int
parse_tcp(struct arena *arena, struct span text, struct config_upstream *u,
          struct error *err)
{
    struct span port, host, base = {NULL, 0};
    const char *slash = memchr(text.data, '/', text.length);

    if (slash != NULL) {
        size_t at = (size_t)(slash - text.data);

        base = span_skip(text, at);
        text.length = at;
    }
    host = value_cut_port(text, &port);
    u->port = u->tls ? 443 : 80;
    if (port.data != NULL)
        u->port = value_port(port);
    if (u->port == 0 || !config_host_parse(host, u->host))
        return error_set(err,
                         "'%s': after http:// or https:// comes a host, such "
                         "as bmc.example.com, 192.0.2.7:8080 or [2001:db8::7]",
                         u->url);
    if (!host_judge(u))
        return error_set(err, "'%s': no server has this address", u->url);
    if (base.data == NULL)
        return 0;
    if (!is_plain_path(base))
        return error_set(err, "'%s': what follows the host is no plain path",
                         u->url);
    return upstream_keep(arena, base, &u->base, err);
}

static int
parse_upstream(struct arena *arena, const char *text,
               struct config_upstream *u, struct error *err)
{
    struct span s = span_of(text);

    if (upstream_keep(arena, s, &u->url, err) < 0)
        return -1;
    if (span_starts_nocase(s, SPAN("unix:")))
        return parse_unix(arena, span_skip(s, 5), u, err);
    u->tls = span_starts_nocase(s, SPAN("https://"));
    if (!u->tls && !span_starts_nocase(s, SPAN("http://")))
        return error_set(err,
                         "'%s' begins with none of http://, https:// and "
                         "unix:",
                         text);
    return parse_tcp(arena, span_skip(s, u->tls ? 8 : 7), u, err);
}

int
value_upstreams(struct arena *arena, const struct key *key, void *structure,
                const char *text, struct error *err)
{
    struct config_route *r = structure;
    struct config_upstream *upstreams;
    struct value_list list;

    (void)key;
    if (value_split(arena, text, &list, err) < 0)
        return -1;
    upstreams = arena_array(arena, list.count, sizeof(*upstreams));
    if (upstreams == NULL)
        return error_set_errno(err, ENOMEM, "configuration");
    r->upstreams = upstreams;
    if (strcmp(text, "none") == 0)
        return 0;
    for (size_t i = 0; i < list.count; i++) {
        if (parse_upstream(arena, list.items[i], &upstreams[i], err) < 0)
            return -1;
    }
    r->upstream_count = list.count;
    return 0;
}
