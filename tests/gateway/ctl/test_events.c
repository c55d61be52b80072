#include "gateway/event/event.h"
#include "tests/gateway/ctl/run.h"
#include "tests/support/support.h"

#include <criterion/redirect.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

SUITE(events, .init = cr_redirect_stderr);

static char dir[512];
static struct ctl ctl;

/* Two refusals of root\sealed and a start. */
static void
fill(void)
{
    struct event_store *store = NULL;
    struct error err = {0, ""};
    struct event e = {.id = EVENT_STARTED, .time_us = 1000000, .worker = -1};

    snprintf(dir, sizeof(dir), "%s", test_directory());
    ctl = (struct ctl){NULL, dir, dir};
    cr_assert_eq(event_store_open(dir, 1000, &store, &err), 0, "%s", err.text);
    cr_assert_eq(event_store_write(store, &e, &err), 0, "%s", err.text);
    e.id = EVENT_ENCRYPTION_REQUIRED;
    e.fields[EVENT_FIELD_NAMESPACE] = SPAN("root\\sealed");
    e.fields[EVENT_FIELD_REQUIRED_LEVEL] = SPAN("PktPrivacy");
    e.fields[EVENT_FIELD_EFFECTIVE_LEVEL] = SPAN("Connect");
    e.fields[EVENT_FIELD_DECLARED_LEVEL] = SPAN("PktPrivacy");
    e.fields[EVENT_FIELD_APPLIED_LEVEL] = SPAN("Connect");
    e.fields[EVENT_FIELD_CHANNEL] = SPAN("cleartext");
    e.fields[EVENT_FIELD_REASON] = SPAN("channel-not-private");
    e.fields[EVENT_FIELD_TARGET] = SPAN("/cim/\x1b[2J");
    for (int i = 0; i < 2; i++) {
        e.time_us += 3600 * 1000000LL;
        e.fields[EVENT_FIELD_REQUEST_ID] = i == 0 ? SPAN("aa") : SPAN("bb");
        cr_assert_eq(event_store_write(store, &e, &err), 0, "%s", err.text);
    }
    cr_assert_eq(event_store_commit(store, &err), 0, "%s", err.text);
    event_store_close(store);
}

static int
run(run_command command, const char *const *words)
{
    return run_words(command, &ctl, words);
}

static char *
printed(run_command command, const char *const *words, int expected)
{
    int status;
    char *text = run_printed(command, &ctl, dir, words, &status);

    cr_assert_eq(status, expected, "status %d: %s", status, text);
    return text;
}

static size_t
lines(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

Test(events, are_chosen_by_namespace_id_and_number, .init = fill)
{
    static const struct {
        const char *words[7];
        size_t lines;
    } rows[] = {
        {{"events"}, 3},
        {{"events", "--json"}, 3},
        {{"events", "--id", "5605"}, 2},
        {{"events", "--id", "5606"}, 0},
        {{"events", "--namespace", "Root/Sealed"}, 2},
        {{"events", "--namespace", "root\\other"}, 0},
        {{"events", "--limit", "1"}, 1},
        {{"events", "--limit", "0"}, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char *text = printed(ctl_events, rows[i].words, CTL_OK);

        cr_assert_eq(lines(text), rows[i].lines, "row %zu: %s", i, text);
        free(text);
    }
}

Test(events, the_limit_keeps_the_newest, .init = fill)
{
    const char *const words[] = {"events", "--json", "--limit", "1", NULL};
    char *text = printed(ctl_events, words, CTL_OK);

    cr_assert_not_null(strstr(text, "\"requestId\":\"bb\""), "%s", text);
    cr_assert_not_null(strstr(text, "\"id\":5605"), "%s", text);
    free(text);
}

/* One more event of root\\sealed, as the recorder would write it. */
static void
write_one(const char *request_id)
{
    struct event_store *store = NULL;
    struct event e = {.id = EVENT_ACCESS_REFUSED, .time_us = clock_now_us()};

    e.fields[EVENT_FIELD_REQUEST_ID] = span_of(request_id);
    e.fields[EVENT_FIELD_NAMESPACE] = SPAN("root\\sealed");
    cr_assert_eq(event_store_open(dir, 1000, &store, NULL), 0);
    cr_assert_eq(event_store_write(store, &e, NULL), 0);
    cr_assert_eq(event_store_commit(store, NULL), 0);
    event_store_close(store);
}

/* Longer than the second it may take, for a busy machine. */
static void
expect_line(FILE *from, const char *part)
{
    struct pollfd p = {.fd = fileno(from), .events = POLLIN};
    char line[2048] = "";

    cr_assert_eq(poll(&p, 1, 10000), 1, "no line with %s", part);
    cr_assert_not_null(fgets(line, sizeof(line), from));
    cr_assert_not_null(strstr(line, part), "no %s in: %s", part, line);
}

Test(events, following_shows_what_comes_and_nothing_twice, .init = fill)
{
    static const char *const words[] = {"events",  "--follow", "--json",
                                        "--limit", "1",        NULL};
    int ends[2];
    FILE *from;
    pid_t pid;

    cr_assert_eq(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        stdout = fdopen(ends[1], "w");
        _exit(run(ctl_events, words));
    }
    close(ends[1]);
    from = fdopen(ends[0], "r");
    expect_line(from, "\"requestId\":\"bb\"");
    write_one("cc");
    expect_line(from, "\"requestId\":\"cc\"");
    write_one("dd");
    expect_line(from, "\"requestId\":\"dd\"");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    fclose(from);
}

Test(events, bad_options_are_usage_errors, .init = fill)
{
    static const char *const rows[][4] = {
        {"events", "--id", "x"},
        {"events", "--id", "4711"},
        {"events", "--limit", "-1"},
        {"events", "--limit", ""},
        {"events", "--namespace", "..x"},
        {"events", "more"},
        {"events", "--all"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_assert_eq(run(ctl_events, rows[i]), CTL_USAGE, "row %zu", i);
}

Test(events, why_tells_cause_levels_and_remedy, .init = fill)
{
    static const char *const parts[] = {
        "root\\sealed requires PktPrivacy", "context declares PktPrivacy",
        "applies Connect", "channel-not-private", "Remedy: Use https"};
    const char *const words[] = {"why", "aa", NULL};
    char *text = printed(ctl_why, words, CTL_OK);

    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        cr_assert_not_null(strstr(text, parts[i]), "no '%s' in: %s", parts[i],
                           text);
    cr_assert_null(strchr(text, '\x1b'));
    free(text);
}

Test(events, why_of_an_unknown_request_fails, .init = fill)
{
    const char *const words[] = {"why", "cc", NULL};

    cr_assert_eq(run(ctl_why, words), CTL_FAILED);
}

Test(events, without_a_log_it_says_so)
{
    const char *const words[] = {"events", NULL};

    ctl = (struct ctl){NULL, test_directory(), "/nonexistent"};
    cr_assert_eq(run(ctl_events, words), CTL_FAILED);
}
