#include "tests/gateway/auth/realm.h"
#include "tests/gateway/ctl/run.h"
#include "tests/gateway/ctl/sink_client.h"

#include <criterion/redirect.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>

/*
 * The command in a child, and this side of the connection in the test.
 */
TestSuite(listen, .init = realm_setup, .fini = realm_teardown,
          .timeout = 120.0);

#define ID     "00112233445566778899aabbccddeeff"
#define MUTUAL 0x2u
#define INTEG  0x20u
#define FULL   0x3eu /* MUTUAL REPLAY SEQUENCE CONF INTEG */
#define DATA_HEADERS(n)                                                       \
    "Content-Type: application/json\r\nNsgate-Operation: " ID                 \
    "\r\nIdempotency-Key: \"" ID "-" n "\"\r\n"
#define BATCH                                                                 \
    SPAN("{\"kind\":\"indicate\",\"operation\":\"" ID                         \
         "\",\"namespace\":\"root\\\\A\",\"batch\":1,"                        \
         "\"objects\":[{\"a\":\"x\\u001b[2J\"},{\"b\":9007199254740991}]}")
#define STATUS(hresult)                                                       \
    SPAN("{\"kind\":\"setstatus\",\"operation\":\"" ID                        \
         "\",\"hresult\":\"" hresult                                          \
         "\",\"symbol\":\"WBEM_X\",\"batches\":1,\"objects\":2}")

/* -- the command ---------------------------------------------------------- */

struct listening {
    pid_t pid;
    unsigned port;
    FILE *errors; /* what it says on stderr */
    char output[600];
    const char *ca; /* NULL: http */
};

static void
run_child(int errors, const char *output, const char *const *words)
{
    const struct ctl ctl = {NULL, NULL, NULL};
    int status;

    dup2(errors, STDERR_FILENO);
    stdout = fopen(output, "w");
    setenv("TMPDIR", test.directory, 1);
    status = run_words(ctl_listen, &ctl, words);
    fclose(stdout);
    suite_check_leaks();
    _exit(status);
}

static void
wait_ready(struct listening *l)
{
    char line[1024];

    while (fgets(line, sizeof(line), l->errors) != NULL) {
        if (sscanf(line, "listening on http%*[s]://localhost:%u/results?a=b",
                   &l->port) == 1 ||
            sscanf(line, "listening on http://localhost:%u/results?a=b",
                   &l->port) == 1)
            return;
    }
    cr_assert_fail("it does not listen");
}

/* Its options, up to ten, NULL-terminated. */
static void
listening_start(struct listening *l, bool tls, const char *const *options)
{
    char certificate[600], key[600];
    static char ca[600];
    const char *words[24] = {"listen", "--keytab", realm_path("http.keytab")};
    size_t n = 3;
    int fds[2];

    snprintf(certificate, sizeof(certificate), "%s/tls.crt", test.directory);
    snprintf(key, sizeof(key), "%s/tls.key", test.directory);
    snprintf(ca, sizeof(ca), "%s/ca.crt", test.directory);
    if (tls) {
        test_shell("%s %s", test_source_path("tests/realm/tls.sh"),
                   test.directory);
        words[n++] = "--certificate";
        words[n++] = certificate;
        words[n++] = "--key";
        words[n++] = key;
    }
    words[n++] = tls ? "https://localhost:0/results?a=b"
                     : "http://localhost:0/results?a=b";
    while (options != NULL && *options != NULL && n < 23)
        words[n++] = *options++;
    snprintf(l->output, sizeof(l->output), "%s/output", test.directory);
    l->ca = tls ? ca : NULL;
    cr_assert_eq(pipe(fds), 0);
    l->pid = fork();
    if (l->pid == 0)
        run_child(fds[1], l->output, words);
    close(fds[1]);
    l->errors = fdopen(fds[0], "r");
    wait_ready(l);
}

/* The exit status; what it printed stays in l->output. */
static int
listening_end(struct listening *l)
{
    int status;

    cr_assert_eq(waitpid(l->pid, &status, 0), l->pid);
    fclose(l->errors);
    cr_assert(WIFEXITED(status), "%x", (unsigned)status);
    return WEXITSTATUS(status);
}

static int
listening_stop(struct listening *l)
{
    kill(l->pid, SIGTERM);
    return listening_end(l);
}

/* True if a line with text comes on stderr. */
static bool
complains(struct listening *l, const char *text)
{
    char line[2048];

    while (fgets(line, sizeof(line), l->errors) != NULL) {
        if (strstr(line, text) != NULL)
            return true;
    }
    return false;
}

static void
open_and_login(struct listening *l, struct sink_client *c)
{
    sink_client_open(c, l->port, l->ca);
    sink_client_login(c, FULL, false);
}

/* The n-th line of the output as JSON; NULL: there is none. */
static cJSON *
output_line(const struct listening *l, size_t n)
{
    char *text = test_read_file(l->output, NULL);
    struct span line, rest = span_of(text);
    cJSON *json = NULL;

    do
        line = span_cut(rest, '\n', &rest);
    while (n-- > 0 && rest.length > 0);
    if (n == (size_t)-1)
        json = cJSON_ParseWithLength(line.data, line.length);
    free(text);
    return json;
}

static const char *
member(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);

    if (cJSON_IsBool(value))
        return cJSON_IsTrue(value) ? "true" : "false";
    return cJSON_IsString(value) ? value->valuestring : "(absent)";
}

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
    open_and_login(&l, &c);
    cr_assert_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH), 204);
    line = output_line(&l, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_expect_str_eq(member(line, rows[i][0]), rows[i][1], "%s",
                         rows[i][0]);
    cJSON_Delete(line);
    cr_assert_eq(
        sink_client_post(&c, DATA_HEADERS("status"), STATUS("0x00000000")),
        204);
    cr_assert_eq(listening_end(&l), CTL_OK);
    line = output_line(&l, 1);
    cr_assert_str_eq(member(cJSON_GetObjectItem(line, "message"), "symbol"),
                     "WBEM_X");
    cJSON_Delete(line);
    sink_client_close(&c);
}

Test(listen, ends_with_1_when_the_operation_failed)
{
    const char *const options[] = {"--count", "2", NULL};
    struct listening l;
    struct sink_client c;

    listening_start(&l, false, options);
    open_and_login(&l, &c);
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
    open_and_login(&l, &c);
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
        open_and_login(&l, &c);
        cr_assert_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH), 204);
        sink_client_close(&c);
        line = output_line(&l, i);
        cr_expect_str_eq(member(line, "duplicate"), i == 0 ? "false" : "true");
        cJSON_Delete(line);
    }
    cr_assert_eq(listening_stop(&l), CTL_OK);
}

/* -- what is not ---------------------------------------------------------- */

Test(listen, takes_nothing_on_a_connection_without_a_login)
{
    struct listening l;
    struct sink_client c, other;

    listening_start(&l, true, NULL);
    open_and_login(&l, &c);
    sink_client_open(&other, l.port, l.ca);
    cr_assert_eq(sink_client_post(&other, DATA_HEADERS("1"), BATCH), 401);
    cr_assert(other.reply.close);
    cr_assert_str_eq(other.reply.authenticate, "Negotiate");
    sink_client_close(&other);
    cr_assert(complains(&l, "answered 401"));
    cr_assert_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH), 204);
    sink_client_close(&c);
    cr_assert_eq(listening_stop(&l), CTL_OK);
}

Test(listen, challenges_a_login_that_proves_nothing)
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
        open_and_login(&l, &c);
        cr_expect_eq(sink_client_post(&c, rows[i], SPAN("")), 401);
        cr_expect_str_eq(c.reply.authenticate, "Negotiate");
        /* And the login before it is over. */
        cr_expect_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH), 401);
        sink_client_close(&c);
    }
    cr_assert_eq(listening_stop(&l), CTL_OK);
}

/* A token that was meant for another certificate (RFC 5929). */
Test(listen, refuses_a_login_bound_to_another_certificate)
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

Test(listen, takes_results_from_the_gateway_asked_for_only)
{
    const char *const options[] = {"--gateway", "bob@NSGATE.TEST", NULL};
    struct listening l;
    struct sink_client c;

    listening_start(&l, true, options);
    open_and_login(&l, &c);
    cr_assert_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH), 403);
    cr_assert(complains(&l, "alice@NSGATE.TEST is not bob@NSGATE.TEST"));
    sink_client_close(&c);
    cr_assert_eq(listening_stop(&l), CTL_OK);
    cr_assert_null(output_line(&l, 0));
}

Test(listen, refuses_what_comes_below_the_level)
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
        cr_expect_eq(sink_client_post(&c, DATA_HEADERS("1"), BATCH),
                     rows[i].status, "row %zu", i);
        if (rows[i].status == 403) {
            problem = cJSON_Parse(c.reply.body);
            cr_expect_str_eq(member(problem, "reason"), rows[i].reason,
                             "row %zu", i);
            cJSON_Delete(problem);
            cr_expect(complains(&l, "answered 403"));
        }
        sink_client_close(&c);
        cr_assert_eq(listening_stop(&l), CTL_OK);
    }
}

Test(listen, answers_what_is_no_result_with_its_fault)
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
        open_and_login(&l, &c);
        cr_expect_eq(sink_client_request(&c, rows[i].method, rows[i].headers,
                                         rows[i].body),
                     rows[i].status, "row %zu", i);
        sink_client_close(&c);
    }
    open_and_login(&l, &c);
    sink_client_send(&c, SPAN("POST /results HTTP/1.1\r\nHost: x\r\n"
                              "Content-Length: 0\r\n\r\n"));
    cr_expect_eq(sink_client_receive(&c), 404);
    sink_client_close(&c);
    cr_assert_eq(listening_stop(&l), CTL_OK);
}

Test(listen, reads_no_more_than_64_mib)
{
    struct listening l;
    struct sink_client c;

    listening_start(&l, false, NULL);
    open_and_login(&l, &c);
    sink_client_send(
        &c, SPAN("POST /results?a=b HTTP/1.1\r\nHost: x\r\n" DATA_HEADERS(
                "1") "Content-Length: 67108865\r\n\r\n"));
    cr_assert_eq(sink_client_receive(&c), 413);
    cr_assert(complains(&l, "answered 413"));
    sink_client_close(&c);
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
    open_and_login(&l, &c);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(
            sink_client_post(&c, DATA_HEADERS("status"), STATUS("0x00000000")),
            410);
        line = output_line(&l, i);
        cr_expect_str_eq(member(line, "duplicate"), "false");
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
    open_and_login(&l, &c);
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
