#include "gateway/callback/callback.h"

#include <string.h>

#include "tests/support/support.h"

SUITE(prefer);

#define URL "https://sink.example.com/in?a=1,2;3"

struct row {
    const char *value;
    enum prefer_parse expected;
    const char *url; /* NULL: none */
};

static void
assert_rows(const struct row *rows, size_t count)
{
    char url[SINK_URL_MAX + 1];

    for (size_t i = 0; i < count; i++) {
        enum prefer_parse got;

        memset(url, 'x', sizeof(url));
        got = prefer_parse(span_of(rows[i].value), url);
        cr_expect(got == rows[i].expected, "%s: %d", rows[i].value, (int)got);
        cr_expect_str_eq(url, rows[i].url != NULL ? rows[i].url : "");
    }
}

Test(prefer, finds_respond_async_among_what_it_does_not_know)
{
    static const struct row table[] = {
        {NULL, PREFER_NONE, NULL},
        {"", PREFER_NONE, NULL},
        {" \t ", PREFER_NONE, NULL},
        {",", PREFER_NONE, NULL},
        {"respond-async", PREFER_ASYNC, NULL},
        {"Respond-ASYNC", PREFER_ASYNC, NULL},
        {" ,, respond-async ,", PREFER_ASYNC, NULL},
        {"respond-async=\"\"", PREFER_ASYNC, NULL},
        {"respond-async; x=y", PREFER_ASYNC, NULL},
        {"respond-async ;;x = \"y\" ; ;", PREFER_ASYNC, NULL},
        {"respond-async, wait=10", PREFER_ASYNC, NULL},
        {"return=minimal, respond-async", PREFER_ASYNC, NULL},
        {"foo; bar=\"a,b\\\",c\" , respond-async", PREFER_ASYNC, NULL},
        {"wait=100", PREFER_NONE, NULL},
        {"respond-asyncs", PREFER_NONE, NULL},
        {"xrespond-async", PREFER_NONE, NULL},
        {"respond", PREFER_NONE, NULL},
        {"respond-async=1", PREFER_NONE, NULL},
        {"respond-async=1, respond-async", PREFER_NONE, NULL},
        {"x; respond-async", PREFER_NONE, NULL},
        {"x=\"respond-async\"", PREFER_NONE, NULL},
        {"x=\", respond-async, \"", PREFER_NONE, NULL},
        {"x=\"\\\", respond-async, \"", PREFER_NONE, NULL},
    };

    assert_rows(table, ARRAY_COUNT(table));
}

Test(prefer, finds_the_sink_of_a_callback)
{
    static const struct row table[] = {
        {"respond-async, callback; url=\"" URL "\"", PREFER_CALLBACK, URL},
        {"callback; url=\"" URL "\", respond-async", PREFER_CALLBACK, URL},
        {"respond-async,callback;url=\"" URL "\"", PREFER_CALLBACK, URL},
        {"respond-async , callback\t;\turl = \"" URL "\" ", PREFER_CALLBACK,
         URL},
        {"respond-async, odata.callback; url=\"" URL "\"", PREFER_CALLBACK,
         URL},
        {"RESPOND-async, CallBack; URL=\"" URL "\"", PREFER_CALLBACK, URL},
        {"respond-async, callback; x; y=z; url=\"" URL "\"; w=\"\"",
         PREFER_CALLBACK, URL},
        {"respond-async, callback=\"\"; url=\"" URL "\"", PREFER_CALLBACK,
         URL},
        {"respond-async, callback; url=\"a\\\"\\\\\\b\"", PREFER_CALLBACK,
         "a\"\\b"},
        {"respond-async, callback; url=token", PREFER_CALLBACK, "token"},
        {"respond-async, callback; url=\"a\tb \xc3\xa9\"", PREFER_CALLBACK,
         "a\tb \xc3\xa9"},
    };

    assert_rows(table, ARRAY_COUNT(table));
}

Test(prefer, takes_the_first_of_what_stands_there_twice)
{
    static const struct row table[] = {
        {"respond-async, callback; url=a, callback; url=b", PREFER_CALLBACK,
         "a"},
        {"respond-async, odata.callback; url=a, callback; url=b",
         PREFER_CALLBACK, "a"},
        {"respond-async, callback; url=a; url=b", PREFER_CALLBACK, "a"},
        {"respond-async, callback; url=\"\"; url=b", PREFER_MALFORMED, NULL},
        {"respond-async, callback, callback; url=b", PREFER_MALFORMED, NULL},
        {"respond-async, callback; url=a, callback", PREFER_CALLBACK, "a"},
        {"respond-async, respond-async=1", PREFER_ASYNC, NULL},
    };

    assert_rows(table, ARRAY_COUNT(table));
}

Test(prefer, does_not_ignore_a_callback_that_it_cannot_read)
{
    static const struct row table[] = {
        {"respond-async, callback", PREFER_MALFORMED, NULL},
        {"respond-async, callback;", PREFER_MALFORMED, NULL},
        {"respond-async, callback; url", PREFER_MALFORMED, NULL},
        {"respond-async, callback; url=", PREFER_MALFORMED, NULL},
        {"respond-async, callback; url=\"\"", PREFER_MALFORMED, NULL},
        {"respond-async, callback=\"" URL "\"", PREFER_MALFORMED, NULL},
        {"respond-async, callback; uri=\"" URL "\"", PREFER_MALFORMED, NULL},
        {"respond-async, callback url=\"" URL "\"", PREFER_MALFORMED, NULL},
        {"respond-async, callback; url=\"" URL, PREFER_MALFORMED, NULL},
        {"respond-async, callback; url=\"" URL "\\\"", PREFER_MALFORMED, NULL},
        {"respond-async, callback; url=\"a\\", PREFER_MALFORMED, NULL},
        {"respond-async, callback; url=" URL, PREFER_MALFORMED, NULL},
        {"respond-async, callback; url=\"a\"b", PREFER_MALFORMED, NULL},
        {"respond-async, callback; url=\"a\" \"b\"", PREFER_MALFORMED, NULL},
        {"respond-async, callback; url='" URL "'", PREFER_MALFORMED, NULL},
        {"respond-async, callback; url=\"a\", callback; =", PREFER_CALLBACK,
         "a"},
        {"respond-async, callback; url=\"a\nb\"", PREFER_MALFORMED, NULL},
        {"respond-async, callback; url=\"a\\\rb\"", PREFER_MALFORMED, NULL},
        {"respond-async, callback; url=\"a\x7f\"", PREFER_MALFORMED, NULL},
        {"respond-async, callback; url=a; =", PREFER_MALFORMED, NULL},
        {"callback; url=\"a\n,\"; x, respond-async", PREFER_MALFORMED, NULL},
    };

    assert_rows(table, ARRAY_COUNT(table));
}

Test(prefer, takes_no_callback_without_respond_async)
{
    static const struct row table[] = {
        {"callback; url=\"" URL "\"", PREFER_NONE, NULL},
        {"callback", PREFER_NONE, NULL},
        {"callback; url=\"", PREFER_NONE, NULL},
        {"callback; url=\", respond-async", PREFER_NONE, NULL},
        {"respond-async=no, callback; url=\"" URL "\"", PREFER_NONE, NULL},
        {"respond-async, xcallback; url=\"" URL "\"", PREFER_ASYNC, NULL},
        {"respond-async; callback; url=\"" URL "\"", PREFER_ASYNC, NULL},
        {"respond-async, x=\"callback; url=a\"", PREFER_ASYNC, NULL},
    };

    assert_rows(table, ARRAY_COUNT(table));
}

Test(prefer, goes_on_after_the_comma_behind_what_it_cannot_read)
{
    static const struct row table[] = {
        {"@, respond-async", PREFER_ASYNC, NULL},
        {"=, respond-async", PREFER_ASYNC, NULL},
        {";x, respond-async", PREFER_ASYNC, NULL},
        {"a b, respond-async", PREFER_ASYNC, NULL},
        {"a=, respond-async", PREFER_ASYNC, NULL},
        {"a=@\"b, c\"d, respond-async", PREFER_ASYNC, NULL},
        {"a=@\", respond-async", PREFER_NONE, NULL},
        {"a=@\", respond-async, \", b", PREFER_NONE, NULL},
        {"respond-async callback; url=a", PREFER_NONE, NULL},
        {"respond-async @", PREFER_NONE, NULL},
        {"respond-async, \"callback; url=a\"", PREFER_ASYNC, NULL},
    };

    assert_rows(table, ARRAY_COUNT(table));
}

Test(prefer, takes_a_url_of_the_greatest_length_and_no_longer)
{
    char url[SINK_URL_MAX + 1];

    for (size_t length = SINK_URL_MAX - 1; length <= SINK_URL_MAX + 1;
         length++) {
        bool fits = length <= SINK_URL_MAX;
        struct buf value = BUF_INIT;

        buf_add_string(&value, "respond-async, callback; url=\"");
        for (size_t i = 0; i < length; i++)
            buf_add_char(&value, 'u');
        buf_add_char(&value, '"');
        cr_expect(prefer_parse(buf_span(&value), url) ==
                  (fits ? PREFER_CALLBACK : PREFER_MALFORMED));
        cr_expect(strlen(url) == (fits ? length : 0));
        buf_fini(&value);
    }
}

/* The value of a header is not NUL-terminated. */
Test(prefer, reads_no_further_than_its_value)
{
    static const char text[] = "respond-async, callback; url=\"a\"";
    char url[SINK_URL_MAX + 1];

    cr_expect(prefer_parse((struct span){text, 13}, url) == PREFER_ASYNC);
    cr_expect(prefer_parse((struct span){text, 12}, url) == PREFER_NONE);
    for (size_t length = 23; length < sizeof(text) - 1; length++) {
        cr_expect(prefer_parse((struct span){text, length}, url) ==
                      PREFER_MALFORMED,
                  "%zu", length);
        cr_expect(url[0] == '\0');
    }
    cr_expect(prefer_parse((struct span){"respond-async\0", 14}, url) ==
              PREFER_NONE);
}
