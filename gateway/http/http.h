#ifndef GATEWAY_HTTP_HTTP_H
#define GATEWAY_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "policy/base/base.h"

/*
 * HTTP/1.1 on libmicrohttpd, strictly admitted.  An endpoint is one
 * listening socket and one MHD daemon without threads and without a socket
 * of its own: it accepts itself, looks at the peer, and hands the connection
 * over (MHD_add_connection).  Descriptors go into the caller's epoll set:
 *
 *     http_endpoint_new(&options, &handlers, &ep, err);
 *     http_endpoint_listen_fd(ep)  readable -> http_endpoint_accept(ep)
 *     http_endpoint_epoll_fd(ep)   readable -> http_endpoint_run(ep)
 *     before each wait: http_endpoint_run when needed and
 *     http_endpoint_timeout_ms(ep); the listening one only while
 *     http_endpoint_has_room(ep)
 *
 * Admission (threats 20-24): every header count, name and value is looked at
 * before a handler sees the request; what is refused is answered 400, 413,
 * 414, 417, 431, 501, 505 by the endpoint itself and closed, and told to
 * `refused`.  What the HTTP library refuses first is told to it as well.  Two
 * things remain the library's (0.9.75): the text of its own answers, which is
 * HTML (400 for a first header without a colon or a version that is none, 414,
 * 431, 505); and on a TLS connection a request line that has no target is
 * closed without an answer and told to nobody.
 *
 * A connection waits for its first byte at the price of a small struct.  When
 * there are too many, those that have been silent longest go: first those that
 * never spoke, then those between two requests, then those that for a second
 * do not go on with a head, with taking their answer or with a body.  While
 * there is no such one a new connection waits to be accepted.  One that was
 * answered before its body was read, or whose body was chunked, is closed
 * afterwards.
 */

struct http_endpoint;
struct http_request;

/* A request with more header fields is refused with 431. */
#define HTTP_FIELDS_MAX 100

enum http_peer_family {
    HTTP_PEER_NONE = 0,
    HTTP_PEER_TCP,
    HTTP_PEER_UNIX,
};

struct http_peer {
    enum http_peer_family family;
    bool loopback;
    bool uid_known; /* SO_PEERCRED, or sock_diag for loopback TCP */
    uint32_t uid;
    pid_t pid;
    char text[80];    /* "192.0.2.1:50000", "[::1]:80", "unix:uid=33" */
    char address[48]; /* without port; "" for Unix */
};

struct http_endpoint_options {
    const char *name;
    int listen_fd; /* non-blocking, stays the caller's */
    /* TLS when cert and key are given: PEM text, NUL-terminated; copied.
     * Priorities as GnuTLS writes them; NULL: TLS 1.3 and 1.2, forward
     * secrecy and authenticated encryption only. */
    const char *tls_certificate, *tls_key, *tls_priorities;
    bool need_peer_uid; /* look the uid of a loopback TCP peer up too */
    bool restrict_uid;  /* close at accept unless the peer's uid is this */
    uint32_t only_uid;
    /* An IPv6 address counts by its /64; 0 for no limit per address. */
    unsigned connections_max, connections_per_address_max;
    /* Between two requests; the others are as long if they are 0. */
    unsigned idle_timeout_s;
    unsigned first_byte_timeout_s; /* of a new connection */
    unsigned header_timeout_s;     /* from there to the end of the head */
    unsigned body_timeout_s;       /* to the end of the body */
    unsigned write_timeout_s;      /* until the client has the answer */
    /* Of an answer that does not go out at once the client takes so many
     * bytes in each such time; 0: whatever it takes is enough. */
    unsigned write_progress_s;
    size_t write_progress_min;
    size_t header_max; /* connection memory */
    size_t token_max;  /* of Authorization; 0: no limit */
    size_t body_max;   /* that is collected */
    /* That may be announced, because somebody takes it as it comes; 0: no
     * more than body_max. */
    uint64_t taken_body_max;
};

/* Whether certificate and key (PEM, NUL-terminated) belong together: 0, or
 * -1 and what the TLS library says. */
int http_tls_check(const char *certificate, const char *key,
                   struct error *err);
/* One of them alone: "no certificate in PEM form". */
int http_tls_check_certificate(const char *certificate, struct error *err);
int http_tls_check_key(const char *key, struct error *err);

struct http_handlers {
    void *arg;
    /* Headers are admitted.  A request without a body may be answered here
     * or later; for one with a body, answering here closes the connection
     * without reading it; returning without an answer reads it. */
    void (*begin)(void *arg, struct http_request *r);
    /* The request is complete, body (if any) included: answer, or
     * http_request_suspend and answer later. Not called once answered. */
    void (*complete)(void *arg, struct http_request *r);
    /* The exchange is over; r and its context go away.  bytes: of the
     * response body. Always called once for each begin. */
    void (*finished)(void *arg, struct http_request *r, int status,
                     uint64_t bytes, bool completed);
    /* Admission refused it; the answer is on its way. */
    void (*refused)(void *arg, const struct http_endpoint *ep,
                    const struct http_peer *peer, int status,
                    const char *reason);
};

int http_endpoint_new(const struct http_endpoint_options *options,
                      const struct http_handlers *handlers,
                      struct http_endpoint **out, struct error *err);
void http_endpoint_free(struct http_endpoint *ep);
int http_endpoint_listen_fd(const struct http_endpoint *ep);
int http_endpoint_epoll_fd(const struct http_endpoint *ep);
/* False while all connections are taken and none is in the way, and while it
 * drains: nothing is accepted then, and what has come waits at the socket. */
bool http_endpoint_has_room(const struct http_endpoint *ep);
/* Up to a few connections a call, so that neighbours get theirs. */
void http_endpoint_accept(struct http_endpoint *ep);
void http_endpoint_run(struct http_endpoint *ep);
/* TLS sessions that begin from now on have this certificate; those that have
 * begun keep theirs.  On failure nothing changes. */
int http_endpoint_set_certificate(struct http_endpoint *ep,
                                  const char *certificate, const char *key,
                                  struct error *err);
/* -1: no deadline. */
int http_endpoint_timeout_ms(const struct http_endpoint *ep);
/* Stop accepting; idle connections are closed, busy ones get
 * Connection: close with their answer. */
void http_endpoint_drain(struct http_endpoint *ep);
unsigned http_endpoint_connections(const struct http_endpoint *ep);
const char *http_endpoint_name(const struct http_endpoint *ep);
/* The caller's pointer, for its own listener data. */
void http_endpoint_set_context(struct http_endpoint *ep, void *context);
void *http_endpoint_context(const struct http_endpoint *ep);

/* -- request: valid from begin to finished -------------------------------- */

const char *http_request_method(const struct http_request *r);
/* The raw target as it came, origin form ("/a%20b?c"). */
struct span http_request_target(const struct http_request *r);
const struct http_peer *http_request_peer(const struct http_request *r);
struct http_endpoint *http_request_endpoint(const struct http_request *r);
/* The one value; absent if there is none. Repeated: the first. */
struct span http_request_header(const struct http_request *r,
                                const char *name);
unsigned http_request_header_count(const struct http_request *r,
                                   const char *name);
/* Any header whose name begins so (ASCII case ignored). */
bool http_request_header_prefix(const struct http_request *r,
                                const char *prefix);
/* The index-th header line, from 0; false: there are no more. */
bool http_request_field(const struct http_request *r, size_t index,
                        struct span *name_out, struct span *value_out);
bool http_request_has_body(const struct http_request *r);
/* As its head says; false: chunked, so that it is not known. */
bool http_request_body_length(const struct http_request *r,
                              uint64_t *length_out);
struct span http_request_body(const struct http_request *r); /* complete */
/* gnutls_session_t of a TLS connection, else NULL. */
void *http_request_tls(const struct http_request *r);
/*
 * What belongs to the certificate of r's own TLS session, which need not be
 * the endpoint's newest; NULL until it is set.  Taken: it lives as long as
 * the endpoint or a session has the certificate; not set without TLS.
 */
void *http_request_certificate_context(const struct http_request *r);
void http_request_set_certificate_context(struct http_request *r,
                                          void *context,
                                          void (*release)(void *context));
void http_request_set_context(struct http_request *r, void *context);
void *http_request_context(const struct http_request *r);
/*
 * What outlives a request on its connection.  Taken: release (may be NULL)
 * is called with it when another one takes its place or the connection goes,
 * after the last `finished` on it.  NULL when there is none.  It says who
 * spoke here before, which behind a proxy is not who speaks now.
 */
void http_request_set_connection_context(struct http_request *r, void *context,
                                         void (*release)(void *context));
void *http_request_connection_context(const struct http_request *r);
/*
 * A body that is taken as it comes, instead of collected.  Said in `begin`,
 * or not at all.  take is given each piece and returns how much of it it
 * took: when it is less, nothing more is read from the connection until
 * http_request_take_more.  `complete` follows the last piece as usual, and
 * http_request_body is empty.  An answer given before waits for its end:
 * the library sends none earlier.  What is unwanted is dropped until then;
 * what is more than drop_max and 64 KiB ends the connection instead.
 * body_timeout_s is then the time for 64 KiB each.
 */
#define HTTP_BODY_UNWANTED SIZE_MAX /* nor is anything that follows */

struct http_body_taker {
    void *arg;
    size_t (*take)(void *arg, const char *data, size_t size);
    /* It is over, whether or not there is an answer already; may be NULL. */
    void (*end)(void *arg);
    uint64_t drop_max;
};
void http_request_take_body(struct http_request *r,
                            const struct http_body_taker *taker);
void http_request_take_more(struct http_request *r);
/* From complete on nothing happens on a request until it is answered; this
 * says that it is meant.  Should the client leave meanwhile, or the endpoint
 * be freed, then it is finished without an answer. */
void http_request_suspend(struct http_request *r);

/* -- target --------------------------------------------------------------- */

/*
 * A target's path decoded exactly once, and its query kept raw.  Refused
 * (false): no leading '/', absolute form, %2f %5c %00 and control characters,
 * raw backslash, "//", a "." or ".." segment, malformed or overlong UTF-8, a
 * lone '%', '#', and anything above the limit.  What follows the first '='
 * or '"' behind a ':' is the key of an instance path: there %2f, %5c and "//"
 * are data and are let through; only under /cim/, since elsewhere an upstream
 * might not agree.
 */
#define HTTP_TARGET_MAX 8192

struct http_target {
    char path[HTTP_TARGET_MAX]; /* decoded, NUL-terminated, begins with '/' */
    size_t path_length;
    struct span query; /* raw, into the target given; absent: no '?' */
};

bool http_target_parse(struct span raw, struct http_target *out);
/* One decoded query parameter: 1 found once, 0 absent, -1 malformed or
 * twice. */
int http_query_get(struct span query, const char *name, char *out,
                   size_t out_max);

/* -- response ------------------------------------------------------------- */

struct http_header {
    const char *name;
    const char *value;
};

#define HTTP_STREAM_LATER (-2)

/* A streamed body: read returns bytes put into out (> 0), 0 for "the end",
 * -1 to break the connection off (the client sees a truncated body),
 * HTTP_STREAM_LATER for "nothing yet": it is asked again after
 * http_request_stream_more.  close is called once, before the request's
 * `finished`.  With a length it is sent with Content-Length, and an end before
 * that breaks off; without one it is chunked. */
struct http_stream {
    void *arg;
    long (*read)(void *arg, char *out, size_t max);
    void (*close)(void *arg);
    bool has_length;
    uint64_t length;
};

void http_request_stream_more(struct http_request *r);

struct http_response {
    int status;
    const struct http_header *headers; /* names and values are copied */
    size_t header_count;
    struct span body;                 /* copied */
    const struct http_stream *stream; /* instead of body; copied */
    bool close;                       /* Connection: close */
    bool to_head; /* sealed only: neither body nor length (RFC 9110 8.6) */
};

/* Once per request.  For HEAD the body is not sent but its length is told.
 * Header values with control characters are refused (threat 27): then a
 * bare 500 goes out.  Empty ones are left out. */
void http_respond(struct http_request *r,
                  const struct http_response *response);

/* -- sealed bodies (MS-WSMV 2.2.9.1; levels.md 5) -------------------------- */

/*
 * The framing of message encryption: a multipart of exactly two parts, read
 * by structure and never by looking for a boundary in ciphertext.
 *
 *     --Encrypted Boundary CRLF
 *     [tab]Content-Type: application/HTTP-SPNEGO-session-encrypted CRLF
 *     [tab]OriginalContent: type=T;charset=UTF-8;Length=L CRLF
 *     --Encrypted Boundary CRLF
 *     [tab]Content-Type: application/octet-stream CRLF
 *     u32 N (little endian), N bytes header, sealed data
 *     --Encrypted Boundary-- CRLF [CRLF]
 */
enum http_sealed_protocol {
    HTTP_SEALED_NONE = 0,
    HTTP_SEALED_SPNEGO,   /* application/HTTP-SPNEGO-session-encrypted */
    HTTP_SEALED_KERBEROS, /* application/HTTP-Kerberos-session-encrypted */
};

struct http_sealed {
    enum http_sealed_protocol protocol;
    struct span type;     /* T, "application/http" or "application/soap+xml" */
    struct span charset;  /* "UTF-8"; for SOAP perhaps "UTF-16" */
    uint64_t length;      /* L: of the plaintext */
    size_t header_length; /* N */
    struct span sealed;   /* header and data; into the body given */
};

/* Of a Content-Type; NONE if it is not multipart/encrypted with one of the
 * two protocols and the boundary "Encrypted Boundary", each once. */
enum http_sealed_protocol http_sealed_protocol(struct span content_type);
/* The whole value, for an answer in the same protocol. */
const char *http_sealed_content_type(enum http_sealed_protocol protocol);
/* False, with a literal in *reason, for anything but exactly that; both
 * parts must be of `protocol`. */
bool http_sealed_parse(struct span body, enum http_sealed_protocol protocol,
                       struct http_sealed *out, const char **reason);
/* sealed: as security_context_wrap makes it. */
void http_sealed_format(enum http_sealed_protocol protocol, const char *type,
                        const char *charset, size_t plain_length,
                        struct span sealed, size_t header_length,
                        struct buf *out);

/*
 * The message inside (RFC 9112 10.2, application/http): a whole request or
 * response, whose reading is as strict as that of one on a connection.  All
 * spans point into the plaintext.
 */
struct http_inner_field {
    struct span name, value;
};

struct http_inner {
    char method[16];    /* request */
    struct span target; /* request */
    int status;         /* response */
    size_t field_count;
    struct http_inner_field fields[HTTP_FIELDS_MAX];
    struct span body;
};

/* admission_check's rules, CRLF only, and: HTTP/1.1; no Transfer-Encoding, no
 * Expect, no Authorization, no Connection, no X-HTTP-Method-Override;
 * Content-Length equal to what follows, absent only if nothing does.  head_max:
 * bytes to the end of the empty line.  False: *status_out and a literal in
 * *reason. */
bool http_inner_request_parse(struct span plain, size_t head_max,
                              struct http_inner *out, int *status_out,
                              const char **reason);
bool http_inner_response_parse(struct span plain, struct http_inner *out,
                               const char **reason);
/* The only field of that name in any case; absent if there is none. */
struct span http_inner_field(const struct http_inner *m, const char *name);
unsigned http_inner_field_count(const struct http_inner *m, const char *name);
/* "HTTP/1.1 200 OK", the headers (control characters in values refused as
 * in http_respond), Content-Length, body. False: refused or no memory. */
bool http_inner_response_format(const struct http_response *response,
                                struct buf *out);
bool http_inner_request_format(const char *method, const char *target,
                               const char *host,
                               const struct http_header *headers,
                               size_t header_count, struct span body,
                               struct buf *out);

/*
 * The client's side of it: one message, sealed, and its answer, opened.  The
 * sealer is the part that knows GSS (gateway/auth, security_context_wrap and
 * _unwrap): header and sealed data are appended to out.
 */
struct http_sealer {
    void *arg;
    int (*wrap)(void *arg, struct span plain, struct buf *out,
                size_t *header_length_out, struct error *err);
    int (*unwrap)(void *arg, struct span sealed, struct buf *plain,
                  struct error *err);
};

/* The outer body, appended; its Content-Type is http_sealed_content_type. */
int http_sealed_request(const struct http_sealer *sealer,
                        enum http_sealed_protocol protocol, struct span inner,
                        struct buf *out, struct error *err);
/* Opens an answer into plain, which *out points into afterwards.  An answer
 * that is not sealed in this protocol is an error: it may be anybody's. */
int http_sealed_answer(const struct http_sealer *sealer,
                       enum http_sealed_protocol protocol,
                       struct span content_type, struct span body,
                       struct buf *plain, struct http_inner *out,
                       struct error *err);

#endif
