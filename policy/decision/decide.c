#include "policy/decision/decision.h"

static const char *const reason_names[] = {
    [REASON_UNDECIDED] = "undecided",
    [REASON_NO_POLICY] = "no-policy",
    [REASON_NOT_AUTHENTICATED] = "not-authenticated",
    [REASON_REALM] = "realm-not-allowed",
    [REASON_BELOW_MINIMUM] = "below-minimum-level",
    [REASON_UNKNOWN_NAMESPACE] = "unknown-namespace",
    [REASON_CHANNEL_NOT_PRIVATE] = "channel-not-private",
    [REASON_CONTEXT_NOT_PRIVATE] = "context-not-private",
    [REASON_NOT_BOUND] = "not-bound",
    [REASON_NOT_LISTED] = "not-listed",
    [REASON_AUDITED] = "audited",
    [REASON_ALLOWED] = "allowed",
};

const char *
decision_reason_name(enum decision_reason reason)
{
    unsigned n = (unsigned)reason;

    return reason_names[n < ARRAY_COUNT(reason_names) ? n : 0];
}

/* The listener's part (levels.md 2): at least Connect; Call is Pkt
 * (MS-RPCE 2.2.1.1.8). */
static enum authn_level
minimum_of(const struct decision_input *input)
{
    if (input->minimum_level == AUTHN_LEVEL_CALL)
        return AUTHN_LEVEL_PKT;
    return input->minimum_level > AUTHN_LEVEL_CONNECT ? input->minimum_level
                                                      : AUTHN_LEVEL_CONNECT;
}

/* Too low for the namespace: whose fault is it? */
static enum decision_reason
level_reason(const struct decision_input *input, enum authn_level required)
{
    return authn_level_min(input->declared, required) < required
               ? REASON_CONTEXT_NOT_PRIVATE
               : REASON_CHANNEL_NOT_PRIVATE;
}

static struct decision
answer(struct decision so_far, enum verdict verdict,
       enum decision_reason reason)
{
    so_far.verdict = verdict;
    so_far.reason = reason;
    return so_far;
}

/* Level, binding and access of a namespace that exists. */
static struct decision
decide_known(const struct decision_input *input, struct decision d)
{
    bool discover = input->operation == OPERATION_DISCOVER;

    if (!discover && d.effective < d.required) {
        if (!input->audit)
            return answer(d, VERDICT_DENY, level_reason(input, d.required));
        d.would_deny = true;
    }
    if (!discover && d.required == AUTHN_LEVEL_PKT_PRIVACY &&
        input->encrypted_needs_binding && !input->bound)
        return answer(d, VERDICT_DENY, REASON_NOT_BOUND);
    if (input->access != NULL &&
        !access_list_allows(input->access, input->principal))
        return answer(d, VERDICT_DENY, REASON_NOT_LISTED);
    return answer(d, VERDICT_ALLOW,
                  d.would_deny ? REASON_AUDITED : REASON_ALLOWED);
}

static bool
operation_is_known(enum operation_kind operation)
{
    return operation == OPERATION_DISCOVER || operation == OPERATION_READ ||
           operation == OPERATION_WRITE;
}

struct decision
decide(const struct decision_input *input)
{
    struct decision d = {VERDICT_DENY,
                         REASON_UNDECIDED,
                         AUTHN_LEVEL_DEFAULT,
                         AUTHN_LEVEL_DEFAULT,
                         false,
                         0};
    struct policy_entry entry;

    d.effective = authn_level_min(input->declared, input->applied);
    if (input->image == NULL)
        return answer(d, VERDICT_UNAVAILABLE, REASON_NO_POLICY);
    d.generation = policy_image_generation(input->image);
    if (!input->authenticated || input->principal.length == 0)
        return answer(d, VERDICT_CHALLENGE, REASON_NOT_AUTHENTICATED);
    if (!operation_is_known(input->operation) || input->namespace == NULL)
        return d;
    if (!input->realm_allowed)
        return answer(d, VERDICT_DENY, REASON_REALM);
    d.required = minimum_of(input);
    if (d.effective < d.required)
        return answer(d, VERDICT_DENY, REASON_BELOW_MINIMUM);
    d.required = AUTHN_LEVEL_DEFAULT;
    if (!policy_image_find(input->image, input->namespace, &entry))
        return answer(d, VERDICT_NOT_FOUND, REASON_UNKNOWN_NAMESPACE);
    d.required = entry.required_level;
    return decide_known(input, d);
}
