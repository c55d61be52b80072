#include "gateway/callback/callback.h"
#include "tests/gateway/ctl/run.h"
#include "tests/support/support.h"

#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

SUITE(operations, .init = cr_redirect_stderr);

#define DEAD       "000000000000000000000000000000de"
#define DELIVERING "000000000000000000000000000000ab"
#define ACCEPTED   "000000000000000000000000000000ac"
#define MISSING    "000000000000000000000000000000ff"

static char dir[512];
static struct ctl ctl;
static struct error err;

static struct outbox *
open_outbox(enum outbox_mode mode)
{
    struct outbox *b = NULL;

    cr_assert_eq(outbox_open(dir, mode, &b, &err), 0, "%s", err.text);
    return b;
}

static void
add(struct outbox *b, const char *id, int64_t time_us)
{
    struct operation_request r = {
        .principal = SPAN("mallory\x1b[2J@EXAMPLE.COM"),
        .namespace = SPAN("root\\a"),
        .display = SPAN("Root\\A"),
        .target = SPAN("/cim/root/a:C/instances"),
        .sink = SPAN("https://mgmt.example.com:443/"),
        .give_up_s = 100,
        .keep_s = 100,
        .keep_dead_s = 100,
        .operations_max = 10,
        .operations_per_principal = 10,
        .outbox_max = 1000,
    };

    memcpy(r.id, id, sizeof(r.id));
    cr_assert_eq(outbox_add(b, &r, time_us, &err), OUTBOX_ADD_OK);
}

/* A dead letter, one on its way and one just accepted. */
static void
fill(void)
{
    struct outbox *b;
    int64_t now_us = clock_now_us();

    snprintf(dir, sizeof(dir), "%s", test_directory());
    ctl = (struct ctl){NULL, dir, dir};
    b = open_outbox(OUTBOX_WRITE);
    add(b, DEAD, now_us - INT64_C(7500) * 1000000);
    add(b, DELIVERING, now_us - INT64_C(61) * 1000000);
    add(b, ACCEPTED, now_us);
    outbox_add_batch(b, DEAD, SPAN("{}"), 1, &err);
    outbox_set_result(b, DEAD, 0, SPAN(""), 1, now_us, &err);
    outbox_set_end(b, DEAD, OPERATION_DEAD, 0x80041015, SPAN("gave-up"),
                   SPAN("TLS\n\x1b[31m"), now_us, &err);
    outbox_add_batch(b, DELIVERING, SPAN("{}"), 1, &err);
    outbox_add_batch(b, DELIVERING, SPAN("{}"), 1, &err);
    outbox_set_result(b, DELIVERING, 0, SPAN(""), 1, now_us, &err);
    outbox_set_sent(b, DELIVERING, 1, &err);
    outbox_set_retry(b, DELIVERING, now_us + INT64_C(3600) * 1000000,
                     SPAN("sink-busy"), SPAN("503"), &err);
    cr_assert_eq(outbox_commit(b, &err), 0, "%s", err.text);
    outbox_close(b);
}

static enum operation_state
state_of(const char *id)
{
    struct outbox *b = open_outbox(OUTBOX_READ);
    struct arena *arena = arena_new();
    struct operation o;

    cr_assert(outbox_find(b, id, arena, &o, &err) >= 0, "%s", err.text);
    arena_free(arena);
    outbox_close(b);
    return o.state;
}

static char *
printed(const char *const *words, int expected)
{
    int status;
    char *text = run_printed(ctl_operations, &ctl, dir, words, &status);

    cr_assert_eq(status, expected, "status %d: %s", status, text);
    cr_assert_null(strchr(text, '\x1b'), "%s", text);
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

Test(operations, are_chosen_by_state_number_and_id, .init = fill)
{
    static const struct {
        const char *words[7];
        size_t lines;
        const char *part;
    } rows[] = {
        {{"operations"}, 4, "ATTEMPTS"},
        {{"operations", "--json"}, 3, "\"state\":\"dead\""},
        {{"operations", "--state", "dead"}, 2, DEAD},
        {{"operations", "--state", "done"}, 1, "REASON"},
        {{"operations", "--limit", "1"}, 2, ACCEPTED},
        {{"operations", "--limit", "0", "--json"}, 3, DELIVERING},
        {{"operations", "--json", DEAD},
         1,
         "\"detail\":\"TLS\\u000a\\u001b[31m"},
        {{"operations", DEAD}, 15, "detail       TLS??[31m\n"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char *text = printed(rows[i].words, CTL_OK);

        cr_assert_eq(lines(text), rows[i].lines, "row %zu: %s", i, text);
        cr_assert_not_null(strstr(text, rows[i].part), "row %zu: %s", i, text);
        free(text);
    }
}

Test(operations, a_row_tells_how_it_stands, .init = fill)
{
    static const char *const words[] = {"operations", NULL};
    static const char *const parts[] = {
        DEAD "  dead           2h  Root\\A                ",
        "  mallory?[2J@EXAMPLE.COM         0/1         0      -  gave-up\n",
        DELIVERING "  delivering    61s  ",
        "1/2         1    59m  sink-busy\n",
        ACCEPTED "  accepted ",
    };
    char *text = printed(words, CTL_OK);

    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        cr_assert_not_null(strstr(text, parts[i]), "no '%s' in:\n%s", parts[i],
                           text);
    free(text);
}

Test(operations, a_dead_letter_is_sent_again, .init = fill)
{
    static const char *const words[] = {"operations", "--retry", DEAD, NULL};
    char *text = printed(words, CTL_OK);

    cr_assert_str_eq(text, DEAD ": will be sent again\n");
    free(text);
    cr_assert_eq(state_of(DEAD), OPERATION_DELIVERING);
    free(printed(words, CTL_FAILED));
}

Test(operations, what_is_not_dead_is_not_sent_again, .init = fill)
{
    static const char *const words[][4] = {
        {"operations", "--retry", DELIVERING},
        {"operations", "--retry", ACCEPTED},
        {"operations", "--retry", MISSING},
    };

    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        free(printed(words[i], CTL_FAILED));
    cr_assert_eq(state_of(DELIVERING), OPERATION_DELIVERING);
    cr_assert_eq(state_of(ACCEPTED), OPERATION_ACCEPTED);
}

Test(operations, cancelling_ends_one_and_then_forgets_it, .init = fill)
{
    static const char *const words[] = {"operations", "--cancel", DELIVERING,
                                        NULL};
    static const char *const show[] = {"operations", "--json", DELIVERING,
                                       NULL};
    char *text = printed(words, CTL_OK);

    cr_assert_str_eq(text, DELIVERING ": cancelled\n");
    free(text);
    cr_assert_eq(state_of(DELIVERING), OPERATION_CANCELLED);
    text = printed(show, CTL_OK);
    cr_assert_not_null(strstr(text, "WBEM_E_CALL_CANCELLED"), "%s", text);
    free(text);
    text = printed(words, CTL_OK);
    cr_assert_str_eq(text, DELIVERING ": removed\n");
    free(text);
    cr_assert_eq(state_of(DELIVERING), OPERATION_STATE_NONE);
    free(printed(words, CTL_FAILED));
}

/* Of a directory that is another's, as root runs it. */
Test(operations, are_changed_as_the_owner_of_the_state, .init = fill)
{
    static const char *const words[] = {"operations", "--retry", DEAD, NULL};
    char path[600];
    struct stat st;

    if (geteuid() != 0)
        return;
    test_shell("chown -R 65533:65534 %s", dir);
    free(printed(words, CTL_OK));
    snprintf(path, sizeof(path), "%s/%s-wal", dir, OUTBOX_FILE);
    cr_assert(stat(path, &st) != 0 || st.st_uid == 65533);
    cr_assert_eq(geteuid(), 0);
}

Test(operations, without_an_outbox_there_are_none_and_none_is_made)
{
    static const char *const words[] = {"operations", NULL};
    static const char *const change[] = {"operations", "--cancel", DEAD, NULL};
    char path[600];
    char *text;

    snprintf(dir, sizeof(dir), "%s", test_directory());
    ctl = (struct ctl){NULL, dir, dir};
    text = printed(words, CTL_OK);
    cr_assert_eq(lines(text), 1, "%s", text);
    free(text);
    free(printed(change, CTL_FAILED));
    snprintf(path, sizeof(path), "%s/%s", dir, OUTBOX_FILE);
    cr_assert_neq(access(path, F_OK), 0);
}

Test(operations, bad_options_are_usage_errors, .init = fill)
{
    static const char *const rows[][6] = {
        {"operations", "--limit", "-1"},
        {"operations", "--limit", ""},
        {"operations", "--limit", "1x"},
        {"operations", "--state", "Dead"},
        {"operations", "--retry"},
        {"operations", "--retry", ""},
        {"operations", "--retry", "de"},
        {"operations", "--cancel", DEAD "0"},
        {"operations", "--cancel", "g00000000000000000000000000000de"},
        {"operations", "--cancel", DEAD, "--retry", DEAD},
        {"operations", DEAD, DELIVERING},
        {"operations", "--all"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_assert_eq(run_words(ctl_operations, &ctl, rows[i]), CTL_USAGE,
                     "row %zu", i);
    cr_assert_eq(state_of(DEAD), OPERATION_DEAD);
}
