#include "tests/support/support.h"

#include <string.h>

SUITE(buf);

Test(buf, grows_and_stays_terminated)
{
    struct buf b = BUF_INIT;
    char *taken;

    for (int i = 0; i < 10000; i++)
        buf_addf(&b, "%d,", i % 10);
    cr_assert_eq(b.length, 20000);
    cr_assert_eq(b.data[b.length], '\0');
    cr_assert(!buf_failed(&b));
    taken = buf_take(&b);
    cr_assert_eq(strlen(taken), 20000);
    cr_assert_eq(b.length, 0);
    free(taken);
}

Test(buf, writes_numbers_and_single_characters)
{
    static const uint64_t numbers[] = {0, 9, 10, UINT64_MAX};
    struct buf b = BUF_INIT;

    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        buf_add_unsigned(&b, numbers[i]);
        buf_add_char(&b, ' ');
    }
    cr_assert_str_eq(b.data, "0 9 10 18446744073709551615 ");
    buf_reset(&b);
    for (size_t i = 0; i < 5000; i++) {
        buf_add_char(&b, 'x');
        cr_assert_eq(strlen(b.data), i + 1);
    }
    buf_fini(&b);
}

Test(buf, remembers_that_memory_ran_out)
{
    struct buf b = BUF_INIT;

    cr_assert(!buf_reserve(&b, SIZE_MAX / 2));
    buf_add_string(&b, "x");
    cr_assert(buf_failed(&b));
    cr_assert_eq(b.length, 0);
    cr_assert_null(buf_take(&b));
}

Test(buf, writes_json_that_is_always_one_line)
{
    struct buf b = BUF_INIT;

    json_begin(&b);
    json_text(&b, "a", "x\r\n\"\\\x7f\xff\xc3\xa4");
    json_number(&b, "n", -9007199254740993);
    json_bool(&b, "t", true);
    json_end(&b);
    cr_assert_str_eq(b.data,
                     "{\"a\":\"x\\u000d\\u000a\\\"\\\\\\u007f\\ufffd\xc3\xa4\""
                     ",\"n\":-9007199254740993,\"t\":true}");
    cr_assert_null(strchr(b.data, '\n'));
    buf_reset(&b);
    json_quote(&b, SPAN("\xc2\x9b\xe2\x80\xa8\xc2\xa0"));
    cr_assert_str_eq(b.data, "\"\\u009b\\u2028\xc2\xa0\"");
    buf_fini(&b);
}

/* What a terminal or an editor would not show as it is. */
Test(buf, characters_that_hide_or_turn_text_are_escaped_in_json)
{
    static const struct {
        const char *text, *json;
    } rows[] = {
        {"a\xe2\x80\xae"
         "b",
         "\"a\\u202eb\""},                    /* right-to-left override */
        {"\xe2\x80\x8b", "\"\\u200b\""},      /* zero width space */
        {"\xe2\x81\xa6", "\"\\u2066\""},      /* isolate */
        {"\xef\xbb\xbf", "\"\\ufeff\""},      /* byte order mark */
        {"\xc2\xad", "\"\\u00ad\""},          /* soft hyphen */
        {"\xd8\x9c", "\"\\u061c\""},          /* Arabic letter mark */
        {"\xe2\x82\xac", "\"\xe2\x82\xac\""}, /* the Euro is plain */
        {"\xe2", "\"\\ufffd\""},
        {"a\"\\\n", "\"a\\\"\\\\\\u000a\""},
        {"", "\"\""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf b = BUF_INIT;

        json_quote(&b, span_of(rows[i].text));
        cr_assert_str_eq(b.data, rows[i].json);
        buf_fini(&b);
    }
}
