#include "gateway/auth/client_credential.h"

#include <errno.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/auth/gss_text.h"

/* That there is a key is known at the start, and not at the first delivery. */
static int
principal_check(const struct client_credential *c, struct error *err)
{
    krb5_context context = c->keytab->context;
    krb5_principal principal = NULL;
    krb5_keytab_entry entry;
    krb5_error_code code;

    code = krb5_parse_name(context, c->principal, &principal);
    if (code == 0)
        code = krb5_kt_get_entry(context, c->keytab->memory, principal, 0, 0,
                                 &entry);
    if (code == 0)
        krb5_free_keytab_entry_contents(context, &entry);
    krb5_free_principal(context, principal);
    return code == 0
               ? 0
               : error_set(err, "keytab holds no key for %s", c->principal);
}

int
client_credential_new(int keytab_fd, const char *principal,
                      struct client_credential **out, struct error *err)
{
    static unsigned long number;
    struct client_credential *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (c == NULL)
        return error_set_errno(err, ENOMEM, "client credential");
    if (keytab_load(keytab_fd, NULL, 0, &c->keytab, err) < 0) {
        client_credential_free(c);
        return -1;
    }
    c->principal =
        strdup(principal != NULL ? principal : c->keytab->principal);
    if (c->principal == NULL) {
        client_credential_free(c);
        return error_set_errno(err, ENOMEM, "client credential");
    }
    if (principal_check(c, err) < 0) {
        client_credential_free(c);
        return -1;
    }
    snprintf(c->cache, sizeof(c->cache), "MEMORY:nsgate.client.%ld.%lu",
             (long)getpid(), ++number);
    *out = c;
    return 0;
}

void
client_credential_free(struct client_credential *c)
{
    krb5_ccache cache;

    if (c == NULL)
        return;
    if (c->keytab != NULL && c->cache[0] != '\0' &&
        krb5_cc_resolve(c->keytab->context, c->cache, &cache) == 0)
        krb5_cc_destroy(c->keytab->context, cache);
    keytab_free(c->keytab);
    free(c->principal);
    free(c);
}

const char *
client_credential_principal(const struct client_credential *c)
{
    return c->principal;
}

/*
 * Acquired anew for each context: that is when the library looks whether the
 * tickets in the cache are still good for a while, and gets others with the
 * keytab if not.
 */
int
client_credential_acquire(const struct client_credential *c, gss_OID_set mechs,
                          gss_cred_id_t *cred_out, struct error *err)
{
    gss_key_value_element_desc elements[] = {
        {"client_keytab", c->keytab->name}, {"ccache", c->cache}};
    gss_key_value_set_desc store = {ARRAY_COUNT(elements), elements};
    gss_buffer_desc text = {strlen(c->principal), c->principal};
    gss_name_t name = GSS_C_NO_NAME;
    OM_uint32 major, minor, ignored;

    *cred_out = GSS_C_NO_CREDENTIAL;
    major = gss_import_name(&minor, &text, GSS_KRB5_NT_PRINCIPAL_NAME, &name);
    if (!GSS_ERROR(major))
        major = gss_acquire_cred_from(&minor, name, GSS_C_INDEFINITE, mechs,
                                      GSS_C_INITIATE, &store, cred_out, NULL,
                                      NULL);
    gss_release_name(&ignored, &name);
    return GSS_ERROR(major)
               ? gss_text_error(major, minor, "client credential", err)
               : 0;
}
