#ifndef GATEWAY_CTL_LISTEN_H
#define GATEWAY_CTL_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "gateway/auth/auth.h"
#include "gateway/ctl/client.h"
#include "gateway/http/http.h"
#include "policy/decision/decision.h"

/* Of a request's head; a ticket with many groups has room. */
#define LISTEN_HEAD_BYTES_MAX ((size_t)64 * 1024)

/*
 * nsgatectl listen: a sink for asynchronous results.  What a sink owes to
 * its sender is small: it proves itself once on each connection, and takes
 * data on no connection whose sender has not proven itself there.
 *
 *     listen_options   the command line
 *     listen_message   one body: indicate or setstatus
 *     listen_text      JSON on one line, its numbers as they came
 *     listen_keys      which of them were here before
 *     listen_report    what the user sees of it
 *     listen_exchange  a request and its answer, in clear or sealed
 *     listen_sink      what is taken of them
 *     listen           socket, keytab, loop
 */

/* -- listen_options.c ----------------------------------------------------- */

struct listen_options {
    struct client_url url;
    char name[300];                /* "HTTP@host" */
    const char *certificate, *key; /* PEM files; both with https */
    const char *keytab;
    const char *gateway;    /* the only principal data is taken from */
    enum authn_level level; /* the least that data is taken at */
    bool json;
    unsigned count;     /* end after so many statuses; 0: never */
    unsigned timeout_s; /* 0: none */
    int answer;         /* to data; 0: 204 */
};

/* 0, or the exit status after a complaint. */
int listen_options_parse(struct listen_options *o, int argc, char **argv);

/* -- listen_message.c ----------------------------------------------------- */

#define LISTEN_OPERATION_TEXT 33
#define LISTEN_KEY_MAX        64

enum listen_kind {
    LISTEN_KIND_NONE = 0,
    LISTEN_INDICATE,
    LISTEN_SETSTATUS,
};

struct listen_message {
    cJSON *json;     /* all of it; owned */
    struct buf text; /* the same, compact */
    enum listen_kind kind;
    char operation[LISTEN_OPERATION_TEXT];
    char key[LISTEN_KEY_MAX]; /* what Idempotency-Key says of such a one */
    const char *namespace;    /* INDICATE */
    uint32_t batch;           /* INDICATE */
    uint32_t batches;         /* SETSTATUS */
    uint32_t objects;
    uint32_t hresult; /* SETSTATUS */
    const char *symbol;
};

/* -1: the body is not one of the two; out needs no fini then. */
int listen_message_parse(struct span body, struct listen_message *out,
                         struct error *err);
void listen_message_fini(struct listen_message *m);

/* -- listen_text.c -------------------------------------------------------- */

/* Without white space, and with everything escaped that is not to reach a
 * terminal. text: JSON that has been parsed. */
void listen_text_compact(struct span text, struct buf *out);
/* A member's value in a compact object, absent if there is none. */
struct span listen_text_member(struct span object, const char *key);
/* Elements of a compact array one by one: elements begins as what stands
 * behind its '['. */
bool listen_text_next(struct span *elements, struct span *element_out);

/* -- listen_keys.c -------------------------------------------------------- */

/* Remembers the newest so many; a sender does not repeat older ones. */
#define LISTEN_KEYS_MAX 65536

struct listen_keys;

struct listen_keys *listen_keys_new(void);
void listen_keys_free(struct listen_keys *k);
bool listen_keys_has(const struct listen_keys *k, const char *principal,
                     const char *key);
/* False: out of memory. */
bool listen_keys_add(struct listen_keys *k, const char *principal,
                     const char *key);
void listen_keys_remove(struct listen_keys *k, const char *principal,
                        const char *key);

/* -- listen_report.c ------------------------------------------------------ */

/* Who has logged in on a connection. */
struct listen_sender {
    char principal[AUTH_PRINCIPAL_MAX];
    enum authn_level declared, applied, effective;
    enum channel_kind channel;
    bool bound;
    int64_t expires_us;
    struct security_context *context; /* NULL: it cannot seal (TLS) */
};

/* Of a connection's context. */
void listen_sender_free(void *sender);

struct listen_delivery {
    const struct listen_sender *sender;
    const struct listen_message *message;
    bool gateway_checked; /* the principal is the one that was asked for */
    bool duplicate;
    int answer;
};

const char *listen_binding_name(const struct listen_sender *s);
/* Flushed.  -1: it could not be written. */
int listen_report(const struct listen_delivery *d, bool json, FILE *out);

/* -- listen_exchange.c ---------------------------------------------------- */

struct listen_exchange {
    struct http_request *http;
    bool known;                         /* somebody has logged in */
    struct listen_sender sender;        /* with this request's levels */
    enum http_sealed_protocol protocol; /* NONE: in clear, or TLS */
    struct http_inner *inner;           /* opened: its answer is sealed */
    struct buf plain;
};

/* End with listen_exchange_end, answered or not. */
void listen_exchange_begin(struct listen_exchange *x, struct http_request *r);
void listen_exchange_end(struct listen_exchange *x);
/* 0: in clear, or opened.  -1: and nobody is logged in any more. */
int listen_exchange_open(struct listen_exchange *x, struct error *err);
struct span listen_exchange_header(const struct listen_exchange *x,
                                   const char *name);
unsigned listen_exchange_header_count(const struct listen_exchange *x,
                                      const char *name);
struct span listen_exchange_body(const struct listen_exchange *x);
/* Instead of http_respond. */
void listen_exchange_respond(struct listen_exchange *x,
                             const struct http_response *response);

/* -- listen_sink.c -------------------------------------------------------- */

struct listen_sink {
    const struct listen_options *options;
    struct acceptor *acceptor;
    struct listen_keys *keys;
    unsigned statuses; /* whose answer went out */
    bool failed;       /* one of them, or the output */
    /* Nothing more is wanted: called once. */
    void (*end)(void *arg);
    void *arg;
};

void listen_sink_handlers(struct listen_sink *sink,
                          struct http_handlers *handlers_out);

#endif
