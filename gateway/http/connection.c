#include "gateway/http/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/http/peer.h"
#include "gateway/http/request.h"

/* What waits in the kernel for a client that does not take it; the window of
 * one that does grows as ever. */
#define UNSENT_MAX (128 * 1024)

/* -- connections of one address ------------------------------------------- */

struct address_count {
    unsigned connections;
    char text[INET6_ADDRSTRLEN + 4];
};

/* What counts as one client: an IPv4 address, or an IPv6 /64, all of which
 * one host can have. */
static void
address_key(const struct http_peer *peer, char out[INET6_ADDRSTRLEN + 4])
{
    struct in6_addr in6;

    if (strchr(peer->address, ':') == NULL ||
        inet_pton(AF_INET6, peer->address, &in6) != 1)
    {
        snprintf(out, INET6_ADDRSTRLEN + 4, "%s", peer->address);
        return;
    }
    memset(&in6.s6_addr[8], 0, 8);
    inet_ntop(AF_INET6, &in6, out, INET6_ADDRSTRLEN);
    strcat(out, "/64");
}

static bool
address_take(struct connection *c)
{
    struct http_endpoint *ep = c->ep;
    char key[INET6_ADDRSTRLEN + 4];
    struct address_count *count;

    if (ep->options.connections_per_address_max == 0 ||
        c->peer.family != HTTP_PEER_TCP)
        return true;
    address_key(&c->peer, key);
    count = strmap_get(ep->addresses, span_of(key));
    if (count == NULL) {
        count = calloc(1, sizeof(*count));
        if (count == NULL)
            return false;
        memcpy(count->text, key, sizeof(key));
        if (!strmap_put(ep->addresses, span_of(count->text), count)) {
            free(count);
            return false;
        }
    } else if (count->connections >= ep->options.connections_per_address_max) {
        return false;
    }
    count->connections++;
    c->count = count;
    return true;
}

static void
address_release(struct connection *c)
{
    struct address_count *count = c->count;

    c->count = NULL;
    if (count == NULL || --count->connections > 0)
        return;
    strmap_remove(c->ep->addresses, span_of(count->text));
    free(count);
}

/* -- states --------------------------------------------------------------- */

static struct connection *
connection_new(struct http_endpoint *ep, int fd)
{
    struct connection *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->ep = ep;
    c->fd = fd;
    c->linger_fd = -1;
    TAILQ_INSERT_TAIL(&ep->lists[c->state], c, link);
    ep->connections++;
    return c;
}

void
connection_set_context(struct connection *c, void *context,
                       void (*release)(void *context))
{
    void *before = c->context;
    void (*release_before)(void *) = c->release;

    c->context = context;
    c->release = release;
    if (before != NULL && before != context && release_before != NULL)
        release_before(before);
}

void
connection_free(struct connection *c)
{
    connection_set_context(c, NULL, NULL);
    tls_certificate_unref(c->certificate);
    if (c->fd >= 0)
        close(c->fd);
    if (c->linger_fd >= 0)
        close(c->linger_fd);
    TAILQ_REMOVE(&c->ep->lists[c->state], c, link);
    c->ep->connections--;
    c->ep->ending -= c->state == CONNECTION_ENDING;
    address_release(c);
    free(c);
}

void
connection_enter(struct connection *c, enum connection_state state)
{
    uint64_t allowed_ms = c->ep->allowed_ms[state];

    TAILQ_REMOVE(&c->ep->lists[c->state], c, link);
    TAILQ_INSERT_TAIL(&c->ep->lists[state], c, link);
    c->ep->ending += state == CONNECTION_ENDING;
    c->ep->ending -= c->state == CONNECTION_ENDING;
    c->state = state;
    c->stalled = false;
    c->moved_ms = clock_monotonic_ms();
    c->deadline_ms = allowed_ms != 0 ? c->moved_ms + allowed_ms : 0;
}

static int
epoll_watch(struct connection *c, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};

    return epoll_ctl(c->ep->epoll_fd, EPOLL_CTL_ADD, c->fd, &e);
}

static void
epoll_forget(struct connection *c)
{
    epoll_ctl(c->ep->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
}

/* -- waiting for the first byte ------------------------------------------- */

static void
connection_hand_over(struct connection *c)
{
    struct http_endpoint *ep = c->ep;
    socklen_t length = sizeof(sa_family_t); /* an unnamed Unix peer */

    switch (c->address.ss_family) {
    case AF_INET:
        length = sizeof(struct sockaddr_in);
        break;
    case AF_INET6:
        length = sizeof(struct sockaddr_in6);
        break;
    default:
        break;
    }
    connection_enter(c, CONNECTION_HEAD);
    ep->adding = c;
    /* On failure the library has closed the socket, and told
     * connection_notify if it had told of the beginning. */
    if (MHD_add_connection(ep->mhd, c->fd, (struct sockaddr *)&c->address,
                           length) != MHD_YES &&
        ep->adding != NULL)
    {
        c->fd = -1;
        connection_free(c);
    }
    ep->adding = NULL;
}

enum first_byte { FIRST_BYTE_NONE, FIRST_BYTE_HERE, FIRST_BYTE_NEVER };

static enum first_byte
first_byte(int fd)
{
    char c;
    ssize_t got = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

    if (got > 0)
        return FIRST_BYTE_HERE;
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? FIRST_BYTE_NONE
                                                          : FIRST_BYTE_NEVER;
}

/* -- an end --------------------------------------------------------------- */

void
connection_end(struct connection *c)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    /* What nobody takes is not kept by the kernel either. */
    if (c->state == CONNECTION_SENDING)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    shutdown(c->fd, SHUT_RDWR);
    connection_enter(c, CONNECTION_ENDING);
    c->ep->wake = true;
}

/* -- arriving ------------------------------------------------------------- */

static bool
connection_allowed(struct connection *c)
{
    const struct http_endpoint_options *o = &c->ep->options;

    if (o->restrict_uid && !(c->peer.uid_known && c->peer.uid == o->only_uid))
        return false;
    return address_take(c);
}

void
connection_open(struct http_endpoint *ep, int fd,
                const struct sockaddr_storage *address)
{
    static const int unsent_max = UNSENT_MAX;
    bool full = room_is_full(ep);
    struct connection *c = connection_new(ep, fd);

    if (c == NULL) {
        close(fd);
        return;
    }
    c->address = *address;
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max,
               sizeof(unsent_max));
    peer_read(&c->peer, fd, address, ep->options.need_peer_uid, ep->diag_fd);
    /* Nobody goes for one that may not stay. */
    if (!connection_allowed(c) || (full && !room_make(ep, c))) {
        connection_free(c);
        return;
    }
    connection_enter(c, CONNECTION_WAITING);
    switch (first_byte(fd)) {
    case FIRST_BYTE_HERE:
        connection_hand_over(c);
        break;
    case FIRST_BYTE_NONE:
        if (epoll_watch(c, EPOLLIN | EPOLLRDHUP) == 0)
            break;
        /* FALLTHROUGH */
    default:
        connection_free(c);
        break;
    }
}

static void
waiting_ready(struct connection *c)
{
    switch (first_byte(c->fd)) {
    case FIRST_BYTE_HERE:
        epoll_forget(c);
        connection_hand_over(c);
        break;
    case FIRST_BYTE_NONE:
        break;
    default:
        connection_free(c);
        break;
    }
}

/* -- after the end -------------------------------------------------------- */

void
connection_linger(struct connection *c)
{
    if (c->linger_fd < 0)
        c->linger_fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 3);
}

static void
connection_closed(struct connection *c)
{
    c->fd = c->linger_fd;
    c->linger_fd = -1;
    if (c->request != NULL)
        request_forsake(c->request);
    connection_set_context(c, NULL, NULL);
    if (c->fd < 0 || shutdown(c->fd, SHUT_WR) < 0 ||
        epoll_watch(c, EPOLLIN | EPOLLRDHUP) < 0)
    {
        connection_free(c);
        return;
    }
    connection_enter(c, CONNECTION_LINGERING);
}

static void
lingering_ready(struct connection *c)
{
    char dropped[16384];
    ssize_t got = recv(c->fd, dropped, sizeof(dropped), MSG_DONTWAIT);

    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        connection_free(c);
}

/* Before the handshake; without it there will be none. */
static void
connection_secure(struct connection *c, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);

    if (info == NULL || info->tls_session == NULL ||
        !tls_session_prepare(info->tls_session, c->ep->certificate))
        return;
    c->certificate = tls_certificate_ref(c->ep->certificate);
}

void
connection_notify(void *arg, struct MHD_Connection *mhd, void **context,
                  enum MHD_ConnectionNotificationCode code)
{
    struct http_endpoint *ep = arg;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        if (ep->certificate != NULL)
            connection_secure(ep->adding, mhd);
        *context = ep->adding;
        ep->adding = NULL;
    } else if (*context != NULL) {
        struct connection *c = *context;

        if (c->request == NULL && !c->over && c->state != CONNECTION_ENDING &&
            !ep->stopping)
            refusal_of_line(c);
        connection_closed(c);
        *context = NULL;
    }
}

/* -- events and time ------------------------------------------------------ */

void
connection_watch(struct connection *c, bool on)
{
    if (c->watched == on)
        return;
    if (on)
        c->watched = epoll_watch(c, EPOLLRDHUP) == 0;
    else
        epoll_forget(c);
    c->watched = on && c->watched;
}

void
connection_ready(struct connection *c, uint32_t events)
{
    switch (c->state) {
    case CONNECTION_WAITING:
        waiting_ready(c);
        break;
    case CONNECTION_LINGERING:
        lingering_ready(c);
        break;
    default:
        if (c->watched && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
            request_abort(c->request);
        break;
    }
}

/*
 * The library empties its pool after each request with zeros and keeps all of
 * it.  What it read since, if that is a part of the next head, is no zeros.
 */
static void
connection_settle(struct connection *c)
{
    if (c->memory != NULL)
        memory_release_zeros(c->memory, c->ep->options.header_max);
    connection_enter(c, CONNECTION_IDLE);
}

static void
connection_time_over(struct connection *c)
{
    switch (c->state) {
    case CONNECTION_WAITING:
    case CONNECTION_LINGERING:
        connection_free(c);
        break;
    case CONNECTION_RESTING:
        connection_settle(c);
        break;
    default:
        connection_end(c);
        break;
    }
}

void
connection_expire(struct http_endpoint *ep)
{
    uint64_t now = clock_monotonic_ms();

    for (int s = 0; s < CONNECTION_STATES; s++) {
        struct connection *c;

        while ((c = TAILQ_FIRST(&ep->lists[s])) != NULL &&
               c->deadline_ms != 0 && c->deadline_ms <= now)
            connection_time_over(c);
    }
    room_sample(ep, now);
}

int
connection_next_ms(const struct http_endpoint *ep)
{
    uint64_t next = UINT64_MAX, now;

    for (int s = 0; s < CONNECTION_STATES; s++) {
        const struct connection *c = TAILQ_FIRST(&ep->lists[s]);

        if (c != NULL && c->deadline_ms != 0 && c->deadline_ms < next)
            next = c->deadline_ms;
    }
    if (!TAILQ_EMPTY(&ep->lists[CONNECTION_SENDING]) && ep->sample_ms < next)
        next = ep->sample_ms;
    if (next == UINT64_MAX && !room_is_short(ep))
        return -1;
    now = clock_monotonic_ms();
    /* Who is in the way then is found by looking. */
    if (room_is_short(ep) && next > now + ROOM_LOOK_MS)
        next = now + ROOM_LOOK_MS;
    if (next <= now)
        return 0;
    return next - now < INT_MAX ? (int)(next - now) : INT_MAX;
}
