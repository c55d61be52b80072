#include "gateway/server/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- what the client asks for ------------------------------------------------ */

const char *
request_method(const struct request *r)
{
    return r->sealed.inner != NULL ? r->sealed.inner->method
                                   : http_request_method(r->http);
}

struct span
request_header(const struct request *r, const char *name)
{
    return r->sealed.inner != NULL ? http_inner_field(r->sealed.inner, name)
                                   : http_request_header(r->http, name);
}

unsigned
request_header_count(const struct request *r, const char *name)
{
    return r->sealed.inner != NULL
               ? http_inner_field_count(r->sealed.inner, name)
               : http_request_header_count(r->http, name);
}

struct span
request_body(const struct request *r)
{
    if (r->sealed.inner != NULL)
        return r->sealed.inner->body;
    return r->sealed.open ? buf_span(&r->sealed.plain)
                          : http_request_body(r->http);
}

/* -- authenticate ---------------------------------------------------------- */

static bool
realm_is_allowed(const struct request *r)
{
    const struct config *c = r->worker->boot->config;
    const char *realm = r->auth.realm;

    if (realm == NULL || realm[0] == '\0')
        return false;
    if (c->realm_count == 0) {
        const char *own = acceptor_realm(r->worker->acceptor);

        return own != NULL && strcmp(realm, own) == 0;
    }
    for (size_t i = 0; i < c->realm_count; i++) {
        if (strcmp(realm, c->realms[i]) == 0)
            return true;
    }
    return false;
}

static enum step_result
step_authenticate(struct request *r)
{
    struct security_context *context = NULL;
    bool offered, sign_in;

    if (sealed_is_sealed(r))
        return sealed_authenticate(r);
    sign_in = sealed_is_sign_in(r);
    /* In clear there is nothing to bind to. */
    if (sign_in)
        acceptor_accept_keep(r->worker->acceptor,
                             http_request_header(r->http, "Authorization"),
                             NULL, &r->auth, &context);
    else if (!session_authenticate(r))
        acceptor_accept(r->worker->acceptor,
                        http_request_header(r->http, "Authorization"),
                        binding_expected(r), &r->auth);
    binding_require(r);
    if (r->auth.outcome == AUTH_OK) {
        r->realm_allowed = realm_is_allowed(r);
        return sign_in ? sealed_sign_in(r, context) : STEP_NEXT;
    }
    security_context_free(context);
    offered = r->auth.outcome != AUTH_NO_TOKEN;
    r->reason = decision_reason_name(REASON_NOT_AUTHENTICATED);
    atomic_fetch_add_explicit(&r->worker->counters->unauthenticated, 1,
                              memory_order_relaxed);
    record_event(r, offered ? EVENT_AUTHENTICATION_FAILED : EVENT_CHALLENGED,
                 r->reason,
                 offered ? r->auth.cause : "the request brought no token",
                 offered ? r->auth.remedy
                         : "Use a client that speaks Negotiate and has a"
                           " ticket: kinit, then curl --negotiate -u :");
    answer_challenge(r);
    return STEP_DONE;
}

/* -- level ------------------------------------------------------------------ */

static enum step_result
step_level(struct request *r)
{
    const struct config_listener *c = r->listener->config;

    r->declared = r->auth.declared;
    r->applied = channel_applied_level(r->channel, true);
    /* privacy_evidence = bound: tying the context to this very TLS session
     * asks for its privacy (levels.md 2). */
    if (c->privacy_evidence == PRIVACY_EVIDENCE_BOUND && r->auth.bound &&
        !r->auth.anonymous)
        r->declared = AUTHN_LEVEL_PKT_PRIVACY;
    return STEP_NEXT;
}

/* -- route ------------------------------------------------------------------ */

static enum operation_kind
operation_of(const char *method)
{
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return OPERATION_READ;
    return strcmp(method, "OPTIONS") == 0 ? OPERATION_DISCOVER
                                          : OPERATION_WRITE;
}

static enum step_result
step_route(struct request *r)
{
    struct span path = {r->target.path, r->target.path_length};
    enum rest_parse parsed = REST_PARSE_NOT_FOUND;
    enum step_result result;

    if (soap_is_alone(r)) {
        result = protocol_route_alone(r);
        return r->resource == RESOURCE_ROUTE ? result : soap_route(r);
    }
    if (soap_is_path(r))
        return soap_route(r);
    if (operation_is_path(path))
        return operation_route(r);
    if (subrequest_is_path(path))
        return subrequest_find(r);
    if (path.length >= 5 && memcmp(path.data, "/cim/", 5) == 0)
        parsed =
            rest_target_parse(path, r->target.query,
                              r->worker->boot->config->page_max, &r->route);
    switch (parsed) {
    case REST_PARSE_OK:
        r->operation = operation_of(request_method(r));
        return STEP_NEXT;
    case REST_PARSE_NOT_FOUND:
        result = forward_route(r);
        if (result == STEP_DONE || r->resource == RESOURCE_ROUTE)
            return result;
        r->reason = "no-such-resource";
        answer_problem(r, 404, "not-found", "Not found",
                       "There is no such resource here; namespaces are"
                       " under /cim/root.",
                       0, NULL);
        return STEP_DONE;
    case REST_PARSE_MALFORMED:
        break;
    }
    r->reason = "malformed";
    answer_problem(r, 400, "malformed", "Bad request",
                   "The path is no namespace, class or instance, or its"
                   " query is not understood.",
                   0x8004103A, "WBEM_E_INVALID_OBJECT_PATH");
    return STEP_DONE;
}

/* -- decide ----------------------------------------------------------------- */

void
request_pin(struct request *r)
{
    policy_image_unref(r->image);
    r->image = NULL;
    if (r->worker->repository != NULL)
        r->image = policy_image_ref(r->worker->policy.image);
}

/* What is forwarded is for those that are listed, and nobody is by default:
 * a server behind the gateway does more than the gateway's own. */
static const struct access_list *
access_of(const struct request *r)
{
    static const struct access_list nobody;
    const struct access_list *access =
        config_access(r->worker->boot->config, &r->route.namespace);

    return access == NULL && r->resource == RESOURCE_ROUTE ? &nobody : access;
}

struct decision
request_decide(const struct request *r)
{
    const struct config *c = r->worker->boot->config;
    const struct config_listener *l = r->listener->config;
    struct decision_input in = {
        .image = r->image,
        .namespace = &r->route.namespace,
        .operation = r->operation,
        .authenticated = r->auth.outcome == AUTH_OK,
        .principal = span_of(r->auth.principal),
        .realm_allowed = r->realm_allowed,
        .declared = r->declared,
        .applied = r->applied,
        .minimum_level = l->minimum_level,
        .bound = r->auth.bound,
        .encrypted_needs_binding = l->encrypted_needs_binding,
        .audit = c->namespace_count > 0 &&
                 config_audits(c, &r->route.namespace, clock_now_us()),
        .access = access_of(r),
    };

    return decide(&in);
}

/* Which event a refusal is. */
static enum event_id
event_of(enum decision_reason reason)
{
    switch (reason) {
    case REASON_CHANNEL_NOT_PRIVATE:
    case REASON_CONTEXT_NOT_PRIVATE:
    case REASON_NOT_BOUND:
        return EVENT_ENCRYPTION_REQUIRED;
    case REASON_NO_POLICY:
        return EVENT_POLICY_UNAVAILABLE;
    case REASON_UNKNOWN_NAMESPACE:
        return EVENT_NONE;
    default:
        return EVENT_ACCESS_REFUSED;
    }
}

static void
display_find(struct request *r)
{
    struct policy_entry entry;

    if (r->image != NULL &&
        policy_image_find(r->image, &r->route.namespace, &entry) &&
        entry.display.length < sizeof(r->display))
    {
        memcpy(r->display, entry.display.data, entry.display.length);
        r->display[entry.display.length] = '\0';
        return;
    }
    snprintf(r->display, sizeof(r->display), "%s", r->route.namespace.text);
}

enum step_result
step_decide(struct request *r)
{
    struct worker_counters *n = r->worker->counters;

    request_pin(r);
    r->decision = request_decide(r);
    r->reason = decision_reason_name(r->decision.reason);
    display_find(r);
    if (r->decision.verdict == VERDICT_ALLOW) {
        if (r->decision.would_deny)
            record_event(r, EVENT_AUDITED, r->reason, NULL, NULL);
        return STEP_NEXT;
    }
    if (r->decision.verdict == VERDICT_DENY)
        atomic_fetch_add_explicit(&n->denied, 1, memory_order_relaxed);
    else if (r->decision.verdict == VERDICT_UNAVAILABLE)
        atomic_fetch_add_explicit(&n->unavailable, 1, memory_order_relaxed);
    if (event_of(r->decision.reason) != EVENT_NONE)
        record_event(r, event_of(r->decision.reason), r->reason, NULL, NULL);
    answer_decision(r);
    return STEP_DONE;
}

/* -- body ------------------------------------------------------------------- */

static enum step_result
step_body(struct request *r)
{
    if (r->resource == RESOURCE_ROUTE)
        return forward_body(r);
    if (r->resource == RESOURCE_SUBREQUEST)
        return STEP_NEXT;
    if (r->operation != OPERATION_WRITE)
        return STEP_NEXT;
    if (r->resource == RESOURCE_WSMAN)
        return soap_unsupported(r);
    answer_method_not_allowed(r, r->resource == RESOURCE_OPERATION
                                     ? OPERATION_METHODS
                                     : rest_methods(r->route.kind));
    return STEP_DONE;
}

/* -- the table -------------------------------------------------------------- */

static const struct step {
    const char *name;
    enum step_result (*run)(struct request *r);
    bool needs_body;
} steps[] = {
    {"admit", step_admit, false},   {"authenticate", step_authenticate, false},
    {"level", step_level, false},   {"route", step_route, false},
    {"origin", step_origin, false}, {"decide", step_decide, false},
    {"body", step_body, false},     {"act", step_act, true},
};

static void
waiting_add(struct request *r)
{
    r->waits = true;
    r->next = r->worker->waiting;
    r->worker->waiting = r;
}

static void
request_run(struct request *r, bool complete)
{
    r->complete = complete;
    if (r->waits)
        return; /* for something else than its body */
    while (!r->answered && r->step < ARRAY_COUNT(steps)) {
        const struct step *s = &steps[r->step];

        /* What is forwarded begins before its body is here. */
        if (s->needs_body && !complete && r->resource != RESOURCE_ROUTE)
            return;
        switch (s->run(r)) {
        case STEP_NEXT:
            r->step++;
            break;
        case STEP_BODY:
            return;
        case STEP_WAIT:
            waiting_add(r);
            return;
        case STEP_DONE:
            return;
        }
    }
}

void
requests_retry(struct worker *w)
{
    struct request *r = w->waiting;

    w->waiting = NULL;
    while (r != NULL) {
        struct request *next = r->next;

        r->next = NULL;
        r->waits = false;
        request_run(r, r->complete);
        r = next;
    }
}

/* -- handlers ---------------------------------------------------------------- */

/* 128 bits that no other request has, without asking the kernel. */
static void
request_id_make(struct worker *w, char out[33])
{
    uint64_t in[2] = {w->id_next++, 0}, high, low;

    high = siphash(&w->id_key, in, sizeof(in));
    in[1] = 1;
    low = siphash(&w->id_key, in, sizeof(in));
    snprintf(out, 33, "%016llx%016llx", (unsigned long long)high,
             (unsigned long long)low);
}

static struct request *
request_new(struct worker *w, struct http_request *h)
{
    struct request *r = w->free_requests;

    if (r != NULL)
        w->free_requests = r->next;
    else
        r = malloc(sizeof(*r));
    if (r == NULL)
        return NULL;
    /* The large buffers are written before they are read. */
    r->next = NULL;
    r->worker = w;
    r->http = h;
    r->listener = http_endpoint_context(http_request_endpoint(h));
    request_id_make(w, r->id);
    r->began_us = clock_now_us();
    r->step = 0;
    r->answered = false;
    r->complete = false;
    r->waits = false;
    memset(&r->sealed, 0, sizeof(r->sealed));
    r->target.path[0] = '\0';
    r->target.path_length = 0;
    r->target.query = (struct span){NULL, 0};
    r->channel = CHANNEL_CLEARTEXT;
    r->client[0] = '\0';
    memset(&r->auth, 0, sizeof(r->auth));
    r->realm_allowed = false;
    r->declared = r->applied = AUTHN_LEVEL_NONE;
    r->resource = RESOURCE_CIM;
    r->async.asked = r->async.again = false;
    r->async.id[0] = '\0';
    r->async.sink[0] = '\0';
    memset(&r->session, 0, sizeof(r->session));
    memset(&r->forward, 0, sizeof(r->forward));
    r->soap = NULL;
    r->route.kind = REST_NONE;
    r->route.namespace.length = 0;
    r->route.namespace.text[0] = '\0';
    r->operation = OPERATION_NONE;
    r->image = NULL;
    memset(&r->decision, 0, sizeof(r->decision));
    r->display[0] = '\0';
    r->wait_end_ms = 0;
    r->reason = "undecided";
    r->status = 0;
    return r;
}

static void
handler_begin(void *arg, struct http_request *h)
{
    struct worker *w = arg;
    struct request *r;

    r = request_new(w, h);
    http_request_set_context(h, r);
    if (r == NULL) {
        const struct http_response busy = {.status = 503, .close = true};

        http_respond(h, &busy);
        return;
    }
    atomic_fetch_add_explicit(&w->counters->requests, 1, memory_order_relaxed);
    if (r->listener->config->status || !http_request_has_body(h))
        return;
    request_run(r, false);
}

static void
handler_complete(void *arg, struct http_request *h)
{
    struct request *r = http_request_context(h);

    if (r->listener->config->status)
        status_serve(arg, h);
    else
        request_run(r, true);
}

static void
waiting_remove(struct request *r)
{
    for (struct request **at = &r->worker->waiting; *at != NULL;
         at = &(*at)->next) {
        if (*at == r) {
            *at = r->next;
            return;
        }
    }
}

static void
handler_finished(void *arg, struct http_request *h, int status, uint64_t bytes,
                 bool completed)
{
    struct worker *w = arg;
    struct request *r = http_request_context(h);

    if (r == NULL)
        return;
    if (!r->sealed.open)
        r->status = status;
    waiting_remove(r);
    if (!r->listener->config->status)
        record_access(r, bytes, completed);
    policy_image_unref(r->image);
    auth_result_fini(&r->auth);
    forward_fini(r);
    soap_fini(r);
    sealed_fini(r);
    r->next = w->free_requests;
    w->free_requests = r;
}

static void
handler_refused(void *arg, const struct http_endpoint *ep,
                const struct http_peer *peer, int status, const char *reason)
{
    struct worker *w = arg;
    struct event e = {.id = EVENT_REQUEST_MALFORMED,
                      .time_us = clock_now_us(),
                      .worker = w->boot->id};
    char detail[160];

    snprintf(detail, sizeof(detail), "%s (%d)", reason, status);
    e.fields[EVENT_FIELD_CLIENT] = span_of(peer->text);
    e.fields[EVENT_FIELD_LISTENER] = span_of(http_endpoint_name(ep));
    e.fields[EVENT_FIELD_REASON] = SPAN("malformed");
    e.fields[EVENT_FIELD_DETAIL] = span_of(detail);
    event_send(w->events, &e);
    atomic_fetch_add_explicit(&w->counters->malformed, 1,
                              memory_order_relaxed);
}

const struct http_handlers worker_handlers = {
    .begin = handler_begin,
    .complete = handler_complete,
    .finished = handler_finished,
    .refused = handler_refused,
};

void
requests_free(struct worker *w)
{
    while (w->free_requests != NULL) {
        struct request *r = w->free_requests;

        w->free_requests = r->next;
        free(r);
    }
}
