#include "tests/gateway/ctl/listening.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/gateway/auth/realm.h"
#include "tests/gateway/ctl/run.h"

static void
clock_jumps(int signal)
{
    (void)signal;
    realm_move_clock(11 * 3600);
}

static void
run_child(int errors, const char *output, const char *const *words)
{
    const struct ctl ctl = {NULL, NULL, NULL};
    int status;

    /* A test that fails does not come to its end. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(errors, STDERR_FILENO);
    stdout = fopen(output, "w");
    setenv("TMPDIR", test.directory, 1);
    signal(SIGUSR1, clock_jumps);
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

void
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

/* A signal comes in before any system call ends: before whatever is sent
 * after this is read. */
void
listening_move_clock(struct listening *l)
{
    cr_assert_eq(kill(l->pid, SIGUSR1), 0);
}

int
listening_end(struct listening *l)
{
    int status;

    cr_assert_eq(waitpid(l->pid, &status, 0), l->pid);
    fclose(l->errors);
    cr_assert(WIFEXITED(status), "%x", (unsigned)status);
    return WEXITSTATUS(status);
}

int
listening_stop(struct listening *l)
{
    kill(l->pid, SIGTERM);
    return listening_end(l);
}

bool
listening_complains(struct listening *l, const char *text)
{
    char line[2048];

    while (fgets(line, sizeof(line), l->errors) != NULL) {
        if (strstr(line, text) != NULL)
            return true;
    }
    return false;
}

void
listening_connect(struct listening *l, struct sink_client *c)
{
    sink_client_open(c, l->port, l->ca);
    sink_client_login(c, FULL, false);
}

cJSON *
listening_output(const struct listening *l, size_t n)
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

const char *
json_member(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);

    if (cJSON_IsBool(value))
        return cJSON_IsTrue(value) ? "true" : "false";
    return cJSON_IsString(value) ? value->valuestring : "(absent)";
}
