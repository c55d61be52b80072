#include "gateway/ctl/explain.h"

static bool
binding_matters(const struct config_listener *l)
{
    return l->encrypted_needs_binding ||
           l->privacy_evidence == PRIVACY_EVIDENCE_BOUND;
}

/* One way, or two where a bound token is judged otherwise.  Under `require`
 * a token that is not bound is a 401 and never decided. */
static size_t
private_ways(const struct config_listener *l, enum channel_kind channel,
             const char *plain, const char *bound, const char *unbound,
             struct explain_way *out)
{
    if (l->channel_bindings == CHANNEL_BINDINGS_REQUIRE) {
        out[0] = (struct explain_way){bound, channel, true};
        return 1;
    }
    if (l->channel_bindings == CHANNEL_BINDINGS_OFF || !binding_matters(l)) {
        out[0] = (struct explain_way){plain, channel, false};
        return 1;
    }
    out[0] = (struct explain_way){bound, channel, true};
    out[1] = (struct explain_way){unbound, channel, false};
    return 2;
}

size_t
explain_ways(const struct config_listener *l,
             struct explain_way out[EXPLAIN_WAYS_MAX])
{
    size_t n;

    if (l->status)
        return 0;
    switch (l->channel) {
    case LISTENER_CHANNEL_LOCAL:
        out[0] = (struct explain_way){"a user of local_users", CHANNEL_LOCAL,
                                      false};
        out[1] = (struct explain_way){"any other user", CHANNEL_LOCAL_UNLISTED,
                                      false};
        return 2;
    case LISTENER_CHANNEL_ASSERTED:
        out[0] = (struct explain_way){"the wire the operator vouches for",
                                      CHANNEL_ASSERTED, false};
        return 1;
    case LISTENER_CHANNEL_PROXY:
        n = private_ways(l, CHANNEL_PROXY_TLS, "https to the proxy",
                         "https to the proxy, token bound",
                         "https to the proxy, token not bound", out);
        out[n] = (struct explain_way){"http to the proxy",
                                      CHANNEL_PROXY_CLEARTEXT, false};
        return n + 1;
    case LISTENER_CHANNEL_DIRECT:
        break;
    }
    if (l->tls)
        return private_ways(l, CHANNEL_TLS, "https", "https, token bound",
                            "https, token not bound", out);
    out[0] = (struct explain_way){"http", CHANNEL_CLEARTEXT, false};
    if (!l->message_encryption)
        return 1;
    out[1] = (struct explain_way){"message encryption", CHANNEL_SEALED, false};
    return 2;
}

enum authn_level
explain_declared(const struct config_listener *l,
                 const struct explain_way *way, enum authn_level declared)
{
    return l->privacy_evidence == PRIVACY_EVIDENCE_BOUND && way->bound
               ? AUTHN_LEVEL_PKT_PRIVACY
               : declared;
}

struct decision
explain_decide(const struct policy_image *image,
               const struct namespace_path *ns,
               const struct config_listener *l, const struct explain_way *way,
               enum authn_level declared, bool audit,
               const struct explain_caller *caller)
{
    struct decision_input in = {
        .image = image,
        .namespace = ns,
        .operation = OPERATION_READ,
        .authenticated = true,
        .principal = caller->principal,
        .realm_allowed = caller->realm_allowed,
        .declared = explain_declared(l, way, declared),
        .applied = channel_applied_level(way->channel, true),
        .minimum_level = l->minimum_level,
        .bound = way->bound,
        .encrypted_needs_binding = l->encrypted_needs_binding,
        .audit = audit,
        .access = caller->access,
    };

    return decide(&in);
}

const char *
explain_reason(enum decision_reason reason)
{
    switch (reason) {
    case REASON_NO_POLICY:
        return "no policy is in force";
    case REASON_NOT_AUTHENTICATED:
        return "nobody is authenticated";
    case REASON_REALM:
        return "the principal's realm is not among the realms";
    case REASON_BELOW_MINIMUM:
        return "below the listener's minimum_level";
    case REASON_UNKNOWN_NAMESPACE:
        return "there is no such namespace";
    case REASON_CHANNEL_NOT_PRIVATE:
        return "the context would do, the channel is not private";
    case REASON_CONTEXT_NOT_PRIVATE:
        return "the context does not ask for confidentiality";
    case REASON_NOT_BOUND:
        return "encrypted_needs_binding, and the token is not bound";
    case REASON_NOT_LISTED:
        return "the access section does not list the principal";
    case REASON_AUDITED:
        return "too low, let through by enforcement = audit";
    case REASON_ALLOWED:
        return "enough";
    case REASON_UNDECIDED:
        break;
    }
    return "nothing says that it is allowed";
}
