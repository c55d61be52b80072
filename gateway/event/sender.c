#include <limits.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "gateway/event/event.h"
#include "gateway/sys/sys.h"

struct event_sender {
    int fd;
    int worker;
    int capacity;    /* of the channel, in the kernel's bytes */
    uint64_t lost;   /* ever */
    uint64_t untold; /* of them not yet told to the recorder */
};

struct event_sender *
event_sender_new(int fd, int worker)
{
    struct event_sender *s = calloc(1, sizeof(*s));

    if (s != NULL) {
        event_sender_rebind(s, fd);
        s->worker = worker;
    }
    return s;
}

void
event_sender_free(struct event_sender *s)
{
    if (s != NULL)
        event_sender_flush(s);
    free(s);
}

void
event_sender_rebind(struct event_sender *s, int fd)
{
    socklen_t length = sizeof(s->capacity);

    s->fd = fd;
    if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &s->capacity, &length) < 0)
        s->capacity = INT_MAX;
}

uint64_t
event_sender_lost(const struct event_sender *s)
{
    return s->lost;
}

/* Whether half of what the channel can hold waits to be read. */
static bool
is_crowded(const struct event_sender *s)
{
    int waiting = 0;

    return ioctl(s->fd, SIOCOUTQ, &waiting) == 0 && waiting > s->capacity / 2;
}

static bool
send_one(struct event_sender *s, const struct event *e)
{
    struct event stamped = *e;
    char bytes[CHANNEL_BODY_MAX];
    size_t length;

    if (stamped.time_us == 0)
        stamped.time_us = clock_now_us();
    stamped.worker = s->worker;
    return s->fd >= 0 && event_type(e->id) != NULL &&
           event_encode(&stamped, bytes, sizeof(bytes), &length) == 0 &&
           channel_send(s->fd, EVENT_MESSAGE, bytes, length, -1) == 0;
}

void
event_sender_flush(struct event_sender *s)
{
    struct event e = {.id = EVENT_LOST};
    char detail[64];

    if (s->untold == 0)
        return;
    e.count = s->untold > UINT32_MAX ? UINT32_MAX : (uint32_t)s->untold;
    snprintf(detail, sizeof(detail), "%llu since the start of this process",
             (unsigned long long)s->lost);
    e.fields[EVENT_FIELD_REASON] = SPAN("recorder-behind");
    e.fields[EVENT_FIELD_DETAIL] = span_of(detail);
    if (send_one(s, &e))
        s->untold -= e.count;
}

void
event_send(struct event_sender *s, const struct event *e)
{
    const struct event_type *type = event_type(e->id);

    if (type != NULL && type->anybody && is_crowded(s)) {
        s->lost++;
        s->untold++;
        return;
    }
    event_sender_flush(s);
    /* In the order in which it happened, or not at all. */
    if (s->untold == 0 && send_one(s, e))
        return;
    s->lost++;
    s->untold++;
}
