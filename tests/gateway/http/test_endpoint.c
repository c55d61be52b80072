#include "tests/gateway/http/rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/http/endpoint.h"
#include "tests/support/support.h"

SUITE(endpoint);

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static bool
is_served(struct rig *rig, int fd)
{
    struct reply reply = {0};

    rig_send(fd, SPAN(GET));
    return rig_reply(rig, fd, &reply) && reply.status == 200;
}

static bool
is_closed(struct rig *rig, int fd)
{
    static const struct reply nothing;

    return rig_closed(rig, fd, &nothing);
}

Test(endpoint, serves_tcp_and_unix_and_names_the_peer)
{
    static const struct {
        enum rig_kind kind;
        enum http_peer_family family;
        const char *text, *address;
        bool loopback;
    } rows[] = {
        {RIG_TCP, HTTP_PEER_TCP, "127.0.0.1:", "127.0.0.1", true},
        {RIG_TCP6, HTTP_PEER_TCP, "[::1]:", "::1", true},
        {RIG_UNIX, HTTP_PEER_UNIX, "unix:uid=", "", false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct rig rig;
        int fd;

        rig_open(&rig, rows[i].kind, NULL);
        cr_assert_str_eq(http_endpoint_name(rig.ep), "rig");
        fd = rig_connect(&rig);
        cr_expect(is_served(&rig, fd));
        cr_expect(is_served(&rig, fd));
        cr_expect_eq(rig.peer.family, rows[i].family);
        cr_expect_eq(
            strncmp(rig.peer.text, rows[i].text, strlen(rows[i].text)), 0,
            "%s", rig.peer.text);
        cr_expect_str_eq(rig.peer.address, rows[i].address);
        cr_expect_eq(rig.peer.loopback, rows[i].loopback);
        cr_expect_eq(rig.peer.uid_known, rows[i].kind == RIG_UNIX);
        if (rows[i].kind == RIG_UNIX) {
            cr_expect_eq(rig.peer.uid, geteuid());
            cr_expect_eq(rig.peer.pid, getpid());
        }
        close(fd);
        rig_close(&rig);
    }
}

Test(endpoint, lets_only_the_one_user_in_where_it_is_told_so)
{
    static const struct {
        enum rig_kind kind;
        bool need_uid;
        unsigned off; /* from our own uid */
        bool served;
    } rows[] = {
        {RIG_UNIX, false, 0, true},
        {RIG_UNIX, false, 1, false},
        {RIG_TCP, true, 0, true},
        {RIG_TCP, true, 1, false},
        {RIG_TCP6, true, 0, true},
        /* A peer that is not known is nobody. */
        {RIG_TCP, false, 0, false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct http_endpoint_options but = {
            .need_peer_uid = rows[i].need_uid,
            .restrict_uid = true,
            .only_uid = geteuid() + rows[i].off,
        };
        struct rig rig;
        int fd;

        rig_open(&rig, rows[i].kind, &but);
        fd = rig_connect(&rig);
        if (rows[i].served)
            cr_expect(is_served(&rig, fd), "row %zu", i);
        else
            cr_expect(is_closed(&rig, fd), "row %zu", i);
        cr_expect_eq(rig.begun, rows[i].served, "row %zu", i);
        close(fd);
        rig_close(&rig);
    }
}

/* Threat 26. */
Test(endpoint, bounds_the_connections_of_an_address)
{
    const struct http_endpoint_options but = {.connections_per_address_max =
                                                  2};
    struct rig rig;
    int fd[3];

    rig_open(&rig, RIG_TCP, &but);
    for (unsigned i = 0; i < 3; i++)
        fd[i] = rig_connect(&rig);
    cr_assert(is_closed(&rig, fd[2]));
    cr_assert(is_served(&rig, fd[0]));
    cr_assert(is_served(&rig, fd[1]));
    close(fd[2]);
    close(fd[0]);
    rig_until(&rig, http_endpoint_connections(rig.ep) == 1);
    fd[2] = rig_connect(&rig);
    cr_assert(is_served(&rig, fd[2]));
    close(fd[1]);
    close(fd[2]);
    rig_close(&rig);
}

/* One host has all addresses of its network. */
Test(endpoint, bounds_the_connections_of_an_ipv6_network)
{
    static const struct {
        const char *address;
        unsigned connections; /* afterwards */
    } rows[] = {
        {"2001:db8::1", 1},     {"2001:db8::2", 2}, {"2001:db8::ffff:3", 2},
        {"2001:db8:0:1::1", 3}, {"192.0.2.1", 4},   {"192.0.2.1", 5},
        {"192.0.2.1", 5},       {"192.0.2.2", 6},
    };
    const struct http_endpoint_options but = {.connections_per_address_max =
                                                  2};
    int client[ARRAY_COUNT(rows)];
    struct rig rig;

    rig_open(&rig, RIG_TCP, &but);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct sockaddr_storage from = {0};
        struct sockaddr_in *in = (void *)&from;
        struct sockaddr_in6 *in6 = (void *)&from;
        int pair[2];

        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        client[i] = pair[0];
        from.ss_family = strchr(rows[i].address, ':') ? AF_INET6 : AF_INET;
        inet_pton(from.ss_family, rows[i].address,
                  from.ss_family == AF_INET6 ? (void *)&in6->sin6_addr
                                             : (void *)&in->sin_addr);
        connection_open(rig.ep, pair[1], &from);
        cr_expect_eq(http_endpoint_connections(rig.ep), rows[i].connections,
                     "row %zu: %u", i, http_endpoint_connections(rig.ep));
    }
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        close(client[i]);
    rig_close(&rig);
}

Test(endpoint, counts_no_addresses_on_a_unix_socket)
{
    const struct http_endpoint_options but = {.connections_per_address_max =
                                                  1};
    struct rig rig;
    int fd[3];

    rig_open(&rig, RIG_UNIX, &but);
    for (unsigned i = 0; i < 3; i++) {
        fd[i] = rig_connect(&rig);
        cr_assert(is_served(&rig, fd[i]));
    }
    for (unsigned i = 0; i < 3; i++)
        close(fd[i]);
    rig_close(&rig);
}

Test(endpoint, ends_silent_connections_for_ones_that_speak)
{
    const struct http_endpoint_options but = {.connections_max = 4};
    struct rig rig;
    int silent[4], fd;

    rig_open(&rig, RIG_TCP, &but);
    for (unsigned i = 0; i < 4; i++)
        silent[i] = rig_connect(&rig);
    rig_until(&rig, http_endpoint_connections(rig.ep) == 4);
    fd = rig_connect(&rig);
    cr_assert(is_served(&rig, fd));
    cr_assert(is_closed(&rig, silent[0]));
    cr_assert(is_served(&rig, silent[1]));
    cr_assert_eq(http_endpoint_connections(rig.ep), 4);
    close(fd);
    for (unsigned i = 0; i < 4; i++)
        close(silent[i]);
    rig_close(&rig);
}

/* Those that once spoke stay longer than those that never did. */
Test(endpoint, ends_the_connection_that_was_idle_longest_for_a_new_one)
{
    const struct http_endpoint_options but = {.connections_max = 3};
    struct reply reply = {0};
    struct rig rig;
    int fd[5];

    rig_open(&rig, RIG_TCP, &but);
    for (unsigned i = 0; i < 2; i++) {
        fd[i] = rig_connect(&rig);
        cr_assert(is_served(&rig, fd[i]));
    }
    cr_assert(is_served(&rig, fd[0]));
    fd[2] = rig_connect(&rig);
    rig_until(&rig, http_endpoint_connections(rig.ep) == 3);
    fd[3] = rig_connect(&rig);
    cr_assert(is_served(&rig, fd[3]));
    cr_assert(is_closed(&rig, fd[2]));
    fd[4] = rig_connect(&rig);
    cr_assert(is_served(&rig, fd[4]));
    cr_assert(rig_closed(&rig, fd[1], &reply));
    cr_assert(is_served(&rig, fd[0]));
    cr_assert(is_served(&rig, fd[3]));
    cr_assert_eq(http_endpoint_connections(rig.ep), 3);
    for (unsigned i = 0; i < 5; i++)
        close(fd[i]);
    rig_close(&rig);
}

static void
hold(struct rig *rig, struct http_request *r)
{
    rig->held = r;
    http_request_suspend(r);
}

/* Each state has a time of its own: only the one named is short, and only
 * who is in that state goes. */
Test(endpoint, ends_connections_that_take_too_long)
{
    static const struct {
        struct http_endpoint_options but;
        struct span sent;
        unsigned begun;
    } rows[] = {
        {{.first_byte_timeout_s = 1}, SPAN(""), 0},
        {{.header_timeout_s = 1}, SPAN("GET / HT"), 0},
        {{.header_timeout_s = 1}, SPAN("GET / HTTP/1.1\r\nHost: x\r\n"), 0},
        {{.body_timeout_s = 1},
         SPAN("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"),
         1},
        {{.idle_timeout_s = 1,
          .first_byte_timeout_s = 30,
          .header_timeout_s = 30,
          .body_timeout_s = 30,
          .write_timeout_s = 30},
         SPAN(GET),
         1},
    };
    struct rig rig[ARRAY_COUNT(rows)];
    int fd[ARRAY_COUNT(rows)][ARRAY_COUNT(rows)];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        rig_open(&rig[i], RIG_TCP, &rows[i].but);
        for (size_t j = 0; j < ARRAY_COUNT(rows); j++) {
            fd[i][j] = rig_connect(&rig[i]);
            rig_send(fd[i][j], rows[j].sent);
        }
        rig_until(&rig[i],
                  http_endpoint_connections(rig[i].ep) == ARRAY_COUNT(rows));
        rig_until(&rig[i], rig[i].begun == 2);
        cr_assert_leq(http_endpoint_timeout_ms(rig[i].ep), 1000);
    }
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        unsigned same = 0;

        for (size_t j = 0; j < ARRAY_COUNT(rows); j++)
            same +=
                memcmp(&rows[i].but, &rows[j].but, sizeof(rows[i].but)) == 0;
        rig_until(&rig[i], http_endpoint_connections(rig[i].ep) ==
                               ARRAY_COUNT(rows) - same);
        cr_expect(rig_ends(&rig[i], fd[i][i]), "row %zu", i);
        for (size_t j = 0; j < ARRAY_COUNT(rows); j++)
            close(fd[i][j]);
        rig_close(&rig[i]);
    }
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
    http_respond(r, &response);
}

/* Whoever reads a byte now and then does not hold an answer for ever. */
Test(endpoint, ends_an_answer_that_is_read_too_slowly)
{
    const struct http_endpoint_options but = {.write_timeout_s = 1};
    uint64_t until = clock_monotonic_ms() + 20000;
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, &but);
    rig.on_complete = answer_endlessly;
    fd = rig_connect(&rig);
    rig_send(fd, SPAN(GET));
    rig_until(&rig, rig.completed == 1);
    while (rig.finished == 0 && clock_monotonic_ms() < until) {
        char c[4096];

        cr_assert_gt(recv(fd, c, sizeof(c), 0), 0);
        rig_turn(&rig, -1, 50);
        rig_turn(&rig, -1, 50);
    }
    cr_assert_eq(rig.finished, 1);
    cr_assert_not(rig.last.completed);
    close(fd);
    rig_close(&rig);
}

/* A byte now and then keeps no connection for ever: the whole head has a
 * time, too. */
Test(endpoint, ends_a_head_that_trickles_in)
{
    const struct http_endpoint_options but = {.header_timeout_s = 1};
    uint64_t until = clock_monotonic_ms() + 20000;
    struct rig rig;
    int fd;

    rig_open(&rig, RIG_TCP, &but);
    fd = rig_connect(&rig);
    rig_send(fd, SPAN("GET / HTTP/1.1\r\nX: "));
    rig_until(&rig, http_endpoint_connections(rig.ep) == 1);
    while (http_endpoint_connections(rig.ep) == 1 &&
           clock_monotonic_ms() < until) {
        send(fd, "x", 1, MSG_NOSIGNAL);
        rig_turn(&rig, -1, 50);
        rig_turn(&rig, -1, 50);
    }
    cr_assert_eq(http_endpoint_connections(rig.ep), 0);
    close(fd);
    rig_close(&rig);
}

Test(endpoint, drains_by_closing_the_idle_and_answering_the_busy)
{
    struct reply reply = {0};
    struct rig rig;
    int silent, idle, busy, late;

    rig_open(&rig, RIG_TCP, NULL);
    silent = rig_connect(&rig);
    idle = rig_connect(&rig);
    cr_assert(is_served(&rig, idle));
    rig.on_complete = hold;
    busy = rig_connect(&rig);
    rig_send(busy, SPAN(GET GET));
    rig_until(&rig, rig.held != NULL);
    http_endpoint_drain(rig.ep);
    cr_assert(is_closed(&rig, silent));
    cr_assert(is_closed(&rig, idle));
    late = rig_connect(&rig);
    rig_turn(&rig, -1, 0);
    cr_assert_eq(http_endpoint_connections(rig.ep), 1);
    rig_answer(rig.held, 200, "last");
    cr_assert(rig_reply(&rig, busy, &reply));
    cr_assert_str_eq(reply.body, "last");
    cr_assert_str_eq(reply_header(&reply, "Connection"), "close");
    cr_assert(rig_closed(&rig, busy, &reply));
    cr_assert_eq(rig.begun, 2);
    cr_assert_eq(http_endpoint_connections(rig.ep), 0);
    close(silent);
    close(idle);
    close(busy);
    close(late);
    rig_close(&rig);
}

Test(endpoint, says_why_it_does_not_start)
{
    const struct http_endpoint_options o = {
        .name = "public",
        .listen_fd = -1,
        .tls_certificate = "no certificate",
        .tls_key = "no key",
        .connections_max = 1,
        .header_max = 32768,
    };
    const struct http_handlers none = {0};
    struct http_endpoint *ep;
    struct error err = {0};

    cr_assert_lt(http_endpoint_new(&o, &none, &ep, &err), 0);
    cr_assert_null(ep);
    cr_assert_not_null(strstr(err.text, "public: "), "%s", err.text);
    http_endpoint_free(NULL);
}

Test(endpoint, keeps_the_callers_pointer)
{
    struct rig rig;
    int here;

    rig_open(&rig, RIG_TCP, NULL);
    cr_assert_null(http_endpoint_context(rig.ep));
    http_endpoint_set_context(rig.ep, &here);
    cr_assert_eq(http_endpoint_context(rig.ep), &here);
    rig_close(&rig);
}
