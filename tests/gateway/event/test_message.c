#include "gateway/event/event.h"

#include <string.h>

#include "tests/support/support.h"

SUITE(message);

static struct event
example(void)
{
    struct event e = {.id = EVENT_ENCRYPTION_REQUIRED,
                      .time_us = 1700000000123456,
                      .generation = UINT64_C(1) << 40,
                      .count = 3,
                      .worker = -1};

    e.fields[EVENT_FIELD_REQUEST_ID] = SPAN("0123abcd");
    e.fields[EVENT_FIELD_NAMESPACE] = SPAN("root\\mynamespace");
    e.fields[EVENT_FIELD_BINDING] = SPAN("");
    e.fields[EVENT_FIELD_REMEDY] = SPAN("use https");
    return e;
}

Test(message, comes_back_as_it_was_sent)
{
    struct event e = example(), back;
    char bytes[512];
    size_t length;

    cr_assert(event_encode(&e, bytes, sizeof(bytes), &length) == 0);
    cr_assert(event_decode(bytes, length, &back) == 0);
    cr_assert(back.id == e.id && back.time_us == e.time_us);
    cr_assert(back.generation == e.generation && back.count == 3);
    cr_assert(back.worker == -1);
    for (int i = 0; i < EVENT_FIELD_COUNT; i++) {
        cr_assert(span_equal(back.fields[i], e.fields[i]));
        cr_assert((back.fields[i].data == NULL) == (e.fields[i].data == NULL));
    }
}

Test(message, refuses_every_truncation_and_any_byte_more)
{
    struct event e = example(), back;
    char bytes[512], *copy;
    size_t length;

    cr_assert(event_encode(&e, bytes, sizeof(bytes) - 1, &length) == 0);
    for (size_t n = 0; n < length; n++) {
        copy = malloc(n + 1);
        memcpy(copy, bytes, n);
        cr_assert(event_decode(copy, n, &back) < 0, "%zu bytes", n);
        cr_assert(back.id == EVENT_NONE);
        free(copy);
    }
    bytes[length] = 0;
    cr_assert(event_decode(bytes, length + 1, &back) < 0);
}

Test(message, refuses_unknown_events_versions_and_fields)
{
    static const struct {
        size_t at;
        char value;
    } changes[] = {
        {0, 2},                   /* version */
        {1, 9},                   /* more fields than there are */
        {1, 1},                   /* fewer */
        {2, 1},                   /* an id that is none */
        {30, EVENT_FIELD_COUNT},  /* a field that is none */
        {30, EVENT_FIELD_REMEDY}, /* out of order */
        {32, 0x7f},               /* longer than all there is */
    };
    struct event e = example(), back;
    char bytes[512];
    size_t length;

    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        cr_assert(event_encode(&e, bytes, sizeof(bytes), &length) == 0);
        bytes[changes[i].at] = changes[i].value;
        cr_assert(event_decode(bytes, length, &back) < 0, "change %zu", i);
    }
}

Test(message, cuts_long_fields_at_a_character_until_all_fits)
{
    static char text[3 * 3000];
    struct event e = {.id = EVENT_REQUEST_MALFORMED}, back;
    char bytes[2048];
    size_t length;

    for (size_t i = 0; i < sizeof(text); i += 3)
        memcpy(text + i, "\xe2\x82\xac", 3);
    for (int i = 0; i < EVENT_FIELD_COUNT; i++)
        e.fields[i] = (struct span){text, sizeof(text)};
    e.fields[EVENT_FIELD_REQUEST_ID] = SPAN("short");
    cr_assert(event_encode(&e, bytes, sizeof(bytes), &length) == 0);
    cr_assert(event_decode(bytes, length, &back) == 0);
    assert_span(back.fields[EVENT_FIELD_REQUEST_ID], "short");
    cr_assert(back.fields[EVENT_FIELD_DETAIL].length > 60);
    cr_assert(back.fields[EVENT_FIELD_DETAIL].length % 3 == 0);
    cr_assert(event_encode(&e, bytes, 100, &length) < 0);
}

Test(message, cuts_bytes_that_are_no_characters_too)
{
    static char text[2000];
    struct event e = {.id = EVENT_REQUEST_MALFORMED}, back;
    char bytes[2048];
    size_t length;

    memset(text, 0x80, sizeof(text));
    e.fields[EVENT_FIELD_TARGET] = (struct span){text, sizeof(text)};
    cr_assert(event_encode(&e, bytes, sizeof(bytes), &length) == 0);
    cr_assert(event_decode(bytes, length, &back) == 0);
    cr_assert(back.fields[EVENT_FIELD_TARGET].length >= EVENT_TEXT_MAX - 4);
}
