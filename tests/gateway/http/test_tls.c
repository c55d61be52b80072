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
        uint64_t end_ = clock_monotonic_ms() + 5000;                          \
        long result_;                                                         \
                                                                              \
        while ((result_ = (call)) == GNUTLS_E_AGAIN &&                        \
               clock_monotonic_ms() < end_)                                   \
            rig_turn(rig, -1, 10);                                            \
        result_;                                                              \
    })

struct client {
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
    int fd;
};

/* alpn: NULL: none. What the handshake came to. */
static long
client_open(struct rig *rig, struct client *c, const char *priorities,
            const char *alpn)
{
    c->fd = rig_connect(rig);
    gnutls_certificate_allocate_credentials(&c->credentials);
    gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
    cr_assert_eq(gnutls_priority_set_direct(c->session, priorities, NULL), 0);
    gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials);
    gnutls_transport_set_int(c->session, c->fd);
    if (alpn != NULL) {
        gnutls_datum_t protocol = {(unsigned char *)(uintptr_t)alpn,
                                   (unsigned)strlen(alpn)};

        gnutls_alpn_set_protocols(c->session, &protocol, 1, 0);
    }
    return TLS_CALL(rig, gnutls_handshake(c->session));
}

static void
client_close(struct client *c)
{
    gnutls_deinit(c->session);
    gnutls_certificate_free_credentials(c->credentials);
    close(c->fd);
}

/* The body of one answer. */
static const char *
client_ask(struct rig *rig, struct client *c)
{
    static const struct span raw = SPAN("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    static char answer[4096];
    size_t length = 0;

    TLS_CALL(rig, gnutls_record_send(c->session, raw.data, raw.length));
    do {
        long got =
            TLS_CALL(rig, gnutls_record_recv(c->session, answer + length,
                                             sizeof(answer) - 1 - length));

        cr_assert_gt(got, 0, "%s", gnutls_strerror((int)got));
        length += (size_t)got;
        answer[length] = '\0';
    } while (strstr(answer, "\r\n\r\n") == NULL ||
             strstr(answer, "\r\n\r\n")[4] == '\0');
    return strstr(answer, "\r\n\r\n") + 4;
}

/* The protocol that the answer names, "" if there is none. */
static void
run_client(struct rig *rig, const char *priorities, char out[64])
{
    struct client c;
    char rest[64];

    out[0] = '\0';
    if (client_open(rig, &c, priorities, NULL) == 0) {
        snprintf(out, 64, "%s", client_ask(rig, &c));
        http_endpoint_drain(rig->ep);
        /* The end was said, and not just there. */
        cr_expect_eq(TLS_CALL(rig, gnutls_record_recv(c.session, rest, 64)),
                     0);
    }
    client_close(&c);
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
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-MAC-ALL:+AEAD", "TLS1.2"},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-MAC-ALL:+SHA1", ""},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-MAC-ALL:+SHA256", ""},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+NULL", ""},
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

/* -- certificates that change ----------------------------------------------- */

static unsigned released;

static void
release(void *context)
{
    released++;
    free(context);
}

/* Answers with the number of the certificate: each gets one when it is first
 * met here. */
static void
number_certificate(struct rig *rig, struct http_request *r)
{
    char *number = http_request_certificate_context(r);
    static unsigned met;

    (void)rig;
    if (number == NULL) {
        number = malloc(16);
        snprintf(number, 16, "%u", ++met);
        http_request_set_certificate_context(r, number, release);
    }
    rig_answer(r, 200, number);
}

static void
change_certificate(struct rig *rig)
{
    char *certificate, *key;
    struct error err;

    make_certificate(&certificate, &key);
    cr_assert_eq(
        http_endpoint_set_certificate(rig->ep, certificate, key, &err), 0);
    free(certificate);
    free(key);
}

static void
assert_same_certificate(struct client *a, struct client *b, bool same)
{
    unsigned count;
    const gnutls_datum_t *x = gnutls_certificate_get_peers(a->session, &count);
    const gnutls_datum_t *y = gnutls_certificate_get_peers(b->session, &count);

    cr_assert(x != NULL && y != NULL);
    cr_assert_eq(x->size == y->size && memcmp(x->data, y->data, x->size) == 0,
                 same);
}

Test(tls, a_session_keeps_the_certificate_that_it_began_with)
{
    static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.3",
                                           "NORMAL:-VERS-ALL:+VERS-TLS1.2"};
    struct client old[2], new[2];
    struct rig rig;

    open_tls(&rig);
    rig.on_complete = number_certificate;
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(client_open(&rig, &old[i], versions[i], NULL), 0);
        cr_assert_str_eq(client_ask(&rig, &old[i]), "1");
    }
    change_certificate(&rig);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_str_eq(client_ask(&rig, &old[i]), "1");
        cr_assert_eq(client_open(&rig, &new[i], versions[i], NULL), 0);
        cr_assert_str_eq(client_ask(&rig, &new[i]), "2");
        cr_assert_str_eq(client_ask(&rig, &old[i]), "1");
        assert_same_certificate(&old[i], &new[i], false);
    }
    assert_same_certificate(&old[0], &old[1], true);
    assert_same_certificate(&new[0], &new[1], true);
    client_close(&old[0]);
    rig_until(&rig, http_endpoint_connections(rig.ep) == 3);
    cr_assert_eq(released, 0);
    client_close(&old[1]);
    rig_until(&rig, http_endpoint_connections(rig.ep) == 2);
    cr_assert_eq(released, 1, "nobody has it any more");
    client_close(&new[0]);
    client_close(&new[1]);
    rig_until(&rig, http_endpoint_connections(rig.ep) == 0);
    cr_assert_eq(released, 1, "the next session will have it");
    rig_close(&rig);
    cr_assert_eq(released, 2);
}

Test(tls, keeps_its_certificate_when_another_cannot_be_used)
{
    char *certificate, *key, *other, *other_key;
    struct client before, after;
    struct rig rig;
    struct error err;

    make_certificate(&certificate, &key);
    make_certificate(&other, &other_key);
    open_tls(&rig);
    cr_assert_eq(client_open(&rig, &before, "NORMAL", NULL), 0);
    cr_assert_eq(
        http_endpoint_set_certificate(rig.ep, certificate, other_key, &err),
        -1);
    cr_assert_eq(http_endpoint_set_certificate(rig.ep, "", key, &err), -1);
    cr_assert_eq(http_endpoint_set_certificate(rig.ep, other, "", &err), -1);
    cr_assert_eq(client_open(&rig, &after, "NORMAL", NULL), 0);
    assert_same_certificate(&before, &after, true);
    client_close(&before);
    client_close(&after);
    rig_close(&rig);
    free(certificate);
    free(key);
    free(other);
    free(other_key);
}

/* RFC 7301 3.2 */
Test(tls, speaks_http_1_1_or_nothing_with_a_client_that_names_protocols)
{
    static const struct {
        const char *offered;
        bool spoken;
    } rows[] = {{"http/1.1", true},
                {NULL, true},
                {"h2", false},
                {"http/1.0", false},
                {"http/1.1x", false}};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        gnutls_datum_t chosen;
        struct client c;
        struct rig rig;
        long result;

        open_tls(&rig);
        /* Under TLS 1.3 a client is done before the server has looked. */
        result = client_open(&rig, &c, "NORMAL:-VERS-ALL:+VERS-TLS1.2",
                             rows[i].offered);
        cr_expect_eq(result == 0, rows[i].spoken, "%s: %s", rows[i].offered,
                     gnutls_strerror((int)result));
        if (result == 0 && rows[i].offered != NULL) {
            cr_expect_eq(gnutls_alpn_get_selected_protocol(c.session, &chosen),
                         0);
            cr_expect(chosen.size == 8 &&
                      memcmp(chosen.data, "http/1.1", 8) == 0);
        }
        client_close(&c);
        rig_close(&rig);
    }
}

Test(tls, gives_nothing_by_which_a_session_could_be_resumed)
{
    static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.3",
                                           "NORMAL:-VERS-ALL:+VERS-TLS1.2"};

    for (size_t i = 0; i < ARRAY_COUNT(versions); i++) {
        gnutls_datum_t data = {NULL, 0};
        struct client first, second;
        struct rig rig;

        open_tls(&rig);
        cr_assert_eq(client_open(&rig, &first, versions[i], NULL), 0);
        client_ask(&rig, &first);
        cr_expect((gnutls_session_get_flags(first.session) &
                   GNUTLS_SFLAGS_SESSION_TICKET) == 0);
        gnutls_session_get_data2(first.session, &data);
        second.fd = rig_connect(&rig);
        gnutls_certificate_allocate_credentials(&second.credentials);
        gnutls_init(&second.session, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
        gnutls_priority_set_direct(second.session, versions[i], NULL);
        gnutls_credentials_set(second.session, GNUTLS_CRD_CERTIFICATE,
                               second.credentials);
        gnutls_transport_set_int(second.session, second.fd);
        gnutls_session_set_data(second.session, data.data, data.size);
        cr_assert_eq(TLS_CALL(&rig, gnutls_handshake(second.session)), 0);
        cr_expect_eq(gnutls_session_is_resumed(second.session), 0);
        gnutls_free(data.data);
        client_close(&first);
        client_close(&second);
        rig_close(&rig);
    }
}
