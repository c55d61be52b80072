#include "gateway/auth/acceptor.h"

#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/auth/base64.h"
#include "gateway/auth/gss_text.h"
#include "gateway/auth/principal.h"
#include "gateway/auth/security_context.h"
#include "gateway/auth/token.h"

/*
 * One token, one leg, one answer.  Everything GSS makes on the way lives in
 * struct accepted and is released when the answer has been written: nothing
 * of a request stays behind for the next one, but the context itself where
 * the caller says that it keeps it.
 */
struct accepted {
    gss_ctx_id_t context;
    gss_name_t client;
    gss_OID mech; /* static */
    gss_buffer_desc reply;
    gss_cred_id_t delegated;
    OM_uint32 flags;
    OM_uint32 seconds_left; /* to the ticket's end, and the clock skew */
};

static const struct accepted accepted_none = {
    .context = GSS_C_NO_CONTEXT,
    .client = GSS_C_NO_NAME,
    .mech = GSS_C_NO_OID,
    .delegated = GSS_C_NO_CREDENTIAL,
};

static void
accepted_fini(struct accepted *accepted)
{
    OM_uint32 minor;

    gss_delete_sec_context(&minor, &accepted->context, GSS_C_NO_BUFFER);
    gss_release_name(&minor, &accepted->client);
    gss_release_buffer(&minor, &accepted->reply); /* also of failures */
    gss_release_cred(&minor, &accepted->delegated);
}

static void
refuse(struct auth_result *r, const char *cause, const char *remedy)
{
    r->outcome = AUTH_REFUSED;
    snprintf(r->cause, sizeof(r->cause), "%s", cause);
    r->remedy = remedy;
}

/* What was found out on the way to refusing is nobody's identity. */
static void
forget_identity(struct auth_result *r)
{
    free(r->reply);
    r->reply = NULL;
    memset(r->principal, 0, sizeof(r->principal));
    r->realm = NULL;
    r->declared = AUTHN_LEVEL_NONE;
    r->impersonation =
        r->anonymous ? IMPERSONATION_ANONYMOUS : IMPERSONATION_NONE;
    r->bound = false;
    r->expires_us = 0;
}

/* The leg itself; false when the context is not established by it. */
static bool
run_leg(struct acceptor *a, gss_buffer_t token,
        const struct channel_binding *binding, struct accepted *accepted,
        struct auth_result *r)
{
    struct gss_channel_bindings_struct bindings;
    gss_channel_bindings_t passed = GSS_C_NO_CHANNEL_BINDINGS;
    OM_uint32 major, minor;

    if (binding != NULL && binding->length > 0) {
        memset(&bindings, 0, sizeof(bindings));
        bindings.application_data.value = (void *)(uintptr_t)binding->data;
        bindings.application_data.length = binding->length;
        passed = &bindings;
    }
    major = gss_accept_sec_context(
        &minor, &accepted->context, a->cred, token, passed, &accepted->client,
        &accepted->mech, &accepted->reply, &accepted->flags,
        &accepted->seconds_left, &accepted->delegated);
    if (major == GSS_S_COMPLETE)
        return true;
    if (major == GSS_S_CONTINUE_NEEDED) {
        refuse(r, "the client wants more than one leg",
               "its first choice of mechanism is not Kerberos: it probably "
               "has no ticket for this name");
        return false;
    }
    gss_text_format(major, minor, accepted->mech, r->cause, sizeof(r->cause));
    r->remedy = gss_text_remedy(r->cause);
    return false;
}

/* krb5 and the two identifiers that older peers used for it. */
static bool
mech_is_krb5(gss_OID mech)
{
    gss_OID_desc known[] = {*gss_mech_krb5, *gss_mech_krb5_old,
                            *gss_mech_krb5_wrong};

    for (size_t i = 0; mech != GSS_C_NO_OID && i < ARRAY_COUNT(known); i++) {
        if (mech->length == known[i].length &&
            memcmp(mech->elements, known[i].elements, mech->length) == 0)
            return true;
    }
    return false;
}

static bool
take_principal(const struct accepted *accepted, struct auth_result *r)
{
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
    gss_OID type = GSS_C_NO_OID;
    const char *objection;
    size_t realm = 0;
    OM_uint32 major, minor;
    struct span name;

    major = gss_display_name(&minor, accepted->client, &text, &type);
    if (GSS_ERROR(major)) {
        refuse(r, "the client has no name", NULL);
        return false;
    }
    name = (struct span){text.value, text.length};
    r->anonymous =
        principal_is_anonymous(name) ||
        (type != GSS_C_NO_OID && gss_oid_equal(type, GSS_C_NT_ANONYMOUS));
    objection = principal_objection(name, &realm);
    if (r->anonymous)
        objection = "the ticket is anonymous";
    else if (objection == NULL && name.length >= sizeof(r->principal))
        objection = "the client's name is too long";
    if (objection == NULL) {
        memcpy(r->principal, name.data, name.length);
        r->realm = r->principal + realm;
    } else {
        refuse(r, objection, NULL);
    }
    gss_release_buffer(&minor, &text);
    return objection == NULL;
}

/* WbemImpersonationLevelEnum: what the client lets us do in its name. */
static enum impersonation_level
impersonation(const struct accepted *accepted, const struct auth_result *r)
{
    if (r->anonymous)
        return IMPERSONATION_ANONYMOUS;
    if (accepted->flags & GSS_C_IDENTIFY_FLAG)
        return IMPERSONATION_IDENTIFY;
    if ((accepted->flags & GSS_C_DELEG_FLAG) &&
        accepted->delegated != GSS_C_NO_CREDENTIAL)
        return IMPERSONATION_DELEGATE;
    return IMPERSONATION_IMPERSONATE;
}

/* The library takes tickets for a skew longer than they last; we do not. */
static bool
take_end(const struct acceptor *a, const struct accepted *accepted,
         struct auth_result *r)
{
    int64_t now = clock_now_us();
    int64_t left =
        (int64_t)accepted->seconds_left - a->keytab->clock_skew_seconds;

    /* Whole seconds, begun ones not counted. */
    r->expires_us = (now / 1000000 + left) * 1000000;
    if (r->expires_us > now)
        return true;
    refuse(r, "Ticket expired", gss_text_remedy("Ticket expired"));
    return false;
}

/* Everything that must hold of an established context. */
static bool
examine(const struct acceptor *a, const struct accepted *accepted,
        struct auth_result *r)
{
    r->gss_flags = accepted->flags;
    if (!mech_is_krb5(accepted->mech)) {
        refuse(r, "the mechanism is not Kerberos", NULL);
        return false;
    }
    if (accepted->flags & GSS_C_DCE_STYLE) {
        refuse(r, "the client asks for the three legs of DCE style",
               "HTTP carries one: clear GSS_C_DCE_STYLE in the client");
        return false;
    }
    if (!take_principal(accepted, r) || !take_end(a, accepted, r))
        return false;
    r->declared = declared_level(accepted->flags, r->anonymous);
    r->impersonation = impersonation(accepted, r);
    r->bound = (accepted->flags & GSS_C_CHANNEL_BOUND_FLAG) != 0;
    return true;
}

static bool
take_reply(const struct accepted *accepted, struct auth_result *r)
{
    if (accepted->reply.length == 0)
        return true;
    r->reply = base64_encode(accepted->reply.value, accepted->reply.length);
    if (r->reply != NULL)
        return true;
    refuse(r, "out of memory", NULL);
    return false;
}

/* The context outlives this request when its messages will be sealed. */
static bool
take_context(struct accepted *accepted, struct auth_result *r,
             struct security_context **out)
{
    if (out == NULL)
        return true;
    *out = security_context_new(&accepted->context, accepted->flags,
                                r->expires_us);
    if (*out != NULL)
        return true;
    refuse(r, "out of memory", NULL);
    return false;
}

/* The token as it was decoded; context_out: NULL when nobody keeps it. */
static void
take_token(struct acceptor *a, gss_buffer_t token,
           const struct channel_binding *binding, struct auth_result *r,
           struct security_context **context_out)
{
    struct accepted accepted = accepted_none;

    if (run_leg(a, token, binding, &accepted, r) && examine(a, &accepted, r) &&
        take_reply(&accepted, r) && take_context(&accepted, r, context_out))
        r->outcome = AUTH_OK;
    else
        forget_identity(r);
    accepted_fini(&accepted);
}

static void
accept_header(struct acceptor *a, struct span authorization,
              const struct channel_binding *binding, struct auth_result *r,
              struct security_context **context_out)
{
    gss_buffer_desc token;
    unsigned char *bytes;
    const char *why, *remedy;
    enum token_kind kind;

    memset(r, 0, sizeof(*r));
    r->declared = AUTHN_LEVEL_NONE;
    kind = token_from_header(authorization, context_out != NULL, &bytes,
                             &token.length, &why, &remedy);
    if (kind != TOKEN_TAKEN) {
        refuse(r, why, remedy);
        if (kind == TOKEN_ABSENT)
            r->outcome = AUTH_NO_TOKEN;
        return;
    }
    token.value = bytes;
    take_token(a, &token, binding, r, context_out);
    free(bytes);
}

void
acceptor_accept(struct acceptor *a, struct span authorization,
                const struct channel_binding *binding,
                struct auth_result *result_out)
{
    accept_header(a, authorization, binding, result_out, NULL);
}

void
acceptor_accept_keep(struct acceptor *a, struct span authorization,
                     const struct channel_binding *binding,
                     struct auth_result *result_out,
                     struct security_context **context_out)
{
    *context_out = NULL;
    accept_header(a, authorization, binding, result_out, context_out);
}

void
auth_result_fini(struct auth_result *r)
{
    free(r->reply);
    memset(r, 0, sizeof(*r));
}
