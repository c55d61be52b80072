#include <stdio.h>

#include "tests/support/support.h"

SUITE(visible);

static const char *
shown(const char *text)
{
    static char result[400];
    struct buf b = BUF_INIT;

    visible_text(&b, span_of(text));
    snprintf(result, sizeof(result), "%s", b.data != NULL ? b.data : "");
    buf_fini(&b);
    return result;
}

Test(visible, leaves_what_can_be_seen)
{
    static const char *const texts[] = {
        "",          "root\\cimv2 \"x\" ~",
        "Größe",     "日本語",
        "e\xcc\x81", "Привет",
        "😀",         "กำ",
        "שלום",
    };

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        cr_expect_str_eq(shown(texts[i]), texts[i]);
}

Test(visible, writes_out_what_a_terminal_obeys_or_nobody_sees)
{
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"a\x1b[31mb", "a<U+001B>[31mb"},
        {"a\nb\tc\r", "a<U+000A>b<U+0009>c<U+000D>"},
        {"\x7f", "<U+007F>"},
        {"\xc2\x9b", "<U+009B>"},                   /* CSI in C1 */
        {"x\xe2\x80\xaey", "x<U+202E>y"},           /* right to left */
        {"x\xe2\x81\xa6y", "x<U+2066>y"},           /* isolate */
        {"pay\xe2\x80\x8bload", "pay<U+200B>load"}, /* no width */
        {"a\xc2\xad"
         "b",
         "a<U+00AD>b"}, /* soft hyphen */
        {"\xef\xbb\xbfx", "<U+FEFF>x"},
        {"\xf3\xa0\x81\xa1", "<U+E0061>"}, /* a tag */
        {"\xe2\x80\xa8", "<U+2028>"},
        {"\xff"
         "a",
         "<FF>a"},
        {"\xe6\x97", "<E6><97>"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_expect_str_eq(shown(rows[i].text), rows[i].shown);
}

Test(visible, knows_how_wide_a_character_is)
{
    static const struct {
        uint32_t code_point;
        int width;
    } rows[] = {
        {'a', 1},    {0xe4, 1},    {0x301, 0}, {0x65e5, 2},
        {0xac00, 2}, {0x1f600, 2}, {0x1b, -1}, {0x202e, -1},
        {0x378, -1}, {0xffff, -1}, {0x5d0, 1},
    };
    struct visible v;

    visible_begin(&v);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_expect(visible_width(&v, rows[i].code_point) == rows[i].width,
                  "U+%04X: %d", rows[i].code_point,
                  visible_width(&v, rows[i].code_point));
    visible_end(&v);
}
