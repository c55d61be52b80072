/*
 * WS-Management: POST /wsman.  Operation and namespace stand in the envelope
 * and nowhere else, so that routing has to wait for the body; from there on it
 * is a request like any other, but that its refusals are faults.
 *
 * An envelope may be sealed by itself, without an HTTP head around it.  Then
 * nothing of what stands outside decides anything: whatever the target is, the
 * envelope is what counts, and with it the address that it is for
 * (protocol.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/server/request.h"

#define ANSWER_ID_MAX (sizeof("uuid:") + 36)
#define WSMAN_PATH    "/wsman"
/* An answer is made in one piece. */
#define ANSWER_BYTES_MAX ((size_t)1 << 20)

/* A route of that very path has it. */
bool
soap_is_path(const struct request *r)
{
    const struct config *c = r->worker->boot->config;

    for (size_t i = 0; i < c->route_count; i++) {
        if (strcmp(c->routes[i].path, WSMAN_PATH) == 0)
            return false;
    }
    return strcmp(r->target.path, WSMAN_PATH) == 0;
}

bool
soap_is_alone(const struct request *r)
{
    return r->sealed.open && r->sealed.inner == NULL && r->soap != NULL;
}

void
soap_fini(struct request *r)
{
    free(r->soap);
    r->soap = NULL;
}

/* -- answers ---------------------------------------------------------------- */

/* envelope: UTF-8. */
static void
soap_send(struct request *r, int status, const struct buf *envelope)
{
    enum xml_charset charset = r->soap->asked.charset;
    struct buf body = BUF_INIT;

    if (r->soap->asked.charset == XML_CHARSET_UNKNOWN)
        charset = r->soap->told.charset;
    r->sealed.charset =
        soap_is_alone(r) ? xml_charset_name(charset) : r->sealed.charset;
    if (buf_failed(envelope) ||
        !xml_encode(charset, buf_span(envelope), &body)) {
        buf_reset(&body);
        status = 500;
    }
    answer_send(r, status, wsman_content_type(charset), buf_span(&body), NULL,
                NULL, 0);
    secret_fini(&body);
}

/* The request's id, as the answer's own. */
static const char *
answer_id(const struct request *r, char out[ANSWER_ID_MAX])
{
    snprintf(out, ANSWER_ID_MAX, "uuid:%.8s-%.4s-%.4s-%.4s-%.12s", r->id,
             r->id + 8, r->id + 12, r->id + 16, r->id + 20);
    return out;
}

static void
soap_fault(struct request *r, enum wsman_fault_kind kind, const char *detail)
{
    char id[ANSWER_ID_MAX];
    const struct wsman_fault f = {
        .kind = kind,
        .detail = detail,
        .message_id = r->soap->asked.message_id,
        .answer_id = answer_id(r, id),
        .machine = r->worker->boot->config->secure_host,
        .action = r->soap->asked.action,
    };
    struct buf envelope = BUF_INIT;

    wsman_fault_format(&f, &envelope);
    soap_send(r, 500, &envelope);
    buf_fini(&envelope);
}

void
soap_problem(struct request *r, const struct rest_problem *p)
{
    static const struct {
        int status;
        enum wsman_fault_kind kind;
    } kinds[] = {
        {400, WSMAN_FAULT_SCHEMA},      {403, WSMAN_FAULT_ACCESS_DENIED},
        {404, WSMAN_FAULT_RESOURCE},    {413, WSMAN_FAULT_ENCODING},
        {502, WSMAN_FAULT_UNAVAILABLE}, {503, WSMAN_FAULT_UNAVAILABLE},
        {504, WSMAN_FAULT_UNAVAILABLE},
    };
    enum wsman_fault_kind kind = WSMAN_FAULT_INTERNAL;

    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (kinds[i].status == p->status)
            kind = kinds[i].kind;
    }
    soap_fault(r, kind, p->detail);
}

enum step_result
soap_unsupported(struct request *r)
{
    r->reason = "action-not-supported";
    soap_fault(r, WSMAN_FAULT_ACTION, NULL);
    return STEP_DONE;
}

enum step_result
soap_identify(struct request *r)
{
    const struct wsman_identity identity = {
        .vendor = "nsgate",
        .version = NSGATE_VERSION,
        .message_id = r->soap->asked.message_id,
    };
    struct buf envelope = BUF_INIT;

    wsman_identify_format(&identity, &envelope);
    soap_send(r, 200, &envelope);
    buf_fini(&envelope);
    return STEP_DONE;
}

/* -- what is allowed ---------------------------------------------------------- */

static size_t
answer_bytes_max(const struct request *r)
{
    size_t sealed = r->listener->config->sealed_body_max;

    return r->sealed.open && sealed < ANSWER_BYTES_MAX ? sealed
                                                       : ANSWER_BYTES_MAX;
}

static const char *
refusal_reason(enum wsman_fault_kind fault)
{
    switch (fault) {
    case WSMAN_FAULT_NOT_FOUND:
    case WSMAN_FAULT_RESOURCE:
        return "not-found";
    case WSMAN_FAULT_ENCODING:
        return "too-large";
    case WSMAN_FAULT_ACTION:
        return "action-not-supported";
    default:
        return "malformed";
    }
}

enum step_result
soap_act(struct request *r)
{
    char id[ANSWER_ID_MAX];
    const struct wsman_answer_options options = {
        .answer_id = answer_id(r, id),
        .bytes_max = answer_bytes_max(r),
        .items_max = r->worker->boot->config->page_max,
    };
    struct wsman_refusal refusal;
    struct buf envelope = BUF_INIT;
    enum step_result result = STEP_DONE;
    enum wsman_answer made = wsman_answer(
        r->worker->repository, &r->soap->asked, &options, &envelope, &refusal);

    repository_read_end(r->worker->repository);
    if (made == WSMAN_ANSWER_OK) {
        soap_send(r, 200, &envelope);
    } else if (made == WSMAN_ANSWER_REFUSED) {
        r->reason = refusal_reason(refusal.fault);
        soap_fault(r, refusal.fault, refusal.problem);
    } else {
        result = act_unavailable(r, "the repository could not be read");
    }
    secret_fini(&envelope);
    return result;
}

/* -- what is asked for ------------------------------------------------------- */

static bool
soap_new(struct request *r)
{
    r->soap = calloc(1, sizeof(*r->soap));
    return r->soap != NULL;
}

bool
soap_begin(struct request *r, struct span charset)
{
    if (!soap_new(r))
        return false;
    r->soap->told.charset = span_equal(charset, SPAN("UTF-16"))
                                ? XML_CHARSET_UTF16
                                : XML_CHARSET_UTF8;
    return true;
}

bool
soap_expect(struct request *r)
{
    struct wsman_content_type told;

    if (strcmp(request_method(r), "POST") != 0) {
        answer_method_not_allowed(r, "POST");
        return false;
    }
    if (!wsman_content_type_parse(request_header(r, "Content-Type"), &told)) {
        r->reason = "unsupported-media-type";
        answer_problem(r, 415, "unsupported-media-type",
                       "Unsupported media type",
                       "The body has to be application/soap+xml in UTF-8 or"
                       " UTF-16.",
                       0, NULL);
        return false;
    }
    if (!soap_new(r)) {
        r->reason = "out-of-memory";
        answer_problem(r, 503, "unavailable", "Service unavailable",
                       "There is no memory for it now.", 0, NULL);
        return false;
    }
    r->soap->told = told;
    return true;
}

enum step_result
soap_refuse(struct request *r)
{
    const struct wsman_request *q = &r->soap->asked;

    r->reason = "malformed";
    atomic_fetch_add_explicit(&r->worker->counters->malformed, 1,
                              memory_order_relaxed);
    record_event(r, EVENT_REQUEST_MALFORMED, r->reason, q->problem, NULL);
    soap_fault(r, q->fault, q->problem);
    return STEP_DONE;
}

void
soap_take(struct request *r)
{
    static const enum operation_kind kinds[] = {
        [WSMAN_ACCESS_WRITE] = OPERATION_WRITE,
        [WSMAN_ACCESS_READ] = OPERATION_READ,
        [WSMAN_ACCESS_DISCOVER] = OPERATION_DISCOVER,
    };
    const struct wsman_request *q = &r->soap->asked;

    r->operation = kinds[q->access];
    r->route.namespace = q->namespace;
    /* It names none: it is decided as the OPTIONS of root would be. */
    if (q->operation == WSMAN_IDENTIFY)
        namespace_path_parse(&r->route.namespace, SPAN("root"), NULL);
}

enum step_result
soap_route(struct request *r)
{
    if (r->soap == NULL && !soap_expect(r))
        return STEP_DONE;
    if (!r->complete)
        return STEP_BODY;
    if (wsman_request_parse(request_body(r), &r->soap->told,
                            &r->soap->asked) != WSMAN_PARSE_OK)
        return soap_refuse(r);
    r->resource = RESOURCE_WSMAN;
    soap_take(r);
    return STEP_NEXT;
}
