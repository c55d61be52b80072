#include "gateway/auth/principal.h"
#include "tests/support/support.h"

SUITE(principal);

Test(principal, takes_whole_names_of_one_realm)
{
    static const struct {
        const char *name, *realm;
    } good[] = {
        {"alice@EXAMPLE.COM", "EXAMPLE.COM"},
        {"alice/admin@EXAMPLE.COM", "EXAMPLE.COM"},
        {"host/gw.example.com@R", "R"},
        {"Jane Doe@AD.TEST", "AD.TEST"},
        {"WEB01$@AD.TEST", "AD.TEST"},
        {"j\xc3\xbcrgen@AD.TEST", "AD.TEST"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        size_t realm;
        const char *why = principal_objection(span_of(good[i].name), &realm);

        cr_assert_null(why, "%s: %s", good[i].name, why);
        cr_assert_str_eq(good[i].name + realm, good[i].realm);
    }
}

Test(principal, refuses_names_that_can_be_read_in_two_ways)
{
    static const struct span bad[] = {
        {"", 0},        {NULL, 0},        {"alice", 5},      {"@R", 2},
        {"alice@", 6},  {"a@B@EVIL", 8},  {"a\\@B@EVIL", 9}, {"a\\/b@R", 6},
        {"a\\0@R", 5},  {"alice\0@R", 8}, {"alice@R\0", 8},  {"a\nb@R", 5},
        {"a\x7f@R", 4}, {"a\xff@R", 4},   {"/@R", 3},        {"a/@R", 4},
        {"/a@R", 4},    {"a//b@R", 6},    {" a@R", 4},       {"a @R", 4},
        {"a@ R", 4},    {"a@R ", 4},
    };

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        size_t realm = 99;

        cr_assert_not_null(principal_objection(bad[i], &realm), "row %zu", i);
        cr_assert_eq(realm, 0);
    }
}

Test(principal, knows_anonymous_of_any_realm)
{
    cr_assert(principal_is_anonymous(
        SPAN("WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS")));
    cr_assert(principal_is_anonymous(SPAN("WELLKNOWN/ANONYMOUS@NSGATE.TEST")));
    cr_assert(!principal_is_anonymous(SPAN("WELLKNOWN/OTHER@R")));
    cr_assert(!principal_is_anonymous(SPAN("alice@WELLKNOWN:ANONYMOUS")));
}
