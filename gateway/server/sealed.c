#include "gateway/server/sealed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/server/request.h"

#define TYPE_HTTP "application/http"
#define TYPE_SOAP "application/soap+xml"

/* -- contexts of connections -------------------------------------------------- */

static void
bound_end(struct bound_context *b)
{
    struct worker *w = b->worker;

    if (b->context == NULL)
        return;
    security_context_free(b->context);
    b->context = NULL;
    TAILQ_REMOVE(&w->bound, b, link);
    w->bound_count--;
}

/* The connection is gone, or another sign-in takes the place. */
static void
bound_release(void *arg)
{
    struct bound_context *b = arg;

    bound_end(b);
    auth_result_fini(&b->identity);
    free(b);
}

static void
bound_use(struct bound_context *b)
{
    struct worker *w = b->worker;

    TAILQ_REMOVE(&w->bound, b, link);
    TAILQ_INSERT_TAIL(&w->bound, b, link);
    b->used_ms = clock_monotonic_ms();
}

/* The one that has been silent longest, but for those at work; NULL: none. */
static struct bound_context *
bound_oldest(const struct worker *w)
{
    struct bound_context *b;

    TAILQ_FOREACH(b, &w->bound, link)
    {
        if (!b->busy)
            return b;
    }
    return NULL;
}

void
sealed_sweep(struct worker *w)
{
    uint64_t idle_ms = (uint64_t)w->boot->config->context_idle_s * 1000;
    uint64_t now = clock_monotonic_ms();
    struct bound_context *b;

    while ((b = bound_oldest(w)) != NULL && now - b->used_ms > idle_ms)
        bound_end(b);
}

/* The context of this request's connection; NULL: none that is good. */
static struct bound_context *
bound_of(const struct request *r)
{
    struct bound_context *b = http_request_connection_context(r->http);

    return b != NULL && b->context != NULL ? b : NULL;
}

/* -- sign-in ------------------------------------------------------------------- */

static bool
sealed_is_offered(const struct request *r)
{
    return r->channel == CHANNEL_CLEARTEXT &&
           r->listener->config->message_encryption;
}

/* Known by its shape: an empty POST.  Clients send any type with it, and any
 * path. */
bool
sealed_is_sign_in(const struct request *r)
{
    uint64_t length = 1;

    return sealed_is_offered(r) &&
           strcmp(http_request_method(r->http), "POST") == 0 &&
           http_request_header(r->http, "Content-Length").data != NULL &&
           http_request_body_length(r->http, &length) && length == 0;
}

/* Takes context; false: all that there may be are at work. */
static bool
bound_keep(struct request *r, struct security_context *context)
{
    struct worker *w = r->worker;
    struct bound_context *b = calloc(1, sizeof(*b)), *oldest = NULL;

    while (b != NULL && w->bound_count >= w->boot->config->contexts_max &&
           (oldest = bound_oldest(w)) != NULL)
        bound_end(oldest);
    if (b == NULL || w->bound_count >= w->boot->config->contexts_max) {
        free(b);
        security_context_free(context);
        return false;
    }
    b->worker = w;
    b->context = context;
    b->identity = r->auth;
    b->identity.reply = NULL; /* the request's */
    b->identity.realm =
        b->identity.principal + (r->auth.realm - r->auth.principal);
    b->realm_allowed = r->realm_allowed;
    b->used_ms = clock_monotonic_ms();
    TAILQ_INSERT_TAIL(&w->bound, b, link);
    w->bound_count++;
    http_request_set_connection_context(r->http, b, bound_release);
    return true;
}

enum step_result
sealed_sign_in(struct request *r, struct security_context *context)
{
    if (!bound_keep(r, context)) {
        r->reason = "contexts-max";
        answer_problem(r, 503, "unavailable", "Service unavailable",
                       "All contexts of message encryption are at work; sign"
                       " in again later.",
                       0, NULL);
        return STEP_DONE;
    }
    r->reason = "signed-in";
    answer_send(r, 200, NULL, (struct span){NULL, 0}, NULL, NULL, 0);
    return STEP_DONE;
}

/* -- a sealed request --------------------------------------------------------------- */

bool
sealed_is_sealed(struct request *r)
{
    if (!sealed_is_offered(r))
        return false;
    r->sealed.protocol =
        http_sealed_protocol(http_request_header(r->http, "Content-Type"));
    return r->sealed.protocol != HTTP_SEALED_NONE;
}

/* What is wrong is for the log; whoever sends it is told little. */
static enum step_result
sealed_refuse(struct request *r, int status, const char *detail)
{
    r->reason = "sealed-message";
    atomic_fetch_add_explicit(&r->worker->counters->malformed, 1,
                              memory_order_relaxed);
    record_event(r, EVENT_REQUEST_MALFORMED, r->reason, detail, NULL);
    r->sealed.drop = true;
    answer_problem(r, status, "sealed-message", "Bad request",
                   status == 411   ? "A sealed body needs a Content-Length."
                   : status == 413 ? "The sealed body is too large."
                                   : "The sealed message is not accepted;"
                                     " sign in again.",
                   0, NULL);
    return STEP_DONE;
}

static enum step_result
sealed_challenge(struct request *r, const char *detail)
{
    r->reason = decision_reason_name(REASON_NOT_AUTHENTICATED);
    r->sealed.drop = true;
    atomic_fetch_add_explicit(&r->worker->counters->unauthenticated, 1,
                              memory_order_relaxed);
    record_event(r, EVENT_AUTHENTICATION_FAILED, r->reason, detail,
                 "Sign in on this connection first: an empty POST with a"
                 " token.");
    answer_challenge(r);
    return STEP_DONE;
}

/* Before the body is read: whether it may be. */
static enum step_result
sealed_expect(struct request *r)
{
    uint64_t length = 0;

    if (strcmp(http_request_method(r->http), "POST") != 0)
        return sealed_refuse(r, 400, "a sealed message is not a POST");
    if (http_request_header(r->http, "Authorization").data != NULL)
        return sealed_refuse(r, 400, "a sealed message with a token");
    if (bound_of(r) == NULL)
        return sealed_challenge(r, "a sealed message without a sign-in");
    if (!http_request_body_length(r->http, &length))
        return sealed_refuse(r, 411, "a sealed body that is chunked");
    if (length > r->listener->config->sealed_body_max)
        return sealed_refuse(r, 413, "a sealed body that is too large");
    return STEP_NEXT;
}

static const char *
failure_text(enum seal_failure failure)
{
    switch (failure) {
    case SEAL_CLEAR:
        return "the message is signed and not encrypted";
    case SEAL_UNORDERED:
        return "the context keeps no order: a message could be sent again";
    case SEAL_EXPIRED:
        return "the ticket has ended";
    default:
        return "the message cannot be opened";
    }
}

static enum step_result
sealed_open(struct request *r, struct bound_context *b)
{
    struct http_sealed framing;
    enum seal_failure failure;
    const char *reason = "";
    struct error err = {0, ""};
    char detail[ERROR_TEXT_MAX + 64];

    if (!http_sealed_parse(http_request_body(r->http), r->sealed.protocol,
                           &framing, &reason))
        return sealed_refuse(r, 400, reason);
    if (framing.length > r->listener->config->sealed_body_max)
        return sealed_refuse(r, 413, "a declared length that is too large");
    if (security_context_unwrap(b->context, framing.sealed, &r->sealed.plain,
                                &failure, &err) < 0)
    {
        snprintf(detail, sizeof(detail), "%s: %s", failure_text(failure),
                 err.text);
        return failure == SEAL_EXPIRED ? sealed_challenge(r, detail)
                                       : sealed_refuse(r, 400, detail);
    }
    if (buf_failed(&r->sealed.plain) ||
        r->sealed.plain.length != framing.length)
        return sealed_refuse(r, 400, "the plaintext is not as long as said");
    /* From here on the answer is sealed. */
    r->sealed.open = true;
    r->sealed.charset = framing.charset.data;
    r->sealed.type = framing.type.data;
    if (span_equal(framing.type, SPAN(TYPE_HTTP)))
        return STEP_NEXT;
    /* What else there is, is SOAP, and is answered by SOAP. */
    if (soap_begin(r, framing.charset))
        return STEP_NEXT;
    r->sealed.type = TYPE_HTTP;
    r->sealed.charset = "UTF-8";
    return sealed_refuse(r, 503, "out of memory");
}

/* As on any listener that is no proxy's (levels.md 6). */
static bool
has_proxy_headers(const struct http_inner *m)
{
    for (size_t i = 0; i < m->field_count; i++) {
        if (span_starts_nocase(m->fields[i].name, SPAN("X-Nsgate-")))
            return true;
    }
    return false;
}

/*
 * Only what is sealed counts; what stands outside could have been changed on
 * the way, and so it must say the same (threat 39).
 */
static enum step_result
sealed_read_inner(struct request *r)
{
    const char *reason = "";
    int status = 400;

    r->sealed.inner = malloc(sizeof(*r->sealed.inner));
    if (r->sealed.inner == NULL)
        return sealed_refuse(r, 503, "out of memory");
    if (!http_inner_request_parse(buf_span(&r->sealed.plain),
                                  r->listener->config->header_max,
                                  r->sealed.inner, &status, &reason))
    {
        free(r->sealed.inner);
        r->sealed.inner = NULL;
        return sealed_refuse(r, status, reason);
    }
    if (!span_equal(r->sealed.inner->target, http_request_target(r->http)))
        return sealed_refuse(r, 400, "the target outside is another one");
    if (has_proxy_headers(r->sealed.inner))
        return sealed_refuse(r, 400, "X-Nsgate headers inside");
    return STEP_NEXT;
}

enum step_result
sealed_authenticate(struct request *r)
{
    enum step_result result = sealed_expect(r);
    struct bound_context *b;

    if (result != STEP_NEXT)
        return result;
    if (!r->complete)
        return STEP_BODY;
    b = bound_of(r);
    r->auth = b->identity;
    r->auth.realm =
        r->auth.principal + (b->identity.realm - b->identity.principal);
    r->auth.outcome = AUTH_REFUSED; /* until it has been opened */
    result = sealed_open(r, b);
    if (result != STEP_NEXT)
        return result;
    bound_use(b);
    b->busy = true;
    r->sealed.bound = b;
    result = soap_is_alone(r) ? STEP_NEXT : sealed_read_inner(r);
    if (result != STEP_NEXT)
        return result;
    r->auth.outcome = AUTH_OK;
    r->realm_allowed = b->realm_allowed;
    r->channel = CHANNEL_SEALED;
    return STEP_NEXT;
}

/* -- the answer ------------------------------------------------------------------------ */

/* An envelope is answered by an envelope, without a head. */
static bool
plain_make(const struct request *r, const struct http_response *response,
           struct buf *out)
{
    if (!soap_is_alone(r))
        return http_inner_response_format(response, out);
    buf_add_span(out, response->body);
    return !buf_failed(out);
}

/* False: it cannot be sealed. */
static bool
sealed_make(struct request *r, const struct http_response *response,
            struct buf *out)
{
    struct bound_context *b = bound_of(r);
    struct buf plain = BUF_INIT, sealed = BUF_INIT;
    struct error err = {0, ""};
    size_t header_length = 0;
    bool ok;

    ok = b != NULL && plain_make(r, response, &plain) &&
         security_context_wrap(b->context, buf_span(&plain), &sealed,
                               &header_length, &err) == 0 &&
         !buf_failed(&sealed);
    if (ok)
        http_sealed_format(r->sealed.protocol, r->sealed.type,
                           r->sealed.charset, plain.length, buf_span(&sealed),
                           header_length, out);
    else if (err.text[0] != '\0')
        log_write(LOG_LEVEL_ERROR, "an answer could not be sealed: %s",
                  err.text);
    secret_fini(&plain);
    buf_fini(&sealed);
    return ok && !buf_failed(out);
}

/* The context has nothing more to do for it: whoever does not read an answer
 * that is sealed does not keep others from signing in. */
static void
sealed_release(struct request *r)
{
    if (r->sealed.bound != NULL)
        r->sealed.bound->busy = false;
    r->sealed.bound = NULL;
}

void
sealed_respond(struct request *r, const struct http_response *response)
{
    struct http_response inner = *response;
    const struct http_header type = {
        "Content-Type", http_sealed_content_type(r->sealed.protocol)};
    struct http_response outer = {
        .status = 200, .headers = &type, .header_count = 1};
    struct http_response failed = {.status = 500, .close = true};
    struct buf body = BUF_INIT;

    inner.to_head = strcmp(request_method(r), "HEAD") == 0;
    /* Without a head the status is told outside, as WS-Man's clients expect
     * it; what was sealed tells it too. */
    if (soap_is_alone(r))
        outer.status = response->status;
    if (sealed_make(r, &inner, &body)) {
        outer.body = buf_span(&body);
        r->status = response->status;
        http_respond(r->http, &outer);
    } else {
        http_respond(r->http, &failed);
    }
    buf_fini(&body);
    sealed_release(r);
    if (r->sealed.drop)
        sealed_drop(r);
}

void
sealed_drop(struct request *r)
{
    struct bound_context *b = bound_of(r);

    if (b != NULL)
        bound_end(b);
}

void
sealed_fini(struct request *r)
{
    sealed_release(r);
    free(r->sealed.inner);
    secret_fini(&r->sealed.plain);
    memset(&r->sealed, 0, sizeof(r->sealed));
}
