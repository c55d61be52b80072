#include "gateway/event/event.h"
#include "tests/gateway/ctl/run.h"
#include "tests/support/support.h"

#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

SUITE(why, .init = cr_redirect_stderr);

/* What `why` says of one refusal. */
static char *
explained(enum event_id id, const char *reason, const char *required,
          const char *declared, const char *applied)
{
    const char *const words[] = {"why", "aa", NULL};
    const char *dir = test_directory();
    const struct ctl ctl = {NULL, dir, dir};
    struct event_store *store = NULL;
    struct error err = {0, ""};
    struct event e = {.id = id, .time_us = 1000000};
    int status;
    char *text;

    e.fields[EVENT_FIELD_REQUEST_ID] = SPAN("aa");
    e.fields[EVENT_FIELD_NAMESPACE] = SPAN("root\\x");
    e.fields[EVENT_FIELD_LISTENER] = SPAN("public");
    e.fields[EVENT_FIELD_REASON] = span_of(reason);
    e.fields[EVENT_FIELD_REQUIRED_LEVEL] = span_of(required);
    e.fields[EVENT_FIELD_DECLARED_LEVEL] = span_of(declared);
    e.fields[EVENT_FIELD_APPLIED_LEVEL] = span_of(applied);
    e.fields[EVENT_FIELD_EFFECTIVE_LEVEL] = span_of(applied);
    cr_assert_eq(event_store_open(dir, 100, &store, &err), 0, "%s", err.text);
    cr_assert_eq(event_store_write(store, &e, &err), 0, "%s", err.text);
    cr_assert_eq(event_store_commit(store, &err), 0, "%s", err.text);
    event_store_close(store);
    text = run_printed(ctl_why, &ctl, dir, words, &status);
    cr_assert_eq(status, CTL_OK);
    return text;
}

Test(why, a_listeners_minimum_is_the_listeners_and_the_remedy_what_is_too_low)
{
    static const struct {
        const char *declared, *applied, *remedy;
    } rows[] = {
        {"PktPrivacy", "Connect", "Use https"},
        {"Connect", "PktPrivacy", "Have the client ask for more"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char *text =
            explained(EVENT_ACCESS_REFUSED, "below-minimum-level",
                      "PktIntegrity", rows[i].declared, rows[i].applied);

        cr_assert_not_null(
            strstr(text, "listener public requires PktIntegrity;"), "%s",
            text);
        cr_assert_not_null(strstr(text, rows[i].remedy), "%s", text);
        free(text);
    }
}

Test(why, a_token_that_is_not_bound_is_what_not_bound_says)
{
    char *text = explained(EVENT_ENCRYPTION_REQUIRED, "not-bound",
                           "PktPrivacy", "PktPrivacy", "PktPrivacy");

    cr_assert_not_null(strstr(text, "root\\x requires PktPrivacy, and "
                                    "listener public a token that is bound"),
                       "%s", text);
    free(text);
}
