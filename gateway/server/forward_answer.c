/* What servers behind the gateway answer, on its way to the client. */
#include <stdio.h>
#include <string.h>

#include "gateway/server/forward.h"

void
forward_end(struct request *r)
{
    struct proxy_transfer *t = r->forward.transfer;

    r->forward.transfer = NULL;
    r->forward.over = true;
    proxy_transfer_free(t);
}

static long
forward_read(void *arg, char *out, size_t max)
{
    struct request *r = arg;
    long got;

    if (r->forward.transfer == NULL)
        return -1;
    got = proxy_transfer_read(r->forward.transfer, out, max);
    if (got == -1)
        r->reason = "broken-off";
    return got == -2 ? HTTP_STREAM_LATER : got;
}

static void
forward_close(void *arg)
{
    forward_end(arg);
}

static void
forward_too_large(struct request *r)
{
    forward_end(r);
    r->reason = "too-large";
    answer_problem(r, 413, "too-large", "Too large to be sealed",
                   "The answer is larger than sealed_body_max; ask by https.",
                   0, NULL);
}

/* A sealed answer is made in one piece: its head waits in r. */
static void
forward_seal(struct request *r)
{
    size_t max = r->listener->config->sealed_body_max;
    char block[16 * 1024];
    long got;

    while ((got = proxy_transfer_read(r->forward.transfer, block,
                                      sizeof(block))) > 0)
    {
        buf_add(&r->forward.body, block, (size_t)got);
        if (r->forward.body.length > max) {
            forward_too_large(r);
            return;
        }
    }
    if (got == -2)
        return;
    if (got < 0 || buf_failed(&r->forward.body)) {
        forward_end(r);
        r->reason = "upstream-closed";
        answer_problem(r, 502, "bad-gateway", "Bad gateway",
                       "The server behind the gateway broke its answer off.",
                       0, NULL);
        return;
    }
    forward_end(r);
    answer_forwarded(r, r->forward.status, buf_span(&r->forward.head),
                     buf_span(&r->forward.body), NULL);
}

void
forward_readable(void *arg)
{
    struct request *r = arg;

    if (r->sealed.open)
        forward_seal(r);
    else
        http_request_stream_more(r->http);
}

/* "name NUL value NUL" of each: what outlives the transfer. */
static bool
head_keep(struct request *r, const struct proxy_answer *a)
{
    struct buf *head = &r->forward.head;

    for (size_t i = 0; i < a->field_count; i++) {
        buf_add_span(head, a->fields[i].name);
        buf_add_char(head, '\0');
        buf_add_span(head, a->fields[i].value);
        buf_add_char(head, '\0');
    }
    return !buf_failed(head);
}

static bool
has_no_body(const struct request *r, const struct proxy_answer *a)
{
    return a->status == 204 || a->status == 304 || a->status == 205 ||
           (strcmp(request_method(r), "HEAD") == 0 && !a->has_length);
}

void
forward_refused(struct request *r, const char *reason, const char *detail)
{
    bool ticket =
        strcmp(reason, proxy_failure_name(PROXY_FAILURE_TICKET)) == 0;

    r->reason = reason;
    record_event(r, EVENT_UPSTREAM_FAILED, reason, detail,
                 ticket ? "Look at the KDC, client_keytab and"
                          " upstream_principal; nsgatectl doctor asks for the"
                          " ticket."
                        : "Look at the server that the route names.");
}

void
forward_head(void *arg, const struct proxy_answer *a)
{
    struct request *r = arg;
    struct http_stream stream = {.arg = r,
                                 .read = forward_read,
                                 .close = forward_close,
                                 .has_length = a->has_length,
                                 .length = a->length};
    struct span none = {NULL, 0};

    r->forward.status = a->status;
    if (a->status == 401 || a->status == 407) {
        forward_end(r);
        forward_refused(r, "upstream-unauthorized",
                        proxy_route_config(r->forward.route)->negotiate
                            ? "the server does not take the gateway's token"
                            : "the server wants credentials of its own");
        answer_problem(r, 502, "bad-gateway", "Bad gateway",
                       "The server behind the gateway asks for credentials of"
                       " its own.",
                       0, NULL);
        return;
    }
    if (!head_keep(r, a)) {
        forward_end(r);
        answer_problem(r, 503, "unavailable", "Service unavailable",
                       "Out of memory.", 0, NULL);
        return;
    }
    if (soap_is_alone(r) && !protocol_answer_fits(r, a)) {
        forward_end(r);
        forward_refused(r, "upstream-answer",
                        "the answer is no envelope that could be sealed");
        answer_problem(r, 502, "bad-gateway", "Bad gateway",
                       "The server behind the gateway gave no usable answer.",
                       0, NULL);
        return;
    }
    if (r->sealed.open && strcmp(request_method(r), "HEAD") != 0 &&
        !has_no_body(r, a))
    {
        if (a->has_length && a->length > r->listener->config->sealed_body_max)
            forward_too_large(r);
        else
            forward_seal(r);
        return;
    }
    if (r->sealed.open || has_no_body(r, a)) {
        answer_forwarded(r, a->status, buf_span(&r->forward.head), none, NULL);
        return;
    }
    answer_forwarded(r, a->status, buf_span(&r->forward.head), none, &stream);
}

static const struct {
    enum proxy_failure failure;
    int status;
    const char *type, *title, *detail;
} failures[] = {
    {PROXY_FAILURE_UNREACHABLE, 502, "bad-gateway", "Bad gateway",
     "No server behind the gateway can be reached."},
    {PROXY_FAILURE_CLOSED, 502, "bad-gateway", "Bad gateway",
     "The server behind the gateway closed the connection."},
    {PROXY_FAILURE_ANSWER, 502, "bad-gateway", "Bad gateway",
     "The server behind the gateway gave no usable answer."},
    {PROXY_FAILURE_TIMEOUT, 504, "gateway-timeout", "Gateway timeout",
     "The server behind the gateway did not answer in time."},
    {PROXY_FAILURE_TICKET, 503, "unavailable", "Service unavailable",
     "The gateway cannot sign in to the server behind it now."},
    {PROXY_FAILURE_IDENTITY, 502, "bad-gateway", "Bad gateway",
     "The server behind the gateway did not prove who it is."},
};

void
forward_answer_failure(struct request *r, enum proxy_failure failure)
{
    for (size_t i = 0; i < ARRAY_COUNT(failures); i++) {
        if (failures[i].failure == failure) {
            answer_problem(r, failures[i].status, failures[i].type,
                           failures[i].title, failures[i].detail, 0, NULL);
            return;
        }
    }
    answer_problem(r, 503, "unavailable", "Service unavailable",
                   "The gateway has no memory for this request.", 0, NULL);
}

void
forward_failed(void *arg, enum proxy_failure failure, const char *detail)
{
    struct request *r = arg;
    char text[400];

    snprintf(text, sizeof(text), "%s: %s",
             proxy_transfer_upstream(r->forward.transfer), detail);
    forward_end(r);
    forward_refused(r, proxy_failure_name(failure), text);
    forward_answer_failure(r, failure);
}
