/* A policy image, open for questions. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/decision/decision.h"
#include "policy/library/compiler.h"

/* Never changes but for its owners. */
struct nspolicy_policy {
    atomic_size_t owners;
    struct policy_image *image; /* NULL: what is there can't be used */
    char state_dir[];
};

/* -- its life ---------------------------------------------------------------- */

static struct nspolicy_policy *
policy_new(const char *state_dir, struct error *err)
{
    size_t n = strlen(state_dir) + 1;
    struct nspolicy_policy *p = calloc(1, sizeof(*p) + n);

    if (p == NULL) {
        error_set_errno(err, ENOMEM, "%s", state_dir);
        return NULL;
    }
    atomic_init(&p->owners, 1);
    memcpy(p->state_dir, state_dir, n);
    return p;
}

static int
policy_map(struct nspolicy_policy *p, struct error *err)
{
    int r = state_owner_enter(p->state_dir, err);

    if (r == 0)
        r = policy_image_open(p->state_dir, &p->image, err);
    state_owner_leave();
    return r;
}

int
nspolicy_policy_open(const char *state_dir, struct nspolicy_policy **out,
                     struct nspolicy_error *error)
{
    struct error err = {0};

    *out = policy_new(state_dir, &err);
    if (*out != NULL && policy_map(*out, &err) == 0)
        return 0;
    nspolicy_policy_unref(*out);
    *out = NULL;
    public_error_set(error, &err);
    return -1;
}

struct nspolicy_policy *
nspolicy_policy_ref(struct nspolicy_policy *p)
{
    if (p != NULL)
        atomic_fetch_add(&p->owners, 1);
    return p;
}

void
nspolicy_policy_unref(struct nspolicy_policy *p)
{
    if (p == NULL || atomic_fetch_sub(&p->owners, 1) != 1)
        return;
    policy_image_unref(p->image);
    free(p);
}

int
nspolicy_policy_changed(const struct nspolicy_policy *p)
{
    bool same;

    if (p == NULL)
        return 0;
    if (p->image == NULL)
        return 1;
    same = state_owner_enter(p->state_dir, NULL) == 0 &&
           policy_image_in_place(p->image, p->state_dir);
    state_owner_leave();
    return !same;
}

int
nspolicy_policy_reload(struct nspolicy_policy **p,
                       struct nspolicy_error *error)
{
    struct nspolicy_policy *old = *p, *new;
    struct error err = {0};
    int r;

    if (!nspolicy_policy_changed(old))
        return 0;
    new = policy_new(old->state_dir, &err);
    if (new == NULL) {
        public_error_set(error, &err);
        return -1;
    }
    r = policy_map(new, &err);
    if (r < 0 && err.code == -ENOMEM) {
        nspolicy_policy_unref(new);
    } else {
        *p = new;
        nspolicy_policy_unref(old);
    }
    if (r < 0)
        public_error_set(error, &err);
    return r < 0 ? -1 : 1;
}

uint64_t
nspolicy_policy_generation(const struct nspolicy_policy *p)
{
    return p != NULL && p->image != NULL ? policy_image_generation(p->image)
                                         : 0;
}

size_t
nspolicy_policy_count(const struct nspolicy_policy *p)
{
    return p != NULL && p->image != NULL ? policy_image_count(p->image) : 0;
}

/* -- questions ----------------------------------------------------------------- */

/* Verdicts and levels are those of decide(). */
_Static_assert((int)NSPOLICY_DENY == (int)VERDICT_DENY &&
                   (int)NSPOLICY_UNAVAILABLE == (int)VERDICT_UNAVAILABLE &&
                   (int)NSPOLICY_CHALLENGE == (int)VERDICT_CHALLENGE &&
                   (int)NSPOLICY_NOT_FOUND == (int)VERDICT_NOT_FOUND &&
                   (int)NSPOLICY_ALLOW == (int)VERDICT_ALLOW,
               "verdicts");
_Static_assert((int)NSPOLICY_LEVEL_DEFAULT == (int)AUTHN_LEVEL_DEFAULT &&
                   (int)NSPOLICY_LEVEL_NONE == (int)AUTHN_LEVEL_NONE &&
                   (int)NSPOLICY_LEVEL_CONNECT == (int)AUTHN_LEVEL_CONNECT &&
                   (int)NSPOLICY_LEVEL_CALL == (int)AUTHN_LEVEL_CALL &&
                   (int)NSPOLICY_LEVEL_PKT == (int)AUTHN_LEVEL_PKT &&
                   (int)NSPOLICY_LEVEL_PKT_INTEGRITY ==
                       (int)AUTHN_LEVEL_PKT_INTEGRITY &&
                   (int)NSPOLICY_LEVEL_PKT_PRIVACY ==
                       (int)AUTHN_LEVEL_PKT_PRIVACY,
               "levels");

static bool
namespace_read(const char *text, struct namespace_path *out)
{
    memset(out, 0, sizeof(*out));
    return text != NULL &&
           namespace_path_parse(out, span_of(text), NULL) == NAMESPACE_PATH_OK;
}

int
nspolicy_policy_requires_encryption(const struct nspolicy_policy *p,
                                    const char *namespace_path)
{
    struct namespace_path ns;
    struct policy_entry entry;

    if (p == NULL || p->image == NULL ||
        !namespace_read(namespace_path, &ns) ||
        !policy_image_find(p->image, &ns, &entry))
        return -1;
    return entry.required_level == AUTHN_LEVEL_CONNECT ? 0 : 1;
}

static struct decision
ask(const struct nspolicy_policy *p, const char *namespace_path,
    struct namespace_path *ns, enum nspolicy_level declared,
    enum nspolicy_level applied)
{
    struct decision_input input = {
        .image = p != NULL ? p->image : NULL,
        .namespace = namespace_read(namespace_path, ns) ? ns : NULL,
        .operation = OPERATION_READ,
        .authenticated = (int)declared != AUTHN_LEVEL_NONE,
        /* Who it is has been decided by the caller. */
        .principal = SPAN("caller"),
        .realm_allowed = true,
        .declared = (enum authn_level)declared,
        .applied = (enum authn_level)applied,
    };

    return decide(&input);
}

enum nspolicy_verdict
nspolicy_policy_decide(const struct nspolicy_policy *p,
                       const char *namespace_path,
                       enum nspolicy_level declared,
                       enum nspolicy_level applied,
                       struct nspolicy_decision *out)
{
    struct namespace_path ns;
    struct decision d = ask(p, namespace_path, &ns, declared, applied);

    if (out != NULL)
        *out = (struct nspolicy_decision){
            .verdict = (enum nspolicy_verdict)d.verdict,
            .reason = decision_reason_name(d.reason),
            .required = (enum nspolicy_level)d.required,
            .effective = (enum nspolicy_level)d.effective,
            .generation = d.generation};
    return (enum nspolicy_verdict)d.verdict;
}

/* What there is to say of a reason, and what helps. */
static const char *const explanations[] = {
    [REASON_UNDECIDED] = "that is no namespace",
    [REASON_NO_POLICY] = "there is no policy to decide by",
    [REASON_NOT_AUTHENTICATED] = "nobody is authenticated",
    [REASON_BELOW_MINIMUM] = "no namespace is open below Connect",
    [REASON_UNKNOWN_NAMESPACE] = "no such namespace is known",
    [REASON_CHANNEL_NOT_PRIVATE] =
        "the client's context is enough, but what carries the request is not: "
        "it has to come by TLS or as a sealed message",
    [REASON_CONTEXT_NOT_PRIVATE] =
        "the client's context has to ask for confidentiality and integrity",
    [REASON_ALLOWED] = "that is enough",
};

static const char *
explanation(enum decision_reason reason)
{
    const char *text = (size_t)reason < ARRAY_COUNT(explanations)
                           ? explanations[reason]
                           : NULL;

    return text != NULL ? text : decision_reason_name(reason);
}

size_t
nspolicy_policy_explain(const struct nspolicy_policy *p,
                        const char *namespace_path,
                        enum nspolicy_level declared,
                        enum nspolicy_level applied, char *text, size_t size)
{
    struct namespace_path ns;
    struct decision d = ask(p, namespace_path, &ns, declared, applied);
    struct policy_entry entry = {.display = SPAN("?")};
    const char *outcome = d.verdict == VERDICT_ALLOW ? "allowed" : "refused";
    int n;

    if (ns.length > 0)
        entry.display = namespace_path_span(&ns);
    if (d.reason == REASON_BELOW_MINIMUM ||
        d.required == AUTHN_LEVEL_DEFAULT ||
        !policy_image_find(p->image, &ns, &entry))
        n = snprintf(text, size, "%.*s: %s (%s): %s.",
                     (int)entry.display.length, entry.display.data, outcome,
                     decision_reason_name(d.reason), explanation(d.reason));
    else
        n = snprintf(text, size,
                     "%.*s requires %s; the request has %s (declared %s, "
                     "applied %s): %s (%s): %s. Policy generation %llu.",
                     (int)entry.display.length, entry.display.data,
                     authn_level_name(d.required),
                     authn_level_name(d.effective),
                     authn_level_name((enum authn_level)declared),
                     authn_level_name((enum authn_level)applied), outcome,
                     decision_reason_name(d.reason), explanation(d.reason),
                     (unsigned long long)d.generation);
    return n > 0 ? (size_t)n : 0;
}

/* -- names --------------------------------------------------------------------- */

const char *
nspolicy_version(void)
{
    return NSGATE_VERSION;
}

const char *
nspolicy_code_symbol(int32_t code)
{
    return mof_code_symbol((uint32_t)code);
}

const char *
nspolicy_level_name(enum nspolicy_level level)
{
    return authn_level_name((enum authn_level)level);
}

int
nspolicy_level_parse(const char *text, enum nspolicy_level *level_out)
{
    enum authn_level level = AUTHN_LEVEL_DEFAULT;
    bool ok = text != NULL && authn_level_parse(span_of(text), &level);

    *level_out = (enum nspolicy_level)level;
    return ok ? 0 : -1;
}
