#include "tests/gateway/auth/realm.h"
#include "tests/gateway/ctl/listening.h"
#include "tests/gateway/ctl/run.h"

#include <stdlib.h>
#include <string.h>

TestSuite(listen_sink, .init = realm_setup, .fini = realm_teardown,
          .timeout = 120.0);

/* -- what is not ---------------------------------------------------------- */

Test(listen_sink, takes_nothing_on_a_connection_without_a_login)
{
    struct listening l;
    struct sink_client c, other;

    listening_start(&l, true, NULL);
    listening_connect(&l, &c);
    sink_client_open(&other, l.port, l.ca);
    cr_assert_eq(sink_client_post(&other, DATA_HEADERS("1"), BATCH), 401);
    cr_assert(other.reply.close);
    cr_assert_str_eq(other.reply.authenticate, "Negotiate");
    sink_client_close(&other);
    cr_assert(listening_complains(&l, "answered 401"));
    cr_assert_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH), 204);
    sink_client_close(&c);
    cr_assert_eq(listening_stop(&l), CTL_OK);
}

Test(listen_sink, takes_nothing_when_the_ticket_of_the_login_has_ended)
{
    struct listening l;
    struct sink_client c;

    listening_start(&l, true, NULL);
    listening_connect(&l, &c);
    cr_assert_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH), 204);
    listening_move_clock(&l);
    cr_assert_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH), 401);
    cr_assert(listening_complains(&l, "has ended"));
    sink_client_close(&c);
    cr_assert_eq(listening_stop(&l), CTL_OK);
}

Test(listen_sink, challenges_a_login_that_proves_nothing)
{
    static const char *const rows[] = {
        "",
        "Authorization: Negotiate\r\n",
        "Authorization: Negotiate YQ==\r\n",
        "Authorization: Basic YTph\r\n",
    };
    struct listening l;
    struct sink_client c;

    listening_start(&l, false, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        listening_connect(&l, &c);
        cr_expect_eq(sink_client_post(&c, rows[i], SPAN("")), 401);
        cr_expect_str_eq(c.reply.authenticate, "Negotiate");
        /* And the login before it is over. */
        cr_expect_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH), 401);
        sink_client_close(&c);
    }
    cr_assert_eq(listening_stop(&l), CTL_OK);
}

/* A token that was meant for another certificate (RFC 5929). */
Test(listen_sink, refuses_a_login_bound_to_another_certificate)
{
    struct listening l;
    struct sink_client c;
    struct channel_binding wrong;
    struct initiator_options options = {.spn = "HTTP@localhost",
                                        .req_flags = FULL,
                                        .binding = &wrong,
                                        .ccache = test.ccache};
    struct initiator *i;
    struct error err = {0, ""};
    char *value, header[16384];

    listening_start(&l, true, NULL);
    sink_client_open(&c, l.port, l.ca);
    wrong = c.binding;
    wrong.data[wrong.length - 1] ^= 1;
    cr_assert_eq(initiator_new(&options, &i, &err), 0, "%s", err.text);
    value = realm_header(initiator_token(i));
    snprintf(header, sizeof(header), "Authorization: %s\r\n", value);
    free(value);
    cr_assert_eq(sink_client_post(&c, header, SPAN("")), 401);
    cr_assert_str_eq(c.reply.authenticate, "Negotiate");
    initiator_free(i);
    sink_client_close(&c);
    cr_assert_eq(listening_stop(&l), CTL_OK);
}

Test(listen_sink, takes_results_from_the_gateway_asked_for_only)
{
    const char *const options[] = {"--gateway", "bob@NSGATE.TEST", NULL};
    struct listening l;
    struct sink_client c;

    listening_start(&l, true, options);
    listening_connect(&l, &c);
    cr_assert_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH), 403);
    cr_assert(
        listening_complains(&l, "alice@NSGATE.TEST is not bob@NSGATE.TEST"));
    sink_client_close(&c);
    cr_assert_eq(listening_stop(&l), CTL_OK);
    cr_assert_null(listening_output(&l, 0));
}

Test(listen_sink, refuses_what_comes_below_the_level)
{
    static const struct {
        bool tls;
        uint32_t flags;
        const char *level; /* NULL: the default */
        int status;
        const char *reason;
    } rows[] = {
        {true, FULL, NULL, 204, ""},
        {true, MUTUAL | INTEG, NULL, 403, "context-not-private"},
        {true, MUTUAL | INTEG, "PktIntegrity", 204, ""},
        {true, MUTUAL, "Connect", 204, ""},
        {false, FULL, NULL, 204, ""},
        {false, MUTUAL, NULL, 204, ""},
        {false, FULL, "PktPrivacy", 403, "channel-not-private"},
        {false, FULL, "Pkt", 403, "channel-not-private"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *const options[] = {"--level", rows[i].level, NULL};
        struct listening l;
        struct sink_client c;
        cJSON *problem;

        listening_start(&l, rows[i].tls,
                        rows[i].level != NULL ? options : NULL);
        sink_client_open(&c, l.port, l.ca);
        sink_client_login(&c, rows[i].flags, true);
        cr_assert_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH),
                     rows[i].status, "row %zu", i);
        if (rows[i].status == 403) {
            problem = cJSON_Parse(c.reply.body);
            cr_expect_str_eq(json_member(problem, "reason"), rows[i].reason,
                             "row %zu", i);
            cJSON_Delete(problem);
            cr_expect(listening_complains(&l, "answered 403"));
        }
        sink_client_close(&c);
        cr_assert_eq(listening_stop(&l), CTL_OK);
    }
}

Test(listen_sink, answers_what_is_no_result_with_its_fault)
{
    static const struct {
        const char *method, *headers;
        struct span body;
        int status;
    } rows[] = {
        {"GET", "", SPAN(""), 405},
        {"PUT", DATA_HEADERS("1"), BATCH, 405},
        {"POST", DATA_HEADERS("1"), SPAN("{\"kind\":\"other\"}"), 400},
        {"POST", DATA_HEADERS("1"), SPAN("[]"), 400},
        {"POST", DATA_HEADERS("2"), BATCH, 400},
        {"POST", "Content-Type: application/json\r\n", BATCH, 400},
        {"POST", "Content-Type: text/plain\r\n", BATCH, 415},
        {"POST", DATA_HEADERS("1"), BATCH, 204},
    };
    struct listening l;
    struct sink_client c;

    listening_start(&l, false, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        listening_connect(&l, &c);
        cr_expect_eq(sink_client_request(&c, rows[i].method, rows[i].headers,
                                         rows[i].body),
                     rows[i].status, "row %zu", i);
        sink_client_close(&c);
    }
    listening_connect(&l, &c);
    sink_client_send(&c, SPAN("POST /results HTTP/1.1\r\nHost: x\r\n"
                              "Content-Length: 0\r\n\r\n"));
    cr_expect_eq(sink_client_receive(&c), 404);
    sink_client_close(&c);
    cr_assert_eq(listening_stop(&l), CTL_OK);
}

Test(listen_sink, reads_no_more_than_64_mib)
{
    struct listening l;
    struct sink_client c;

    listening_start(&l, false, NULL);
    listening_connect(&l, &c);
    sink_client_send(
        &c, SPAN("POST /results?a=b HTTP/1.1\r\nHost: x\r\n" DATA_HEADERS(
                "1") "Content-Length: 67108865\r\n\r\n"));
    cr_assert_eq(sink_client_receive(&c), 413);
    cr_assert(listening_complains(&l, "answered 413"));
    sink_client_close(&c);
    cr_assert_eq(listening_stop(&l), CTL_OK);
}
