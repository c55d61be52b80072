#include "gateway/server/request.h"

#include <stdlib.h>
#include <string.h>

/* How long a request may wait for the policy of the data it would see. */
#define POLICY_WAIT_MS 200

/*
 * Data are served only under the policy of their own generation (threat 38):
 * the read transaction is opened first, its generation read in it, and
 * compared with the image that decided.
 */
enum match {
    MATCH_BEHIND = 0, /* the image is not (yet) of the data's generation */
    MATCH_SAME,
    MATCH_FAILED, /* no repository */
};

static enum match
generation_match(struct request *r)
{
    struct worker *w = r->worker;
    uint64_t generation;

    if (w->repository == NULL ||
        repository_read_begin(w->repository, &generation, NULL) < 0)
        return MATCH_FAILED;
    if (r->image != NULL && policy_image_generation(r->image) == generation)
        return MATCH_SAME;
    repository_read_end(w->repository);
    return MATCH_BEHIND;
}

enum step_result
act_unavailable(struct request *r, const char *detail)
{
    r->reason = decision_reason_name(REASON_NO_POLICY);
    atomic_fetch_add_explicit(&r->worker->counters->unavailable, 1,
                              memory_order_relaxed);
    record_event(r, EVENT_POLICY_UNAVAILABLE, r->reason, detail,
                 "nsgatectl doctor tells what is wrong with the store.");
    answer_problem(r, 503, "unavailable", "Service unavailable",
                   "There is no policy in force for the data asked for.", 0,
                   NULL);
    return STEP_DONE;
}

/*
 * The repository and the pinned image differ: loads what is there now and
 * has it decided again, or waits a little for a compile that is about to
 * finish.
 */
static enum step_result
act_catch_up(struct request *r)
{
    struct worker *w = r->worker;
    uint64_t now = clock_monotonic_ms();

    if (policy_holder_changed(&w->policy)) {
        policy_holder_load(&w->policy, NULL);
        atomic_store_explicit(&w->counters->generation,
                              policy_holder_generation(&w->policy),
                              memory_order_relaxed);
    }
    if (r->image != w->policy.image) {
        enum step_result result = step_decide(r);

        if (result != STEP_NEXT)
            return result;
        return step_act(r);
    }
    if (r->wait_end_ms == 0) {
        r->wait_end_ms = now + POLICY_WAIT_MS;
        http_request_suspend(r->http);
        return STEP_WAIT;
    }
    if (now < r->wait_end_ms)
        return STEP_WAIT;
    return act_unavailable(
        r, "repository and policy image are of different generations");
}

/* -- OPTIONS ---------------------------------------------------------------- */

static enum step_result
act_discover(struct request *r)
{
    struct http_header headers[2] = {
        {"Allow", rest_methods(r->route.kind)},
        {"Nsgate-Required-Level", authn_level_name(r->decision.required)}};

    answer_send(r, 204, NULL, (struct span){NULL, 0}, NULL, headers, 2);
    return STEP_DONE;
}

/* -- one object --------------------------------------------------------------- */

static enum step_result
act_not_found(struct request *r, uint32_t hresult)
{
    bool instance = hresult == 0x80041002;

    r->reason = "not-found";
    answer_problem(r, 404, "not-found", "Not found",
                   instance ? "There is no such instance."
                            : "There is no such class in this namespace.",
                   hresult,
                   instance ? "WBEM_E_NOT_FOUND" : "WBEM_E_INVALID_CLASS");
    return STEP_DONE;
}

static enum step_result
act_failed(struct request *r, enum rest_status status, uint32_t hresult)
{
    switch (status) {
    case REST_STATUS_NOT_FOUND:
        return act_not_found(r, hresult);
    case REST_STATUS_BAD_KEY:
        r->reason = "malformed";
        answer_problem(r, 400, "malformed", "Bad request",
                       "The key is not one of this class.", 0x8004103A,
                       "WBEM_E_INVALID_OBJECT_PATH");
        return STEP_DONE;
    default:
        return act_unavailable(r, "the repository could not be read");
    }
}

static enum step_result
act_object(struct request *r)
{
    struct rest_caller caller = {
        .principal = r->auth.principal,
        .declared = r->declared,
        .applied = r->applied,
        .effective = r->decision.effective,
        .required = r->decision.required,
    };
    struct buf out = BUF_INIT;
    uint32_t hresult = 0;
    enum rest_status status;
    enum step_result result = STEP_DONE;

    status =
        rest_read(r->worker->repository, &r->route, &caller, &out, &hresult);
    repository_read_end(r->worker->repository);
    if (status == REST_STATUS_OK && !buf_failed(&out))
        answer_send(r, 200, "application/json", buf_span(&out), NULL, NULL, 0);
    else
        result = act_failed(r, status, hresult);
    buf_fini(&out);
    return result;
}

/* -- a collection ------------------------------------------------------------- */

struct part_stream {
    struct request *request;
    struct part_source source;
    struct buf part; /* made, not sent */
    size_t sent;
    bool done;
};

static void
part_stream_close(void *arg)
{
    struct part_stream *s = arg;

    s->source.free(s->source.arg);
    buf_fini(&s->part);
    free(s);
}

/* In a read transaction, which ends. */
static bool
part_stream_make(struct part_stream *s)
{
    bool ok;

    buf_reset(&s->part);
    s->sent = 0;
    ok = s->source.next(s->source.arg, &s->part, &s->done);
    repository_read_end(s->request->worker->repository);
    return ok && !buf_failed(&s->part);
}

/*
 * The next part, under the policy of its own generation: a compile in the
 * middle of a long answer has the rest decided anew, and what is no longer
 * allowed breaks off.
 */
static bool
part_stream_fill(struct part_stream *s)
{
    struct request *r = s->request;
    struct worker *w = r->worker;

    if (generation_match(r) != MATCH_SAME) {
        if (policy_holder_changed(&w->policy))
            policy_holder_load(&w->policy, NULL);
        request_pin(r);
        r->decision = request_decide(r);
        if (r->decision.verdict != VERDICT_ALLOW ||
            generation_match(r) != MATCH_SAME)
            return false;
    }
    return part_stream_make(s);
}

static long
part_stream_read(void *arg, char *out, size_t max)
{
    struct part_stream *s = arg;
    size_t n;

    while (s->sent == s->part.length) {
        if (s->done)
            return 0;
        if (!part_stream_fill(s)) {
            s->request->reason = "broken-off";
            return -1;
        }
    }
    n = s->part.length - s->sent;
    if (n > max)
        n = max;
    memcpy(out, s->part.data + s->sent, n);
    s->sent += n;
    return (long)n;
}

/* A sealed answer is made in one piece. */
static void
part_stream_seal(struct part_stream *s, const struct http_header *headers,
                 size_t header_count)
{
    struct request *r = s->request;
    size_t max = r->listener->config->sealed_body_max;
    struct buf whole = BUF_INIT;
    bool ok = true;

    buf_add(&whole, s->part.data, s->part.length);
    while (ok && !s->done && whole.length <= max) {
        ok = part_stream_fill(s);
        buf_add(&whole, s->part.data, s->part.length);
    }
    /* One that is too large answer_send tells of. */
    if (!ok || buf_failed(&whole))
        act_unavailable(r, "the answer could not be made");
    else
        answer_send(r, 200, "application/json", buf_span(&whole), NULL,
                    headers, header_count);
    secret_fini(&whole);
}

bool
act_stream(struct request *r, const struct part_source *source, bool reading,
           const struct http_header *headers, size_t header_count)
{
    struct part_stream *s = calloc(1, sizeof(*s));
    const struct http_stream stream = {
        .arg = s, .read = part_stream_read, .close = part_stream_close};
    bool ok = false;

    if (s != NULL) {
        s->request = r;
        s->source = *source;
        ok = reading ? part_stream_make(s) : part_stream_fill(s);
    } else if (reading) {
        repository_read_end(r->worker->repository);
    }
    if (!ok) {
        if (s != NULL)
            buf_fini(&s->part);
        free(s);
        return false;
    }
    if (!s->done && !r->sealed.open) {
        answer_send(r, 200, "application/json", (struct span){NULL, 0},
                    &stream, headers, header_count);
        return true;
    }
    if (r->sealed.open)
        part_stream_seal(s, headers, header_count);
    else
        answer_send(r, 200, "application/json", buf_span(&s->part), NULL,
                    headers, header_count);
    part_stream_close(s);
    return true;
}

/* A class's instances; what the first part came to is kept for the answer. */
struct page_source {
    struct worker *worker;
    struct rest_page *page;
    enum rest_status status;
    uint32_t hresult;
};

static bool
page_source_next(void *arg, struct buf *out, bool *done_out)
{
    struct page_source *s = arg;

    s->status = rest_page_next(s->page, s->worker->repository, out, done_out,
                               &s->hresult);
    return s->status == REST_STATUS_OK;
}

static void
page_source_free(void *arg)
{
    struct page_source *s = arg;

    rest_page_free(s->page);
    free(s);
}

static enum step_result
act_instances(struct request *r)
{
    struct page_source *s = calloc(1, sizeof(*s));
    const struct part_source source = {s, page_source_next, page_source_free};
    enum rest_status status = REST_STATUS_STORE_FAILED;
    uint32_t hresult = 0;

    if (s == NULL || (s->page = rest_page_new(&r->route)) == NULL) {
        repository_read_end(r->worker->repository);
    } else {
        s->worker = r->worker;
        if (r->sealed.open)
            rest_page_set_bytes_max(s->page,
                                    r->listener->config->sealed_body_max / 2);
        if (act_stream(r, &source, true, NULL, 0))
            return STEP_DONE;
        status = s->status;
        hresult = s->hresult;
    }
    if (s != NULL)
        page_source_free(s);
    return act_failed(r, status, hresult);
}

/* -- operations ---------------------------------------------------------------- */

/* Asks the dispatcher for something, and waits; nothing is read here. */
static bool
act_is_asking(const struct request *r)
{
    return r->resource == RESOURCE_OPERATION &&
           (r->operation == OPERATION_DISCOVER ||
            strcmp(request_method(r), "DELETE") == 0);
}

enum step_result
step_act(struct request *r)
{
    enum prefer_parse preference;

    /* Nothing but step_decide can have said so. */
    if (r->decision.verdict != VERDICT_ALLOW) {
        answer_decision(r);
        return STEP_DONE;
    }
    if (act_is_asking(r))
        return operation_act(r);
    /* It was forwarded when its head had come. */
    if (r->forward.transfer != NULL || r->forward.over)
        return forward_act(r);
    if (r->operation == OPERATION_DISCOVER && r->resource != RESOURCE_ROUTE)
        return r->resource == RESOURCE_WSMAN ? soap_identify(r)
                                             : act_discover(r);
    if (r->resource == RESOURCE_CIM) {
        preference = operation_preference(r);
        if (preference != PREFER_NONE)
            return operation_accept(r, preference);
    }
    switch (generation_match(r)) {
    case MATCH_SAME:
        break;
    case MATCH_BEHIND:
        return act_catch_up(r);
    case MATCH_FAILED:
        return act_unavailable(r, "the repository cannot be read");
    }
    if (r->resource == RESOURCE_ROUTE || r->resource == RESOURCE_OPERATION ||
        r->resource == RESOURCE_SUBREQUEST)
    {
        repository_read_end(r->worker->repository);
        return r->resource == RESOURCE_ROUTE        ? forward_act(r)
               : r->resource == RESOURCE_SUBREQUEST ? subrequest_act(r)
                                                    : operation_act(r);
    }
    atomic_fetch_add_explicit(&r->worker->counters->allowed, 1,
                              memory_order_relaxed);
    if (r->resource == RESOURCE_WSMAN)
        return soap_act(r);
    return r->route.kind == REST_INSTANCES ? act_instances(r) : act_object(r);
}
