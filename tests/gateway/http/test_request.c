#include "tests/gateway/http/rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/support.h"

SUITE(request);

#define HOST "Host: gw.example.com\r\n"

static void
answer_by_token(struct rig *rig, struct http_request *r)
{
    struct span token = http_request_header(r, "authorization");
    char body[64];

    (void)rig;
    snprintf(body, sizeof(body), "%.*s", (int)token.length,
             token.length > 0 ? token.data : "");
    rig_answer(r, token.data != NULL ? 200 : 401, body);
}

/* Threat 7. */
Test(request, sees_pipelined_requests_each_for_itself)
{
    struct reply reply = {0};
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    rig.on_complete = answer_by_token;
    fd = rig_connect(&rig);
    rig_send(fd, SPAN("GET /a HTTP/1.1\r\n" HOST "Authorization: A\r\n\r\n"
                      "GET /none HTTP/1.1\r\n" HOST "\r\n"
                      "GET /b HTTP/1.1\r\n" HOST "Authorization: B\r\n\r\n"));
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_assert_eq(reply.status, 200);
    cr_assert_str_eq(reply.body, "A");
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_assert_eq(reply.status, 401);
    cr_assert_str_eq(reply.body, "");
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_assert_eq(reply.status, 200);
    cr_assert_str_eq(reply.body, "B");
    assert_span(buf_span(&rig.seen), "GET /a;GET /none;GET /b;");
    cr_assert_eq(rig.begun, 3);
    close(fd);
    rig_close(&rig);
}

static void
hold(struct rig *rig, struct http_request *r)
{
    cr_assert_null(rig->held);
    rig->held = r;
    http_request_suspend(r);
}

Test(request, leaves_what_is_behind_a_suspended_one_alone)
{
    struct reply reply = {0};
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    rig.on_complete = hold;
    fd = rig_connect(&rig);
    rig_send(fd, SPAN("GET /1 HTTP/1.1\r\n" HOST "\r\n"
                      "GET /2 HTTP/1.1\r\n" HOST "\r\n"));
    for (unsigned i = 1; i <= 2; i++) {
        struct http_request *r;

        rig_until(&rig, rig.held != NULL);
        for (unsigned k = 0; k < 3; k++)
            rig_turn(&rig, -1, 0);
        cr_assert_eq(rig.begun, i);
        r = rig.held;
        rig.held = NULL;
        rig_answer(r, 200, i == 1 ? "first" : "second");
        cr_assert_eq(http_endpoint_timeout_ms(rig.ep), 0);
        cr_assert(rig_reply(&rig, fd, &reply));
        cr_assert_str_eq(reply.body, i == 1 ? "first" : "second");
    }
    close(fd);
    rig_close(&rig);
}

Test(request, ends_once_when_the_client_of_a_suspended_one_leaves)
{
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    rig.on_complete = hold;
    fd = rig_connect(&rig);
    rig_send(fd, SPAN("GET / HTTP/1.1\r\n" HOST "\r\n"));
    rig_until(&rig, rig.held != NULL);
    close(fd);
    rig_until(&rig, rig.finished == 1);
    cr_assert_not(rig.last.completed);
    cr_assert_eq(rig.last.status, 0);
    rig_until(&rig, http_endpoint_connections(rig.ep) == 0);
    rig_close(&rig);
}

Test(request, ends_once_when_the_endpoint_is_freed_over_it)
{
    struct rig rig;
    int a, b;

    rig_open(&rig, RIG_TCP, NULL);
    rig.on_complete = hold;
    a = rig_connect(&rig);
    rig_send(a, SPAN("GET / HTTP/1.1\r\n" HOST "\r\n"));
    rig_until(&rig, rig.held != NULL);
    b = rig_connect(&rig);
    rig_send(b, SPAN("POST / HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nx"));
    rig_until(&rig, rig.begun == 2);
    rig_close(&rig);
    cr_assert_eq(rig.finished, 2);
    close(a);
    close(b);
}

static void
take_body(struct rig *rig, struct http_request *r)
{
    struct span body = http_request_body(r);

    (void)rig;
    http_respond(r, &(struct http_response){.status = 200, .body = body});
}

Test(request, hands_a_body_over_whole)
{
    static const struct {
        struct span raw;
        const char *body;
    } rows[] = {
        {SPAN("Content-Length: 0\r\n\r\n"), ""},
        {SPAN("Content-Length: 5\r\n\r\nab\0de"), "ab"},
        {SPAN("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), ""},
        {SPAN("Transfer-Encoding: chunked\r\n\r\n"
              "1\r\na\r\n2;x=y\r\nbc\r\n0\r\nHost: evil\r\n\r\n"),
         "abc"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct reply reply = {0};
        struct rig rig;
        int fd;

        rig_open(&rig, RIG_TCP, NULL);
        rig.on_complete = take_body;
        fd = rig_connect(&rig);
        rig_send(fd, SPAN("POST / HTTP/1.1\r\n" HOST));
        for (size_t k = 0; k < rows[i].raw.length; k++) {
            rig_send(fd, (struct span){rows[i].raw.data + k, 1});
            rig_turn(&rig, -1, 0);
        }
        cr_assert(rig_reply(&rig, fd, &reply), "row %zu", i);
        cr_expect_eq(reply.status, 200);
        cr_expect_str_eq(reply.body, rows[i].body, "row %zu", i);
        cr_expect_eq(rig.completed, 1);
        close(fd);
        rig_close(&rig);
    }
}

Test(request, finishes_once_when_a_body_is_broken_off)
{
    static const struct {
        struct span raw;
        int status;
    } rows[] = {
        {SPAN("Content-Length: 5\r\n\r\nab"), 0},
        {SPAN("Content-Length: 5\r\n\r\n"), 0},
        {SPAN("Transfer-Encoding: chunked\r\n\r\n5\r\nab"), 0},
        {SPAN("Transfer-Encoding: chunked\r\n\r\nzz\r\nab"), 400},
        {SPAN("Transfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n0\r\n\r\n"), 400},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct rig rig;
        int fd;

        rig_open(&rig, RIG_TCP, NULL);
        fd = rig_connect(&rig);
        rig_send(fd, SPAN("POST / HTTP/1.1\r\n" HOST));
        rig_send(fd, rows[i].raw);
        rig_until(&rig, rig.begun == 1);
        close(fd);
        rig_until(&rig, rig.finished == 1);
        cr_expect_eq(rig.completed, 0, "row %zu", i);
        cr_expect_not(rig.last.completed, "row %zu", i);
        cr_expect_eq(rig.last.status, rows[i].status, "row %zu: %d", i,
                     rig.last.status);
        rig_close(&rig);
    }
}

static void
challenge(struct rig *rig, struct http_request *r)
{
    (void)rig;
    rig_answer(r, 401, "who are you?");
}

/* Nobody uploads before it is known who it is. */
Test(request, answers_at_the_headers_without_reading_the_body)
{
    struct reply reply = {0};
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    rig.on_begin = challenge;
    fd = rig_connect(&rig);
    rig_send(fd, SPAN("POST / HTTP/1.1\r\n" HOST
                      "Content-Length: 4000\r\nExpect: 100-continue\r\n\r\n"));
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_assert_eq(reply.status, 401);
    cr_assert_str_eq(reply.body, "who are you?");
    cr_assert_str_eq(reply_header(&reply, "Connection"), "close");
    cr_assert(rig_closed(&rig, fd, &reply));
    cr_assert_eq(rig.completed, 0);
    cr_assert_eq(rig.last.status, 401);
    cr_assert(rig.last.completed);
    cr_assert_eq(rig.last.bytes, 12);
    close(fd);
    rig_close(&rig);
}

Test(request, asks_for_the_body_once_it_wants_it)
{
    struct reply reply = {0};
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    rig.on_complete = take_body;
    fd = rig_connect(&rig);
    rig_send(fd, SPAN("POST / HTTP/1.1\r\n" HOST
                      "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_assert_eq(reply.status, 100);
    rig_send(fd, SPAN("abc"));
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_assert_eq(reply.status, 200);
    cr_assert_str_eq(reply.body, "abc");
    close(fd);
    rig_close(&rig);
}

/* A reset while the client still sends would cost it the answer. */
Test(request, lets_a_refused_upload_end_before_the_socket_goes)
{
    char piece[1000];
    struct reply reply = {0};
    struct rig rig;
    int fd;

    memset(piece, 'x', sizeof(piece));
    rig_open(&rig, RIG_TCP, NULL);
    rig.on_begin = challenge;
    fd = rig_connect(&rig);
    rig_send(fd,
             SPAN("POST / HTTP/1.1\r\n" HOST "Content-Length: 4000\r\n\r\n"));
    rig_until(&rig, rig.finished == 1);
    for (unsigned i = 0; i < 20; i++) {
        rig_send(fd, (struct span){piece, sizeof(piece)});
        rig_turn(&rig, -1, 0);
    }
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_assert_eq(reply.status, 401);
    cr_assert_eq(http_endpoint_connections(rig.ep), 1);
    close(fd);
    rig_until(&rig, http_endpoint_connections(rig.ep) == 0);
    rig_close(&rig);
}

Test(request, keeps_the_connection_when_a_bodiless_one_is_answered_at_once)
{
    struct reply reply = {0};
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    rig.on_begin = challenge;
    fd = rig_connect(&rig);
    for (unsigned i = 1; i <= 3; i++) {
        rig_send(fd, SPAN("GET / HTTP/1.1\r\n" HOST "\r\n"));
        cr_assert(rig_reply(&rig, fd, &reply));
        cr_assert_eq(reply.status, 401);
        cr_assert_null(reply_header(&reply, "Connection"));
        cr_assert_eq(rig.begun, i);
    }
    cr_assert_eq(rig.completed, 0);
    close(fd);
    rig_close(&rig);
}

Test(request, refuses_a_chunked_body_that_grows_too_large)
{
    struct buf raw = BUF_INIT;
    struct reply reply = {0};
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    fd = rig_connect(&rig);
    buf_add_string(&raw, "POST / HTTP/1.1\r\n" HOST
                         "Transfer-Encoding: chunked\r\n\r\n");
    for (unsigned i = 0; i < 4097; i++)
        buf_add_string(&raw, "1\r\nx\r\n");
    buf_add_string(&raw, "0\r\n\r\n");
    rig_send(fd, buf_span(&raw));
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_assert_eq(reply.status, 413);
    cr_assert(rig_closed(&rig, fd, &reply));
    cr_assert_eq(rig.completed, 0);
    cr_assert_eq(rig.last.status, 413);
    close(fd);
    rig_close(&rig);
    buf_fini(&raw);
}

Test(request, cuts_off_one_that_never_stops)
{
    char chunk[1007] = "3e8\r\n";
    struct rig rig;
    int fd;

    memset(chunk + 5, 'x', 1000);
    memcpy(chunk + 1005, "\r\n", 2);
    rig_open(&rig, RIG_TCP, NULL);
    fd = rig_connect(&rig);
    rig_send(fd, SPAN("POST / HTTP/1.1\r\n" HOST
                      "Transfer-Encoding: chunked\r\n\r\n"));
    for (unsigned i = 0; i < 1000 && rig.finished == 0; i++) {
        send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL | MSG_DONTWAIT);
        rig_turn(&rig, -1, 0);
    }
    cr_assert_eq(rig.finished, 1);
    cr_assert_not(rig.last.completed);
    close(fd);
    rig_close(&rig);
}

static void
look_at_headers(struct rig *rig, struct http_request *r)
{
    (void)rig;
    assert_span(http_request_header(r, "x-one"), "1");
    assert_span(http_request_header(r, "X-Two"), "a");
    cr_assert_eq(http_request_header_count(r, "x-TWO"), 2);
    cr_assert_null(http_request_header(r, "X-None").data);
    cr_assert_eq(http_request_header_count(r, "X-None"), 0);
    cr_assert_not_null(http_request_header(r, "X-Empty").data);
    cr_assert_eq(http_request_header(r, "X-Empty").length, 0);
    cr_assert(http_request_header_prefix(r, "x-nsgate-"));
    cr_assert_not(http_request_header_prefix(r, "X-Forwarded-"));
    cr_assert_not(http_request_has_body(r));
    cr_assert_null(http_request_tls(r));
    assert_span(http_request_target(r), "/a%2Fb?c=%41&d");
    cr_assert_str_eq(http_request_method(r), "GET");
    rig_answer(r, 204, "");
}

Test(request, shows_target_and_headers_as_they_came)
{
    struct reply reply = {0};
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    rig.on_complete = look_at_headers;
    fd = rig_connect(&rig);
    rig_send(fd, SPAN("GET /a%2Fb?c=%41&d HTTP/1.1\r\n" HOST
                      "X-One: \t1 \r\nX-Two: a\r\nX-Two: b\r\nX-Empty:\r\n"
                      "x-Nsgate-Tls-Protocol: TLSv1.3\r\n\r\n"));
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_assert_eq(reply.status, 204);
    close(fd);
    rig_close(&rig);
}
