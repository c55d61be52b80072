#include "gateway/http/http.h"
#include "tests/support/support.h"

SUITE(inner_format);

Test(inner_format, writes_responses)
{
    static const struct {
        int status;
        const struct http_header headers[3];
        size_t count;
        struct span body;
        const char *text;
    } rows[] = {
        {200,
         {{"Content-Type", "a/b"}, {"ETag", "\"x\""}},
         2,
         SPAN("abc"),
         "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nETag: \"x\"\r\n"
         "Content-Length: 3\r\n\r\nabc"},
        {404,
         {{NULL, NULL}},
         0,
         {NULL, 0},
         "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
        {200,
         {{"X", ""}, {"Y", "a\tb"}},
         2,
         {NULL, 0},
         "HTTP/1.1 200 OK\r\nY: a\tb\r\nContent-Length: 0\r\n\r\n"},
        {204,
         {{"ETag", "\"x\""}},
         1,
         SPAN("abc"),
         "HTTP/1.1 204 No Content\r\nETag: \"x\"\r\n\r\n"},
        {304,
         {{NULL, NULL}},
         0,
         SPAN("abc"),
         "HTTP/1.1 304 Not Modified\r\n\r\n"},
        /* Refused */
        {200, {{"X", "a\r\nY: b"}}, 1, {NULL, 0}, NULL},
        {200, {{"X", "a\n"}}, 1, {NULL, 0}, NULL},
        {200, {{"X", "\x7f"}}, 1, {NULL, 0}, NULL},
        {200, {{"X\r\nY", "a"}}, 1, {NULL, 0}, NULL},
        {200, {{"X:", "a"}}, 1, {NULL, 0}, NULL},
        {200, {{"", "a"}}, 1, {NULL, 0}, NULL},
        {200, {{NULL, "a"}}, 1, {NULL, 0}, NULL},
        {200, {{"X", NULL}}, 1, {NULL, 0}, NULL},
        {200, {{"Content-Length", "3"}}, 1, SPAN("abc"), NULL},
        {200, {{"Transfer-Encoding", "chunked"}}, 1, {NULL, 0}, NULL},
        {200, {{"Connection", "close"}}, 1, {NULL, 0}, NULL},
        {200,
         {{"Content-Type", "a/b"}, {"content-type", "a/c"}},
         2,
         {NULL, 0},
         NULL},
        {100, {{NULL, NULL}}, 0, {NULL, 0}, NULL},
        {600, {{NULL, NULL}}, 0, {NULL, 0}, NULL},
        {0, {{NULL, NULL}}, 0, {NULL, 0}, NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct http_response response = {
            .status = rows[i].status,
            .headers = rows[i].headers,
            .header_count = rows[i].count,
            .body = rows[i].body,
        };
        struct buf out = BUF_INIT;

        buf_add_string(&out, "before ");
        cr_expect_eq(http_inner_response_format(&response, &out),
                     rows[i].text != NULL, "row %zu", i);
        assert_span(span_skip(buf_span(&out), 7),
                    rows[i].text != NULL ? rows[i].text : "");
        cr_expect_eq(out.data[out.length], '\0');
        buf_fini(&out);
    }
}

Test(inner_format, writes_neither_body_nor_length_to_head)
{
    const struct http_response response = {
        .status = 200, .body = SPAN("abc"), .to_head = true};
    struct buf out = BUF_INIT;

    cr_expect(http_inner_response_format(&response, &out));
    assert_span(buf_span(&out), "HTTP/1.1 200 OK\r\n\r\n");
    buf_fini(&out);
}

Test(inner_format, writes_no_response_that_streams)
{
    static const struct http_stream stream = {0};
    const struct http_response response = {.status = 200, .stream = &stream};
    struct buf out = BUF_INIT;

    cr_expect_not(http_inner_response_format(&response, &out));
    cr_expect_eq(out.length, 0);
    buf_fini(&out);
}

Test(inner_format, writes_no_more_headers_than_it_reads)
{
    struct http_header headers[HTTP_FIELDS_MAX];
    struct http_response response = {.status = 200, .headers = headers};
    struct buf out = BUF_INIT;

    for (size_t i = 0; i < ARRAY_COUNT(headers); i++)
        headers[i] = (struct http_header){"X", "y"};
    response.header_count = ARRAY_COUNT(headers);
    cr_expect_not(http_inner_response_format(&response, &out));
    response.header_count = ARRAY_COUNT(headers) - 1;
    cr_expect(http_inner_response_format(&response, &out));
    buf_fini(&out);
}

Test(inner_format, writes_requests)
{
    static const struct {
        const char *method, *target, *host;
        struct http_header header;
        struct span body;
        const char *text;
    } rows[] = {
        {"GET",
         "/a?b",
         "x",
         {"Prefer", "a"},
         {NULL, 0},
         "GET /a?b HTTP/1.1\r\nHost: x\r\nPrefer: a\r\n\r\n"},
        {"POST",
         "/",
         "x:1",
         {"Content-Type", "a/b"},
         SPAN("abc"),
         "POST / HTTP/1.1\r\nHost: x:1\r\nContent-Type: a/b\r\n"
         "Content-Length: 3\r\n\r\nabc"},
        {"POST",
         "/",
         "x",
         {"X", ""},
         {NULL, 0},
         "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"},
        {"DELETE",
         "/",
         "x",
         {"X", ""},
         {NULL, 0},
         "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n"},
        /* Refused */
        {"GET", "/a b", "x", {"X", ""}, {NULL, 0}, NULL},
        {"GET", "a", "x", {"X", ""}, {NULL, 0}, NULL},
        {"GET", "/ HTTP/1.1\r\nX: y\r\n", "x", {"X", ""}, {NULL, 0}, NULL},
        {"GET / HTTP/1.1\r\nX: y\r\nY:", "/", "x", {"X", ""}, {NULL, 0}, NULL},
        {"GET", "/", "x\r\nX: y", {"X", ""}, {NULL, 0}, NULL},
        {"GET", "/", "", {"X", ""}, {NULL, 0}, NULL},
        {"GET", "", "x", {"X", ""}, {NULL, 0}, NULL},
        {"", "/", "x", {"X", ""}, {NULL, 0}, NULL},
        {"BREW", "/", "x", {"X", ""}, {NULL, 0}, NULL},
        {"GET", "/", "x", {"X", "a\r\nY: b"}, {NULL, 0}, NULL},
        {"GET", "/", "x", {"X\n", "a"}, {NULL, 0}, NULL},
        {"GET", "/", "x", {"Host", "y"}, {NULL, 0}, NULL},
        {"GET", "/", "x", {"Connection", "close"}, {NULL, 0}, NULL},
        {"GET", "/", "x", {"Authorization", "a"}, {NULL, 0}, NULL},
        {"POST", "/", "x", {"Content-Length", "3"}, SPAN("abc"), NULL},
        {NULL, "/", "x", {"X", ""}, {NULL, 0}, NULL},
        {"GET", NULL, "x", {"X", ""}, {NULL, 0}, NULL},
        {"GET", "/", NULL, {"X", ""}, {NULL, 0}, NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = BUF_INIT;

        buf_add_string(&out, "before ");
        cr_expect_eq(http_inner_request_format(rows[i].method, rows[i].target,
                                               rows[i].host, &rows[i].header,
                                               1, rows[i].body, &out),
                     rows[i].text != NULL, "row %zu", i);
        assert_span(span_skip(buf_span(&out), 7),
                    rows[i].text != NULL ? rows[i].text : "");
        buf_fini(&out);
    }
}

Test(inner_format, reads_what_it_writes)
{
    static const struct http_header headers[] = {
        {"Content-Type", "application/json"}, {"If-Match", "\"a\", \"b\""}};
    const struct span body = SPAN("{\"a\": \"\r\n\r\n\0\"}");
    struct buf out = BUF_INIT;
    struct http_inner m;
    const char *reason;
    int status;

    cr_assert(http_inner_request_format("PUT", "/cim/root:A.b=1", "gw:8443",
                                        headers, ARRAY_COUNT(headers), body,
                                        &out));
    cr_assert(http_inner_request_parse(buf_span(&out), out.length, &m, &status,
                                       &reason));
    cr_expect_str_eq(m.method, "PUT");
    assert_span(m.target, "/cim/root:A.b=1");
    assert_span(http_inner_field(&m, "host"), "gw:8443");
    for (size_t i = 0; i < ARRAY_COUNT(headers); i++)
        assert_span(http_inner_field(&m, headers[i].name), headers[i].value);
    cr_expect(span_equal(m.body, body));
    buf_fini(&out);
}
