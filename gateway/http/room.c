#include "gateway/http/endpoint.h"

/* Before netinet/tcp.h, whose structure is an older one. */
#include <linux/tcp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "gateway/http/request.h"

#define SAMPLE_MS 1000
/* One that keeps its slot longer when all are taken is in nobody's way. */
#define SLOW_HEAD_MS    1000
#define STALLED_BODY_MS 1000

/* -- whether an answer goes on -------------------------------------------- */

/*
 * A Unix socket tells what waits in it and not what went through.  Whether
 * anything does is seen from that and from what is put in: then that is
 * enough.
 */
static bool
unix_moves(struct connection *c, int waiting)
{
    const struct http_request *r = c->request;
    uint64_t given = c->answers;
    bool moves;

    if (r != NULL && r->stream != NULL)
        given += response_stream_bytes(r->stream);
    moves = waiting != c->waiting || given != c->given;
    c->waiting = waiting;
    c->given = given;
    return moves;
}

/* What the client's side has taken since it was asked last, in bytes; where
 * that is not known: enough. */
static uint64_t
taken_since(struct connection *c)
{
    uint64_t enough = c->ep->options.write_progress_min + 1;
    uint64_t before = c->taken;
    struct tcp_info info;
    socklen_t length = sizeof(info);
    int waiting = 0;

    /* When all is taken it is not the client who is slow. */
    if (ioctl(c->fd, SIOCOUTQ, &waiting) < 0 || waiting == 0)
        return enough;
    if (c->peer.family != HTTP_PEER_TCP)
        return unix_moves(c, waiting) ? enough : 0;
    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 ||
        length < offsetof(struct tcp_info, tcpi_bytes_received))
        return enough;
    c->taken = info.tcpi_bytes_acked;
    return c->taken - before;
}

/*
 * A connection that each sample finds with an answer that is not out is one
 * that waits for its client, be it for one long answer or for many short
 * ones: its time goes on from one to the next.
 */
static void
sample_one(struct connection *c, uint64_t now)
{
    const struct http_endpoint_options *o = &c->ep->options;
    bool again = now - c->sample_ms < (uint64_t)2 * SAMPLE_MS;
    uint64_t taken = taken_since(c);

    c->stalled = again && taken == 0;
    c->sample_ms = now;
    c->window_taken += taken;
    if (again && (o->write_progress_s == 0 ||
                  now - c->window_ms < (uint64_t)o->write_progress_s * 1000))
        return;
    if (again && c->window_taken < o->write_progress_min) {
        connection_end(c);
    } else {
        c->window_taken = 0;
        c->window_ms = now;
    }
}

void
room_sample(struct http_endpoint *ep, uint64_t now)
{
    struct connection *c = TAILQ_FIRST(&ep->lists[CONNECTION_SENDING]), *next;

    if (c == NULL || now < ep->sample_ms)
        return;
    ep->sample_ms = now + SAMPLE_MS;
    for (; c != NULL; c = next) {
        next = TAILQ_NEXT(c, link);
        sample_one(c, now);
    }
}

/* -- making room ---------------------------------------------------------- */

/* A head that has had its time to come in one flight of packets. */
static bool
head_is_slow(const struct connection *c, uint64_t now)
{
    return now - c->moved_ms >= SLOW_HEAD_MS;
}

static bool
answer_is_stalled(const struct connection *c, uint64_t now)
{
    (void)now;
    return c->stalled;
}

static bool
body_is_stalled(const struct connection *c, uint64_t now)
{
    return now - c->moved_ms >= STALLED_BODY_MS;
}

/* Who goes first when there are too many; of each kind the first one. */
static const struct room_rule {
    enum connection_state state;
    bool (*holds)(const struct connection *c, uint64_t now); /* NULL: always */
} room_rules[] = {
    {CONNECTION_WAITING, NULL},
    /* One that has had its answer costs nobody anything. */
    {CONNECTION_LINGERING, NULL},
    {CONNECTION_IDLE, NULL},
    {CONNECTION_RESTING, NULL},
    {CONNECTION_HEAD, head_is_slow},
    {CONNECTION_SENDING, answer_is_stalled},
    {CONNECTION_BODY, body_is_stalled},
};

static struct connection *
room_candidate(const struct http_endpoint *ep, const struct connection *keep)
{
    uint64_t now = clock_monotonic_ms();
    struct connection *c;

    for (size_t i = 0; i < ARRAY_COUNT(room_rules); i++) {
        const struct room_rule *rule = &room_rules[i];

        TAILQ_FOREACH(c, &ep->lists[rule->state], link)
        {
            if (c != keep && (rule->holds == NULL || rule->holds(c, now)))
                return c;
        }
    }
    return NULL;
}

bool
room_is_full(const struct http_endpoint *ep)
{
    return ep->connections - ep->ending >= ep->options.connections_max;
}

bool
room_make(struct http_endpoint *ep, const struct connection *keep)
{
    struct connection *c = room_candidate(ep, keep);

    if (c == NULL)
        return false;
    if (c->state == CONNECTION_WAITING || c->state == CONNECTION_LINGERING)
        connection_free(c);
    else
        connection_end(c);
    return true;
}

bool
room_is_short(const struct http_endpoint *ep)
{
    return room_is_full(ep) || clock_monotonic_ms() < ep->starved_ms;
}

bool
http_endpoint_has_room(const struct http_endpoint *ep)
{
    return !ep->draining &&
           (!room_is_short(ep) || room_candidate(ep, NULL) != NULL);
}
