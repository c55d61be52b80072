#include "gateway/sys/sys.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define BATCH 64

struct watch {
    struct watch *next; /* of those that were removed */
    int fd;             /* -1: removed, freed after the round */
    uint32_t events;
    void (*ready)(void *arg, uint32_t events);
    void *arg;
};

struct loop_timer {
    struct loop_timer *next;
    uint32_t interval_ms;
    uint64_t due_ms;
    bool stopped;
    void (*due)(void *arg);
    void *arg;
};

struct hook {
    int (*timeout_ms)(void *arg);
    void *arg;
};

struct loop {
    int epoll_fd, signal_fd;
    struct watch **watches; /* by descriptor */
    size_t watches_max;
    struct watch *removed;
    struct loop_timer *timers;
    struct hook hook;
    void (*caught)(void *arg, int signal);
    void *caught_arg;
    bool stopping, sweep;
};

struct loop *
loop_new(struct error *err)
{
    struct loop *l = calloc(1, sizeof(*l));

    if (l == NULL) {
        error_set_errno(err, ENOMEM, "event loop");
        return NULL;
    }
    l->signal_fd = -1;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0) {
        error_set_errno(err, errno, "epoll_create1");
        free(l);
        return NULL;
    }
    return l;
}

static void
sweep_watches(struct loop *l)
{
    struct watch *w;

    while ((w = l->removed) != NULL) {
        l->removed = w->next;
        free(w);
    }
}

static void
sweep_timers(struct loop *l, bool all)
{
    struct loop_timer **at = &l->timers;

    while (*at != NULL) {
        struct loop_timer *t = *at;

        if (all || t->stopped) {
            *at = t->next;
            free(t);
        } else {
            at = &t->next;
        }
    }
}

void
loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    for (size_t fd = 0; fd < l->watches_max; fd++)
        free(l->watches[fd]);
    free(l->watches);
    sweep_watches(l);
    sweep_timers(l, true);
    if (l->signal_fd >= 0)
        close(l->signal_fd);
    close(l->epoll_fd);
    free(l);
}

static bool
make_room(struct loop *l, int fd)
{
    size_t wanted = ((size_t)fd | 63) + 1;
    struct watch **more;

    if (wanted <= l->watches_max)
        return true;
    more = realloc(l->watches, wanted * sizeof(struct watch *));
    if (more == NULL)
        return false;
    for (size_t i = l->watches_max; i < wanted; i++)
        more[i] = NULL;
    l->watches = more;
    l->watches_max = wanted;
    return true;
}

static struct watch *
find_watch(const struct loop *l, int fd)
{
    return fd >= 0 && (size_t)fd < l->watches_max ? l->watches[fd] : NULL;
}

int
loop_add(struct loop *l, int fd, uint32_t events,
         void (*ready)(void *arg, uint32_t events), void *arg,
         struct error *err)
{
    struct watch *w = calloc(1, sizeof(*w));
    struct epoll_event ev = {.events = events, .data.ptr = w};

    if (w == NULL || fd < 0 || !make_room(l, fd)) {
        free(w);
        return error_set_errno(err, fd < 0 ? EBADF : ENOMEM, "event loop");
    }
    *w = (struct watch){NULL, fd, events, ready, arg};
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
        free(w);
        return error_set_errno(err, errno, "epoll_ctl");
    }
    l->watches[fd] = w;
    return 0;
}

int
loop_change(struct loop *l, int fd, uint32_t events, struct error *err)
{
    struct watch *w = find_watch(l, fd);
    struct epoll_event ev = {.events = events, .data.ptr = w};

    if (w == NULL)
        return error_set_errno(err, ENOENT, "event loop");
    if (w->events == events)
        return 0;
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, fd, &ev) < 0)
        return error_set_errno(err, errno, "epoll_ctl");
    w->events = events;
    return 0;
}

void
loop_remove(struct loop *l, int fd)
{
    struct watch *w = find_watch(l, fd);

    if (w == NULL)
        return;
    epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    w->fd = -1;
    w->next = l->removed;
    l->removed = w;
    l->watches[fd] = NULL;
}

struct loop_timer *
loop_every(struct loop *l, uint32_t interval_ms, void (*due)(void *arg),
           void *arg)
{
    struct loop_timer *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    *t = (struct loop_timer){
        l->timers, interval_ms, clock_monotonic_ms() + interval_ms,
        false,     due,         arg};
    l->timers = t;
    return t;
}

void
loop_every_stop(struct loop *l, struct loop_timer *timer)
{
    if (timer == NULL)
        return;
    timer->stopped = true;
    l->sweep = true;
}

void
loop_before_wait(struct loop *l, int (*timeout_ms)(void *arg), void *arg)
{
    l->hook = (struct hook){timeout_ms, arg};
}

static void
signals_ready(void *arg, uint32_t events)
{
    struct loop *l = arg;
    struct signalfd_siginfo info;

    (void)events;
    while (read(l->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        l->caught(l->caught_arg, (int)info.ssi_signo);
}

int
loop_signals(struct loop *l, const int *signals,
             void (*caught)(void *arg, int signal), void *arg,
             struct error *err)
{
    sigset_t set;

    sigemptyset(&set);
    for (; *signals != 0; signals++)
        sigaddset(&set, *signals);
    if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
        return error_set_errno(err, errno, "sigprocmask");
    l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (l->signal_fd < 0)
        return error_set_errno(err, errno, "signalfd");
    l->caught = caught;
    l->caught_arg = arg;
    return loop_add(l, l->signal_fd, EPOLLIN, signals_ready, l, err);
}

static int
wait_ms(struct loop *l)
{
    int limit =
        l->hook.timeout_ms != NULL ? l->hook.timeout_ms(l->hook.arg) : -1;
    uint64_t now = l->timers != NULL ? clock_monotonic_ms() : 0;

    for (struct loop_timer *t = l->timers; t != NULL; t = t->next) {
        uint64_t left = t->due_ms > now ? t->due_ms - now : 0;

        if (!t->stopped && (limit < 0 || left < (uint64_t)limit))
            limit = left > INT_MAX ? INT_MAX : (int)left;
    }
    return limit;
}

static void
run_timers(struct loop *l)
{
    uint64_t now = l->timers != NULL ? clock_monotonic_ms() : 0;

    for (struct loop_timer *t = l->timers; t != NULL; t = t->next) {
        if (t->stopped || t->due_ms > now)
            continue;
        t->due_ms = now + t->interval_ms;
        t->due(t->arg);
    }
}

int
loop_run(struct loop *l, struct error *err)
{
    struct epoll_event events[BATCH];

    while (!l->stopping) {
        int n = epoll_wait(l->epoll_fd, events, BATCH, wait_ms(l));

        if (n < 0 && errno != EINTR)
            return error_set_errno(err, errno, "epoll_wait");
        for (int i = 0; i < n; i++) {
            struct watch *w = events[i].data.ptr;

            if (w->fd >= 0)
                w->ready(w->arg, events[i].events);
        }
        run_timers(l);
        sweep_watches(l);
        if (l->sweep) {
            sweep_timers(l, false);
            l->sweep = false;
        }
    }
    return 0;
}

void
loop_stop(struct loop *l)
{
    l->stopping = true;
}
