#include "tests/gateway/callback/box.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/support.h"

const char *
box_id(unsigned n)
{
    static char id[OPERATION_ID_TEXT];

    snprintf(id, sizeof(id), "%032u", n);
    return id;
}

struct operation_request
box_request(unsigned n)
{
    struct operation_request r = {
        .request_id = SPAN("0a0b"),
        .principal = SPAN("alice@EXAMPLE.COM"),
        .namespace = SPAN("root\\a"),
        .display = SPAN("Root\\A"),
        .target = SPAN("/cim/root/a:C/instances"),
        .sink = SPAN("https://mgmt.example.com:443/"),
        .floor = AUTHN_LEVEL_PKT_INTEGRITY,
        .declared = AUTHN_LEVEL_PKT_PRIVACY,
        .applied = AUTHN_LEVEL_PKT_PRIVACY,
        .required = AUTHN_LEVEL_CONNECT,
        .give_up_s = 100,
        .keep_s = 200,
        .keep_dead_s = 300,
        .operations_max = 1000000,
        .operations_per_principal = 1000000,
        .result_max = 1 << 20,
        .outbox_max = 1 << 30,
    };

    memcpy(r.id, box_id(n), sizeof(r.id));
    return r;
}

struct outbox *
box_open(const char *dir, enum outbox_mode mode)
{
    struct outbox *b = NULL;
    struct error err = {0, ""};

    cr_assert_eq(outbox_open(dir, mode, &b, &err), 0, "%s", err.text);
    return b;
}

void
box_commit(struct outbox *b)
{
    struct error err = {0, ""};

    cr_assert_eq(outbox_commit(b, &err), 0, "%s", err.text);
}

enum outbox_add
box_add(struct outbox *b, const struct operation_request *r)
{
    struct error err = {0, ""};
    enum outbox_add answer = outbox_add(b, r, START, &err);

    cr_assert(answer != OUTBOX_ADD_FAILED, "%s", err.text);
    return answer;
}

void
box_add_result(struct outbox *b, unsigned n, unsigned batches)
{
    struct operation_request r = box_request(n);
    struct error err = {0, ""};

    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK);
    for (unsigned i = 1; i <= batches; i++) {
        char body[32];

        snprintf(body, sizeof(body), "%u.%u", n, i);
        cr_assert_eq(outbox_add_batch(b, r.id, span_of(body), 10, &err), 0,
                     "%s", err.text);
    }
    cr_assert_eq(
        outbox_set_result(b, r.id, 0, SPAN("{"), 7, START + SECOND, &err), 0,
        "%s", err.text);
}

void
box_end(struct outbox *b, unsigned n, enum operation_state end)
{
    struct error err = {0, ""};

    cr_assert_eq(outbox_set_end(b, box_id(n), end, 0, SPAN("because"),
                                SPAN("of this"), START + 5 * SECOND, &err),
                 0, "%s", err.text);
}

struct operation
box_find(struct outbox *b, unsigned n)
{
    static struct arena *arena;
    struct operation o;
    struct error err = {0, ""};

    arena_free(arena);
    arena = arena_new();
    cr_assert(outbox_find(b, box_id(n), arena, &o, &err) >= 0, "%s", err.text);
    return o;
}

enum operation_state
box_state(struct outbox *b, unsigned n)
{
    return box_find(b, n).state;
}

static bool
add_id(void *arg, const char *id, struct span sink)
{
    (void)sink;
    buf_addf(arg, "%s%lu", ((struct buf *)arg)->length > 0 ? " " : "",
             strtoul(id, NULL, 10));
    return true;
}

const char *
box_due(struct outbox *b, enum operation_state state, int64_t now_us,
        size_t limit)
{
    static char text[256];
    struct buf ids = BUF_INIT;
    struct error err = {0, ""};

    cr_assert_eq(outbox_due(b, state, now_us, limit, add_id, &ids, &err), 0,
                 "%s", err.text);
    snprintf(text, sizeof(text), "%s", ids.length > 0 ? ids.data : "");
    buf_fini(&ids);
    return text;
}

bool
box_batch_is(struct outbox *b, unsigned n, uint32_t number, struct span body)
{
    struct buf out = BUF_INIT;
    struct error err = {0, ""};
    int rc = outbox_batch(b, box_id(n), number, &out, NULL, &err);
    bool same = rc == 1 && span_equal(buf_span(&out), body);

    cr_assert(rc >= 0, "%s", err.text);
    buf_fini(&out);
    return same;
}

uint64_t
box_count(struct outbox *b, enum operation_state state)
{
    uint64_t counts[OPERATION_CANCELLED + 1];
    struct error err = {0, ""};

    cr_assert_eq(outbox_counts(b, counts, &err), 0, "%s", err.text);
    return counts[state];
}
