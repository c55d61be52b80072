#include "policy/decision/decision.h"
#include "tests/support/support.h"

SUITE(decide);

static struct policy_image *image;
static struct namespace_path open_ns, secret_ns, unknown_ns;
static const char *const listed[] = {"ops@R"};
static struct access_list access_yes = {.count = 1, .principals = listed};
static struct access_list access_no = {.count = 0};

static void
setup(void)
{
    const char *dir = test_directory();
    struct policy_image_builder *b = policy_image_builder_new();
    struct policy_entry low = {.required_level = AUTHN_LEVEL_CONNECT};
    struct policy_entry high = {.required_level = AUTHN_LEVEL_PKT_PRIVACY};
    struct error err;

    namespace_path_parse(&open_ns, SPAN("root\\open"), NULL);
    namespace_path_parse(&secret_ns, SPAN("root\\secret"), NULL);
    namespace_path_parse(&unknown_ns, SPAN("root\\unknown"), NULL);
    cr_assert(policy_image_builder_add(b, &open_ns, &low, &err) == 0);
    cr_assert(policy_image_builder_add(b, &secret_ns, &high, &err) == 0);
    cr_assert(policy_image_builder_write(b, dir, 7, &err) == 0, "%s",
              err.text);
    policy_image_builder_free(b);
    cr_assert(policy_image_activate(dir, &err) == 0);
    cr_assert(policy_image_open(dir, &image, &err) == 0, "%s", err.text);
}

static void
teardown(void)
{
    policy_image_unref(image);
    image = NULL;
}

/* What every test allows before it takes something away. */
static struct decision_input
allowed(void)
{
    return (struct decision_input){
        .image = image,
        .namespace = &secret_ns,
        .operation = OPERATION_READ,
        .authenticated = true,
        .principal = SPAN("ops@R"),
        .realm_allowed = true,
        .declared = AUTHN_LEVEL_PKT_PRIVACY,
        .applied = AUTHN_LEVEL_PKT_PRIVACY,
        .access = &access_yes,
    };
}

static void
assert_answer(const struct decision_input *input, enum verdict verdict,
              enum decision_reason reason)
{
    struct decision d = decide(input);

    cr_assert(d.verdict == verdict && d.reason == reason,
              "verdict %d, reason %s", (int)d.verdict,
              decision_reason_name(d.reason));
}

Test(decide, refuses_a_zeroed_input, .init = setup, .fini = teardown)
{
    struct decision_input input = {0};
    struct decision zero = {0};

    assert_answer(&input, VERDICT_UNAVAILABLE, REASON_NO_POLICY);
    input.image = image;
    assert_answer(&input, VERDICT_CHALLENGE, REASON_NOT_AUTHENTICATED);
    cr_assert(zero.verdict == VERDICT_DENY);
}

Test(decide, allows_what_fulfils_everything, .init = setup, .fini = teardown)
{
    struct decision_input input = allowed();
    struct decision d = decide(&input);

    cr_assert(d.verdict == VERDICT_ALLOW && d.reason == REASON_ALLOWED);
    cr_assert(d.required == AUTHN_LEVEL_PKT_PRIVACY);
    cr_assert(d.effective == AUTHN_LEVEL_PKT_PRIVACY);
    cr_assert(d.generation == 7 && !d.would_deny);
}

/* Each row takes one thing away from an allowed request. */
Test(decide, has_a_reason_for_each_thing_missing, .init = setup,
     .fini = teardown)
{
    struct decision_input i;

    i = allowed(), i.image = NULL;
    assert_answer(&i, VERDICT_UNAVAILABLE, REASON_NO_POLICY);
    i = allowed(), i.authenticated = false;
    assert_answer(&i, VERDICT_CHALLENGE, REASON_NOT_AUTHENTICATED);
    i = allowed(), i.principal = SPAN("");
    assert_answer(&i, VERDICT_CHALLENGE, REASON_NOT_AUTHENTICATED);
    i = allowed(), i.operation = OPERATION_NONE;
    assert_answer(&i, VERDICT_DENY, REASON_UNDECIDED);
    i = allowed(), i.operation = (enum operation_kind)99;
    assert_answer(&i, VERDICT_DENY, REASON_UNDECIDED);
    i = allowed(), i.namespace = NULL;
    assert_answer(&i, VERDICT_DENY, REASON_UNDECIDED);
    i = allowed(), i.realm_allowed = false;
    assert_answer(&i, VERDICT_DENY, REASON_REALM);
    i = allowed(), i.namespace = &unknown_ns;
    assert_answer(&i, VERDICT_NOT_FOUND, REASON_UNKNOWN_NAMESPACE);
    i = allowed(), i.declared = AUTHN_LEVEL_PKT_INTEGRITY;
    assert_answer(&i, VERDICT_DENY, REASON_CONTEXT_NOT_PRIVATE);
    i = allowed(), i.applied = AUTHN_LEVEL_CONNECT;
    assert_answer(&i, VERDICT_DENY, REASON_CHANNEL_NOT_PRIVATE);
    i.declared = AUTHN_LEVEL_CONNECT;
    assert_answer(&i, VERDICT_DENY, REASON_CONTEXT_NOT_PRIVATE);
    i = allowed(), i.encrypted_needs_binding = true;
    assert_answer(&i, VERDICT_DENY, REASON_NOT_BOUND);
    i.bound = true;
    assert_answer(&i, VERDICT_ALLOW, REASON_ALLOWED);
    i = allowed(), i.access = &access_no;
    assert_answer(&i, VERDICT_DENY, REASON_NOT_LISTED);
    i.access = NULL;
    assert_answer(&i, VERDICT_ALLOW, REASON_ALLOWED);
    i = allowed(), i.applied = AUTHN_LEVEL_NONE;
    assert_answer(&i, VERDICT_DENY, REASON_BELOW_MINIMUM);
    i = allowed(), i.minimum_level = (enum authn_level)7;
    assert_answer(&i, VERDICT_DENY, REASON_BELOW_MINIMUM);
}

Test(decide, needs_no_binding_for_an_open_namespace, .init = setup,
     .fini = teardown)
{
    struct decision_input i = allowed();

    i.namespace = &open_ns;
    i.encrypted_needs_binding = true;
    i.applied = AUTHN_LEVEL_CONNECT;
    assert_answer(&i, VERDICT_ALLOW, REASON_ALLOWED);
}

Test(decide, treats_a_minimum_of_call_as_pkt, .init = setup, .fini = teardown)
{
    struct decision_input i = allowed();
    struct decision d;

    i.namespace = &open_ns;
    i.minimum_level = AUTHN_LEVEL_CALL;
    i.applied = AUTHN_LEVEL_CALL;
    d = decide(&i);
    cr_assert(d.reason == REASON_BELOW_MINIMUM);
    cr_assert(d.required == AUTHN_LEVEL_PKT);
    i.applied = AUTHN_LEVEL_PKT;
    assert_answer(&i, VERDICT_ALLOW, REASON_ALLOWED);
}

Test(decide, audit_lets_only_the_level_through, .init = setup,
     .fini = teardown)
{
    struct decision_input i = allowed();
    struct decision d;

    i.audit = true;
    d = decide(&i);
    cr_assert(d.reason == REASON_ALLOWED && !d.would_deny);
    i.applied = AUTHN_LEVEL_CONNECT;
    d = decide(&i);
    cr_assert(d.verdict == VERDICT_ALLOW && d.reason == REASON_AUDITED);
    cr_assert(d.would_deny);
    i.access = &access_no;
    assert_answer(&i, VERDICT_DENY, REASON_NOT_LISTED);
    i.access = NULL;
    i.encrypted_needs_binding = true;
    assert_answer(&i, VERDICT_DENY, REASON_NOT_BOUND);
    i.encrypted_needs_binding = false;
    i.minimum_level = AUTHN_LEVEL_PKT;
    assert_answer(&i, VERDICT_DENY, REASON_BELOW_MINIMUM);
}

Test(decide, discover_skips_level_and_binding_only, .init = setup,
     .fini = teardown)
{
    struct decision_input i = allowed();
    struct decision d;

    i.operation = OPERATION_DISCOVER;
    i.applied = AUTHN_LEVEL_CONNECT;
    i.encrypted_needs_binding = true;
    d = decide(&i);
    cr_assert(d.verdict == VERDICT_ALLOW && d.reason == REASON_ALLOWED);
    cr_assert(d.required == AUTHN_LEVEL_PKT_PRIVACY && !d.would_deny);
    i.access = &access_no;
    assert_answer(&i, VERDICT_DENY, REASON_NOT_LISTED);
    i = allowed();
    i.operation = OPERATION_DISCOVER;
    i.minimum_level = AUTHN_LEVEL_PKT;
    i.applied = AUTHN_LEVEL_CONNECT;
    assert_answer(&i, VERDICT_DENY, REASON_BELOW_MINIMUM);
}

/* -- the whole truth table ------------------------------------------------ */

/* One number names one combination of everything decide() looks at. */
struct combination {
    unsigned authenticated : 1, realm : 1, bound : 1, needs_binding : 1,
        audit : 1;
    unsigned operation, access, ns, declared, applied, minimum;
};

#define COMBINATIONS (32u * 4 * 3 * 3 * 7 * 7 * 7)

static struct combination
combination_of(unsigned n)
{
    struct combination c;

    c.authenticated = n & 1;
    c.realm = n >> 1 & 1;
    c.bound = n >> 2 & 1;
    c.needs_binding = n >> 3 & 1;
    c.audit = n >> 4 & 1;
    n /= 32;
    c.operation = n % 4, n /= 4;
    c.access = n % 3, n /= 3;
    c.ns = n % 3, n /= 3;
    c.declared = n % 7, n /= 7;
    c.applied = n % 7, n /= 7;
    c.minimum = n;
    return c;
}

static struct decision
decide_combination(const struct combination *c)
{
    const struct namespace_path *const spaces[] = {&open_ns, &secret_ns,
                                                   &unknown_ns};
    const struct access_list *const lists[] = {NULL, &access_yes, &access_no};
    struct decision_input input = {
        .image = image,
        .namespace = spaces[c->ns],
        .operation = (enum operation_kind)c->operation,
        .authenticated = c->authenticated,
        .principal = SPAN("ops@R"),
        .realm_allowed = c->realm,
        .declared = (enum authn_level)c->declared,
        .applied = (enum authn_level)c->applied,
        .minimum_level = (enum authn_level)c->minimum,
        .bound = c->bound,
        .encrypted_needs_binding = c->needs_binding,
        .audit = c->audit,
        .access = lists[c->access],
    };

    return decide(&input);
}

/* The rules once more, as one sentence instead of an order. */
static bool
should_allow(const struct combination *c)
{
    unsigned effective = c->declared < c->applied ? c->declared : c->applied;
    unsigned minimum = c->minimum < 2 ? 2 : c->minimum;
    bool secret = c->ns == 1, discover = c->operation == 1;

    if (minimum == 3)
        minimum = 4;
    return c->authenticated && c->realm && c->operation != 0 && c->ns != 2 &&
           c->access != 2 && effective >= minimum &&
           (!secret || discover || effective == 6 || c->audit) &&
           (!secret || discover || !c->needs_binding || c->bound);
}

Test(decide, allows_exactly_what_the_rules_say, .init = setup,
     .fini = teardown)
{
    size_t allows = 0;

    for (unsigned n = 0; n < COMBINATIONS; n++) {
        struct combination c = combination_of(n);
        struct decision d = decide_combination(&c);
        bool is = d.verdict == VERDICT_ALLOW;

        cr_assert(is == should_allow(&c), "combination %u: verdict %d, %s", n,
                  (int)d.verdict, decision_reason_name(d.reason));
        cr_assert(is ==
                  (d.reason == REASON_ALLOWED || d.reason == REASON_AUDITED));
        cr_assert(d.would_deny ==
                      (c.audit && d.required > d.effective &&
                       d.reason >= REASON_NOT_BOUND && c.operation != 1),
                  "combination %u", n);
        allows += is;
    }
    cr_assert(allows > 1000);
}

Test(decide, never_denies_for_a_higher_level, .init = setup, .fini = teardown)
{
    for (unsigned n = 0; n < COMBINATIONS; n++) {
        struct combination c = combination_of(n), more;

        if (decide_combination(&c).verdict != VERDICT_ALLOW)
            continue;
        more = c;
        more.declared += c.declared < 6;
        cr_assert(decide_combination(&more).verdict == VERDICT_ALLOW, "%u", n);
        more = c;
        more.applied += c.applied < 6;
        cr_assert(decide_combination(&more).verdict == VERDICT_ALLOW, "%u", n);
    }
}

Test(decide, tells_nothing_about_namespaces_before_authentication,
     .init = setup, .fini = teardown)
{
    struct decision_input a = allowed(), b;

    a.authenticated = false;
    b = a;
    b.namespace = &unknown_ns;
    cr_assert(decide(&a).verdict == decide(&b).verdict);
    cr_assert(decide(&a).reason == decide(&b).reason);
    cr_assert(decide(&a).required == decide(&b).required);
}

Test(decide, names_every_reason_differently)
{
    for (int i = 0; i <= REASON_ALLOWED; i++) {
        const char *name = decision_reason_name((enum decision_reason)i);

        cr_assert(name != NULL && name[0] != '\0');
        for (int j = 0; j < i; j++)
            cr_assert_str_neq(name,
                              decision_reason_name((enum decision_reason)j));
    }
    cr_assert_str_eq(decision_reason_name((enum decision_reason)99),
                     "undecided");
}
