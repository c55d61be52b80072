#include <string.h>

#include "gateway/callback/callback.h"
#include "gateway/sys/sys.h"
#include "tests/support/support.h"

SUITE(message);

#define ID "0123456789abcdef0123456789abcdef"

static struct operation_request
a_request(void)
{
    return (struct operation_request){
        .id = ID,
        .request_id = SPAN("fedcba98765432100123456789abcdef"),
        .principal = SPAN("alice@EXAMPLE.COM"),
        .namespace = SPAN("root\\x"),
        .display = SPAN("Root\\X"),
        .target = SPAN("/cim/Root/X:C/instances?limit=5"),
        .sink = SPAN("https://mgmt.example.com:443/s"),
        .floor = AUTHN_LEVEL_PKT_PRIVACY,
        .declared = AUTHN_LEVEL_PKT_PRIVACY,
        .applied = AUTHN_LEVEL_PKT,
        .required = AUTHN_LEVEL_CONNECT,
    };
}

static void
check_span(struct span got, struct span wanted)
{
    cr_assert(span_equal(got, wanted), "%.*s", (int)got.length, got.data);
}

Test(message, a_request_comes_back_as_it_was)
{
    struct operation_request r = a_request(), back;
    char bytes[CHANNEL_BODY_MAX];
    size_t length;

    cr_assert_eq(operation_request_encode(&r, bytes, sizeof(bytes), &length),
                 0);
    cr_assert_eq(operation_request_decode(bytes, length, &back), 0);
    cr_assert_str_eq(back.id, ID);
    check_span(back.request_id, r.request_id);
    check_span(back.principal, r.principal);
    check_span(back.namespace, r.namespace);
    check_span(back.display, r.display);
    check_span(back.target, r.target);
    check_span(back.sink, r.sink);
    cr_assert_eq(back.floor, r.floor);
    cr_assert_eq(back.declared, r.declared);
    cr_assert_eq(back.applied, r.applied);
    cr_assert_eq(back.required, r.required);
}

Test(message, a_request_without_a_sink_has_none)
{
    struct operation_request r = a_request(), back;
    char bytes[CHANNEL_BODY_MAX];
    size_t length;

    r.sink = (struct span){NULL, 0};
    cr_assert_eq(operation_request_encode(&r, bytes, sizeof(bytes), &length),
                 0);
    cr_assert_eq(operation_request_decode(bytes, length, &back), 0);
    cr_assert_null(back.sink.data);
}

Test(message, a_request_that_does_not_fit_is_not_cut)
{
    struct operation_request r = a_request();
    char bytes[CHANNEL_BODY_MAX], target[CHANNEL_BODY_MAX];
    size_t length;

    memset(target, 'x', sizeof(target));
    r.target = (struct span){target, sizeof(target)};
    cr_assert_eq(operation_request_encode(&r, bytes, sizeof(bytes), &length),
                 -1);
}

Test(message, a_request_cut_anywhere_or_longer_is_refused)
{
    struct operation_request r = a_request(), back;
    char bytes[CHANNEL_BODY_MAX];
    size_t length;

    cr_assert_eq(operation_request_encode(&r, bytes, sizeof(bytes), &length),
                 0);
    for (size_t n = 0; n < length; n++)
        cr_assert_eq(operation_request_decode(bytes, n, &back), -1, "%zu", n);
    bytes[length] = '\0';
    cr_assert_eq(operation_request_decode(bytes, length + 1, &back), -1);
}

/* Each row: what a taken-over worker might put in. */
Test(message, a_request_no_encoder_makes_is_refused)
{
    struct operation_request good = a_request(), back;
    char bytes[CHANNEL_BODY_MAX];
    struct operation_request bad[9];
    size_t length;

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        bad[i] = good;
    bad[0].id[3] = 'G';
    bad[1].id[31] = '\0';
    bad[2].floor = AUTHN_LEVEL_DEFAULT;
    bad[3].required = (enum authn_level)7;
    bad[4].principal = SPAN("");
    bad[5].namespace = SPAN("");
    bad[6].target = SPAN("/cim\0x");
    bad[7].declared = AUTHN_LEVEL_DEFAULT;
    bad[8].sink = SPAN("");
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        cr_assert_eq(
            operation_request_encode(&bad[i], bytes, sizeof(bytes), &length),
            0);
        cr_assert_eq(operation_request_decode(bytes, length, &back), -1,
                     "row %zu", i);
    }
}

Test(message, a_note_with_anything_odd_in_it_is_refused)
{
    struct operation_note good, bad, back;

    memset(&good, 0, sizeof(good));
    memcpy(good.id, ID, sizeof(good.id));
    good.outcome = DELIVERY_DONE;
    good.effective = AUTHN_LEVEL_PKT_PRIVACY;
    cr_assert(operation_note_decode(&good, sizeof(good), &back));
    cr_assert_str_eq(back.id, ID);
    cr_assert_eq(back.outcome, DELIVERY_DONE);

    cr_assert_not(operation_note_decode(&good, sizeof(good) - 1, &back));
    bad = good;
    bad.outcome = DELIVERY_DONE + 1;
    cr_assert_not(operation_note_decode(&bad, sizeof(bad), &back));
    bad = good;
    bad.effective = AUTHN_LEVEL_PKT_PRIVACY + 1;
    cr_assert_not(operation_note_decode(&bad, sizeof(bad), &back));
    bad = good;
    bad.id[0] = 'x';
    cr_assert_not(operation_note_decode(&bad, sizeof(bad), &back));
    bad = good;
    memset(bad.reason, 'r', sizeof(bad.reason));
    cr_assert_not(operation_note_decode(&bad, sizeof(bad), &back));
    bad = good;
    memset(bad.detail, 'd', sizeof(bad.detail));
    cr_assert_not(operation_note_decode(&bad, sizeof(bad), &back));
}

Test(message, a_zeroed_outcome_means_to_try_again)
{
    cr_assert_eq(DELIVERY_RETRY, 0);
}
