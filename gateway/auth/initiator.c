#include "gateway/auth/auth.h"

#include <errno.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/auth/base64.h"
#include "gateway/auth/client_credential.h"
#include "gateway/auth/gss_text.h"
#include "gateway/auth/security_context.h"
#include "gateway/auth/service_ticket.h"

struct initiator {
    gss_ctx_id_t context;
    struct service_ticket *ticket; /* whose cred and target are; NULL: ours */
    gss_cred_id_t cred;
    gss_name_t target;
    gss_OID mech;
    uint32_t req_flags, ret_flags;
    struct channel_binding binding;
    bool complete;
    char *token;
    char *principal;
};

static int
acquire_default(struct initiator *i, const char *ccache, gss_OID_set mechs,
                struct error *err)
{
    gss_key_value_element_desc element = {"ccache", ccache};
    gss_key_value_set_desc store = {ccache != NULL, &element};
    OM_uint32 major, minor;

    major =
        gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, mechs,
                              GSS_C_INITIATE, &store, &i->cred, NULL, NULL);
    return GSS_ERROR(major)
               ? gss_text_error(major, minor, "client credential", err)
               : 0;
}

/* NO_CI is a property of the credential: without it MIT adds CONF and INTEG
 * whatever was asked. */
static int
acquire(struct initiator *i, const struct initiator_options *options,
        struct error *err)
{
    gss_OID_desc mechs[] = {*gss_mech_krb5, gss_mech_spnego_desc};
    gss_OID_set_desc wanted = {ARRAY_COUNT(mechs), mechs};
    gss_OID_set_desc negotiated = {1, mechs};
    gss_buffer_desc empty = GSS_C_EMPTY_BUFFER;
    OM_uint32 major, minor;
    int result;

    if (options->credential != NULL)
        result = client_credential_acquire(options->credential, &wanted,
                                           &i->cred, err);
    else
        result = acquire_default(i, options->ccache, &wanted, err);
    if (result < 0)
        return -1;
    major = gss_set_neg_mechs(&minor, i->cred, &negotiated);
    if (!GSS_ERROR(major) && options->no_ci)
        major = gss_set_cred_option(&minor, &i->cred,
                                    GSS_KRB5_CRED_NO_CI_FLAGS_X, &empty);
    return GSS_ERROR(major)
               ? gss_text_error(major, minor, "client credential", err)
               : 0;
}

/* "HTTP/host@": the realm is found as for any other host, the host is not. */
static int
import_exact(struct initiator *i, const char *spn, struct error *err)
{
    struct span host, service = span_cut(span_of(spn), '@', &host);
    struct buf text = BUF_INIT;
    gss_buffer_desc name;
    OM_uint32 major, minor;

    buf_addf(&text, "%.*s/%.*s@", (int)service.length, service.data,
             (int)host.length, host.data);
    if (buf_failed(&text)) {
        buf_fini(&text);
        return error_set_errno(err, ENOMEM, "%s", spn);
    }
    name = (gss_buffer_desc){text.length, text.data};
    major =
        gss_import_name(&minor, &name, GSS_KRB5_NT_PRINCIPAL_NAME, &i->target);
    buf_fini(&text);
    return GSS_ERROR(major) ? gss_text_error(major, minor, spn, err) : 0;
}

static int
import_target(struct initiator *i, const char *spn, bool exact,
              struct error *err)
{
    gss_buffer_desc text = {strlen(spn), (void *)(uintptr_t)spn};
    OM_uint32 major, minor;

    if (exact)
        return import_exact(i, spn, err);
    major =
        gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &i->target);
    return GSS_ERROR(major) ? gss_text_error(major, minor, spn, err) : 0;
}

/* One leg; the token that came out of it replaces the one before. */
static int
leg(struct initiator *i, gss_buffer_t input, struct error *err)
{
    struct gss_channel_bindings_struct bindings;
    gss_buffer_desc output = GSS_C_EMPTY_BUFFER;
    OM_uint32 major, minor, ignored, flags = 0;

    memset(&bindings, 0, sizeof(bindings));
    bindings.application_data.value = i->binding.data;
    bindings.application_data.length = i->binding.length;
    major = gss_init_sec_context(&minor, i->cred, &i->context, i->target,
                                 i->mech, i->req_flags, GSS_C_INDEFINITE,
                                 i->binding.length > 0 ? &bindings : NULL,
                                 input, NULL, &output, &flags, NULL);
    if (GSS_ERROR(major)) {
        gss_release_buffer(&ignored, &output);
        return gss_text_error(major, minor, "security context", err);
    }
    i->complete = major == GSS_S_COMPLETE;
    i->ret_flags = flags;
    free(i->token);
    i->token = base64_encode(output.value, output.length);
    gss_release_buffer(&ignored, &output);
    return i->token != NULL ? 0 : error_set_errno(err, ENOMEM, "token");
}

static int
acquire_and_import(struct initiator *i,
                   const struct initiator_options *options, struct error *err)
{
    if (options->ticket == NULL)
        return acquire(i, options, err) < 0 ||
                       import_target(i, options->spn, options->exact_host,
                                     err) < 0
                   ? -1
                   : 0;
    i->ticket = service_ticket_ref(options->ticket);
    i->cred = i->ticket->cred;
    i->target = i->ticket->target;
    return 0;
}

/* A context that is not complete does not tell yet; the credential does, now
 * that its first use has settled on a cache. */
static OM_uint32
client_name(const struct initiator *i, gss_name_t *name_out, OM_uint32 *minor)
{
    if (i->complete)
        return gss_inquire_context(minor, i->context, name_out, NULL, NULL,
                                   NULL, NULL, NULL, NULL);
    return gss_inquire_cred(minor, i->cred, name_out, NULL, NULL, NULL);
}

static int
take_principal(struct initiator *i, struct error *err)
{
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
    gss_name_t name = GSS_C_NO_NAME;
    OM_uint32 major, minor, ignored;

    if (i->ticket != NULL) {
        i->principal = strdup(i->ticket->client);
        return i->principal != NULL ? 0 : error_set_errno(err, ENOMEM, "name");
    }
    major = client_name(i, &name, &minor);
    if (!GSS_ERROR(major))
        major = gss_display_name(&minor, name, &text, NULL);
    gss_release_name(&ignored, &name);
    if (GSS_ERROR(major))
        return gss_text_error(major, minor, "client name", err);
    i->principal = strndup(text.value, text.length);
    gss_release_buffer(&ignored, &text);
    return i->principal != NULL ? 0 : error_set_errno(err, ENOMEM, "name");
}

int
initiator_new(const struct initiator_options *options, struct initiator **out,
              struct error *err)
{
    struct initiator *i;

    *out = NULL;
    i = calloc(1, sizeof(*i));
    if (i == NULL)
        return error_set_errno(err, ENOMEM, "initiator");
    i->context = GSS_C_NO_CONTEXT;
    i->cred = GSS_C_NO_CREDENTIAL;
    i->target = GSS_C_NO_NAME;
    i->mech = options->raw_krb5 ? (gss_OID)gss_mech_krb5
                                : (gss_OID)&gss_mech_spnego_desc;
    i->req_flags = options->req_flags;
    if (options->binding != NULL)
        i->binding = *options->binding;
    if (acquire_and_import(i, options, err) < 0 ||
        leg(i, GSS_C_NO_BUFFER, err) < 0 || take_principal(i, err) < 0)
    {
        initiator_free(i);
        return -1;
    }
    *out = i;
    return 0;
}

void
initiator_free(struct initiator *i)
{
    OM_uint32 minor;

    if (i == NULL)
        return;
    gss_delete_sec_context(&minor, &i->context, GSS_C_NO_BUFFER);
    if (i->ticket == NULL) {
        gss_release_name(&minor, &i->target);
        gss_release_cred(&minor, &i->cred);
    }
    service_ticket_unref(i->ticket);
    free(i->token);
    free(i->principal);
    free(i);
}

const char *
initiator_token(const struct initiator *i)
{
    return i->token;
}

int
initiator_finish(struct initiator *i, struct span reply, struct error *err)
{
    gss_buffer_desc input;
    unsigned char *bytes;
    int result;

    if (reply.length == 0)
        return i->complete
                   ? 0
                   : error_set(err, "the server did not prove who it is");
    if (i->complete)
        return error_set(err, "the server sent a token nobody waits for");
    bytes = malloc(base64_decoded_max(reply.length) + 1);
    if (bytes == NULL)
        return error_set_errno(err, ENOMEM, "token");
    input.value = bytes;
    if (base64_decode(reply, bytes, &input.length))
        result = leg(i, &input, err);
    else
        result = error_set(err, "the server's token is not base64");
    free(bytes);
    if (result == 0 && !i->complete)
        return error_set(err, "the server wants more than one leg");
    return result;
}

uint32_t
initiator_flags(const struct initiator *i)
{
    return i->ret_flags;
}

bool
initiator_is_mutual(const struct initiator *i)
{
    return i->complete && (i->ret_flags & GSS_C_MUTUAL_FLAG) != 0;
}

int64_t
initiator_expires_us(const struct initiator *i)
{
    OM_uint32 minor, seconds = 0;

    if (!i->complete ||
        GSS_ERROR(gss_inquire_context(&minor, i->context, NULL, NULL, &seconds,
                                      NULL, NULL, NULL, NULL)))
        return 0;
    return clock_now_us() + (int64_t)seconds * 1000000;
}

const char *
initiator_principal(const struct initiator *i)
{
    return i->principal;
}

struct security_context *
initiator_take_context(struct initiator *i)
{
    struct security_context *taken;

    if (!i->complete)
        return NULL;
    taken = security_context_new(&i->context, i->ret_flags,
                                 initiator_expires_us(i));
    i->complete = taken == NULL;
    return taken;
}
