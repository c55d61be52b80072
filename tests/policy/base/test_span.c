#include "tests/support/support.h"

SUITE(span);

Test(span, compares_names_without_ascii_case)
{
    cr_assert(span_equal_nocase(SPAN("Root"), SPAN("rOOT")));
    cr_assert(!span_equal_nocase(SPAN("Root"), SPAN("rOO")));
    /* no locale: only ASCII letters fold */
    cr_assert(!span_equal_nocase(SPAN("\xc3\x84"), SPAN("\xc3\xa4")));
    cr_assert(!span_equal_nocase(SPAN("@"), SPAN("`")));
    cr_assert_gt(span_compare_nocase(SPAN("b"), SPAN("A")), 0);
    cr_assert_lt(span_compare_nocase(SPAN("a"), SPAN("AB")), 0);
}

Test(span, cuts_at_the_first_separator)
{
    struct span rest;

    assert_span(span_cut(SPAN("a=b=c"), '=', &rest), "a");
    assert_span(rest, "b=c");
    assert_span(span_cut(SPAN("abc"), '=', &rest), "abc");
    cr_assert_null(rest.data);
}

Test(span, trims_spaces_and_tabs_only)
{
    assert_span(span_trim(SPAN(" \tx y\t ")), "x y");
    assert_span(span_trim(SPAN("\nx")), "\nx");
    assert_span(span_trim(SPAN("   ")), "");
}

Test(span, reads_hex_digits)
{
    cr_assert_eq(ascii_hex_value('f'), 15);
    cr_assert_eq(ascii_hex_value('A'), 10);
    cr_assert_eq(ascii_hex_value('g'), -1);
    cr_assert_eq(ascii_hex_value('\xff'), -1);
}
