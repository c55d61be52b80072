#include "tests/gateway/auth/realm.h"

#include <gssapi/gssapi_ext.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/auth/base64.h"
#include "tests/gateway/auth/der.h"

REALM_SUITE(acceptor);

#define assert_refused(outcome, word)                                         \
    do {                                                                      \
        cr_assert_eq((outcome), AUTH_REFUSED);                                \
        cr_assert_not_null(strstr(test.result.cause, word), "cause: %s",      \
                           test.result.cause);                                \
        cr_assert_null(test.result.reply);                                    \
        cr_assert_str_empty(test.result.principal);                           \
        cr_assert_eq(test.result.declared, AUTHN_LEVEL_NONE);                 \
        cr_assert(!test.result.bound);                                        \
    } while (0)

#define assert_accepted(outcome)                                              \
    cr_assert_eq((outcome), AUTH_OK, "%s", test.result.cause)

/* -- levels --------------------------------------------------------------- */

Test(acceptor, computes_the_level_of_real_contexts)
{
    static const struct {
        enum authn_level asked, declared;
        uint32_t flags;
    } rows[] = {
        {AUTHN_LEVEL_DEFAULT, AUTHN_LEVEL_CONNECT, 0x100},
        {AUTHN_LEVEL_CONNECT, AUTHN_LEVEL_CONNECT, 0x102},
        {AUTHN_LEVEL_CALL, AUTHN_LEVEL_PKT, 0x10e},
        {AUTHN_LEVEL_PKT, AUTHN_LEVEL_PKT, 0x10e},
        {AUTHN_LEVEL_PKT_INTEGRITY, AUTHN_LEVEL_PKT_INTEGRITY, 0x12e},
        {AUTHN_LEVEL_PKT_PRIVACY, AUTHN_LEVEL_PKT_PRIVACY, 0x13e},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows) * 2; i++) {
        uint32_t flags;
        bool no_ci;

        initiator_flags_for_level(rows[i / 2].asked, &flags, &no_ci);
        assert_accepted(realm_try(flags, no_ci, i % 2));
        cr_assert_eq(test.result.declared, rows[i / 2].declared);
        /* SPNEGO hides PROT_READY, krb5 does not */
        cr_assert_eq(test.result.gss_flags & ~0x80u, rows[i / 2].flags, "0x%x",
                     (unsigned)test.result.gss_flags);
        cr_assert_str_eq(test.result.principal, "alice@NSGATE.TEST");
        cr_assert_str_eq(test.result.realm, "NSGATE.TEST");
        cr_assert_eq(test.result.impersonation, IMPERSONATION_IMPERSONATE);
        cr_assert(!test.result.anonymous && !test.result.bound);
    }
}

/* What a context declares is what was asked for, for all 64 combinations. */
Test(acceptor, sees_exactly_the_flags_that_were_asked_for)
{
    for (uint32_t flags = 0; flags < 64; flags++) {
        assert_accepted(realm_try(flags, true, flags % 2));
        cr_assert_eq(test.result.gss_flags & 0x3f, flags, "0x%x for 0x%x",
                     (unsigned)test.result.gss_flags, (unsigned)flags);
        cr_assert_eq(test.result.declared, declared_level(flags, false));
    }
}

Test(acceptor, finds_confidentiality_in_what_a_plain_client_sends)
{
    assert_accepted(realm_try(GSS_C_MUTUAL_FLAG, false, false));
    cr_assert_eq(test.result.declared, AUTHN_LEVEL_PKT_PRIVACY);
}

Test(acceptor, knows_identify_and_delegation)
{
    assert_accepted(realm_try(GSS_C_IDENTIFY_FLAG, true, false));
    cr_assert_eq(test.result.impersonation, IMPERSONATION_IDENTIFY);
    assert_accepted(realm_try(GSS_C_DELEG_FLAG, true, false));
    cr_assert_eq(test.result.impersonation, IMPERSONATION_DELEGATE);
}

Test(acceptor, proves_itself_to_the_client)
{
    for (int raw = 0; raw < 2; raw++) {
        struct initiator *i = realm_initiator(GSS_C_MUTUAL_FLAG, true, raw);
        struct error err = {0};

        cr_assert(initiator_finish(i, SPAN(""), &err) < 0);
        assert_accepted(realm_accept(initiator_token(i)));
        cr_assert_not_null(test.result.reply);
        cr_assert(initiator_finish(i, span_of(test.result.reply), &err) == 0,
                  "%s", err.text);
        cr_assert_str_eq(initiator_principal(i), "alice@NSGATE.TEST");
        cr_assert_eq(initiator_flags(i) & GSS_C_MUTUAL_FLAG,
                     GSS_C_MUTUAL_FLAG);
        initiator_free(i);
    }
}

Test(acceptor, gives_a_client_that_asks_a_wrong_server_an_error)
{
    struct initiator *i = realm_initiator(GSS_C_MUTUAL_FLAG, true, true);
    struct initiator *j = realm_initiator(GSS_C_MUTUAL_FLAG, true, true);
    struct error err = {0};

    assert_accepted(realm_accept(initiator_token(i)));
    cr_assert(initiator_finish(j, span_of(test.result.reply), &err) < 0);
    cr_assert(initiator_finish(i, SPAN("!!!!"), &err) < 0);
    initiator_free(i);
    initiator_free(j);
}

/* -- names ---------------------------------------------------------------- */

Test(acceptor, refuses_a_ticket_for_another_name)
{
    static const char *const names[] = {"host@localhost", "HTTP@other.test"};

    for (size_t n = 0; n < ARRAY_COUNT(names); n++) {
        struct initiator_options options = {
            .spn = names[n], .no_ci = true, .ccache = test.ccache};
        struct initiator *i;

        cr_assert(initiator_new(&options, &i, NULL) == 0);
        assert_refused(realm_accept(initiator_token(i)), "");
        cr_assert_not_null(test.result.remedy, "%s", test.result.cause);
        initiator_free(i);
    }
}

/* The keytab has keys for them all, but only one is ours. */
Test(acceptor, takes_no_name_that_only_its_keytab_file_has)
{
    static const char *const ours[] = {"HTTP@other.test"};
    struct acceptor *a = realm_acceptor(realm_path("other.keytab"), 1, ours);
    struct initiator_options options = {
        .spn = "host@localhost", .no_ci = true, .ccache = test.ccache};
    struct initiator *i;
    char *header;

    cr_assert(initiator_new(&options, &i, NULL) == 0);
    header = realm_header(initiator_token(i));
    assert_refused(realm_accept_header(a, header, NULL), "");
    free(header);
    initiator_free(i);
    acceptor_free(a);
}

Test(acceptor, takes_each_of_several_names_and_no_other)
{
    static const char *const ours[] = {"HTTP@other.test", "HTTP@localhost"};
    static const struct {
        const char *spn;
        enum auth_outcome outcome;
    } rows[] = {{"HTTP@localhost", AUTH_OK},
                {"HTTP@other.test", AUTH_OK},
                {"host@localhost", AUTH_REFUSED}};
    struct acceptor *a;
    char both[512];

    snprintf(both, sizeof(both), "%s/both.keytab", test.directory);
    test_shell("cat %s >%s && tail -c +3 %s >>%s", realm_path("http.keytab"),
               both, realm_path("other.keytab"), both);
    a = realm_acceptor(both, 2, ours);
    for (size_t n = 0; n < ARRAY_COUNT(rows); n++) {
        struct initiator_options options = {
            .spn = rows[n].spn, .no_ci = true, .ccache = test.ccache};
        struct initiator *i;
        char *header;

        cr_assert(initiator_new(&options, &i, NULL) == 0);
        header = realm_header(initiator_token(i));
        cr_assert_eq(realm_accept_header(a, header, NULL), rows[n].outcome,
                     "%s: %s", rows[n].spn, test.result.cause);
        free(header);
        initiator_free(i);
    }
    acceptor_free(a);
}

Test(acceptor, refuses_a_ticket_of_another_kdc_with_the_same_realm_name)
{
    struct initiator *i;

    realm_start_own();
    snprintf(test.ccache, sizeof(test.ccache), "%s", realm_kinit("alice"));
    i = realm_initiator(0, true, false);
    assert_refused(realm_accept(initiator_token(i)), "");
    cr_assert_not_null(test.result.remedy, "%s", test.result.cause);
    initiator_free(i);
}

Test(acceptor, compares_whole_names_and_refuses_quoted_ones)
{
    realm_start_own();
    test_shell("printf '%%s\\n' 'addprinc -pw x alice/admin' "
               "'addprinc -pw x al\\@ice' "
               "'ktadd -norandkey -k %s alice/admin al\\@ice' "
               "| kadmin.local -r NSGATE.TEST >/dev/null 2>%s/log",
               realm_path("x.keytab"), test.directory);
    snprintf(test.ccache, sizeof(test.ccache), "FILE:%s/x.cc", test.directory);
    acceptor_free(test.acceptor);
    test.acceptor = realm_acceptor(realm_path("http.keytab"), 1,
                                   (const char *const[]){"HTTP@localhost"});

    test_shell("kinit -c %s -kt %s alice/admin", test.ccache,
               realm_path("x.keytab"));
    assert_accepted(realm_try(0, true, false));
    cr_assert_str_eq(test.result.principal, "alice/admin@NSGATE.TEST");

    test_shell("kinit -c %s -kt %s 'al\\@ice'", test.ccache,
               realm_path("x.keytab"));
    assert_refused(realm_try(0, true, false), "quoted character");
}

/* -- replay, time --------------------------------------------------------- */

Test(acceptor, takes_a_token_once)
{
    struct initiator *i = realm_initiator(GSS_C_MUTUAL_FLAG, false, false);

    assert_accepted(realm_accept(initiator_token(i)));
    for (int n = 0; n < 3; n++) {
        assert_refused(realm_accept(initiator_token(i)), "is a replay");
        cr_assert_not_null(test.result.remedy);
    }
    initiator_free(i);
}

Test(acceptor, takes_a_token_once_also_with_another_wrapping)
{
    struct initiator *i = realm_initiator(0, true, false);
    struct initiator *j = realm_initiator(0, true, true);
    char *token;

    assert_accepted(realm_accept(initiator_token(i)));
    token = der_unwrap_spnego(initiator_token(i));
    assert_refused(realm_accept(token), "is a replay");
    free(token);

    assert_accepted(realm_accept(initiator_token(j)));
    token = der_wrap_spnego(initiator_token(j), DER_OID_KRB5);
    assert_refused(realm_accept(token), "is a replay");
    free(token);
    initiator_free(i);
    initiator_free(j);
}

Test(acceptor, remembers_tokens_across_acceptors_and_restarts)
{
    struct initiator *i = realm_initiator(0, true, false);

    assert_accepted(realm_accept(initiator_token(i)));
    acceptor_free(test.acceptor);
    test.acceptor = realm_acceptor(realm_path("http.keytab"), 1,
                                   (const char *const[]){"HTTP@localhost"});
    assert_refused(realm_accept(initiator_token(i)), "is a replay");
    initiator_free(i);
}

Test(acceptor, keeps_the_replay_cache_whatever_the_environment_says)
{
    struct initiator *i = realm_initiator(0, true, false);

    setenv("KRB5RCACHENAME", "none:", 1);
    setenv("KRB5RCACHETYPE", "none", 1);
    acceptor_free(test.acceptor);
    test.acceptor = realm_acceptor(realm_path("http.keytab"), 1,
                                   (const char *const[]){"HTTP@localhost"});
    assert_accepted(realm_accept(initiator_token(i)));
    assert_refused(realm_accept(initiator_token(i)), "is a replay");
    initiator_free(i);
}

Test(acceptor, refuses_when_the_replay_cache_cannot_be_written)
{
    test_shell("mkdir %s/nsgate.rcache2", test.directory);
    assert_refused(realm_try(0, true, false), "");
}

Test(acceptor, gives_the_end_of_the_ticket_without_the_skew)
{
    int64_t now = clock_now_us();

    test_shell("kinit -l 600s -c %s -kt %s alice", test.ccache,
               realm_path("alice.keytab"));
    assert_accepted(realm_try(0, true, false));
    cr_assert_gt(test.result.expires_us, now + 595 * INT64_C(1000000));
    cr_assert_leq(test.result.expires_us, now + 601 * INT64_C(1000000));
}

/* The client's clock is at the ticket's last minutes, ours just past it:
 * within the skew, and still over. */
Test(acceptor, refuses_a_ticket_past_its_end_within_the_skew)
{
    struct initiator *i;

    test_shell("kinit -l 600s -c %s -kt %s alice && "
               "kvno -q -c %s HTTP/localhost",
               test.ccache, realm_path("alice.keytab"), test.ccache);
    realm_move_clock(500);
    i = realm_initiator(0, true, false);
    realm_move_clock(99);
    assert_accepted(realm_accept(initiator_token(i)));
    initiator_free(i);
    realm_move_clock(-99);
    i = realm_initiator(0, true, false);
    realm_move_clock(101);
    assert_refused(realm_accept(initiator_token(i)), "Ticket expired");
    cr_assert_not_null(test.result.remedy);
    initiator_free(i);
}

Test(acceptor, refuses_a_clock_that_is_too_far_off)
{
    struct initiator *i = realm_initiator(0, true, false);

    realm_move_clock(310);
    assert_refused(realm_accept(initiator_token(i)), "Clock skew too great");
    cr_assert_not_null(test.result.remedy);
    initiator_free(i);
}

/* -- what is no token ----------------------------------------------------- */

Test(acceptor, asks_for_a_token_when_there_is_none)
{
    cr_assert_eq(realm_accept_header(test.acceptor, NULL, NULL),
                 AUTH_NO_TOKEN);
    assert_refused(realm_accept_header(test.acceptor, "Negotiate", NULL), "");
    assert_refused(realm_accept_header(test.acceptor, "Basic eDp5", NULL), "");
}

Test(acceptor, refuses_more_legs_than_one)
{
    static const char ntlm[] = "NTLMSSP\0\1\0\0\0\7\202\010\242";
    char *tokens[] = {
        /* no token inside; NTLM, alone and first; NEGOEX first */
        der_spnego(DER_OID_KRB5, NULL, NULL, 0),
        der_spnego(DER_OID_KRB5, NULL, "", 0),
        der_spnego(DER_OID_NTLM, NULL, ntlm, sizeof(ntlm) - 1),
        der_spnego(DER_OID_NTLM, DER_OID_KRB5, ntlm, sizeof(ntlm) - 1),
        der_spnego(DER_OID_NEGOEX, DER_OID_KRB5, "NEGOEXTS", 8),
        der_spnego(DER_OID_IAKERB, DER_OID_KRB5, NULL, 0),
        der_spnego(DER_OID_IAKERB, NULL, NULL, 0),
    };

    for (size_t i = 0; i < ARRAY_COUNT(tokens); i++) {
        assert_refused(realm_accept(tokens[i]), "");
        cr_assert_str_not_empty(test.result.cause);
        free(tokens[i]);
    }
}

Test(acceptor, refuses_dce_style)
{
    assert_refused(realm_try(GSS_C_DCE_STYLE | GSS_C_MUTUAL_FLAG, true, true),
                   "DCE style");
    assert_refused(realm_try(GSS_C_DCE_STYLE | GSS_C_MUTUAL_FLAG, true, false),
                   "");
}

/* As Windows names it first (MS-SPNG 3.1.5.1), RFC 4121 inside. */
Test(acceptor, takes_the_historic_identifier_of_kerberos)
{
    struct initiator *i = realm_initiator(0, true, true);
    char *token = der_wrap_spnego(initiator_token(i), DER_OID_KRB5_MS);

    assert_accepted(realm_accept(token));
    free(token);
    initiator_free(i);
}

Test(acceptor, refuses_a_token_that_was_changed_anywhere)
{
    struct initiator *i = realm_initiator(GSS_C_MUTUAL_FLAG, false, false);
    size_t length, max = base64_decoded_max(strlen(initiator_token(i)));
    unsigned char *bytes = malloc(max);
    size_t passed = 0;

    cr_assert(base64_decode(span_of(initiator_token(i)), bytes, &length));
    for (size_t at = 0; at < length; at += 1 + length / 300) {
        char *token;

        bytes[at] ^= 1;
        token = base64_encode(bytes, length);
        passed += realm_accept(token) == AUTH_OK;
        if (test.result.outcome == AUTH_OK)
            cr_assert_str_eq(test.result.principal, "alice@NSGATE.TEST");
        free(token);
        bytes[at] ^= 1;
    }
    /* The ticket's clear fields are not protected; at most one copy of the
     * authenticator can have been taken. */
    cr_assert_leq(passed, 1);
    for (size_t cut = 0; cut < length; cut += 1 + length / 100) {
        char *token = base64_encode(bytes, cut);

        assert_refused(realm_accept(token), "");
        free(token);
    }
    free(bytes);
    initiator_free(i);
}

/* threat 5 */
Test(acceptor, keeps_nothing_of_exchanges_that_lead_nowhere)
{
    char *half = der_spnego(DER_OID_KRB5, NULL, NULL, 0);
    struct initiator *i = realm_initiator(GSS_C_MUTUAL_FLAG, false, false);
    size_t before = 0;

    realm_accept(initiator_token(i));
    for (int n = 0; n < 1100; n++) {
        if (n == 100)
            before = mallinfo2().uordblks;
        assert_refused(realm_accept(half), "leg");
        assert_refused(realm_accept(initiator_token(i)), "replay");
        assert_refused(realm_accept_header(test.acceptor, "Negotiate", NULL),
                       "");
    }
    cr_assert_leq(mallinfo2().uordblks, before + 8192);
    free(half);
    initiator_free(i);
}

/* What malloc keeps for itself, and counts as used, is nearly full after the
 * first thousand; its smallest block is 32 bytes, so that one lost in each of
 * the second thousand is 32,000. */
Test(acceptor, keeps_nothing_of_good_exchanges_either)
{
    size_t before = 0;

    for (int n = 0; n < 2000; n++) {
        if (n == 1000)
            before = mallinfo2().uordblks;
        assert_accepted(realm_try(n % 8 ? 0 : 0x3f, true, false));
        auth_result_fini(&test.result);
    }
    cr_assert_leq(mallinfo2().uordblks, before + 24000);
}

/* -- channel bindings ----------------------------------------------------- */

static enum auth_outcome
try_bound(const struct channel_binding *client,
          const struct channel_binding *server)
{
    struct initiator_options options = {.spn = "HTTP@localhost",
                                        .no_ci = true,
                                        .binding = client,
                                        .ccache = test.ccache};
    enum auth_outcome outcome;
    struct initiator *i;
    char *header;

    cr_assert(initiator_new(&options, &i, NULL) == 0);
    header = realm_header(initiator_token(i));
    outcome = realm_accept_header(test.acceptor, header, server);
    free(header);
    initiator_free(i);
    return outcome;
}

Test(acceptor, compares_channel_bindings)
{
    static const struct channel_binding x = {3, "x:1"}, y = {3, "y:1"};
    static const struct channel_binding unknown = {0, ""};
    static const struct {
        const struct channel_binding *client, *server;
        enum auth_outcome outcome;
        bool bound;
    } rows[] = {
        {NULL, NULL, AUTH_OK, false}, {NULL, &x, AUTH_OK, false},
        {&x, NULL, AUTH_OK, false},   {&x, &unknown, AUTH_OK, false},
        {&x, &x, AUTH_OK, true},      {&y, &x, AUTH_REFUSED, false},
        {&y, NULL, AUTH_OK, false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert_eq(try_bound(rows[i].client, rows[i].server),
                     rows[i].outcome, "row %zu: %s", i, test.result.cause);
        cr_assert_eq(test.result.bound, rows[i].bound, "row %zu", i);
    }
    assert_refused(try_bound(&y, &x), "hannel bindings");
    cr_assert_not_null(test.result.remedy);
}
