#include "gateway/event/event.h"

#include <string.h>
#include <unistd.h>

#include "gateway/sys/sys.h"
#include "tests/support/support.h"

SUITE(sender);

struct tally {
    uint64_t events;
    uint64_t lost;
};

/* Reads what is there now. */
static void
drain(int fd, struct tally *t)
{
    static struct channel_message m;
    struct event e;

    while (channel_receive(fd, &m) == 1) {
        cr_assert(m.type == EVENT_MESSAGE);
        cr_assert(event_decode(m.body, m.length, &e) == 0);
        if (e.id == EVENT_LOST)
            t->lost += e.count;
        else
            t->events++;
    }
}

/* Threat 35. */
Test(sender, loses_nothing_silently_when_the_channel_is_full)
{
    const struct event e = {.id = EVENT_ACCESS_REFUSED};
    struct tally t = {0, 0};
    struct event_sender *s;
    uint64_t sent = 0;
    int fds[2];

    cr_assert(channel_pair(fds, NULL) == 0);
    s = event_sender_new(fds[0], 1);
    for (; event_sender_lost(s) < 100; sent++)
        event_send(s, &e);
    drain(fds[1], &t);
    cr_assert(t.lost == 0 && t.events == sent - 100);
    event_send(s, &e);
    sent++;
    drain(fds[1], &t);
    cr_assert(t.lost == 100);
    cr_assert(t.events + t.lost == sent);
    cr_assert(event_sender_lost(s) == 100);
    event_sender_free(s);
    close(fds[0]);
    close(fds[1]);
}

/* Threat 35: what anybody can cause does not crowd out what takes a ticket. */
Test(sender, keeps_room_for_refusals_that_count)
{
    const struct event noise = {.id = EVENT_CHALLENGED};
    const struct event refusal = {.id = EVENT_ENCRYPTION_REQUIRED};
    struct tally t = {0, 0};
    struct event_sender *s;
    uint64_t sent = 0, noise_lost;
    int fds[2];

    cr_assert(channel_pair(fds, NULL) == 0);
    s = event_sender_new(fds[0], 1);
    for (; event_sender_lost(s) < 100; sent++)
        event_send(s, &noise);
    noise_lost = event_sender_lost(s);
    for (int i = 0; i < 20; i++, sent++)
        event_send(s, &refusal);
    cr_assert_eq(event_sender_lost(s), noise_lost, "a refusal was lost");
    drain(fds[1], &t);
    cr_assert_eq(t.events + t.lost, sent);
    event_sender_free(s);
    close(fds[0]);
    close(fds[1]);
}

Test(sender, tells_of_losses_once_and_when_asked_to)
{
    const struct event e = {.id = EVENT_ACCESS_REFUSED};
    struct tally t = {0, 0};
    struct event_sender *s;
    int fds[2];

    cr_assert(channel_pair(fds, NULL) == 0);
    s = event_sender_new(fds[0], 1);
    while (event_sender_lost(s) < 3)
        event_send(s, &e);
    drain(fds[1], &t);
    event_sender_flush(s);
    event_sender_flush(s);
    drain(fds[1], &t);
    cr_assert(t.lost == 3);
    event_sender_free(s);
    close(fds[0]);
    close(fds[1]);
}

Test(sender, outlives_the_recorder_and_tells_its_successor)
{
    const struct event e = {.id = EVENT_ACCESS_REFUSED};
    struct tally t = {0, 0};
    struct event_sender *s;
    int fds[2], again[2];

    cr_assert(channel_pair(fds, NULL) == 0);
    cr_assert(channel_pair(again, NULL) == 0);
    s = event_sender_new(fds[0], 1);
    close(fds[1]);
    event_send(s, &e);
    event_send(s, &e);
    cr_assert(event_sender_lost(s) == 2);
    event_sender_rebind(s, again[0]);
    event_send(s, &e);
    drain(again[1], &t);
    cr_assert(t.lost == 2 && t.events == 1);
    event_sender_free(s);
    close(fds[0]);
    close(again[0]);
    close(again[1]);
}

Test(sender, stamps_time_and_worker)
{
    struct channel_message m;
    struct event e = {.id = EVENT_STARTED, .worker = 99};
    struct event_sender *s;
    int fds[2];

    cr_assert(channel_pair(fds, NULL) == 0);
    s = event_sender_new(fds[0], 3);
    event_send(s, &e);
    cr_assert(channel_receive(fds[1], &m) == 1);
    cr_assert(event_decode(m.body, m.length, &e) == 0);
    cr_assert(e.worker == 3);
    cr_assert(e.time_us > INT64_C(1700000000) * 1000000);
    event_sender_free(s);
    close(fds[0]);
    close(fds[1]);
}
