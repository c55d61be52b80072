#include "gateway/auth/service_ticket.h"

#include <errno.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/auth/client_credential.h"
#include "gateway/auth/gss_text.h"

/* A ticket without a time to begin has the one of its sign-in (RFC 4120
 * 5.3). */
static struct ticket_times
times_of(const krb5_creds *creds)
{
    krb5_timestamp begins = creds->times.starttime != 0
                                ? creds->times.starttime
                                : creds->times.authtime;

    /* Unsigned since 1.17: good until 2106. */
    return (struct ticket_times){(int64_t)(uint32_t)begins * 1000000,
                                 (int64_t)(uint32_t)creds->times.endtime *
                                     1000000};
}

/* -- getting one ---------------------------------------------------------- */

/* "HTTP@host" has no realm yet: KDC and configuration find it. */
static krb5_error_code
parse_service(krb5_context context, const char *spn, krb5_principal *out)
{
    struct span host, service = span_cut(span_of(spn), '@', &host);
    struct buf text = BUF_INIT;
    krb5_error_code code = ENOMEM;

    if (memchr(service.data, '/', service.length) != NULL)
        buf_add_string(&text, spn);
    else
        buf_addf(&text, "%.*s/%.*s@", (int)service.length, service.data,
                 (int)host.length, host.data);
    if (!buf_failed(&text))
        code = krb5_parse_name(context, text.data, out);
    buf_fini(&text);
    return code;
}

/* A ticket-granting ticket alone in a cache; it can be forwarded by nobody. */
static krb5_error_code
sign_in(const struct client_credential *c, krb5_principal client,
        krb5_ccache cache)
{
    krb5_context context = c->keytab->context;
    krb5_get_init_creds_opt *options = NULL;
    krb5_creds tgt;
    krb5_error_code code;

    memset(&tgt, 0, sizeof(tgt));
    code = krb5_get_init_creds_opt_alloc(context, &options);
    if (code != 0)
        return code;
    krb5_get_init_creds_opt_set_forwardable(options, 0);
    krb5_get_init_creds_opt_set_proxiable(options, 0);
    code = krb5_get_init_creds_keytab(context, &tgt, client, c->keytab->memory,
                                      0, NULL, options);
    krb5_get_init_creds_opt_free(context, options);
    if (code == 0)
        code = krb5_cc_initialize(context, cache, tgt.client);
    if (code == 0)
        code = krb5_cc_store_cred(context, cache, &tgt);
    krb5_free_cred_contents(context, &tgt);
    return code;
}

static krb5_error_code
get_and_marshal(krb5_context context, krb5_ccache cache, krb5_creds *wanted,
                struct buf *out, struct ticket_times *times_out)
{
    krb5_creds *got = NULL;
    krb5_data *bytes = NULL;
    krb5_error_code code =
        krb5_get_credentials(context, 0, cache, wanted, &got);

    if (code == 0)
        code = krb5_marshal_credentials(context, got, &bytes);
    if (code == 0) {
        *times_out = times_of(got);
        buf_add(out, bytes->data, bytes->length);
        explicit_bzero(bytes->data, bytes->length);
        code = buf_failed(out) ? ENOMEM : 0;
    }
    krb5_free_data(context, bytes);
    krb5_free_creds(context, got);
    return code;
}

int
client_credential_ticket(const struct client_credential *c, const char *spn,
                         struct buf *out, struct ticket_times *times_out,
                         struct error *err)
{
    krb5_context context = c->keytab->context;
    krb5_ccache cache = NULL;
    krb5_creds wanted;
    krb5_error_code code;

    memset(&wanted, 0, sizeof(wanted));
    code = krb5_parse_name(context, c->principal, &wanted.client);
    if (code == 0)
        code = parse_service(context, spn, &wanted.server);
    if (code == 0)
        code = krb5_cc_new_unique(context, "MEMORY", NULL, &cache);
    if (code == 0)
        code = sign_in(c, wanted.client, cache);
    if (code == 0)
        code = get_and_marshal(context, cache, &wanted, out, times_out);
    if (code != 0)
        krb5_text_error(context, code, spn, err);
    if (cache != NULL)
        krb5_cc_destroy(context, cache);
    krb5_free_cred_contents(context, &wanted);
    return code == 0 ? 0 : -1;
}

/* -- one that was got ----------------------------------------------------- */

static krb5_error_code
store(struct service_ticket *t, krb5_creds *creds)
{
    krb5_error_code code;

    code = krb5_cc_new_unique(t->context, "MEMORY", NULL, &t->cache);
    if (code == 0)
        code = krb5_cc_initialize(t->context, t->cache, creds->client);
    if (code == 0)
        code = krb5_cc_store_cred(t->context, t->cache, creds);
    t->times = times_of(creds);
    return code;
}

/* The name is the ticket's own, so that it is found without asking which
 * realm a host is in. */
static int
import(struct service_ticket *t, const krb5_creds *creds, struct error *err)
{
    char *client = NULL, *server = NULL;
    gss_buffer_desc name = GSS_C_EMPTY_BUFFER;
    OM_uint32 major, minor;
    krb5_error_code code;

    code = krb5_unparse_name(t->context, creds->client, &client);
    if (code == 0)
        code = krb5_unparse_name(t->context, creds->server, &server);
    if (code != 0) {
        krb5_free_unparsed_name(t->context, client);
        return krb5_text_error(t->context, code, "ticket", err);
    }
    t->client = strdup(client);
    name = (gss_buffer_desc){strlen(server), server};
    major =
        gss_import_name(&minor, &name, GSS_KRB5_NT_PRINCIPAL_NAME, &t->target);
    krb5_free_unparsed_name(t->context, client);
    krb5_free_unparsed_name(t->context, server);
    if (GSS_ERROR(major))
        return gss_text_error(major, minor, "ticket", err);
    return t->client != NULL ? 0 : error_set_errno(err, ENOMEM, "ticket");
}

/* Once for all contexts: there is nothing in the cache that could be got
 * anew. */
static int
acquire(struct service_ticket *t, struct error *err)
{
    gss_OID_desc mechs[] = {*gss_mech_krb5, gss_mech_spnego_desc};
    gss_OID_set_desc wanted = {ARRAY_COUNT(mechs), mechs};
    gss_OID_set_desc negotiated = {1, mechs};
    char *name = NULL;
    gss_key_value_element_desc element = {"ccache", NULL};
    gss_key_value_set_desc cred_store = {1, &element};
    OM_uint32 major, minor;

    if (krb5_cc_get_full_name(t->context, t->cache, &name) != 0)
        return error_set_errno(err, ENOMEM, "ticket");
    element.value = name;
    major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE,
                                  &wanted, GSS_C_INITIATE, &cred_store,
                                  &t->cred, NULL, NULL);
    krb5_free_string(t->context, name);
    if (!GSS_ERROR(major))
        major = gss_set_neg_mechs(&minor, t->cred, &negotiated);
    return GSS_ERROR(major) ? gss_text_error(major, minor, "ticket", err) : 0;
}

int
service_ticket_new(struct span bytes, struct service_ticket **out,
                   struct error *err)
{
    const krb5_data data = {.length = (unsigned)bytes.length,
                            .data = (char *)(uintptr_t)bytes.data};
    struct service_ticket *t = calloc(1, sizeof(*t));
    krb5_creds *creds = NULL;
    krb5_error_code code;
    int result = -1;

    *out = NULL;
    if (t == NULL)
        return error_set_errno(err, ENOMEM, "ticket");
    t->references = 1;
    t->cred = GSS_C_NO_CREDENTIAL;
    t->target = GSS_C_NO_NAME;
    if (krb5_init_context(&t->context) != 0) {
        error_set(err, "Kerberos does not start");
        goto out;
    }
    code = krb5_unmarshal_credentials(t->context, &data, &creds);
    if (code == 0 && (creds->client == NULL || creds->server == NULL))
        code = EINVAL;
    if (code == 0)
        code = store(t, creds);
    if (code != 0) {
        krb5_text_error(t->context, code, "ticket", err);
        goto out;
    }
    if (import(t, creds, err) < 0 || acquire(t, err) < 0)
        goto out;
    *out = t;
    t = NULL;
    result = 0;
out:
    if (creds != NULL)
        krb5_free_creds((t != NULL ? t : *out)->context, creds);
    service_ticket_unref(t);
    return result;
}

struct service_ticket *
service_ticket_ref(struct service_ticket *t)
{
    t->references++;
    return t;
}

void
service_ticket_unref(struct service_ticket *t)
{
    OM_uint32 minor;

    if (t == NULL || --t->references > 0)
        return;
    gss_release_cred(&minor, &t->cred);
    gss_release_name(&minor, &t->target);
    if (t->cache != NULL)
        krb5_cc_destroy(t->context, t->cache);
    if (t->context != NULL)
        krb5_free_context(t->context);
    free(t->client);
    free(t);
}

struct ticket_times
service_ticket_times(const struct service_ticket *t)
{
    return t->times;
}
