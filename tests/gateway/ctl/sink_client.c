#include "tests/gateway/ctl/sink_client.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/gateway/auth/realm.h"

/* -- connection ----------------------------------------------------------- */

static void
read_binding(struct sink_client *c)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(c->tls, &count);
    gnutls_datum_t pem = {NULL, 0};
    struct error err = {0, ""};

    cr_assert_gt(count, 0);
    cr_assert_eq(gnutls_pem_base64_encode2("CERTIFICATE", &chain[0], &pem), 0);
    cr_assert(channel_binding_from_pem(pem.data, pem.size, &c->binding, &err),
              "%s", err.text);
    gnutls_free(pem.data);
}

static void
start_tls(struct sink_client *c, const char *ca)
{
    int result;

    gnutls_certificate_allocate_credentials(&c->credentials);
    cr_assert_geq(gnutls_certificate_set_x509_trust_file(c->credentials, ca,
                                                         GNUTLS_X509_FMT_PEM),
                  1);
    gnutls_init(&c->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    gnutls_set_default_priority(c->tls);
    gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->credentials);
    gnutls_session_set_verify_cert(c->tls, "localhost", 0);
    gnutls_transport_set_int(c->tls, c->fd);
    do
        result = gnutls_handshake(c->tls);
    while (result < 0 && gnutls_error_is_fatal(result) == 0);
    cr_assert_eq(result, 0, "%s", gnutls_strerror(result));
    read_binding(c);
}

void
sink_client_open(struct sink_client *c, unsigned port, const char *ca)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port)};
    const struct timeval patience = {30, 0};

    memset(c, 0, sizeof(*c));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(c->fd, (struct sockaddr *)&a, sizeof(a)), 0);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (ca != NULL)
        start_tls(c, ca);
}

void
sink_client_close(struct sink_client *c)
{
    if (c->tls != NULL) {
        gnutls_bye(c->tls, GNUTLS_SHUT_WR);
        gnutls_deinit(c->tls);
        gnutls_certificate_free_credentials(c->credentials);
    }
    close(c->fd);
    buf_fini(&c->in);
}

void
sink_client_send(struct sink_client *c, struct span bytes)
{
    while (bytes.length > 0) {
        ssize_t sent =
            c->tls != NULL
                ? gnutls_record_send(c->tls, bytes.data, bytes.length)
                : send(c->fd, bytes.data, bytes.length, MSG_NOSIGNAL);

        if (sent == GNUTLS_E_AGAIN || sent == GNUTLS_E_INTERRUPTED)
            continue;
        cr_assert_gt(sent, 0);
        bytes = span_skip(bytes, (size_t)sent);
    }
}

static bool
read_more(struct sink_client *c)
{
    char bytes[16384];
    ssize_t got;

    do
        got = c->tls != NULL ? gnutls_record_recv(c->tls, bytes, sizeof(bytes))
                             : recv(c->fd, bytes, sizeof(bytes), 0);
    while (c->tls != NULL && got < 0 && got != GNUTLS_E_AGAIN &&
           gnutls_error_is_fatal((int)got) == 0);
    if (got > 0)
        buf_add(&c->in, bytes, (size_t)got);
    return got > 0;
}

/* -- answers -------------------------------------------------------------- */

static void
take_header(struct sink_reply *r, struct span line, size_t *length_out)
{
    struct span value, name = span_cut(line, ':', &value);

    value = span_trim(value);
    if (span_equal_nocase(name, SPAN("WWW-Authenticate"))) {
        cr_assert_lt(value.length, sizeof(r->authenticate));
        memcpy(r->authenticate, value.data, value.length);
    } else if (span_equal_nocase(name, SPAN("Connection"))) {
        r->close = span_equal_nocase(value, SPAN("close"));
    } else if (span_equal_nocase(name, SPAN("Content-Length"))) {
        *length_out = strtoul(value.data, NULL, 10);
    }
}

static size_t
take_head(struct sink_client *c, struct span head)
{
    struct span line;
    size_t length = 0;

    cr_assert_eq(sscanf(head.data, "HTTP/1.1 %d ", &c->reply.status), 1);
    while (head.length > 0) {
        line = span_cut(head, '\n', &head);
        if (line.length > 0)
            line.length--;
        take_header(&c->reply, line, &length);
    }
    return length;
}

int
sink_client_receive(struct sink_client *c)
{
    const char *end;
    size_t head, length;

    memset(&c->reply, 0, sizeof(c->reply));
    while ((end = c->in.length > 0 ? strstr(c->in.data, "\r\n\r\n") : NULL) ==
           NULL)
        cr_assert(read_more(c), "the connection ended");
    head = (size_t)(end - c->in.data) + 4;
    length = take_head(c, (struct span){c->in.data, head - 2});
    cr_assert_lt(length, sizeof(c->reply.body));
    while (c->in.length < head + length)
        cr_assert(read_more(c), "the connection ended in a body");
    memcpy(c->reply.body, c->in.data + head, length);
    cr_assert_eq(c->in.length, head + length);
    buf_reset(&c->in);
    return c->reply.status;
}

/* -- requests ------------------------------------------------------------- */

int
sink_client_request(struct sink_client *c, const char *method,
                    const char *headers, struct span body)
{
    struct buf b = BUF_INIT;

    buf_addf(&b,
             "%s /results?a=b HTTP/1.1\r\nHost: localhost\r\n%s"
             "Content-Length: %zu\r\n\r\n",
             method, headers, body.length);
    buf_add_span(&b, body);
    sink_client_send(c, buf_span(&b));
    buf_fini(&b);
    return sink_client_receive(c);
}

int
sink_client_post(struct sink_client *c, const char *headers, struct span body)
{
    return sink_client_request(c, "POST", headers, body);
}

void
sink_client_login(struct sink_client *c, uint32_t flags, bool no_ci)
{
    struct initiator_options options = {.spn = "HTTP@localhost",
                                        .req_flags = flags,
                                        .no_ci = no_ci,
                                        .binding = &c->binding,
                                        .ccache = test.ccache};
    struct buf header = BUF_INIT;
    struct initiator *i;
    struct error err = {0, ""};
    static const char scheme[] = "Negotiate ";

    if (c->tls == NULL)
        options.binding = NULL;
    cr_assert_eq(initiator_new(&options, &i, &err), 0, "%s", err.text);
    buf_addf(&header, "Authorization: Negotiate %s\r\n", initiator_token(i));
    cr_assert_eq(sink_client_post(c, header.data, SPAN("")), 200, "%s",
                 c->reply.body);
    cr_assert_str_eq(c->reply.body, "");
    cr_assert_eq(strncmp(c->reply.authenticate, scheme, strlen(scheme)), 0);
    cr_assert_eq(initiator_finish(
                     i, span_of(c->reply.authenticate + strlen(scheme)), &err),
                 0, "%s", err.text);
    initiator_free(i);
    buf_fini(&header);
}
