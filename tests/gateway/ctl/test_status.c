#include "gateway/sys/sys.h"
#include "tests/gateway/ctl/run.h"
#include "tests/support/support.h"

#include <criterion/redirect.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Against a master of one request in a child, with a reply of the test's. */

SUITE(status, .init = cr_redirect_stderr);

#define LISTENERS                                                             \
    "\"listeners\":[{\"name\":\"wire\",\"address\":\"127.0.0.1:1\","          \
    "\"tls\":false,\"status\":false,\"channel\":\"asserted\",\"reason\":"     \
    "\"IPsec\\u001b\",\"minimumLevel\":\"Connect\",\"channelBindings\":"      \
    "\"allow\"}]"
#define WORKERS                                                               \
    "\"workers\":[{\"id\":0,\"pid\":12,\"generation\":7,\"draining\":true,"   \
    "\"requests\":5,\"denied\":2}]"

static const char in_force[] =
    "+{\"version\":\"1\",\"pid\":11,\"uptimeSeconds\":90061,\"generation\":7,"
    "\"policy\":\"in force\",\"keytab\":\"HTTP/gw@R kvno 1\"," WORKERS
    "," LISTENERS ",\"eventsLost\":0}";
static const char unavailable[] =
    "+{\"policy\":\"unavailable\",\"policyProblem\":\"bad checksum\"}";

static char dir[512];

/* What command prints when the master answers `reply` to `request`. */
static char *
against(const char *reply, const char *request, run_command command,
        const char *const *words, int *status)
{
    const struct ctl ctl = {NULL, dir, dir};
    char *text;
    pid_t pid;
    int fd;

    snprintf(dir, sizeof(dir), "%s", test_directory());
    fd = control_listen(dir, NULL);
    cr_assert_geq(fd, 0);
    pid = fork();
    if (pid == 0) {
        char got[CONTROL_REQUEST_MAX] = "";
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int c = poll(&p, 1, 30000) == 1 ? accept(fd, NULL, NULL) : -1;

        if (recv(c, got, sizeof(got) - 1, 0) < 0 || strcmp(got, request) != 0)
            _exit(1);
        _exit(send(c, reply, strlen(reply), 0) < 0);
    }
    close(fd);
    text = run_printed(command, &ctl, dir, words, status);
    waitpid(pid, NULL, 0);
    return text;
}

Test(status, shows_policy_keys_listeners_and_workers)
{
    static const char *const parts[] = {
        "pid 11, up 1 d 01:01:01",
        "in force, generation 7",
        "HTTP/gw@R kvno 1",
        "wire, 127.0.0.1:1, http, channel asserted (IPsec?)",
        "0 (draining), pid 12",
        "5 requests (2 denied",
    };
    static const char *const words[] = {"status", NULL};
    int status;
    char *text = against(in_force, "status", ctl_status, words, &status);

    cr_assert_eq(status, CTL_OK);
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        cr_assert_not_null(strstr(text, parts[i]), "no '%s' in: %s", parts[i],
                           text);
    free(text);
}

Test(status, json_is_the_masters_own)
{
    static const char *const words[] = {"status", "--json", NULL};
    int status;
    char *text = against(in_force, "status", ctl_status, words, &status);

    cr_assert_eq(status, CTL_OK);
    cr_assert_eq(strncmp(text, in_force + 1, strlen(in_force + 1)), 0, "%s",
                 text);
    free(text);
}

Test(status, without_a_policy_it_fails_and_says_why)
{
    static const char *const words[] = {"status", NULL};
    int status;
    char *text = against(unavailable, "status", ctl_status, words, &status);

    cr_assert_eq(status, CTL_FAILED);
    cr_assert_not_null(strstr(text, "unavailable: bad checksum"), "%s", text);
    free(text);
}

Test(status, an_answer_that_is_not_json_is_a_failure)
{
    static const char *const words[] = {"status", NULL};
    int status;

    free(against("+{", "status", ctl_status, words, &status));
    cr_assert_eq(status, CTL_FAILED);
}

Test(status, reload_succeeds_or_fails_with_the_master)
{
    static const char *const words[] = {"reload", NULL};
    int status;

    free(against("+{}", "reload", ctl_reload, words, &status));
    cr_assert_eq(status, CTL_OK);
    free(against("-nsgate.conf:3: unknown key", "reload", ctl_reload, words,
                 &status));
    cr_assert_eq(status, CTL_FAILED);
}

Test(status, without_a_gateway_it_fails)
{
    static const char *const words[] = {"status", NULL};
    const struct ctl ctl = {NULL, "/nonexistent", test_directory()};

    cr_assert_eq(run_words(ctl_status, &ctl, words), CTL_FAILED);
    cr_assert_eq(run_words(ctl_reload, &ctl, words), CTL_FAILED);
}
