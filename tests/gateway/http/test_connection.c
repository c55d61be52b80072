#include "tests/gateway/http/rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/support.h"

SUITE(connection);

#define GET  "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nHost: x\r\n"

/* What requests leave on their connection; `released` outlives it. */
struct mark {
    int number;
    int released;
};

static struct mark marks[4];
static int next_mark;

static void
mark_release(void *context)
{
    struct mark *m = context;

    m->released++;
}

static void
start(struct rig *rig)
{
    memset(marks, 0, sizeof(marks));
    next_mark = 0;
    rig_open(rig, RIG_TCP, NULL);
}

/* Says what it finds, and leaves a mark if there was none. */
static void
keep(struct rig *rig, struct http_request *r)
{
    struct mark *m = http_request_connection_context(r);
    char body[16] = "none";

    (void)rig;
    if (m != NULL) {
        snprintf(body, sizeof(body), "%d", m->number);
    } else {
        m = &marks[next_mark++];
        m->number = next_mark;
        http_request_set_connection_context(r, m, mark_release);
    }
    rig_answer(r, 200, body);
}

static void
replace(struct rig *rig, struct http_request *r)
{
    (void)rig;
    http_request_set_connection_context(r, &marks[next_mark++], mark_release);
    rig_answer(r, 200, "");
}

static void
clear(struct rig *rig, struct http_request *r)
{
    (void)rig;
    http_request_set_connection_context(r, NULL, NULL);
    cr_assert_null(http_request_connection_context(r));
    rig_answer(r, 200, "");
}

static void
set_again(struct rig *rig, struct http_request *r)
{
    (void)rig;
    http_request_set_connection_context(r, http_request_connection_context(r),
                                        mark_release);
    rig_answer(r, 200, "");
}

static void
get(struct rig *rig, int fd, const char *body)
{
    struct reply reply = {0};

    rig_send(fd, SPAN(GET));
    cr_assert(rig_reply(rig, fd, &reply));
    cr_assert_str_eq(reply.body, body);
}

Test(connection, keeps_a_context_from_one_request_to_the_next)
{
    struct rig rig;
    int a, b;

    start(&rig);
    rig.on_complete = keep;
    a = rig_connect(&rig);
    b = rig_connect(&rig);
    get(&rig, a, "none");
    get(&rig, b, "none");
    get(&rig, a, "1");
    get(&rig, b, "2");
    cr_assert_eq(marks[0].released, 0);
    close(a);
    rig_until(&rig, marks[0].released == 1);
    cr_assert_eq(marks[1].released, 0);
    rig_close(&rig);
    cr_assert_eq(marks[0].released, 1);
    cr_assert_eq(marks[1].released, 1);
    close(b);
}

Test(connection, releases_a_context_that_another_replaces)
{
    struct rig rig;
    int fd;

    start(&rig);
    rig.on_complete = replace;
    fd = rig_connect(&rig);
    get(&rig, fd, "");
    get(&rig, fd, "");
    cr_assert_eq(marks[0].released, 1);
    rig.on_complete = set_again;
    get(&rig, fd, "");
    cr_assert_eq(marks[1].released, 0);
    rig.on_complete = clear;
    get(&rig, fd, "");
    cr_assert_eq(marks[1].released, 1);
    close(fd);
    rig_close(&rig);
    cr_assert_eq(marks[0].released, 1);
    cr_assert_eq(marks[1].released, 1);
}

static void
look_for_mark(struct rig *rig, struct http_request *r)
{
    struct mark *m = http_request_connection_context(r);

    (void)rig;
    cr_assert_not_null(m);
    cr_assert_eq(m->released, 0);
}

Test(connection, releases_it_after_a_request_that_was_broken_off)
{
    struct rig rig;
    int fd;

    start(&rig);
    rig.on_complete = keep;
    fd = rig_connect(&rig);
    get(&rig, fd, "none");
    rig.on_finished = look_for_mark;
    rig_send(fd, SPAN(POST "Content-Length: 9\r\n\r\nx"));
    rig_until(&rig, rig.begun == 2);
    close(fd);
    rig_until(&rig, rig.finished == 2);
    rig_until(&rig, marks[0].released == 1);
    rig_close(&rig);
    cr_assert_eq(marks[0].released, 1);
}

static void
refuse(struct rig *rig, struct http_request *r)
{
    (void)rig;
    rig_answer(r, 403, "no");
}

/* The client may go on sending for a while: to nobody. */
Test(connection, releases_it_when_what_follows_is_only_dropped)
{
    struct reply reply = {0};
    struct rig rig;
    int fd;

    start(&rig);
    rig.on_complete = keep;
    fd = rig_connect(&rig);
    get(&rig, fd, "none");
    rig.on_begin = refuse;
    rig_send(fd, SPAN(POST "Content-Length: 4000\r\n\r\n"));
    cr_assert(rig_reply(&rig, fd, &reply));
    cr_assert_eq(reply.status, 403);
    rig_until(&rig, marks[0].released == 1);
    cr_assert_eq(http_endpoint_connections(rig.ep), 1);
    close(fd);
    rig_close(&rig);
    cr_assert_eq(marks[0].released, 1);
}

static void
hold(struct rig *rig, struct http_request *r)
{
    http_request_set_connection_context(r, &marks[0], mark_release);
    rig->held = r;
    http_request_suspend(r);
}

Test(connection, releases_it_when_the_endpoint_is_freed_over_a_request)
{
    struct rig rig;
    int fd;

    start(&rig);
    rig.on_complete = hold;
    rig.on_finished = look_for_mark;
    fd = rig_connect(&rig);
    rig_send(fd, SPAN(GET));
    rig_until(&rig, rig.held != NULL);
    rig_close(&rig);
    cr_assert_eq(rig.finished, 1);
    cr_assert_eq(marks[0].released, 1);
    close(fd);
}
