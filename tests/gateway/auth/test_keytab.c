#include "tests/gateway/auth/realm.h"

#include <fcntl.h>
#include <gssapi/gssapi_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/sys/sys.h"

REALM_SUITE(keytab);

static const char *const http_localhost[] = {"HTTP@localhost"};

static int
set_keytab(const char *path)
{
    int fd = realm_keytab(path);
    struct error err = {0};
    int result = acceptor_set_keytab(test.acceptor, fd, &err);

    snprintf(test.cause, sizeof(test.cause), "%s", err.text);
    close(fd);
    return result;
}

static int
new_acceptor(int fd, size_t count, const char *const *names)
{
    struct acceptor_options options = {names, count, fd, test.directory};
    struct error err = {0};
    struct acceptor *a;
    int result = acceptor_new(&options, &a, &err);

    snprintf(test.cause, sizeof(test.cause), "%s", err.text);
    cr_assert_eq(result == 0, a != NULL);
    acceptor_free(a);
    return result;
}

Test(keytab, tells_what_is_in_it)
{
    static const char *const both[] = {"HTTP@OTHER.test", "host@localhost"};
    struct acceptor *a;

    cr_assert_str_eq(acceptor_realm(test.acceptor), "NSGATE.TEST");
    cr_assert_str_eq(
        acceptor_describe(test.acceptor),
        "HTTP/localhost@NSGATE.TEST kvno 2 aes256-cts-hmac-sha1-96");
    a = realm_acceptor(realm_path("other.keytab"), 2, both);
    cr_assert_str_eq(
        acceptor_describe(a),
        "host/localhost@NSGATE.TEST kvno 2 aes256-cts-hmac-sha1-96, "
        "HTTP/other.test@NSGATE.TEST kvno 2 aes256-cts-hmac-sha1-96");
    acceptor_free(a);
}

/* Each is refused, says why, and leaves the acceptor as it was. */
Test(keytab, that_is_bad_is_refused_and_the_old_one_serves_on)
{
    static const struct {
        const char *make, *cause;
    } rows[] = {
        {": >", "empty"},
        {"echo no keytab here >", "not a keytab"},
        {"printf '\\005\\002\\0\\0\\0\\100short' >", "no key for any"},
        {"printf '\\005\\002' >", "no key for any"},
        {"cp $KRB5_CONFIG ", "not a keytab"},
    };
    char path[300];

    snprintf(path, sizeof(path), "%s/bad.keytab", test.directory);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int fd;

        test_shell("%s%s", rows[i].make, path);
        cr_assert(set_keytab(path) < 0, "row %zu", i);
        cr_assert_not_null(strstr(test.cause, rows[i].cause), "%s",
                           test.cause);
        cr_assert_eq(realm_try(0, true, false), AUTH_OK, "%s",
                     test.result.cause);
        fd = realm_keytab(path);
        cr_assert(new_acceptor(fd, 1, http_localhost) < 0);
        cr_assert_not_null(strstr(test.cause, rows[i].cause));
        close(fd);
    }
    cr_assert(set_keytab(realm_path("other.keytab")) < 0);
    cr_assert_not_null(strstr(test.cause, "no key for any"));
    cr_assert_eq(realm_try(0, true, false), AUTH_OK);
}

Test(keytab, must_be_a_file)
{
    int directory = open(test.directory, O_RDONLY | O_DIRECTORY);
    int pipes[2];

    cr_assert(new_acceptor(directory, 1, http_localhost) < 0);
    cr_assert_not_null(strstr(test.cause, "not a regular file"));
    cr_assert(pipe(pipes) == 0);
    cr_assert(new_acceptor(pipes[0], 1, http_localhost) < 0);
    cr_assert(new_acceptor(-1, 1, http_localhost) < 0);
    close(directory);
    close(pipes[0]);
    close(pipes[1]);
}

Test(keytab, needs_good_names)
{
    static const char *const bad[] = {
        "",      "HTTP", "HTTP@", "@localhost", "HTTP/localhost@NSGATE.TEST",
        "a@b@c",
    };
    int fd = realm_keytab(realm_path("http.keytab"));

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        cr_assert(new_acceptor(fd, 1, &bad[i]) < 0, "%s", bad[i]);
        cr_assert_not_null(strstr(test.cause, "SERVICE@host"), "%s",
                           test.cause);
    }
    cr_assert(new_acceptor(fd, 0, bad) < 0);
    cr_assert_not_null(strstr(test.cause, "no acceptor name"));
    cr_assert(new_acceptor(fd, 1, (const char *const[]){"http@localhost"}) <
              0);
    cr_assert(new_acceptor(fd, 1, (const char *const[]){"HTTP@localhos"}) < 0);
    close(fd);
}

Test(keytab, rotates_without_refusing_anybody)
{
    struct initiator *before;

    realm_start_own();
    snprintf(test.ccache, sizeof(test.ccache), "%s", realm_kinit("alice"));
    cr_assert(set_keytab(realm_path("http.keytab")) == 0, "%s", test.cause);
    before = realm_initiator(0, true, false);
    test_shell("kadmin.local -r NSGATE.TEST ktadd -k %s HTTP/localhost "
               ">/dev/null",
               realm_path("http.keytab"));

    /* a new ticket meets the old keytab: the text says what to do */
    snprintf(test.ccache, sizeof(test.ccache), "%s", realm_kinit("bob"));
    cr_assert_eq(realm_try(0, true, false), AUTH_REFUSED);
    cr_assert_not_null(strstr(test.result.cause, "kvno 3"), "%s",
                       test.result.cause);
    cr_assert_not_null(test.result.remedy);

    cr_assert(set_keytab(realm_path("http.keytab")) == 0, "%s", test.cause);
    cr_assert_not_null(strstr(acceptor_describe(test.acceptor), "kvno 3"));
    cr_assert_eq(realm_try(0, true, false), AUTH_OK, "%s", test.result.cause);
    cr_assert_eq(realm_accept(initiator_token(before)), AUTH_OK, "%s",
                 test.result.cause);
    initiator_free(before);
}

Test(keytab, leaves_nothing_behind_when_it_is_replaced)
{
    for (int i = 0; i < 200; i++)
        cr_assert(set_keytab(realm_path("http.keytab")) == 0);
    cr_assert_eq(realm_try(0, true, false), AUTH_OK);
}

/* -- as a worker ---------------------------------------------------------- */

/* Runs body in a child; 0 when it succeeded. */
static int
in_child(int (*body)(int fd, const char *header), int fd, const char *header)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0)
        _exit(body(fd, header));
    cr_assert(child > 0 && waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

static int
accept_as_worker(int fd, const char *header)
{
    struct acceptor_options options = {http_localhost, 1, fd, test.directory};
    struct auth_result result;
    struct acceptor *a;

    if (acceptor_new(&options, &a, NULL) < 0)
        return 2;
    if (sandbox_worker(NULL) < 0)
        return 3;
    if (acceptor_set_keytab(a, fd, NULL) < 0)
        return 4;
    acceptor_accept(a, span_of(header), NULL, &result);
    if (result.outcome != AUTH_OK || result.reply == NULL)
        return 5;
    auth_result_fini(&result);
    acceptor_accept(a, span_of(header), NULL, &result);
    if (strstr(result.cause, "is a replay") == NULL)
        return 6;
    auth_result_fini(&result);
    acceptor_free(a);
    return 0;
}

static int
accept_as_nobody(int fd, const char *header)
{
    if (setgid(65534) < 0 || setuid(65534) < 0 ||
        prctl(PR_SET_DUMPABLE, 0) < 0)
        return 1;
    return accept_as_worker(fd, header);
}

static void
run_as(int (*body)(int fd, const char *header))
{
    int fd = realm_keytab(realm_path("http.keytab"));
    struct initiator *i = realm_initiator(GSS_C_MUTUAL_FLAG, false, false);
    char *header = realm_header(initiator_token(i));

    cr_assert_eq(in_child(body, fd, header), 0);
    free(header);
    initiator_free(i);
    close(fd);
}

Test(keytab, and_accepting_work_in_the_workers_sandbox)
{
    run_as(accept_as_worker);
}

Test(keytab, of_root_is_read_by_a_worker_of_another_uid)
{
    if (getuid() != 0)
        cr_skip("needs root");
    cr_assert(chown(test.directory, 65534, 65534) == 0);
    run_as(accept_as_nobody);
}
