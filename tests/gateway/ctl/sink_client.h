#ifndef TESTS_GATEWAY_CTL_SINK_CLIENT_H
#define TESTS_GATEWAY_CTL_SINK_CLIENT_H

#include <gnutls/gnutls.h>

#include "gateway/auth/auth.h"

/*
 * What delivers to a sink: one connection, and on it one request after the
 * other.  Anything that does not go as it should fails the test.
 *
 *     sink_client_open(&c, port, ca)      ca NULL: without TLS
 *     sink_client_login(&c, flags, no_ci)
 *     sink_client_post(&c, headers, body) -> c.reply
 *     sink_client_close(&c)
 */
struct sink_reply {
    int status;
    bool close;               /* the server says so */
    char authenticate[16384]; /* WWW-Authenticate, "" if there is none */
    char body[4096];
};

struct sink_client {
    int fd;
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t tls; /* NULL: none */
    struct channel_binding binding;
    struct buf in;
    struct sink_reply reply; /* the last */
};

void sink_client_open(struct sink_client *c, unsigned port, const char *ca);
void sink_client_close(struct sink_client *c);
void sink_client_send(struct sink_client *c, struct span bytes);
/* Reads one answer into c->reply; its status. */
int sink_client_receive(struct sink_client *c);
/* headers: "Name: value\r\n"... */
int sink_client_request(struct sink_client *c, const char *method,
                        const char *headers, struct span body);
int sink_client_post(struct sink_client *c, const char *headers,
                     struct span body);
/* A token towards HTTP@localhost from test.ccache, bound to the server's
 * certificate; the server's answer must complete the context. */
void sink_client_login(struct sink_client *c, uint32_t flags, bool no_ci);

#endif
