#include "gateway/http/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/support.h"

SUITE(peer);

/* A loopback connection: how the client's socket and the listener are made. */
struct pair {
    int listener, client, server;
    struct sockaddr_storage address; /* of the client, as accept tells it */
};

enum pair_kind { PAIR_4, PAIR_6, PAIR_4_TO_6, PAIR_MAPPED };

static void
pair_open(struct pair *p, enum pair_kind kind)
{
    bool six = kind != PAIR_4;
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr *any = six ? (void *)&in6 : (void *)&in;
    socklen_t length = six ? sizeof(in6) : sizeof(in);

    p->listener = socket(any->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(p->listener, any, length), 0, "%s", strerror(errno));
    cr_assert_eq(listen(p->listener, 4), 0);
    getsockname(p->listener, any, &length);
    in.sin_port = six ? in6.sin6_port : in.sin_port;
    in6.sin6_addr = in6addr_loopback;
    if (kind == PAIR_MAPPED)
        inet_pton(AF_INET6, "::ffff:127.0.0.1", &in6.sin6_addr);
    if (kind == PAIR_4_TO_6) {
        any = (void *)&in;
        length = sizeof(in);
    }
    p->client = socket(any->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(p->client, any, length), 0, "%s", strerror(errno));
    length = sizeof(p->address);
    p->server = accept(p->listener, (void *)&p->address, &length);
    cr_assert_geq(p->server, 0);
}

static void
pair_close(struct pair *p)
{
    if (p->client >= 0)
        close(p->client);
    close(p->server);
    close(p->listener);
}

static struct http_peer
pair_peer(const struct pair *p, bool need_uid, bool by_proc)
{
    int diag = by_proc ? -1 : peer_diag_open();
    struct http_peer peer;

    cr_assert(by_proc || diag >= 0);
    peer_read(&peer, p->server, &p->address, need_uid, diag);
    if (diag >= 0)
        close(diag);
    return peer;
}

Test(peer, knows_the_user_of_a_loopback_connection_both_ways)
{
    for (int kind = PAIR_4; kind <= PAIR_MAPPED; kind++) {
        for (int by_proc = 0; by_proc < 2; by_proc++) {
            struct http_peer peer;
            struct pair p;

            pair_open(&p, (enum pair_kind)kind);
            peer = pair_peer(&p, true, by_proc != 0);
            cr_expect(peer.uid_known, "%d %d", kind, by_proc);
            cr_expect_eq(peer.uid, geteuid());
            cr_expect(peer.loopback);
            cr_expect_str_eq(peer.address,
                             kind == PAIR_6 ? "::1" : "127.0.0.1");
            peer = pair_peer(&p, false, by_proc != 0);
            cr_expect_not(peer.uid_known);
            pair_close(&p);
        }
    }
}

/* The kernel says 0 for a socket whose process has closed it: that must not
 * be taken for root, who may be a local user. */
Test(peer, takes_one_that_has_closed_already_for_nobody)
{
    for (int by_proc = 0; by_proc < 2; by_proc++) {
        struct pollfd gone;
        struct http_peer peer;
        struct pair p;

        pair_open(&p, PAIR_4);
        close(p.client);
        p.client = -1;
        gone = (struct pollfd){p.server, POLLRDHUP, 0};
        cr_assert_eq(poll(&gone, 1, 5000), 1);
        peer = pair_peer(&p, true, by_proc != 0);
        cr_expect_not(peer.uid_known, "by_proc %d: uid %u", by_proc, peer.uid);
        pair_close(&p);
    }
}

/* Another user's connection is not taken for ours. */
Test(peer, tells_another_user_apart)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(in);
    struct pair p = {.client = -1};
    pid_t child;
    int done[2], status;

    if (geteuid() != 0)
        cr_skip_test("needs root");
    p.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind(p.listener, (void *)&in, length);
    listen(p.listener, 4);
    getsockname(p.listener, (void *)&in, &length);
    cr_assert_eq(pipe(done), 0);
    child = fork();
    if (child == 0) {
        char c;
        int fd;

        close(done[1]);
        if (setuid(4711) != 0)
            _exit(1);
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (void *)&in, sizeof(in)) != 0)
            _exit(2);
        _exit(read(done[0], &c, 1) == 0 ? 0 : 3);
    }
    close(done[0]);
    length = sizeof(p.address);
    p.server = accept(p.listener, (void *)&p.address, &length);
    for (int by_proc = 0; by_proc < 2; by_proc++) {
        struct http_peer peer = pair_peer(&p, true, by_proc != 0);

        cr_expect(peer.uid_known);
        cr_expect_eq(peer.uid, 4711);
    }
    close(done[1]);
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0);
    pair_close(&p);
}

Test(peer, looks_nothing_up_for_an_address_that_is_not_loopback)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in6 *in6 = (void *)&address;
    struct http_peer peer;
    struct pair p;

    pair_open(&p, PAIR_4);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(50000);
    inet_pton(AF_INET6, "2001:db8::1", &in6->sin6_addr);
    peer_read(&peer, p.server, &address, true, -1);
    cr_assert_not(peer.loopback);
    cr_assert_not(peer.uid_known);
    cr_assert_str_eq(peer.text, "[2001:db8::1]:50000");
    pair_close(&p);
}
