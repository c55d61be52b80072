#include "gateway/server/request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static void
header_add(struct http_header *out, size_t *count, const char *name,
           const char *value)
{
    if (value != NULL && *count < ANSWER_HEADERS_MAX)
        out[(*count)++] = (struct http_header){name, value};
}

/* In which its token came; a sign-in may say either. */
static const char *
scheme_of(const struct request *r)
{
    struct span given = http_request_header(r->http, "Authorization");

    return span_starts_nocase(given, SPAN("Kerberos ")) ? "Kerberos"
                                                        : "Negotiate";
}

/* What some of them are made of. */
struct own_headers {
    char negotiate[16 * 1024];
    char cookie[SESSION_COOKIE_MAX];
};

/* The gateway's, with every answer. */
static void
own_headers_add(const struct request *r, struct own_headers *own,
                struct http_header *headers, size_t *n)
{
    enum authn_level minimum = r->listener->config->minimum_level;

    header_add(headers, n, "Nsgate-Request-Id", r->id);
    if (r->auth.reply != NULL &&
        (size_t)snprintf(own->negotiate, sizeof(own->negotiate), "%s %s",
                         scheme_of(r), r->auth.reply) < sizeof(own->negotiate))
        header_add(headers, n, "WWW-Authenticate", own->negotiate);
    if (session_cookie_make(r, own->cookie))
        header_add(headers, n, "Set-Cookie", own->cookie);
    if (minimum > AUTHN_LEVEL_CONNECT)
        header_add(headers, n, "Nsgate-Minimum-Level",
                   authn_level_name(minimum));
    if (r->decision.would_deny)
        header_add(headers, n, "Nsgate-Audit",
                   "would-be-refused; requires PktPrivacy");
}

static void
respond(struct request *r, const struct http_response *response)
{
    r->answered = true;
    if (r->sealed.open) {
        sealed_respond(r, response);
        return;
    }
    http_respond(r->http, response);
    if (r->sealed.drop)
        sealed_drop(r);
}

void
answer_send(struct request *r, int status, const char *content_type,
            struct span body, const struct http_stream *stream,
            const struct http_header *extra, size_t extra_count)
{
    struct http_header headers[ANSWER_HEADERS_MAX];
    struct http_response response = {
        .status = status, .headers = headers, .body = body, .stream = stream};
    struct own_headers own;
    size_t n = 0;

    header_add(headers, &n, "Content-Type", content_type);
    header_add(headers, &n, "Cache-Control", "no-store");
    own_headers_add(r, &own, headers, &n);
    for (size_t i = 0; i < extra_count; i++)
        header_add(headers, &n, extra[i].name, extra[i].value);
    response.header_count = n;
    r->answered = true;
    if (r->sealed.open && status == 200 &&
        body.length > r->listener->config->sealed_body_max)
    {
        r->reason = "too-large";
        answer_problem(r, 413, "too-large", "Too large to be sealed",
                       "The answer is larger than sealed_body_max; ask by"
                       " https.",
                       0, NULL);
        return;
    }
    respond(r, &response);
}

/* The next string of head, which ends in NUL. */
static const char *
head_next(struct span *head)
{
    const char *s = head->data;

    *head = span_skip(*head, strlen(s) + 1);
    return s;
}

void
answer_forwarded(struct request *r, int status, struct span head,
                 struct span body, const struct http_stream *stream)
{
    struct http_header headers[PROXY_ANSWER_FIELDS_MAX + ANSWER_HEADERS_MAX];
    struct http_response response = {
        .status = status, .headers = headers, .body = body, .stream = stream};
    struct own_headers own;
    bool cached = false;
    size_t n = 0;

    own_headers_add(r, &own, headers, &n);
    while (head.length > 0 && n < ARRAY_COUNT(headers) - 1) {
        const char *name = head_next(&head), *value = head_next(&head);

        cached |= strcasecmp(name, "Cache-Control") == 0;
        headers[n++] = (struct http_header){name, value};
    }
    if (!cached)
        headers[n++] = (struct http_header){"Cache-Control", "no-store"};
    response.header_count = n;
    respond(r, &response);
}

static void
problem_send(struct request *r, const struct rest_problem *p,
             const struct http_header *extra, size_t extra_count)
{
    struct buf body = BUF_INIT;

    if (r->soap != NULL && p->status != 401) {
        soap_problem(r, p);
        return;
    }
    if (!rest_problem_format(p, &body))
        buf_reset(&body);
    answer_send(r, p->status, "application/problem+json", buf_span(&body),
                NULL, extra, extra_count);
    buf_fini(&body);
}

void
answer_problem(struct request *r, int status, const char *type,
               const char *title, const char *detail, uint32_t hresult,
               const char *symbol)
{
    const struct rest_problem p = {
        .type = type,
        .title = title,
        .status = status,
        .detail = detail,
        .request_id = r->id,
        .hresult = hresult,
        .symbol = symbol,
    };

    problem_send(r, &p, NULL, 0);
}

void
answer_problem_with(struct request *r, int status, const char *type,
                    const char *title, const char *detail, const char *name,
                    const char *value)
{
    const struct http_header header = {name, value};
    const struct rest_problem p = {
        .type = type,
        .title = title,
        .status = status,
        .detail = detail,
        .request_id = r->id,
    };

    problem_send(r, &p, &header, 1);
}

void
answer_method_not_allowed(struct request *r, const char *methods)
{
    r->reason = "method-not-allowed";
    answer_problem_with(r, 405, "method-not-allowed", "Method not allowed",
                        "This resource does not know the method.", "Allow",
                        methods);
}

void
answer_malformed(struct request *r, const char *detail)
{
    r->reason = "malformed";
    answer_problem(r, 400, "malformed", "Bad request", detail, 0, NULL);
}

void
answer_busy(struct request *r)
{
    answer_problem_with(r, 503, "busy", "Service unavailable",
                        "Too many requests of this route are waiting.",
                        "Retry-After", "1");
}

/* One body for all causes: what went wrong is for the log and for
 * `nsgatectl why`, not for whoever has no ticket. */
void
answer_challenge(struct request *r)
{
    answer_problem_with(
        r, 401, "unauthenticated", "Authentication required",
        r->sealed.protocol == HTTP_SEALED_NONE
            ? "A valid Kerberos ticket (Negotiate) is needed."
            : "A sealed message needs a sign-in on its own"
              " connection; a proxy between must pass connections"
              " on one by one.",
        "WWW-Authenticate", "Negotiate");
}

const char *
request_binding_name(const struct request *r)
{
    return r->auth.bound ? "bound" : "absent";
}

/* -- the words of a refusal ------------------------------------------------- */

static const char *
channel_advice(const struct request *r)
{
    switch (r->channel) {
    case CHANNEL_PROXY_CLEARTEXT:
        return "the proxy does not say that its client used TLS. Use https"
               " towards the proxy, and have it send X-Nsgate-Tls-Protocol"
               " (docs/nginx.md).";
    case CHANNEL_LOCAL_UNLISTED:
        return "the peer's user is not in local_users of this listener.";
    default:
        return "the connection on which this gateway received it is not"
               " encrypted. Connect to the gateway by https or use message"
               " encryption; if a TLS proxy is in front, its listener must be"
               " declared trusted_proxy (docs/nginx.md).";
    }
}

static void
detail_level(const struct request *r, struct buf *out)
{
    buf_addf(out,
             "%s requires %s; this request reached it at %s: ", r->display,
             authn_level_name(r->decision.required),
             authn_level_name(r->decision.effective));
    if (r->decision.reason == REASON_CHANNEL_NOT_PRIVATE)
        buf_addf(out, "the context offers %s, but %s",
                 authn_level_name(r->declared), channel_advice(r));
    else
        buf_addf(out,
                 "the channel applies %s, but the security context declares"
                 " only %s: the client did not ask for confidentiality. Ask"
                 " for PktPrivacy, that is GSS_C_CONF_FLAG and"
                 " GSS_C_INTEG_FLAG.",
                 authn_level_name(r->applied), authn_level_name(r->declared));
}

static void
detail_make(const struct request *r, struct buf *out)
{
    switch (r->decision.reason) {
    case REASON_CHANNEL_NOT_PRIVATE:
    case REASON_CONTEXT_NOT_PRIVATE:
        detail_level(r, out);
        break;
    case REASON_NOT_BOUND:
        buf_addf(out,
                 "%s requires encryption, and this listener accepts it only"
                 " from clients whose authentication is bound to the TLS"
                 " connection (tls-server-end-point).",
                 r->display);
        break;
    case REASON_BELOW_MINIMUM:
        buf_addf(out,
                 "This listener admits %s or better; this request reached it"
                 " at %s.",
                 authn_level_name(r->listener->config->minimum_level),
                 authn_level_name(r->decision.effective));
        break;
    case REASON_REALM:
        buf_addf(out, "Principals of this realm are not admitted.");
        break;
    case REASON_NOT_LISTED:
        buf_addf(out, "%s is not in the access list of %s.", r->auth.principal,
                 r->display);
        break;
    case REASON_UNKNOWN_NAMESPACE:
        buf_addf(out, "There is no namespace %s.", r->display);
        break;
    default:
        buf_addf(out, "There is no policy in force.");
        break;
    }
}

/* Where the same resource can be had privately; of configuration only. */
static const char *
secure_uri(const struct request *r, struct buf *out)
{
    const char *host = r->worker->boot->config->secure_host;
    char path[NAMESPACE_PATH_MAX + 1];
    size_t i;

    if (r->worker->secure_port == 0 || host == NULL)
        return NULL;
    for (i = 0; r->display[i] != '\0'; i++)
        path[i] = r->display[i] == '\\' ? '/' : r->display[i];
    path[i] = '\0';
    buf_addf(out, "https://%s:%u/cim/%s", host, r->worker->secure_port, path);
    return out->data;
}

static const struct refusal {
    enum decision_reason reason;
    const char *type, *title;
    int status;
    uint32_t hresult;
    const char *symbol;
} refusals[] = {
    {REASON_CHANNEL_NOT_PRIVATE, "requires-encryption", "Access denied", 403,
     0x80041003, "WBEM_E_ACCESS_DENIED"},
    {REASON_CONTEXT_NOT_PRIVATE, "requires-encryption", "Access denied", 403,
     0x80041003, "WBEM_E_ACCESS_DENIED"},
    {REASON_NOT_BOUND, "requires-encryption", "Access denied", 403, 0x80041003,
     "WBEM_E_ACCESS_DENIED"},
    {REASON_BELOW_MINIMUM, "access-denied", "Access denied", 403, 0x80041003,
     "WBEM_E_ACCESS_DENIED"},
    {REASON_REALM, "access-denied", "Access denied", 403, 0x80041003,
     "WBEM_E_ACCESS_DENIED"},
    {REASON_NOT_LISTED, "access-denied", "Access denied", 403, 0x80041003,
     "WBEM_E_ACCESS_DENIED"},
    {REASON_UNKNOWN_NAMESPACE, "not-found", "Not found", 404, 0x8004100E,
     "WBEM_E_INVALID_NAMESPACE"},
    {REASON_NO_POLICY, "unavailable", "Service unavailable", 503, 0, NULL},
};

/* Of a reason without a row: refuse, and say nothing more. */
static const struct refusal refusal_default = {
    REASON_UNDECIDED, "access-denied",       "Access denied", 403,
    0x80041003,       "WBEM_E_ACCESS_DENIED"};

static const struct refusal *
refusal_find(enum decision_reason reason)
{
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        if (refusals[i].reason == reason)
            return &refusals[i];
    }
    return &refusal_default;
}

void
answer_decision(struct request *r)
{
    const struct refusal *f = refusal_find(r->decision.reason);
    bool level = f->status == 403;
    bool encryption = strcmp(f->type, "requires-encryption") == 0;
    struct buf detail = BUF_INIT, uri = BUF_INIT;
    struct rest_problem p = {
        .type = f->type,
        .title = f->title,
        .status = f->status,
        .request_id = r->id,
        .hresult = f->hresult,
        .symbol = f->symbol,
        .reason = decision_reason_name(r->decision.reason),
        .namespace = f->status == 503 ? NULL : r->display,
        .event_id = encryption ? EVENT_ENCRYPTION_REQUIRED : 0,
    };

    if (r->decision.verdict == VERDICT_CHALLENGE) {
        answer_challenge(r);
        return;
    }
    /* Anything else would be 500 in nginx (ngx_http_auth_request_module). */
    if (r->resource == RESOURCE_SUBREQUEST && p.status == 404)
        p.status = 403;
    detail_make(r, &detail);
    p.detail = buf_failed(&detail) ? "" : detail.data;
    if (encryption)
        p.secure_uri = secure_uri(r, &uri);
    if (level) {
        p.required = r->decision.required;
        p.effective = r->decision.effective;
        p.declared = r->declared;
        p.applied = r->applied;
        p.channel = channel_kind_name(r->channel);
        p.binding = request_binding_name(r);
    }
    problem_send(r, &p, NULL, 0);
    buf_fini(&detail);
    buf_fini(&uri);
}

void
answer_hop_refused(struct request *r)
{
    struct buf detail = BUF_INIT;
    struct rest_problem p = {
        .type = "requires-encryption",
        .title = "Access denied",
        .status = 403,
        .request_id = r->id,
        .namespace = r->display,
        .hresult = 0x80041003,
        .symbol = "WBEM_E_ACCESS_DENIED",
        .required = r->decision.required,
        .effective = r->decision.effective,
        .declared = r->declared,
        .applied = r->applied,
        .channel = channel_kind_name(r->channel),
        .binding = request_binding_name(r),
        .reason = "upstream-not-private",
        .event_id = EVENT_ENCRYPTION_REQUIRED,
    };

    buf_addf(&detail,
             "%s requires encryption, and the way from this gateway to the"
             " server behind it is not private. Nothing was sent there.",
             r->display);
    p.detail = buf_failed(&detail) ? "" : detail.data;
    problem_send(r, &p, NULL, 0);
    buf_fini(&detail);
}

void
answer_sink_refused(struct request *r, enum event_id event, const char *reason,
                    const char *detail)
{
    bool insecure = event == EVENT_CALLBACK_NOT_SECURE;
    const struct rest_problem p = {
        .type = insecure ? "callback-not-secure" : "access-denied",
        .title = "Access denied",
        .status = 403,
        .detail = detail,
        .request_id = r->id,
        .namespace = r->display,
        .hresult = 0x80041003,
        .symbol = "WBEM_E_ACCESS_DENIED",
        .required = r->decision.required,
        .effective = r->decision.effective,
        .declared = r->declared,
        .applied = r->applied,
        .channel = channel_kind_name(r->channel),
        .binding = request_binding_name(r),
        .reason = reason,
        .event_id = (int)event,
    };

    problem_send(r, &p, NULL, 0);
}
