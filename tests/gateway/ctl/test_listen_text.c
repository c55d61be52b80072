#include "gateway/ctl/listen.h"
#include "tests/support/support.h"

SUITE(listen_text);

Test(listen_text, writes_json_on_one_line_as_it_came)
{
    static const struct {
        struct span text;
        const char *compact;
    } rows[] = {
        {SPAN(" { \"a b\" :\t1 ,\r\n\"c\": [ 1.50, 18446744073709551615 ] } "),
         "{\"a b\":1,\"c\":[1.50,18446744073709551615]}"},
        {SPAN("[\"\\\" \\\\\", \"\\\\\\\" x\"]"),
         "[\"\\\" \\\\\",\"\\\\\\\" x\"]"},
        {SPAN("[\"a\nb\", \"\x7f\", \"\xc2\x9b\", \"\xe2\x80\xa8\", "
              "\"\xc3\xa9\"]"),
         "[\"a\\u000ab\",\"\\u007f\",\"\\u009b\",\"\\u2028\",\"\xc3\xa9\"]"},
        {SPAN("\x1b{\x01}"), "{}"},
        {SPAN(""), ""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = BUF_INIT;

        listen_text_compact(rows[i].text, &out);
        cr_expect(span_equal(buf_span(&out), span_of(rows[i].compact)),
                  "row %zu: %s", i, out.data);
        buf_fini(&out);
    }
}

Test(listen_text, finds_a_member_at_the_top_only)
{
    static const struct {
        const char *object, *value;
    } rows[] = {
        {"{\"k\":1}", "1"},
        {"{\"a\":{\"k\":1},\"k\":[{\"x\":\"]}\\\"\"},2],\"z\":0}",
         "[{\"x\":\"]}\\\"\"},2]"},
        {"{\"a\":\"k\",\"k\":\"v,\"}", "\"v,\""},
        {"{\"a\":{\"k\":1}}", NULL},
        {"{\"kk\":1}", NULL},
        {"{}", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct span value = listen_text_member(span_of(rows[i].object), "k");

        cr_expect_eq(value.data != NULL, rows[i].value != NULL, "row %zu", i);
        cr_expect(span_equal(value, span_of(rows[i].value)), "row %zu", i);
    }
}

Test(listen_text, goes_from_element_to_element)
{
    static const struct {
        const char *array;
        const char *elements[4];
    } rows[] = {
        {"[]", {NULL}},
        {"[1]", {"1", NULL}},
        {"[{\"a\":[1,2]},\"],\",[]]", {"{\"a\":[1,2]}", "\"],\"", "[]", NULL}},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct span elements = span_skip(span_of(rows[i].array), 1), element;
        size_t n = 0;

        while (listen_text_next(&elements, &element)) {
            cr_assert_not_null(rows[i].elements[n], "row %zu", i);
            cr_expect(span_equal(element, span_of(rows[i].elements[n])),
                      "row %zu", i);
            n++;
        }
        cr_expect_null(rows[i].elements[n], "row %zu", i);
    }
}
