/* Bodies that are taken as they come, and answers that have to wait. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/gateway/http/rig.h"
#include "tests/support/support.h"

SUITE(flow);

#define HOST "Host: gw.example.com\r\n"

/* -- bodies ---------------------------------------------------------------- */

struct taker {
    struct http_request *request;
    struct buf body;
    size_t room; /* before it holds */
    bool unwanted;
    unsigned calls;
};

static size_t
take(void *arg, const char *data, size_t size)
{
    struct taker *t = arg;

    t->calls++;
    if (t->unwanted)
        return HTTP_BODY_UNWANTED;
    if (size > t->room)
        size = t->room;
    t->room -= size;
    buf_add(&t->body, data, size);
    return size;
}

static void
begin_taking(struct rig *rig, struct http_request *r)
{
    struct taker *t = rig->arg;
    const struct http_body_taker taker = {.arg = t, .take = take};

    t->request = r;
    http_request_take_body(r, &taker);
}

static void
answer_taken(struct rig *rig, struct http_request *r)
{
    struct taker *t = rig->arg;
    char text[64];

    cr_assert_eq(http_request_body(r).length, 0);
    snprintf(text, sizeof(text), "%zu", t->body.length);
    rig_answer(r, 200, text);
}

static void
open_taking(struct rig *rig, struct taker *t, uint64_t taken_body_max)
{
    const struct http_endpoint_options but = {
        .body_max = 1024, .taken_body_max = taken_body_max};

    rig_open(rig, RIG_TCP, &but);
    rig->on_begin = begin_taking;
    rig->on_complete = answer_taken;
    rig->arg = t;
}

Test(flow, gives_a_body_as_it_comes_and_keeps_none_of_it)
{
    static const struct {
        const char *head, *body;
    } rows[] = {
        {"Content-Length: 11\r\n", "hello world"},
        {"Transfer-Encoding: chunked\r\n",
         "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct taker t = {.room = SIZE_MAX / 2};
        struct reply reply = {0};
        struct rig rig;
        int fd;

        open_taking(&rig, &t, 1 << 20);
        fd = rig_connect(&rig);
        rig_send(fd, SPAN("POST / HTTP/1.1\r\n" HOST));
        rig_send(fd, span_of(rows[i].head));
        rig_send(fd, SPAN("\r\n"));
        rig_send(fd, span_of(rows[i].body));
        cr_assert(rig_reply(&rig, fd, &reply));
        cr_expect_eq(reply.status, 200);
        assert_span(buf_span(&t.body), "hello world");
        close(fd);
        rig_close(&rig);
        buf_fini(&t.body);
    }
}

Test(flow, reads_nothing_while_the_taker_holds)
{
    struct taker t = {.room = 5};
    struct reply reply = {0};
    struct rig rig;
    unsigned calls;
    int fd;

    open_taking(&rig, &t, 1 << 20);
    fd = rig_connect(&rig);
    rig_send(fd, SPAN("POST / HTTP/1.1\r\n" HOST
                      "Content-Length: 11\r\n\r\nhello world"));
    rig_until(&rig, t.body.length == 5);
    calls = t.calls;
    for (int i = 0; i < 20; i++)
        rig_turn(&rig, -1, 1);
    cr_expect_eq(t.calls, calls);
    cr_expect_eq(rig.completed, 0);
    t.room = 100;
    http_request_take_more(t.request);
    cr_assert(rig_reply(&rig, fd, &reply));
    assert_span(buf_span(&t.body), "hello world");
    cr_expect_str_eq(reply.body, "11");
    close(fd);
    rig_close(&rig);
    buf_fini(&t.body);
}

Test(flow, ends_a_held_body_when_the_client_leaves)
{
    struct taker t = {.room = 5};
    struct rig rig;
    int fd;

    open_taking(&rig, &t, 1 << 20);
    fd = rig_connect(&rig);
    rig_send(fd, SPAN("POST / HTTP/1.1\r\n" HOST
                      "Content-Length: 11\r\n\r\nhello world"));
    rig_until(&rig, t.body.length == 5);
    close(fd);
    rig_until(&rig, rig.finished == 1);
    cr_expect_not(rig.last.completed);
    rig_close(&rig);
    buf_fini(&t.body);
}

Test(flow, limits_what_is_announced_for_takers_and_for_others)
{
    static const struct {
        const char *length;
        uint64_t taken_body_max;
        bool taken;
        int status;
    } rows[] = {
        {"5000", 5000, true, 200},  {"5001", 5000, true, 413},
        {"1024", 5000, false, 200}, {"1025", 5000, false, 413},
        {"1025", 0, true, 413},
    };
    static char body[5001];

    memset(body, 'x', sizeof(body));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct taker t = {.room = SIZE_MAX / 2};
        struct reply reply = {0};
        struct rig rig;
        char head[128];
        int fd;

        open_taking(&rig, &t, rows[i].taken_body_max);
        if (!rows[i].taken) {
            rig.on_begin = NULL;
            rig.on_complete = NULL;
        }
        fd = rig_connect(&rig);
        snprintf(head, sizeof(head),
                 "POST / HTTP/1.1\r\n" HOST "Content-Length: %s\r\n\r\n",
                 rows[i].length);
        rig_send(fd, span_of(head));
        rig_send(fd, (struct span){body, (size_t)atoi(rows[i].length)});
        cr_assert(rig_reply(&rig, fd, &reply));
        cr_expect_eq(reply.status, rows[i].status, "row %zu: %d", i,
                     reply.status);
        close(fd);
        rig_close(&rig);
        buf_fini(&t.body);
    }
}

Test(flow, drops_what_nobody_wants_and_answers_then)
{
    struct taker t = {.unwanted = true};
    struct reply reply = {0};
    struct rig rig;
    int fd;

    open_taking(&rig, &t, 1 << 20);
    fd = rig_connect(&rig);
    rig_send(fd, SPAN("POST / HTTP/1.1\r\n" HOST
                      "Content-Length: 11\r\n\r\nhello"));
    rig_until(&rig, t.calls > 0);
    rig_answer(t.request, 409, "no");
    rig_send(fd, SPAN(" world"));
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_expect_eq(reply.status, 409);
    cr_expect_eq(rig.completed, 0);
    close(fd);
    rig_close(&rig);
}

/* -- answers --------------------------------------------------------------- */

struct source {
    struct http_request *request;
    size_t ready; /* bytes that may be read */
    bool ended;
    unsigned reads, closed;
};

static long
source_read(void *arg, char *out, size_t max)
{
    struct source *s = arg;
    size_t n = s->ready < max ? s->ready : max;

    s->reads++;
    if (n == 0)
        return s->ended ? 0 : HTTP_STREAM_LATER;
    memset(out, 'y', n);
    s->ready -= n;
    return (long)n;
}

static void
source_close(void *arg)
{
    struct source *s = arg;

    s->closed++;
}

static void
answer_later(struct rig *rig, struct http_request *r)
{
    struct source *s = rig->arg;
    struct http_stream stream = {
        .arg = s, .read = source_read, .close = source_close};
    const struct http_response response = {.status = 200, .stream = &stream};

    s->request = r;
    http_respond(r, &response);
}

static void
answer_ten(struct rig *rig, struct http_request *r)
{
    struct source *s = rig->arg;
    struct http_stream stream = {.arg = s,
                                 .read = source_read,
                                 .close = source_close,
                                 .has_length = true,
                                 .length = 10};
    const struct http_response response = {.status = 200, .stream = &stream};

    s->request = r;
    http_respond(r, &response);
}

static int
ask(struct rig *rig, struct source *s,
    void (*answer)(struct rig *, struct http_request *), const char *method)
{
    char text[128];
    int fd;

    rig_open(rig, RIG_TCP, NULL);
    rig->on_complete = answer;
    rig->arg = s;
    fd = rig_connect(rig);
    snprintf(text, sizeof(text), "%s / HTTP/1.1\r\n" HOST "\r\n", method);
    rig_send(fd, span_of(text));
    return fd;
}

Test(flow, waits_for_a_stream_without_asking_it_again)
{
    struct source s = {.ready = 3};
    struct reply reply = {0};
    struct rig rig;
    int fd = ask(&rig, &s, answer_later, "GET");
    unsigned reads;

    rig_until(&rig, s.ready == 0 && s.reads >= 2);
    reads = s.reads;
    for (int i = 0; i < 20; i++)
        rig_turn(&rig, -1, 1);
    cr_expect_eq(s.reads, reads);
    s.ready = 4;
    http_request_stream_more(s.request);
    rig_until(&rig, s.ready == 0);
    s.ended = true;
    http_request_stream_more(s.request);
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_expect_str_eq(reply.body, "yyyyyyy");
    cr_expect_str_eq(reply_header(&reply, "Transfer-Encoding"), "chunked");
    rig_until(&rig, rig.finished == 1);
    cr_expect_eq(rig.last.bytes, 7);
    cr_expect_eq(s.closed, 1);
    close(fd);
    rig_close(&rig);
}

Test(flow, sends_a_stream_with_its_length)
{
    struct source s = {.ready = 4};
    struct reply reply = {0};
    struct rig rig;
    int fd = ask(&rig, &s, answer_ten, "GET");

    rig_until(&rig, s.ready == 0);
    s.ready = 6;
    http_request_stream_more(s.request);
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_expect_str_eq(reply_header(&reply, "Content-Length"), "10");
    cr_expect_eq(reply.body_length, 10);
    cr_expect_not(reply.closed);
    close(fd);
    rig_close(&rig);
    cr_expect_eq(s.closed, 1);
}

Test(flow, tells_the_length_to_head_and_reads_nothing)
{
    struct source s = {.ready = 10};
    struct reply reply = {0};
    struct rig rig;
    int fd = ask(&rig, &s, answer_ten, "HEAD");

    cr_assert(rig_reply_head(&rig, fd, &reply));
    cr_expect_str_eq(reply_header(&reply, "Content-Length"), "10");
    rig_until(&rig, rig.finished == 1);
    cr_expect_eq(s.reads, 0);
    cr_expect_eq(s.closed, 1);
    close(fd);
    rig_close(&rig);
}

Test(flow, breaks_off_what_ends_before_its_length)
{
    struct source s = {.ready = 4, .ended = true};
    struct rig rig;
    int fd = ask(&rig, &s, answer_ten, "GET");

    cr_expect(rig_ends(&rig, fd));
    rig_until(&rig, rig.finished == 1);
    cr_expect_not(rig.last.completed);
    cr_expect_eq(s.closed, 1);
    close(fd);
    rig_close(&rig);
}

Test(flow, closes_a_waiting_stream_whose_client_leaves)
{
    struct source s = {.ready = 3};
    struct rig rig;
    int fd = ask(&rig, &s, answer_later, "GET");

    rig_until(&rig, s.ready == 0 && s.reads >= 2);
    close(fd);
    rig_until(&rig, rig.finished == 1);
    cr_expect_not(rig.last.completed);
    cr_expect_eq(s.closed, 1);
    rig_close(&rig);
}

Test(flow, ends_what_waits_with_the_endpoint)
{
    struct source s = {.ready = 3};
    struct rig rig;
    int fd = ask(&rig, &s, answer_later, "GET");

    rig_until(&rig, s.ready == 0 && s.reads >= 2);
    rig_close(&rig);
    cr_expect_eq(s.closed, 1);
    close(fd);
}
