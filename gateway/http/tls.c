#include <gnutls/gnutls.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http/endpoint.h"
#include "gateway/http/http.h"

/* TLS below 1.2 is what no proxy may assert either.  No RSA key exchange (a
 * key that leaks later opens no recording), no finite-field one, and, without
 * SHA1, no CBC: what is left is ECDHE with AEAD. */
const char tls_priorities_default[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-GROUP-DH-ALL:"
    "-SHA1:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1";

static gnutls_datum_t
datum_of(const char *pem)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)pem,
                            (unsigned)strlen(pem)};
}

/* A file that holds nothing of the kind, or something damaged. */
static int
pem_error(int result, const char *what, struct error *err)
{
    if (result == GNUTLS_E_BASE64_DECODING_ERROR ||
        result == GNUTLS_E_BASE64_UNEXPECTED_HEADER_ERROR ||
        result == GNUTLS_E_NO_CERTIFICATE_FOUND ||
        result == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return error_set(err, "no %s in PEM form", what);
    return error_set(err, "the %s cannot be read: %s", what,
                     gnutls_strerror(result));
}

int
http_tls_check_certificate(const char *certificate, struct error *err)
{
    gnutls_datum_t pem = datum_of(certificate);
    gnutls_x509_crt_t *chain = NULL;
    unsigned count = 0;
    int result = gnutls_x509_crt_list_import2(&chain, &count, &pem,
                                              GNUTLS_X509_FMT_PEM, 0);

    if (result < 0)
        return pem_error(result, "certificate", err);
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
    return 0;
}

int
http_tls_check_key(const char *key, struct error *err)
{
    gnutls_datum_t pem = datum_of(key);
    gnutls_x509_privkey_t made = NULL;
    int result = gnutls_x509_privkey_init(&made);

    if (result == 0)
        result = gnutls_x509_privkey_import2(made, &pem, GNUTLS_X509_FMT_PEM,
                                             NULL, 0);
    if (made != NULL)
        gnutls_x509_privkey_deinit(made);
    if (result == GNUTLS_E_DECRYPTION_FAILED)
        return error_set(err, "the key has a passphrase; take it off, nobody "
                              "is there to type it");
    return result < 0 ? pem_error(result, "private key", err) : 0;
}

/* A credential that holds exactly this pair, which fit together. */
static int
credentials_new(const char *certificate, const char *key,
                gnutls_certificate_credentials_t *out, struct error *err)
{
    gnutls_datum_t cert = datum_of(certificate), secret = datum_of(key);
    int result = gnutls_certificate_allocate_credentials(out);

    if (result < 0)
        return error_set(err, "%s", gnutls_strerror(result));
    result = gnutls_certificate_set_x509_key_mem(*out, &cert, &secret,
                                                 GNUTLS_X509_FMT_PEM);
    if (result >= 0)
        return 0;
    gnutls_certificate_free_credentials(*out);
    return error_set(err, "%s", gnutls_strerror(result));
}

int
http_tls_check(const char *certificate, const char *key, struct error *err)
{
    gnutls_certificate_credentials_t credentials;

    if (http_tls_check_certificate(certificate, err) < 0 ||
        http_tls_check_key(key, err) < 0 ||
        credentials_new(certificate, key, &credentials, err) < 0)
        return -1;
    gnutls_certificate_free_credentials(credentials);
    return 0;
}

/* -- certificates in use --------------------------------------------------- */

struct tls_certificate {
    unsigned uses;
    gnutls_certificate_credentials_t credentials;
    void *context;
    void (*release)(void *context);
};

int
tls_certificate_new(const char *certificate, const char *key,
                    struct tls_certificate **out, struct error *err)
{
    struct tls_certificate *t = calloc(1, sizeof(*t));

    *out = NULL;
    if (t == NULL)
        return error_set_errno(err, ENOMEM, "certificate");
    if (credentials_new(certificate, key, &t->credentials, err) < 0) {
        free(t);
        return -1;
    }
    t->uses = 1;
    *out = t;
    return 0;
}

struct tls_certificate *
tls_certificate_ref(struct tls_certificate *t)
{
    t->uses++;
    return t;
}

void
tls_certificate_unref(struct tls_certificate *t)
{
    if (t == NULL || --t->uses > 0)
        return;
    tls_certificate_set_context(t, NULL, NULL);
    gnutls_certificate_free_credentials(t->credentials);
    free(t);
}

void *
tls_certificate_context(const struct tls_certificate *t)
{
    return t != NULL ? t->context : NULL;
}

void
tls_certificate_set_context(struct tls_certificate *t, void *context,
                            void (*release)(void *context))
{
    if (t->context != NULL && t->context != context && t->release != NULL)
        t->release(t->context);
    t->context = context;
    t->release = release;
}

/* -- sessions --------------------------------------------------------------- */

bool
tls_session_prepare(void *session, struct tls_certificate *t)
{
    static unsigned char http_1_1[] = "http/1.1";
    const gnutls_datum_t protocol = {http_1_1, sizeof(http_1_1) - 1};

    /* A client that speaks none of ours is told so (RFC 7301 3.2), and not
     * left to find out from an answer it cannot read. */
    return gnutls_alpn_set_protocols(session, &protocol, 1,
                                     GNUTLS_ALPN_MANDATORY) >= 0 &&
           gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
                                  t->credentials) >= 0;
}

static int
refuse(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
       gnutls_pcert_st **certificates, unsigned *certificate_count,
       gnutls_ocsp_data_st **ocsp, unsigned *ocsp_count, gnutls_privkey_t *key,
       unsigned *flags)
{
    (void)session, (void)info, (void)certificates, (void)certificate_count;
    (void)ocsp, (void)ocsp_count, (void)key, (void)flags;
    return -1;
}

void *
tls_refuse_callback(void)
{
    gnutls_certificate_retrieve_function3 *callback = refuse;

    return (void *)(uintptr_t)callback;
}
