#include "policy/decision/decision.h"
#include "tests/support/support.h"

SUITE(level);

static const struct {
    const char *text;
    enum authn_level level;
} spellings[] = {
    {"Default", AUTHN_LEVEL_DEFAULT},
    {"None", AUTHN_LEVEL_NONE},
    {"Connect", AUTHN_LEVEL_CONNECT},
    {"Call", AUTHN_LEVEL_CALL},
    {"Pkt", AUTHN_LEVEL_PKT},
    {"PktIntegrity", AUTHN_LEVEL_PKT_INTEGRITY},
    {"PktPrivacy", AUTHN_LEVEL_PKT_PRIVACY},
    {"pktprivacy", AUTHN_LEVEL_PKT_PRIVACY},
    {"RPC_C_AUTHN_LEVEL_PKT_PRIVACY", AUTHN_LEVEL_PKT_PRIVACY},
    {"rpc_c_authn_level_pkt_integrity", AUTHN_LEVEL_PKT_INTEGRITY},
    {"RPC_C_AUTHN_LEVEL_DEFAULT", AUTHN_LEVEL_DEFAULT},
    {"wbemAuthenticationLevelPktPrivacy", AUTHN_LEVEL_PKT_PRIVACY},
    {"WBEMAUTHENTICATIONLEVELCALL", AUTHN_LEVEL_CALL},
    {"0", AUTHN_LEVEL_DEFAULT},
    {"1", AUTHN_LEVEL_NONE},
    {"6", AUTHN_LEVEL_PKT_PRIVACY},
};

Test(level, is_read_in_every_published_spelling)
{
    for (size_t i = 0; i < ARRAY_COUNT(spellings); i++) {
        enum authn_level level = AUTHN_LEVEL_CONNECT;

        cr_assert(authn_level_parse(span_of(spellings[i].text), &level), "%s",
                  spellings[i].text);
        cr_assert(level == spellings[i].level, "%s: %d", spellings[i].text,
                  (int)level);
    }
}

Test(level, refuses_what_is_no_level_and_leaves_the_lowest)
{
    static const char *const bad[] = {
        "",
        "7",
        "-1",
        "06",
        "Packet",
        "Pkt ",
        "PktPr",
        "PktPrivacyX",
        "6\n",
        "PKT_PRIVACY",
        "/",
        ":",
        "RPC_C_AUTHN_LEVEL_",
        "wbemAuthenticationLevel",
        "RPC_C_AUTHN_LEVEL_PktPrivacy",
        "RPC_C_AUTHN_LEVEL_6",
    };

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        enum authn_level level = AUTHN_LEVEL_PKT_PRIVACY;

        cr_assert(!authn_level_parse(span_of(bad[i]), &level), "'%s'", bad[i]);
        cr_assert(level == AUTHN_LEVEL_DEFAULT);
    }
}

Test(level, has_a_name_that_reads_back)
{
    for (int n = 0; n <= 6; n++) {
        enum authn_level level;

        cr_assert(authn_level_parse(
            span_of(authn_level_name((enum authn_level)n)), &level));
        cr_assert((int)level == n);
    }
    cr_assert_str_eq(authn_level_name((enum authn_level)7), "Invalid");
    cr_assert_str_eq(authn_level_name((enum authn_level) - 1), "Invalid");
}

Test(level, minimum_takes_an_invalid_level_as_the_lowest)
{
    for (int a = -1; a <= 8; a++) {
        for (int b = -1; b <= 8; b++) {
            int low_a = a < 0 || a > 6 ? 0 : a;
            int low_b = b < 0 || b > 6 ? 0 : b;
            int min = low_a < low_b ? low_a : low_b;

            cr_assert((int)authn_level_min((enum authn_level)a,
                                           (enum authn_level)b) == min,
                      "%d %d", a, b);
        }
    }
}
