#ifndef GATEWAY_CTL_CLIENT_H
#define GATEWAY_CTL_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "policy/base/base.h"

/*
 * One HTTP/1.1 exchange, as it was asked for and nothing more: no redirect,
 * no proxy from the environment, no second try, no authentication of the
 * library's own.  The server's certificate is always verified.
 *
 *     client_certificate(&request, &pem, err)     a handshake, nothing sent
 *     client_send(&request, &response, err)
 *     client_header(&response, "content-type")
 *     client_response_fini(&response)
 */
struct client_request {
    const char *url;
    const char *method;
    const char *unix_path;      /* NULL: TCP to the URL's host and port */
    const char *cacert;         /* PEM file, NULL: the system's */
    const char *const *headers; /* "Name: value" */
    size_t header_count;
    const char *body; /* NULL: none */
    unsigned timeout_ms;
};

struct client_header {
    char *name; /* lower case */
    char *value;
};

struct client_response {
    long status;
    struct client_header *headers;
    size_t header_count;
    struct buf body;
    struct buf certificate; /* PEM of the server's; empty without TLS */
};

#define CLIENT_BODY_MAX    (64u << 20)
#define CLIENT_HEADERS_MAX 256

/* -1: no whole answer came; response is empty then. */
int client_send(const struct client_request *request,
                struct client_response *response, struct error *err);
void client_response_fini(struct client_response *response);
/* false: no memory, or too many. */
bool client_response_add(struct client_response *response, struct span name,
                         struct span value);
/* The first value, NULL if there is none. name in lower case. */
const char *client_header(const struct client_response *response,
                          const char *name);

/* The certificate the server shows (PEM), from a connection of its own. */
int client_certificate(const struct client_request *request, struct buf *pem,
                       struct error *err);

/* What an http or https URL names.  No user and no fragment; port: the
 * scheme's own when none is said, and 0 when 0 is. */
struct client_url {
    bool tls;
    uint16_t port;
    char host[256];    /* without brackets */
    char target[2048]; /* path and query as written, "/" when there is none */
};

int client_url_split(const char *url, struct client_url *out,
                     struct error *err);

/* Host of an http or https URL, without brackets. */
int client_url_parse(const char *url, char *host_out, size_t host_max,
                     bool *tls_out, struct error *err);

#endif
