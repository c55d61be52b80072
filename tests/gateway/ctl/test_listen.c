#include "tests/gateway/auth/realm.h"
#include "tests/gateway/ctl/listening.h"
#include "tests/gateway/ctl/run.h"

#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

TestSuite(listen, .init = realm_setup, .fini = realm_teardown,
          .timeout = 120.0);

/* -- what is taken -------------------------------------------------------- */

Test(listen, takes_results_behind_a_login_and_ends_with_the_status)
{
    const char *const options[] = {"--once", "--json", "--gateway",
                                   "alice@NSGATE.TEST", NULL};
    static const char *const rows[][2] = {
        {"principal", "alice@NSGATE.TEST"},
        {"gatewayChecked", "true"},
        {"declaredLevel", "PktPrivacy"},
        {"appliedLevel", "PktPrivacy"},
        {"effectiveLevel", "PktPrivacy"},
        {"binding", "bound"},
        {"channel", "tls"},
        {"key", "\"" ID "-1\""},
        {"duplicate", "false"},
    };
    struct listening l;
    struct sink_client c;
    cJSON *line;

    listening_start(&l, true, options);
    listening_connect(&l, &c);
    cr_assert_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH), 204);
    line = listening_output(&l, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_expect_str_eq(json_member(line, rows[i][0]), rows[i][1], "%s",
                         rows[i][0]);
    cJSON_Delete(line);
    cr_assert_eq(
        sink_client_post(&c, DATA_HEADERS("status"), STATUS("0x00000000")),
        204);
    cr_assert_eq(listening_end(&l), CTL_OK);
    line = listening_output(&l, 1);
    cr_assert_str_eq(
        json_member(cJSON_GetObjectItem(line, "message"), "symbol"), "WBEM_X");
    cJSON_Delete(line);
    sink_client_close(&c);
}

Test(listen, ends_with_1_when_the_operation_failed)
{
    const char *const options[] = {"--count", "2", NULL};
    struct listening l;
    struct sink_client c;

    listening_start(&l, false, options);
    listening_connect(&l, &c);
    cr_assert_eq(
        sink_client_post(&c, DATA_HEADERS("status"), STATUS("0x80041003")),
        204);
    /* Counted once. */
    cr_assert_eq(
        sink_client_post(&c, DATA_HEADERS("status"), STATUS("0x80041003")),
        204);
    cr_assert_eq(sink_client_post(
                     &c,
                     "Content-Type: application/json\r\n"
                     "Nsgate-Operation: ffffffffffffffffffffffffffffffff\r\n"
                     "Idempotency-Key: "
                     "\"ffffffffffffffffffffffffffffffff-status\"\r\n",
                     SPAN("{\"kind\":\"setstatus\",\"operation\":"
                          "\"ffffffffffffffffffffffffffffffff\",\"hresult\":"
                          "\"0x00000000\",\"batches\":0,\"objects\":0}")),
                 204);
    cr_assert_eq(listening_end(&l), CTL_FAILED);
    sink_client_close(&c);
}

Test(listen, shows_an_object_a_line_and_nothing_that_drives_a_terminal)
{
    struct listening l;
    struct sink_client c;
    char *text;

    listening_start(&l, false, NULL);
    listening_connect(&l, &c);
    cr_assert_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH), 204);
    cr_assert_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH), 204);
    cr_assert_eq(
        sink_client_post(&c, DATA_HEADERS("status"), STATUS("0x80041003")),
        204);
    sink_client_close(&c);
    cr_assert_eq(listening_stop(&l), CTL_FAILED);
    text = test_read_file(l.output, NULL);
    cr_assert_not_null(
        strstr(text, " alice@NSGATE.TEST (not checked) Connect (declared "
                     "PktPrivacy, applied Connect), cleartext, 00112233: "
                     "root\\A batch 1, objects: 2\n"
                     "    {\"a\":\"x\\u001b[2J\"}\n"
                     "    {\"b\":9007199254740991}\n"),
        "%s", text);
    cr_assert_not_null(strstr(text, "objects: 2, a duplicate\n2"), "%s", text);
    cr_assert_not_null(strstr(text, "00112233: status 0x80041003 WBEM_X, "
                                    "batches: 1, objects: 2\n"),
                       "%s", text);
    free(text);
}

Test(listen, marks_a_key_that_was_here_before_on_any_connection)
{
    const char *const options[] = {"--json", NULL};
    struct listening l;
    struct sink_client c;
    cJSON *line;

    listening_start(&l, true, options);
    for (size_t i = 0; i < 2; i++) {
        listening_connect(&l, &c);
        cr_assert_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH), 204);
        sink_client_close(&c);
        line = listening_output(&l, i);
        cr_expect_str_eq(json_member(line, "duplicate"),
                         i == 0 ? "false" : "true");
        cJSON_Delete(line);
    }
    cr_assert_eq(listening_stop(&l), CTL_OK);
}

/* -- trying out ----------------------------------------------------------- */

Test(listen, answers_as_it_is_told_and_counts_nothing_then)
{
    const char *const options[] = {"--json", "--once", "--answer", "410",
                                   NULL};
    struct listening l;
    struct sink_client c;
    cJSON *line;

    listening_start(&l, true, options);
    listening_connect(&l, &c);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(
            sink_client_post(&c, DATA_HEADERS("status"), STATUS("0x00000000")),
            410);
        line = listening_output(&l, i);
        cr_expect_str_eq(json_member(line, "duplicate"), "false");
        cr_expect_eq(cJSON_GetObjectItem(line, "answer")->valueint, 410);
        cJSON_Delete(line);
    }
    sink_client_close(&c);
    cr_assert_eq(listening_stop(&l), CTL_UNREACHABLE);
}

Test(listen, ends_with_3_when_nothing_came_in_time)
{
    const char *const options[] = {"--timeout", "1", NULL};
    struct listening l;

    listening_start(&l, false, options);
    cr_assert_eq(listening_end(&l), CTL_UNREACHABLE);
}

Test(listen, leaves_no_replay_cache_behind)
{
    struct listening l;
    struct sink_client c;

    listening_start(&l, false, NULL);
    listening_connect(&l, &c);
    test_shell("test $(ls -d %s/nsgatectl.* | wc -l) = 1", test.directory);
    test_shell("test $(stat -c %%a %s/nsgatectl.*) = 700", test.directory);
    sink_client_close(&c);
    cr_assert_eq(listening_stop(&l), CTL_OK);
    test_shell("! ls -d %s/nsgatectl.* 2>/dev/null", test.directory);
}

Test(listen, complains_about_what_it_cannot_use)
{
    const struct ctl ctl = {NULL, NULL, NULL};
    const char *const no_keytab[] = {"listen", "--keytab", "/nonexistent",
                                     "http://localhost:0/", NULL};
    const char *const other[] = {
        "listen", "--keytab",        realm_path("http.keytab"),
        "--name", "HTTP@other.test", "http://localhost:0/",
        NULL};
    const char *const no_certificate[] = {"listen",
                                          "--keytab",
                                          realm_path("http.keytab"),
                                          "--key",
                                          "/nonexistent",
                                          "--certificate",
                                          "/none",
                                          "https://localhost:0/",
                                          NULL};

    cr_redirect_stderr();
    cr_assert_eq(run_words(ctl_listen, &ctl, no_keytab), CTL_FAILED);
    cr_assert_eq(run_words(ctl_listen, &ctl, other), CTL_FAILED);
    cr_assert_eq(run_words(ctl_listen, &ctl, no_certificate), CTL_FAILED);
}
