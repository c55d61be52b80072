#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/sys/sys.h"
#include "tests/gateway/auth/realm.h"

REALM_SUITE(service_ticket);

static struct client_credential *
credential(void)
{
    struct client_credential *c;
    struct error err = {0};
    int fd = realm_keytab(realm_path("alice.keytab"));

    cr_assert(client_credential_new(fd, NULL, &c, &err) == 0, "%s", err.text);
    close(fd);
    return c;
}

static struct ticket_times
get(const char *spn, struct buf *out)
{
    struct client_credential *c = credential();
    struct ticket_times times;
    struct error err = {0};

    cr_assert(client_credential_ticket(c, spn, out, &times, &err) == 0, "%s",
              err.text);
    client_credential_free(c);
    return times;
}

static struct service_ticket *
ticket_for(const char *spn)
{
    struct service_ticket *t;
    struct buf bytes = BUF_INIT;
    struct error err = {0};

    get(spn, &bytes);
    cr_assert(service_ticket_new(buf_span(&bytes), &t, &err) == 0, "%s",
              err.text);
    secret_fini(&bytes);
    return t;
}

static struct initiator *
show(struct service_ticket *t, struct error *err)
{
    struct initiator_options options = {.ticket = t};
    struct initiator *i;

    initiator_flags_for_level(AUTHN_LEVEL_PKT_PRIVACY, &options.req_flags,
                              &options.no_ci);
    return initiator_new(&options, &i, err) == 0 ? i : NULL;
}

static void
show_and_finish(struct service_ticket *t)
{
    struct error err = {0};
    struct initiator *i = show(t, &err);

    cr_assert_not_null(i, "%s", err.text);
    cr_assert_str_eq(initiator_principal(i), "alice@NSGATE.TEST");
    cr_assert_eq(realm_accept(initiator_token(i)), AUTH_OK, "%s",
                 test.result.cause);
    cr_assert_str_eq(test.result.principal, "alice@NSGATE.TEST");
    cr_assert_eq(test.result.declared, AUTHN_LEVEL_PKT_PRIVACY);
    cr_assert_eq(test.result.gss_flags & 1, 0); /* DELEG */
    cr_assert_eq(initiator_finish(i, span_of(test.result.reply), &err), 0,
                 "%s", err.text);
    cr_assert(initiator_is_mutual(i));
    initiator_free(i);
}

Test(service_ticket, is_shown_again_and_again_without_a_kdc)
{
    struct service_ticket *t;

    realm_start_own();
    acceptor_free(test.acceptor);
    test.acceptor = realm_acceptor(realm_path("http.keytab"), 1,
                                   (const char *const[]){"HTTP@localhost"});
    t = ticket_for("HTTP@localhost");
    test_shell("%s stop %s", test_source_path("tests/realm/realm.sh"),
               realm_path("."));
    for (int i = 0; i < 20; i++)
        show_and_finish(t); /* none of them a replay */
    service_ticket_unref(t);
}

Test(service_ticket, is_got_for_a_whole_principal_too)
{
    struct service_ticket *t = ticket_for("HTTP/localhost@NSGATE.TEST");

    show_and_finish(t);
    service_ticket_unref(t);
}

Test(service_ticket, says_when_it_begins_and_ends)
{
    struct buf bytes = BUF_INIT;
    int64_t now = clock_now_us();
    struct ticket_times times = get("HTTP@localhost", &bytes);

    cr_expect_leq(times.begins_us, now + 2000000);
    cr_expect_geq(times.begins_us, now - 10000000);
    cr_expect_geq(times.ends_us - times.begins_us, INT64_C(9) * 3600000000);
    secret_fini(&bytes);
}

Test(service_ticket, holds_no_ticket_granting_ticket)
{
    struct buf bytes = BUF_INIT;

    get("HTTP@localhost", &bytes);
    cr_assert_null(memmem(bytes.data, bytes.length, "krbtgt", 6));
    secret_fini(&bytes);
}

Test(service_ticket, is_good_for_its_own_service_alone)
{
    struct service_ticket *t = ticket_for("HTTP@other.test");
    struct error err = {0};
    struct initiator *i = show(t, &err);

    cr_assert_not_null(i, "%s", err.text);
    cr_assert_eq(realm_accept(initiator_token(i)), AUTH_REFUSED);
    initiator_free(i);
    service_ticket_unref(t);
}

Test(service_ticket, makes_nothing_once_it_has_ended)
{
    struct service_ticket *t = ticket_for("HTTP@localhost");
    struct error err = {0};

    realm_move_clock(11 * 3600);
    cr_assert_null(show(t, &err));
    cr_assert_neq(err.text[0], '\0');
    service_ticket_unref(t);
}

Test(service_ticket, lives_as_long_as_a_context_that_was_made_with_it)
{
    struct service_ticket *t = ticket_for("HTTP@localhost");
    struct error err = {0};
    struct initiator *i = show(t, &err);

    service_ticket_unref(t);
    cr_assert_eq(realm_accept(initiator_token(i)), AUTH_OK, "%s",
                 test.result.cause);
    cr_assert_eq(initiator_finish(i, span_of(test.result.reply), &err), 0,
                 "%s", err.text);
    initiator_free(i);
}

Test(service_ticket, is_not_made_of_bytes_that_are_cut_or_empty)
{
    struct buf bytes = BUF_INIT;
    struct service_ticket *t;
    struct error err = {0};

    get("HTTP@localhost", &bytes);
    for (size_t n = 0; n < bytes.length; n += 1 + n / 16) {
        struct span cut = {bytes.data, n};

        if (service_ticket_new(cut, &t, &err) == 0) {
            /* what is missing then is not of the ticket */
            cr_expect_gt(n, bytes.length - 64, "%zu of %zu", n, bytes.length);
            service_ticket_unref(t);
            continue;
        }
        cr_expect_null(t);
        cr_expect_neq(err.text[0], '\0');
    }
    secret_fini(&bytes);
}

Test(service_ticket, of_a_service_that_is_unknown_is_an_error_that_names_it)
{
    static const char *const names[] = {"HTTP@nowhere.test",
                                        "HTTP/nowhere.test@NSGATE.TEST",
                                        "HTTP/localhost@ELSEWHERE.TEST"};
    struct client_credential *c = credential();

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct buf bytes = BUF_INIT;
        struct ticket_times times;
        struct error err = {0};

        cr_expect_eq(
            client_credential_ticket(c, names[i], &bytes, &times, &err), -1);
        cr_expect_not_null(strstr(err.text, names[i]), "%s", err.text);
        cr_expect_eq(bytes.length, 0);
        buf_fini(&bytes);
    }
    client_credential_free(c);
}

/* As a worker that was taken over, or is merely at work. */
Test(service_ticket, is_made_and_shown_in_the_workers_sandbox)
{
    struct buf bytes = BUF_INIT;
    int status;
    pid_t pid;

    get("HTTP@localhost", &bytes);
    pid = fork();
    if (pid == 0) {
        struct service_ticket *t;
        struct initiator *i;
        struct error err = {0};

        if (sandbox_forwarding_worker(&err) < 0 ||
            service_ticket_new(buf_span(&bytes), &t, &err) < 0)
            _exit(1);
        i = show(t, &err);
        if (i == NULL)
            _exit(2);
        initiator_free(i);
        service_ticket_unref(t);
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 0);
    secret_fini(&bytes);
}
