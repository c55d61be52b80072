#include "tests/gateway/callback/box.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/support.h"

SUITE(outbox_delivery);

static struct outbox *b;
static struct error err;

static void
setup(void)
{
    b = box_open(test_directory(), OUTBOX_WRITE);
}

static void
teardown(void)
{
    outbox_close(b);
}

#define DELIVERY_TEST(name)                                                   \
    Test(outbox_delivery, name, .init = setup, .fini = teardown)

/* -- delivery ------------------------------------------------------------- */

DELIVERY_TEST(progress_never_goes_back_nor_beyond_the_result)
{
    static const struct {
        uint32_t sent, expected;
    } rows[] = {{1, 1}, {3, 3}, {2, 3}, {99, 4}, {UINT32_MAX, 4}, {0, 4}};

    box_add_result(b, 1, 4);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert_eq(outbox_set_sent(b, box_id(1), rows[i].sent, &err), 0);
        cr_assert_eq(box_find(b, 1).sent, rows[i].expected, "row %zu", i);
    }
}

DELIVERY_TEST(attempts_count_since_the_last_progress)
{
    struct operation o;

    box_add_result(b, 1, 2);
    for (int i = 1; i <= 2; i++)
        outbox_set_retry(b, box_id(1), START + i * 7 * SECOND,
                         SPAN("sink-busy"), SPAN("503"), &err);
    o = box_find(b, 1);
    cr_assert_eq(o.attempts, 2);
    cr_assert_eq(o.next_us, START + 14 * SECOND);
    cr_assert_eq(o.give_up_us, START + 101 * SECOND, "no longer than that");
    assert_span(o.reason, "sink-busy");
    assert_span(o.detail, "503");
    outbox_set_wait(b, box_id(1), START + 30 * SECOND, SPAN("no-policy"),
                    SPAN(""), &err);
    o = box_find(b, 1);
    cr_assert_eq(o.attempts, 2, "waiting is no attempt");
    cr_assert_eq(o.next_us, START + 30 * SECOND);
    outbox_set_sent(b, box_id(1), 1, &err);
    o = box_find(b, 1);
    cr_assert_eq(o.attempts, 0);
    cr_assert_eq(o.reason.length, 0);
}

DELIVERY_TEST(an_accepted_one_may_wait_too)
{
    struct operation_request r = box_request(1);

    box_add(b, &r);
    outbox_set_wait(b, r.id, START + SECOND, SPAN("no-policy"), SPAN(""),
                    &err);
    cr_assert_str_eq(box_due(b, OPERATION_ACCEPTED, START, 0), "");
    cr_assert_str_eq(box_due(b, OPERATION_ACCEPTED, START + SECOND, 0), "1");
}

DELIVERY_TEST(the_longest_due_comes_first)
{
    static const int seconds[] = {30, 10, 20, 40};
    int64_t due = 0;

    cr_assert_eq(outbox_next_due(b, &due, &err), 0);
    cr_assert_eq(due, INT64_MAX);
    for (unsigned i = 0; i < 4; i++) {
        box_add_result(b, i + 1, 1);
        outbox_set_retry(b, box_id(i + 1), START + seconds[i] * SECOND,
                         SPAN("x"), SPAN(""), &err);
    }
    cr_assert_str_eq(box_due(b, OPERATION_DELIVERING, START + 30 * SECOND, 0),
                     "2 3 1");
    cr_assert_str_eq(box_due(b, OPERATION_DELIVERING, START + 30 * SECOND, 2),
                     "2 3");
    cr_assert_str_eq(box_due(b, OPERATION_DELIVERING, START, 0), "");
    cr_assert_str_eq(box_due(b, OPERATION_ACCEPTED, INT64_MAX, 0), "");
    outbox_next_due(b, &due, &err);
    cr_assert_eq(due, START + 10 * SECOND);
}

DELIVERY_TEST(what_is_accepted_is_due_before_what_is_retried_later)
{
    struct operation_request r = box_request(1);
    int64_t due = 0;

    box_add_result(b, 2, 1);
    box_add(b, &r);
    outbox_next_due(b, &due, &err);
    cr_assert_eq(due, START);
    box_end(b, 1, OPERATION_CANCELLED);
    outbox_next_due(b, &due, &err);
    cr_assert_eq(due, START + SECOND);
    box_end(b, 2, OPERATION_DONE);
    outbox_next_due(b, &due, &err);
    cr_assert_eq(due, INT64_MAX);
}

static bool
end_it(void *arg, const char *id, struct span sink)
{
    assert_span(sink, "https://mgmt.example.com:443/");
    return outbox_set_end(arg, id, OPERATION_DONE, 0, SPAN(""), SPAN(""),
                          START, &err) == 0;
}

DELIVERY_TEST(a_visitor_of_what_is_due_may_change_it)
{
    for (unsigned i = 1; i <= 3; i++)
        box_add_result(b, i, 1);
    cr_assert_eq(
        outbox_due(b, OPERATION_DELIVERING, INT64_MAX, 0, end_it, b, &err), 0);
    cr_assert_eq(box_count(b, OPERATION_DONE), 3);
}

struct queue {
    unsigned seen, stop;
};

/* Those due at the same time come in the order of their making. */
static bool
queue_visit(void *arg, const char *id, struct span sink)
{
    struct queue *q = arg;

    (void)sink;
    q->seen++;
    cr_assert_str_eq(id, box_id(q->seen));
    return q->seen != q->stop;
}

DELIVERY_TEST(a_long_queue_is_visited_once_in_its_order)
{
    static const struct {
        size_t limit;
        unsigned stop, seen;
    } rows[] = {{0, 0, 100}, {0, 1, 1},    {0, 70, 70},  {64, 0, 64},
                {1, 0, 1},   {99, 98, 98}, {101, 0, 100}};

    for (unsigned i = 1; i <= 100; i++) {
        box_add_result(b, i, 1);
        outbox_set_wait(b, box_id(i), START + i / 40 * SECOND, SPAN("x"),
                        SPAN(""), &err);
    }
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct queue q = {0, rows[i].stop};

        cr_assert_eq(outbox_due(b, OPERATION_DELIVERING, INT64_MAX,
                                rows[i].limit, queue_visit, &q, &err),
                     0);
        cr_assert_eq(q.seen, rows[i].seen, "row %zu: %u", i, q.seen);
    }
}

/* -- ends ----------------------------------------------------------------- */

DELIVERY_TEST(an_end_says_why_and_drops_the_batches_but_of_a_dead_letter)
{
    static const enum operation_state ends[] = {
        OPERATION_DONE, OPERATION_REFUSED, OPERATION_DEAD,
        OPERATION_CANCELLED};

    for (unsigned i = 0; i < ARRAY_COUNT(ends); i++) {
        bool dead = ends[i] == OPERATION_DEAD;
        struct operation o;
        char body[32];

        box_add_result(b, i, 1);
        cr_assert_eq(outbox_set_end(b, box_id(i), ends[i], 0x80041015,
                                    SPAN("because"), SPAN("of this"),
                                    START + 5 * SECOND, &err),
                     0);
        o = box_find(b, i);
        cr_assert_eq(o.state, ends[i]);
        cr_assert_eq(o.hresult, 0x80041015);
        assert_span(o.reason, "because");
        assert_span(o.detail, "of this");
        cr_assert_eq(o.finished_us, START + 5 * SECOND);
        cr_assert_eq(o.expires_us, START + (dead ? 305 : 205) * SECOND);
        cr_assert_eq(o.next_us, 0);
        cr_assert_eq(o.batches, 1, "what there was");
        cr_assert_eq(o.sent, ends[i] == OPERATION_DONE);
        cr_assert_eq(o.bytes, dead ? 3 : 0);
        snprintf(body, sizeof(body), "%u.1", i);
        cr_assert_eq(box_batch_is(b, i, 1, span_of(body)), dead);
        cr_assert_eq(box_count(b, ends[i]), 1);
    }
    cr_assert_eq(box_count(b, OPERATION_DELIVERING), 0);
}

DELIVERY_TEST(an_end_without_an_hresult_keeps_that_of_the_operation)
{
    struct operation_request r = box_request(1);

    box_add(b, &r);
    outbox_set_result(b, r.id, 0x80041002, SPAN(""), 1, START, &err);
    box_end(b, 1, OPERATION_DONE);
    cr_assert_eq(box_find(b, 1).hresult, 0x80041002);
}

DELIVERY_TEST(nothing_changes_what_has_ended)
{
    static const enum operation_state ends[] = {
        OPERATION_DONE, OPERATION_REFUSED, OPERATION_DEAD,
        OPERATION_CANCELLED};

    for (unsigned i = 0; i < ARRAY_COUNT(ends); i++) {
        const char *id = box_id(i);
        struct operation o;

        box_add_result(b, i, 2);
        box_end(b, i, ends[i]);
        cr_assert_eq(outbox_set_end(b, id, OPERATION_CANCELLED, 0x80041032,
                                    SPAN("late"), SPAN(""), START, &err),
                     0);
        outbox_set_retry(b, id, START, SPAN("late"), SPAN(""), &err);
        outbox_set_wait(b, id, START, SPAN("late"), SPAN(""), &err);
        outbox_set_sent(b, id, 1, &err);
        outbox_add_batch(b, id, SPAN("late"), 1, &err);
        outbox_drop_batches(b, id, &err);
        outbox_set_result(b, id, 0x80041001, SPAN(""), 2, START, &err);
        o = box_find(b, i);
        cr_assert_eq(o.state, ends[i]);
        cr_assert_eq(o.hresult, 0);
        assert_span(o.reason, "because");
        cr_assert_eq(o.finished_us, START + 5 * SECOND);
        cr_assert_eq(o.sent, ends[i] == OPERATION_DONE ? 2 : 0);
        cr_assert(o.attempts == 0 && o.batches == 2);
        if (ends[i] == OPERATION_DEAD)
            cr_assert(box_batch_is(b, i, 2, SPAN("2.2")));
    }
}

DELIVERY_TEST(what_is_no_end_is_no_end)
{
    static const enum operation_state states[] = {
        OPERATION_STATE_NONE, OPERATION_ACCEPTED, OPERATION_READY,
        OPERATION_DELIVERING, (enum operation_state)8};

    box_add_result(b, 1, 1);
    for (size_t i = 0; i < ARRAY_COUNT(states); i++)
        cr_assert_eq(outbox_set_end(b, box_id(1), states[i], 0, SPAN(""),
                                    SPAN(""), START, &err),
                     -1);
    cr_assert_eq(box_state(b, 1), OPERATION_DELIVERING);
}

DELIVERY_TEST(a_dead_letter_goes_on_where_it_stopped)
{
    struct operation o;

    box_add_result(b, 1, 3);
    outbox_set_sent(b, box_id(1), 2, &err);
    outbox_set_retry(b, box_id(1), START, SPAN("x"), SPAN("y"), &err);
    outbox_set_end(b, box_id(1), OPERATION_DEAD, 0x80041015, SPAN("gave-up"),
                   SPAN(""), START + 200 * SECOND, &err);
    cr_assert_eq(outbox_revive(b, box_id(1), START + 250 * SECOND, &err), 1);
    o = box_find(b, 1);
    cr_assert_eq(o.state, OPERATION_DELIVERING);
    cr_assert_eq(o.hresult, 0, "the sink gets the result, not the failure");
    cr_assert_eq(o.reason.length, 0);
    cr_assert_eq(o.attempts, 0);
    cr_assert_eq(o.sent, 2);
    cr_assert_eq(o.next_us, START + 250 * SECOND);
    cr_assert_eq(o.give_up_us, START + 350 * SECOND);
    cr_assert(o.finished_us == 0 && o.expires_us == 0);
    cr_assert(box_batch_is(b, 1, 3, SPAN("1.3")));
    cr_assert_eq(outbox_revive(b, box_id(1), START, &err), 0, "twice");
}

DELIVERY_TEST(only_a_dead_letter_is_revived)
{
    struct operation_request r = box_request(2);

    box_add_result(b, 1, 1);
    cr_assert_eq(outbox_revive(b, box_id(1), START, &err), 0);
    box_end(b, 1, OPERATION_CANCELLED);
    cr_assert_eq(outbox_revive(b, box_id(1), START, &err), 0);
    cr_assert_eq(outbox_revive(b, box_id(3), START, &err), 0);
    box_add(b, &r);
    box_end(b, 2, OPERATION_DEAD);
    cr_assert_eq(outbox_revive(b, r.id, START, &err), 1);
    cr_assert_eq(box_state(b, 2), OPERATION_ACCEPTED, "it had no result");
}

DELIVERY_TEST(what_nobody_needs_any_more_is_forgotten_in_time)
{
    struct operation_request fetched = box_request(1), open = box_request(2);

    fetched.sink = (struct span){NULL, 0};
    box_add(b, &fetched);
    outbox_set_result(b, fetched.id, 0, SPAN(""), 1, START, &err); /* 200 */
    box_add(b, &open);
    box_add_result(b, 3, 1);
    box_add_result(b, 4, 1);
    box_end(b, 4, OPERATION_DONE); /* 205 */
    box_add_result(b, 5, 1);
    box_end(b, 5, OPERATION_DEAD); /* 305 */
    outbox_expire(b, START + 200 * SECOND - 1, &err);
    cr_assert_eq(box_state(b, 1), OPERATION_READY);
    outbox_expire(b, START + 200 * SECOND, &err);
    cr_assert_eq(box_state(b, 1), OPERATION_STATE_NONE);
    cr_assert_eq(box_state(b, 4), OPERATION_DONE);
    outbox_expire(b, START + 205 * SECOND, &err);
    cr_assert_eq(box_state(b, 4), OPERATION_STATE_NONE);
    cr_assert(box_batch_is(b, 5, 1, SPAN("5.1")));
    cr_assert_eq(outbox_expire(b, INT64_MAX, &err), 0);
    cr_assert_eq(box_state(b, 5), OPERATION_STATE_NONE);
    cr_assert_not(box_batch_is(b, 5, 1, SPAN("5.1")));
    cr_assert_eq(box_state(b, 2), OPERATION_ACCEPTED);
    cr_assert_eq(box_state(b, 3), OPERATION_DELIVERING);
    cr_assert_eq(box_count(b, OPERATION_DEAD), 0);
}

DELIVERY_TEST(a_removed_operation_leaves_no_batch_for_the_next)
{
    struct operation_request r = box_request(2);

    box_add_result(b, 1, 2);
    cr_assert_eq(outbox_remove(b, box_id(1), &err), 0);
    cr_assert_eq(box_state(b, 1), OPERATION_STATE_NONE);
    box_add(b, &r);
    cr_assert_not(box_batch_is(b, 2, 1, SPAN("1.1")));
    cr_assert_eq(outbox_add_batch(b, r.id, SPAN("new"), 1, &err), 0);
    cr_assert_eq(outbox_remove(b, box_id(1), &err), 0, "twice");
}
