/* Values of [callback]: where results may go. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/config/config.h"
#include "gateway/config/values.h"

/* "*.example.com:8443": in the one spelling that hosts are compared in. */
static bool
normalize_sink(const char *text, char out[CONFIG_HOST_SIZE + 16])
{
    unsigned char address[sizeof(struct in_addr)];
    struct span port, host = value_cut_port(span_of(text), &port);
    bool below = span_starts_nocase(host, SPAN("*."));
    char name[CONFIG_HOST_SIZE];
    bool ipv6;

    if (below)
        host = span_skip(host, 2);
    if (!config_host_parse(host, name) || (port.data && value_port(port) == 0))
        return false;
    ipv6 = strchr(name, ':') != NULL;
    if (below && (ipv6 || inet_pton(AF_INET, name, address) == 1))
        return false;
    snprintf(out, CONFIG_HOST_SIZE + 16, "%s%s%s%s%s%.*s", below ? "*." : "",
             ipv6 ? "[" : "", name, ipv6 ? "]" : "", port.data ? ":" : "",
             (int)port.length, port.data != NULL ? port.data : "");
    return true;
}

int
value_sinks(struct arena *arena, const struct key *key, void *structure,
            const char *text, struct error *err)
{
    struct config_callback *c = structure;
    char sink[CONFIG_HOST_SIZE + 16];
    struct value_list list;

    (void)key;
    if (value_split(arena, text, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.count; i++) {
        if (!normalize_sink(list.items[i], sink))
            return error_set(err,
                             "'%s' is no host, such as sink.example.com, "
                             "sink.example.com:8443, *.example.com, "
                             "192.0.2.7 or [2001:db8::7]:8443",
                             list.items[i]);
        list.items[i] = arena_copy(arena, span_of(sink));
        if (list.items[i] == NULL)
            return error_set_errno(err, ENOMEM, "configuration");
    }
    c->sink_count = list.count;
    c->sinks = list.items;
    return 0;
}

int
value_networks(struct arena *arena, const struct key *key, void *structure,
               const char *text, struct error *err)
{
    struct config_callback *c = structure;
    struct config_network *networks;
    struct value_list list;

    (void)key;
    if (value_split(arena, text, &list, err) < 0)
        return -1;
    networks = arena_array(arena, list.count, sizeof(*networks));
    if (networks == NULL)
        return error_set_errno(err, ENOMEM, "configuration");
    for (size_t i = 0; i < list.count; i++) {
        if (config_network_parse(span_of(list.items[i]), &networks[i], err) <
            0)
            return -1;
    }
    c->network_count = list.count;
    c->networks = networks;
    return 0;
}

/* None and Default would deliver to a sink that proved nothing; Call is
 * processed as Pkt (MS-RPCE 2.2.1.1.8). */
int
value_floor(struct arena *arena, const struct key *key, void *structure,
            const char *text, struct error *err)
{
    struct config_callback *c = structure;
    enum authn_level level = AUTHN_LEVEL_DEFAULT;

    (void)arena;
    (void)key;
    if (strcmp(text, "request") != 0 &&
        (!authn_level_parse(span_of(text), &level) ||
         level < AUTHN_LEVEL_CONNECT))
        return error_set(err, "must be request, or Connect or higher: "
                              "Connect, Pkt, PktIntegrity or PktPrivacy");
    c->floor = level == AUTHN_LEVEL_CALL ? AUTHN_LEVEL_PKT : level;
    return 0;
}
