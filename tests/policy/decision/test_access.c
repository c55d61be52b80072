#include "policy/decision/decision.h"
#include "tests/support/support.h"

SUITE(access);

static const struct {
    const char *row, *principal;
    bool allowed;
} cases[] = {
    {"ops@EXAMPLE.COM", "ops@EXAMPLE.COM", true},
    {"host/a.example.com@EXAMPLE.COM", "host/a.example.com@EXAMPLE.COM", true},
    {"ops@EXAMPLE.COM", "Ops@EXAMPLE.COM", false},
    {"ops@EXAMPLE.COM", "ops@example.com", false},
    {"ops@EXAMPLE.COM", "ops", false},
    {"ops@EXAMPLE.COM", "ops@", false},
    {"ops@EXAMPLE.COM", "ops@EXAMPLE.COM.EVIL", false},
    {"ops@EXAMPLE.COM", "xops@EXAMPLE.COM", false},
    {"ops@EXAMPLE.COM", "ops/admin@EXAMPLE.COM", false},
    {"ops@EXAMPLE.COM", "ops@EXAMPLE.COM@EVIL", false},
    {"ops@EXAMPLE.COM@EVIL", "ops@EXAMPLE.COM@EVIL", false},
    {"ops", "ops", false},
    {"*@EXAMPLE.COM", "anyone@EXAMPLE.COM", true},
    {"*@EXAMPLE.COM", "http/gw@EXAMPLE.COM", true},
    {"*@EXAMPLE.COM", "a\\@b@EXAMPLE.COM", true},
    {"*@EXAMPLE.COM", "anyone@SUB.EXAMPLE.COM", false},
    {"*@EXAMPLE.COM", "anyone@EXAMPLE.COMX", false},
    {"*@EXAMPLE.COM", "anyone@EXAMPLE.CO", false},
    {"*@EXAMPLE.COM", "@EXAMPLE.COM", false},
    {"*@EXAMPLE.COM", "a@EXAMPLE.COM@EVIL", false},
    {"*@EXAMPLE.COM", "a@EVIL@EXAMPLE.COM", false},
    {"*@EXAMPLE.COM", "a@EVIL\\@EXAMPLE.COM", false},
    {"*@EXAMPLE.COM", "a\\@EXAMPLE.COM", false},
    {"*@EXAMPLE.COM", "a\\\\@EXAMPLE.COM", true},
    {"*@EXAMPLE.COM", "a\n@EXAMPLE.COM", false},
    {"*@EXAMPLE.COM", "a\x7f@EXAMPLE.COM", false},
    {"*@EXAMPLE.COM", "", false},
    {"*@", "a@", false},
    {"*", "a@EXAMPLE.COM", false},
    {"*@*", "a@EXAMPLE.COM", false},
    {"o*@EXAMPLE.COM", "ops@EXAMPLE.COM", false},
    {"", "", false},
};

Test(access, compares_the_whole_principal)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct access_list list = {.count = 1, .principals = &cases[i].row};

        cr_assert(access_list_allows(&list, span_of(cases[i].principal)) ==
                      cases[i].allowed,
                  "'%s' under '%s'", cases[i].principal, cases[i].row);
    }
}

Test(access, refuses_a_name_with_a_nul)
{
    const char *row = "*@EXAMPLE.COM";
    struct access_list list = {.count = 1, .principals = &row};

    cr_assert(!access_list_allows(&list, SPAN("a\0b@EXAMPLE.COM")));
    cr_assert(!access_list_allows(&list, SPAN("a@EXAMPLE.COM\0")));
    cr_assert(!access_list_allows(&list, SPAN("\\\0@EXAMPLE.COM")));
}

Test(access, an_empty_list_allows_nobody)
{
    struct access_list list = {.count = 0};

    cr_assert(!access_list_allows(&list, SPAN("ops@EXAMPLE.COM")));
}

Test(access, any_row_may_allow)
{
    static const char *const rows[] = {"a@R", "*@S", "c@R"};
    struct access_list list = {.count = 3, .principals = rows};

    cr_assert(access_list_allows(&list, SPAN("a@R")));
    cr_assert(access_list_allows(&list, SPAN("x@S")));
    cr_assert(access_list_allows(&list, SPAN("c@R")));
    cr_assert(!access_list_allows(&list, SPAN("x@R")));
}
