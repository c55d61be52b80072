#include "tests/gateway/http/rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/support.h"

SUITE(response);

#define GET  "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"

/* -- from memory ---------------------------------------------------------- */

Test(response, tells_the_length_of_what_head_leaves_out)
{
    struct reply reply = {0};
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    fd = rig_connect(&rig);
    rig_send(fd, SPAN(HEAD GET));
    cr_assert(rig_reply_head(&rig, fd, &reply));
    cr_assert_eq(reply.status, 200);
    cr_assert_str_eq(reply_header(&reply, "Content-Length"), "6");
    cr_assert_eq(rig.last.bytes, 0);
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_assert_str_eq(reply.body, "hello\n");
    rig_until(&rig, rig.finished == 2);
    cr_assert_eq(rig.last.bytes, 6);
    cr_assert(rig.last.completed);
    close(fd);
    rig_close(&rig);
}

static void
answer_from_row(struct rig *rig, struct http_request *r)
{
    http_respond(r, rig->arg);
    /* A second answer is none. */
    rig_answer(r, 200, "again");
}

/* Threat 27. */
Test(response, never_sends_a_header_that_could_end_a_line)
{
    static const struct {
        struct http_header header;
        int asked, status;
    } rows[] = {
        {{"X-A", "plain"}, 200, 200},
        {{"X-A", ""}, 200, 200}, /* left out */
        {{"X-A", "a\tb \"\xc3\xa9"}, 403, 403},
        {{"X-A", "a\r\nSet-Cookie: b"}, 200, 500},
        {{"X-A", "a\nb"}, 200, 500},
        {{"X-A", "a\rb"}, 200, 500},
        {{"X-A", "a\x01"}, 200, 500},
        {{"X-A", "a\x7f"}, 200, 500},
        {{"X-A", NULL}, 200, 500},
        {{"X A", "a"}, 200, 500},
        {{"X-A:", "a"}, 200, 500},
        {{"X-A\r\nB", "a"}, 200, 500},
        {{"", "a"}, 200, 500},
        {{"X-A", "a"}, 0, 500},
        {{"X-A", "a"}, 100, 500},
        {{"X-A", "a"}, 600, 500},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct http_response response = {.status = rows[i].asked,
                                         .headers = &rows[i].header,
                                         .header_count = 1,
                                         .body = SPAN("secret")};
        struct reply reply = {0};
        struct rig rig;
        int fd;

        rig_open(&rig, RIG_TCP, NULL);
        rig.on_complete = answer_from_row;
        rig.arg = &response;
        fd = rig_connect(&rig);
        rig_send(fd, SPAN(GET));
        cr_assert(rig_reply(&rig, fd, &reply));
        cr_expect_eq(reply.status, rows[i].status, "row %zu: %d", i,
                     reply.status);
        if (rows[i].status == 500) {
            cr_expect_null(reply_header(&reply, "X-A"), "row %zu", i);
            cr_expect_null(reply_header(&reply, "Set-Cookie"), "row %zu", i);
            cr_expect_str_eq(reply.body, "");
        } else {
            cr_expect_str_eq(reply.body, "secret");
        }
        close(fd);
        rig_close(&rig);
    }
}

Test(response, closes_when_told_to)
{
    struct http_response response = {.status = 503, .close = true};
    struct reply reply = {0};
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    rig.on_complete = answer_from_row;
    rig.arg = &response;
    fd = rig_connect(&rig);
    rig_send(fd, SPAN(GET GET));
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_assert_eq(reply.status, 503);
    cr_assert_str_eq(reply_header(&reply, "Connection"), "close");
    cr_assert(rig_closed(&rig, fd, &reply));
    cr_assert_eq(rig.begun, 1);
    close(fd);
    rig_close(&rig);
}

/* -- streamed ------------------------------------------------------------- */

struct source {
    struct rig *rig;
    unsigned pieces; /* still to come */
    bool breaks;     /* after them */
    unsigned closed;
};

static long
source_read(void *arg, char *out, size_t max)
{
    struct source *s = arg;

    cr_assert_eq(s->closed, 0);
    cr_assert_geq(max, 7);
    if (s->pieces == 0)
        return s->breaks ? -1 : 0;
    s->pieces--;
    memcpy(out, "0123456", 7);
    return 7;
}

static void
source_close(void *arg)
{
    struct source *s = arg;

    s->closed++;
    /* What it reads from may belong to the request's context. */
    cr_assert_eq(s->rig->finished, 0);
}

static void
answer_streamed(struct rig *rig, struct http_request *r)
{
    const struct http_stream stream = {
        .arg = rig->arg, .read = source_read, .close = source_close};
    const struct http_response response = {.status = 200, .stream = &stream};

    http_respond(r, &response);
}

static void
run_stream(const char *request, struct source *source, struct reply *reply,
           struct rig_finish *end)
{
    bool head = strncmp(request, "HEAD", 4) == 0;
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    rig.on_complete = answer_streamed;
    rig.arg = source;
    source->rig = &rig;
    memset(reply, 0, sizeof(*reply));
    fd = rig_connect(&rig);
    rig_send(fd, span_of(request));
    cr_assert(head ? rig_reply_head(&rig, fd, reply)
                   : rig_reply(&rig, fd, reply));
    rig_until(&rig, rig.finished == 1);
    *end = rig.last;
    close(fd);
    rig_close(&rig);
    cr_assert_eq(source->closed, 1);
}

Test(response, streams_a_body_of_unknown_length)
{
    struct source source = {.pieces = 5000};
    struct reply reply;
    struct rig_finish end;

    run_stream(GET, &source, &reply, &end);
    cr_assert_str_eq(reply_header(&reply, "Transfer-Encoding"), "chunked");
    cr_assert_eq(reply.body_length, 35000);
    cr_assert_not(reply.closed);
    cr_assert_eq(end.bytes, 35000);
    cr_assert(end.completed);

    source = (struct source){0};
    run_stream(GET, &source, &reply, &end);
    cr_assert_eq(reply.body_length, 0);
    cr_assert(end.completed);
}

Test(response, streams_to_http_1_0_until_the_close)
{
    struct source source = {.pieces = 50};
    struct reply reply;
    struct rig_finish end;

    run_stream("GET / HTTP/1.0\r\n\r\n", &source, &reply, &end);
    cr_assert_null(reply_header(&reply, "Transfer-Encoding"));
    cr_assert_eq(reply.body_length, 350);
    cr_assert(reply.closed);
    cr_assert(end.completed);
}

Test(response, breaks_off_a_stream_that_fails)
{
    struct source source = {.pieces = 3, .breaks = true};
    struct reply reply;
    struct rig_finish end;

    run_stream(GET, &source, &reply, &end);
    cr_assert(reply.closed);
    cr_assert_eq(end.bytes, 21);
    cr_assert_not(end.completed);
}

Test(response, closes_a_stream_that_nobody_reads)
{
    struct source source = {.pieces = 3};
    struct reply reply;
    struct rig_finish end;

    run_stream(HEAD, &source, &reply, &end);
    cr_assert_eq(end.bytes, 0);
    cr_assert(end.completed);
}

Test(response, closes_a_stream_whose_headers_are_refused)
{
    static const struct http_header bad = {"X", "a\nb"};
    struct rig rig;
    struct source source = {.rig = &rig, .pieces = 3};
    const struct http_stream stream = {
        .arg = &source, .read = source_read, .close = source_close};
    struct http_response response = {
        .status = 200, .headers = &bad, .header_count = 1, .stream = &stream};
    struct reply reply = {0};
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    rig.on_complete = answer_from_row;
    rig.arg = &response;
    fd = rig_connect(&rig);
    rig_send(fd, SPAN(GET));
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_assert_eq(reply.status, 500);
    cr_assert_eq(source.closed, 1);
    close(fd);
    rig_close(&rig);
}

Test(response, closes_a_stream_whose_client_leaves)
{
    struct source source = {.pieces = 100000000};
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, NULL);
    rig.on_complete = answer_streamed;
    rig.arg = &source;
    source.rig = &rig;
    fd = rig_connect(&rig);
    rig_send(fd, SPAN(GET));
    rig_until(&rig, source.pieces < 99999000);
    cr_assert_eq(rig.finished, 0);
    close(fd);
    rig_until(&rig, rig.finished == 1);
    cr_assert_not(rig.last.completed);
    cr_assert_eq(source.closed, 1);
    rig_close(&rig);
}
