/*
 * Asynchronous requests as a worker sees them: accepting one (Prefer:
 * respond-async), and the operation's own resource, /operations/ID.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "gateway/server/request.h"
#include "gateway/server/way.h"

#define OPERATIONS_PATH "/operations/"
#define ANSWER_MS       10000 /* for the dispatcher to have committed */

#define ACCESS_DENIED   0x80041003u /* WBEM_E_ACCESS_DENIED */
#define QUOTA_VIOLATION 0x8004106Cu /* WBEM_E_QUOTA_VIOLATION */

/* -- the outbox, read only ---------------------------------------------------- */

struct outbox *
worker_outbox(struct worker *w)
{
    if (w->outbox == NULL && outbox_open(w->boot->config->state_dir,
                                         OUTBOX_READ, &w->outbox, NULL) < 0)
        w->outbox = NULL;
    return w->outbox;
}

static enum step_result
operation_unavailable(struct request *r, const char *detail)
{
    r->reason = "operations-unavailable";
    atomic_fetch_add_explicit(&r->worker->counters->unavailable, 1,
                              memory_order_relaxed);
    answer_problem(r, 503, "unavailable", "Service unavailable", detail, 0,
                   NULL);
    return STEP_DONE;
}

/* -- route: /operations/ID ------------------------------------------------------ */

static bool
id_parse(struct span path, char out[OPERATION_ID_TEXT])
{
    struct span id = span_skip(path, sizeof(OPERATIONS_PATH) - 1);

    if (id.length != OPERATION_ID_TEXT - 1)
        return false;
    for (size_t i = 0; i < id.length; i++) {
        if (!ascii_is_digit(id.data[i]) &&
            !(id.data[i] >= 'a' && id.data[i] <= 'f'))
            return false;
    }
    memcpy(out, id.data, id.length);
    out[id.length] = '\0';
    return true;
}

bool
operation_is_path(struct span path)
{
    return path.length >= sizeof(OPERATIONS_PATH) - 1 &&
           memcmp(path.data, OPERATIONS_PATH, sizeof(OPERATIONS_PATH) - 1) ==
               0;
}

/* The same for one that never was and for somebody else's (threat 40). */
static enum step_result
operation_not_found(struct request *r)
{
    r->reason = "no-such-operation";
    answer_problem(r, 404, "not-found", "Not found",
                   "There is no such operation of yours.", 0, NULL);
    return STEP_DONE;
}

static enum operation_kind
operation_kind_of(const char *method)
{
    /* Cancelling needs the level that reading does: a request that came in
     * clear may be somebody else's by now. */
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
        strcmp(method, "DELETE") == 0)
        return OPERATION_READ;
    return strcmp(method, "OPTIONS") == 0 ? OPERATION_DISCOVER
                                          : OPERATION_WRITE;
}

enum step_result
operation_route(struct request *r)
{
    struct span path = {r->target.path, r->target.path_length};
    struct outbox *outbox = worker_outbox(r->worker);
    struct arena *arena = NULL;
    struct operation o;
    int found = -1;
    bool ours = false;

    if (r->target.query.data != NULL || !id_parse(path, r->async.id))
        return operation_not_found(r);
    if (outbox != NULL && (arena = arena_new()) != NULL)
        found = outbox_find(outbox, r->async.id, arena, &o, NULL);
    if (found == 1)
        ours = span_equal(o.request.principal, span_of(r->auth.principal)) &&
               namespace_path_parse(&r->route.namespace, o.request.namespace,
                                    NULL) == NAMESPACE_PATH_OK;
    arena_free(arena);
    if (found < 0)
        return operation_unavailable(r, "The operations cannot be read now.");
    if (!ours)
        return operation_not_found(r);
    r->resource = RESOURCE_OPERATION;
    r->operation = operation_kind_of(request_method(r));
    return STEP_NEXT;
}

/* -- asking the dispatcher --------------------------------------------------------- */

/* The request waits; operation_answered lets it go on. */
static enum step_result
dispatcher_wait(struct request *r)
{
    r->async.again = false;
    if (r->async.asked)
        return STEP_WAIT;
    r->async.answer = OPERATION_MESSAGE_NONE;
    r->async.asked = true;
    r->wait_end_ms = clock_monotonic_ms() + ANSWER_MS;
    http_request_suspend(r->http);
    return STEP_WAIT;
}

/* True: it has answered, or will not. */
static bool
dispatcher_has_answered(const struct request *r)
{
    return r->async.answer != OPERATION_MESSAGE_NONE ||
           clock_monotonic_ms() >= r->wait_end_ms;
}

/* A dispatcher has just begun, and knows nothing of what its predecessor was
 * asked; the same id makes asking twice the same as asking once. */
static void
operations_ask_again(struct worker *w)
{
    for (struct request *r = w->waiting; r != NULL; r = r->next) {
        if (r->async.asked && r->async.answer == OPERATION_MESSAGE_NONE)
            r->async.again = true;
    }
}

void
operation_answered(struct worker *w)
{
    struct channel_message m;
    struct operation_note n;
    bool any = false;

    while (channel_receive(w->boot->operation_fd, &m) > 0) {
        if (m.fd >= 0)
            close(m.fd);
        if (!operation_note_decode(m.body, m.length, &n))
            continue;
        if (m.type == OPERATION_MESSAGE_HELLO) {
            operations_ask_again(w);
            any = true;
            continue;
        }
        for (struct request *r = w->waiting; r != NULL; r = r->next) {
            if (r->async.asked && strcmp(r->async.id, n.id) == 0) {
                r->async.answer = (enum operation_message)m.type;
                any = true;
            }
        }
    }
    if (any)
        requests_retry(w);
}

/* -- accepting ------------------------------------------------------------------------ */

enum prefer_parse
operation_preference(struct request *r)
{
    const char *method = request_method(r);
    struct span value = request_header(r, "Prefer");

    r->async.sink[0] = '\0';
    if (value.data == NULL || strcmp(method, "GET") != 0)
        return PREFER_NONE;
    return prefer_parse(value, r->async.sink);
}

static enum step_result
accept_malformed(struct request *r, const char *detail)
{
    answer_malformed(r, detail);
    return STEP_DONE;
}

/* Refused before anything is kept: 403, and the event that the log of the
 * namespace's machine has to have (design: 5606). */
static enum step_result
accept_refuse(struct request *r, enum event_id event, const char *reason,
              const char *detail)
{
    r->reason = reason;
    atomic_fetch_add_explicit(&r->worker->counters->denied, 1,
                              memory_order_relaxed);
    record_event(r, event, reason, detail,
                 "Name a sink by https that is listed in [callback];"
                 " docs/asynchronous.md.");
    answer_sink_refused(r, event, reason, detail);
    return STEP_DONE;
}

/* What results may not be sent below: what the namespace needs, and what the
 * request itself was protected by unless configured otherwise. */
static enum authn_level
floor_of(const struct request *r)
{
    enum authn_level floor = r->worker->boot->config->callback.floor;

    if (floor == AUTHN_LEVEL_DEFAULT)
        floor = authn_level_min(r->declared, r->applied);
    return floor < AUTHN_LEVEL_CONNECT ? AUTHN_LEVEL_CONNECT : floor;
}

/* STEP_NEXT: it may be sent there.  Privacy is judged before any list. */
static enum step_result
judge_sink(struct request *r, const struct sink *sink)
{
    const struct config_callback *c = &r->worker->boot->config->callback;
    enum authn_level applied = way_best_level(c, sink);
    char detail[NAMESPACE_PATH_MAX + sizeof(sink->host) + 256];

    if (applied < r->decision.required) {
        snprintf(detail, sizeof(detail),
                 "%s requires %s; results sent to http://%s would have"
                 " nothing but %s. A sink by https can be private.",
                 r->display, authn_level_name(r->decision.required),
                 sink->host, authn_level_name(applied));
        return accept_refuse(r, EVENT_CALLBACK_NOT_SECURE, "sink-not-private",
                             detail);
    }
    if (applied < floor_of(r)) {
        snprintf(detail, sizeof(detail),
                 "This request came at %s; results sent to http://%s would"
                 " have nothing but %s. A sink by https can be private.",
                 authn_level_name(floor_of(r)), sink->host,
                 authn_level_name(applied));
        return accept_refuse(r, EVENT_CALLBACK_NOT_SECURE, "sink-below-floor",
                             detail);
    }
    if (!sink_is_listed(c, sink) || c->client_keytab == NULL)
        return accept_refuse(r, EVENT_ACCESS_REFUSED, "sink-not-listed",
                             "The configuration does not list this sink.");
    return STEP_NEXT;
}

static bool
id_make(char out[OPERATION_ID_TEXT])
{
    unsigned char bytes[(OPERATION_ID_TEXT - 1) / 2];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return false;
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static enum step_result
accept_send(struct request *r)
{
    struct operation_request o = {
        .request_id = span_of(r->id),
        .principal = span_of(r->auth.principal),
        .namespace = namespace_path_span(&r->route.namespace),
        .display = span_of(r->display),
        .target = http_request_target(r->http),
        .floor = floor_of(r),
        .declared = r->declared,
        .applied = r->applied,
        .required = r->decision.required,
    };
    char bytes[CHANNEL_BODY_MAX];
    size_t length;

    if (r->async.sink[0] != '\0')
        o.sink = span_of(r->async.sink);
    memcpy(o.id, r->async.id, sizeof(o.id));
    if (operation_request_encode(&o, bytes, sizeof(bytes), &length) < 0)
        return accept_malformed(
            r, "The request is too long to be carried out later.");
    if (channel_send(r->worker->boot->operation_fd, OPERATION_MESSAGE_CREATE,
                     bytes, length, -1) < 0)
        return operation_unavailable(r, "No operation can be begun now.");
    return dispatcher_wait(r);
}

static enum step_result
accept_begin(struct request *r, enum prefer_parse preference)
{
    struct sink *sink;
    struct error err = {0, ""};
    enum step_result result = STEP_NEXT;

    if (preference == PREFER_MALFORMED)
        return accept_malformed(r, "The callback of Prefer is not one;"
                                   " callback; url=\"https://...\" is.");
    if (request_header_count(r, "Prefer") > 1)
        return accept_malformed(r, "There is more than one Prefer.");
    if (preference == PREFER_CALLBACK) {
        sink = malloc(sizeof(*sink));
        if (sink == NULL)
            return operation_unavailable(r, "No operation can be begun now.");
        if (!sink_parse(span_of(r->async.sink), sink, &err))
            result = accept_malformed(r, err.text);
        else
            result = judge_sink(r, sink);
        if (result == STEP_NEXT)
            memcpy(r->async.sink, sink->url, sizeof(r->async.sink));
        free(sink);
    }
    if (result != STEP_NEXT)
        return result;
    if (!id_make(r->async.id))
        return operation_unavailable(r, "No operation can be begun now.");
    return accept_send(r);
}

static enum step_result
accept_answer(struct request *r)
{
    char location[sizeof(OPERATIONS_PATH) + OPERATION_ID_TEXT];
    const struct http_header headers[] = {
        {"Location", location},
        {"Preference-Applied", r->async.sink[0] != '\0'
                                   ? "respond-async, callback"
                                   : "respond-async"},
        {"Retry-After", "1"}};
    struct buf body = BUF_INIT;

    snprintf(location, sizeof(location), OPERATIONS_PATH "%s", r->async.id);
    json_begin(&body);
    json_text(&body, "kind", "operation");
    json_text(&body, "id", r->async.id);
    json_text(&body, "state", operation_state_name(OPERATION_ACCEPTED));
    json_text(&body, "self", location);
    json_end(&body);
    atomic_fetch_add_explicit(&r->worker->counters->allowed, 1,
                              memory_order_relaxed);
    answer_send(r, 202, "application/json", buf_span(&body), NULL, headers,
                ARRAY_COUNT(headers));
    buf_fini(&body);
    return STEP_DONE;
}

enum step_result
operation_accept(struct request *r, enum prefer_parse preference)
{
    if (!r->async.asked)
        return accept_begin(r, preference);
    if (r->async.again)
        return accept_send(r);
    if (!dispatcher_has_answered(r))
        return STEP_WAIT;
    switch (r->async.answer) {
    case OPERATION_MESSAGE_CREATED:
        return accept_answer(r);
    case OPERATION_MESSAGE_QUOTA:
        r->reason = "quota";
        answer_problem(r, 429, "quota", "Too many operations",
                       "There are too many unfinished operations; fetch,"
                       " or cancel with DELETE, those that you have.",
                       QUOTA_VIOLATION, "WBEM_E_QUOTA_VIOLATION");
        return STEP_DONE;
    default:
        return operation_unavailable(
            r, "It is not known whether the operation was accepted; asked for"
               " again it may be done twice.");
    }
}

/* -- fetching -------------------------------------------------------------------------- */

/* The parts of a stored result, as one document. */
struct result_source {
    struct worker *worker;
    char id[OPERATION_ID_TEXT];
    char *head; /* NULL: the one object itself */
    uint32_t next, batches;
    uint32_t written;
};

static bool
result_next(void *arg, struct buf *out, bool *done_out)
{
    struct result_source *s = arg;
    struct outbox *outbox = worker_outbox(s->worker);

    if (s->next == 1 && s->head != NULL)
        buf_add_string(out, s->head);
    if (s->next <= s->batches) {
        if (s->next > 1)
            buf_add_char(out, ',');
        if (outbox == NULL ||
            outbox_batch(outbox, s->id, s->next, out, NULL, NULL) != 1)
            return false;
    }
    *done_out = s->next >= s->batches;
    s->next++;
    if (*done_out && s->head != NULL)
        buf_add_string(out, "]}");
    return !buf_failed(out);
}

static void
result_free(void *arg)
{
    struct result_source *s = arg;

    free(s->head);
    free(s);
}

static enum step_result
poll_result(struct request *r, const struct operation *o)
{
    const struct http_header headers[] = {{"AsyncResult", "200"}};
    struct result_source *s = calloc(1, sizeof(*s));
    const struct part_source source = {s, result_next, result_free};

    if (s != NULL && o->head.data != NULL)
        s->head = strndup(o->head.data, o->head.length);
    if (s == NULL || (o->head.data != NULL && s->head == NULL)) {
        free(s);
        return operation_unavailable(r, "The result cannot be read now.");
    }
    s->worker = r->worker;
    memcpy(s->id, r->async.id, sizeof(s->id));
    s->next = 1;
    s->batches = o->batches;
    if (act_stream(r, &source, false, headers, ARRAY_COUNT(headers)))
        return STEP_DONE;
    result_free(s);
    return operation_unavailable(r, "The result cannot be read now.");
}

/* The request would have been answered so at once (OData 4.01 11.6). */
static enum step_result
poll_failure(struct request *r, const struct operation *o)
{
    bool missing = o->hresult == 0x80041002 || o->hresult == 0x80041010 ||
                   o->hresult == 0x8004100E;
    const char *symbol = operation_symbol(o->hresult);
    struct rest_problem p = {
        .type = missing ? "not-found" : "failed",
        .title = missing ? "Not found" : "The request failed",
        .status = missing ? 404 : 400,
        .detail = missing ? "What was asked for is not there."
                          : "The request could not be carried out.",
        .request_id = r->id,
        .namespace = r->display,
        .hresult = o->hresult,
        .symbol = symbol,
    };
    const struct http_header headers[] = {
        {"AsyncResult", missing ? "404" : "400"}};
    struct buf body = BUF_INIT;

    if (o->hresult == QUOTA_VIOLATION)
        p.detail = "The result is larger than result_max, or there is no room"
                   " for it (outbox_max).";
    r->reason = "failed";
    if (!rest_problem_format(&p, &body))
        buf_reset(&body);
    answer_send(r, 200, "application/problem+json", buf_span(&body), NULL,
                headers, ARRAY_COUNT(headers));
    buf_fini(&body);
    return STEP_DONE;
}

/* How it stands; for one with a sink all there is to fetch. */
static enum step_result
poll_status(struct request *r, const struct operation *o)
{
    bool pending =
        o->state == OPERATION_ACCEPTED || o->state == OPERATION_DELIVERING;
    const struct http_header headers[] = {{"Retry-After", "1"}};
    struct buf body = BUF_INIT;

    operation_format_json(o, false, &body);
    if (buf_failed(&body))
        buf_reset(&body);
    answer_send(r, pending ? 202 : 200, "application/json", buf_span(&body),
                NULL, headers, pending ? 1 : 0);
    buf_fini(&body);
    return STEP_DONE;
}

static enum step_result
operation_poll(struct request *r)
{
    struct outbox *outbox = worker_outbox(r->worker);
    struct arena *arena = arena_new();
    enum step_result result;
    struct operation o;
    int found = -1;

    if (outbox != NULL && arena != NULL)
        found = outbox_find(outbox, r->async.id, arena, &o, NULL);
    if (found < 0) {
        result = operation_unavailable(r, "The operations cannot be read"
                                          " now.");
    } else if (found == 0) {
        result = operation_not_found(r);
    } else {
        atomic_fetch_add_explicit(&r->worker->counters->allowed, 1,
                                  memory_order_relaxed);
        if (o.state != OPERATION_READY)
            result = poll_status(r, &o);
        else if (o.hresult != 0)
            result = poll_failure(r, &o);
        else
            result = poll_result(r, &o);
    }
    arena_free(arena);
    return result;
}

/* -- cancelling ------------------------------------------------------------------------- */

static enum step_result
operation_cancel(struct request *r)
{
    struct operation_note n;

    if (!r->async.asked || r->async.again) {
        memset(&n, 0, sizeof(n));
        memcpy(n.id, r->async.id, sizeof(n.id));
        if (channel_send(r->worker->boot->operation_fd,
                         OPERATION_MESSAGE_CANCEL, &n, sizeof(n), -1) < 0)
            return operation_unavailable(r, "It cannot be cancelled now.");
        return dispatcher_wait(r);
    }
    if (!dispatcher_has_answered(r))
        return STEP_WAIT;
    if (r->async.answer != OPERATION_MESSAGE_CANCELLED)
        return operation_unavailable(r, "It could not be cancelled.");
    answer_send(r, 204, NULL, (struct span){NULL, 0}, NULL, NULL, 0);
    return STEP_DONE;
}

enum step_result
operation_act(struct request *r)
{
    const struct http_header allow = {"Allow", OPERATION_METHODS};

    if (strcmp(request_method(r), "DELETE") == 0)
        return operation_cancel(r);
    if (r->operation == OPERATION_DISCOVER) {
        answer_send(r, 204, NULL, (struct span){NULL, 0}, NULL, &allow, 1);
        return STEP_DONE;
    }
    return operation_poll(r);
}
