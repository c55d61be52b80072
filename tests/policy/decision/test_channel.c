#include "policy/decision/decision.h"
#include "tests/support/support.h"

SUITE(channel);

/* docs/levels.md, what protected the exchange. */
static const struct {
    enum channel_kind kind;
    const char *name;
    enum authn_level applied;
} rows[] = {
    {CHANNEL_CLEARTEXT, "cleartext", AUTHN_LEVEL_CONNECT},
    {CHANNEL_TLS, "tls", AUTHN_LEVEL_PKT_PRIVACY},
    {CHANNEL_PROXY_CLEARTEXT, "proxy-cleartext", AUTHN_LEVEL_CONNECT},
    {CHANNEL_PROXY_TLS, "proxy-tls", AUTHN_LEVEL_PKT_PRIVACY},
    {CHANNEL_LOCAL_UNLISTED, "local-unlisted", AUTHN_LEVEL_CONNECT},
    {CHANNEL_LOCAL, "local", AUTHN_LEVEL_PKT_PRIVACY},
    {CHANNEL_ASSERTED, "asserted", AUTHN_LEVEL_PKT_PRIVACY},
    {CHANNEL_SEALED, "sealed", AUTHN_LEVEL_PKT_PRIVACY},
};

Test(channel, applies_what_really_protects_the_exchange)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert(channel_applied_level(rows[i].kind, true) == rows[i].applied,
                  "%s", rows[i].name);
        cr_assert_str_eq(channel_kind_name(rows[i].kind), rows[i].name);
    }
}

Test(channel, protects_nothing_without_a_token)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_assert(channel_applied_level(rows[i].kind, false) ==
                      AUTHN_LEVEL_NONE,
                  "%s", rows[i].name);
}

Test(channel, of_an_unknown_kind_protects_nothing)
{
    for (int n = -1; n < 100; n += 8) {
        if (n >= 0 && n < (int)ARRAY_COUNT(rows))
            continue;
        cr_assert(channel_applied_level((enum channel_kind)n, true) ==
                  AUTHN_LEVEL_NONE);
        cr_assert_str_eq(channel_kind_name((enum channel_kind)n), "cleartext");
    }
}
