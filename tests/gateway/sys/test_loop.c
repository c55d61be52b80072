#include "tests/support/support.h"

#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/sys/sys.h"

SUITE(loop);

struct seen {
    struct loop *loop;
    int fds[2];
    int ready, due, signal;
};

static void
pipe_ready(void *arg, uint32_t events)
{
    struct seen *s = arg;
    char c;

    (void)events;
    cr_assert_eq(read(s->fds[0], &c, 1), 1);
    s->ready++;
    if (c == 'q') {
        loop_remove(s->loop, s->fds[0]);
        loop_stop(s->loop);
    }
}

static void
timer_due(void *arg)
{
    struct seen *s = arg;

    s->due++;
    if (s->due == 3)
        cr_assert_eq(write(s->fds[1], "q", 1), 1);
}

static void
signal_seen(void *arg, int signal)
{
    struct seen *s = arg;

    s->signal = signal;
    loop_stop(s->loop);
}

Test(loop, runs_handlers_and_timers_until_stopped)
{
    struct seen s = {.loop = loop_new(NULL)};
    struct error err;

    cr_assert_eq(pipe(s.fds), 0);
    cr_assert_eq(loop_add(s.loop, s.fds[0], EPOLLIN, pipe_ready, &s, &err), 0);
    cr_assert_eq(write(s.fds[1], "ab", 2), 2);
    cr_assert_not_null(loop_every(s.loop, 1, timer_due, &s));
    cr_assert_eq(loop_run(s.loop, &err), 0);
    cr_assert_eq(s.ready, 3);
    cr_assert_geq(s.due, 3);
    loop_free(s.loop);
    close(s.fds[0]);
    close(s.fds[1]);
}

/* Silent at first, then for what it is changed to. */
Test(loop, tells_what_a_descriptor_was_changed_to)
{
    struct seen s = {.loop = loop_new(NULL)};
    struct error err;

    cr_assert_eq(pipe(s.fds), 0);
    cr_assert_lt(loop_change(s.loop, s.fds[0], EPOLLIN, &err), 0);
    cr_assert_eq(loop_add(s.loop, s.fds[0], 0, pipe_ready, &s, &err), 0);
    cr_assert_eq(write(s.fds[1], "q", 1), 1);
    cr_assert_eq(loop_change(s.loop, s.fds[0], EPOLLIN, &err), 0);
    cr_assert_eq(loop_change(s.loop, s.fds[0], EPOLLIN, &err), 0);
    cr_assert_eq(loop_run(s.loop, &err), 0);
    cr_assert_eq(s.ready, 1);
    cr_assert_lt(loop_change(s.loop, s.fds[0], EPOLLIN, &err), 0);
    loop_free(s.loop);
    close(s.fds[0]);
    close(s.fds[1]);
}

Test(loop, tells_signals)
{
    static const int signals[] = {SIGUSR1, 0};
    struct seen s = {.loop = loop_new(NULL)};
    struct error err;

    cr_assert_eq(loop_signals(s.loop, signals, signal_seen, &s, &err), 0);
    kill(getpid(), SIGUSR1);
    cr_assert_eq(loop_run(s.loop, &err), 0);
    cr_assert_eq(s.signal, SIGUSR1);
    loop_free(s.loop);
}
