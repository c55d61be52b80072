#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/auth/auth.h"
#include "tests/support/support.h"

SUITE(channel_binding);

static bool
from_file(const char *path, struct channel_binding *out, struct error *err)
{
    size_t length;
    char *pem = test_read_file(path, &length);
    bool known = channel_binding_from_pem(pem, length, out, err);

    free(pem);
    return known;
}

/* openssl's opinion: the digest of the DER form, in hex. */
static void
assert_is_digest(const struct channel_binding *binding, const char *path,
                 const char *digest)
{
    char command[512], hex[256] = "", mine[256] = "";
    FILE *f;

    snprintf(command, sizeof(command),
             "openssl x509 -in %s -outform DER | openssl dgst -%s -r", path,
             digest);
    f = popen(command, "r");
    cr_assert(f != NULL && fscanf(f, "%255[0-9a-f]", hex) == 1);
    pclose(f);
    cr_assert_eq(memcmp(binding->data, "tls-server-end-point:", 21), 0);
    for (size_t i = 21; i < binding->length; i++)
        snprintf(mine + (i - 21) * 2, 3, "%02x", binding->data[i]);
    cr_assert_str_eq(mine, hex);
}

static const char *
make_certificate(const char *dir, const char *options)
{
    static char path[300];

    snprintf(path, sizeof(path), "%s/own.crt", dir);
    test_shell("openssl req -x509 -nodes -subj /CN=x -keyout %s/own.key "
               "-out %s %s 2>/dev/null",
               dir, path, options);
    return path;
}

Test(channel_binding, hashes_as_the_signature_does_but_never_weaker)
{
    static const struct {
        const char *options, *digest;
    } rows[] = {
        {"-newkey rsa:2048 -sha256", "sha256"},
        {"-newkey rsa:2048 -sha1", "sha256"}, /* RFC 5929 4.1 */
        {"-newkey rsa:2048 -sha384", "sha384"},
        {"-newkey rsa:2048 -sha512", "sha512"},
        {"-newkey ec -pkeyopt ec_paramgen_curve:P-256 -sha384", "sha384"},
        {"-newkey rsa:2048 -sha384 -sigopt rsa_padding_mode:pss", "sha384"},
    };
    const char *dir = test_directory();

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct channel_binding binding;
        struct error err = {0};
        const char *path = make_certificate(dir, rows[i].options);

        cr_assert(from_file(path, &binding, &err), "%s: %s", rows[i].options,
                  err.text);
        assert_is_digest(&binding, path, rows[i].digest);
    }
}

Test(channel_binding, refuses_ed25519_which_has_none)
{
    struct channel_binding binding;
    struct error err = {0};
    const char *path = make_certificate(test_directory(), "-newkey ed25519");

    cr_assert(!from_file(path, &binding, &err));
    cr_assert_eq(binding.length, 0);
    cr_assert_not_null(strstr(err.text, "defines no"), "%s", err.text);
}

Test(channel_binding, refuses_what_is_no_certificate)
{
    struct channel_binding binding;
    struct error err = {0};

    cr_assert(!channel_binding_from_pem("", 0, &binding, &err));
    cr_assert(!channel_binding_from_pem("-----BEGIN CERTIFICATE-----\nAAAA\n"
                                        "-----END CERTIFICATE-----\n",
                                        57, &binding, &err));
    cr_assert_eq(binding.length, 0);
    cr_assert(!channel_binding_from_session(NULL, &binding));
    cr_assert_eq(binding.length, 0);
}

/* -- a handshake in memory ------------------------------------------------ */

struct end {
    gnutls_session_t session;
    struct buf to_me;
    struct end *other;
};

static ssize_t
end_push(gnutls_transport_ptr_t self, const void *bytes, size_t length)
{
    struct end *end = self;

    buf_add(&end->other->to_me, bytes, length);
    return (ssize_t)length;
}

static ssize_t
end_pull(gnutls_transport_ptr_t self, void *bytes, size_t length)
{
    struct end *end = self;
    struct buf *b = &end->to_me;

    if (b->length == 0) {
        gnutls_transport_set_errno(end->session, EAGAIN);
        return -1;
    }
    if (length > b->length)
        length = b->length;
    memcpy(bytes, b->data, length);
    memmove(b->data, b->data + length, b->length - length);
    b->length -= length;
    return (ssize_t)length;
}

static void
end_init(struct end *end, struct end *other, unsigned flags,
         gnutls_certificate_credentials_t credentials, const char *priority)
{
    *end = (struct end){NULL, BUF_INIT, other};
    cr_assert_eq(gnutls_init(&end->session, flags | GNUTLS_NONBLOCK), 0);
    cr_assert_eq(gnutls_priority_set_direct(end->session, priority, NULL), 0);
    gnutls_credentials_set(end->session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_ptr(end->session, end);
    gnutls_transport_set_push_function(end->session, end_push);
    gnutls_transport_set_pull_function(end->session, end_pull);
    gnutls_handshake_set_timeout(end->session, 0);
}

static void
end_fini(struct end *end)
{
    gnutls_deinit(end->session);
    buf_fini(&end->to_me);
}

static void
handshake(struct end *client, struct end *server)
{
    int c = GNUTLS_E_AGAIN, s = GNUTLS_E_AGAIN;

    for (int i = 0; i < 20 && (c != 0 || s != 0); i++) {
        if (c == GNUTLS_E_AGAIN)
            c = gnutls_handshake(client->session);
        if (s == GNUTLS_E_AGAIN)
            s = gnutls_handshake(server->session);
    }
    cr_assert(c == 0 && s == 0, "%s, %s", gnutls_strerror(c),
              gnutls_strerror(s));
}

static void
assert_session_agrees(const char *crt, const char *key, const char *priority)
{
    gnutls_certificate_credentials_t ours, theirs;
    struct channel_binding by_file, by_session;
    struct error err = {0};
    struct end client, server;

    gnutls_certificate_allocate_credentials(&ours);
    gnutls_certificate_allocate_credentials(&theirs);
    cr_assert_eq(gnutls_certificate_set_x509_key_file(ours, crt, key,
                                                      GNUTLS_X509_FMT_PEM),
                 0);
    end_init(&server, &client, GNUTLS_SERVER, ours, priority);
    end_init(&client, &server, GNUTLS_CLIENT, theirs, priority);
    handshake(&client, &server);
    cr_assert(channel_binding_from_session(server.session, &by_session));
    cr_assert(from_file(crt, &by_file, &err), "%s", err.text);
    cr_assert_eq(by_session.length, by_file.length);
    cr_assert_eq(memcmp(by_session.data, by_file.data, by_file.length), 0);
    end_fini(&client);
    end_fini(&server);
    gnutls_certificate_free_credentials(ours);
    gnutls_certificate_free_credentials(theirs);
}

Test(channel_binding, is_the_same_from_the_session_and_from_the_file)
{
    static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2",
                                             "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
    static const char *const names[] = {"tls", "ecdsa"};
    const char *dir = test_directory();

    test_shell("%s %s", test_source_path("tests/realm/tls.sh"), dir);
    for (size_t i = 0; i < 4; i++) {
        char crt[300], key[300];

        snprintf(crt, sizeof(crt), "%s/%s.crt", dir, names[i / 2]);
        snprintf(key, sizeof(key), "%s/%s.key", dir, names[i / 2]);
        assert_session_agrees(crt, key, priorities[i % 2]);
    }
}

Test(channel_binding, is_unknown_before_the_handshake)
{
    struct channel_binding binding;
    gnutls_session_t session;

    cr_assert_eq(gnutls_init(&session, GNUTLS_SERVER), 0);
    cr_assert(!channel_binding_from_session(session, &binding));
    cr_assert_eq(binding.length, 0);
    gnutls_deinit(session);
}
