#include "gateway/ctl/listen.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/ctl/ctl.h"
#include "gateway/rest/rest.h"

/*
 * A login is a POST without a body (docs/levels.md 5 has the same shape): the
 * sender's token, bound to this certificate, against our AP-REP.  Only what
 * comes behind it on the same connection is the sender's.
 */

/* -- answers -------------------------------------------------------------- */

static void
answer(struct listen_exchange *x, int status, const char *authenticate)
{
    const struct http_header headers[] = {
        {"Cache-Control", "no-store"},
        {"WWW-Authenticate", authenticate},
    };

    listen_exchange_respond(
        x, &(struct http_response){.status = status,
                                   .headers = headers,
                                   .header_count = ARRAY_COUNT(headers)});
}

/* Tells the sender in a problem and the user in a line; p->status is 4xx or
 * 500. */
static void
refuse(struct listen_exchange *x, const struct rest_problem *p)
{
    const struct http_header headers[] = {
        {"Content-Type", "application/problem+json"},
        {"Cache-Control", "no-store"},
        {"WWW-Authenticate", p->status == 401 ? "Negotiate" : ""},
        {"Allow", p->status == 405 ? "POST" : ""},
    };
    struct buf body = BUF_INIT;

    ctl_fail("listen: %s: answered %d: %s", http_request_peer(x->http)->text,
             p->status, p->detail);
    if (!rest_problem_format(p, &body))
        buf_reset(&body);
    listen_exchange_respond(
        x, &(struct http_response){.status = p->status,
                                   .headers = headers,
                                   .header_count = ARRAY_COUNT(headers),
                                   .body = buf_span(&body)});
    buf_fini(&body);
}

static void
refuse_plainly(struct listen_exchange *x, int status, const char *title,
               const char *detail)
{
    refuse(x, &(struct rest_problem){
                  .title = title, .status = status, .detail = detail});
}

/* -- login ---------------------------------------------------------------- */

static struct listen_sender *
sender_new(struct http_request *r, const struct auth_result *auth)
{
    struct listen_sender *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    memcpy(s->principal, auth->principal, sizeof(s->principal));
    s->channel = http_request_tls(r) != NULL ? CHANNEL_TLS : CHANNEL_CLEARTEXT;
    s->declared = auth->declared;
    s->applied = channel_applied_level(s->channel, true);
    s->bound = auth->bound;
    s->expires_us = auth->expires_us;
    return s;
}

/* The user reads the cause; one that has no ticket does not. */
static void
refuse_login(struct listen_exchange *x, const struct auth_result *auth)
{
    if (auth->outcome != AUTH_NO_TOKEN)
        ctl_fail("listen: %s: %s%s%s", http_request_peer(x->http)->text,
                 auth->cause, auth->remedy != NULL ? ": " : "",
                 auth->remedy != NULL ? auth->remedy : "");
    refuse_plainly(x, 401, "Authentication required",
                   "A POST without a body and with a Negotiate token comes "
                   "first.");
}

/* In clear its messages may be sealed, and so the context is kept. */
static void
accept_token(struct listen_sink *sink, struct http_request *r,
             struct auth_result *auth, struct security_context **context)
{
    struct span value = http_request_header(r, "Authorization");
    struct channel_binding binding;

    if (http_request_tls(r) == NULL) {
        acceptor_accept_keep(sink->acceptor, value, NULL, auth, context);
        return;
    }
    channel_binding_from_session(http_request_tls(r), &binding);
    acceptor_accept(sink->acceptor, value, &binding, auth);
}

static void
login(struct listen_sink *sink, struct listen_exchange *x)
{
    struct security_context *context = NULL;
    struct listen_sender *s = NULL;
    struct auth_result auth;
    struct buf reply = BUF_INIT;

    /* Whatever comes of it, the one before has had its say. */
    http_request_set_connection_context(x->http, NULL, NULL);
    accept_token(sink, x->http, &auth, &context);
    if (auth.outcome != AUTH_OK) {
        refuse_login(x, &auth);
        goto out;
    }
    if (auth.reply != NULL)
        buf_addf(&reply, "Negotiate %s", auth.reply);
    s = sender_new(x->http, &auth);
    if (s == NULL || buf_failed(&reply)) {
        refuse_plainly(x, 500, "Server error", "out of memory");
        goto out;
    }
    s->context = context;
    context = NULL;
    http_request_set_connection_context(x->http, s, listen_sender_free);
    s = NULL;
    answer(x, 200, reply.data != NULL ? reply.data : "");
out:
    free(s);
    security_context_free(context);
    buf_fini(&reply);
    auth_result_fini(&auth);
}

/* -- who may deliver ------------------------------------------------------ */

static void
refuse_level(struct listen_sink *sink, struct listen_exchange *x)
{
    const struct listen_sender *s = &x->sender;
    enum authn_level required = sink->options->level;
    bool channel = s->applied < required;
    char detail[256];

    snprintf(detail, sizeof(detail),
             "This sink requires %s; the delivery came at %s: the context "
             "declares %s, the connection applies %s.",
             authn_level_name(required), authn_level_name(s->effective),
             authn_level_name(s->declared), authn_level_name(s->applied));
    refuse(x, &(struct rest_problem){
                  .type = "sink-requires-level",
                  .title = "Access denied",
                  .status = 403,
                  .detail = detail,
                  .required = required,
                  .effective = s->effective,
                  .declared = s->declared,
                  .applied = s->applied,
                  .channel = channel_kind_name(s->channel),
                  .binding = listen_binding_name(s),
                  .reason = decision_reason_name(
                      channel ? REASON_CHANNEL_NOT_PRIVATE
                              : REASON_CONTEXT_NOT_PRIVATE),
              });
}

/* Whether data is taken from the connection's sender; if not, the request
 * has its answer. */
static bool
sender_may(struct listen_sink *sink, struct listen_exchange *x)
{
    const struct listen_sender *s = &x->sender;
    const char *gateway = sink->options->gateway;

    if (!x->known || s->expires_us <= clock_now_us()) {
        refuse_plainly(x, 401, "Authentication required",
                       !x->known ? "Nobody has logged in on this connection."
                                 : "The ticket of this connection's login "
                                   "has ended.");
        return false;
    }
    if (gateway != NULL && strcmp(s->principal, gateway) != 0) {
        ctl_fail("listen: %s is not %s", s->principal, gateway);
        refuse(x, &(struct rest_problem){.type = "sink-knows-another-gateway",
                                         .title = "Access denied",
                                         .status = 403,
                                         .detail = "This sink takes results "
                                                   "from another gateway.",
                                         .reason = "not-listed"});
        return false;
    }
    if (s->effective < sink->options->level) {
        refuse_level(sink, x);
        return false;
    }
    return true;
}

/* -- data ----------------------------------------------------------------- */

/* What finished must know of a status that was taken. */
struct taken {
    bool failed;
    char principal[AUTH_PRINCIPAL_MAX];
    char key[LISTEN_KEY_MAX];
};

static bool
headers_agree(const struct listen_exchange *x, const struct listen_message *m)
{
    return listen_exchange_header_count(x, "Idempotency-Key") == 1 &&
           listen_exchange_header_count(x, "Nsgate-Operation") == 1 &&
           span_equal(listen_exchange_header(x, "Idempotency-Key"),
                      span_of(m->key)) &&
           span_equal(listen_exchange_header(x, "Nsgate-Operation"),
                      span_of(m->operation));
}

static bool
remember(struct listen_sink *sink, struct http_request *r,
         const struct listen_delivery *d)
{
    const struct listen_message *m = d->message;
    struct taken *t;

    if (!listen_keys_add(sink->keys, d->sender->principal, m->key))
        return false;
    if (m->kind != LISTEN_SETSTATUS)
        return true;
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return false;
    t->failed = m->hresult != 0;
    memcpy(t->principal, d->sender->principal, sizeof(t->principal));
    memcpy(t->key, m->key, sizeof(t->key));
    http_request_set_context(r, t);
    return true;
}

static void
deliver(struct listen_sink *sink, struct listen_exchange *x,
        const struct listen_message *m)
{
    const struct listen_sender *s = &x->sender;
    const struct listen_options *o = sink->options;
    struct listen_delivery d = {
        .sender = s,
        .message = m,
        .gateway_checked = o->gateway != NULL,
        .duplicate = listen_keys_has(sink->keys, s->principal, m->key),
        .answer = o->answer != 0 ? o->answer : 204,
    };
    bool good = listen_report(&d, o->json, stdout) == 0;

    /* What was not shown, or is made to fail, was not taken. */
    if (good && !d.duplicate && d.answer < 300)
        good = remember(sink, x->http, &d);
    if (good) {
        answer(x, d.answer, "");
        return;
    }
    refuse_plainly(x, 500, "Server error",
                   "The result could not be written down.");
    sink->failed = true;
    sink->end(sink->arg);
}

static void
take(struct listen_sink *sink, struct listen_exchange *x)
{
    struct listen_message m;
    struct error err = {0, ""};

    if (!span_starts_nocase(listen_exchange_header(x, "Content-Type"),
                            SPAN("application/json")))
    {
        refuse_plainly(x, 415, "Unsupported media type",
                       "Results are application/json.");
        return;
    }
    if (listen_message_parse(listen_exchange_body(x), &m, &err) != 0) {
        refuse_plainly(x, 400, "Malformed result", err.text);
        return;
    }
    if (headers_agree(x, &m))
        deliver(sink, x, &m);
    else
        refuse_plainly(x, 400, "Malformed result",
                       "Nsgate-Operation or Idempotency-Key is missing or "
                       "says otherwise than the body.");
    listen_message_fini(&m);
}

/* -- requests ------------------------------------------------------------- */

/* A body is not read before it is known whose it is. */
static void
begin(void *arg, struct http_request *r)
{
    struct listen_sink *sink = arg;
    struct listen_exchange x;

    listen_exchange_begin(&x, r);
    if (!span_equal(http_request_target(r),
                    span_of(sink->options->url.target)))
        refuse_plainly(&x, 404, "Not found", "The sink is elsewhere.");
    else if (strcmp(http_request_method(r), "POST") != 0)
        refuse_plainly(&x, 405, "Method not allowed", "A sink takes POST.");
    else if (http_request_has_body(r))
        sender_may(sink, &x);
    else
        login(sink, &x);
    listen_exchange_end(&x);
}

static void
complete(void *arg, struct http_request *r)
{
    struct listen_sink *sink = arg;
    struct listen_exchange x;
    struct error err = {0, ""};

    listen_exchange_begin(&x, r);
    if (sender_may(sink, &x)) {
        if (listen_exchange_open(&x, &err) == 0)
            take(sink, &x);
        else
            refuse_plainly(&x, 400, "Sealed message", err.text);
    }
    listen_exchange_end(&x);
}

static void
finished(void *arg, struct http_request *r, int status, uint64_t bytes,
         bool completed)
{
    struct listen_sink *sink = arg;
    struct taken *t = http_request_context(r);

    (void)status, (void)bytes;
    if (t == NULL)
        return;
    if (!completed) {
        /* The sender knows nothing of it and comes again. */
        listen_keys_remove(sink->keys, t->principal, t->key);
    } else {
        sink->statuses++;
        sink->failed |= t->failed;
        if (sink->statuses == sink->options->count)
            sink->end(sink->arg);
    }
    free(t);
}

static void
refused(void *arg, const struct http_endpoint *ep,
        const struct http_peer *peer, int status, const char *reason)
{
    (void)arg, (void)ep;
    ctl_fail("listen: %s: answered %d: %s", peer->text, status, reason);
}

void
listen_sink_handlers(struct listen_sink *sink,
                     struct http_handlers *handlers_out)
{
    *handlers_out =
        (struct http_handlers){sink, begin, complete, finished, refused};
}
