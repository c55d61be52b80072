#ifndef GATEWAY_CALLBACK_CALLBACK_H
#define GATEWAY_CALLBACK_CALLBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "gateway/config/config.h"
#include "policy/base/base.h"
#include "policy/decision/decision.h"

/*
 * Asynchronous results: what a client asks for with Prefer, where it wants
 * the results, the operations that wait in the outbox, and one exchange with
 * a sink.  Nothing here knows Kerberos or the resources of /cim: the server
 * puts them together (docs/asynchronous.md).
 */

/* -- what the client prefers (RFC 7240; OData 4.01 8.2.8.4) --------------- */

#define SINK_URL_MAX 2048

enum prefer_parse {
    PREFER_MALFORMED = 0, /* a callback that cannot be read: 400 */
    PREFER_NONE,          /* nothing said that matters here */
    PREFER_ASYNC,         /* respond-async */
    PREFER_CALLBACK,      /* respond-async and callback; url="..." */
};

/* value: of one Prefer header; NULL or empty: PREFER_NONE.  Unknown
 * preferences are skipped, as RFC 7240 2 wants it; a callback without
 * respond-async counts for nothing.  url_out is empty unless CALLBACK. */
enum prefer_parse prefer_parse(struct span value,
                               char url_out[SINK_URL_MAX + 1]);

/* -- sinks ----------------------------------------------------------------- */

/* Where results go, taken apart once by libcurl's own parser, so that what
 * was judged is what is connected to. */
struct sink {
    bool tls;
    char host[256]; /* lower case; an address without brackets */
    uint16_t port;
    char url[SINK_URL_MAX + 1]; /* put together again, port included */
};

/* http and https only; no user, no fragment; ASCII without blanks or control
 * characters; a host in numbers is a plain dotted quad or an IPv6 address
 * without a zone. */
bool sink_parse(struct span url, struct sink *out, struct error *err);

/* Path and query, as they are asked for; into url. */
const char *sink_target(const struct sink *sink);

/* Whether `sinks` names the host: "mgmt.example.com" (the scheme's own port),
 * "mgmt.example.com:8443", "*.example.com" (names below it, any depth, not
 * itself), "*.example.com:8443", "192.0.2.7", "[2001:db8::7]:8443".  An empty
 * list names nobody. */
bool sink_is_listed(const struct config_callback *config,
                    const struct sink *sink);

/*
 * Whether an address that a sink's name led to may be connected to: global
 * unicast only, unless one of `sink_networks` holds it (threat 28).  Not
 * global: loopback, private, shared, link-local and with them the metadata
 * services, multicast, unspecified, documentation, benchmarking, reserved;
 * of IPv6 also unique-local, and mapped, translated (64:ff9b::/96), 6to4 and
 * Teredo forms, which are judged by the IPv4 address in them.
 */
bool sink_address_is_allowed(const struct config_callback *config,
                             const struct sockaddr *address);

/* -- operations ------------------------------------------------------------ */

#define OPERATION_ID_TEXT    33 /* 128 random bits in hex, and the NUL */
#define OPERATION_REASON_MAX 48
#define OPERATION_DETAIL_MAX 512

enum operation_state {
    OPERATION_STATE_NONE = 0,
    OPERATION_ACCEPTED,   /* to be carried out */
    OPERATION_READY,      /* its result waits to be fetched */
    OPERATION_DELIVERING, /* its result is on its way to the sink */
    OPERATION_DONE,       /* the sink has all of it */
    OPERATION_REFUSED,    /* could not be delivered securely, or not any more
                             to this principal; hresult says which */
    OPERATION_DEAD,       /* given up: the dead letters */
    OPERATION_CANCELLED,
};

const char *operation_state_name(enum operation_state state);
enum operation_state operation_state_find(struct span name);

/* What a client asked for: fixed when the request is accepted.  The spans
 * belong to whoever made it. */
struct operation_request {
    char id[OPERATION_ID_TEXT];
    struct span request_id;
    struct span principal;  /* who alone may poll, cancel, receive */
    struct span namespace;  /* canonical */
    struct span display;    /* the author's spelling */
    struct span target;     /* raw: "/cim/root/x:C/instances?limit=5" */
    struct span sink;       /* URL; absent: the result is fetched */
    enum authn_level floor; /* deliveries below it are refused */
    enum authn_level declared, applied; /* the request's own */
    enum authn_level required;          /* at that time */
    /* Limits of the configuration; the dispatcher's, not part of a message. */
    uint32_t give_up_s, keep_s, keep_dead_s;
    uint32_t operations_max, operations_per_principal;
    uint64_t result_max, outbox_max;
};

struct operation {
    struct operation_request request; /* without the operations_ limits */
    enum operation_state state;
    uint32_t hresult; /* 0: no failure */
    struct span reason, detail;
    uint64_t generation; /* of the newest data in the result */
    uint32_t batches, objects;
    uint64_t bytes;    /* of the batches that are held */
    uint32_t sent;     /* batches that the sink has */
    uint32_t attempts; /* since the last success */
    int64_t created_us, next_us, give_up_us, finished_us; /* 0: not */
    int64_t expires_us; /* when it is forgotten; 0: not by itself */
    /* What stands before the objects in a fetched collection; absent: the
     * result is the one object itself. */
    struct span head;
};

/* "WBEM_E_ACCESS_DENIED"; NULL: none that is known. */
const char *operation_symbol(uint32_t hresult);

/* {"kind":"operation","id":...,"state":...}: for polls and nsgatectl. */
void operation_format_json(const struct operation *o, bool whole,
                           struct buf *out);

/*
 * The outbox: state_dir/outbox.db (SQLite, WAL), mode 0640.  The dispatcher
 * writes; workers, couriers and nsgatectl read.  Nothing is acknowledged
 * before outbox_commit has returned 0.  nsgatectl may write beside the
 * dispatcher, which sees such a change at its next look at what is due.
 *
 * A file that turns out to be damaged is kept beside the new one as
 * outbox.db.damaged-<ms>: at outbox_open, or by the writer's next call after
 * the error that showed the damage; outbox_set_aside then names it, for a log.
 *
 * For a reader a file that is not there yet, or still empty, is no error:
 * nothing is found, nothing visited, nothing counted, and it is opened at a
 * later call.  One that was set aside is left for its successor the same way.
 * A handle belongs to one thread.
 */
#define OUTBOX_FILE "outbox.db"

struct outbox;

enum outbox_mode {
    OUTBOX_READ = 0,
    OUTBOX_WRITE, /* creates it */
};

int outbox_open(const char *state_dir, enum outbox_mode mode,
                struct outbox **out, struct error *err);
/* What was not committed is gone. */
void outbox_close(struct outbox *b);
/* The name of a damaged file this handle has put aside; NULL: none. */
const char *outbox_set_aside(const struct outbox *b);

/* Writing: many changes, one commit; each call begins the transaction if
 * there is none.  After an error everything since the last commit is rolled
 * back; if that undid a change that had succeeded, the next commit fails, and
 * undoes what came after it, too.  A change of an operation that is not
 * there, or not in a state for it, does nothing and succeeds: it was cancelled
 * meanwhile. */
int outbox_commit(struct outbox *b, struct error *err);
bool outbox_is_dirty(const struct outbox *b);

enum outbox_add {
    OUTBOX_ADD_FAILED = 0,
    OUTBOX_ADD_QUOTA, /* operations_max, operations_per_principal or
                         outbox_max; finished operations do not count
                         (READY is not finished).  Also an id that is
                         there already, which costs nobody else his change */
    OUTBOX_ADD_OK, /* also if this principal's operation of that id is there:
                      it is asked for again */
};

enum outbox_add outbox_add(struct outbox *b, const struct operation_request *r,
                           int64_t now_us, struct error *err);
/* Batches are numbered from 1 in the order of their adding. body: JSON
 * objects with commas between. */
int outbox_add_batch(struct outbox *b, const char *id, struct span body,
                     uint32_t objects, struct error *err);
/* Forgets the batches of an attempt to carry it out that was interrupted. */
int outbox_drop_batches(struct outbox *b, const char *id, struct error *err);
/* Of one that is to be carried out from its beginning again. */
int outbox_drop_batches(struct outbox *b, const char *id, struct error *err);
/* The result is complete: READY, or DELIVERING when there is a sink.
 * hresult != 0: the operation failed; its batches, if any, are dropped. */
int outbox_set_result(struct outbox *b, const char *id, uint32_t hresult,
                      struct span head, uint64_t generation, int64_t now_us,
                      struct error *err);
/* The sink has the first `sent` batches; attempts begin at 0 again. */
int outbox_set_sent(struct outbox *b, const char *id, uint32_t sent,
                    struct error *err);
/* A delivery failed and is tried again at next_us; one more attempt. */
int outbox_set_retry(struct outbox *b, const char *id, int64_t next_us,
                     struct span reason, struct span detail,
                     struct error *err);
/* The same, without counting: for DELIVERY_UNAVAILABLE, and an ACCEPTED one
 * that cannot be carried out now. */
int outbox_set_wait(struct outbox *b, const char *id, int64_t next_us,
                    struct span reason, struct span detail, struct error *err);
/* DONE (the sink has all batches), REFUSED, DEAD or CANCELLED: the end; the
 * batches go, but for DEAD, which nsgatectl can revive.  hresult 0 keeps what
 * stands there.  Does nothing to an operation that has ended. */
int outbox_set_end(struct outbox *b, const char *id, enum operation_state end,
                   uint32_t hresult, struct span reason, struct span detail,
                   int64_t now_us, struct error *err);
/* DEAD -> DELIVERING, after the batches the sink has, with a new give-up time
 * (give_up_s as at first) and the hresult of the result; -> ACCEPTED if there
 * was no result yet.  1 done, 0 no such dead letter, -1. */
int outbox_revive(struct outbox *b, const char *id, int64_t now_us,
                  struct error *err);
/* Ended ones whose time to keep is over, or that are more than
 * OUTBOX_ENDED_MAX, and READY ones nobody fetched. */
#define OUTBOX_ENDED_MAX 100000
int outbox_expire(struct outbox *b, int64_t now_us, struct error *err);
/* Bytes of all results that are held. */
int outbox_volume(struct outbox *b, uint64_t *bytes_out, struct error *err);
/* While results take outbox_max bytes or more, the oldest dead letters go;
 * how many, or -1. */
int outbox_drop_dead(struct outbox *b, uint64_t outbox_max, struct error *err);
/* Every trace of it. */
int outbox_remove(struct outbox *b, const char *id, struct error *err);

/* Reading.  1 found, 0 not, -1 error.  Spans of *out live in arena. */
int outbox_find(struct outbox *b, const char *id, struct arena *arena,
                struct operation *out, struct error *err);
/* The objects of batch `number`, appended; objects_out may be NULL. */
int outbox_batch(struct outbox *b, const char *id, uint32_t number,
                 struct buf *out, uint32_t *objects_out, struct error *err);
/* The newest `limit` (0: all) in order of time, newest last. state NONE: all.
 * visit false: stop.  The spans live until visit returns, and visit calls
 * nothing of this outbox. */
int outbox_each(struct outbox *b, enum operation_state state, size_t limit,
                bool (*visit)(void *arg, const struct operation *o), void *arg,
                struct error *err);
/* Of one state and due, the longest due first, at most limit (0: all).  sink
 * lets the caller spread its couriers over the sinks.  visit may change the
 * outbox. */
int outbox_due(struct outbox *b, enum operation_state state, int64_t now_us,
               size_t limit,
               bool (*visit)(void *arg, const char *id, struct span sink),
               void *arg, struct error *err);
/* The earliest next_us of DELIVERING and ACCEPTED ones; INT64_MAX: none. */
int outbox_next_due(struct outbox *b, int64_t *due_us_out, struct error *err);
/* How many there are of each state. */
int outbox_counts(struct outbox *b, uint64_t counts[OPERATION_CANCELLED + 1],
                  struct error *err);

/* -- messages: worker <-> dispatcher <-> courier --------------------------- */

enum operation_message {
    OPERATION_MESSAGE_NONE = 0,
    /* worker to dispatcher */
    OPERATION_MESSAGE_CREATE, /* operation_request_encode */
    OPERATION_MESSAGE_CANCEL, /* struct operation_note: id */
    /* dispatcher to worker: struct operation_note */
    OPERATION_MESSAGE_CREATED,   /* committed */
    OPERATION_MESSAGE_QUOTA,     /* refused: too many */
    OPERATION_MESSAGE_FAILED,    /* could not be stored */
    OPERATION_MESSAGE_CANCELLED, /* committed; also of one already ended */
    /* dispatcher to worker, its first: whoever waits for an answer of an
     * earlier dispatcher asks again, with the same id */
    OPERATION_MESSAGE_HELLO,
    /* dispatcher to courier: struct operation_note */
    OPERATION_MESSAGE_DELIVER,
    /* courier to dispatcher: struct operation_note */
    OPERATION_MESSAGE_SENT,    /* number: batches the sink has; under way */
    OPERATION_MESSAGE_OUTCOME, /* of a DELIVER: outcome, hresult, levels */
};

enum delivery_outcome {
    DELIVERY_RETRY = 0,   /* try again later */
    DELIVERY_UNAVAILABLE, /* no policy here now: again, without counting */
    DELIVERY_INSECURE,    /* refused for good: no secure way (5606) */
    DELIVERY_DENIED,      /* the decision refuses the principal */
    DELIVERY_REJECTED,    /* the sink does not want it: a dead letter */
    DELIVERY_CANCELLED,   /* the sink says stop (410) */
    DELIVERY_DONE,
};

struct operation_note {
    char id[OPERATION_ID_TEXT];
    uint8_t outcome;   /* enum delivery_outcome */
    uint8_t unsecured; /* RETRY: as struct sink_failure */
    uint8_t required, declared, applied, effective; /* of the delivery */
    uint32_t number;
    uint32_t hresult;
    char reason[OPERATION_REASON_MAX];
    char detail[OPERATION_DETAIL_MAX];
};

/* 0, or -1: does not fit. */
int operation_request_encode(const struct operation_request *r, void *bytes,
                             size_t max, size_t *length_out);
/* Checks everything it can: -1 for anything that encode would not make. */
int operation_request_decode(const void *bytes, size_t length,
                             struct operation_request *out);
/* False if it is not one: length, ids, texts, enums. */
bool operation_note_decode(const void *bytes, size_t length,
                           struct operation_note *out);

/* Delay before attempt n (1, 2, ...) is repeated: 1 s doubled up to 15
 * minutes, and up to a quarter more by `random`. */
int64_t delivery_backoff_us(uint32_t attempts, uint64_t random);

/* -- the way to a sink (RFC 4559; docs/asynchronous.md) -------------------- */

/* Why an exchange did not come about. */
struct sink_failure {
    enum delivery_outcome outcome;
    /* RETRY: there is a way to the sink, but it could not be secured; after
     * giving up that is what stopped it. */
    bool unsecured;
    char reason[OPERATION_REASON_MAX]; /* "sink-certificate" */
    char detail[OPERATION_DETAIL_MAX]; /* of the library or the sink, cut */
};

/* The part that knows Kerberos; the session's connection is given to it. */
struct sink_authenticator {
    void *arg;
    /* The value of Authorization for this connection, appended. pem: the
     * sink's certificate, absent without TLS.  0, or -1 and *failure. */
    int (*token)(void *arg, const char *host, struct span pem, struct buf *out,
                 struct sink_failure *failure);
    /* reply: the sink's WWW-Authenticate, absent if there was none.  Only 0
     * lets anything be sent. */
    int (*finish)(void *arg, struct span reply, struct sink_failure *failure);
};

/*
 * A session is one connection: made, authenticated, and then the carrier of
 * results.  When it breaks it is over: nothing is ever sent on a second
 * connection under the authentication of the first.
 *
 *     sink_session_open(config, &sink, &authenticator, &session, &failure)
 *         resolve, connect to an allowed address, verify the certificate,
 *         token -> POST without a body -> 2xx -> finish
 *     sink_session_exchange(session, &sink, headers, count, body, &answer,
 *                           &failure)
 *     sink_session_judge(answer.status, &failure)
 *     sink_session_close(session)
 *
 * Blocks, at most sink_timeout_s a call.  Redirects are not followed, no
 * proxy of the environment is used, of an answer at most 64 KiB are read,
 * unless more is asked for.
 */
struct sink_session;

int sink_session_open(const struct config_callback *config,
                      const struct sink *sink,
                      const struct sink_authenticator *authenticator,
                      struct sink_session **out, struct sink_failure *failure);
/* One answer; end it with buf_fini(&answer.body). */
struct sink_answer {
    size_t max; /* head and body; 0: 64 KiB */
    long status;
    char type[256]; /* its Content-Type, cut */
    struct buf body;
};

/* A POST on the session's connection, to sink's URL, which must be of the
 * same scheme, host and port.  0: there is an answer, whatever it says.
 * headers: "Name: value". */
int sink_session_exchange(struct sink_session *s, const struct sink *sink,
                          const char *const *headers, size_t header_count,
                          struct span body, struct sink_answer *answer,
                          struct sink_failure *failure);
/* What a status means for a delivery: 0 for 2xx, else -1 and *failure. */
int sink_session_judge(long status, struct sink_failure *failure);
/* False once the peer has closed it; for a session that was idle. */
bool sink_session_is_alive(const struct sink_session *s);
void sink_session_close(struct sink_session *s);

#endif
