#ifndef GATEWAY_EVENT_EVENT_H
#define GATEWAY_EVENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/base.h"

/*
 * The event log: state_dir/events.db (SQLite, WAL), written by the recorder
 * process only, read by nsgatectl.  One table gives each event's id, name,
 * severity, text and manual entry; ids are append only.  5605 and 5606 are
 * Windows' own (source Microsoft-Windows-WMI).
 */

enum event_id {
    EVENT_NONE = 0,
    EVENT_STARTED = 100,
    EVENT_STOPPED = 101,
    EVENT_RELOADED = 102,
    EVENT_RELOAD_FAILED = 103,
    EVENT_WORKER_DIED = 104,
    EVENT_POLICY_ACTIVATED = 110,
    EVENT_POLICY_UNAVAILABLE = 111, /* missing or corrupt: 503 for all */
    EVENT_POLICY_REBUILT = 112,
    EVENT_KEYTAB_CHANGED = 120,
    EVENT_KEYTAB_FAILED = 121, /* the old keys stay in use */
    EVENT_CERTIFICATE_CHANGED = 122,
    EVENT_CERTIFICATE_FAILED = 123, /* the old one stays in use */
    EVENT_AUTHENTICATION_FAILED = 130,
    EVENT_ACCESS_REFUSED = 131, /* realm, access section, minimum level */
    EVENT_REQUEST_MALFORMED = 132,
    EVENT_AUDITED = 133,    /* would have been refused */
    EVENT_CHALLENGED = 134, /* no token: the first request of a browser */
    EVENT_LOST = 140,       /* count of events that could not be recorded */
    EVENT_CALLBACK_FAILED = 150, /* given up: a dead letter */
    EVENT_OPERATIONS_LOST = 151, /* a damaged outbox was set aside */
    EVENT_UPSTREAM_FAILED = 160, /* no usable answer of a server behind */
    EVENT_ENCRYPTION_REQUIRED = 5605,
    EVENT_CALLBACK_NOT_SECURE = 5606,
};

enum event_severity {
    EVENT_INFORMATION = 0,
    EVENT_WARNING,
    EVENT_ERROR,
};

struct event_type {
    enum event_id id;
    const char *name;
    enum event_severity severity;
    const char *summary; /* one line, for the log and the manual */
    bool merges;         /* repeats within a minute are one row with a count */
    bool anybody; /* whoever can connect can cause it, as often as he likes */
};

const struct event_type *event_type(enum event_id id); /* NULL: unknown */
const struct event_type *event_type_at(size_t index);  /* NULL: the end */

/* Every field is optional text; absent ones are left out of the JSON. */
enum event_field {
    EVENT_FIELD_REQUEST_ID = 0,
    EVENT_FIELD_NAMESPACE,
    EVENT_FIELD_PRINCIPAL,
    EVENT_FIELD_CLIENT, /* address and port, or "unix uid=33" */
    EVENT_FIELD_LISTENER,
    EVENT_FIELD_METHOD,
    EVENT_FIELD_TARGET,
    EVENT_FIELD_REQUIRED_LEVEL,
    EVENT_FIELD_EFFECTIVE_LEVEL,
    EVENT_FIELD_DECLARED_LEVEL,
    EVENT_FIELD_APPLIED_LEVEL,
    EVENT_FIELD_CHANNEL,
    EVENT_FIELD_BINDING,
    EVENT_FIELD_REASON,
    EVENT_FIELD_DETAIL, /* the whole cause, e.g. gss_display_status */
    EVENT_FIELD_REMEDY,
    EVENT_FIELD_COUNT,
};

#define EVENT_TEXT_MAX 700 /* longer fields are cut at a character */

struct event {
    enum event_id id;
    int64_t time_us;
    uint64_t generation; /* of the policy, 0: none */
    uint32_t count;      /* occurrences; 0 counts as 1 */
    int worker;          /* -1: master */
    struct span fields[EVENT_FIELD_COUNT];
};

const char *event_field_name(enum event_field field); /* JSON key */

/* -- sending: any process to the recorder -------------------------------- */

/*
 * fd is this process's end of its channel to the recorder; never blocks.
 * What could not be sent is counted and told in an EVENT_LOST with the next
 * one that goes through (threat 35).  Half of the channel is kept for what
 * takes a ticket to cause, so that nobody can crowd out a refusal that counts
 * with requests that count for nothing.
 */
struct event_sender;
struct event_sender *event_sender_new(int fd, int worker);
void event_sender_free(struct event_sender *s);
void event_send(struct event_sender *s, const struct event *e);
uint64_t event_sender_lost(const struct event_sender *s);
/* Tells of losses now instead of with the next event; for a timer. */
void event_sender_flush(struct event_sender *s);
/* A new recorder's channel; the old descriptor stays the caller's. */
void event_sender_rebind(struct event_sender *s, int fd);

/* An event as bytes of a channel message body, and back. -1: does not fit,
 * or is not well-formed. fields of *out point into bytes.  Fields that do not
 * fit whole are cut, the longest first. */
int event_encode(const struct event *e, void *bytes, size_t max,
                 size_t *length_out);
int event_decode(const void *bytes, size_t length, struct event *out);

#define EVENT_MESSAGE 0x45 /* the channel message type */

/* -- the store: recorder ------------------------------------------------- */

#define EVENT_FILE "events.db"

struct event_store;
/* Creates it (0640) if absent.  A damaged file is set aside beside it and a
 * new one begun, with an EVENT_LOST that names it. */
int event_store_open(const char *state_dir, size_t rows_max,
                     struct event_store **out, struct error *err);
void event_store_close(struct event_store *s);
/*
 * Many writes, one commit: call commit when the channel is drained (at the
 * latest after 200 ms).  A repeat of a merging event (same id, namespace,
 * principal, address and reason, within a minute of the row's first) raises
 * the count of its row, but its request id is kept findable by
 * event_reader_why.
 *
 * On an error the events since the last commit are not in the file; they are
 * counted and told in an EVENT_LOST as soon as the file can be written again.
 * The store stays usable.
 */
/* 0: a row of its own; 1: counted in an earlier one; -1. */
int event_store_write(struct event_store *s, const struct event *e,
                      struct error *err);
int event_store_commit(struct event_store *s, struct error *err);
/* The line for stderr and `nsgatectl events`: one line, control characters
 * escaped, whatever the fields hold (threat 27). */
void event_format_line(const struct event *e, struct buf *out);
/* {"id":5605,"name":...,"time":...}: one object, one line; row 0 is left
 * out ("row" is the store's number). */
void event_format_json(const struct event *e, int64_t row, struct buf *out);

/* -- reading: nsgatectl -------------------------------------------------- */

struct event_filter {
    int64_t after_row; /* 0: from the beginning */
    size_t limit;      /* newest N when tail, else first N; 0: all */
    bool tail;
    enum event_id id;      /* 0: any */
    struct span namespace; /* in any case; absent: any */
};

struct event_reader;
int event_reader_open(const char *state_dir, struct event_reader **out,
                      struct error *err);
void event_reader_close(struct event_reader *r);
/* visit gets rows in ascending order; false stops. */
int event_reader_each(struct event_reader *r, const struct event_filter *f,
                      bool (*visit)(void *arg, int64_t row,
                                    const struct event *e),
                      void *arg, struct error *err);
/* The event of a request. 1 found, 0 not, -1 error.  Of a merged row it is
 * the repeat itself: its own time, client, target and detail, count 1. */
int event_reader_why(struct event_reader *r, struct span request_id,
                     void (*found)(void *arg, int64_t row,
                                   const struct event *e),
                     void *arg, struct error *err);

#endif
