#include "tests/gateway/callback/box.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/support.h"

SUITE(outbox);

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

#define OUTBOX_TEST(name) Test(outbox, name, .init = setup, .fini = teardown)

/* -- what is stored ------------------------------------------------------- */

OUTBOX_TEST(gives_back_what_was_asked_for)
{
    struct operation_request r = box_request(1);
    struct operation o;

    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK);
    o = box_find(b, 1);
    cr_assert_eq(o.state, OPERATION_ACCEPTED);
    cr_assert_str_eq(o.request.id, r.id);
    assert_span(o.request.request_id, "0a0b");
    assert_span(o.request.principal, "alice@EXAMPLE.COM");
    assert_span(o.request.namespace, "root\\a");
    assert_span(o.request.display, "Root\\A");
    assert_span(o.request.target, "/cim/root/a:C/instances");
    assert_span(o.request.sink, "https://mgmt.example.com:443/");
    cr_assert_eq(o.request.floor, AUTHN_LEVEL_PKT_INTEGRITY);
    cr_assert_eq(o.request.declared, AUTHN_LEVEL_PKT_PRIVACY);
    cr_assert_eq(o.request.applied, AUTHN_LEVEL_PKT_PRIVACY);
    cr_assert_eq(o.request.required, AUTHN_LEVEL_CONNECT);
    cr_assert_eq(o.request.result_max, r.result_max);
    cr_assert_eq(o.request.outbox_max, r.outbox_max);
    cr_assert_eq(o.created_us, START);
    cr_assert_eq(o.next_us, START);
    cr_assert_eq(o.give_up_us, START + 100 * SECOND);
    cr_assert_eq(o.finished_us, 0);
    cr_assert_eq(o.expires_us, 0);
    cr_assert_null(o.head.data);
    cr_assert_null(o.reason.data);
    cr_assert_eq(box_state(b, 2), OPERATION_STATE_NONE);
}

OUTBOX_TEST(keeps_batches_byte_for_byte_in_their_order)
{
    static const struct span bodies[] = {
        {"{\"a\":\"\xc3\xa9\"},{\"b\":1}", 18}, {"a\0b\xff", 4}, {"", 0}};
    struct operation_request r = box_request(1);
    struct operation o;
    uint32_t objects;
    struct buf out = BUF_INIT;

    box_add(b, &r);
    for (uint32_t i = 0; i < 3; i++)
        cr_assert_eq(outbox_add_batch(b, r.id, bodies[i], i + 1, &err), 0);
    cr_assert_eq(outbox_set_result(b, r.id, 0, SPAN("{\"items\":["), 9,
                                   START + SECOND, &err),
                 0);
    for (uint32_t i = 0; i < 3; i++)
        cr_assert(box_batch_is(b, 1, i + 1, bodies[i]), "batch %u", i + 1);
    cr_assert_eq(outbox_batch(b, r.id, 2, &out, &objects, &err), 1);
    cr_assert_eq(objects, 2);
    cr_assert_eq(outbox_batch(b, r.id, 0, &out, NULL, &err), 0);
    cr_assert_eq(outbox_batch(b, r.id, 4, &out, NULL, &err), 0);
    cr_assert_eq(outbox_batch(b, box_id(2), 1, &out, NULL, &err), 0);
    buf_fini(&out);
    o = box_find(b, 1);
    cr_assert(o.batches == 3 && o.objects == 6 && o.bytes == 22);
    cr_assert_eq(o.generation, 9);
    assert_span(o.head, "{\"items\":[");
}

OUTBOX_TEST(a_result_with_a_sink_is_to_be_delivered_at_once)
{
    struct operation o;

    box_add_result(b, 1, 2);
    o = box_find(b, 1);
    cr_assert_eq(o.state, OPERATION_DELIVERING);
    cr_assert_eq(o.next_us, START + SECOND);
    cr_assert_eq(o.give_up_us, START + 101 * SECOND);
    cr_assert_eq(o.expires_us, 0);
}

OUTBOX_TEST(a_result_without_a_sink_waits_to_be_fetched)
{
    struct operation_request r = box_request(1);
    struct operation o;

    r.sink = (struct span){NULL, 0};
    box_add(b, &r);
    outbox_add_batch(b, r.id, SPAN("x"), 1, &err);
    outbox_set_result(b, r.id, 0, (struct span){NULL, 0}, 1, START, &err);
    o = box_find(b, 1);
    cr_assert_eq(o.state, OPERATION_READY);
    cr_assert_eq(o.expires_us, START + 200 * SECOND);
    cr_assert_eq(o.finished_us, 0);
    cr_assert_null(o.head.data);
    cr_assert(box_batch_is(b, 1, 1, SPAN("x")));
}

OUTBOX_TEST(a_failed_operation_has_no_batches)
{
    struct operation_request r = box_request(1);
    struct operation o;

    box_add(b, &r);
    outbox_add_batch(b, r.id, SPAN("x"), 1, &err);
    outbox_set_result(b, r.id, 0x80041010, (struct span){NULL, 0}, 1, START,
                      &err);
    o = box_find(b, 1);
    cr_assert_eq(o.state, OPERATION_DELIVERING);
    cr_assert_eq(o.hresult, 0x80041010);
    cr_assert(o.batches == 0 && o.objects == 0 && o.bytes == 0);
    cr_assert_not(box_batch_is(b, 1, 1, SPAN("x")));
}

OUTBOX_TEST(an_interrupted_result_can_be_begun_again)
{
    struct operation_request r = box_request(1);

    box_add(b, &r);
    outbox_add_batch(b, r.id, SPAN("old"), 1, &err);
    cr_assert_eq(outbox_drop_batches(b, r.id, &err), 0);
    outbox_add_batch(b, r.id, SPAN("new"), 1, &err);
    cr_assert(box_batch_is(b, 1, 1, SPAN("new")));
    cr_assert_eq(box_find(b, 1).bytes, 3);
    outbox_set_result(b, r.id, 0, SPAN(""), 1, START, &err);
    outbox_drop_batches(b, r.id, &err);
    cr_assert(box_batch_is(b, 1, 1, SPAN("new")), "it is complete now");
}

OUTBOX_TEST(a_result_is_set_once)
{
    box_add_result(b, 1, 1);
    outbox_add_batch(b, box_id(1), SPAN("late"), 1, &err);
    outbox_set_result(b, box_id(1), 0x80041001, SPAN(""), 8, START, &err);
    cr_assert_eq(box_find(b, 1).hresult, 0);
    cr_assert_eq(box_find(b, 1).batches, 1);
    cr_assert(box_batch_is(b, 1, 1, SPAN("1.1")));
}

/* -- quotas --------------------------------------------------------------- */

OUTBOX_TEST(refuses_more_unfinished_operations_than_there_may_be)
{
    struct operation_request r;

    for (unsigned i = 1; i <= 4; i++) {
        r = box_request(i);
        r.operations_max = 3;
        cr_assert_eq(box_add(b, &r), i <= 3 ? OUTBOX_ADD_OK : OUTBOX_ADD_QUOTA,
                     "%u", i);
    }
    cr_assert_eq(box_state(b, 4), OPERATION_STATE_NONE);
    box_end(b, 2, OPERATION_CANCELLED);
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK, "a finished one is no more");
    r = box_request(5);
    r.operations_max = 3;
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_QUOTA);
}

OUTBOX_TEST(refuses_one_principal_more_than_its_share)
{
    struct operation_request r = box_request(1);

    r.operations_per_principal = 1;
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK);
    memcpy(r.id, box_id(2), sizeof(r.id));
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_QUOTA);
    r.principal = SPAN("bob@EXAMPLE.COM");
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK, "not alice's");
    memcpy(r.id, box_id(3), sizeof(r.id));
    r.principal = SPAN("alice@EXAMPLE.COM");
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_QUOTA);
    outbox_remove(b, box_id(1), &err);
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK, "a removed one is no more");
}

OUTBOX_TEST(a_revived_dead_letter_counts_again)
{
    struct operation_request r = box_request(2);

    box_add_result(b, 1, 1);
    box_end(b, 1, OPERATION_DEAD);
    outbox_revive(b, box_id(1), START, &err);
    r.operations_per_principal = 1;
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_QUOTA);
    box_end(b, 1, OPERATION_DONE);
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK);
}

OUTBOX_TEST(refuses_anything_while_the_results_fill_it)
{
    struct operation_request r = box_request(9);

    box_add_result(b, 1, 1); /* "1.1": 3 bytes */
    box_add_result(b, 2, 1);
    r.outbox_max = 6;
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_QUOTA);
    box_end(b, 2, OPERATION_DEAD);
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_QUOTA, "a dead letter is held");
    r.outbox_max = 7;
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK);
    memcpy(r.id, box_id(10), sizeof(r.id));
    r.outbox_max = 6;
    box_end(b, 1, OPERATION_DONE);
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK, "delivered and gone");
    outbox_remove(b, box_id(2), &err);
    memcpy(r.id, box_id(11), sizeof(r.id));
    r.outbox_max = 1;
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK, "removed and gone");
}

OUTBOX_TEST(limits_of_zero_let_nothing_in)
{
    struct operation_request r = box_request(1);

    r.operations_max = 0;
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_QUOTA);
    r = box_request(1);
    r.operations_per_principal = 0;
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_QUOTA);
    r = box_request(1);
    r.outbox_max = 0;
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_QUOTA);
    cr_assert_not(outbox_is_dirty(b), "a refusal holds no lock");
}

OUTBOX_TEST(an_id_that_is_there_is_refused_and_loses_nothing)
{
    struct operation_request r = box_request(1);

    box_add(b, &r);
    r.principal = SPAN("mallory@EXAMPLE.COM");
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_QUOTA);
    box_commit(b);
    assert_span(box_find(b, 1).request.principal, "alice@EXAMPLE.COM");
}

/* A worker asks again when a dispatcher died before it answered. */
OUTBOX_TEST(asking_twice_is_asking_once)
{
    struct operation_request r = box_request(1);

    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK);
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK);
    box_commit(b);
    cr_assert_eq(box_count(b, OPERATION_ACCEPTED), 1);
    /* Also when there is no room for another one. */
    r.operations_per_principal = 1;
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK);
    r = box_request(2);
    r.operations_per_principal = 1;
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_QUOTA);
}

/* -- many ----------------------------------------------------------------- */

struct seen {
    char ids[64];
    size_t stop_after;
};

static bool
see(void *arg, const struct operation *o)
{
    struct seen *s = arg;
    size_t length = strlen(s->ids);

    snprintf(s->ids + length, sizeof(s->ids) - length, "%s ",
             o->request.id + OPERATION_ID_TEXT - 2);
    return s->stop_after == 0 || --s->stop_after > 0;
}

OUTBOX_TEST(are_seen_in_order_of_time_the_newest_last)
{
    static const struct {
        enum operation_state state;
        size_t limit, stop_after;
        const char *ids;
    } rows[] = {
        {OPERATION_STATE_NONE, 0, 0, "1 2 3 4 "},
        {OPERATION_STATE_NONE, 2, 0, "3 4 "},
        {OPERATION_STATE_NONE, 3, 1, "2 "},
        {OPERATION_DELIVERING, 0, 0, "1 3 4 "},
        {OPERATION_DELIVERING, 2, 0, "3 4 "},
        {OPERATION_DONE, 0, 0, "2 "},
        {OPERATION_DEAD, 0, 0, ""},
    };

    for (unsigned i = 1; i <= 4; i++)
        box_add_result(b, i, 1);
    box_end(b, 2, OPERATION_DONE);
    /* Its place is that of its creation. */
    outbox_set_retry(b, box_id(1), START + 99 * SECOND, SPAN(""), SPAN(""),
                     &err);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct seen s = {"", rows[i].stop_after};

        cr_assert_eq(
            outbox_each(b, rows[i].state, rows[i].limit, see, &s, &err), 0);
        cr_assert_str_eq(s.ids, rows[i].ids, "row %zu: %s", i, s.ids);
    }
}
