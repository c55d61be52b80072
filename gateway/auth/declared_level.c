#include "gateway/auth/auth.h"

#include <gssapi/gssapi_ext.h>

/*
 * What a security context declares, and what to ask for to make it declare
 * that.  The flags are the client's claim (RFC 4121 4.1.1); what the channel
 * really does is another question, asked elsewhere.
 */

/* A rule holds when all of `all` and, if there are any, one of `any` are
 * set. */
struct level_rule {
    enum authn_level level;
    uint32_t all;
    uint32_t any;
};

/* Strongest first; the first that holds counts. */
static const struct level_rule level_rules[] = {
    {AUTHN_LEVEL_PKT_PRIVACY, GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG, 0},
    {AUTHN_LEVEL_PKT_INTEGRITY, GSS_C_INTEG_FLAG, 0},
    {AUTHN_LEVEL_PKT, 0, GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG},
    {AUTHN_LEVEL_CONNECT, 0, 0},
};

enum authn_level
declared_level(uint32_t gss_flags, bool anonymous)
{
    /* They say something about the library, not about the exchange. */
    uint32_t flags = gss_flags & ~(GSS_C_TRANS_FLAG | GSS_C_PROT_READY_FLAG);

    if (flags & GSS_C_DCE_STYLE)
        return AUTHN_LEVEL_DEFAULT;
    if (anonymous)
        return AUTHN_LEVEL_NONE;
    for (size_t i = 0; i < ARRAY_COUNT(level_rules); i++) {
        const struct level_rule *rule = &level_rules[i];

        if ((flags & rule->all) == rule->all &&
            (rule->any == 0 || (flags & rule->any) != 0))
            return rule->level;
    }
    return AUTHN_LEVEL_DEFAULT;
}

#define ASK_CONNECT   GSS_C_MUTUAL_FLAG
#define ASK_PKT       (ASK_CONNECT | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG)
#define ASK_INTEGRITY (ASK_PKT | GSS_C_INTEG_FLAG)
#define ASK_PRIVACY   (ASK_INTEGRITY | GSS_C_CONF_FLAG)

/* None is no context at all, so it has no row. */
static const struct {
    enum authn_level level;
    uint32_t flags;
    bool no_ci;
} requests[] = {
    {AUTHN_LEVEL_DEFAULT, 0, true},
    {AUTHN_LEVEL_CONNECT, ASK_CONNECT, true},
    {AUTHN_LEVEL_CALL, ASK_PKT, true}, /* processed as Pkt */
    {AUTHN_LEVEL_PKT, ASK_PKT, true},
    {AUTHN_LEVEL_PKT_INTEGRITY, ASK_INTEGRITY, true},
    {AUTHN_LEVEL_PKT_PRIVACY, ASK_PRIVACY, false},
};

bool
initiator_flags_for_level(enum authn_level level, uint32_t *flags_out,
                          bool *no_ci_out)
{
    *flags_out = 0;
    *no_ci_out = true;
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        if (requests[i].level != level)
            continue;
        *flags_out = requests[i].flags;
        *no_ci_out = requests[i].no_ci;
        return true;
    }
    return false;
}

static const struct {
    uint32_t flag;
    const char *name;
} flag_names[] = {
    {GSS_C_DELEG_FLAG, "DELEG"},
    {GSS_C_MUTUAL_FLAG, "MUTUAL"},
    {GSS_C_REPLAY_FLAG, "REPLAY"},
    {GSS_C_SEQUENCE_FLAG, "SEQUENCE"},
    {GSS_C_CONF_FLAG, "CONF"},
    {GSS_C_INTEG_FLAG, "INTEG"},
    {GSS_C_ANON_FLAG, "ANON"},
    {GSS_C_PROT_READY_FLAG, "PROT_READY"},
    {GSS_C_TRANS_FLAG, "TRANS"},
    {GSS_C_CHANNEL_BOUND_FLAG, "CHANNEL_BOUND"},
    {GSS_C_DCE_STYLE, "DCE_STYLE"},
    {GSS_C_IDENTIFY_FLAG, "IDENTIFY"},
    {GSS_C_EXTENDED_ERROR_FLAG, "EXTENDED_ERROR"},
};

void
gss_flags_format(uint32_t flags, struct buf *out)
{
    const char *between = "";

    if (flags == 0)
        buf_add_string(out, "none");
    for (size_t i = 0; i < ARRAY_COUNT(flag_names); i++) {
        if (!(flags & flag_names[i].flag))
            continue;
        buf_addf(out, "%s%s", between, flag_names[i].name);
        flags &= ~flag_names[i].flag;
        between = "|";
    }
    if (flags != 0)
        buf_addf(out, "%s0x%x", between, (unsigned)flags);
}
