#include "policy/decision/decision.h"

static const struct {
    const char *name;
    enum authn_level applied;
} kinds[] = {
    [CHANNEL_CLEARTEXT] = {"cleartext", AUTHN_LEVEL_CONNECT},
    [CHANNEL_TLS] = {"tls", AUTHN_LEVEL_PKT_PRIVACY},
    [CHANNEL_PROXY_CLEARTEXT] = {"proxy-cleartext", AUTHN_LEVEL_CONNECT},
    [CHANNEL_PROXY_TLS] = {"proxy-tls", AUTHN_LEVEL_PKT_PRIVACY},
    [CHANNEL_LOCAL_UNLISTED] = {"local-unlisted", AUTHN_LEVEL_CONNECT},
    [CHANNEL_LOCAL] = {"local", AUTHN_LEVEL_PKT_PRIVACY},
    [CHANNEL_ASSERTED] = {"asserted", AUTHN_LEVEL_PKT_PRIVACY},
    [CHANNEL_SEALED] = {"sealed", AUTHN_LEVEL_PKT_PRIVACY},
};

const char *
channel_kind_name(enum channel_kind kind)
{
    return (size_t)kind < ARRAY_COUNT(kinds) ? kinds[kind].name : "cleartext";
}

enum authn_level
channel_applied_level(enum channel_kind kind, bool authenticated)
{
    if (!authenticated || (size_t)kind >= ARRAY_COUNT(kinds))
        return AUTHN_LEVEL_NONE;
    return kinds[kind].applied;
}
