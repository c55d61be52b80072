/*
 * A result and its answer, in clear or sealed (MS-WSMV 2.2.9.1): a sender who
 * has logged in without TLS may seal what it sends, and has its answers
 * sealed.
 */
#include "gateway/ctl/listen.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/sys/sys.h"

void
listen_sender_free(void *arg)
{
    struct listen_sender *s = arg;

    security_context_free(s->context);
    free(s);
}

static enum http_sealed_protocol
protocol_of(const struct http_request *r)
{
    return http_request_tls(r) != NULL
               ? HTTP_SEALED_NONE
               : http_sealed_protocol(http_request_header(r, "Content-Type"));
}

void
listen_exchange_begin(struct listen_exchange *x, struct http_request *r)
{
    const struct listen_sender *s = http_request_connection_context(r);

    memset(x, 0, sizeof(*x));
    x->http = r;
    x->protocol = protocol_of(r);
    if (s == NULL)
        return;
    x->known = true;
    x->sender = *s;
    if (x->protocol != HTTP_SEALED_NONE) {
        x->sender.channel = CHANNEL_SEALED;
        x->sender.applied = channel_applied_level(CHANNEL_SEALED, true);
    }
    x->sender.effective =
        authn_level_min(x->sender.declared, x->sender.applied);
}

void
listen_exchange_end(struct listen_exchange *x)
{
    free(x->inner);
    secret_fini(&x->plain);
}

/* -- opening -------------------------------------------------------------- */

static int
unwrap(struct listen_exchange *x, struct error *err)
{
    struct http_sealed framing;
    enum seal_failure ignored;
    const char *reason = "";

    if (!http_sealed_parse(http_request_body(x->http), x->protocol, &framing,
                           &reason))
        return error_set(err, "the sealed body: %s", reason);
    if (security_context_unwrap(x->sender.context, framing.sealed, &x->plain,
                                &ignored, err) < 0)
        return -1;
    if (buf_failed(&x->plain) || x->plain.length != framing.length)
        return error_set(err, "the plaintext is not as long as it says");
    if (!span_equal_nocase(framing.type, SPAN("application/http")))
        return error_set(err, "the plaintext is no application/http");
    return 0;
}

/* What stands outside could have been changed on the way. */
static int
read_inner(struct listen_exchange *x, struct error *err)
{
    struct http_inner *inner = malloc(sizeof(*inner));
    const char *reason = "out of memory";
    int status, result = -1;

    if (inner == NULL ||
        !http_inner_request_parse(buf_span(&x->plain), LISTEN_HEAD_BYTES_MAX,
                                  inner, &status, &reason))
        error_set(err, "the message inside: %s", reason);
    else if (!span_equal(inner->target, http_request_target(x->http)) ||
             strcmp(inner->method, "POST") != 0)
        error_set(err, "the message inside is for another target or method");
    else
        result = 0;
    if (result == 0)
        x->inner = inner;
    else
        free(inner);
    return result;
}

int
listen_exchange_open(struct listen_exchange *x, struct error *err)
{
    if (x->protocol == HTTP_SEALED_NONE)
        return 0;
    if (x->sender.context == NULL)
        return error_set(err, "the login has left no context to unseal with");
    if (unwrap(x, err) == 0 && read_inner(x, err) == 0)
        return 0;
    /* Whoever it was logs in again; the context goes with the sender. */
    x->sender.context = NULL;
    http_request_set_connection_context(x->http, NULL, NULL);
    return -1;
}

/* -- what it says --------------------------------------------------------- */

struct span
listen_exchange_header(const struct listen_exchange *x, const char *name)
{
    return x->inner != NULL ? http_inner_field(x->inner, name)
                            : http_request_header(x->http, name);
}

unsigned
listen_exchange_header_count(const struct listen_exchange *x, const char *name)
{
    return x->inner != NULL ? http_inner_field_count(x->inner, name)
                            : http_request_header_count(x->http, name);
}

struct span
listen_exchange_body(const struct listen_exchange *x)
{
    return x->inner != NULL ? x->inner->body : http_request_body(x->http);
}

/* -- answering ------------------------------------------------------------ */

static bool
seal(struct listen_exchange *x, const struct http_response *response,
     struct buf *out)
{
    struct buf plain = BUF_INIT, sealed = BUF_INIT;
    size_t header_length = 0;
    bool ok;

    ok = http_inner_response_format(response, &plain) &&
         security_context_wrap(x->sender.context, buf_span(&plain), &sealed,
                               &header_length, NULL) == 0;
    if (ok)
        http_sealed_format(x->protocol, "application/http", "UTF-8",
                           plain.length, buf_span(&sealed), header_length,
                           out);
    buf_fini(&plain);
    buf_fini(&sealed);
    return ok && !buf_failed(out);
}

void
listen_exchange_respond(struct listen_exchange *x,
                        const struct http_response *response)
{
    const struct http_header type = {"Content-Type",
                                     http_sealed_content_type(x->protocol)};
    struct http_response outer = {
        .status = 200, .headers = &type, .header_count = 1};
    struct http_response failed = {.status = 500, .close = true};
    struct buf body = BUF_INIT;

    if (x->inner == NULL) {
        http_respond(x->http, response);
    } else if (seal(x, response, &body)) {
        outer.body = buf_span(&body);
        http_respond(x->http, &outer);
    } else {
        http_respond(x->http, &failed);
    }
    buf_fini(&body);
}
