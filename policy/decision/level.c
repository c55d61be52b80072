#include "policy/decision/decision.h"

#define RPC_PREFIX  "RPC_C_AUTHN_LEVEL_"
#define WBEM_PREFIX "wbemAuthenticationLevel"

/* Both spellings: MS-RPCE's constants behind RPC_PREFIX, and the names of
 * WbemAuthenticationLevelEnum, which scripts use without their prefix. */
static const struct level_row {
    enum authn_level level;
    const char *name;
    const char *rpc_name;
} level_rows[] = {
    {AUTHN_LEVEL_DEFAULT, "Default", "DEFAULT"},
    {AUTHN_LEVEL_NONE, "None", "NONE"},
    {AUTHN_LEVEL_CONNECT, "Connect", "CONNECT"},
    {AUTHN_LEVEL_CALL, "Call", "CALL"},
    {AUTHN_LEVEL_PKT, "Pkt", "PKT"},
    {AUTHN_LEVEL_PKT_INTEGRITY, "PktIntegrity", "PKT_INTEGRITY"},
    {AUTHN_LEVEL_PKT_PRIVACY, "PktPrivacy", "PKT_PRIVACY"},
};

const char *
authn_level_name(enum authn_level level)
{
    for (size_t i = 0; i < ARRAY_COUNT(level_rows); i++) {
        if (level_rows[i].level == level)
            return level_rows[i].name;
    }
    return "Invalid";
}

static bool
names_row(const struct level_row *row, struct span text)
{
    if (text.length == 1 && text.data[0] == '0' + (int)row->level)
        return true;
    if (span_starts_nocase(text, SPAN(RPC_PREFIX)))
        return span_equal_nocase(span_skip(text, sizeof(RPC_PREFIX) - 1),
                                 span_of(row->rpc_name));
    if (span_starts_nocase(text, SPAN(WBEM_PREFIX)))
        text = span_skip(text, sizeof(WBEM_PREFIX) - 1);
    return span_equal_nocase(text, span_of(row->name));
}

bool
authn_level_parse(struct span text, enum authn_level *level_out)
{
    *level_out = AUTHN_LEVEL_DEFAULT;
    for (size_t i = 0; i < ARRAY_COUNT(level_rows); i++) {
        if (names_row(&level_rows[i], text)) {
            *level_out = level_rows[i].level;
            return true;
        }
    }
    return false;
}

/* What is no level is below every level. */
static enum authn_level
level_or_refused(enum authn_level level)
{
    int n = (int)level;

    return n >= AUTHN_LEVEL_NONE && n <= AUTHN_LEVEL_PKT_PRIVACY
               ? level
               : AUTHN_LEVEL_DEFAULT;
}

enum authn_level
authn_level_min(enum authn_level a, enum authn_level b)
{
    a = level_or_refused(a);
    b = level_or_refused(b);
    return a < b ? a : b;
}
