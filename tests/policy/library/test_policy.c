#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/policy/library/scene.h"

SUITE(policy);

#define OPEN "#pragma namespace(\"root\\\\open\")\nclass O { };\n"

static struct scene scene;

static void
setup(void)
{
    scene_init(&scene);
    cr_assert(scene_compile(&scene, CLASS_TEXT THREE_LINES("TRUE") OPEN) == 0,
              "%s", scene.said);
}

static void
teardown(void)
{
    scene_fini(&scene);
}

Test(policy, says_which_namespace_requires_encryption, .init = setup,
     .fini = teardown)
{
    static const struct {
        const char *namespace;
        int result;
    } rows[] = {
        {"root\\MyNamespace", 1},
        {"ROOT/mynamespace", 1},
        {"\\\\.\\root\\MyNamespace", 1},
        {"root\\open", 0},
        {"root", 0},
        {"root\\other", -1},
        {"root\\MyNamespace\\sub", -1},
        {"MyNamespace", -1},
        {"", -1},
        {NULL, -1},
        {"\\\\elsewhere\\root\\open", -1},
    };
    struct nspolicy_policy *p = scene_policy(&scene);

    cr_expect(nspolicy_policy_count(p) == 3, "%zu", nspolicy_policy_count(p));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_expect(nspolicy_policy_requires_encryption(p, rows[i].namespace) ==
                      rows[i].result,
                  "%s", rows[i].namespace);
        cr_expect(nspolicy_policy_requires_encryption(
                      NULL, rows[i].namespace) == -1);
    }
    nspolicy_policy_unref(p);
}

static const struct {
    const char *namespace;
    int declared, applied;
    enum nspolicy_verdict verdict;
    const char *reason;
    int required, effective;
} decisions[] = {
    {"root\\MyNamespace", 6, 6, NSPOLICY_ALLOW, "allowed", 6, 6},
    {"root\\MyNamespace", 6, 2, NSPOLICY_DENY, "channel-not-private", 6, 2},
    {"root\\MyNamespace", 5, 6, NSPOLICY_DENY, "context-not-private", 6, 5},
    {"root\\MyNamespace", 2, 2, NSPOLICY_DENY, "context-not-private", 6, 2},
    {"root\\MyNamespace", 0, 6, NSPOLICY_DENY, "below-minimum-level", 2, 0},
    {"root\\MyNamespace", 1, 6, NSPOLICY_CHALLENGE, "not-authenticated", 0, 1},
    {"root\\MyNamespace", 99, 99, NSPOLICY_DENY, "below-minimum-level", 2, 0},
    {"root\\MyNamespace", -1, 6, NSPOLICY_DENY, "below-minimum-level", 2, 0},
    {"root\\open", 2, 2, NSPOLICY_ALLOW, "allowed", 2, 2},
    {"root\\open", 6, 1, NSPOLICY_DENY, "below-minimum-level", 2, 1},
    {"root\\none", 6, 6, NSPOLICY_NOT_FOUND, "unknown-namespace", 0, 6},
    {"open", 6, 6, NSPOLICY_DENY, "undecided", 0, 6},
    {NULL, 6, 6, NSPOLICY_DENY, "undecided", 0, 6},
};

Test(policy, decides_by_the_smaller_level, .init = setup, .fini = teardown)
{
    struct nspolicy_policy *p = scene_policy(&scene);

    for (size_t i = 0; i < ARRAY_COUNT(decisions); i++) {
        enum nspolicy_level declared =
                                (enum nspolicy_level)decisions[i].declared,
                            applied =
                                (enum nspolicy_level)decisions[i].applied;
        struct nspolicy_decision d;

        cr_expect(nspolicy_policy_decide(p, decisions[i].namespace, declared,
                                         applied, &d) == decisions[i].verdict,
                  "row %zu: %d", i, d.verdict);
        cr_expect(d.verdict == decisions[i].verdict);
        cr_expect_str_eq(d.reason, decisions[i].reason, "row %zu: %s", i,
                         d.reason);
        cr_expect((int)d.required == decisions[i].required &&
                      (int)d.effective == decisions[i].effective,
                  "row %zu: %d %d", i, d.required, d.effective);
        cr_expect(d.generation == 1);
        cr_expect(nspolicy_policy_decide(p, decisions[i].namespace, declared,
                                         applied,
                                         NULL) == decisions[i].verdict);
        cr_expect(nspolicy_policy_decide(NULL, decisions[i].namespace,
                                         declared, applied,
                                         &d) == NSPOLICY_UNAVAILABLE);
        cr_expect_str_eq(d.reason, "no-policy");
    }
    nspolicy_policy_unref(p);
}

Test(policy, explains_itself_to_people, .init = setup, .fini = teardown)
{
    static const struct {
        const char *namespace;
        enum nspolicy_level declared, applied;
        const char *text;
    } rows[] = {
        {"root\\mynamespace", NSPOLICY_LEVEL_PKT_PRIVACY,
         NSPOLICY_LEVEL_CONNECT,
         "root\\MyNamespace requires PktPrivacy; the request has Connect "
         "(declared PktPrivacy, applied Connect): refused "
         "(channel-not-private): the client's context is enough, but what "
         "carries the request is not: it has to come by TLS or as a sealed "
         "message. Policy generation 1."},
        {"root\\open", NSPOLICY_LEVEL_CONNECT, NSPOLICY_LEVEL_CONNECT,
         "root\\open requires Connect; the request has Connect (declared "
         "Connect, applied Connect): allowed (allowed): that is enough. "
         "Policy generation 1."},
        {"root\\none", NSPOLICY_LEVEL_PKT_PRIVACY, NSPOLICY_LEVEL_PKT_PRIVACY,
         "root\\none: refused (unknown-namespace): no such namespace is "
         "known."},
        {"none", NSPOLICY_LEVEL_PKT_PRIVACY, NSPOLICY_LEVEL_PKT_PRIVACY,
         "?: refused (undecided): that is no namespace."},
        {"root\\MyNamespace", NSPOLICY_LEVEL_DEFAULT, NSPOLICY_LEVEL_DEFAULT,
         "root\\mynamespace: refused (below-minimum-level): no namespace is "
         "open below Connect."},
    };
    struct nspolicy_policy *p = scene_policy(&scene);
    char text[600];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        size_t n =
            nspolicy_policy_explain(p, rows[i].namespace, rows[i].declared,
                                    rows[i].applied, text, sizeof(text));

        cr_expect_str_eq(text, rows[i].text, "%s", text);
        cr_expect(n == strlen(rows[i].text));
        cr_expect(nspolicy_policy_explain(p, rows[i].namespace,
                                          rows[i].declared, rows[i].applied,
                                          text, 5) == n);
        cr_expect(strlen(text) == 4);
        cr_expect(nspolicy_policy_explain(p, rows[i].namespace,
                                          rows[i].declared, rows[i].applied,
                                          NULL, 0) == n);
    }
    nspolicy_policy_explain(NULL, "root\\open", NSPOLICY_LEVEL_PKT_PRIVACY,
                            NSPOLICY_LEVEL_PKT_PRIVACY, text, sizeof(text));
    cr_expect_str_eq(text, "root\\open: refused (no-policy): there is no "
                           "policy to decide by.");
    nspolicy_policy_unref(p);
}

Test(policy, stays_what_it_is_until_it_is_reloaded, .init = setup,
     .fini = teardown)
{
    struct nspolicy_policy *p = scene_policy(&scene), *pinned;
    struct nspolicy_error error;

    cr_expect(nspolicy_policy_changed(p) == 0);
    cr_expect(nspolicy_policy_reload(&p, &error) == 0);
    pinned = nspolicy_policy_ref(p);
    cr_assert(scene_compile(&scene, THREE_LINES("FALSE")) == 0);
    cr_expect(nspolicy_policy_changed(p) == 1);
    cr_expect(nspolicy_policy_requires_encryption(p, "root\\MyNamespace") ==
              1);
    cr_expect(nspolicy_policy_reload(&p, &error) == 1);
    cr_expect(p != pinned);
    cr_expect(nspolicy_policy_generation(p) == 2);
    cr_expect(nspolicy_policy_changed(p) == 0);
    cr_expect(nspolicy_policy_requires_encryption(p, "root\\MyNamespace") ==
              0);
    cr_expect(nspolicy_policy_generation(pinned) == 1);
    cr_expect(
        nspolicy_policy_requires_encryption(pinned, "root\\MyNamespace") == 1);
    nspolicy_policy_unref(pinned);
    nspolicy_policy_unref(p);
    nspolicy_policy_unref(NULL);
    cr_expect(nspolicy_policy_ref(NULL) == NULL);
}

Test(policy, refuses_everything_while_what_is_there_cannot_be_used,
     .init = setup, .fini = teardown)
{
    static const char *const damages[] = {
        "rm policy.image",
        "head -c 100 policy.image > x && mv x policy.image",
        "{ cat policy.image; echo; } > x && mv x policy.image",
        "cp policy.image x && chmod 0666 x && mv x policy.image",
    };
    struct nspolicy_policy *p = scene_policy(&scene), *none;
    struct nspolicy_error error;

    for (size_t i = 0; i < ARRAY_COUNT(damages); i++) {
        test_shell("cd %s && %s", scene.dir, damages[i]);
        cr_expect(nspolicy_policy_open(scene.dir, &none, &error) < 0);
        cr_expect(none == NULL);
        cr_expect(error.code != 0 && strstr(error.text, scene.dir) != NULL,
                  "%s", error.text);
        for (int again = 0; again < 2; again++)
            cr_expect(nspolicy_policy_reload(&p, &error) == -1, "row %zu", i);
        cr_expect(p != NULL && nspolicy_policy_generation(p) == 0);
        cr_expect(nspolicy_policy_count(p) == 0);
        cr_expect(nspolicy_policy_decide(p, "root\\open",
                                         NSPOLICY_LEVEL_PKT_PRIVACY,
                                         NSPOLICY_LEVEL_PKT_PRIVACY,
                                         NULL) == NSPOLICY_UNAVAILABLE);
        cr_expect(nspolicy_policy_requires_encryption(p, "root\\open") == -1);
        cr_assert(scene_compile(&scene, OPEN) == 0, "%s", scene.said);
        cr_expect(nspolicy_policy_reload(&p, &error) == 1, "%s", error.text);
        cr_expect(nspolicy_policy_generation(p) == 2 + i);
    }
    nspolicy_policy_unref(p);
}

Test(policy, levels_have_the_names_of_both_worlds)
{
    static const struct {
        const char *text;
        int result;
        enum nspolicy_level level;
    } rows[] = {
        {"PktPrivacy", 0, NSPOLICY_LEVEL_PKT_PRIVACY},
        {"RPC_C_AUTHN_LEVEL_PKT_PRIVACY", 0, NSPOLICY_LEVEL_PKT_PRIVACY},
        {"wbemAuthenticationLevelPkt", 0, NSPOLICY_LEVEL_PKT},
        {"2", 0, NSPOLICY_LEVEL_CONNECT},
        {"private", -1, NSPOLICY_LEVEL_DEFAULT},
        {"", -1, NSPOLICY_LEVEL_DEFAULT},
        {NULL, -1, NSPOLICY_LEVEL_DEFAULT},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        enum nspolicy_level level = NSPOLICY_LEVEL_PKT_INTEGRITY;

        cr_expect(nspolicy_level_parse(rows[i].text, &level) == rows[i].result,
                  "%s", rows[i].text);
        cr_expect(level == rows[i].level, "%s", rows[i].text);
    }
    cr_expect_str_eq(nspolicy_level_name(NSPOLICY_LEVEL_PKT_PRIVACY),
                     "PktPrivacy");
    cr_expect_str_eq(nspolicy_level_name((enum nspolicy_level)77), "Invalid");
    cr_expect_str_eq(nspolicy_version(), NSGATE_VERSION);
}
