#include "gateway/http/http.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/support.h"

SUITE(target);

/* Threat 22: NULL is refused. */
static const struct {
    struct span raw;
    const char *path;
    const char *query;
} targets[] = {
    {SPAN("/"), "/", NULL},
    {SPAN("/cim/root/MyNamespace"), "/cim/root/MyNamespace", NULL},
    {SPAN("/cim/Root/CIMV2"), "/cim/Root/CIMV2", NULL},
    {SPAN("/cim/root/"), "/cim/root/", NULL},
    {SPAN("/a?b=c"), "/a", "b=c"},
    {SPAN("/a?"), "/a", ""},
    {SPAN("/a?b?c"), "/a", "b?c"},
    {SPAN("/a?b=../%2f//"), "/a", "b=../%2f//"},
    {SPAN("/%63im/r%6Fot"), "/cim/root", NULL},
    {SPAN("/a%20b"), "/a b", NULL},
    {SPAN("/a%3fb"), "/a?b", NULL},
    {SPAN("/a%23b"), "/a#b", NULL},
    {SPAN("/a+b"), "/a+b", NULL},
    {SPAN("/a;b"), "/a;b", NULL},
    {SPAN("/%C3%A9"), "/\xc3\xa9", NULL},
    {SPAN("/\xc3\xa9"), "/\xc3\xa9", NULL},
    {SPAN("/..."), "/...", NULL},
    {SPAN("/.a"), "/.a", NULL},
    {SPAN("/a."), "/a.", NULL},
    /* Once: what is left is not decoded again. */
    {SPAN("/a%252fb"), "/a%2fb", NULL},
    {SPAN("/%252e%252e/b"), "/%2e%2e/b", NULL},

    {SPAN(""), NULL, NULL},
    {SPAN("a"), NULL, NULL},
    {SPAN("?a"), NULL, NULL},
    {SPAN("*"), NULL, NULL},
    {SPAN("http://x/"), NULL, NULL},
    {SPAN("%2fa"), NULL, NULL},
    {SPAN("//"), NULL, NULL},
    {SPAN("//a"), NULL, NULL},
    {SPAN("/a//b"), NULL, NULL},
    {SPAN("/a//"), NULL, NULL},
    {SPAN("/a/%2fb"), NULL, NULL},
    {SPAN("/a%2fb"), NULL, NULL},
    {SPAN("/a%2Fb"), NULL, NULL},
    {SPAN("/a%5cb"), NULL, NULL},
    {SPAN("/a%5Cb"), NULL, NULL},
    {SPAN("/a\\b"), NULL, NULL},
    {SPAN("/a?b\\c"), NULL, NULL},
    {SPAN("/a%00"), NULL, NULL},
    {SPAN("/a\0b"), NULL, NULL},
    {SPAN("/a%01"), NULL, NULL},
    {SPAN("/a%0d%0ab"), NULL, NULL},
    {SPAN("/a%7f"), NULL, NULL},
    {SPAN("/a\x7f"), NULL, NULL},
    {SPAN("/a b"), NULL, NULL},
    {SPAN("/a\tb"), NULL, NULL},
    {SPAN("/a#b"), NULL, NULL},
    {SPAN("/a?b#c"), NULL, NULL},
    {SPAN("/a?b c"), NULL, NULL},
    {SPAN("/."), NULL, NULL},
    {SPAN("/.."), NULL, NULL},
    {SPAN("/./a"), NULL, NULL},
    {SPAN("/../a"), NULL, NULL},
    {SPAN("/a/.."), NULL, NULL},
    {SPAN("/a/../b"), NULL, NULL},
    {SPAN("/a/..?b"), NULL, NULL},
    {SPAN("/a/%2e%2e/b"), NULL, NULL},
    {SPAN("/a/.%2E/b"), NULL, NULL},
    {SPAN("/a/%2e"), NULL, NULL},
    {SPAN("/a%"), NULL, NULL},
    {SPAN("/a%2"), NULL, NULL},
    {SPAN("/a%zz"), NULL, NULL},
    {SPAN("/a%2?b"), NULL, NULL},
    {SPAN("/%u002f"), NULL, NULL},
    /* Overlong, half, surrogate, beyond. */
    {SPAN("/%c0%af"), NULL, NULL},
    {SPAN("/%c0%ae%c0%ae"), NULL, NULL},
    {SPAN("/%e0%80%af"), NULL, NULL},
    {SPAN("/%c3"), NULL, NULL},
    {SPAN("/%c3/%a9"), NULL, NULL},
    {SPAN("/%ff"), NULL, NULL},
    {SPAN("/\xc0\xaf"), NULL, NULL},
    {SPAN("/%ed%a0%80"), NULL, NULL},
    {SPAN("/%f4%90%80%80"), NULL, NULL},

    /* The key of an instance: separators are data. */
    {SPAN("/cim/root/a:C.K=%22x%22"), "/cim/root/a:C.K=\"x\"", NULL},
    {SPAN("/cim/root/a:C.K=%22x%2fy%5cz%22"), "/cim/root/a:C.K=\"x/y\\z\"",
     NULL},
    {SPAN("/cim/root/a:C.K=\"x//y\""), "/cim/root/a:C.K=\"x//y\"", NULL},
    {SPAN("/cim/root/a:C.K=%22..%2f..%22"), "/cim/root/a:C.K=\"../..\"", NULL},
    {SPAN("/cim/root/a:C=@"), "/cim/root/a:C=@", NULL},
    {SPAN("/cim/root/a:C.K=1,L=%22a%2fb%22"), "/cim/root/a:C.K=1,L=\"a/b\"",
     NULL},
    /* But no control characters, and no segments to climb. */
    {SPAN("/cim/root/a:C.K=%22%00%22"), NULL, NULL},
    {SPAN("/cim/root/a:C.K=%22\\%22"), NULL, NULL},
    {SPAN("/cim/root/a:C.K=1/../b"), NULL, NULL},
    {SPAN("/cim/root/a:C.K=1/%2e%2e/b"), NULL, NULL},
    {SPAN("/cim/root/a:C.K=1/.."), NULL, NULL},
    /* Not before the key, and not outside of /cim/. */
    {SPAN("/cim/root%2fa:C.K=1"), NULL, NULL},
    {SPAN("/cim/root/a:C%2fb"), NULL, NULL},
    {SPAN("/cim/root/a=%2fb"), NULL, NULL},
    {SPAN("/cim/root/a=:%2fb"), NULL, NULL},
    {SPAN("/cim/root//a:C.K=1"), NULL, NULL},
    {SPAN("/redfish/x:=%2f..%2f..%2fadmin"), NULL, NULL},
    {SPAN("/CIM/x:=%2f"), NULL, NULL},
    {SPAN("/x/cim/x:=%2f"), NULL, NULL},
    {SPAN("/cimx/x:=%2f"), NULL, NULL},
};

Test(target, has_one_decoded_form_or_none)
{
    struct http_target *t = malloc(sizeof(*t));

    for (size_t i = 0; i < ARRAY_COUNT(targets); i++) {
        /* A copy of the right size, so that a sanitizer sees each byte. */
        size_t length = targets[i].raw.length;
        char *copy = malloc(length + (length == 0));
        bool parsed;

        memcpy(copy, targets[i].raw.data, length);
        memset(t, 0xff, sizeof(*t));
        parsed = http_target_parse((struct span){copy, length}, t);
        cr_expect_eq(parsed, targets[i].path != NULL, "%s",
                     targets[i].raw.data);
        if (parsed && targets[i].path != NULL) {
            cr_expect_str_eq(t->path, targets[i].path);
            cr_expect_eq(t->path_length, strlen(targets[i].path));
            cr_expect_eq(t->query.data != NULL, targets[i].query != NULL);
            cr_expect(span_equal(t->query, span_of(targets[i].query)), "%s",
                      targets[i].raw.data);
        } else {
            cr_expect_eq(t->path[0], '\0');
            cr_expect_eq(t->path_length, 0);
            cr_expect_null(t->query.data);
        }
        free(copy);
    }
    free(t);
}

Test(target, has_a_longest)
{
    struct http_target *t = malloc(sizeof(*t));
    char *raw = malloc(HTTP_TARGET_MAX);

    memset(raw, 'a', HTTP_TARGET_MAX);
    raw[0] = '/';
    cr_assert(http_target_parse((struct span){raw, HTTP_TARGET_MAX - 1}, t));
    cr_assert_eq(t->path_length, HTTP_TARGET_MAX - 1);
    cr_assert_eq(strlen(t->path), HTTP_TARGET_MAX - 1);
    cr_assert_not(http_target_parse((struct span){raw, HTTP_TARGET_MAX}, t));
    free(raw);
    free(t);
}

static const struct {
    struct span query;
    int result;
    const char *value;
} queries[] = {
    {SPAN(""), 0, ""},
    {SPAN("limit=5"), 1, "5"},
    {SPAN("a=b&limit=5&c=d"), 1, "5"},
    {SPAN("limit="), 1, ""},
    {SPAN("limit"), 1, ""},
    {SPAN("limit=a=b"), 1, "a=b"},
    {SPAN("limit=a%26b+c%2B"), 1, "a&b c+"},
    {SPAN("limit=%C3%A9"), 1, "\xc3\xa9"},
    {SPAN("%6cimit=5"), 1, "5"},
    {SPAN("&&limit=5&"), 1, "5"},
    {SPAN("Limit=5"), 0, ""},
    {SPAN("limits=5"), 0, ""},
    {SPAN("limi=5"), 0, ""},
    {SPAN("=limit"), 0, ""},
    {SPAN("a=limit=5"), 0, ""},
    {SPAN("limit=5&limit=5"), -1, ""},
    {SPAN("limit=5&%6cimit=6"), -1, ""},
    {SPAN("limit=%"), -1, ""},
    {SPAN("limit=%2"), -1, ""},
    {SPAN("limit=%zz"), -1, ""},
    {SPAN("limit=%00"), -1, ""},
    {SPAN("limit=%0a"), -1, ""},
    {SPAN("limit=%ff"), -1, ""},
    {SPAN("limit=%c0%af"), -1, ""},
    {SPAN("limit=1234567890123456"), -1, ""},
    {SPAN("limit=123456789012345"), 1, "123456789012345"},
};

Test(target, gives_a_query_parameter_once_decoded)
{
    char out[16];

    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        memset(out, 'x', sizeof(out));
        cr_expect_eq(
            http_query_get(queries[i].query, "limit", out, sizeof(out)),
            queries[i].result, "%s", queries[i].query.data);
        cr_expect_str_eq(out, queries[i].value, "%s", queries[i].query.data);
    }
    cr_assert_eq(http_query_get((struct span){NULL, 0}, "limit", out, 1), 0);
}
