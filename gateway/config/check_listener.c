/* A listener is direct, local, asserted or a proxy's, and says so without
 * contradiction (docs/levels.md). */
#include <arpa/inet.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "gateway/config/check.h"
#include "gateway/config/values.h"

static bool
is_loopback(const struct config_listener *l)
{
    unsigned char a[sizeof(struct in6_addr)];
    static const unsigned char mapped[13] = {
        [10] = 0xff, [11] = 0xff, [12] = 127};

    if (l->unix_path != NULL)
        return false;
    if (inet_pton(AF_INET, l->host, a) == 1)
        return a[0] == 127;
    return inet_pton(AF_INET6, l->host, a) == 1 &&
           (memcmp(a, &in6addr_loopback, 16) == 0 ||
            memcmp(a, mapped, sizeof(mapped)) == 0);
}

static bool
is_tls(const struct config_listener *l)
{
    return l->tls;
}

static bool
is_asserted(const struct config_listener *l)
{
    return l->channel == LISTENER_CHANNEL_ASSERTED;
}

static bool
is_local(const struct config_listener *l)
{
    return l->channel == LISTENER_CHANNEL_LOCAL;
}

static bool
is_local_unix(const struct config_listener *l)
{
    return is_local(l) && l->unix_path != NULL;
}

static bool
is_proxy(const struct config_listener *l)
{
    return l->channel == LISTENER_CHANNEL_PROXY;
}

static bool
is_no_proxy(const struct config_listener *l)
{
    return !is_proxy(l);
}

/* A binding can only be compared with a certificate that we know. */
static bool
knows_certificate(const struct config_listener *l)
{
    return l->tls || l->proxy_tls_certificate != NULL;
}

/* Keys that mean nothing but on some listeners. */
static const struct restriction {
    const char *key;
    bool (*where)(const struct config_listener *l);
    const char *needs;
} restrictions[] = {
    {"mode", is_local_unix, "a Unix socket with channel = local"},
    {"group", is_local_unix, "a Unix socket with channel = local"},
    {"tls_priorities", is_tls, "tls_certificate and tls_key"},
    {"channel_reason", is_asserted, "channel = asserted"},
    {"local_users", is_local, "channel = local"},
    {"secret_file", is_proxy, "trusted_proxy"},
    {"proxy_tls_certificate", is_proxy, "trusted_proxy"},
    {"connections_per_address_max", is_no_proxy,
     "a listener that is no proxy's: all of one's connections have one "
     "address"},
    {"channel_bindings", knows_certificate,
     "TLS, or a proxy's certificate (proxy_tls_certificate)"},
    {"encrypted_needs_binding", knows_certificate,
     "TLS, or a proxy's certificate (proxy_tls_certificate)"},
    {"privacy_evidence", knows_certificate,
     "TLS, or a proxy's certificate (proxy_tls_certificate)"},
};

static int
check_restrictions(const struct config_listener *l,
                   const struct ini_section *s, struct error *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(restrictions); i++) {
        const struct restriction *r = &restrictions[i];

        if (ini_section_entry(s, r->key) != NULL && !r->where(l))
            return draft_fail(s, r->key, err, "%s needs %s", r->key, r->needs);
    }
    return 0;
}

static bool
half_tls_key(const struct config_listener *l)
{
    return l->tls_certificate != NULL && l->tls_key == NULL;
}

static bool
half_tls_certificate(const struct config_listener *l)
{
    return l->tls_key != NULL && l->tls_certificate == NULL;
}

static bool
proxy_and_channel(const struct config_listener *l)
{
    return l->trusted_proxy != NULL && !is_proxy(l);
}

static bool
proxy_and_tls(const struct config_listener *l)
{
    return is_proxy(l) && l->tls_certificate != NULL;
}

static bool
channel_and_tls(const struct config_listener *l)
{
    return (is_local(l) || is_asserted(l)) && l->tls_certificate != NULL;
}

static bool
unix_without_peer(const struct config_listener *l)
{
    return l->unix_path != NULL && !is_local(l) && !is_proxy(l);
}

static bool
local_without_users(const struct config_listener *l)
{
    return is_local(l) && l->local_user_count == 0;
}

static bool
local_from_afar(const struct config_listener *l)
{
    return is_local(l) && l->unix_path == NULL && !is_loopback(l);
}

static bool
asserted_without_reason(const struct config_listener *l)
{
    return is_asserted(l) && l->channel_reason == NULL;
}

static bool
proxy_from_afar(const struct config_listener *l)
{
    return is_proxy(l) && l->unix_path == NULL && !is_loopback(l);
}

static bool
proxy_without_secret(const struct config_listener *l)
{
    return is_proxy(l) && l->unix_path == NULL && l->secret_file == NULL;
}

static bool
evidence_without_binding(const struct config_listener *l)
{
    return l->channel_bindings == CHANNEL_BINDINGS_OFF &&
           l->privacy_evidence == PRIVACY_EVIDENCE_BOUND;
}

static bool
needs_binding_but_off(const struct config_listener *l)
{
    return l->channel_bindings == CHANNEL_BINDINGS_OFF &&
           l->encrypted_needs_binding;
}

/* Contradictions, each with the key it is told at. */
static const struct contradiction {
    bool (*holds)(const struct config_listener *l);
    const char *key;
    const char *message;
} contradictions[] = {
    {half_tls_key, "tls_certificate", "tls_certificate needs tls_key"},
    {half_tls_certificate, "tls_key", "tls_key needs tls_certificate"},
    {proxy_and_channel, "channel",
     "channel and trusted_proxy exclude each other"},
    {unix_without_peer, "bind",
     "a Unix socket needs either channel = local or trusted_proxy = USER"},
    {proxy_and_tls, "tls_certificate",
     "a proxy ends TLS itself: trusted_proxy and tls_certificate exclude "
     "each other"},
    {channel_and_tls, "channel",
     "channel is for a listener without tls_certificate"},
    {local_without_users, "channel", "channel = local needs local_users"},
    {local_from_afar, "bind",
     "channel = local needs a Unix socket or a loopback address"},
    {asserted_without_reason, "channel",
     "channel = asserted needs channel_reason"},
    {proxy_from_afar, "bind",
     "trusted_proxy needs a Unix socket or a loopback address"},
    {proxy_without_secret, "trusted_proxy",
     "trusted_proxy on a TCP address needs secret_file"},
    {evidence_without_binding, "privacy_evidence",
     "privacy_evidence = bound needs channel_bindings = allow or require"},
    {needs_binding_but_off, "encrypted_needs_binding",
     "encrypted_needs_binding = yes needs channel_bindings = allow or "
     "require"},
};

/* No authentication there: nothing that is about it belongs there. */
static int
check_status(struct draft *d, const struct config_listener *l,
             const struct ini_section *s, struct error *err)
{
    static const char *const fine[] = {"bind",
                                       "status",
                                       "backlog",
                                       "connections_max",
                                       "connections_per_address_max",
                                       "first_byte_timeout_s",
                                       "header_timeout_s",
                                       "body_timeout_s",
                                       "write_timeout_s",
                                       "write_progress_s",
                                       "write_progress_min",
                                       "idle_timeout_s",
                                       "header_max",
                                       "body_max"};

    for (size_t i = 0; i < s->count; i++) {
        const char *name = s->entries[i].key->name;
        bool known = false;

        for (size_t j = 0; j < ARRAY_COUNT(fine); j++)
            known |= strcmp(fine[j], name) == 0;
        if (!known)
            return draft_fail(s, name, err,
                              "%s and status = yes exclude "
                              "each other",
                              name);
    }
    if (l->unix_path != NULL)
        return draft_fail(s, "bind", err,
                          "a status listener needs a TCP address");
    if (!is_loopback(l))
        draft_warn(d, s, "bind",
                   "[listener/%s] tells health and metrics to "
                   "everyone who reaches %s",
                   l->name, l->bind);
    return 0;
}

static int
check_group(const struct config_listener *l, const struct ini_section *s,
            struct error *err)
{
    if (l->group != NULL && getgrnam(l->group) == NULL)
        return draft_fail(s, "group", err, "group: there is no group '%s'",
                          l->group);
    return 0;
}

/* A proxy among the local users makes everyone behind it local. */
static void
warn_local_users(struct draft *d, const struct config_listener *l,
                 const struct ini_section *s)
{
    static const char *const proxies[] = {"www-data", "nginx", "haproxy"};
    bool others = false;
    struct passwd *pw;

    for (size_t i = 0; i < l->local_user_count; i++)
        others |= l->local_uids[i] != 0;
    for (size_t i = 0; i < ARRAY_COUNT(proxies); i++) {
        pw = getpwnam(proxies[i]);
        for (size_t j = 0; pw != NULL && j < l->local_user_count; j++) {
            if (l->local_uids[j] == pw->pw_uid)
                draft_warn(d, s, "local_users",
                           "local_users: %s usually runs a proxy, and "
                           "everyone behind it would count as local",
                           proxies[i]);
        }
    }
    if (others && l->unix_path != NULL && (l->mode & 022) == 0)
        draft_warn(d, s, "local_users",
                   "local_users: only root can open a socket of mode %04o; "
                   "set mode and group",
                   l->mode);
}

static int
check_files(struct draft *d, const struct config_listener *l,
            const struct ini_section *s, struct error *err)
{
    if (check_file(d, s, "tls_certificate", l->tls_certificate, err) < 0 ||
        check_file(d, s, "tls_key", l->tls_key, err) < 0 ||
        check_file(d, s, "proxy_tls_certificate", l->proxy_tls_certificate,
                   err) < 0)
        return -1;
    return check_secret(d, s, "secret_file", l->secret_file, err);
}

static int
check_listener(struct draft *d, struct config_listener *l,
               const struct ini_section *s, struct error *err)
{
    if (l->bind == NULL)
        return draft_fail(s, NULL, err, "[listener/%s] needs bind", l->name);
    if (l->status)
        return check_status(d, l, s, err);
    if (l->trusted_proxy != NULL && l->channel == LISTENER_CHANNEL_DIRECT)
        l->channel = LISTENER_CHANNEL_PROXY;
    l->tls = l->tls_certificate != NULL && l->tls_key != NULL;
    for (size_t i = 0; i < ARRAY_COUNT(contradictions); i++) {
        const struct contradiction *c = &contradictions[i];

        if (c->holds(l))
            return draft_fail(s, c->key, err, "%s", c->message);
    }
    if (check_restrictions(l, s, err) < 0 || check_group(l, s, err) < 0 ||
        check_files(d, l, s, err) < 0)
        return -1;
    if (is_local(l))
        warn_local_users(d, l, s);
    if (is_asserted(l))
        draft_warn(d, s, "channel",
                   "[listener/%s] takes an unencrypted channel for private: "
                   "%s",
                   l->name, l->channel_reason);
    return 0;
}

static bool
same_address(const struct config_listener *a, const struct config_listener *b)
{
    if (a->unix_path != NULL || b->unix_path != NULL)
        return a->unix_path != NULL && b->unix_path != NULL &&
               strcmp(a->unix_path, b->unix_path) == 0;
    return a->port != 0 && a->port == b->port && strcmp(a->host, b->host) == 0;
}

int
check_listeners(struct draft *d, struct error *err)
{
    size_t count = d->config->listener_count;

    if (count == 0)
        return draft_fail(d->main, NULL, err,
                          "nothing to listen on: no [listener/NAME] section");
    for (size_t i = 0; i < count; i++) {
        const struct ini_section *s = d->listener_sections[i];

        if (check_listener(d, &d->listeners[i], s, err) < 0)
            return -1;
        for (size_t j = 0; j < i; j++) {
            if (same_address(&d->listeners[i], &d->listeners[j]))
                return draft_fail(s, "bind", err,
                                  "bind: %s is taken by [listener/%s]",
                                  d->listeners[i].bind, d->listeners[j].name);
        }
    }
    return 0;
}
