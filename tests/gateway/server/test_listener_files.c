#include "gateway/server/listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/sys/sys.h"
#include "tests/support/support.h"

SUITE(listener_files);

#define SECRET "0123456789abcdef0123456789abcdef"
#define SOON   10000u
#define LATER  (SOON + 3000u)

static const char *dir;
static char crt[120], key[120], secret[120], fresh[120];
static struct config_listener config;
static struct listener l;
static struct error err;

static const char *
source(const char *name)
{
    static char path[120];

    snprintf(path, sizeof(path), "%s/tls/%s", dir, name);
    return path;
}

/* By rename, so that what is read is never half of it. */
static void
put(const char *path, const void *bytes, size_t length)
{
    test_write_file(fresh, bytes, length);
    cr_assert_eq(rename(fresh, path), 0);
}

static void
put_copy(const char *path, const char *name)
{
    size_t length;
    char *bytes = test_read_file(source(name), &length);

    put(path, bytes, length);
    free(bytes);
}

static void
setup(void)
{
    dir = test_directory();
    test_shell("sh %s %s/tls >/dev/null 2>&1",
               test_source_path("tests/realm/tls.sh"), dir);
    snprintf(crt, sizeof(crt), "%s/crt", dir);
    snprintf(key, sizeof(key), "%s/key", dir);
    snprintf(secret, sizeof(secret), "%s/secret", dir);
    snprintf(fresh, sizeof(fresh), "%s/new", dir);
    put_copy(crt, "tls.crt");
    put_copy(key, "tls.key");
    put(secret, SECRET, 32);
    config = (struct config_listener){.name = "a",
                                      .file = "nsgate.conf",
                                      .line = 12,
                                      .tls = true,
                                      .tls_certificate = crt,
                                      .tls_key = key,
                                      .secret_file = secret};
    l = (struct listener){.config = &config, .fd = -1};
    cr_assert_eq(listener_files_load(&l, &err), 0, "%s", err.text);
}

static void
assert_has(const char *name)
{
    size_t length;
    char *bytes = test_read_file(source(name), &length);

    cr_assert(
        span_equal(buf_span(&l.certificate), (struct span){bytes, length}),
        "not %s", name);
    free(bytes);
}

static int
look(uint64_t now_ms)
{
    err.text[0] = '\0';
    return listener_files_look(&l, now_ms, &err);
}

Test(listener_files, nothing_changed_is_nothing_new, .init = setup)
{
    cr_assert_eq(look(SOON), 0);
    put_copy(crt, "tls.crt");
    cr_assert_eq(look(SOON), 0, "another file that says the same");
    cr_assert_eq(look(LATER), 0);
    assert_has("tls.crt");
    listener_files_fini(&l);
}

Test(listener_files, certificate_and_key_are_taken_when_they_fit,
     .init = setup)
{
    struct channel_binding before = l.binding;

    put_copy(crt, "ecdsa.crt");
    cr_assert_eq(look(SOON), 0, "its key is still to come");
    assert_has("tls.crt");
    cr_assert_eq(memcmp(&before, &l.binding, sizeof(before)), 0);
    put_copy(key, "ecdsa.key");
    cr_assert_eq(look(LATER), 1);
    assert_has("ecdsa.crt");
    cr_assert_neq(memcmp(&before, &l.binding, sizeof(before)), 0);
    cr_assert_eq(look(LATER + 3000), 0);
    listener_files_fini(&l);
}

Test(listener_files, what_stays_unfit_is_told_once_for_each_change,
     .init = setup)
{
    put_copy(key, "ecdsa.key");
    cr_assert_eq(look(SOON), 0);
    cr_assert_eq(look(LATER - 1), 0);
    cr_assert_eq(look(LATER), -1);
    cr_assert_not_null(strstr(err.text, "nsgate.conf:12: listener 'a'"));
    cr_assert_not_null(strstr(err.text, key), "%s", err.text);
    cr_assert_eq(look(LATER + 100000), 0, "told");
    assert_has("tls.crt");
    cr_assert_eq(unlink(crt), 0);
    cr_assert_eq(look(2 * LATER), 0, "another change, another time");
    cr_assert_eq(look(2 * LATER + 2999), 0);
    cr_assert_eq(look(2 * LATER + 3000), -1);
    cr_assert_not_null(strstr(err.text, crt), "%s", err.text);
    put_copy(crt, "tls.crt");
    put_copy(key, "tls.key");
    cr_assert_eq(look(3 * LATER), 1, "well again, which is news");
    assert_has("tls.crt");
    listener_files_fini(&l);
}

Test(listener_files, a_secret_is_taken_and_a_short_one_is_not, .init = setup)
{
    put(secret, SECRET "more\n", 37);
    cr_assert_eq(look(SOON), 1);
    cr_assert_eq(l.secret.length, 36);
    put(secret, "short", 5);
    cr_assert_eq(look(SOON), 0);
    cr_assert_eq(look(LATER), -1);
    cr_assert_not_null(strstr(err.text, "32 bytes"), "%s", err.text);
    cr_assert_eq(l.secret.length, 36);
    listener_files_fini(&l);
}

Test(listener_files, are_the_same_in_another_process, .init = setup)
{
    struct listener other = {.config = &config, .fd = -1};
    int fd = listener_files_pack(&l, &err);

    cr_assert_geq(fd, 0, "%s", err.text);
    for (int i = 0; i < 2; i++) { /* they share the descriptor's offset */
        cr_assert_eq(listener_files_unpack(&other, fd, &err), 0, "%s",
                     err.text);
        cr_assert_str_eq(other.certificate.data, l.certificate.data);
        cr_assert_str_eq(other.key.data, l.key.data);
        cr_assert_str_eq(other.secret.data, SECRET);
        cr_assert_eq(memcmp(&other.binding, &l.binding, sizeof(l.binding)), 0);
    }
    listener_files_fini(&other);
    listener_files_fini(&l);
    close(fd);
}

Test(listener_files, a_pack_that_is_cut_anywhere_changes_nothing,
     .init = setup)
{
    struct buf all = BUF_INIT;
    int fd = listener_files_pack(&l, &err);

    cr_assert_eq(file_read_fd(fd, 65536, &all, &err), 0);
    close(fd);
    put_copy(crt, "ecdsa.crt");
    put_copy(key, "ecdsa.key");
    cr_assert_eq(look(SOON), 1);
    for (size_t n = 0; n < all.length; n += 7) {
        fd = memory_file_new("cut", all.data, n, &err);
        cr_assert_geq(fd, 0);
        cr_assert_eq(listener_files_unpack(&l, fd, &err), -1, "%zu bytes", n);
        close(fd);
    }
    assert_has("ecdsa.crt");
    secret_fini(&all);
    listener_files_fini(&l);
}
