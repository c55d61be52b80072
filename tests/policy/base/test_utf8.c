#include "tests/support/support.h"

SUITE(utf8);

Test(utf8, refuses_overlong_surrogates_and_beyond)
{
    static const struct {
        const char *text;
        size_t length;
    } rows[] = {
        {"a", 1},
        {"\xc3\xa4", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x98\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\x80", 0},
        {"\xc0\xaf", 0},         /* overlong '/' */
        {"\xe0\x80\xaf", 0},     /* overlong '/' */
        {"\xf0\x80\x80\xaf", 0}, /* overlong '/' */
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0}, /* above U+10FFFF */
        {"\xc3", 0},             /* cut off */
        {"\xe2\x82", 0},         /* cut off */
        {"\xff", 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_assert_eq(utf8_sequence_length(span_of(rows[i].text)),
                     rows[i].length, "row %zu", i);
}

Test(utf8, encodes_and_decodes_every_code_point)
{
    for (uint32_t cp = 1; cp <= 0x110000; cp += 13) {
        char out[4];
        size_t n = utf8_encode(cp, out);

        if (cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000)) {
            cr_assert_eq(n, 0, "U+%X", cp);
            continue;
        }
        cr_assert_eq(utf8_sequence_length((struct span){out, n}), n);
        cr_assert_eq(utf8_decode((struct span){out, n}), cp);
    }
}

Test(utf8, counts_a_damaged_byte_as_one_character)
{
    cr_assert_eq(utf8_count(SPAN("a\xc3\xa4\xff"
                                 "b")),
                 4);
}
