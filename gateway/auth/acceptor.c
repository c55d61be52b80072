#include "gateway/auth/acceptor.h"

#include <errno.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/auth/gss_text.h"

/* With one principal the credential is bound to it; with several it takes
 * any, and the keytab holds no others. */
static int
import_identity(const struct keytab *keytab, gss_name_t *name_out,
                struct error *err)
{
    gss_buffer_desc text;
    OM_uint32 major, minor;

    *name_out = GSS_C_NO_NAME;
    if (keytab->several)
        return 0;
    text.value = keytab->principal;
    text.length = strlen(keytab->principal);
    major =
        gss_import_name(&minor, &text, GSS_KRB5_NT_PRINCIPAL_NAME, name_out);
    return GSS_ERROR(major)
               ? gss_text_error(major, minor, "acceptor name", err)
               : 0;
}

/*
 * GSS_C_ACCEPT, since BOTH would make up a delegation flag.  The replay cache
 * is named here, so that neither environment nor krb5.conf can turn it off.
 * Negotiation is limited to krb5 or an installed NTLM mechanism would take
 * part in it.
 */
static int
acquire(const struct keytab *keytab, const char *rcache,
        gss_cred_id_t *cred_out, struct error *err)
{
    gss_OID_desc mechs[] = {*gss_mech_krb5, gss_mech_spnego_desc};
    gss_OID_set_desc wanted = {ARRAY_COUNT(mechs), mechs};
    gss_OID_set_desc negotiated = {1, mechs};
    gss_key_value_element_desc elements[] = {{"keytab", keytab->name},
                                             {"rcache", rcache}};
    gss_key_value_set_desc store = {ARRAY_COUNT(elements), elements};
    gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
    OM_uint32 major, minor, ignored;
    gss_name_t name;

    *cred_out = GSS_C_NO_CREDENTIAL;
    if (import_identity(keytab, &name, err) < 0)
        return -1;
    major = gss_acquire_cred_from(&minor, name, GSS_C_INDEFINITE, &wanted,
                                  GSS_C_ACCEPT, &store, &cred, NULL, NULL);
    if (!GSS_ERROR(major))
        major = gss_set_neg_mechs(&minor, cred, &negotiated);
    gss_release_name(&ignored, &name);
    if (GSS_ERROR(major)) {
        gss_text_error(major, minor, "acceptor credential", err);
        gss_release_cred(&ignored, &cred);
        return -1;
    }
    *cred_out = cred;
    return 0;
}

int
acceptor_set_keytab(struct acceptor *a, int keytab_fd, struct error *err)
{
    struct keytab *keytab;
    gss_cred_id_t cred;
    OM_uint32 minor;

    if (keytab_load(keytab_fd, (const char *const *)a->names, a->name_count,
                    &keytab, err) < 0)
        return -1;
    if (acquire(keytab, a->rcache, &cred, err) < 0) {
        keytab_free(keytab);
        return -1;
    }
    gss_release_cred(&minor, &a->cred);
    keytab_free(a->keytab);
    a->keytab = keytab;
    a->cred = cred;
    return 0;
}

/* "SERVICE@host", both there and nothing that starts another name. */
static bool
name_is_good(struct span name)
{
    struct span host, service = span_cut(name, '@', &host);

    return service.length > 0 && host.length > 0 &&
           memchr(host.data, '@', host.length) == NULL &&
           memchr(name.data, '/', name.length) == NULL;
}

static int
copy_names(struct acceptor *a, const struct acceptor_options *options,
           struct error *err)
{
    if (options->name_count == 0)
        return error_set(err, "no acceptor name");
    a->names = calloc(options->name_count, sizeof(*a->names));
    if (a->names == NULL)
        return error_set_errno(err, ENOMEM, "acceptor");
    for (size_t i = 0; i < options->name_count; i++) {
        if (!name_is_good(span_of(options->names[i])))
            return error_set(err, "acceptor '%s' is not SERVICE@host",
                             options->names[i]);
        a->names[i] = strdup(options->names[i]);
        if (a->names[i] == NULL)
            return error_set_errno(err, ENOMEM, "acceptor");
        a->name_count++;
    }
    return 0;
}

int
acceptor_new(const struct acceptor_options *options, struct acceptor **out,
             struct error *err)
{
    struct acceptor *a;
    int result = -1;

    *out = NULL;
    a = calloc(1, sizeof(*a));
    if (a == NULL)
        return error_set_errno(err, ENOMEM, "acceptor");
    a->cred = GSS_C_NO_CREDENTIAL;
    if (copy_names(a, options, err) < 0)
        goto out;
    if (asprintf(&a->rcache, "file2:%s/nsgate.rcache2", options->rcache_dir) <
        0) {
        a->rcache = NULL;
        error_set_errno(err, ENOMEM, "acceptor");
        goto out;
    }
    if (acceptor_set_keytab(a, options->keytab_fd, err) < 0)
        goto out;
    *out = a;
    a = NULL;
    result = 0;
out:
    acceptor_free(a);
    return result;
}

void
acceptor_free(struct acceptor *a)
{
    OM_uint32 minor;

    if (a == NULL)
        return;
    gss_release_cred(&minor, &a->cred);
    keytab_free(a->keytab);
    for (size_t i = 0; i < a->name_count; i++)
        free(a->names[i]);
    free(a->names);
    free(a->rcache);
    free(a);
}

const char *
acceptor_realm(const struct acceptor *a)
{
    return a->keytab->realm;
}

const char *
acceptor_describe(const struct acceptor *a)
{
    return a->keytab->description;
}
