/* Values of a listener: where it stands and what it takes for private. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include "gateway/config/config.h"
#include "gateway/config/values.h"

static const char bind_form[] =
    "must be a numeric address with a port (192.0.2.1:8443, [::1]:8443) or "
    "unix:/path";

static bool
parse_port(struct span text, uint16_t *port_out)
{
    unsigned n = 0;

    if (text.length == 0 || text.length > 5)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (!ascii_is_digit(text.data[i]))
            return false;
        n = n * 10 + (unsigned)(text.data[i] - '0');
    }
    *port_out = (uint16_t)n;
    return n <= UINT16_MAX;
}

/* The address in the one spelling inet_ntop gives, so that two listeners can
 * be compared. */
static int
bind_tcp(struct config_listener *l, const char *text, struct error *err)
{
    const char *colon = strrchr(text, ':');
    struct span host;
    unsigned char address[sizeof(struct in6_addr)];
    char copy[INET6_ADDRSTRLEN];
    int family = AF_INET;

    if (colon == NULL || !parse_port(span_of(colon + 1), &l->port))
        return error_set(err, "%s", bind_form);
    host = (struct span){text, (size_t)(colon - text)};
    if (host.length >= 2 && text[0] == '[' && colon[-1] == ']') {
        family = AF_INET6;
        host = (struct span){text + 1, host.length - 2};
    }
    if (host.length >= sizeof(copy))
        return error_set(err, "%s", bind_form);
    memcpy(copy, host.data, host.length);
    copy[host.length] = '\0';
    if (inet_pton(family, copy, address) != 1)
        return error_set(err, "%s", bind_form);
    inet_ntop(family, address, l->host, sizeof(l->host));
    return 0;
}

int
value_bind(struct arena *arena, const struct key *key, void *structure,
           const char *text, struct error *err)
{
    struct config_listener *l = structure;

    (void)key;
    l->bind = arena_copy(arena, span_of(text));
    if (l->bind == NULL)
        return error_set(err, "out of memory");
    if (strncmp(text, "unix:", 5) != 0)
        return bind_tcp(l, text, err);
    l->unix_path = l->bind + 5;
    if (l->unix_path[0] != '/')
        return error_set(err, "unix: needs an absolute path");
    if (strlen(l->unix_path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return error_set(err, "a socket's path has at most %zu bytes",
                         sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
    return 0;
}

int
value_channel(struct arena *arena, const struct key *key, void *structure,
              const char *text, struct error *err)
{
    struct config_listener *l = structure;

    (void)arena;
    (void)key;
    if (strcmp(text, "local") == 0)
        l->channel = LISTENER_CHANNEL_LOCAL;
    else if (strcmp(text, "asserted") == 0)
        l->channel = LISTENER_CHANNEL_ASSERTED;
    else
        return error_set(err, "must be local or asserted");
    return 0;
}

int
value_trusted_proxy(struct arena *arena, const struct key *key,
                    void *structure, const char *text, struct error *err)
{
    struct config_listener *l = structure;

    (void)key;
    l->trusted_proxy = arena_copy(arena, span_of(text));
    if (l->trusted_proxy == NULL)
        return error_set(err, "out of memory");
    return value_user(text, &l->trusted_proxy_uid, err);
}

int
value_bindings(struct arena *arena, const struct key *key, void *structure,
               const char *text, struct error *err)
{
    struct config_listener *l = structure;

    (void)arena;
    (void)key;
    if (strcmp(text, "require") == 0)
        l->channel_bindings = CHANNEL_BINDINGS_REQUIRE;
    else if (strcmp(text, "allow") == 0)
        l->channel_bindings = CHANNEL_BINDINGS_ALLOW;
    else if (strcmp(text, "off") == 0)
        l->channel_bindings = CHANNEL_BINDINGS_OFF;
    else
        return error_set(err, "must be off, allow or require");
    return 0;
}

int
value_evidence(struct arena *arena, const struct key *key, void *structure,
               const char *text, struct error *err)
{
    struct config_listener *l = structure;

    (void)arena;
    (void)key;
    if (strcmp(text, "strict") == 0)
        l->privacy_evidence = PRIVACY_EVIDENCE_STRICT;
    else if (strcmp(text, "bound") == 0)
        l->privacy_evidence = PRIVACY_EVIDENCE_BOUND;
    else
        return error_set(err, "must be strict or bound");
    return 0;
}

/* Default and None would let in who proved nothing (levels.md 2); Call is
 * processed as Pkt (MS-RPCE 2.2.1.1.8). */
int
value_level(struct arena *arena, const struct key *key, void *structure,
            const char *text, struct error *err)
{
    struct config_listener *l = structure;
    enum authn_level level;

    (void)arena;
    (void)key;
    if (!authn_level_parse(span_of(text), &level) ||
        level < AUTHN_LEVEL_CONNECT)
        return error_set(err, "must be Connect or higher: Connect, Pkt, "
                              "PktIntegrity or PktPrivacy");
    l->minimum_level = level == AUTHN_LEVEL_CALL ? AUTHN_LEVEL_PKT : level;
    return 0;
}

static bool
contains_nocase(struct span s, struct span word)
{
    while (s.length >= word.length) {
        if (span_starts_nocase(s, word))
            return true;
        s = span_skip(s, 1);
    }
    return false;
}

/* A suite without encryption or without a certificate would be taken for a
 * private channel (levels.md 4). */
int
value_priorities(struct arena *arena, const struct key *key, void *structure,
                 const char *text, struct error *err)
{
    struct span rest = span_of(text);

    while (rest.length > 0) {
        struct span part = span_cut(rest, ':', &rest);
        bool removes =
            part.length > 0 && (part.data[0] == '-' || part.data[0] == '!');

        if (!removes && (contains_nocase(part, SPAN("NULL")) ||
                         contains_nocase(part, SPAN("ANON"))))
            return error_set(err,
                             "%.*s would leave connections without "
                             "privacy",
                             (int)part.length, part.data);
    }
    return value_text(arena, key, structure, text, err);
}
