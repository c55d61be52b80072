#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#include "gateway/http/http.h"

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

int
http_tls_check(const char *certificate, const char *key, struct error *err)
{
    gnutls_datum_t cert = datum_of(certificate), secret = datum_of(key);
    gnutls_certificate_credentials_t credentials;
    int result;

    if (http_tls_check_certificate(certificate, err) < 0 ||
        http_tls_check_key(key, err) < 0)
        return -1;
    result = gnutls_certificate_allocate_credentials(&credentials);
    if (result < 0)
        return error_set(err, "%s", gnutls_strerror(result));
    result = gnutls_certificate_set_x509_key_mem(credentials, &cert, &secret,
                                                 GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(credentials);
    return result < 0 ? error_set(err, "%s", gnutls_strerror(result)) : 0;
}
