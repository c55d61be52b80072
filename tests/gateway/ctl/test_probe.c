#include "tests/gateway/auth/realm.h"
#include "tests/gateway/ctl/run.h"

#include <arpa/inet.h>
#include <criterion/redirect.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>

/*
 * Against a server of one request in a child, which accepts the token with
 * the test's acceptor and says what it saw as a problem would.
 */
static void
start(void)
{
    cr_redirect_stderr();
    realm_setup();
}

TestSuite(probe, .init = start, .fini = realm_teardown, .timeout = 120.0);

enum answer {
    ANSWER_HONEST,   /* the acceptor's token */
    ANSWER_NO_TOKEN, /* none, though asked for */
    ANSWER_FORGED,   /* one that no key made */
    ANSWER_CHALLENGE,
};

struct server {
    pid_t pid;
    char url[64];
};

static size_t
request_read(int fd, char *out, size_t max)
{
    size_t length = 0;
    ssize_t n;

    out[0] = '\0';
    while (strstr(out, "\r\n\r\n") == NULL && length < max - 1) {
        n = read(fd, out + length, max - 1 - length);
        if (n <= 0)
            break;
        length += (size_t)n;
        out[length] = '\0';
    }
    return length;
}

/* The value of Authorization, absent if there is none. */
static struct span
authorization(char *request)
{
    static const char name[] = "\r\nAuthorization: ";
    char *at = strstr(request, name), *end;

    if (at == NULL)
        return (struct span){NULL, 0};
    at += strlen(name);
    end = strstr(at, "\r\n");
    return (struct span){at, (size_t)(end - at)};
}

static void
answer_write(int fd, int status, const char *token, const char *body)
{
    struct buf b = BUF_INIT;

    buf_addf(&b, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n",
             status);
    if (token != NULL)
        buf_addf(&b, "WWW-Authenticate: Negotiate%s%s\r\n",
                 token[0] != '\0' ? " " : "", token);
    buf_addf(&b, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    if (write(fd, b.data, b.length) < 0)
        _exit(1);
    buf_fini(&b);
}

static void
serve(int listen_fd, enum answer answer, int status)
{
    char request[65536], body[256];
    struct auth_result r;
    int fd = accept(listen_fd, NULL, NULL);

    request_read(fd, request, sizeof(request));
    acceptor_accept(test.acceptor, authorization(request), NULL, &r);
    snprintf(body, sizeof(body),
             "{\"declaredLevel\":\"%s\",\"requestId\":\"%x\"}",
             authn_level_name(r.declared), (unsigned)r.gss_flags);
    if (answer == ANSWER_CHALLENGE)
        answer_write(fd, 401, "", body);
    else if (answer == ANSWER_NO_TOKEN)
        answer_write(fd, status, NULL, body);
    else
        answer_write(fd, status, answer == ANSWER_FORGED ? "YQ==" : r.reply,
                     body);
    _exit(0);
}

static struct server
server_start(enum answer answer, int status)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t size = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct server s;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    cr_assert_eq(listen(fd, 1), 0);
    s.pid = fork();
    if (s.pid == 0)
        serve(fd, answer, status);
    close(fd);
    snprintf(s.url, sizeof(s.url), "http://localhost:%u/x", ntohs(a.sin_port));
    return s;
}

/* Probes with options (up to four, NULL-terminated); parsed JSON or NULL. */
static cJSON *
probe(enum answer answer, int status, const char *const *options,
      int *exit_status)
{
    struct server s = server_start(answer, status);
    const char *words[12] = {"probe",    s.url,       "--json",
                             "--ccache", test.ccache, NULL};
    const struct ctl ctl = {NULL, NULL, NULL};
    size_t n = 5;
    cJSON *json;
    char *text;

    while (options != NULL && *options != NULL && n < 11)
        words[n++] = *options++;
    text = run_printed(ctl_probe, &ctl, test.directory, words, exit_status);
    waitpid(s.pid, NULL, 0);
    json = cJSON_Parse(text);
    free(text);
    return json;
}

static const char *
member(const cJSON *object, const char *key)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

    return text != NULL ? text : "(absent)";
}

Test(probe, the_server_sees_exactly_the_level_asked_for)
{
    static const char *const rows[][2] = {
        {"Default", "Connect"},
        {"Connect", "Connect"},
        {"Pkt", "Pkt"},
        {"PktIntegrity", "PktIntegrity"},
        {"PktPrivacy", "PktPrivacy"},
        {"None", "None"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *const options[] = {"--level", rows[i][0], NULL};
        int status;
        cJSON *json = probe(ANSWER_HONEST, 200, options, &status);

        cr_assert_eq(status, CTL_OK, "%s", rows[i][0]);
        cr_assert_str_eq(member(json, "declaredLevel"), rows[i][1], "%s",
                         rows[i][0]);
        cJSON_Delete(json);
    }
}

Test(probe, default_reaches_the_server_without_a_flag)
{
    const char *const options[] = {"--level", "Default", NULL};
    int status;
    cJSON *json = probe(ANSWER_HONEST, 200, options, &status);

    /* GSS_C_TRANS_FLAG alone, which every context has. */
    cr_assert_str_eq(member(json, "requestId"), "100");
    cJSON_Delete(json);
}

Test(probe, the_librarys_own_flags_are_shown_on_request)
{
    const char *const options[] = {"--level", "Default", "--library-flags",
                                   NULL};
    int status;
    cJSON *json = probe(ANSWER_HONEST, 200, options, &status);

    cr_assert_str_eq(member(json, "declaredLevel"), "PktPrivacy");
    cJSON_Delete(json);
}

Test(probe, a_refusal_is_exit_1_with_the_servers_token_checked)
{
    static const char *const rows[][3] = {
        {"--level", "PktIntegrity", NULL},
        {"--level", "Default", NULL},
        {"--raw-krb5", "--mutual", NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int status;
        cJSON *json = probe(ANSWER_HONEST, 403, rows[i], &status);

        cr_assert_eq(status, CTL_FAILED, "row %zu", i);
        cr_assert_str_eq(member(json, "serverToken"), "complete", "row %zu",
                         i);
        cJSON_Delete(json);
    }
}

Test(probe, a_challenge_is_exit_1)
{
    int status;
    cJSON *json = probe(ANSWER_CHALLENGE, 401, NULL, &status);

    cr_assert_eq(status, CTL_FAILED);
    cr_assert_str_eq(member(json, "serverToken"), "missing");
    cJSON_Delete(json);
}

Test(probe, a_server_that_does_not_prove_itself_is_not_believed)
{
    const char *const mutual[] = {"--mutual", NULL};
    int status;
    cJSON *json = probe(ANSWER_NO_TOKEN, 200, mutual, &status);

    cr_assert_eq(status, CTL_UNREACHABLE);
    cJSON_Delete(json);
    json = probe(ANSWER_FORGED, 200, mutual, &status);
    cr_assert_eq(status, CTL_UNREACHABLE);
    cr_assert_str_eq(member(json, "serverToken"), "invalid");
    cJSON_Delete(json);
}

Test(probe, nobody_there_or_no_ticket_is_exit_3)
{
    const char *const nobody[] = {"probe", "http://localhost:1/", "--ccache",
                                  test.ccache, NULL};
    const char *const no_ticket[] = {"probe", "http://localhost:1/",
                                     "--ccache", "FILE:/nonexistent", NULL};
    const char *const other[] = {
        "probe",       "http://localhost:1/", "--ccache", test.ccache,
        "--principal", "bob@NSGATE.TEST",     NULL};
    const struct ctl ctl = {NULL, NULL, NULL};

    cr_assert_eq(run_words(ctl_probe, &ctl, nobody), CTL_UNREACHABLE);
    cr_assert_eq(run_words(ctl_probe, &ctl, no_ticket), CTL_UNREACHABLE);
    cr_assert_eq(run_words(ctl_probe, &ctl, other), CTL_UNREACHABLE);
}

Test(probe, a_token_alone_can_be_had_and_is_good)
{
    const char *const words[] = {"probe",        "http://localhost:1/",
                                 "--ccache",     test.ccache,
                                 "--token-only", "--flags",
                                 "0x20",         NULL};
    const struct ctl ctl = {NULL, NULL, NULL};
    int status;
    char *text = run_printed(ctl_probe, &ctl, test.directory, words, &status);

    cr_assert_eq(status, CTL_OK);
    text[strcspn(text, "\n")] = '\0';
    cr_assert_eq(realm_accept(text), AUTH_OK, "%s", test.result.cause);
    cr_assert_eq(test.result.declared, AUTHN_LEVEL_PKT_INTEGRITY);
    free(text);
}
