#include "gateway/ctl/explain.h"
#include "tests/support/support.h"

#include <string.h>

SUITE(explain);

static struct config_listener
listener(enum listener_channel channel, bool tls)
{
    return (struct config_listener){.name = "l",
                                    .bind = "127.0.0.1:0",
                                    .channel = channel,
                                    .tls = tls,
                                    .channel_bindings = CHANNEL_BINDINGS_ALLOW,
                                    .minimum_level = AUTHN_LEVEL_CONNECT};
}

static const struct explain_caller anyone = {{"a@R", 3}, true, NULL};

static struct namespace_path
path(const char *text)
{
    struct namespace_path ns;

    cr_assert_eq(namespace_path_parse(&ns, span_of(text), NULL),
                 NAMESPACE_PATH_OK);
    return ns;
}

/* root\sealed requires encryption, root\plain does not. */
static struct policy_image *
image_make(void)
{
    struct policy_image_builder *b = policy_image_builder_new();
    struct policy_entry sealed = {.required_level = AUTHN_LEVEL_PKT_PRIVACY};
    struct policy_entry plain = {.required_level = AUTHN_LEVEL_CONNECT};
    struct namespace_path ns = path("root\\sealed");
    const char *dir = test_directory();
    struct policy_image *image = NULL;
    struct error err = {0, ""};

    cr_assert_eq(policy_image_builder_add(b, &ns, &sealed, &err), 0);
    ns = path("root\\plain");
    cr_assert_eq(policy_image_builder_add(b, &ns, &plain, &err), 0);
    cr_assert_eq(policy_image_builder_write(b, dir, 7, &err), 0, "%s",
                 err.text);
    cr_assert_eq(policy_image_activate(dir, &err), 0, "%s", err.text);
    cr_assert_eq(policy_image_open(dir, &image, &err), 0, "%s", err.text);
    policy_image_builder_free(b);
    return image;
}

Test(explain, each_kind_of_listener_has_its_ways)
{
    static const struct {
        enum listener_channel channel;
        bool tls;
        size_t count;
        enum channel_kind first, last;
    } rows[] = {
        {LISTENER_CHANNEL_DIRECT, true, 1, CHANNEL_TLS, CHANNEL_TLS},
        {LISTENER_CHANNEL_DIRECT, false, 1, CHANNEL_CLEARTEXT,
         CHANNEL_CLEARTEXT},
        {LISTENER_CHANNEL_LOCAL, false, 2, CHANNEL_LOCAL,
         CHANNEL_LOCAL_UNLISTED},
        {LISTENER_CHANNEL_ASSERTED, false, 1, CHANNEL_ASSERTED,
         CHANNEL_ASSERTED},
        {LISTENER_CHANNEL_PROXY, false, 2, CHANNEL_PROXY_TLS,
         CHANNEL_PROXY_CLEARTEXT},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct config_listener l = listener(rows[i].channel, rows[i].tls);
        struct explain_way ways[EXPLAIN_WAYS_MAX];
        size_t n = explain_ways(&l, ways);

        cr_assert_eq(n, rows[i].count, "row %zu", i);
        cr_assert_eq(ways[0].channel, rows[i].first, "row %zu", i);
        cr_assert_eq(ways[n - 1].channel, rows[i].last, "row %zu", i);
    }
}

Test(explain, message_encryption_is_a_way_only_where_it_is_offered)
{
    static const struct {
        enum listener_channel channel;
        bool tls, offered;
        bool way;
    } rows[] = {
        {LISTENER_CHANNEL_DIRECT, false, true, true},
        {LISTENER_CHANNEL_DIRECT, false, false, false},
        {LISTENER_CHANNEL_DIRECT, true, true, false},
        {LISTENER_CHANNEL_LOCAL, false, true, false},
        {LISTENER_CHANNEL_ASSERTED, false, true, false},
        {LISTENER_CHANNEL_PROXY, false, true, false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct config_listener l = listener(rows[i].channel, rows[i].tls);
        struct explain_way ways[EXPLAIN_WAYS_MAX];
        bool way = false;

        l.message_encryption = rows[i].offered;
        for (size_t n = explain_ways(&l, ways); n > 0; n--)
            way = way || ways[n - 1].channel == CHANNEL_SEALED;
        cr_assert_eq(way, rows[i].way, "row %zu", i);
    }
}

Test(explain, a_status_listener_has_none)
{
    struct config_listener l = listener(LISTENER_CHANNEL_DIRECT, false);
    struct explain_way ways[EXPLAIN_WAYS_MAX];

    l.status = true;
    cr_assert_eq(explain_ways(&l, ways), 0);
}

Test(explain, bound_and_unbound_are_told_apart_where_it_matters)
{
    struct config_listener l = listener(LISTENER_CHANNEL_DIRECT, true);
    struct explain_way ways[EXPLAIN_WAYS_MAX];

    l.encrypted_needs_binding = true;
    cr_assert_eq(explain_ways(&l, ways), 2);
    cr_assert(ways[0].bound && !ways[1].bound);
    l.encrypted_needs_binding = false;
    l.privacy_evidence = PRIVACY_EVIDENCE_BOUND;
    cr_assert_eq(explain_ways(&l, ways), 2);
    l.channel_bindings = CHANNEL_BINDINGS_REQUIRE;
    cr_assert_eq(explain_ways(&l, ways), 1);
    cr_assert(ways[0].bound);
}

static enum decision_reason
reason_of(const struct policy_image *image, const char *ns_text,
          const struct config_listener *l, const struct explain_way *way,
          enum authn_level declared)
{
    struct namespace_path ns = path(ns_text);

    return explain_decide(image, &ns, l, way, declared, false, &anyone).reason;
}

Test(explain, answers_as_the_gateway_would)
{
    static const struct explain_way tls = {"", CHANNEL_TLS, false};
    static const struct explain_way clear = {"", CHANNEL_CLEARTEXT, false};
    static const struct explain_way sealed = {"", CHANNEL_SEALED, false};
    static const struct explain_way other = {"", CHANNEL_LOCAL_UNLISTED,
                                             false};
    static const struct {
        const char *ns;
        const struct explain_way *way;
        enum authn_level declared;
        enum decision_reason reason;
    } rows[] = {
        {"root\\sealed", &tls, AUTHN_LEVEL_PKT_PRIVACY, REASON_ALLOWED},
        {"root\\sealed", &tls, AUTHN_LEVEL_PKT_INTEGRITY,
         REASON_CONTEXT_NOT_PRIVATE},
        {"root\\sealed", &clear, AUTHN_LEVEL_PKT_PRIVACY,
         REASON_CHANNEL_NOT_PRIVATE},
        {"root\\sealed", &sealed, AUTHN_LEVEL_PKT_PRIVACY, REASON_ALLOWED},
        {"root\\sealed", &sealed, AUTHN_LEVEL_PKT_INTEGRITY,
         REASON_CONTEXT_NOT_PRIVATE},
        {"root\\sealed", &other, AUTHN_LEVEL_PKT_PRIVACY,
         REASON_CHANNEL_NOT_PRIVATE},
        {"root\\plain", &clear, AUTHN_LEVEL_CONNECT, REASON_ALLOWED},
        {"root\\none", &tls, AUTHN_LEVEL_PKT_PRIVACY,
         REASON_UNKNOWN_NAMESPACE},
    };
    struct config_listener l = listener(LISTENER_CHANNEL_DIRECT, true);
    struct policy_image *image = image_make();

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_assert_eq(
            reason_of(image, rows[i].ns, &l, rows[i].way, rows[i].declared),
            rows[i].reason, "row %zu", i);
    policy_image_unref(image);
}

Test(explain, a_bound_token_is_evidence_only_where_the_listener_says_so)
{
    static const struct explain_way bound = {"", CHANNEL_TLS, true};
    struct config_listener l = listener(LISTENER_CHANNEL_DIRECT, true);
    struct policy_image *image = image_make();

    cr_assert_eq(
        reason_of(image, "root\\sealed", &l, &bound, AUTHN_LEVEL_CONNECT),
        REASON_CONTEXT_NOT_PRIVATE);
    l.privacy_evidence = PRIVACY_EVIDENCE_BOUND;
    cr_assert_eq(
        reason_of(image, "root\\sealed", &l, &bound, AUTHN_LEVEL_CONNECT),
        REASON_ALLOWED);
    cr_assert_eq(explain_declared(&l, &bound, AUTHN_LEVEL_CONNECT),
                 AUTHN_LEVEL_PKT_PRIVACY);
    policy_image_unref(image);
}

Test(explain, without_an_image_all_is_unavailable)
{
    static const struct explain_way tls = {"", CHANNEL_TLS, false};
    struct config_listener l = listener(LISTENER_CHANNEL_DIRECT, true);

    cr_assert_eq(
        reason_of(NULL, "root\\plain", &l, &tls, AUTHN_LEVEL_PKT_PRIVACY),
        REASON_NO_POLICY);
}
