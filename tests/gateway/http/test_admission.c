#include "tests/gateway/http/rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/http/admission.h"
#include "tests/support/support.h"

SUITE(admission);

#define GET "GET / HTTP/1.1\r\n"
#define H   "Host: gw.example.com\r\n"
#define E   "\r\n"

/* What follows a request that is let in: it must be seen, too. */
#define NEXT "GET /next HTTP/1.1\r\n" H E

struct row {
    struct span raw;
    int status;       /* of the first answer; 0: closed without one */
    bool closed;      /* and so the next request is not seen */
    unsigned handled; /* handlers called, but for the next request */
};

#define ROW(raw, ...)                                                         \
    {                                                                         \
        SPAN(raw), __VA_ARGS__                                                \
    }

static void
run_row(const struct row *row)
{
    struct reply reply = {0};
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    fd = rig_connect(&rig);
    rig_send(fd, row->raw);
    rig_send(fd, SPAN(NEXT));
    cr_expect_eq(rig_reply(&rig, fd, &reply), row->status != 0, "%s",
                 row->raw.data);
    cr_expect_eq(reply.status, row->status, "%d for %s", reply.status,
                 row->raw.data);
    if (row->closed) {
        /* One answer and not a byte more. */
        cr_expect(rig_closed(&rig, fd, &reply), "left open: %s",
                  row->raw.data);
        cr_expect_eq(rig.begun, row->handled, "%u handled: %s", rig.begun,
                     row->raw.data);
        cr_expect_eq(rig.refused, row->handled == 0, "told: %s",
                     row->raw.data);
        cr_expect(row->handled > 0 || rig.peer.family == HTTP_PEER_TCP);
    } else {
        cr_expect(rig_reply(&rig, fd, &reply), "next not answered: %s",
                  row->raw.data);
        cr_expect_eq(reply.status, 200);
        cr_expect_eq(rig.begun, row->handled + 1, "%s", row->raw.data);
        cr_expect_eq(rig.refused, 0, "%s", row->raw.data);
    }
    close(fd);
    rig_close(&rig);
}

static void
run_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        run_row(&rows[i]);
}

Test(admission, lets_ordinary_requests_in_and_keeps_the_connection)
{
    static const struct row rows[] = {
        ROW(GET H E, 200, false, 1),
        ROW("\r\n" GET H E, 200, false, 1),
        ROW("OPTIONS / HTTP/1.1\r\n" H E, 200, false, 1),
        ROW("DELETE /a HTTP/1.1\r\n" H E, 200, false, 1),
        ROW("POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n" E, 200, false, 1),
        ROW("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n" E "abc", 200,
            false, 1),
        ROW(GET H "X:\r\n" E, 200, false, 1),
        ROW(GET H "X: \t v \t \r\n" E, 200, false, 1),
        ROW(GET H "X: a\r\nX: b\r\n" E, 200, false, 1),
        ROW(GET H "Authorization: Negotiate YQ==\r\n" E, 200, false, 1),
        ROW(GET H "Cookie: a=b; c=\"d\"\r\n" E, 200, false, 1),
        ROW(GET "Host: [::1]:8443\r\n" E, 200, false, 1),
        ROW(GET "hOST: x\r\n" E, 200, false, 1),
        ROW("GET /a?b=c&d=%41&e HTTP/1.1\r\n" H E, 200, false, 1),
        ROW("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n" E, 200, false, 1),
    };

    run_rows(rows, ARRAY_COUNT(rows));
}

Test(admission, closes_where_the_request_says_so_or_its_framing_is_not_seen)
{
    static const struct row rows[] = {
        ROW("GET / HTTP/1.0\r\n" E, 200, true, 1),
        ROW(GET H "Connection: close\r\n" E, 200, true, 1),
        /* Also with what other readers take for a part of the extension. */
        ROW("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" E
            "3\r\nabc\r\n0\r\n\r\n",
            200, true, 1),
        ROW("POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n" E
            "3;x\nabc\n0\n\n",
            200, true, 1),
    };

    run_rows(rows, ARRAY_COUNT(rows));
}

/* Threat 20. */
Test(admission, refuses_two_readings_of_a_length)
{
    static const struct row rows[] = {
#define POST "POST / HTTP/1.1\r\n" H
        ROW(POST "Content-Length: 3\r\nContent-Length: 3\r\n" E "abc", 400,
            true, 0),
        ROW(POST "Content-Length: 3\r\nContent-Length: 4\r\n" E "abc", 400,
            true, 0),
        ROW(POST "Content-Length: 3\r\ncontent-length: 0\r\n" E "abc", 400,
            true, 0),
        ROW(POST "Content-Length: 5, 5\r\n" E "abcde", 400, true, 0),
        ROW(POST "Content-Length: +3\r\n" E "abc", 400, true, 0),
        ROW(POST "Content-Length: -3\r\n" E "abc", 400, true, 0),
        ROW(POST "Content-Length: 0x3\r\n" E "abc", 400, true, 0),
        ROW(POST "Content-Length: 3 \r\n" E "abc", 400, true, 0),
        ROW(POST "Content-Length:\r\n" E "abc", 400, true, 0),
        ROW(POST "Content-Length: 3\0\r\n" E "abc", 400, true, 0),
        ROW(POST "Content-Length: 3x\r\nContent-Length: 3\r\n" E "abc", 400,
            true, 0),
        ROW(POST "Content-Length : 3\r\n" E "abc", 400, true, 0),
        ROW(POST "Content-Length: 99999999999999999999999\r\n" E, 413, true,
            0),
        ROW(POST "Content-Length: 999999999999999999\r\n" E, 413, true, 0),
        ROW(POST "Content-Length: 4097\r\n" E, 413, true, 0),
        ROW(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n" E
                 "0\r\n\r\n",
            400, true, 0),
        ROW(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n" E
                 "0\r\n\r\n",
            400, true, 0),
        ROW(POST "Transfer-Encoding: chunked\r\n"
                 "Transfer-Encoding: chunked\r\n" E "0\r\n\r\n",
            400, true, 0),
        ROW(POST "Transfer-Encoding: identity\r\n"
                 "Transfer-Encoding: chunked\r\n" E "0\r\n\r\n",
            400, true, 0),
        ROW(POST "Transfer-Encoding: xchunked\r\n" E "0\r\n\r\n", 400, true,
            0),
        ROW(POST "Transfer-Encoding: chunked \r\n" E "0\r\n\r\n", 400, true,
            0),
        ROW(POST "Transfer-Encoding: gzip, chunked\r\n" E "0\r\n\r\n", 400,
            true, 0),
        ROW(POST "Transfer-Encoding:\r\n" E "0\r\n\r\n", 400, true, 0),
        ROW(POST "Transfer-Encoding : chunked\r\n" E "0\r\n\r\n", 400, true,
            0),
        ROW(POST "Transfer-Encoding\t: chunked\r\n" E "0\r\n\r\n", 400, true,
            0),
        ROW(POST " Transfer-Encoding: chunked\r\n" E "0\r\n\r\n", 400, true,
            0),
        ROW(POST "Transfer-Encoding: \vchunked\r\n" E "0\r\n\r\n", 400, true,
            0),
        ROW("POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n" E
            "0\r\n\r\n",
            400, true, 0),
        ROW("GET / HTTP/1.1\r\n" H
            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n" E "abc",
            400, true, 0),
    };

    run_rows(rows, ARRAY_COUNT(rows));
}

/* Threat 21. */
Test(admission, refuses_what_appears_twice)
{
    static const struct row rows[] = {
        ROW(GET H H E, 400, true, 0),
        ROW(GET H "host: other\r\n" E, 400, true, 0),
        ROW(GET H "Authorization: Negotiate YQ==\r\n"
                  "Authorization: Negotiate YQ==\r\n" E,
            400, true, 0),
        ROW(GET H "Authorization: Negotiate YQ==\r\n"
                  "AUTHORIZATION: Basic YQ==\r\n" E,
            400, true, 0),
        ROW(GET H "Content-Type: a/b\r\nContent-Type: a/b\r\n" E, 400, true,
            0),
        ROW(GET H "Cookie: a=b\r\nCookie: a=c\r\n" E, 400, true, 0),
        ROW(GET H "Origin: a\r\nOrigin: b\r\n" E, 400, true, 0),
    };

    run_rows(rows, ARRAY_COUNT(rows));
}

Test(admission, refuses_what_the_library_swallows)
{
    static const struct row rows[] = {
        /* Lines that end in LF alone. */
        ROW("GET / HTTP/1.1\nHost: x\r\n" E, 400, true, 0),
        ROW("GET / HTTP/1.1\r\nHost: x\n" E, 400, true, 0),
        ROW(GET H "X: a\nY: b\r\n" E, 400, true, 0),
        ROW(GET H "X: a\n\r\n", 400, true, 0),
        ROW(GET H "X: a\r\n\n", 400, true, 0),
        ROW("GET / HTTP/1.1\nHost: x\n\n", 400, true, 0),
        /* CR alone. */
        ROW(GET H "X: a\rY: b\r\n" E, 400, true, 0),
        ROW(GET H "X: a\r\r\n" E, 400, true, 0),
        /* NUL. */
        ROW(GET H "X: a\0b\r\n" E, 400, true, 0),
        ROW(GET H "X: \0\r\n" E, 400, true, 0),
        ROW(GET H "X\0: a\r\n" E, 400, true, 0),
        ROW(GET "Host: x\0.example\r\n" E, 400, true, 0),
        ROW("GET /a\0b HTTP/1.1\r\n" H E, 400, true, 0),
        ROW("GET /a?b\0c HTTP/1.1\r\n" H E, 400, true, 0),
        ROW("GET\0 / HTTP/1.1\r\n" H E, 400, true, 0),
        /* Folded lines. */
        ROW(GET H "X: a\r\n b\r\n" E, 400, true, 0),
        ROW(GET H "X: a\r\n\tb: c\r\n" E, 400, true, 0),
        ROW(GET "Ho\r\n st: x\r\n" E, 400, true, 0),
        ROW(GET H "X: a\r\n \r\n" E, 400, true, 0),
        ROW(GET " Host: x\r\n" H E, 400, true, 0),
        /* Spaces in the request line. */
        ROW("GET  / HTTP/1.1\r\n" H E, 400, true, 0),
        ROW("GET /  HTTP/1.1\r\n" H E, 400, true, 0),
        ROW("GET / HTTP/1.1 \r\n" H E, 400, true, 0),
        ROW("GET / x HTTP/1.1\r\n" H E, 400, true, 0),
        ROW(" GET / HTTP/1.1\r\n" H E, 400, true, 0),
    };

    run_rows(rows, ARRAY_COUNT(rows));
}

Test(admission, refuses_malformed_lines)
{
    static const struct row rows[] = {
        ROW(GET H "X\r\n" E, 400, true, 0),
        ROW(GET H ": v\r\n" E, 400, true, 0),
        ROW(GET H "X : v\r\n" E, 400, true, 0),
        ROW(GET H "X\t: v\r\n" E, 400, true, 0),
        ROW(GET H "X(y): v\r\n" E, 400, true, 0),
        ROW(GET H "X\x80: v\r\n" E, 400, true, 0),
        ROW(GET H "X: \x01\r\n" E, 400, true, 0),
        ROW(GET H "X: \x7f\r\n" E, 400, true, 0),
        ROW("G@T / HTTP/1.1\r\n" H E, 400, true, 0),
        ROW("BREW / HTTP/1.1\r\n" H E, 501, true, 0),
        ROW("get / HTTP/1.1\r\n" H E, 501, true, 0),
        ROW("CONNECT x:1 HTTP/1.1\r\n" H E, 501, true, 0),
        ROW("TRACE / HTTP/1.1\r\n" H E, 501, true, 0),
        ROW("GET / HTTP/1.2\r\n" H E, 505, true, 0),
        ROW("GET / HTTP/2.0\r\n" H E, 505, true, 0),
        ROW("GET / HTTP/0.9\r\n" H E, 505, true, 0),
        ROW("GET / http/1.1\r\n" H E, 400, true, 0),
        ROW("GET / HTTP/1.1x\r\n" H E, 400, true, 0),
        ROW("GET /\r\n" H E, 400, true, 0),
        ROW("garbage\r\n" E, 400, true, 0),
        ROW("\x16\x03\x01\x02\x00\n" E, 400, true, 0),
        ROW("GET\r\n" E, 400, true, 0),
    };

    run_rows(rows, ARRAY_COUNT(rows));
}

Test(admission, refuses_targets_and_hosts_that_name_something_else)
{
    static const struct row rows[] = {
        ROW("GET http://other/ HTTP/1.1\r\n" H E, 400, true, 0),
        ROW("GET http://gw.example.com/ HTTP/1.1\r\n" H E, 400, true, 0),
        ROW("GET gw.example.com:80 HTTP/1.1\r\n" H E, 400, true, 0),
        ROW("OPTIONS * HTTP/1.1\r\n" H E, 400, true, 0),
        ROW("GET ?a HTTP/1.1\r\n" H E, 400, true, 0),
        ROW("GET /a#b HTTP/1.1\r\n" H E, 400, true, 0),
        ROW("GET /a\tb HTTP/1.1\r\n" H E, 400, true, 0),
        ROW("GET /a\x7f HTTP/1.1\r\n" H E, 400, true, 0),
        ROW(GET E, 400, true, 0),
        ROW(GET "Host:\r\n" E, 400, true, 0),
        ROW(GET "Host: a b\r\n" E, 400, true, 0),
        ROW(GET "Host: a/b\r\n" E, 400, true, 0),
        ROW(GET "Host: a@b\r\n" E, 400, true, 0),
        ROW(GET "Host: a,b\r\n" E, 400, true, 0),
        ROW(GET H "X-HTTP-Method-Override: DELETE\r\n" E, 400, true, 0),
        ROW(GET H "x-http-method: DELETE\r\n" E, 400, true, 0),
        ROW(GET H "X-Method-Override: DELETE\r\n" E, 400, true, 0),
        ROW(GET H "Expect: 200-ok\r\n" E, 417, true, 0),
    };

    run_rows(rows, ARRAY_COUNT(rows));
}

static struct buf
repeated(const char *before, const char *what, unsigned times,
         const char *after)
{
    struct buf b = BUF_INIT;

    buf_add_string(&b, before);
    for (unsigned i = 0; i < times; i++)
        buf_add_string(&b, what);
    buf_add_string(&b, after);
    return b;
}

/* The library's own limits count what nobody admitted, too. */
Test(admission, bounds_what_a_head_may_hold)
{
    static const struct {
        const char *before, *what, *after;
        unsigned times;
        int status;
        unsigned handled;
    } rows[] = {
        {GET H, "X: y\r\n", E, 99, 200, 1},
        {GET H, "X: y\r\n", E, 100, 431, 0},
        {GET H "X: ", "0123456789", "\r\n" E, 1200, 200, 1},
        {GET H "X: ", "0123456789", "\r\n" E, 4000, 431, 0},
        {GET H, "X: 0123456789\r\n", E, 4000, 431, 0},
        /* The library copies them. */
        {GET H "Cookie: a=", "0123456789", "\r\n" E, 1000, 200, 1},
        {GET H "Cookie: a=", "0123456789", "\r\n" E, 2200, 431, 0},
        {"GET /", "0123456789", " HTTP/1.1\r\n" H E, 819, 200, 1},
        {"GET /", "0123456789", " HTTP/1.1\r\n" H E, 820, 414, 0},
        {"GET /", "0123456789", " HTTP/1.1\r\n" H E, 4000, 414, 0},
        /* Each parameter costs memory; the library just gives up. */
        {"GET /?", "&", " HTTP/1.1\r\n" H E, 8000, 0, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf raw = repeated(rows[i].before, rows[i].what, rows[i].times,
                                  rows[i].after);
        struct reply reply = {0};
        struct rig rig;
        int fd;

        rig_open(&rig, RIG_TCP, NULL);
        fd = rig_connect(&rig);
        rig_send(fd, buf_span(&raw));
        rig_reply(&rig, fd, &reply);
        if (rows[i].status != 200)
            cr_expect(rig_closed(&rig, fd, &reply), "row %zu", i);
        cr_expect_eq(reply.status, rows[i].status, "row %zu: %d", i,
                     reply.status);
        if (rows[i].status != 0)
            cr_expect_eq(rig.refused, rows[i].status == 200 ? 0 : 1,
                         "row %zu: %u", i, rig.refused);
        cr_expect_eq(rig.begun, rows[i].handled, "row %zu", i);
        close(fd);
        rig_close(&rig);
        buf_fini(&raw);
    }
}

/* Byte by byte the buffers move in other ways. */
Test(admission, sees_the_same_however_the_bytes_arrive)
{
    static const struct row rows[] = {
        ROW("POST /a?b=c HTTP/1.1\r\n" H
            "X: y\r\nContent-Length: 3\r\nZ:\r\n" E "abc",
            200, false, 1),
        ROW(GET H "X: a\nY: b\r\n" E, 400, true, 0),
        ROW(GET H "X: a\r\n b\r\n" E, 400, true, 0),
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct reply reply = {0};
        struct rig rig;
        int fd;

        rig_open(&rig, RIG_TCP, NULL);
        fd = rig_connect(&rig);
        for (size_t k = 0; k < rows[i].raw.length; k++) {
            rig_send(fd, (struct span){rows[i].raw.data + k, 1});
            rig_turn(&rig, -1, 0);
        }
        rig_reply(&rig, fd, &reply);
        cr_expect_eq(reply.status, rows[i].status, "row %zu: %d", i,
                     reply.status);
        cr_expect_eq(rig.begun, rows[i].handled);
        close(fd);
        rig_close(&rig);
    }
}

/* A ticket of a user in very many groups fills most of the memory. */
Test(admission, takes_a_large_head_in_pieces)
{
    struct buf raw = repeated(GET H "Authorization: Negotiate ", "0123456789",
                              1900, "\r\nX: y\r\n" E);
    struct reply reply = {0};
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    fd = rig_connect(&rig);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t k = 0; k < raw.length; k += 1000) {
            size_t n = raw.length - k < 1000 ? raw.length - k : 1000;

            rig_send(fd, (struct span){raw.data + k, n});
            rig_turn(&rig, -1, 0);
        }
        cr_assert(rig_reply(&rig, fd, &reply));
        cr_expect_eq(reply.status, 200, "%d", reply.status);
    }
    close(fd);
    rig_close(&rig);
    buf_fini(&raw);
}

Test(admission, is_refused_when_zeroed)
{
    struct admission a = {0};
    struct admission_request q = {0};

    cr_assert_not(a.admitted);
    admission_check(&q, &a);
    cr_assert_not(a.admitted);
}
