#include <gnutls/gnutls.h>
#include <string.h>

#include "gateway/http/http.h"

int
http_tls_check(const char *certificate, const char *key, struct error *err)
{
    gnutls_datum_t cert = {(unsigned char *)(uintptr_t)certificate,
                           (unsigned)strlen(certificate)};
    gnutls_datum_t secret = {(unsigned char *)(uintptr_t)key,
                             (unsigned)strlen(key)};
    gnutls_certificate_credentials_t credentials;
    int result = gnutls_certificate_allocate_credentials(&credentials);

    if (result < 0)
        return error_set(err, "%s", gnutls_strerror(result));
    result = gnutls_certificate_set_x509_key_mem(credentials, &cert, &secret,
                                                 GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(credentials);
    return result < 0 ? error_set(err, "%s", gnutls_strerror(result)) : 0;
}
