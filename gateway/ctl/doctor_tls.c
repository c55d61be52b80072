#include "gateway/ctl/doctor.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "gateway/sys/sys.h"

#define PEM_MAX          (1u << 20)
#define EXPIRY_WARNING_S (14 * 86400)
#define KEY_ID_MAX       64

/* The chain of a file; the first is the server's.  NULL: said why. */
static gnutls_x509_crt_t *
chain_read(struct doctor *d, const char *path, unsigned *count)
{
    gnutls_x509_crt_t *chain = NULL;
    struct buf pem = BUF_INIT;
    struct error err = {0, ""};
    gnutls_datum_t datum;
    int code;

    if (file_read(path, PEM_MAX, &pem, &err) != 0) {
        doctor_say(d, FINDING_FAIL, "certificate",
                   "See tls_certificate in nsgate.conf", "%s", err.text);
        goto out;
    }
    datum.data = (unsigned char *)pem.data;
    datum.size = (unsigned)pem.length;
    code = gnutls_x509_crt_list_import2(&chain, count, &datum,
                                        GNUTLS_X509_FMT_PEM, 0);
    if (code < 0 || *count == 0) {
        doctor_say(d, FINDING_FAIL, "certificate",
                   "The file must hold PEM certificates, the server's first",
                   "%s: %s", path, gnutls_strerror(code));
        chain = NULL;
    }
out:
    buf_fini(&pem);
    return chain;
}

static void
chain_free(gnutls_x509_crt_t *chain, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
}

static void
look_at_dates(struct doctor *d, const char *path, gnutls_x509_crt_t crt,
              int64_t now_s)
{
    int64_t end = gnutls_x509_crt_get_expiration_time(crt);
    int64_t start = gnutls_x509_crt_get_activation_time(crt);
    char text[CLOCK_TEXT_MAX];

    clock_format(end * 1000000, text);
    if (now_s > end)
        doctor_say(d, FINDING_FAIL, "certificate", "Renew it",
                   "%s expired at %s", path, text);
    else if (now_s < start)
        doctor_say(d, FINDING_FAIL, "certificate", "Look at the clock",
                   "%s is not yet valid", path);
    else if (now_s > end - EXPIRY_WARNING_S)
        doctor_say(d, FINDING_WARN, "certificate", "Renew it",
                   "%s expires at %s", path, text);
    else
        doctor_say(d, FINDING_OK, "certificate", NULL, "%s, until %s", path,
                   text);
}

static void
look_at_name(struct doctor *d, const char *path, gnutls_x509_crt_t crt,
             const char *host)
{
    if (host == NULL || gnutls_x509_crt_check_hostname(crt, host) != 0)
        return;
    doctor_say(d, FINDING_FAIL, "certificate",
               "Clients reach the service by the acceptor's name: get a "
               "certificate for it",
               "%s is not for %s", path, host);
}

/* RFC 5929 4.1 has no hash for it, so nothing can be bound to it. */
static void
look_at_algorithm(struct doctor *d, const char *path, gnutls_x509_crt_t crt)
{
    int algorithm = gnutls_x509_crt_get_signature_algorithm(crt);

    if (algorithm == GNUTLS_SIGN_EDDSA_ED25519 ||
        algorithm == GNUTLS_SIGN_EDDSA_ED448)
        doctor_say(d, FINDING_WARN, "certificate",
                   "Use an ECDSA or RSA certificate",
                   "%s is signed with %s, for which there are no channel "
                   "bindings",
                   path, gnutls_sign_get_name(algorithm));
}

static bool
key_import(gnutls_x509_privkey_t key, const struct buf *pem, struct error *err)
{
    gnutls_datum_t datum = {(unsigned char *)pem->data, (unsigned)pem->length};
    int code =
        gnutls_x509_privkey_import2(key, &datum, GNUTLS_X509_FMT_PEM, NULL, 0);

    if (code == 0)
        return true;
    error_set(err, "%s", gnutls_strerror(code));
    return false;
}

static bool
key_matches(gnutls_x509_privkey_t key, gnutls_x509_crt_t crt)
{
    unsigned char of_key[KEY_ID_MAX], of_crt[KEY_ID_MAX];
    size_t key_length = sizeof(of_key), crt_length = sizeof(of_crt);

    return gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, of_key,
                                          &key_length) == 0 &&
           gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, of_crt,
                                      &crt_length) == 0 &&
           key_length == crt_length && memcmp(of_key, of_crt, key_length) == 0;
}

static void
look_at_key(struct doctor *d, const char *path, gnutls_x509_crt_t crt)
{
    gnutls_x509_privkey_t key = NULL;
    struct buf pem = BUF_INIT;
    struct error err = {0, ""};

    if (file_read(path, PEM_MAX, &pem, &err) != 0) {
        doctor_say(d, doctor_unseen(-err.code), "TLS key",
                   "See tls_key in nsgate.conf, and run doctor as root", "%s",
                   err.text);
    } else if (gnutls_x509_privkey_init(&key) != 0 ||
               !key_import(key, &pem, &err)) {
        doctor_say(d, FINDING_FAIL, "TLS key",
                   "It must be a PEM key without a passphrase", "%s: %s", path,
                   err.text);
    } else if (!key_matches(key, crt)) {
        doctor_say(d, FINDING_FAIL, "TLS key",
                   "Take the key with which the certificate was requested",
                   "%s is not the certificate's", path);
    } else {
        doctor_say(d, FINDING_OK, "TLS key", NULL, "%s is the certificate's",
                   path);
    }
    if (key != NULL)
        gnutls_x509_privkey_deinit(key);
    secret_fini(&pem);
}

void
doctor_certificate(struct doctor *d, const char *certificate, const char *key,
                   const char *host, int64_t now_s)
{
    unsigned count = 0;
    gnutls_x509_crt_t *chain = chain_read(d, certificate, &count);

    if (chain == NULL)
        return;
    look_at_dates(d, certificate, chain[0], now_s);
    look_at_name(d, certificate, chain[0], host);
    look_at_algorithm(d, certificate, chain[0]);
    if (key != NULL)
        look_at_key(d, key, chain[0]);
    chain_free(chain, count);
}

void
doctor_certificates(struct doctor *d)
{
    int64_t now_s = clock_now_us() / 1000000;

    for (size_t i = 0; i < d->config->listener_count; i++) {
        const struct config_listener *l = &d->config->listeners[i];

        if (l->tls)
            doctor_certificate(d, l->tls_certificate, l->tls_key,
                               d->config->secure_host, now_s);
        if (l->proxy_tls_certificate != NULL)
            doctor_certificate(d, l->proxy_tls_certificate, NULL,
                               d->config->secure_host, now_s);
    }
}
