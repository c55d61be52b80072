#include "gateway/ctl/doctor.h"
#include "tests/support/support.h"

#include <stdlib.h>
#include <string.h>

SUITE(doctor_tls);

static char dir[512];

static void
make(void)
{
    snprintf(dir, sizeof(dir), "%s", test_directory());
    test_shell("sh '%s' '%s' >/dev/null 2>&1",
               test_source_path("tests/realm/tls.sh"), dir);
}

static const char *
file(const char *name)
{
    static char paths[4][600];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, 600, "%s/%s", dir, name);
    return path;
}

/* The findings about one certificate, malloc'ed. */
static char *
look(const char *certificate, const char *key, const char *host, int64_t now_s,
     struct doctor *d)
{
    char *out = NULL;
    size_t length = 0;

    memset(d, 0, sizeof(*d));
    d->out = open_memstream(&out, &length);
    doctor_certificate(d, certificate, key, host, now_s);
    fclose(d->out);
    return out;
}

#define NOW (clock_now_us() / 1000000)
#define DAY 86400

Test(doctor_tls, a_good_pair_has_nothing_to_look_at, .init = make)
{
    static const char *const pairs[][2] = {{"tls.crt", "tls.key"},
                                           {"ecdsa.crt", "ecdsa.key"}};

    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        struct doctor d;
        char *text =
            look(file(pairs[i][0]), file(pairs[i][1]), "localhost", NOW, &d);

        cr_assert_eq(d.failures + d.warnings, 0, "%s", text);
        cr_assert_not_null(strstr(text, "OK"), "%s", text);
        free(text);
    }
}

Test(doctor_tls, what_is_wrong_is_said_with_what_to_do, .init = make)
{
    const struct {
        const char *certificate, *key, *host;
        int64_t later;
        size_t failures, warnings;
        const char *says;
    } rows[] = {
        {"tls.crt", "ecdsa.key", "localhost", 0, 1, 0,
         "is not the certificate's"},
        {"tls.crt", "tls.key", "gw.example.com", 0, 1, 0,
         "is not for gw.example.com"},
        {"tls.crt", "tls.key", "localhost", 20 * DAY, 0, 1, "expires at"},
        {"tls.crt", "tls.key", "localhost", 40 * DAY, 1, 0, "expired at"},
        {"tls.crt", "tls.key", "localhost", -DAY, 1, 0, "not yet valid"},
        {"tls.key", "tls.key", "localhost", 0, 1, 0, "PEM certificates"},
        {"tls.crt", "tls.crt", "localhost", 0, 1, 0, "without a passphrase"},
        {"none.crt", "tls.key", "localhost", 0, 1, 0, "none.crt"},
        {"tls.crt", "none.key", "localhost", 0, 1, 0, "none.key"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct doctor d;
        char *text = look(file(rows[i].certificate), file(rows[i].key),
                          rows[i].host, NOW + rows[i].later, &d);

        cr_assert_eq(d.failures, rows[i].failures, "row %zu: %s", i, text);
        cr_assert_eq(d.warnings, rows[i].warnings, "row %zu: %s", i, text);
        cr_assert_not_null(strstr(text, rows[i].says), "row %zu: %s", i, text);
        free(text);
    }
}

Test(doctor_tls, a_certificate_without_channel_bindings_is_a_warning,
     .init = make)
{
    struct doctor d;
    char *text;

    test_shell("cd '%s' && openssl req -x509 -newkey ed25519 -nodes -keyout "
               "ed.key -out ed.crt -days 30 -subj /CN=localhost -addext "
               "subjectAltName=DNS:localhost >/dev/null 2>&1",
               dir);
    text = look(file("ed.crt"), file("ed.key"), "localhost", NOW, &d);
    cr_assert_eq(d.failures, 0, "%s", text);
    cr_assert_eq(d.warnings, 1, "%s", text);
    free(text);
}
