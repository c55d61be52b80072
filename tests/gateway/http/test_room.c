#include "tests/gateway/http/rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/http/endpoint.h"
#include "tests/support/support.h"

SUITE(room);

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static const struct reply nothing;

static void
hold(struct rig *rig, struct http_request *r)
{
    rig->held = r;
    http_request_suspend(r);
}

static long
endless(void *arg, char *out, size_t max)
{
    (void)arg;
    memset(out, 'x', max);
    return (long)max;
}

static void
answer_endlessly(struct rig *rig, struct http_request *r)
{
    static const struct http_stream stream = {.read = endless};
    const struct http_response response = {.status = 200, .stream = &stream};

    (void)rig;
    if (strcmp(http_request_method(r), "GET") == 0)
        http_respond(r, &response);
    else
        rig_answer(r, 200, "short");
}

/* Up to size bytes, which are not looked at; false: there is an end. */
static bool
read_some(int fd, size_t size)
{
    char dropped[65536];
    ssize_t got =
        recv(fd, dropped, size < sizeof(dropped) ? size : sizeof(dropped), 0);

    return got > 0 || (got < 0 && errno == EAGAIN);
}

/* An answer to a request that has been sent on a new connection; while it
 * waits for it reads of another one. Returns the milliseconds, -1: none. */
static int
served_after(struct rig *rig, int fd, int other, size_t size, int limit_ms)
{
    uint64_t begun = clock_monotonic_ms(), now = begun;
    char c;

    for (; now - begun < (uint64_t)limit_ms; now = clock_monotonic_ms()) {
        rig_turn(rig, fd, 10);
        if (recv(fd, &c, 1, MSG_PEEK) > 0)
            return (int)(clock_monotonic_ms() - begun);
        if (size > 0)
            read_some(other, size);
    }
    return -1;
}

Test(room, is_waited_for_while_all_connections_are_at_work)
{
    const struct http_endpoint_options but = {.connections_max = 2};
    struct reply reply = {0};
    struct rig rig;
    int a, b, c;

    rig_open(&rig, RIG_TCP, &but);
    rig.on_complete = hold;
    cr_assert(http_endpoint_has_room(rig.ep));
    a = rig_connect(&rig);
    rig_send(a, SPAN(GET));
    rig_until(&rig, rig.completed == 1);
    /* A head that has only just begun is not in the way either. */
    b = rig_connect(&rig);
    rig_send(b, SPAN("GET / HT"));
    rig_until(&rig, http_endpoint_connections(rig.ep) == 2);
    cr_assert_not(http_endpoint_has_room(rig.ep));
    c = rig_connect(&rig);
    rig_send(c, SPAN(GET));
    rig_turn(&rig, -1, 0);
    cr_assert_eq(http_endpoint_connections(rig.ep), 2);
    rig.on_complete = NULL;
    rig_answer(rig.held, 200, "kept");
    cr_assert(rig_reply(&rig, a, &reply));
    cr_assert_str_eq(reply.body, "kept");
    /* The first rests now, and goes. */
    cr_assert(rig_closed(&rig, a, &nothing));
    memset(&reply, 0, sizeof(reply));
    cr_assert(rig_reply(&rig, c, &reply));
    rig_send(b, SPAN("TP/1.1\r\nHost: x\r\n\r\n"));
    memset(&reply, 0, sizeof(reply));
    cr_assert(rig_reply(&rig, b, &reply));
    close(a);
    close(b);
    close(c);
    rig_close(&rig);
}

/* Threat 26: who keeps a slot and does nothing with it loses it. */
Test(room, is_made_of_connections_that_do_not_go_on)
{
    static const struct {
        enum rig_kind kind;
        struct span sent;
        unsigned begun;
    } rows[] = {
        {RIG_TCP, SPAN("GET / HT"), 0},
        {RIG_TCP, SPAN(GET), 1},
        {RIG_UNIX, SPAN(GET), 1},
        {RIG_TCP,
         SPAN("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"), 1},
    };
    const struct http_endpoint_options but = {.connections_max = 1};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct rig rig;
        int slow, fd, ms;

        rig_open(&rig, rows[i].kind, &but);
        rig.on_complete = answer_endlessly;
        slow = rig_connect(&rig);
        rig_send(slow, rows[i].sent);
        rig_until(&rig, http_endpoint_connections(rig.ep) == 1 &&
                            rig.begun == rows[i].begun);
        fd = rig_connect(&rig);
        rig_send(fd, SPAN("PUT / HTTP/1.1\r\nHost: x\r\n\r\n"));
        ms = served_after(&rig, fd, -1, 0, 20000);
        cr_expect_geq(ms, 900, "row %zu: %d", i, ms);
        while (read_some(slow, 65536))
            rig_turn(&rig, slow, 10);
        close(slow);
        close(fd);
        rig_close(&rig);
    }
}

Test(room, is_not_made_of_an_answer_that_is_being_taken)
{
    static const enum rig_kind kinds[] = {RIG_TCP, RIG_UNIX};
    const struct http_endpoint_options but = {
        .connections_max = 1, .write_progress_s = 1, .write_progress_min = 1};

    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct rig rig;
        int reader, fd;

        rig_open(&rig, kinds[i], &but);
        rig.on_complete = answer_endlessly;
        reader = rig_connect(&rig);
        rig_send(reader, SPAN(GET));
        rig_until(&rig, rig.completed == 1);
        fd = rig_connect(&rig);
        rig_send(fd, SPAN("PUT / HTTP/1.1\r\nHost: x\r\n\r\n"));
        cr_expect_eq(served_after(&rig, fd, reader, 65536, 2500), -1);
        cr_expect_eq(rig.finished, 0);
        close(reader);
        cr_expect_geq(served_after(&rig, fd, -1, 0, 20000), 0);
        close(fd);
        rig_close(&rig);
    }
}

/* One host that has enough connections cannot end those of others. */
Test(room, is_not_made_for_an_address_that_has_its_share)
{
    static const struct {
        const char *address;
        bool ended[2]; /* afterwards: the first and the second */
    } rows[] = {
        {"192.0.2.1", {false, false}},
        {"192.0.2.2", {false, false}},
        {"192.0.2.1", {false, false}},
        {"192.0.2.3", {true, false}},
    };
    const struct http_endpoint_options but = {
        .connections_max = 2, .connections_per_address_max = 1};
    int client[ARRAY_COUNT(rows)];
    struct rig rig;
    char c;

    rig_open(&rig, RIG_TCP, &but);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct sockaddr_storage from = {.ss_family = AF_INET};
        int pair[2];

        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair),
                     0);
        client[i] = pair[0];
        inet_pton(AF_INET, rows[i].address,
                  &((struct sockaddr_in *)&from)->sin_addr);
        connection_open(rig.ep, pair[1], &from);
        for (size_t j = 0; j < 2 && j <= i; j++)
            cr_expect_eq(recv(client[j], &c, 1, 0) == 0, rows[i].ended[j],
                         "row %zu: %zu", i, j);
    }
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        close(client[i]);
    rig_close(&rig);
}

/* -- how much of an answer, in which time ---------------------------------- */

Test(room, ends_an_answer_of_which_too_little_is_taken)
{
    static const struct {
        enum rig_kind kind;
        size_t min, read;
        bool ends;
    } rows[] = {
        {RIG_TCP, 1, 0, true},
        {RIG_TCP, 64 * 1024 * 1024, 1024, true},
        {RIG_TCP, 1024, 65536, false},
        {RIG_UNIX, 1, 0, true},
        /* There any at all will do. */
        {RIG_UNIX, 64 * 1024 * 1024, 65536, false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct http_endpoint_options but = {
            .write_progress_s = 1, .write_progress_min = rows[i].min};
        uint64_t begun = clock_monotonic_ms(), limit_ms;
        struct rig rig;
        int fd;

        limit_ms = rows[i].ends ? 20000 : 2500;
        rig_open(&rig, rows[i].kind, &but);
        rig.on_complete = answer_endlessly;
        fd = rig_connect(&rig);
        rig_send(fd, SPAN(GET));
        rig_until(&rig, rig.completed == 1);
        while (rig.finished == 0 && clock_monotonic_ms() - begun < limit_ms) {
            if (rows[i].read > 0)
                read_some(fd, rows[i].read);
            rig_turn(&rig, -1, 10);
        }
        cr_expect_eq(rig.finished == 1, rows[i].ends, "row %zu", i);
        cr_expect_geq(clock_monotonic_ms() - begun, 900, "row %zu", i);
        close(fd);
        rig_close(&rig);
    }
}

#define LARGE_BYTES ((size_t)300000)

static void
answer_large(struct rig *rig, struct http_request *r)
{
    const struct http_response response = {.status = 200,
                                           .body = {rig->arg, LARGE_BYTES}};

    http_respond(r, &response);
}

/* It is counted on its way there, and nothing else is different. */
Test(room, does_not_change_what_a_large_answer_is)
{
    static const enum rig_kind kinds[] = {RIG_TCP, RIG_UNIX};
    char *body = malloc(LARGE_BYTES), *got = malloc(LARGE_BYTES + 4096);

    for (size_t i = 0; i < LARGE_BYTES; i++)
        body[i] = (char)(i * 31 >> 4);
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct reply reply = {0};
        size_t length = 0;
        struct rig rig;
        ssize_t now;
        char c;
        int fd;

        rig_open(&rig, kinds[i], NULL);
        rig.on_complete = answer_large;
        rig.arg = body;
        fd = rig_connect(&rig);
        rig_send(fd, SPAN("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"));
        cr_assert(rig_reply_head(&rig, fd, &reply));
        cr_expect_str_eq(reply_header(&reply, "Content-Length"), "300000");
        rig_until(&rig, rig.finished == 1);
        cr_expect_eq(rig.last.bytes, 0);
        rig_send(fd, SPAN(GET));
        while (rig.finished < 2 || (now = recv(fd, &c, 1, MSG_PEEK)) > 0) {
            now = recv(fd, got + length, LARGE_BYTES + 4096 - length, 0);
            length += now > 0 ? (size_t)now : 0;
            rig_turn(&rig, fd, 10);
        }
        cr_expect_eq(rig.last.bytes, LARGE_BYTES);
        cr_expect(rig.last.completed);
        cr_assert_gt(length, LARGE_BYTES);
        cr_expect_not_null(strstr(got, "\r\nContent-Length: 300000\r\n"),
                           "%.*s", 300, got);
        cr_expect_eq(memcmp(got + length - LARGE_BYTES, body, LARGE_BYTES), 0);
        close(fd);
        rig_close(&rig);
    }
    free(body);
    free(got);
}

/* Asked for in advance, and taken a few bytes at a time: each is out before
 * its own time is over. */
Test(room, ends_many_short_answers_of_which_too_little_is_taken)
{
    const struct http_endpoint_options but = {
        .write_progress_s = 2, .write_progress_min = (size_t)64 * 1024 * 1024};
    uint64_t until = clock_monotonic_ms() + 20000;
    const int few = 4096;
    struct buf ahead = BUF_INIT;
    struct span left;
    struct rig rig;
    int fd;

    for (int i = 0; i < 100; i++)
        buf_add_string(&ahead, GET);
    left = buf_span(&ahead);
    rig_open(&rig, RIG_TCP, &but);
    setsockopt(rig.listen_fd, SOL_SOCKET, SO_SNDBUF, &few, sizeof(few));
    fd = rig_connect(&rig);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &few, sizeof(few));
    while (http_endpoint_connections(rig.ep) > 0 || rig.begun == 0) {
        ssize_t sent = send(fd, left.data, left.length, MSG_NOSIGNAL);

        cr_assert_lt(clock_monotonic_ms(), until, "it goes on and on");
        if (sent > 0)
            left = span_skip(left, (size_t)sent);
        if (left.length == 0)
            left = buf_span(&ahead);
        read_some(fd, 64);
        rig_turn(&rig, -1, 1);
    }
    cr_expect_gt(rig.finished, 100);
    close(fd);
    buf_fini(&ahead);
    rig_close(&rig);
}
