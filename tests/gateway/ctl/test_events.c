#include "gateway/event/event.h"
#include "tests/gateway/ctl/run.h"
#include "tests/support/support.h"

#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

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
