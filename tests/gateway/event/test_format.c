#include "gateway/event/event.h"

#include <string.h>

#include "tests/support/support.h"

SUITE(format);

static const struct event denial = {
    .id = EVENT_ENCRYPTION_REQUIRED,
    .time_us = 1700000000123000,
    .generation = 7,
    .count = 2,
    .worker = 1,
    .fields = {[EVENT_FIELD_REQUEST_ID] = {"ab12", 4},
               [EVENT_FIELD_NAMESPACE] = {"root\\mynamespace", 16},
               [EVENT_FIELD_PRINCIPAL] = {"alice@EXAMPLE.COM", 17},
               [EVENT_FIELD_DETAIL] = {"two words", 9}}};

Test(format, writes_a_line_that_people_can_read)
{
    struct buf b = BUF_INIT;

    event_format_line(&denial, &b);
    assert_span(buf_span(&b),
                "2023-11-14T22:13:20.123Z 5605 warning encryption-required: "
                "a request to a namespace that requires encryption was denied "
                "because it came below PktPrivacy, or unbound where the "
                "listener wants it bound count=2 requestId=ab12 "
                "namespace=root\\mynamespace principal=alice@EXAMPLE.COM "
                "detail=\"two words\" generation=7");
    buf_fini(&b);
}

Test(format, writes_json_with_numbers_where_numbers_belong)
{
    struct buf b = BUF_INIT;

    event_format_json(&denial, 42, &b);
    assert_span(buf_span(&b),
                "{\"id\":5605,\"name\":\"encryption-required\","
                "\"severity\":\"warning\","
                "\"time\":\"2023-11-14T22:13:20.123Z\",\"row\":42,"
                "\"count\":2,\"generation\":7,\"worker\":1,"
                "\"requestId\":\"ab12\",\"namespace\":\"root\\\\mynamespace\","
                "\"principal\":\"alice@EXAMPLE.COM\","
                "\"detail\":\"two words\"}");
    buf_fini(&b);
}

Test(format, leaves_out_the_row_that_is_not_known_and_counts_at_least_one)
{
    struct event e = {.id = EVENT_STARTED, .worker = -1};
    struct buf b = BUF_INIT;

    event_format_json(&e, 0, &b);
    cr_assert(strstr(b.data, "\"row\"") == NULL);
    cr_assert(strstr(b.data, "\"count\":1,") != NULL);
    buf_fini(&b);
}

static bool
is_one_printable_line(struct span s)
{
    while (s.length > 0) {
        size_t n = utf8_sequence_length(s);
        uint32_t cp = n > 0 ? utf8_decode(s) : 0;

        if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 ||
            cp == 0x2029 || cp == 0x202e)
            return false;
        s = span_skip(s, n);
    }
    return true;
}

/* Threat 27: what a client can put into a principal, a target, a header. */
Test(format, keeps_hostile_bytes_on_one_line)
{
    static const char *const hostile[] = {
        "x\r\n2026 5605 forged",
        "a\nb",
        "\x1b]0;title\x07",
        "\x7f",
        "\xc2\x85next line",
        "\xe2\x80\xa8line separator",
        "\xe2\x80\xae reversed",
        "\xff\xfe broken",
        "\" reason=\"allowed",
        "\\\" reason=\\\"allowed",
        "\xc0\x8a",
    };

    for (size_t i = 0; i < ARRAY_COUNT(hostile); i++) {
        struct event e = denial;
        struct buf b = BUF_INIT;

        for (int j = 0; j < EVENT_FIELD_COUNT; j++)
            e.fields[j] = span_of(hostile[i]);
        event_format_line(&e, &b);
        cr_assert(is_one_printable_line(buf_span(&b)), "line of %zu", i);
        buf_reset(&b);
        event_format_json(&e, 1, &b);
        cr_assert(strpbrk(b.data, "\r\n\x1b\x7f") == NULL, "json of %zu", i);
        cr_assert(utf8_is_valid(buf_span(&b)));
        buf_fini(&b);
    }
}

Test(format, does_not_let_a_value_pass_for_another_field)
{
    struct event e = {.id = EVENT_ACCESS_REFUSED};
    struct buf b = BUF_INIT;

    e.fields[EVENT_FIELD_PRINCIPAL] = SPAN("x reason=allowed");
    e.fields[EVENT_FIELD_TARGET] = SPAN("/a=b");
    e.fields[EVENT_FIELD_METHOD] = SPAN("");
    event_format_line(&e, &b);
    cr_assert(strstr(b.data, "principal=\"x reason=allowed\"") != NULL);
    cr_assert(strstr(b.data, "target=\"/a=b\"") != NULL);
    cr_assert(strstr(b.data, "method=\"\"") != NULL);
    buf_fini(&b);
}

Test(format, names_windows_own_events_warnings)
{
    cr_assert(event_type(EVENT_ENCRYPTION_REQUIRED)->severity ==
              EVENT_WARNING);
    cr_assert(event_type(EVENT_CALLBACK_NOT_SECURE)->severity ==
              EVENT_WARNING);
    cr_assert(event_type((enum event_id)5604) == NULL);
}

/* One row an event in docs/events.md, in the words of the table. */
Test(format, finds_every_event_and_field_in_the_manual)
{
    char *text = test_read_file(test_source_path("docs/events.md"), NULL);
    const struct event_type *type;
    struct buf row = BUF_INIT;

    for (size_t i = 0; (type = event_type_at(i)) != NULL; i++) {
        static const char *const severities[] = {"information", "warning",
                                                 "error"};

        buf_reset(&row);
        buf_addf(&row, "| %d | `%s` | %s | %s | %s |", (int)type->id,
                 type->name, severities[type->severity],
                 type->merges ? "yes" : "no", type->summary);
        cr_expect(strstr(text, row.data) != NULL, "missing: %s", row.data);
    }
    for (int i = 0; i < EVENT_FIELD_COUNT; i++) {
        buf_reset(&row);
        buf_addf(&row, "| `%s` |", event_field_name((enum event_field)i));
        cr_expect(strstr(text, row.data) != NULL, "missing: %s", row.data);
    }
    buf_fini(&row);
    free(text);
}
