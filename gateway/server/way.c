#include "gateway/server/way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARGIN_US   60000000 /* before its ticket ends */
#define HEADERS_MAX 8
#define LINE_BYTES  256

static int
way_fail(struct sink_failure *f, enum delivery_outcome outcome,
         const char *reason, const char *detail)
{
    *f = (struct sink_failure){.outcome = outcome,
                               .unsecured = outcome == DELIVERY_RETRY};
    snprintf(f->reason, sizeof(f->reason), "%.*s", (int)sizeof(f->reason) - 1,
             reason);
    snprintf(f->detail, sizeof(f->detail), "%.*s", (int)sizeof(f->detail) - 1,
             detail);
    return -1;
}

/* -- sign-in ------------------------------------------------------------------ */

/*
 * A KDC that cannot be asked may be asked later; one that does not know the
 * sink has said so.  The text is what tells (the numbers of a mechanism
 * behind SPNEGO mean nothing).
 */
static int
token_fail(struct sink_failure *f, const struct error *err)
{
    const char *server = strstr(err->text, "Server ");
    bool unknown = server != NULL &&
                   strstr(server, "not found in Kerberos database") != NULL;

    return way_fail(f, unknown ? DELIVERY_INSECURE : DELIVERY_RETRY,
                    "sink-ticket", err->text);
}

static int
way_token(void *arg, const char *host, struct span pem, struct buf *out,
          struct sink_failure *failure)
{
    struct way *w = arg;
    struct channel_binding binding = {.length = 0};
    char spn[300];
    struct initiator_options options = {
        .spn = spn,
        .exact_host = true,
        .binding = &binding,
        .credential = w->credential,
    };
    struct error err = {0, ""};

    if (!initiator_flags_for_level(AUTHN_LEVEL_PKT_PRIVACY, &options.req_flags,
                                   &options.no_ci))
        return way_fail(failure, DELIVERY_INSECURE, "sink-context", "");
    snprintf(spn, sizeof(spn), "HTTP@%s", host);
    if (pem.data != NULL &&
        !channel_binding_from_pem(pem.data, pem.length, &binding, &err))
        return way_fail(failure, DELIVERY_INSECURE, "sink-certificate",
                        err.text);
    if (initiator_new(&options, &w->initiator, &err) < 0)
        return token_fail(failure, &err);
    buf_add_string(out, initiator_token(w->initiator));
    return 0;
}

/* The sink has proved who it is, and the context is what we asked for. */
static int
way_finish(void *arg, struct span reply, struct sink_failure *failure)
{
    struct way *w = arg;
    struct error err = {0, ""};
    struct buf flags = BUF_INIT;

    if (reply.data == NULL)
        return way_fail(failure, DELIVERY_INSECURE, "sink-authentication",
                        "the sink did not answer the token: it does not"
                        " speak Negotiate");
    if (initiator_finish(w->initiator, reply, &err) < 0)
        return way_fail(failure, DELIVERY_INSECURE, "sink-authentication",
                        err.text);
    w->declared = declared_level(initiator_flags(w->initiator), false);
    if (!initiator_is_mutual(w->initiator) ||
        w->declared != AUTHN_LEVEL_PKT_PRIVACY)
    {
        gss_flags_format(initiator_flags(w->initiator), &flags);
        way_fail(failure, DELIVERY_INSECURE, "sink-context",
                 buf_failed(&flags) ? "" : flags.data);
        buf_fini(&flags);
        return -1;
    }
    w->expires_us = initiator_expires_us(w->initiator);
    return 0;
}

/* -- the connection ------------------------------------------------------------- */

void
way_init(struct way *w, const struct config_callback *config)
{
    memset(w, 0, sizeof(*w));
    w->config = config;
    w->authenticator = (struct sink_authenticator){
        .arg = w, .token = way_token, .finish = way_finish};
}

void
way_close(struct way *w)
{
    sink_session_close(w->session);
    security_context_free(w->context);
    initiator_free(w->initiator);
    w->session = NULL;
    w->context = NULL;
    w->initiator = NULL;
    w->declared = w->applied = AUTHN_LEVEL_NONE;
    w->expires_us = 0;
}

static enum channel_kind
way_channel(const struct config_callback *config, const struct sink *sink)
{
    if (sink->tls)
        return CHANNEL_TLS;
    return config->message_encryption ? CHANNEL_SEALED : CHANNEL_CLEARTEXT;
}

enum authn_level
way_best_level(const struct config_callback *config, const struct sink *sink)
{
    return channel_applied_level(way_channel(config, sink), true);
}

static bool
way_leads_to(const struct way *w, const struct sink *sink)
{
    return w->session != NULL && w->sink.tls == sink->tls &&
           w->sink.port == sink->port &&
           strcmp(w->sink.host, sink->host) == 0 &&
           clock_now_us() + MARGIN_US < w->expires_us &&
           sink_session_is_alive(w->session);
}

int
way_open(struct way *w, const struct sink *sink, struct sink_failure *failure)
{
    if (way_leads_to(w, sink))
        return 0;
    way_close(w);
    w->sink = *sink;
    if (sink_session_open(w->config, sink, &w->authenticator, &w->session,
                          failure) < 0)
    {
        way_close(w);
        return -1;
    }
    if (way_channel(w->config, sink) == CHANNEL_SEALED) {
        w->context = initiator_take_context(w->initiator);
        if (w->context == NULL) {
            way_close(w);
            return way_fail(failure, DELIVERY_RETRY, "sink-context",
                            "the context cannot seal");
        }
    }
    w->applied = way_best_level(w->config, sink);
    return 0;
}

/* -- a part ------------------------------------------------------------------------ */

static int
way_post_clear(struct way *w, const struct sink *sink,
               const struct http_header *headers, size_t count,
               struct span body, struct sink_failure *failure)
{
    char lines[HEADERS_MAX][LINE_BYTES];
    const char *list[HEADERS_MAX];
    struct sink_answer answer = {.body = BUF_INIT};
    int result;

    for (size_t i = 0; i < count && i < HEADERS_MAX; i++) {
        snprintf(lines[i], sizeof(lines[i]), "%s: %s", headers[i].name,
                 headers[i].value);
        list[i] = lines[i];
    }
    result = sink_session_exchange(w->session, sink, list, count, body,
                                   &answer, failure);
    if (result == 0)
        result = sink_session_judge(answer.status, failure);
    buf_fini(&answer.body);
    return result;
}

static int
way_wrap(void *arg, struct span plain, struct buf *out,
         size_t *header_length_out, struct error *err)
{
    return security_context_wrap(arg, plain, out, header_length_out, err);
}

static int
way_unwrap(void *arg, struct span sealed, struct buf *plain, struct error *err)
{
    enum seal_failure ignored;

    return security_context_unwrap(arg, sealed, plain, &ignored, err);
}

/* What a sink says that did not seal it may be anybody's. */
static int
way_read_sealed(struct way *w, const struct sink_answer *answer,
                struct sink_failure *failure)
{
    const struct http_sealer sealer = {w->context, way_wrap, way_unwrap};
    struct http_inner *inner = malloc(sizeof(*inner));
    struct buf plain = BUF_INIT;
    struct error err = {0, "out of memory"};
    int result = -1;

    if (inner != NULL)
        result = http_sealed_answer(
            &sealer, HTTP_SEALED_SPNEGO, span_of(answer->type),
            buf_span(&answer->body), &plain, inner, &err);
    if (result == 0)
        result = sink_session_judge(inner->status, failure);
    else
        way_fail(failure, DELIVERY_RETRY, "sink-sealing", err.text);
    buf_fini(&plain);
    free(inner);
    return result;
}

static int
way_post_sealed(struct way *w, const struct sink *sink,
                const struct http_header *headers, size_t count,
                struct span body, struct sink_failure *failure)
{
    const struct http_sealer sealer = {w->context, way_wrap, way_unwrap};
    struct buf inner = BUF_INIT, outer = BUF_INIT;
    struct sink_answer answer = {.body = BUF_INIT};
    struct error err = {0, "out of memory"};
    char type[LINE_BYTES];
    const char *line = type;
    int result = -1;

    snprintf(type, sizeof(type), "Content-Type: %s",
             http_sealed_content_type(HTTP_SEALED_SPNEGO));
    if (!http_inner_request_format("POST", sink_target(sink), sink->host,
                                   headers, count, body, &inner) ||
        http_sealed_request(&sealer, HTTP_SEALED_SPNEGO, buf_span(&inner),
                            &outer, &err) < 0)
        way_fail(failure, DELIVERY_RETRY, "sink-sealing", err.text);
    else
        result = sink_session_exchange(w->session, sink, &line, 1,
                                       buf_span(&outer), &answer, failure);
    if (result == 0)
        result = way_read_sealed(w, &answer, failure);
    buf_fini(&inner);
    buf_fini(&outer);
    buf_fini(&answer.body);
    return result;
}

int
way_post(struct way *w, const struct sink *sink,
         const struct http_header *headers, size_t header_count,
         struct span body, struct sink_failure *failure)
{
    int result;

    if (w->context != NULL)
        result =
            way_post_sealed(w, sink, headers, header_count, body, failure);
    else
        result = way_post_clear(w, sink, headers, header_count, body, failure);
    if (result < 0)
        way_close(w);
    return result;
}
