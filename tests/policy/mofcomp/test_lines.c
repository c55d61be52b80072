#include <stdlib.h>
#include <string.h>

#include "policy/mofcomp/plan.h"
#include "tests/support/support.h"

SUITE(lines);

static void
expect_lines(const char *before, const char *after, const char *expected)
{
    struct buf out = BUF_INIT;

    lines_compare(&out, "", before, after);
    cr_assert(!buf_failed(&out));
    cr_expect_str_eq(out.data != NULL ? out.data : "", expected, "%s / %s",
                     before, after);
    buf_fini(&out);
}

Test(lines, shows_those_that_are_not_in_both)
{
    static const struct {
        const char *before, *after, *expected;
    } rows[] = {
        {"a\nb\nc\n", "a\nb\nc\n", ""},
        {"a\nb\nc\n", "a\nx\nc\n", "- b\n+ x\n"},
        {"a\nb\n", "a\nb\nc\n", "+ c\n"},
        {"a\nb\nc\n", "c\n", "- a\n- b\n"},
        {"", "a\n", "+ a\n"},
        {"a\n", "", "- a\n"},
        {"a\na\na\n", "a\na\n", "- a\n"},
        {"a\nb\nc\nd\n", "b\nc\ne\nd\n", "- a\n+ e\n"},
        {"a\nb\n", "b\na\n", "- a\n+ a\n"},
        {"\33[1m\n", "x\n", "- <U+001B>[1m\n+ x\n"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        expect_lines(rows[i].before, rows[i].after, rows[i].expected);
}

Test(lines, counts_those_of_texts_that_are_too_long)
{
    struct buf a = BUF_INIT;

    for (int i = 0; i < 2000; i++)
        buf_addf(&a, "%d\n", i);
    expect_lines(a.data, "x\n", "2000 lines before, 1 after\n");
    buf_fini(&a);
}
