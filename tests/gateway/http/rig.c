#include "tests/gateway/http/rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/support.h"

/* The library reads a head that is about to be too large in small bites. */
#define TURNS_MAX 4000

/* -- the handlers --------------------------------------------------------- */

void
rig_answer(struct http_request *r, int status, const char *body)
{
    const struct http_response response = {.status = status,
                                           .body = span_of(body)};

    http_respond(r, &response);
}

static void
begin(void *arg, struct http_request *r)
{
    struct rig *rig = arg;
    struct span target = http_request_target(r);

    rig->begun++;
    rig->peer = *http_request_peer(r);
    buf_addf(&rig->seen, "%s %.*s;", http_request_method(r),
             (int)target.length, target.data);
    http_request_set_context(r, rig);
    if (rig->on_begin != NULL)
        rig->on_begin(rig, r);
}

static void
complete(void *arg, struct http_request *r)
{
    struct rig *rig = arg;

    rig->completed++;
    if (rig->on_complete != NULL)
        rig->on_complete(rig, r);
    else
        rig_answer(r, 200, "hello\n");
}

static void
finished(void *arg, struct http_request *r, int status, uint64_t bytes,
         bool completed)
{
    struct rig *rig = arg;

    cr_assert_eq(http_request_context(r), rig);
    rig->finished++;
    rig->last = (struct rig_finish){status, bytes, completed};
    if (rig->on_finished != NULL)
        rig->on_finished(rig, r);
}

static void
refused(void *arg, const struct http_endpoint *ep,
        const struct http_peer *peer, int status, const char *reason)
{
    struct rig *rig = arg;

    cr_assert(rig->ep == NULL || rig->ep == ep);
    rig->refused++;
    rig->peer = *peer;
    rig->refused_status = status;
    rig->refused_reason = reason;
}

/* -- the endpoint --------------------------------------------------------- */

static void
listen_on(struct rig *rig)
{
    struct sockaddr_in *in = (void *)&rig->address;
    struct sockaddr_in6 *in6 = (void *)&rig->address;
    struct sockaddr_un *un = (void *)&rig->address;
    int family = rig->kind == RIG_TCP    ? AF_INET
                 : rig->kind == RIG_TCP6 ? AF_INET6
                                         : AF_UNIX;

    rig->address.ss_family = (sa_family_t)family;
    rig->address_length = sizeof(rig->address);
    if (rig->kind == RIG_TCP) {
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        rig->address_length = sizeof(*in);
    } else if (rig->kind == RIG_TCP6) {
        in6->sin6_addr = in6addr_any;
        rig->address_length = sizeof(*in6);
    } else {
        snprintf(un->sun_path, sizeof(un->sun_path), "%s/s", test_directory());
        rig->address_length = sizeof(*un);
    }
    rig->listen_fd =
        socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_geq(rig->listen_fd, 0);
    cr_assert_eq(
        bind(rig->listen_fd, (void *)&rig->address, rig->address_length), 0,
        "bind: %s", strerror(errno));
    cr_assert_eq(listen(rig->listen_fd, 512), 0);
    cr_assert_eq(getsockname(rig->listen_fd, (void *)&rig->address,
                             &rig->address_length),
                 0);
}

void
rig_open(struct rig *rig, enum rig_kind kind,
         const struct http_endpoint_options *but)
{
    struct http_endpoint_options o = {0};
    const struct http_handlers handlers = {rig, begin, complete, finished,
                                           refused};
    struct error err;

    memset(rig, 0, sizeof(*rig));
    rig->kind = kind;
    rig->seen = BUF_INIT;
    listen_on(rig);
    if (but != NULL)
        o = *but;
    o.name = "rig";
    o.listen_fd = rig->listen_fd;
    o.connections_max = o.connections_max ? o.connections_max : 64;
    o.connections_per_address_max =
        o.connections_per_address_max ? o.connections_per_address_max : 64;
    o.idle_timeout_s = o.idle_timeout_s ? o.idle_timeout_s : 30;
    o.header_max = o.header_max ? o.header_max : 32768;
    o.body_max = o.body_max ? o.body_max : 4096;
    cr_assert_eq(http_endpoint_new(&o, &handlers, &rig->ep, &err), 0, "%s",
                 err.text);
}

void
rig_close(struct rig *rig)
{
    http_endpoint_free(rig->ep);
    close(rig->listen_fd);
    buf_fini(&rig->seen);
    cr_assert_eq(rig->begun, rig->finished);
}

int
rig_connect(struct rig *rig)
{
    struct sockaddr_storage to = rig->address;
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (to.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&to)->sin6_addr = in6addr_loopback;
    cr_assert_eq(connect(fd, (void *)&to, rig->address_length), 0, "%s",
                 strerror(errno));
    cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

void
rig_send(int fd, struct span bytes)
{
    ssize_t sent = send(fd, bytes.data, bytes.length, MSG_NOSIGNAL);

    cr_assert_eq(sent, (ssize_t)bytes.length, "%s", strerror(errno));
}

void
rig_turn(struct rig *rig, int client_fd, int wait_ms)
{
    struct pollfd p[3] = {{http_endpoint_listen_fd(rig->ep), POLLIN, 0},
                          {http_endpoint_epoll_fd(rig->ep), POLLIN, 0},
                          {client_fd, POLLIN, 0}};
    int ms = http_endpoint_timeout_ms(rig->ep);

    if (ms >= 0 && ms < wait_ms)
        wait_ms = ms;
    poll(p, client_fd >= 0 ? 3 : 2, wait_ms);
    if (p[0].revents != 0)
        http_endpoint_accept(rig->ep);
    http_endpoint_run(rig->ep);
}

/* -- the client ----------------------------------------------------------- */

const char *
reply_header(const struct reply *reply, const char *name)
{
    static char value[1024];
    size_t length = strlen(name);

    for (const char *line = strstr(reply->head, "\r\n"); line != NULL;
         line = strstr(line + 2, "\r\n"))
    {
        if (strncasecmp(line + 2, name, length) == 0 &&
            line[2 + length] == ':') {
            snprintf(value, sizeof(value), "%.*s",
                     (int)strcspn(line + 4 + length, "\r"), line + 4 + length);
            return value;
        }
    }
    return NULL;
}

/* Reads more into ahead; false at the end. */
static bool
read_more(struct rig *rig, int fd, struct reply *reply)
{
    for (int turns = 0; turns < TURNS_MAX; turns++) {
        ssize_t got = recv(fd, reply->ahead + reply->ahead_length,
                           sizeof(reply->ahead) - reply->ahead_length, 0);

        if (got > 0) {
            reply->ahead_length += (size_t)got;
            return true;
        }
        if (got == 0 || errno != EAGAIN)
            return false;
        rig_turn(rig, fd, 10);
    }
    cr_assert_fail("the endpoint says nothing");
    return false;
}

static void
take_ahead(struct reply *reply, char *out, size_t length)
{
    memcpy(out, reply->ahead, length);
    memmove(reply->ahead, reply->ahead + length, reply->ahead_length - length);
    reply->ahead_length -= length;
}

static bool
read_head(struct rig *rig, int fd, struct reply *reply)
{
    const char *end;

    for (;;) {
        end = memmem(reply->ahead, reply->ahead_length, "\r\n\r\n", 4);
        if (end != NULL)
            break;
        if (!read_more(rig, fd, reply)) {
            cr_assert_eq(reply->ahead_length, 0, "half a head");
            reply->closed = true;
            return false;
        }
    }
    end += 4;
    cr_assert_lt(end - reply->ahead, (long)sizeof(reply->head));
    memset(reply->head, 0, sizeof(reply->head));
    take_ahead(reply, reply->head, (size_t)(end - reply->ahead));
    cr_assert_eq(sscanf(reply->head, "HTTP/1.%*d %d ", &reply->status), 1,
                 "no status line: %s", reply->head);
    return true;
}

static void
read_exactly(struct rig *rig, int fd, struct reply *reply, size_t length)
{
    while (reply->ahead_length < length) {
        if (!read_more(rig, fd, reply)) {
            reply->closed = true;
            length = reply->ahead_length;
        }
    }
    cr_assert_lt(reply->body_length + length, sizeof(reply->body));
    take_ahead(reply, reply->body + reply->body_length, length);
    reply->body_length += length;
}

static void
read_chunks(struct rig *rig, int fd, struct reply *reply)
{
    for (;;) {
        char line[32];
        unsigned size = 0;
        char *end;

        while ((end = memmem(reply->ahead, reply->ahead_length, "\r\n", 2)) ==
               NULL) {
            if (!read_more(rig, fd, reply)) {
                reply->closed = true;
                return;
            }
        }
        take_ahead(reply, line, (size_t)(end - reply->ahead) + 2);
        cr_assert_eq(sscanf(line, "%x", &size), 1);
        read_exactly(rig, fd, reply, size + 2);
        if (reply->closed)
            return;
        reply->body_length -= 2;
        if (size == 0)
            return;
    }
}

static bool
read_reply(struct rig *rig, int fd, struct reply *reply, bool bodiless)
{
    const char *length;

    reply->status = 0;
    reply->body_length = 0;
    if (!read_head(rig, fd, reply))
        return false;
    length = reply_header(reply, "Content-Length");
    if (bodiless || reply->status == 204 || reply->status == 304 ||
        reply->status == 100)
        return true;
    if (reply_header(reply, "Transfer-Encoding") != NULL) {
        read_chunks(rig, fd, reply);
    } else if (length != NULL) {
        length = reply_header(reply, "Content-Length");
        read_exactly(rig, fd, reply, strtoul(length, NULL, 10));
    } else {
        while (read_more(rig, fd, reply))
            ;
        read_exactly(rig, fd, reply, reply->ahead_length);
        reply->closed = true;
    }
    reply->body[reply->body_length] = '\0';
    return true;
}

bool
rig_reply(struct rig *rig, int fd, struct reply *reply)
{
    return read_reply(rig, fd, reply, false);
}

bool
rig_reply_head(struct rig *rig, int fd, struct reply *reply)
{
    return read_reply(rig, fd, reply, true);
}

bool
rig_closed(struct rig *rig, int fd, const struct reply *reply)
{
    char c;

    if (reply->ahead_length > 0)
        return false;
    if (reply->closed)
        return true;
    for (int turns = 0; turns < TURNS_MAX; turns++) {
        ssize_t got = recv(fd, &c, 1, 0);

        if (got == 0)
            return true;
        if (got > 0 || errno != EAGAIN)
            return false;
        rig_turn(rig, fd, 10);
    }
    return false;
}

bool
rig_ends(struct rig *rig, int fd)
{
    char dropped[4096];

    for (int turns = 0; turns < TURNS_MAX; turns++) {
        ssize_t got = recv(fd, dropped, sizeof(dropped), 0);

        if (got == 0)
            return true;
        if (got < 0 && errno != EAGAIN)
            return false;
        if (got < 0)
            rig_turn(rig, fd, 10);
    }
    return false;
}
