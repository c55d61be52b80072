#include "gateway/http/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A body's memory grows with what comes, not with what was announced. */
#define BODY_FIRST_BYTES ((size_t)64 * 1024)
/* Of a body that is taken, in each body_timeout_s. */
#define BODY_PROGRESS_BYTES ((size_t)64 * 1024)

void *
request_line(void *arg, const char *uri, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    size_t length = strlen(uri);
    struct http_request *r = calloc(1, sizeof(*r) + length + 1);

    if (r == NULL)
        return NULL;
    r->ep = arg;
    r->connection = info->socket_context;
    r->mhd = mhd;
    r->body = BUF_INIT;
    r->target_length = length;
    memcpy(r->target, uri, length + 1);
    r->connection->request = r;
    if (r->connection->state != CONNECTION_HEAD)
        connection_enter(r->connection, CONNECTION_HEAD);
    return r;
}

static void
request_free(struct http_request *r)
{
    if (r->response != NULL)
        MHD_destroy_response(r->response);
    buf_fini(&r->body);
    free(r->fields);
    free(r);
}

/* -- admission ------------------------------------------------------------ */

struct field_collector {
    struct http_field *next, *end;
};

static enum MHD_Result
collect_field(void *arg, enum MHD_ValueKind kind, const char *name,
              size_t name_length, const char *value, size_t value_length)
{
    struct field_collector *c = arg;

    (void)kind;
    if (c->next == c->end)
        return MHD_NO;
    *c->next++ = (struct http_field){
        .name = {name, name_length},
        .value = {value != NULL ? value : name + name_length, value_length},
    };
    return MHD_YES;
}

static bool
request_collect_fields(struct http_request *r)
{
    int count = MHD_get_connection_values(r->mhd, MHD_HEADER_KIND, NULL, NULL);
    struct field_collector c;

    if (count <= 0)
        return count == 0;
    r->fields = calloc((size_t)count, sizeof(*r->fields));
    if (r->fields == NULL)
        return false;
    c = (struct field_collector){r->fields, r->fields + count};
    MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, collect_field, &c);
    r->field_count = (size_t)(c.next - r->fields);
    return true;
}

static void
request_check(struct http_request *r, const char *uri, const char *version)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const struct admission_request q = {
        .method = span_of(r->method),
        .target = {r->target, r->target_length},
        .version = span_of(version),
        .fields = r->fields,
        .count = r->field_count,
        .token_max = r->ep->options.token_max,
        .body_max = r->ep->options.taken_body_max > r->ep->options.body_max
                        ? r->ep->options.taken_body_max
                        : r->ep->options.body_max,
    };
    const struct admission_wire wire = {
        .method = r->method,
        .target = uri,
        .version = version,
        .target_length = r->target_length,
        .fields = r->fields,
        .count = r->field_count,
        .header_size = info != NULL ? info->header_size : 0,
    };

    admission_check(&q, &r->admission);
    r->last = r->admission.last;
    if (r->admission.admitted && !admission_covers(&wire))
        r->admission = (struct admission){.status = MHD_HTTP_BAD_REQUEST,
                                          .reason = "malformed line"};
    for (size_t i = 0; i < r->field_count; i++)
        r->fields[i].value = span_trim(r->fields[i].value);
}

static enum MHD_Result
request_queue(struct http_request *r)
{
    r->queued = true;
    r->last |= r->body_unread;
    r->connection->answers++;
    connection_enter(r->connection, CONNECTION_SENDING);
    return MHD_queue_response(r->mhd, (unsigned)r->status, r->response);
}

static void
request_answer_status(struct http_request *r, int status, const char *detail)
{
    static const struct http_header headers[] = {
        {"Content-Type", "application/problem+json"},
        {"Cache-Control", "no-store"},
    };
    char body[256];
    int length = refusal_body_format(status, detail, body);
    const struct http_response response = {
        .status = status,
        .headers = headers,
        .header_count = ARRAY_COUNT(headers),
        .body = {body, (size_t)length},
        .close = true,
    };

    if (!response_make(r, &response))
        r->aborted = true;
}

static enum MHD_Result
request_refuse(struct http_request *r)
{
    const struct http_handlers *h = &r->ep->handlers;

    r->phase = REQUEST_REFUSED;
    r->body_unread = true;
    if (h->refused != NULL)
        h->refused(h->arg, r->ep, &r->connection->peer, r->admission.status,
                   r->admission.reason);
    request_answer_status(r, r->admission.status, r->admission.reason);
    return r->aborted ? MHD_NO : request_queue(r);
}

/* -- the headers ---------------------------------------------------------- */

static enum MHD_Result
request_open(struct http_request *r, const char *uri, const char *method,
             const char *version)
{
    const struct http_handlers *h = &r->ep->handlers;

    r->method = method;
    r->connection->memory = method;
    if (!request_collect_fields(r))
        return MHD_NO;
    request_check(r, uri, version);
    if (!r->admission.admitted)
        return request_refuse(r);
    r->phase = REQUEST_BODY;
    connection_enter(r->connection, http_request_has_body(r)
                                        ? CONNECTION_BODY
                                        : CONNECTION_ANSWERING);
    h->begin(h->arg, r);
    if (r->response == NULL && r->taker.take == NULL &&
        r->admission.content_length > r->ep->options.body_max)
        request_answer_status(r, MHD_HTTP_CONTENT_TOO_LARGE, "body too large");
    if (r->aborted)
        return MHD_NO;
    if (r->response != NULL && http_request_has_body(r)) {
        r->body_unread = true;
        return request_queue(r);
    }
    return MHD_YES;
}

/* -- body and completion -------------------------------------------------- */

/* The library takes no answer while a body comes in: what is too much is
 * dropped, as much again as would have been allowed, and answered then. */
static bool
request_drop(struct http_request *r, size_t size)
{
    uint64_t max =
        r->taker.take != NULL ? r->taker.drop_max : r->ep->options.body_max;

    r->dropped += size;
    return r->dropped <= max + BODY_FIRST_BYTES;
}

static enum MHD_Result
request_collect(struct http_request *r, const char *data, size_t size)
{
    size_t max = r->ep->options.body_max;
    uint64_t announced = r->admission.content_length;

    if (r->dropped == 0 && size <= max - r->body.length) {
        if (r->body.data == NULL && announced > 0)
            buf_reserve(&r->body, announced < BODY_FIRST_BYTES
                                      ? (size_t)announced
                                      : BODY_FIRST_BYTES);
        buf_add(&r->body, data, size);
        return buf_failed(&r->body) ? MHD_NO : MHD_YES;
    }
    buf_fini(&r->body);
    return request_drop(r, size) ? MHD_YES : MHD_NO;
}

/* What the taker leaves stays the library's. */
static enum MHD_Result
request_give(struct http_request *r, const char *data, size_t given,
             size_t *left)
{
    size_t took;

    took = r->taker.take(r->taker.arg, data, given);
    if (took == HTTP_BODY_UNWANTED) {
        if (!request_drop(r, given))
            return MHD_NO;
        took = given;
    }
    *left = given - took;
    r->taken += took;
    if (took < given && !r->aborted) {
        request_suspend(r);
    } else if (r->taken >= BODY_PROGRESS_BYTES) {
        r->taken = 0;
        connection_enter(r->connection, CONNECTION_BODY);
    }
    return r->aborted ? MHD_NO : MHD_YES;
}

static void
request_finish_reading(struct http_request *r)
{
    const struct http_handlers *h = &r->ep->handlers;

    r->phase = REQUEST_COMPLETE;
    connection_enter(r->connection, CONNECTION_ANSWERING);
    if (r->taker.take != NULL && r->taker.end != NULL)
        r->taker.end(r->taker.arg);
    if (r->response != NULL)
        return;
    if (r->dropped > 0 && r->taker.take == NULL)
        request_answer_status(r, MHD_HTTP_CONTENT_TOO_LARGE, "body too large");
    else
        h->complete(h->arg, r);
}

static enum MHD_Result
request_proceed(struct http_request *r)
{
    if (r->phase == REQUEST_BODY)
        request_finish_reading(r);
    if (r->aborted)
        return MHD_NO;
    if (r->response != NULL)
        return request_queue(r);
    request_suspend(r);
    return MHD_YES;
}

enum MHD_Result
request_handle(void *arg, struct MHD_Connection *mhd, const char *url,
               const char *method, const char *version, const char *data,
               size_t *size, void **context)
{
    struct http_request *r = *context;
    size_t given = *size;

    (void)arg, (void)mhd;
    *size = 0;
    if (r == NULL || r->aborted)
        return MHD_NO;
    switch (r->phase) {
    case REQUEST_HEADERS:
        return request_open(r, url, method, version);
    case REQUEST_BODY:
        r->connection->moved_ms = clock_monotonic_ms();
        if (given > 0 && r->taker.take != NULL)
            return request_give(r, data, given, size);
        if (given > 0)
            return request_collect(r, data, given);
        return request_proceed(r);
    case REQUEST_COMPLETE:
        return request_proceed(r);
    default:
        return MHD_NO;
    }
}

/* -- the end -------------------------------------------------------------- */

void
request_suspend(struct http_request *r)
{
    r->suspended = true;
    MHD_suspend_connection(r->mhd);
    connection_enter(r->connection, CONNECTION_ANSWERING);
    connection_watch(r->connection, true);
}

static void
request_resume(struct http_request *r)
{
    if (!r->suspended)
        return;
    r->suspended = false;
    connection_watch(r->connection, false);
    if (r->queued)
        connection_enter(r->connection, CONNECTION_SENDING);
    else if (r->phase == REQUEST_BODY)
        connection_enter(r->connection, CONNECTION_BODY);
    MHD_resume_connection(r->mhd);
    r->ep->wake = true;
}

void
request_abort(struct http_request *r)
{
    r->aborted = true;
    request_resume(r);
}

static int
request_status(const struct http_request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_HTTP_STATUS);

    return info != NULL ? (int)info->http_status : 0;
}

/* True if the connection ends with this answer while the client may still
 * be sending: a refusal of ours or of the library, or a chunked body. */
static bool
request_may_go_on(const struct http_request *r)
{
    return r->queued ? r->body_unread || r->admission.chunked
                     : request_status(r) != 0;
}

static uint64_t
request_bytes(const struct http_request *r, bool completed)
{
    if (r->stream != NULL)
        return response_stream_bytes(r->stream);
    return completed ? r->body_sent : 0;
}

static void
request_tell_end(struct http_request *r, enum MHD_RequestTerminationCode code)
{
    const struct http_handlers *h = &r->ep->handlers;
    int status = request_status(r);
    bool completed = r->queued && code == MHD_REQUEST_TERMINATED_COMPLETED_OK;

    if (r->stream != NULL)
        response_stream_close(r->stream);
    if (r->phase == REQUEST_BODY || r->phase == REQUEST_COMPLETE)
        h->finished(h->arg, r, status, request_bytes(r, completed), completed);
    else if (r->phase == REQUEST_HEADERS && status != 0 && h->refused != NULL)
        /* The library could not read it, and has answered. */
        h->refused(h->arg, r->ep, &r->connection->peer, status,
                   "unreadable headers");
}

void
request_completed(void *arg, struct MHD_Connection *mhd, void **context,
                  enum MHD_RequestTerminationCode code)
{
    struct http_request *r = *context;
    struct connection *c;

    (void)arg, (void)mhd;
    if (r == NULL)
        return;
    *context = NULL;
    c = r->connection;
    c->over = r->last || code != MHD_REQUEST_TERMINATED_COMPLETED_OK;
    r->ep->said_status = 0;
    connection_watch(c, false);
    request_tell_end(r, code);
    if (request_may_go_on(r))
        connection_linger(c);
    c->request = NULL;
    connection_enter(c, CONNECTION_RESTING);
    if (r->ep->draining)
        shutdown(c->fd, SHUT_RD);
    request_free(r);
}

void
request_forsake(struct http_request *r)
{
    /* They were in the library's memory. */
    r->method = "";
    r->field_count = 0;
    request_tell_end(r, MHD_REQUEST_TERMINATED_WITH_ERROR);
    r->connection->request = NULL;
    request_free(r);
}

/* -- what handlers do ----------------------------------------------------- */

void
http_request_take_body(struct http_request *r,
                       const struct http_body_taker *taker)
{
    r->taker = *taker;
}

void
http_request_take_more(struct http_request *r)
{
    if (r->phase == REQUEST_BODY)
        request_resume(r);
}

void
http_request_stream_more(struct http_request *r)
{
    if (r->queued)
        request_resume(r);
}

/* What is complete and not answered is suspended anyway (request_proceed):
 * saying so is the handler's promise to answer later. */
void
http_request_suspend(struct http_request *r)
{
    (void)r;
}

void
http_respond(struct http_request *r, const struct http_response *response)
{
    if (r->response != NULL || r->aborted || r->phase == REQUEST_REFUSED) {
        response_discard(response);
        return;
    }
    if (!response_make(r, response))
        r->aborted = true;
    request_resume(r);
}
