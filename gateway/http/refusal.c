#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/http/request.h"

/* What the library makes of a header line besides its bytes; more or less. */
#define FIELD_BYTES 64

int
refusal_body_format(int status, const char *detail, char out[256])
{
    return snprintf(out, 256,
                    "{\"type\":\"about:blank\",\"title\":\"Refused\","
                    "\"status\":%d,\"detail\":\"%s\"}\n",
                    status, detail);
}

static void
refusal_tell(struct connection *c, int status, const char *reason)
{
    const struct http_handlers *h = &c->ep->handlers;

    if (h->refused != NULL)
        h->refused(h->arg, c->ep, &c->peer, status, reason);
}

/* The whole answer at once.  All answers before it are out: it is the only
 * thing that is sent. */
static void
refusal_send(struct connection *c, gnutls_session_t tls, int status,
             const char *detail)
{
    char body[256], answer[512];
    int length = refusal_body_format(status, detail, body);

    length = snprintf(answer, sizeof(answer),
                      "HTTP/1.1 %d %s\r\nConnection: close\r\n"
                      "Content-Type: application/problem+json\r\n"
                      "Cache-Control: no-store\r\n"
                      "Content-Length: %d\r\n\r\n%s",
                      status, MHD_get_reason_phrase_for((unsigned)status),
                      length, body);
    if (tls == NULL) {
        send(c->fd, answer, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
        gnutls_record_send(tls, answer, (size_t)length);
        gnutls_bye(tls, GNUTLS_SHUT_WR);
    }
}

/* -- in the head ---------------------------------------------------------- */

static void
refuse(struct http_request *r, int status, const char *reason)
{
    r->phase = REQUEST_REFUSED;
    refusal_tell(r->connection, status, reason);
    refusal_send(r->connection, http_request_tls(r), status, reason);
    shutdown(r->connection->fd, SHUT_WR);
}

static struct span
header_find(const struct http_request *r, const char *name)
{
    const char *value = NULL;
    size_t length = 0;

    if (MHD_lookup_connection_value_n(r->mhd, MHD_HEADER_KIND, name,
                                      strlen(name), &value,
                                      &length) != MHD_YES)
        return (struct span){NULL, 0};
    return (struct span){value != NULL ? value : "", length};
}

/* 0: there is none that the library would refuse. */
static int
length_status(const struct http_request *r)
{
    struct span value = header_find(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t number = 0;
    bool large = false;

    if (value.data == NULL ||
        header_find(r, MHD_HTTP_HEADER_TRANSFER_ENCODING).data != NULL)
        return 0;
    for (size_t i = 0; i < value.length; i++) {
        if (!ascii_is_digit(value.data[i]))
            return MHD_HTTP_BAD_REQUEST;
        large |= __builtin_mul_overflow(number, 10, &number) ||
                 __builtin_add_overflow(number, value.data[i] - '0', &number);
    }
    if (value.length == 0)
        return MHD_HTTP_BAD_REQUEST;
    return large ? MHD_HTTP_CONTENT_TOO_LARGE : 0;
}

void
refusal_of_lengths(struct http_endpoint *ep)
{
    struct connection *c;

    TAILQ_FOREACH(c, &ep->lists[CONNECTION_HEAD], link)
    {
        struct http_request *r = c->request;
        int status =
            r != NULL && r->phase == REQUEST_HEADERS ? length_status(r) : 0;

        if (status != 0)
            refuse(r, status,
                   status == MHD_HTTP_CONTENT_TOO_LARGE
                       ? "body too large"
                       : "malformed Content-Length");
    }
}

static enum MHD_Result
add_field(void *arg, enum MHD_ValueKind kind, const char *name,
          size_t name_length, const char *value, size_t value_length)
{
    (void)kind, (void)name, (void)value;
    *(size_t *)arg += name_length + value_length + FIELD_BYTES;
    return MHD_YES;
}

/* What its head takes once its cookies are copied. */
static size_t
cookie_need(const struct http_request *r)
{
    size_t need = header_find(r, MHD_HTTP_HEADER_COOKIE).length;

    if (need > 0)
        MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, add_field, &need);
    return need > 0 ? need + r->target_length : 0;
}

/* It is the head that needs most: one that needs more and is not complete yet
 * would not fit either. */
void
refusal_of_cookies(struct http_endpoint *ep)
{
    struct http_request *most = NULL;
    size_t need = 0;
    struct connection *c;

    TAILQ_FOREACH(c, &ep->lists[CONNECTION_HEAD], link)
    {
        struct http_request *r = c->request;
        size_t its =
            r != NULL && r->phase == REQUEST_HEADERS ? cookie_need(r) : 0;

        if (its > need) {
            most = r;
            need = its;
        }
    }
    if (most != NULL)
        refuse(most, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE,
               "cookies too large");
}

/* -- before there is one -------------------------------------------------- */

static bool
client_has_left(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

/*
 * The library tells nobody of requests that end before their line is read:
 * those it answers are known from what it says meanwhile, and where it finds
 * no request line at all it says nothing to the client either.
 */
void
refusal_of_line(struct connection *c)
{
    int status = (int)c->ep->said_status;

    c->ep->said_status = 0;
    if (status == 0) {
        /* Of TLS the session is gone by now. */
        if (c->ep->certificate != NULL || client_has_left(c->fd))
            return;
        status = MHD_HTTP_BAD_REQUEST;
        refusal_send(c, NULL, status, "no request line");
    }
    connection_linger(c);
    refusal_tell(c, status, "unreadable request line");
}
