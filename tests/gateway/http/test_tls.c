#include "tests/gateway/http/rig.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/support.h"

SUITE(tls);

/* A key and a certificate that it signed itself, as PEM; both malloc'ed. */
static void
make_certificate(char **certificate_out, char **key_out)
{
    static const unsigned char serial = 1;
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crt;
    gnutls_datum_t pem;

    gnutls_x509_privkey_init(&key);
    cr_assert_eq(gnutls_x509_privkey_generate(
                     key, GNUTLS_PK_EC,
                     GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                 0);
    gnutls_x509_crt_init(&crt);
    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, &serial, 1);
    gnutls_x509_crt_set_dn(crt, "CN=localhost", NULL);
    gnutls_x509_crt_set_activation_time(crt, time(NULL) - 60);
    gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 3600);
    gnutls_x509_crt_set_key(crt, key);
    cr_assert_eq(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0),
                 0);
    gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem);
    *certificate_out = strndup((char *)pem.data, pem.size);
    gnutls_free(pem.data);
    gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem);
    *key_out = strndup((char *)pem.data, pem.size);
    gnutls_free(pem.data);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
}

static void
open_tls(struct rig *rig)
{
    struct http_endpoint_options but = {0};
    char *certificate, *key;

    make_certificate(&certificate, &key);
    but.tls_certificate = certificate;
    but.tls_key = key;
    rig_open(rig, RIG_TCP, &but);
    /* They were copied. */
    memset(certificate, 0, strlen(certificate));
    memset(key, 0, strlen(key));
    free(certificate);
    free(key);
}

static void
look_at_session(struct rig *rig, struct http_request *r)
{
    gnutls_session_t session = http_request_tls(r);

    (void)rig;
    cr_assert_not_null(session);
    rig_answer(r, 200,
               gnutls_protocol_get_name(gnutls_protocol_get_version(session)));
}

/* Repeats a call of the client's until it neither waits nor is told to. */
#define TLS_CALL(rig, call)                                                   \
    ({                                                                        \
        long result_;                                                         \
        int turns_ = 0;                                                       \
                                                                              \
        while ((result_ = (call)) == GNUTLS_E_AGAIN && turns_++ < 500)        \
            rig_turn(rig, -1, 10);                                            \
        result_;                                                              \
    })

/* The protocol that the answer names, "" if there is none. */
static void
run_client(struct rig *rig, const char *priorities, char out[64])
{
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
    char answer[4096] = "";
    size_t length = 0;
    long got = 1;
    int fd = rig_connect(rig);

    out[0] = '\0';
    gnutls_certificate_allocate_credentials(&credentials);
    gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
    cr_assert_eq(gnutls_priority_set_direct(session, priorities, NULL), 0);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_int(session, fd);
    if (TLS_CALL(rig, gnutls_handshake(session)) == 0) {
        static const struct span raw =
            SPAN("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        TLS_CALL(rig, gnutls_record_send(session, raw.data, raw.length));
        while (got > 0 || got == GNUTLS_E_AGAIN) {
            got =
                TLS_CALL(rig, gnutls_record_recv(session, answer + length,
                                                 sizeof(answer) - 1 - length));
            length += got > 0 ? (size_t)got : 0;
        }
        /* The end was said, and not just there. */
        cr_expect_eq(got, 0, "%s", gnutls_strerror((int)got));
        cr_assert_not_null(strstr(answer, "\r\n\r\n"));
        snprintf(out, 64, "%s", strstr(answer, "\r\n\r\n") + 4);
    }
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(credentials);
    close(fd);
}

Test(tls, speaks_1_3_and_1_2_and_nothing_older)
{
    static const struct {
        const char *priorities, *protocol;
    } rows[] = {
        {"NORMAL", "TLS1.3"},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "TLS1.2"},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT", ""},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.0:%COMPAT", ""},
        {"NORMAL:-KX-ALL:+ANON-ECDH:-VERS-ALL:+VERS-TLS1.2", ""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char protocol[64];
        struct rig rig;

        open_tls(&rig);
        rig.on_complete = look_at_session;
        run_client(&rig, rows[i].priorities, protocol);
        cr_expect_str_eq(protocol, rows[i].protocol, "%s: %s",
                         rows[i].priorities, protocol);
        cr_expect_eq(rig.begun, rows[i].protocol[0] != '\0');
        rig_close(&rig);
    }
}

Test(tls, never_answers_what_comes_in_clear)
{
    struct rig rig;
    int fd;

    open_tls(&rig);
    fd = rig_connect(&rig);
    rig_send(fd, SPAN("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    rig_ends(&rig, fd);
    rig_until(&rig, http_endpoint_connections(rig.ep) == 0);
    cr_assert_eq(rig.begun, 0);
    close(fd);
    rig_close(&rig);
}
