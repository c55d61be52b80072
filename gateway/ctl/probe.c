#include "gateway/ctl/probe.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/ctl/ctl.h"

/*
 * A client that asks for exactly one level and shows what came of it.  The
 * context is made with exactly the flags asked for: without NO_CI, MIT adds
 * CONF and INTEG by itself and every probe would look like PktPrivacy.
 */

const char *
probe_aprep_name(enum probe_aprep a)
{
    switch (a) {
    case PROBE_APREP_NOT_ASKED:
        return "not-asked";
    case PROBE_APREP_COMPLETE:
        return "complete";
    case PROBE_APREP_INVALID:
        return "invalid";
    default:
        return "missing";
    }
}

static bool
sends_token(const struct probe_options *o)
{
    return o->flags_given || o->level != AUTHN_LEVEL_NONE;
}

static struct client_request
request_for(const struct probe_options *o)
{
    return (struct client_request){.url = o->url,
                                   .method = o->method,
                                   .unix_path = o->unix_path,
                                   .cacert = o->cacert,
                                   .body = o->body,
                                   .timeout_ms = o->timeout_ms};
}

/* The certificate must be known before the token is made, so it comes from
 * a handshake of its own; exchange() looks whether the request met the same.
 */
static int
bind_channel(const struct probe_options *o, bool tls, struct buf *pem,
             struct channel_binding *out, struct error *err)
{
    struct client_request request = request_for(o);

    out->length = 0;
    if (o->binding == PROBE_BINDING_OFF || !sends_token(o))
        return 0;
    if (!tls) {
        if (o->binding == PROBE_BINDING_ON)
            return error_set(err, "--bind-channel needs an https URL");
        return 0;
    }
    if (client_certificate(&request, pem, err) != 0)
        return -1;
    if (channel_binding_from_pem(pem->data, pem->length, out, err))
        return 0;
    out->length = 0;
    return o->binding == PROBE_BINDING_ON ? -1 : 0;
}

static int
make_token(const struct probe_options *o, struct probe_result *r,
           struct initiator **out, struct error *err)
{
    struct initiator_options options = {
        .spn = r->spn,
        .req_flags = o->flags,
        .no_ci = !o->library_flags,
        .raw_krb5 = o->raw_krb5,
        .binding = r->binding.length > 0 ? &r->binding : NULL,
        .ccache = o->ccache};
    const char *principal;

    if (initiator_new(&options, out, err) != 0)
        return -1;
    principal = initiator_principal(*out);
    snprintf(r->principal, sizeof(r->principal), "%s",
             principal != NULL ? principal : "");
    r->flags = initiator_flags(*out);
    if (o->principal != NULL && strcmp(o->principal, r->principal) != 0)
        return error_set(err,
                         "the ticket is %s's, not %s's: name another "
                         "cache with --ccache",
                         r->principal, o->principal);
    return 0;
}

static int
exchange(const struct probe_options *o, struct probe_result *r,
         const struct initiator *initiator, const struct buf *pem,
         struct error *err)
{
    const char *headers[PROBE_HEADERS_MAX + 1];
    struct client_request request = request_for(o);
    struct buf authorization = BUF_INIT;
    int result;

    memcpy(headers, o->headers, sizeof(o->headers));
    request.headers = headers;
    request.header_count = o->header_count;
    if (initiator != NULL) {
        buf_addf(&authorization, "Authorization: Negotiate %s",
                 initiator_token(initiator));
        if (buf_failed(&authorization)) {
            buf_fini(&authorization);
            return error_set(err, "out of memory");
        }
        headers[request.header_count++] = authorization.data;
    }
    result = client_send(&request, &r->response, err);
    buf_fini(&authorization);
    if (result == 0 && pem->length > 0)
        r->certificate_changed =
            !span_equal(buf_span(pem), buf_span(&r->response.certificate));
    return result;
}

/* RFC 4559 5: the server's token comes in WWW-Authenticate, whatever the
 * status; on a 401 that header is a challenge without one. */
static void
check_reply(const struct probe_options *o, struct probe_result *r,
            struct initiator *initiator)
{
    const char *value = client_header(&r->response, "www-authenticate");
    struct span token = {NULL, 0}, scheme;

    scheme = span_cut(span_of(value), ' ', &token);
    token = span_trim(token);
    if (!span_equal_nocase(scheme, SPAN("Negotiate")) || token.length == 0) {
        r->aprep = (o->flags & PROBE_FLAG_MUTUAL) != 0 ? PROBE_APREP_MISSING
                                                       : PROBE_APREP_NOT_ASKED;
        return;
    }
    if (initiator_finish(initiator, token, &r->aprep_error) != 0) {
        r->aprep = PROBE_APREP_INVALID;
        return;
    }
    r->aprep = PROBE_APREP_COMPLETE;
    r->flags = initiator_flags(initiator);
}

static int
verdict(const struct probe_result *r)
{
    bool admitted = r->response.status >= 200 && r->response.status < 300;

    if (r->aprep == PROBE_APREP_INVALID) {
        ctl_fail("the server's token is not valid, so this may not be the "
                 "service: %s",
                 r->aprep_error.text);
        return CTL_UNREACHABLE;
    }
    if (admitted && r->spn[0] != '\0' && r->aprep == PROBE_APREP_MISSING) {
        ctl_fail("mutual authentication was asked for, and the server did "
                 "not prove itself");
        return CTL_UNREACHABLE;
    }
    return admitted ? CTL_OK : CTL_FAILED;
}

static int
report(const struct probe_result *r)
{
    if (!r->options->json) {
        probe_print_text(r, stdout);
    } else if (probe_print_json(r, stdout) != 0) {
        ctl_fail("out of memory");
        return CTL_UNREACHABLE;
    }
    return verdict(r);
}

static int
service_name(const struct probe_options *o, struct probe_result *r,
             char host[256], struct buf *spn, struct error *err)
{
    if (client_url_parse(o->url, host, 256, &r->tls, err) != 0)
        return -1;
    if (o->spn != NULL)
        buf_add_string(spn, o->spn);
    else
        buf_addf(spn, "HTTP@%s", host);
    if (buf_failed(spn))
        return error_set(err, "out of memory");
    r->spn = sends_token(o) ? spn->data : "";
    return 0;
}

int
ctl_probe(const struct ctl *ctl, int argc, char **argv)
{
    struct probe_options o;
    struct probe_result r;
    struct initiator *initiator = NULL;
    struct buf pem = BUF_INIT, spn = BUF_INIT;
    struct error err = {0, ""};
    char host[256];
    int status;

    (void)ctl;
    memset(&r, 0, sizeof(r));
    status = probe_options_parse(&o, argc, argv);
    if (status != 0)
        return status;
    r.options = &o;
    status = CTL_UNREACHABLE;
    if (service_name(&o, &r, host, &spn, &err) != 0) {
        status = ctl_misuse("probe: %s", err.text);
        goto out;
    }
    if (bind_channel(&o, r.tls, &pem, &r.binding, &err) != 0 ||
        (sends_token(&o) && make_token(&o, &r, &initiator, &err) != 0))
    {
        ctl_fail("probe: %s: %s", o.url, err.text);
        goto out;
    }
    if (o.token_only) {
        printf("%s\n", initiator_token(initiator));
        status = CTL_OK;
        goto out;
    }
    if ((o.message_encryption ? probe_exchange_sealed(&o, &r, initiator, &err)
                              : exchange(&o, &r, initiator, &pem, &err)) != 0)
    {
        ctl_fail("probe: %s: %s", o.url, err.text);
        goto out;
    }
    if (initiator != NULL && !o.message_encryption)
        check_reply(&o, &r, initiator);
    if (initiator != NULL)
        r.declared = declared_level(r.flags, false);
    if (r.declared == AUTHN_LEVEL_DEFAULT) /* no token, or more than one leg */
        r.declared = AUTHN_LEVEL_NONE;
    status = report(&r);
out:
    client_response_fini(&r.response);
    initiator_free(initiator);
    buf_fini(&pem);
    buf_fini(&spn);
    return status;
}
