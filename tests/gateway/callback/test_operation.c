#include "gateway/callback/callback.h"

#include <string.h>

#include "tests/support/support.h"

SUITE(operation);

#define CREATED INT64_C(1767323045678000) /* 2026-01-02T03:04:05.678Z */

static struct operation
example(enum operation_state state)
{
    struct operation o = {.state = state};

    memcpy(o.request.id, "00112233445566778899aabbccddeeff",
           OPERATION_ID_TEXT);
    o.request.request_id = SPAN("0a0b");
    o.request.principal = SPAN("alice@EXAMPLE.COM");
    o.request.namespace = SPAN("root\\mynamespace");
    o.request.display = SPAN("root\\MyNamespace");
    o.request.target = SPAN("/cim/root/MyNamespace:C/instances?limit=5");
    o.request.sink = SPAN("https://mgmt.example.com:443/in");
    o.detail = SPAN("TLS: \x1b[2J");
    o.created_us = CREATED;
    o.next_us = CREATED + 1000000;
    o.give_up_us = CREATED + 2000000;
    return o;
}

static void
assert_json(const struct operation *o, bool whole, const char *expected)
{
    struct buf out = BUF_INIT;

    operation_format_json(o, whole, &out);
    cr_assert(!buf_failed(&out));
    assert_span(buf_span(&out), expected);
    buf_fini(&out);
}

Test(operation, states_have_names_that_lead_back)
{
    static const char *const names[] = {
        "accepted", "ready", "delivering", "done",
        "refused",  "dead",  "cancelled",
    };

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        enum operation_state state = operation_state_find(span_of(names[i]));

        cr_assert_eq((size_t)state, i + 1, "%s", names[i]);
        cr_assert_str_eq(operation_state_name(state), names[i]);
    }
    cr_assert_eq((size_t)OPERATION_CANCELLED, ARRAY_COUNT(names));
}

Test(operation, other_names_are_no_state)
{
    static const char *const names[] = {"", "none", "Ready", "dea", "deads"};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        cr_assert_eq(operation_state_find(span_of(names[i])),
                     OPERATION_STATE_NONE, "%s", names[i]);
    cr_assert_eq(operation_state_find((struct span){NULL, 0}),
                 OPERATION_STATE_NONE);
    cr_assert_str_eq(operation_state_name(OPERATION_STATE_NONE), "unknown");
    cr_assert_str_eq(operation_state_name((enum operation_state)99),
                     "unknown");
}

Test(operation, in_json_tells_its_owner_how_it_stands)
{
    struct operation o = example(OPERATION_DELIVERING);

    o.reason = SPAN("sink-certificate");
    o.batches = 3;
    o.objects = 30;
    o.sent = 1;
    o.attempts = 2;
    assert_json(
        &o, false,
        "{\"kind\":\"operation\",\"id\":\"00112233445566778899aabbccddeeff\","
        "\"state\":\"delivering\",\"namespace\":\"root\\\\MyNamespace\","
        "\"target\":\"/cim/root/MyNamespace:C/instances?limit=5\","
        "\"sink\":\"https://mgmt.example.com:443/in\","
        "\"hresult\":\"0x00000000\",\"symbol\":\"WBEM_S_NO_ERROR\","
        "\"reason\":\"sink-certificate\",\"batches\":3,\"objects\":30,"
        "\"delivered\":1,\"attempts\":2,"
        "\"created\":\"2026-01-02T03:04:05.678Z\","
        "\"nextAttempt\":\"2026-01-02T03:04:06.678Z\","
        "\"giveUp\":\"2026-01-02T03:04:07.678Z\"}");
}

Test(operation, in_json_whole_adds_what_only_an_administrator_sees)
{
    struct operation o = example(OPERATION_DEAD);

    o.hresult = 0x80041015;
    o.finished_us = CREATED + 3000000;
    o.expires_us = CREATED + 4000000;
    o.request.sink = (struct span){NULL, 0};
    assert_json(
        &o, true,
        "{\"kind\":\"operation\",\"id\":\"00112233445566778899aabbccddeeff\","
        "\"state\":\"dead\",\"namespace\":\"root\\\\MyNamespace\","
        "\"target\":\"/cim/root/MyNamespace:C/instances?limit=5\","
        "\"principal\":\"alice@EXAMPLE.COM\",\"requestId\":\"0a0b\","
        "\"hresult\":\"0x80041015\",\"symbol\":\"WBEM_E_TRANSPORT_FAILURE\","
        "\"detail\":\"TLS: \\u001b[2J\",\"batches\":0,\"objects\":0,"
        "\"delivered\":0,\"attempts\":0,"
        "\"created\":\"2026-01-02T03:04:05.678Z\","
        "\"finished\":\"2026-01-02T03:04:08.678Z\","
        "\"expires\":\"2026-01-02T03:04:09.678Z\"}");
}

Test(operation, in_json_says_no_error_only_of_a_result)
{
    struct operation o = example(OPERATION_ACCEPTED);
    struct buf out = BUF_INIT;

    operation_format_json(&o, true, &out);
    cr_assert_null(strstr(out.data, "hresult"), "%s", out.data);
    buf_fini(&out);
}

Test(operation, in_json_names_the_hresults_it_knows)
{
    static const struct {
        uint32_t hresult;
        const char *part;
    } rows[] = {
        {0, "\"0x00000000\",\"symbol\":\"WBEM_S_NO_ERROR\""},
        {0x80041001, "\"0x80041001\",\"symbol\":\"WBEM_E_FAILED\""},
        {0x80041002, "\"0x80041002\",\"symbol\":\"WBEM_E_NOT_FOUND\""},
        {0x80041003, "\"0x80041003\",\"symbol\":\"WBEM_E_ACCESS_DENIED\""},
        {0x8004100e, "\"0x8004100E\",\"symbol\":\"WBEM_E_INVALID_NAMESPACE\""},
        {0x80041010, "\"0x80041010\",\"symbol\":\"WBEM_E_INVALID_CLASS\""},
        {0x80041032, "\"0x80041032\",\"symbol\":\"WBEM_E_CALL_CANCELLED\""},
        {0x8004106c, "\"0x8004106C\",\"symbol\":\"WBEM_E_QUOTA_VIOLATION\""},
        {0x80041099, "\"hresult\":\"0x80041099\",\"batches\""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct operation o = example(OPERATION_READY);
        struct buf out = BUF_INIT;

        o.hresult = rows[i].hresult;
        operation_format_json(&o, false, &out);
        cr_assert_not_null(strstr(out.data, rows[i].part), "%s: %s",
                           rows[i].part, out.data);
        buf_fini(&out);
    }
}

Test(operation, delivery_waits_twice_as_long_each_time_up_to_a_quarter_hour)
{
    static const struct {
        uint32_t attempts;
        int64_t delay_s;
    } rows[] = {{0, 1},    {1, 1},    {2, 2},    {3, 4},           {10, 512},
                {11, 900}, {12, 900}, {64, 900}, {UINT32_MAX, 900}};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t delay_us = rows[i].delay_s * 1000000;

        cr_assert_eq(delivery_backoff_us(rows[i].attempts, 0), delay_us, "%u",
                     rows[i].attempts);
        /* A quarter more at most, reached by some random number. */
        cr_assert_eq(
            delivery_backoff_us(rows[i].attempts, (uint64_t)delay_us / 4),
            delay_us + delay_us / 4);
        cr_assert_eq(
            delivery_backoff_us(rows[i].attempts, (uint64_t)delay_us / 4 + 1),
            delay_us);
        cr_assert(delivery_backoff_us(rows[i].attempts, UINT64_MAX) <=
                  delay_us + delay_us / 4);
    }
}
