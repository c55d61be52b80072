#include "tests/support/support.h"

#include <string.h>

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

/* In every place, among neighbours that a carry would change. */
Test(span, folds_eight_characters_as_it_folds_one)
{
    static const unsigned char neighbours[] = {0, 0x7f, 0x80, 0xff, 'Z', '['};
    unsigned char in[8], out[8];

    for (size_t i = 0; i < 256 * sizeof(in) * sizeof(neighbours); i++) {
        size_t at = i / 256 % sizeof(in);
        uint64_t word;

        memset(in, neighbours[i / 256 / sizeof(in)], sizeof(in));
        in[at] = (unsigned char)i;
        memcpy(&word, in, sizeof(word));
        word = ascii_lower_word(word);
        memcpy(out, &word, sizeof(word));
        for (size_t n = 0; n < sizeof(in); n++)
            cr_assert_eq(out[n], (unsigned char)ascii_lower((char)in[n]));
    }
}

Test(span, compares_names_of_any_length)
{
    char name[64], other[64];

    for (size_t n = 1; n < sizeof(name); n++) {
        memset(name, 'x', n);
        memset(other, 'X', n);
        for (size_t i = 0; i < n; i++) {
            cr_assert(span_equal_nocase((struct span){name, n},
                                        (struct span){other, n}));
            other[i] = 'Y';
            cr_assert(!span_equal_nocase((struct span){name, n},
                                         (struct span){other, n}));
            other[i] = 'X';
        }
    }
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
