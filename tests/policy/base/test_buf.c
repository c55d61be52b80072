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
