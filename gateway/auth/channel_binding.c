#include "gateway/auth/auth.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <limits.h>
#include <string.h>

/* RFC 5929 4.1; the prefix is RFC 5056 2.1. */
static const char prefix[] = "tls-server-end-point:";

static bool
set_hash(struct channel_binding *out, const void *hash, size_t length)
{
    size_t prefix_length = sizeof(prefix) - 1;

    if (length == 0 || length > sizeof(out->data) - prefix_length)
        return false;
    memcpy(out->data, prefix, prefix_length);
    memcpy(out->data + prefix_length, hash, length);
    out->length = prefix_length + length;
    return true;
}

bool
channel_binding_from_session(void *tls, struct channel_binding *out)
{
    gnutls_datum_t hash = {NULL, 0};
    bool known = false;

    memset(out, 0, sizeof(*out));
    if (tls == NULL)
        return false;
    /* The session's own certificate, not the newest file's: a reload may
     * have happened since the handshake. */
    if (gnutls_session_channel_binding(tls, GNUTLS_CB_TLS_SERVER_END_POINT,
                                       &hash) == GNUTLS_E_SUCCESS)
        known = set_hash(out, hash.data, hash.size);
    gnutls_free(hash.data);
    return known;
}

/* The hash of the signature algorithm, MD5 and SHA-1 raised to SHA-256;
 * undefined for algorithms that hash within (RFC 5929 4.1). */
static gnutls_digest_algorithm_t
binding_digest(gnutls_x509_crt_t crt)
{
    int sign = gnutls_x509_crt_get_signature_algorithm(crt);
    gnutls_digest_algorithm_t digest;

    if (sign < 0 || sign == GNUTLS_SIGN_EDDSA_ED25519 ||
        sign == GNUTLS_SIGN_EDDSA_ED448)
        return GNUTLS_DIG_UNKNOWN;
    digest = gnutls_sign_get_hash_algorithm((gnutls_sign_algorithm_t)sign);
    if (digest == GNUTLS_DIG_MD5 || digest == GNUTLS_DIG_SHA1)
        return GNUTLS_DIG_SHA256;
    return digest;
}

/* H over the certificate's DER; gnutls_x509_crt_get_fingerprint is that. */
static int
hash_certificate(gnutls_x509_crt_t crt, struct channel_binding *out,
                 struct error *err)
{
    gnutls_digest_algorithm_t digest = binding_digest(crt);
    unsigned char hash[64];
    size_t length = sizeof(hash);
    int result;

    if (digest == GNUTLS_DIG_UNKNOWN)
        return error_set(err, "the certificate's signature algorithm defines "
                              "no tls-server-end-point binding");
    result = gnutls_x509_crt_get_fingerprint(crt, digest, hash, &length);
    if (result < 0)
        return error_set(err, "certificate hash: %s", gnutls_strerror(result));
    if (!set_hash(out, hash, length))
        return error_set(err, "certificate hash of %zu bytes", length);
    return 0;
}

bool
channel_binding_from_pem(const void *pem, size_t length,
                         struct channel_binding *out, struct error *err)
{
    gnutls_x509_crt_t crt = NULL;
    gnutls_datum_t data;
    bool known = false;
    int result;

    memset(out, 0, sizeof(*out));
    if (length > UINT_MAX) {
        error_set(err, "certificate file too large");
        return false;
    }
    data.data = (unsigned char *)(uintptr_t)pem;
    data.size = (unsigned)length;
    result = gnutls_x509_crt_init(&crt);
    if (result < 0) {
        error_set(err, "certificate: %s", gnutls_strerror(result));
        goto out;
    }
    result = gnutls_x509_crt_import(crt, &data, GNUTLS_X509_FMT_PEM);
    if (result < 0) {
        error_set(err, "no certificate: %s", gnutls_strerror(result));
        goto out;
    }
    known = hash_certificate(crt, out, err) == 0;
out:
    if (crt != NULL)
        gnutls_x509_crt_deinit(crt);
    return known;
}
