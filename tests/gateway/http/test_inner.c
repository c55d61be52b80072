#include <stdlib.h>
#include <string.h>

#include "gateway/http/http.h"
#include "tests/support/support.h"

SUITE(inner);

#define GET  "GET /a?b HTTP/1.1\r\n"
#define POST "POST /a HTTP/1.1\r\n"
#define H    "Host: x\r\n"
#define E    "\r\n"
#define OK   "HTTP/1.1 200 OK\r\n"

/* A copy of exactly its size, so that a sanitizer sees a byte too far. */
static char *
copy_of(struct span s)
{
    char *copy = malloc(s.length + (s.length == 0));

    cr_assert_not_null(copy);
    if (s.length > 0)
        memcpy(copy, s.data, s.length);
    return copy;
}

static bool
inside(struct span part, struct span whole)
{
    return part.data >= whole.data &&
           part.data + part.length <= whole.data + whole.length;
}

static void
check_spans(const struct http_inner *m, struct span plain)
{
    cr_assert(inside(m->body, plain));
    cr_assert_eq(m->body.data + m->body.length, plain.data + plain.length);
    for (size_t i = 0; i < m->field_count; i++) {
        cr_assert(inside(m->fields[i].name, plain));
        cr_assert(inside(m->fields[i].value, plain));
    }
}

static int
request_status(struct span text)
{
    static struct http_inner m;
    char *copy = copy_of(text);
    const struct span plain = {copy, text.length};
    const char *reason = NULL;
    int status = 200;

    if (http_inner_request_parse(plain, plain.length, &m, &status, &reason)) {
        check_spans(&m, plain);
        cr_assert(inside(m.target, plain));
        cr_assert_eq(m.status, 0);
    } else {
        cr_assert_not_null(reason);
        cr_assert(status >= 400 && status <= 599, "%d", status);
        cr_assert_eq(m.field_count, 0);
        cr_assert_eq(m.method[0], '\0');
        cr_assert_null(m.target.data);
        cr_assert_null(m.body.data);
    }
    free(copy);
    return status;
}

static bool
response_parses(struct span text, int *status_out)
{
    static struct http_inner m;
    char *copy = copy_of(text);
    const struct span plain = {copy, text.length};
    const char *reason = NULL;
    bool parsed = http_inner_response_parse(plain, &m, &reason);

    if (parsed) {
        check_spans(&m, plain);
        cr_assert_eq(m.method[0], '\0');
    } else {
        cr_assert_not_null(reason);
        cr_assert_eq(m.status, 0);
        cr_assert_eq(m.field_count, 0);
    }
    *status_out = m.status;
    free(copy);
    return parsed;
}

/* -- requests ------------------------------------------------------------- */

Test(inner, reads_a_request)
{
    const struct span plain =
        SPAN("PATCH /cim/root/X?a=%20 HTTP/1.1\r\n"
             "Host: gw.example.com:8443\r\n"
             "content-TYPE:  application/json \t\r\n"
             "X-Empty:\r\n"
             "Prefer: a\r\n"
             "prefer:b\r\n"
             "Content-Length: 11\r\n" E "{\r\n\0\r\n\r\n: }");
    struct http_inner m;
    const char *reason;
    int status;

    cr_assert(
        http_inner_request_parse(plain, plain.length, &m, &status, &reason));
    cr_expect_str_eq(m.method, "PATCH");
    assert_span(m.target, "/cim/root/X?a=%20");
    cr_expect_eq(m.field_count, 6);
    assert_span(m.fields[1].name, "content-TYPE");
    assert_span(m.fields[1].value, "application/json");
    assert_span(http_inner_field(&m, "Content-Type"), "application/json");
    assert_span(http_inner_field(&m, "HOST"), "gw.example.com:8443");
    assert_span(http_inner_field(&m, "x-empty"), "");
    cr_expect_not_null(http_inner_field(&m, "x-empty").data);
    assert_span(http_inner_field(&m, "Prefer"), "a");
    cr_expect_null(http_inner_field(&m, "If-Match").data);
    cr_expect_eq(http_inner_field_count(&m, "Prefer"), 2);
    cr_expect_eq(http_inner_field_count(&m, "host"), 1);
    cr_expect_eq(http_inner_field_count(&m, "If-Match"), 0);
    cr_expect(span_equal(m.body, SPAN("{\r\n\0\r\n\r\n: }")));
}

#define ROW(text, status)                                                     \
    {                                                                         \
        SPAN(text), status                                                    \
    }

struct row {
    struct span text;
    int status;
};

static void
run_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int status = request_status(rows[i].text);

        cr_expect_eq(status, rows[i].status, "row %zu: %d for %s", i, status,
                     rows[i].text.data);
    }
}

Test(inner, lets_ordinary_requests_in)
{
    static const struct row rows[] = {
        ROW(GET H E, 200),
        ROW("HEAD / HTTP/1.1\r\n" H E, 200),
        ROW("OPTIONS / HTTP/1.1\r\n" H E, 200),
        ROW("DELETE /a HTTP/1.1\r\n" H E, 200),
        ROW("PUT /a HTTP/1.1\r\n" H "Content-Length: 1\r\n" E "b", 200),
        ROW(POST H E, 200),
        ROW(POST H "Content-Length: 0\r\n" E, 200),
        ROW(POST H "CONTENT-LENGTH:3\r\n" E "abc", 200),
        ROW(POST "Content-Length: 003\r\n" H E "\r\n\r", 200),
        ROW(GET H "Content-Length: 3\r\n" E "abc", 200),
        ROW(GET H "X: \t v \t \r\n" E, 200),
        ROW(GET H "X: a\r\nX: b\r\n" E, 200),
        ROW(GET H "X: \x80\xff\r\n" E, 200),
        ROW(GET H "X:::\r\n" E, 200),
        ROW(GET "hOST:[::1]:8443\r\n" E, 200),
    };

    run_rows(rows, ARRAY_COUNT(rows));
}

Test(inner, refuses_lines_that_have_another_reading)
{
    static const struct row rows[] = {
        ROW("", 400),
        ROW("\r\n", 400),
        ROW("\r\n" GET H E, 400),
        ROW(" " GET H E, 400),
        ROW(GET, 400),
        ROW(GET H, 400),
        ROW(GET H "\r", 400),
        ROW(GET H "X: a", 400),
        /* LF alone */
        ROW("GET / HTTP/1.1\n" H E, 400),
        ROW(GET "Host: x\n" E, 400),
        ROW(GET H "X: a\nY: b\r\n" E, 400),
        ROW(GET H "\n", 400),
        ROW("GET / HTTP/1.1\nHost: x\n\n", 400),
        /* CR alone */
        ROW(GET H "X: a\rY: b\r\n" E, 400),
        ROW(GET H "X: a\r\r\n" E, 400),
        ROW(GET H "X\r: a\r\n" E, 400),
        ROW(GET H "\r\r\n", 400),
        ROW("GET /\r HTTP/1.1\r\n" H E, 400),
        ROW("GET / HTTP/1.1\r\r\n" H E, 505),
        /* NUL */
        ROW(GET H "X: a\0b\r\n" E, 400),
        ROW(GET H "X: \0\r\n" E, 400),
        ROW(GET H "X\0: a\r\n" E, 400),
        ROW(GET "Host: x\0.example\r\n" E, 400),
        ROW("GET /a\0b HTTP/1.1\r\n" H E, 400),
        ROW("GET\0 / HTTP/1.1\r\n" H E, 400),
        ROW(GET H "\0\0" E, 400),
        /* Folded lines */
        ROW(GET H "X: a\r\n b\r\n" E, 400),
        ROW(GET H "X: a\r\n\tb: c\r\n" E, 400),
        ROW(GET " Host: x\r\n" H E, 400),
        ROW(GET H "X: a\r\n \r\n" E, 400),
        /* Names */
        ROW(GET H "X\r\n" E, 400),
        ROW(GET H ": v\r\n" E, 400),
        ROW(GET H "X : v\r\n" E, 400),
        ROW(GET H "X\t: v\r\n" E, 400),
        ROW(GET H "X(y): v\r\n" E, 400),
        ROW(GET H "X\x80: v\r\n" E, 400),
        ROW(GET H "X: \x01\r\n" E, 400),
        ROW(GET H "X: \x7f\r\n" E, 400),
        /* The request line */
        ROW("GET  / HTTP/1.1\r\n" H E, 400),
        ROW("GET /  HTTP/1.1\r\n" H E, 400),
        ROW("GET / HTTP/1.1 \r\n" H E, 400),
        ROW("GET / x HTTP/1.1\r\n" H E, 400),
        ROW("GET\t/ HTTP/1.1\r\n" H E, 400),
        ROW("GET /\r\n" H E, 400),
        ROW("GET\r\n" H E, 400),
        ROW(" / HTTP/1.1\r\n" H E, 400),
        ROW("GET  HTTP/1.1\r\n" H E, 400),
        ROW("G@T / HTTP/1.1\r\n" H E, 400),
        ROW(OK "Content-Length: 0\r\n" E, 505),
    };

    run_rows(rows, ARRAY_COUNT(rows));
}

Test(inner, has_the_rules_of_a_request_on_a_connection)
{
    static const struct row rows[] = {
        ROW("BREW / HTTP/1.1\r\n" H E, 501),
        ROW("get / HTTP/1.1\r\n" H E, 501),
        ROW("CONNECT x:1 HTTP/1.1\r\n" H E, 501),
        ROW("BREW-A-VERY-LARGE-POT / HTTP/1.1\r\n" H E, 501),
        ROW("GET / HTTP/1.0\r\n" H E, 505),
        ROW("GET / HTTP/1.0\r\n" E, 505),
        ROW("GET / HTTP/1.2\r\n" H E, 505),
        ROW("GET / HTTP/2.0\r\n" H E, 505),
        ROW("GET / http/1.1\r\n" H E, 505),
        ROW("GET http://other/ HTTP/1.1\r\n" H E, 400),
        ROW("OPTIONS * HTTP/1.1\r\n" H E, 400),
        ROW("GET ?a HTTP/1.1\r\n" H E, 400),
        ROW("GET /a#b HTTP/1.1\r\n" H E, 400),
        ROW("GET /a\x7f HTTP/1.1\r\n" H E, 400),
        ROW(GET E, 400),
        ROW(GET "Host:\r\n" E, 400),
        ROW(GET "Host: a b\r\n" E, 400),
        ROW(GET "Host: a@b\r\n" E, 400),
        ROW(GET H H E, 400),
        ROW(GET H "Content-Type: a/b\r\nContent-Type: a/b\r\n" E, 400),
        ROW(GET H "Cookie: a=b\r\nCookie: a=c\r\n" E, 400),
        ROW(GET H "X-HTTP-Method-Override: DELETE\r\n" E, 400),
        ROW(GET H "x-http-method: DELETE\r\n" E, 400),
        ROW(GET H "X-Method-Override: DELETE\r\n" E, 400),
    };

    run_rows(rows, ARRAY_COUNT(rows));
}

Test(inner, refuses_what_belongs_to_a_connection)
{
    static const struct row rows[] = {
        ROW(POST H "Transfer-Encoding: chunked\r\n" E "0\r\n\r\n", 400),
        ROW(POST H "transfer-encoding:\r\n" E, 400),
        ROW(POST H "Transfer-Encoding: identity\r\nContent-Length: 0\r\n" E,
            400),
        ROW(GET H "Expect: 100-continue\r\n" E, 400),
        ROW(GET H "Authorization: Negotiate YQ==\r\n" E, 400),
        ROW(GET H "Proxy-Authorization: Basic YQ==\r\n" E, 400),
        ROW(GET H "Connection: close\r\n" E, 400),
        ROW(GET H "connection:\r\n" E, 400),
        ROW(GET H "Proxy-Connection: close\r\n" E, 400),
        ROW(GET H "Keep-Alive: timeout=5\r\n" E, 400),
        ROW(GET H "TE: trailers\r\n" E, 400),
        ROW(GET H "Trailer: X\r\n" E, 400),
        ROW(GET H "Upgrade: h2c\r\n" E, 400),
    };

    run_rows(rows, ARRAY_COUNT(rows));
}

Test(inner, refuses_a_length_that_is_not_what_follows)
{
    static const struct row rows[] = {
        ROW(POST H E "abc", 400),
        ROW(GET H E GET H E, 400),
        ROW(POST H "Content-Length: 0\r\n" E "abc", 400),
        ROW(POST H "Content-Length: 2\r\n" E "abc", 400),
        ROW(POST H "Content-Length: 4\r\n" E "abc", 400),
        ROW(POST H "Content-Length: 3\r\nContent-Length: 3\r\n" E "abc", 400),
        ROW(POST H "Content-Length: 3\r\ncontent-length: 0\r\n" E "abc", 400),
        ROW(POST H "Content-Length: 3, 3\r\n" E "abc", 400),
        ROW(POST H "Content-Length: +3\r\n" E "abc", 400),
        ROW(POST H "Content-Length: -3\r\n" E "abc", 400),
        ROW(POST H "Content-Length: 0x3\r\n" E "abc", 400),
        ROW(POST H "Content-Length: 3 \r\n" E "abc", 400),
        ROW(POST H "Content-Length:\r\n" E, 400),
        ROW(POST H "Content-Length: 999999999999999999\r\n" E "abc", 400),
        ROW(POST H "Content-Length: 18446744073709551619\r\n" E "abc", 400),
    };

    run_rows(rows, ARRAY_COUNT(rows));
}

static void
repeat(struct buf *b, const char *before, const char *what, unsigned times,
       const char *after)
{
    buf_reset(b);
    buf_add_string(b, before);
    for (unsigned i = 0; i < times; i++)
        buf_add_string(b, what);
    buf_add_string(b, after);
}

Test(inner, bounds_what_a_head_may_hold)
{
    static const struct {
        const char *before, *what, *after;
        unsigned times;
        int status;
    } rows[] = {
        {GET H, "X: y\r\n", E, HTTP_FIELDS_MAX - 1, 200},
        {GET H, "X: y\r\n", E, HTTP_FIELDS_MAX, 431},
        {GET H, "X: y\r\n", E, 10000, 431},
        {GET H, "X: y\r\n", "", HTTP_FIELDS_MAX, 431},
        {"GET /", "0123456789", " HTTP/1.1\r\n" H E, 819, 200},
        {"GET /", "0123456789", " HTTP/1.1\r\n" H E, 820, 414},
    };
    struct buf b = BUF_INIT;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        repeat(&b, rows[i].before, rows[i].what, rows[i].times, rows[i].after);
        cr_expect_eq(request_status(buf_span(&b)), rows[i].status, "row %zu",
                     i);
    }
    buf_fini(&b);
}

/* Whether the line that passes the limit ends, and what follows the head,
 * does not matter. */
Test(inner, bounds_the_bytes_of_a_head)
{
    static const struct span rows[] = {
        SPAN(GET H "X: y" E E),
        SPAN(POST H "Content-Length: 3" E E "abc"),
        SPAN(GET H "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"),
        SPAN("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    };
    static struct http_inner m;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *end = memmem(rows[i].data, rows[i].length, E E, 4);
        size_t head =
            end != NULL ? (size_t)(end - rows[i].data) + 4 : rows[i].length;
        const char *reason = NULL;
        int status = 200;

        for (size_t max = 0; max < head; max++) {
            cr_expect_not(
                http_inner_request_parse(rows[i], max, &m, &status, &reason));
            cr_expect_eq(status, 431, "row %zu, %zu: %d", i, max, status);
            cr_expect_str_eq(reason, "head too large");
        }
        cr_expect_eq(
            http_inner_request_parse(rows[i], head, &m, &status, &reason),
            end != NULL);
    }
}

/* -- responses ------------------------------------------------------------ */

Test(inner, reads_a_response)
{
    const struct span plain = SPAN("HTTP/1.1 403 No Way \xe2\x98\xba\r\n"
                                   "Content-Type: application/problem+json\r\n"
                                   "Content-Length: 2\r\n" E "{}");
    struct http_inner m;
    const char *reason;

    cr_assert(http_inner_response_parse(plain, &m, &reason));
    cr_expect_eq(m.status, 403);
    cr_expect_eq(m.field_count, 2);
    assert_span(http_inner_field(&m, "content-type"),
                "application/problem+json");
    assert_span(m.body, "{}");
}

Test(inner, reads_responses_as_strictly)
{
    static const struct row rows[] = {
        ROW(OK E, 200),
        ROW("HTTP/1.1 200 \r\n" E, 200),
        ROW("HTTP/1.1 599 a\tb\r\n" E, 599),
        ROW("HTTP/1.1 204 No Content\r\n" E, 204),
        ROW("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n" E, 304),
        ROW(OK "Content-Length: 3\r\n" E "abc", 200),
        ROW(OK "Set-Cookie: a\r\nSet-Cookie: b\r\n" E, 200),

        ROW("", 0),
        ROW(OK, 0),
        ROW("\r\n" OK E, 0),
        ROW("HTTP/1.1 200\r\n" E, 0),
        ROW("HTTP/1.1 20 OK\r\n" E, 0),
        ROW("HTTP/1.1 2000 OK\r\n" E, 0),
        ROW("HTTP/1.1 +20 OK\r\n" E, 0),
        ROW("HTTP/1.1 2x0 OK\r\n" E, 0),
        ROW("HTTP/1.1  200 OK\r\n" E, 0),
        ROW("HTTP/1.1 100 Continue\r\n" E, 0),
        ROW("HTTP/1.1 100 Continue\r\n" E OK E, 0),
        ROW("HTTP/1.1 199 X\r\n" E, 0),
        ROW("HTTP/1.1 600 X\r\n" E, 0),
        ROW("HTTP/1.0 200 OK\r\n" E, 0),
        ROW("http/1.1 200 OK\r\n" E, 0),
        ROW("HTTP/1.1 200 O\rK\r\n" E, 0),
        ROW("HTTP/1.1 200 O\0K\r\n" E, 0),
        ROW("HTTP/1.1 200 OK\n" E, 0),
        ROW(GET H E, 0),
        ROW(OK "X: a\n" E, 0),
        ROW(OK "X: a\rb\r\n" E, 0),
        ROW(OK "X: a\0b\r\n" E, 0),
        ROW(OK "X: a\r\n b\r\n" E, 0),
        ROW(OK "X : a\r\n" E, 0),
        ROW(OK "X\r\n" E, 0),
        ROW(OK ": a\r\n" E, 0),
        ROW(OK E "abc", 0),
        ROW(OK "Content-Length: 2\r\n" E "abc", 0),
        ROW(OK "Content-Length: 4\r\n" E "abc", 0),
        ROW(OK "Content-Length: 3\r\nContent-Length: 3\r\n" E "abc", 0),
        ROW(OK "Content-Length: 3 \r\n" E "abc", 0),
        ROW(OK "Content-Type: a/b\r\nContent-Type: a/b\r\n" E, 0),
        ROW(OK "Transfer-Encoding: chunked\r\n" E "0\r\n\r\n", 0),
        ROW(OK "Connection: close\r\n" E, 0),
        ROW("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n" E "abc", 0),
        ROW("HTTP/1.1 304 X\r\nContent-Length: 3\r\n" E "abc", 0),
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int status;

        cr_expect_eq(response_parses(rows[i].text, &status),
                     rows[i].status != 0, "row %zu: %s", i, rows[i].text.data);
        cr_expect_eq(status, rows[i].status, "row %zu: %d", i, status);
    }
}

Test(inner, bounds_the_headers_of_a_response)
{
    struct buf b = BUF_INIT;
    int status;

    repeat(&b, OK, "X: y\r\n", HTTP_FIELDS_MAX, E);
    cr_expect(response_parses(buf_span(&b), &status));
    repeat(&b, OK, "X: y\r\n", HTTP_FIELDS_MAX + 1, E);
    cr_expect_not(response_parses(buf_span(&b), &status));
    buf_fini(&b);
}

/* -- damaged -------------------------------------------------------------- */

Test(inner, refuses_every_piece_of_a_message)
{
    static const struct span request =
        SPAN(POST H "X: y\r\nContent-Length: 3\r\n" E "abc");
    static const struct span response =
        SPAN(OK "X: y\r\nContent-Length: 3\r\n" E "abc");
    int status;

    for (size_t n = 0; n < request.length; n++)
        cr_expect_neq(request_status((struct span){request.data, n}), 200);
    for (size_t n = 0; n < response.length; n++)
        cr_expect_not(
            response_parses((struct span){response.data, n}, &status));
}

/* However a byte is changed: the same lines are read, or none. */
Test(inner, reads_no_other_lines_from_a_changed_byte)
{
    static const struct span text =
        SPAN(POST H "X: y\r\nContent-Length: 3\r\n" E "abc");
    static struct http_inner m;
    char *bytes = copy_of(text);
    size_t read = 0;

    for (size_t i = 0; i < text.length; i++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            const char *reason;
            int status;

            memcpy(bytes, text.data, text.length);
            bytes[i] = (char)byte;
            if (!http_inner_request_parse((struct span){bytes, text.length},
                                          text.length, &m, &status, &reason))
                continue;
            read++;
            cr_assert_str_eq(m.method, "POST", "%zu %u", i, byte);
            cr_assert_eq(m.target.data, bytes + 5);
            cr_assert_eq(m.target.length, 2);
            cr_assert_eq(m.field_count, 3, "%zu %u", i, byte);
            cr_assert_eq(m.body.data, bytes + text.length - 3);
            cr_assert_eq(m.body.length, 3);
            cr_assert_eq(http_inner_field_count(&m, "Host"), 1);
            cr_assert_eq(http_inner_field_count(&m, "Content-Length"), 1);
        }
    }
    free(bytes);
    cr_assert_geq(read, 3 * 256, "%zu", read);
}
