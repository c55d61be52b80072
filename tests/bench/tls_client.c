#include "tests/bench/tls_client.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/rig.h"

static const char request[] = "GET /cim/root/cimv2 HTTP/1.1\r\n"
                              "Host: gw.example.com:8443\r\n"
                              "User-Agent: bench/1.0\r\n"
                              "Accept: application/json\r\n\r\n";

struct client {
    int fd;
    gnutls_session_t session;
};

static gnutls_certificate_credentials_t credentials;

void
tls_client_init(void)
{
    gnutls_certificate_allocate_credentials(&credentials);
}

static void
client_open(struct client *c, const struct sockaddr_in *to)
{
    const int on = 1;
    int result, tries = 0;

    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    while (connect(c->fd, (const void *)to, sizeof(*to)) < 0) {
        if (errno != ECONNREFUSED || ++tries > 500)
            rig_die("connect");
        usleep(10000); /* it is just beginning */
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    gnutls_init(&c->session, GNUTLS_CLIENT);
    gnutls_priority_set_direct(
        c->session, "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-256-GCM",
        NULL);
    gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_int(c->session, c->fd);
    result = gnutls_handshake(c->session);
    if (result < 0)
        rig_die(gnutls_strerror(result));
}

static void
client_close(struct client *c)
{
    gnutls_deinit(c->session);
    close(c->fd);
}

static void
client_ask(struct client *c)
{
    if (gnutls_record_send(c->session, request, sizeof(request) - 1) !=
        (ssize_t)(sizeof(request) - 1))
        rig_die("send");
}

/* One whole answer, which may come in two records. */
static void
client_take(struct client *c)
{
    char answer[1024];
    size_t length = 0, end = sizeof(TLS_CLIENT_BODY) - 1;

    while (length < end ||
           memcmp(answer + length - end, TLS_CLIENT_BODY, end) != 0)
    {
        ssize_t got = gnutls_record_recv(c->session, answer + length,
                                         sizeof(answer) - length);

        if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED)
            continue;
        if (got <= 0)
            rig_die("answer");
        length += (size_t)got;
    }
    if (memcmp(answer, "HTTP/1.1 200", 12) != 0)
        rig_die("status");
}

void
tls_client_keep_alive(const struct sockaddr_in *to, unsigned requests)
{
    struct client clients[TLS_CLIENT_CONNECTIONS];
    int epoll_fd = epoll_create1(0);
    unsigned asked = 0, answered = 0;
    struct epoll_event e;

    for (unsigned i = 0; i < TLS_CLIENT_CONNECTIONS; i++) {
        client_open(&clients[i], to);
        e = (struct epoll_event){.events = EPOLLIN, .data.u32 = i};
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, clients[i].fd, &e) < 0)
            rig_die("epoll_ctl");
        client_ask(&clients[i]);
        asked++;
    }
    while (answered < asked) {
        struct epoll_event ready[64];
        int count = epoll_wait(epoll_fd, ready, 64, 10000);

        if (count <= 0)
            rig_die("no answer");
        for (int i = 0; i < count; i++) {
            struct client *c = &clients[ready[i].data.u32];

            client_take(c);
            answered++;
            if (asked < requests) {
                client_ask(c);
                asked++;
            }
        }
    }
    for (unsigned i = 0; i < TLS_CLIENT_CONNECTIONS; i++)
        client_close(&clients[i]);
    close(epoll_fd);
}

void
tls_client_connections(const struct sockaddr_in *to, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct client c;

        client_open(&c, to);
        client_ask(&c);
        client_take(&c);
        client_close(&c);
    }
}
