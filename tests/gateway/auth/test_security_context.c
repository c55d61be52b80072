#include "gateway/auth/security_context.h"

#include <gssapi/gssapi_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gateway/sys/sys.h"
#include "tests/gateway/auth/realm.h"

REALM_SUITE(security_context);

/* As WS-Management clients ask for them. */
#define MUTUAL_SEALED                                                         \
    (GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG |            \
     GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG)

/* -- both ends ------------------------------------------------------------ */

struct ends {
    struct security_context *client, *server;
};

static struct security_context *
accept_keep(struct acceptor *a, const char *token)
{
    struct security_context *c;
    char *header = realm_header(token);

    auth_result_fini(&test.result);
    acceptor_accept_keep(a, span_of(header), NULL, &test.result, &c);
    free(header);
    return c;
}

static struct ends
sign_in(uint32_t flags, bool raw)
{
    struct initiator *i = realm_initiator(flags, true, raw);
    struct error err = {0};
    struct ends ends;

    ends.server = accept_keep(test.acceptor, initiator_token(i));
    cr_assert_not_null(ends.server, "%s", test.result.cause);
    cr_assert_eq(test.result.outcome, AUTH_OK);
    cr_assert(initiator_finish(i, span_of(test.result.reply), &err) == 0, "%s",
              err.text);
    ends.client = initiator_take_context(i);
    cr_assert_not_null(ends.client);
    initiator_free(i);
    return ends;
}

static void
sign_out(struct ends *ends)
{
    security_context_free(ends->client);
    security_context_free(ends->server);
}

/* Ends with buf_fini. */
static struct buf
seal(struct security_context *from, struct span plain)
{
    struct buf sealed = BUF_INIT;
    size_t header_length;
    struct error err = {0};

    cr_assert(
        security_context_wrap(from, plain, &sealed, &header_length, &err) == 0,
        "%s", err.text);
    cr_assert(header_length >= 60 && sealed.length >= header_length);
    return sealed;
}

/* -1 when it is plain again, else the failure, the cause in test.cause. */
static int
open_sealed(struct security_context *to, const struct buf *sealed,
            struct span expected)
{
    struct buf plain = BUF_INIT;
    enum seal_failure failure;
    struct error err = {0};
    int result =
        security_context_unwrap(to, buf_span(sealed), &plain, &failure, &err);

    snprintf(test.cause, sizeof(test.cause), "%s", err.text);
    if (result == 0)
        cr_assert(span_equal(buf_span(&plain), expected));
    else
        cr_assert_eq(plain.length, 0);
    buf_fini(&plain);
    return result == 0 ? -1 : (int)failure;
}

static void
send_over(struct security_context *from, struct security_context *to,
          struct span plain)
{
    struct buf sealed = seal(from, plain);

    cr_assert_eq(open_sealed(to, &sealed, plain), -1, "%s", test.cause);
    buf_fini(&sealed);
}

static void
assert_ended(struct security_context *c)
{
    struct buf sealed = BUF_INIT;
    size_t header_length;

    buf_add_string(&sealed, "whatever it is");
    cr_assert_eq(open_sealed(c, &sealed, SPAN("")), SEAL_BROKEN);
    cr_assert_not_null(strstr(test.cause, "earlier failure"), "%s",
                       test.cause);
    cr_assert(security_context_wrap(c, SPAN("x"), &sealed, &header_length,
                                    NULL) < 0);
    buf_fini(&sealed);
}

/* -- what goes well ------------------------------------------------------- */

Test(security_context, seals_both_ways_under_spnego_and_raw_krb5)
{
    for (int raw = 0; raw < 2; raw++) {
        struct ends ends = sign_in(MUTUAL_SEALED, raw);

        for (int i = 0; i < 100; i++) {
            send_over(ends.client, ends.server, SPAN("GET / HTTP/1.1"));
            send_over(ends.server, ends.client, SPAN("HTTP/1.1 200 OK"));
        }
        sign_out(&ends);
    }
}

Test(security_context, seals_nothing_and_much)
{
    static const size_t lengths[] = {0,  1,    15,   16,    17,
                                     31, 4095, 4096, 65537, 1 << 20};
    struct ends ends = sign_in(MUTUAL_SEALED, false);

    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        char *text = malloc(lengths[i] + 1);

        memset(text, 'a', lengths[i]);
        send_over(ends.client, ends.server, (struct span){text, lengths[i]});
        send_over(ends.server, ends.client, (struct span){text, lengths[i]});
        free(text);
    }
    send_over(ends.client, ends.server, (struct span){NULL, 0});
    sign_out(&ends);
}

/* Without MUTUAL the two have one subkey, the client's. */
Test(security_context, seals_without_mutual_authentication)
{
    struct initiator *i =
        realm_initiator(MUTUAL_SEALED & ~GSS_C_MUTUAL_FLAG, true, true);
    struct ends ends;

    ends.server = accept_keep(test.acceptor, initiator_token(i));
    ends.client = initiator_take_context(i);
    cr_assert(ends.server != NULL && ends.client != NULL);
    send_over(ends.client, ends.server, SPAN("one way"));
    send_over(ends.server, ends.client, SPAN("and the other"));
    sign_out(&ends);
    initiator_free(i);
}

/* The library negotiates the first that both permit, whatever the ticket
 * has; the length of the header tells which it was (RFC 3962, RFC 8009). */
Test(security_context, seals_with_every_encryption_type_of_aes)
{
    static const struct {
        const char *enctype;
        size_t header_length;
    } rows[] = {
        {"aes128-cts-hmac-sha1-96", 60},
        {"aes256-cts-hmac-sha1-96", 60},
        {"aes128-cts-hmac-sha256-128", 64},
        {"aes256-cts-hmac-sha384-192", 72},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char path[300];
        struct ends ends;
        struct buf sealed = BUF_INIT;
        size_t header_length;

        snprintf(path, sizeof(path), "%s/%s.conf", test.directory,
                 rows[i].enctype);
        test_shell("sed '/libdefaults/a permitted_enctypes = %s "
                   "aes256-cts-hmac-sha1-96' %s >%s",
                   rows[i].enctype, realm_path("krb5.conf"), path);
        setenv("KRB5_CONFIG", path, 1);
        ends = sign_in(MUTUAL_SEALED, i % 2);
        cr_assert(security_context_wrap(ends.server, SPAN("answer"), &sealed,
                                        &header_length, NULL) == 0);
        cr_assert_eq(header_length, rows[i].header_length, "%s: %zu",
                     rows[i].enctype, header_length);
        cr_assert_eq(sealed.length, header_length + 6);
        cr_assert_eq(open_sealed(ends.client, &sealed, SPAN("answer")), -1,
                     "%s", test.cause);
        send_over(ends.client, ends.server, SPAN("question"));
        buf_fini(&sealed);
        sign_out(&ends);
    }
}

/* -- what is kept, and when ----------------------------------------------- */

Test(security_context, is_kept_of_a_sign_in_that_is_as_good_as_any)
{
    struct initiator *i = realm_initiator(MUTUAL_SEALED, true, false);
    struct security_context *c;

    c = accept_keep(test.acceptor, initiator_token(i));
    cr_assert_eq(test.result.outcome, AUTH_OK);
    cr_assert_str_eq(test.result.principal, "alice@NSGATE.TEST");
    cr_assert_eq(test.result.declared, AUTHN_LEVEL_PKT_PRIVACY);
    cr_assert_not_null(test.result.reply);
    cr_assert_eq(security_context_expires_us(c), test.result.expires_us);
    security_context_free(c);

    /* the same token again */
    cr_assert_null(accept_keep(test.acceptor, initiator_token(i)));
    cr_assert_eq(test.result.outcome, AUTH_REFUSED);
    cr_assert_null(test.result.reply);
    initiator_free(i);
}

Test(security_context, is_not_kept_of_what_is_refused)
{
    static const char *const headers[] = {"Negotiate ",
                                          "Negotiate YII=", "Basic YTpi"};
    struct initiator *i =
        realm_initiator(MUTUAL_SEALED | GSS_C_DCE_STYLE, true, true);
    struct security_context *c = (struct security_context *)&c;

    cr_assert_null(accept_keep(test.acceptor, initiator_token(i)));
    initiator_free(i);
    for (size_t n = 0; n < ARRAY_COUNT(headers); n++) {
        acceptor_accept_keep(test.acceptor, span_of(headers[n]), NULL,
                             &test.result, &c);
        cr_assert_null(c);
        cr_assert_eq(test.result.outcome, AUTH_REFUSED);
    }
    acceptor_accept_keep(test.acceptor, span_of(NULL), NULL, &test.result, &c);
    cr_assert_eq(test.result.outcome, AUTH_NO_TOKEN);
    cr_assert_null(c);
}

Test(security_context, is_taken_of_a_client_once_and_when_it_is_complete)
{
    struct initiator *i = realm_initiator(MUTUAL_SEALED, true, false);
    struct security_context *server, *client;

    cr_assert_null(initiator_take_context(i));
    server = accept_keep(test.acceptor, initiator_token(i));
    cr_assert_null(initiator_take_context(i));
    cr_assert(initiator_finish(i, span_of(test.result.reply), NULL) == 0);
    client = initiator_take_context(i);
    cr_assert_not_null(client);
    cr_assert(security_context_expires_us(client) > clock_now_us());
    cr_assert_null(initiator_take_context(i));
    security_context_free(client);
    security_context_free(server);
    initiator_free(i);
}

Test(security_context, outlives_the_acceptor_and_its_keytab)
{
    struct ends ends = sign_in(MUTUAL_SEALED, false);

    acceptor_free(test.acceptor);
    test.acceptor = NULL;
    send_over(ends.client, ends.server, SPAN("still there"));
    send_over(ends.server, ends.client, SPAN("so am I"));
    sign_out(&ends);
}

/* -- order ---------------------------------------------------------------- */

enum { FIRST, SECOND, THIRD };

/* Three messages of the client, given in the order of `given`; the last one
 * must fail, or nothing may (-1). */
static const struct {
    const char *what;
    const char *cause; /* NULL: all are good */
    uint32_t without;  /* of MUTUAL_SEALED */
    int given[3];
    size_t count;
} orders[] = {
    {"in order", NULL, 0, {FIRST, SECOND, THIRD}, 3},
    {"replayed", "duplicate", 0, {FIRST, FIRST}, 2},
    {"replayed later", "duplicate", 0, {FIRST, SECOND, FIRST}, 3},
    {"a gap", "expected", 0, {FIRST, THIRD}, 2},
    {"a gap at the start", "expected", 0, {SECOND}, 1},
    {"replayed, REPLAY only",
     "duplicate",
     GSS_C_SEQUENCE_FLAG,
     {FIRST, FIRST},
     2},
    {"replayed later, REPLAY only",
     "duplicate",
     GSS_C_SEQUENCE_FLAG,
     {FIRST, SECOND, FIRST},
     3},
    {"out of order, REPLAY only",
     NULL,
     GSS_C_SEQUENCE_FLAG,
     {SECOND, FIRST, THIRD},
     3},
    {"replayed, SEQUENCE only", "", GSS_C_REPLAY_FLAG, {FIRST, FIRST}, 2},
    {"a gap, SEQUENCE only", "expected", GSS_C_REPLAY_FLAG, {FIRST, THIRD}, 2},
};

Test(security_context, refuses_messages_out_of_the_order_it_keeps)
{
    for (size_t row = 0; row < ARRAY_COUNT(orders) * 2; row++) {
        const char *cause = orders[row / 2].cause;
        size_t count = orders[row / 2].count;
        struct ends ends =
            sign_in(MUTUAL_SEALED & ~orders[row / 2].without, row % 2);
        struct buf sent[3];

        for (size_t i = 0; i < 3; i++)
            sent[i] = seal(ends.client, SPAN("message"));
        for (size_t i = 0; i < count; i++) {
            bool good = cause == NULL || i + 1 < count;

            cr_assert_eq(open_sealed(ends.server,
                                     &sent[orders[row / 2].given[i]],
                                     SPAN("message")),
                         good ? -1 : SEAL_BROKEN, "%s, %zu: %s",
                         orders[row / 2].what, i, test.cause);
        }
        if (cause != NULL) {
            cr_assert_not_null(strstr(test.cause, cause), "%s: %s",
                               orders[row / 2].what, test.cause);
            assert_ended(ends.server);
        }
        for (size_t i = 0; i < 3; i++)
            buf_fini(&sent[i]);
        sign_out(&ends);
    }
}

Test(security_context, without_order_takes_no_message)
{
    struct ends ends =
        sign_in(GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG, false);
    struct buf sealed = seal(ends.client, SPAN("message"));

    cr_assert_eq(open_sealed(ends.server, &sealed, SPAN("message")),
                 SEAL_UNORDERED);
    assert_ended(ends.server);
    cr_assert_eq(open_sealed(ends.client, &sealed, SPAN("message")),
                 SEAL_UNORDERED);
    buf_fini(&sealed);
    sign_out(&ends);
}

/* -- other ends ----------------------------------------------------------- */

Test(security_context, refuses_its_own_message_when_it_comes_back)
{
    for (int raw = 0; raw < 2; raw++) {
        struct ends ends = sign_in(MUTUAL_SEALED, raw);
        struct buf question = seal(ends.client, SPAN("message"));
        struct buf answer = seal(ends.server, SPAN("message"));

        cr_assert_eq(open_sealed(ends.server, &answer, SPAN("message")),
                     SEAL_BROKEN);
        cr_assert_eq(open_sealed(ends.client, &question, SPAN("message")),
                     SEAL_BROKEN);
        assert_ended(ends.server);
        assert_ended(ends.client);
        buf_fini(&question);
        buf_fini(&answer);
        sign_out(&ends);
    }
}

/* One ticket, one user, one server: still two contexts. */
Test(security_context, refuses_messages_of_another_one)
{
    struct ends ends = sign_in(MUTUAL_SEALED, false);
    struct ends others = sign_in(MUTUAL_SEALED, false);
    struct buf sealed = seal(ends.client, SPAN("message"));

    cr_assert_eq(open_sealed(others.server, &sealed, SPAN("message")),
                 SEAL_BROKEN);
    assert_ended(others.server);
    cr_assert_eq(open_sealed(ends.server, &sealed, SPAN("message")), -1);
    buf_fini(&sealed);
    sign_out(&ends);
    sign_out(&others);
}

/* -- time ----------------------------------------------------------------- */

/* The library goes on for the clock skew, and for ever. */
Test(security_context, ends_with_the_ticket_and_not_a_skew_later)
{
    struct ends ends = sign_in(MUTUAL_SEALED, false);
    int64_t left =
        security_context_expires_us(ends.server) / 1000000 - time(NULL);
    struct buf sealed;

    cr_assert(left > 3600);
    realm_move_clock((int)left - 5);
    send_over(ends.client, ends.server, SPAN("in time"));
    send_over(ends.server, ends.client, SPAN("in time"));
    sealed = seal(ends.client, SPAN("too late"));
    realm_move_clock(6);
    cr_assert_eq(open_sealed(ends.server, &sealed, SPAN("too late")),
                 SEAL_EXPIRED);
    assert_ended(ends.server);
    cr_assert_eq(open_sealed(ends.client, &sealed, SPAN("")), SEAL_EXPIRED);
    assert_ended(ends.client);
    realm_move_clock(-7200); /* it does not come back */
    assert_ended(ends.server);
    buf_fini(&sealed);
    sign_out(&ends);
}

Test(security_context, that_could_not_seal_an_answer_has_ended)
{
    struct ends ends = sign_in(MUTUAL_SEALED, false);
    int64_t left =
        security_context_expires_us(ends.server) / 1000000 - time(NULL);
    struct buf sealed = BUF_INIT;
    size_t header_length = 1;

    realm_move_clock((int)left + 1);
    cr_assert(security_context_wrap(ends.server, SPAN("x"), &sealed,
                                    &header_length, NULL) < 0);
    cr_assert_eq(header_length, 0);
    cr_assert_eq(sealed.length, 0);
    realm_move_clock(-(int)left);
    assert_ended(ends.server);
    buf_fini(&sealed);
    sign_out(&ends);
}

/* -- as a worker ---------------------------------------------------------- */

static int
serve_as_worker(struct security_context *c, const struct buf *sealed)
{
    struct buf plain = BUF_INIT, answer = BUF_INIT;
    enum seal_failure failure;
    size_t header_length;

    if (sandbox_worker(NULL) < 0)
        return 1;
    if (security_context_unwrap(c, buf_span(sealed), &plain, &failure, NULL) <
        0)
        return 2;
    if (security_context_wrap(c, buf_span(&plain), &answer, &header_length,
                              NULL) < 0)
        return 3;
    if (security_context_unwrap(c, buf_span(sealed), &plain, &failure, NULL) ==
        0)
        return 4;
    security_context_free(c);
    buf_fini(&plain);
    buf_fini(&answer);
    return 0;
}

Test(security_context, works_in_the_workers_sandbox)
{
    struct ends ends = sign_in(MUTUAL_SEALED, false);
    struct buf sealed = seal(ends.client, SPAN("message"));
    pid_t child = fork();
    int status = 0;

    if (child == 0)
        _exit(serve_as_worker(ends.server, &sealed));
    cr_assert(child > 0 && waitpid(child, &status, 0) == child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d",
              WEXITSTATUS(status));
    buf_fini(&sealed);
    sign_out(&ends);
}
