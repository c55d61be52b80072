/*
 * One request by message encryption (MS-WSMV 2.2.9.1), over the same session
 * that couriers use: an empty POST with the token, then the request, sealed,
 * on that connection.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/callback/callback.h"
#include "gateway/ctl/ctl.h"
#include "gateway/ctl/probe.h"

#define ANSWER_MAX ((size_t)64 * 1024 * 1024)

struct sealed_probe {
    const struct probe_options *options;
    struct probe_result *result;
    struct initiator *initiator;
    struct security_context *context;
    enum http_sealed_protocol protocol;
};

static int
probe_token(void *arg, const char *host, struct span pem, struct buf *out,
            struct sink_failure *failure)
{
    const struct sealed_probe *p = arg;

    (void)host;
    (void)pem;
    (void)failure;
    buf_add_string(out, initiator_token(p->initiator));
    return 0;
}

static int
probe_finish(void *arg, struct span reply, struct sink_failure *failure)
{
    struct sealed_probe *p = arg;
    struct probe_result *r = p->result;

    if (initiator_finish(p->initiator, reply, &r->aprep_error) == 0) {
        r->aprep = PROBE_APREP_COMPLETE;
        r->flags = initiator_flags(p->initiator);
        return 0;
    }
    r->aprep = reply.data == NULL ? PROBE_APREP_MISSING : PROBE_APREP_INVALID;
    *failure = (struct sink_failure){.outcome = DELIVERY_INSECURE};
    snprintf(failure->detail, sizeof(failure->detail), "%.*s",
             (int)sizeof(failure->detail) - 1, r->aprep_error.text);
    return -1;
}

static int
probe_wrap(void *arg, struct span plain, struct buf *out,
           size_t *header_length_out, struct error *err)
{
    return security_context_wrap(arg, plain, out, header_length_out, err);
}

static int
probe_unwrap(void *arg, struct span sealed, struct buf *plain,
             struct error *err)
{
    enum seal_failure ignored;

    return security_context_unwrap(arg, sealed, plain, &ignored, err);
}

static bool
request_format(const struct probe_options *o, const struct sink *sink,
               struct buf *out)
{
    struct http_header headers[PROBE_HEADERS_MAX];
    char names[PROBE_HEADERS_MAX][64];

    for (size_t i = 0; i < o->header_count; i++) {
        struct span value,
            name = span_cut(span_of(o->headers[i]), ':', &value);

        snprintf(names[i], sizeof(names[i]), "%.*s", (int)name.length,
                 name.data);
        headers[i] = (struct http_header){names[i], span_trim(value).data};
    }
    return http_inner_request_format(o->method, sink_target(sink), sink->host,
                                     headers, o->header_count,
                                     span_of(o->body), out);
}

/* What came, as if it had come in clear. */
static int
answer_take(struct client_response *response, long status,
            const struct http_inner *inner, const struct sink_answer *outer,
            struct error *err)
{
    bool ok = true;

    response->status = status;
    if (inner == NULL) {
        ok = client_response_add(response, SPAN("Content-Type"),
                                 span_of(outer->type));
        buf_add(&response->body, outer->body.data, outer->body.length);
    }
    for (size_t i = 0; inner != NULL && ok && i < inner->field_count; i++)
        ok = client_response_add(response, inner->fields[i].name,
                                 inner->fields[i].value);
    if (inner != NULL)
        buf_add(&response->body, inner->body.data, inner->body.length);
    return ok && !buf_failed(&response->body)
               ? 0
               : error_set(err, "out of memory");
}

static int
answer_read(struct sealed_probe *p, const struct sink_answer *answer,
            struct error *err)
{
    const struct http_sealer sealer = {p->context, probe_wrap, probe_unwrap};
    struct client_response *response = &p->result->response;
    struct http_inner *inner;
    struct buf plain = BUF_INIT;
    int result = -1;

    /* A refusal in clear: of a server that does not know the context. */
    if (http_sealed_protocol(span_of(answer->type)) == HTTP_SEALED_NONE)
        return answer_take(response, answer->status, NULL, answer, err);
    inner = malloc(sizeof(*inner));
    if (inner == NULL)
        return error_set(err, "out of memory");
    result = http_sealed_answer(&sealer, p->protocol, span_of(answer->type),
                                buf_span(&answer->body), &plain, inner, err);
    if (result == 0) {
        p->result->sealed = true;
        result = answer_take(response, inner->status, inner, NULL, err);
    }
    buf_fini(&plain);
    free(inner);
    return result;
}

static int
request_exchange(struct sealed_probe *p, const struct sink *sink,
                 struct sink_session *session, struct error *err)
{
    const struct http_sealer sealer = {p->context, probe_wrap, probe_unwrap};
    struct sink_answer answer = {.max = ANSWER_MAX, .body = BUF_INIT};
    struct buf inner = BUF_INIT, outer = BUF_INIT;
    struct sink_failure failure;
    char type[256];
    const char *line = type;
    int result = -1;

    snprintf(type, sizeof(type), "Content-Type: %s",
             http_sealed_content_type(p->protocol));
    if (!request_format(p->options, sink, &inner))
        error_set(err, "the request cannot be sealed: a header or the method"
                       " does not do");
    else if (http_sealed_request(&sealer, p->protocol, buf_span(&inner),
                                 &outer, err) == 0)
        result = sink_session_exchange(session, sink, &line, 1,
                                       buf_span(&outer), &answer, &failure);
    else
        goto out;
    if (result == 0)
        result = answer_read(p, &answer, err);
    else if (outer.length > 0)
        error_set(err, "%s", failure.detail);
out:
    buf_fini(&inner);
    buf_fini(&outer);
    buf_fini(&answer.body);
    return result;
}

int
probe_exchange_sealed(const struct probe_options *o, struct probe_result *r,
                      struct initiator *initiator, struct error *err)
{
    /* Any address: it is the user's own choice. */
    const struct config_network everywhere = {.prefix = 0};
    const struct config_callback config = {.network_count = 1,
                                           .networks = &everywhere,
                                           .sink_timeout_s =
                                               o->timeout_ms / 1000};
    struct sealed_probe p = {.options = o,
                             .result = r,
                             .initiator = initiator,
                             .protocol = o->raw_krb5 ? HTTP_SEALED_KERBEROS
                                                     : HTTP_SEALED_SPNEGO};
    const struct sink_authenticator authenticator = {&p, probe_token,
                                                     probe_finish};
    struct sink_session *session = NULL;
    struct sink_failure failure;
    struct sink *sink = malloc(sizeof(*sink));
    int result = -1;

    if (sink == NULL)
        return error_set(err, "out of memory");
    if (!sink_parse(span_of(o->url), sink, err))
        goto out;
    if (sink->tls) {
        error_set(err, "message encryption is for http URLs; https is"
                       " encrypted as it is");
        goto out;
    }
    if (sink_session_open(&config, sink, &authenticator, &session, &failure) <
        0) {
        error_set(err, "%s", failure.detail);
        goto out;
    }
    p.context = initiator_take_context(initiator);
    if (p.context == NULL)
        error_set(err, "the context cannot seal");
    else
        result = request_exchange(&p, sink, session, err);
out:
    sink_session_close(session);
    security_context_free(p.context);
    free(sink);
    return result;
}
