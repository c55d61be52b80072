/* [callback]: who delivers, and what its lists open (threat 28). */
#include <string.h>

#include "gateway/config/check.h"

/* Nobody means these when he lists a network of sinks. */
static const struct {
    const char *network;
    const char *what;
} delicate[] = {
    {"169.254.0.0/16", "link-local addresses, metadata services among them"},
    {"fe80::/10", "link-local addresses"},
    {"168.63.129.16", "the metadata service of a cloud"},
    {"fd00:ec2::254", "the metadata service of a cloud"},
    {"fd20:ce::254", "the metadata service of a cloud"},
    {"127.0.0.0/8", "the loopback address: services of this machine"},
    {"::1", "the loopback address: services of this machine"},
};

static bool
networks_meet(const struct config_network *a, const struct config_network *b)
{
    return config_network_holds(a, b->address) ||
           config_network_holds(b, a->address);
}

static void
warn_networks(struct draft *d, const struct config_callback *c)
{
    for (size_t i = 0; i < ARRAY_COUNT(delicate); i++) {
        struct config_network n;
        bool met = false;

        if (config_network_parse(span_of(delicate[i].network), &n, NULL) < 0)
            continue;
        for (size_t j = 0; j < c->network_count; j++)
            met |= networks_meet(&c->networks[j], &n);
        if (met)
            draft_warn(d, d->callback, "sink_networks",
                       "sink_networks: results may be sent to %s (%s)",
                       delicate[i].what, delicate[i].network);
    }
}

static void
warn_sinks(struct draft *d, const struct config_callback *c)
{
    for (size_t i = 0; i < c->sink_count; i++) {
        const char *sink = c->sinks[i];

        if (strncmp(sink, "*.", 2) == 0 && strchr(sink + 2, '.') == NULL)
            draft_warn(d, d->callback, "sinks",
                       "sinks: %s lists every host of a top-level domain",
                       sink);
    }
}

int
check_callback(struct draft *d, struct error *err)
{
    const struct config_callback *c = &d->config->callback;
    const struct ini_section *s = d->callback;
    const char *size = ini_section_entry(s, "outbox_max") != NULL
                           ? "outbox_max"
                           : "result_max";

    if (c->sink_count > 0 && c->client_keytab == NULL)
        return draft_fail(s, "sinks", err,
                          "sinks needs client_keytab: results are delivered "
                          "by an authenticated client only");
    if (c->client_principal != NULL && c->client_keytab == NULL)
        return draft_fail(s, "client_principal", err,
                          "client_principal needs client_keytab");
    if (c->result_max > c->outbox_max)
        return draft_fail(s, size, err,
                          "result_max is larger than outbox_max");
    if (check_file(d, s, "client_keytab", c->client_keytab, err) < 0 ||
        check_file(d, s, "sink_ca", c->sink_ca, err) < 0)
        return -1;
    warn_networks(d, c);
    warn_sinks(d, c);
    return 0;
}
