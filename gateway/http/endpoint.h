#ifndef GATEWAY_HTTP_ENDPOINT_H
#define GATEWAY_HTTP_ENDPOINT_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "gateway/http/http.h"

/*
 * An endpoint's parts.  A connection is the library's only while there is
 * something to do on it that the library can do: before the first byte it
 * waits here, where it costs a few hundred bytes instead of the library's
 * pool, and after a refusal that left a body unread it lingers here.
 *
 *     accept -> WAITING -> HEAD [-> BODY] -> ANSWERING -> SENDING -> gone
 *                           ^                                |  '-> LINGERING
 *                           '------ RESTING [-> IDLE] <------'
 *
 * Each state has its time; whose time is over is ENDING until the library has
 * seen that, and then gone.
 */
enum connection_state {
    CONNECTION_WAITING = 0, /* for its first byte */
    CONNECTION_HEAD,        /* the head of a request, before it TLS */
    CONNECTION_BODY,
    CONNECTION_ANSWERING, /* a request is complete */
    CONNECTION_SENDING,   /* and its answer made */
    CONNECTION_RESTING,   /* answered just now: the next may be near */
    CONNECTION_IDLE,      /* its memory is given back */
    CONNECTION_ENDING,    /* shut down; the library has not seen it yet */
    CONNECTION_LINGERING, /* answered and closed; the rest is dropped */
    CONNECTION_STATES,
};

struct address_count;
struct http_request;
struct tls_certificate;

struct connection {
    struct http_endpoint *ep;
    TAILQ_ENTRY(connection) link;
    enum connection_state state;
    int fd;               /* the library's from HEAD to ENDING */
    uint64_t deadline_ms; /* 0: none */
    struct http_peer peer;
    struct sockaddr_storage address;
    struct address_count *count; /* of this address; NULL: not counted */
    struct tls_certificate *certificate; /* of its TLS session; NULL: none */
    struct http_request *request;        /* its line has been read; not over */
    bool watched;                        /* for a hang-up, while suspended */
    int linger_fd;      /* becomes fd once the library is done */
    const void *memory; /* of the library's pool, at or near its begin */
    bool over;          /* it ends with the request that was last */
    uint64_t moved_ms;  /* when its state began, or something of a body came */
    uint64_t answers;   /* that were begun */
    /* Of one that is SENDING when a sample is taken, see room.c. */
    bool stalled;                     /* nothing was taken since the last */
    uint64_t sample_ms;               /* the last */
    uint64_t window_taken, window_ms; /* in the present interval; its begin */
    uint64_t taken;                   /* of a TCP socket, so far */
    uint64_t given;                   /* to a Unix socket */
    int waiting;                      /* in it */
    void *context;                    /* the handlers' */
    void (*release)(void *context);
};

TAILQ_HEAD(connection_list, connection);

struct http_endpoint {
    char *name;
    struct http_endpoint_options options; /* strings are not kept */
    struct http_handlers handlers;
    void *context;
    struct tls_certificate *certificate; /* for new sessions; NULL: no TLS */
    struct MHD_Daemon *mhd;
    int mhd_fd;   /* the library's epoll set, nested in ours */
    int epoll_fd; /* ours: mhd_fd, and connections that are not its */
    int diag_fd;
    bool draining;
    bool stopping;
    bool wake;            /* something was resumed: run before waiting */
    unsigned said_status; /* of the library's latest refusal; 0: none */
    unsigned connections, ending;
    uint64_t sample_ms;  /* the next, if anything is SENDING */
    uint64_t starved_ms; /* until then there are no descriptors */
    /* One list a state; each in order of deadline, since all that enter it
     * get the same time. */
    struct connection_list lists[CONNECTION_STATES];
    uint64_t allowed_ms[CONNECTION_STATES];
    struct strmap *addresses;  /* struct address_count by its text */
    struct connection *adding; /* inside MHD_add_connection */
    char complaint[256];       /* the library's last words, at start */
};

/* -- tls.c ---------------------------------------------------------------- */

/*
 * A certificate with its key.  A session uses the one it began with for as
 * long as it lives, whatever the endpoint takes meanwhile: it is counted.
 */
int tls_certificate_new(const char *certificate, const char *key,
                        struct tls_certificate **out, struct error *err);
struct tls_certificate *tls_certificate_ref(struct tls_certificate *t);
void tls_certificate_unref(struct tls_certificate *t); /* NULL is fine */
void *tls_certificate_context(const struct tls_certificate *t);
void tls_certificate_set_context(struct tls_certificate *t, void *context,
                                 void (*release)(void *context));
/* A session (gnutls_session_t) before its handshake; t stays alive at least
 * as long as it. False: it must not go on. */
bool tls_session_prepare(void *session, struct tls_certificate *t);
/* For MHD_OPTION_HTTPS_CERT_CALLBACK2: a session that was not prepared gets
 * no certificate. */
void *tls_refuse_callback(void);
extern const char tls_priorities_default[];

/* -- connection.c --------------------------------------------------------- */

/* Takes an accepted fd: refuses it, lets it wait, or hands it over. */
void connection_open(struct http_endpoint *ep, int fd,
                     const struct sockaddr_storage *address);
/* The socket is ours again or closed; c goes away. */
void connection_free(struct connection *c);
/* Releases the context it has and takes another; the same one stays. */
void connection_set_context(struct connection *c, void *context,
                            void (*release)(void *context));
/* The library sees the end of what comes, and does the rest. */
void connection_end(struct connection *c);
/* Moves it to a state's list and starts that state's time. */
void connection_enter(struct connection *c, enum connection_state state);
/* Something happened on a descriptor in our own epoll set. */
void connection_ready(struct connection *c, uint32_t events);
/* Watches a suspended connection for a hang-up, or stops doing so. */
void connection_watch(struct connection *c, bool on);
/* Called in a request's last moment: what the client still sends shall be
 * read and dropped after the library has closed, so that the answer is not
 * lost to a reset (RFC 9112 9.6). */
void connection_linger(struct connection *c);
/* The library's: a connection begins, or is gone (but for lingering). */
void connection_notify(void *arg, struct MHD_Connection *mhd, void **context,
                       enum MHD_ConnectionNotificationCode code);
/* Ends those whose time is up. */
void connection_expire(struct http_endpoint *ep);
/* ms to the next deadline, -1: none. */
int connection_next_ms(const struct http_endpoint *ep);

/* -- room.c --------------------------------------------------------------- */

/* Sees who takes its answer and who does not, and ends the latter in time. */
void room_sample(struct http_endpoint *ep, uint64_t now);
bool room_is_full(const struct http_endpoint *ep);
/* It is, or there are no descriptors: look again after ROOM_LOOK_MS. */
#define ROOM_LOOK_MS 250
bool room_is_short(const struct http_endpoint *ep);
/* Ends the one that has been silent longest, but not keep; false: none is. */
bool room_make(struct http_endpoint *ep, const struct connection *keep);

/* -- memory.c ------------------------------------------------------------- */

/*
 * Gives those whole pages between start and start + size back to the system
 * that hold nothing but zeros.  They read as zeros afterwards, so nobody can
 * tell, whoever they belong to; pages that cannot be read, and such that are
 * not private memory, stay as they are.
 */
void memory_release_zeros(const void *start, size_t size);

#endif
