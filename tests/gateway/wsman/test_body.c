/* The bodies of enumerations, and the headers that limit answers. */
#include "tests/gateway/wsman/envelopes.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

SUITE(body);

#define THING      RESOURCE(WMI "root/Test/Thing")
#define ENUMERATE  ACTION(ENUMERATION "/Enumerate") MESSAGE(URN) THING
#define PULLING    ACTION(ENUMERATION "/Pull") MESSAGE(URN) THING
#define GET        USUAL THING
#define CONTEXT(c) "<n:EnumerationContext>" c "</n:EnumerationContext>"

static struct wsman_request r;

static const struct wsman_enumeration *
enumeration(const char *parts)
{
    char body[1024];

    snprintf(body, sizeof(body), "<n:Enumerate>%s</n:Enumerate>", parts);
    cr_assert_eq(parse_envelope(ENUMERATE, body, &r), WSMAN_PARSE_OK, "%s",
                 r.problem);
    cr_assert_null(r.later.problem, "%s", r.later.problem);
    return &r.enumeration;
}

Test(body, an_enumeration_says_how_much_it_wants)
{
    const struct wsman_enumeration *e = enumeration("");

    cr_assert(!e->optimize && e->items == WSMAN_ITEMS_OBJECT);
    cr_assert(e->max_elements == 1 && e->max_characters == 0 && e->after == 0);
    e = enumeration("<w:OptimizeEnumeration/><w:MaxElements> 007 "
                    "</w:MaxElements><n:Expires>PT1M</n:Expires>"
                    "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode>"
                    "<b:PolymorphismMode>IncludeSubClassProperties"
                    "</b:PolymorphismMode>");
    cr_assert(e->optimize && e->items == WSMAN_ITEMS_EPR);
    cr_assert_eq(e->max_elements, 7);
    e = enumeration("<w:MaxElements>99999999999999999999999</w:MaxElements>");
    cr_assert_eq(e->max_elements, SIZE_MAX);
}

Test(body, a_context_is_its_position)
{
    static const struct {
        const char *context;
        enum wsman_items items;
        int64_t after;
    } rows[] = {
        {"nsgate:0:0", WSMAN_ITEMS_OBJECT, 0},
        {" nsgate:1:1\n", WSMAN_ITEMS_EPR, 1},
        {"nsgate:2:9223372036854775807", WSMAN_ITEMS_BOTH, INT64_MAX},
    };
    static const char *const bad[] = {
        "",
        "nsgate",
        "nsgate:",
        "nsgate:0",
        "nsgate:0:",
        "nsgate:3:0",
        "nsgate:0:-1",
        "nsgate:0:+1",
        "nsgate:0:x",
        "nsgate:0:01",
        "Nsgate:0:1",
        "nsgate:0;1",
        "nsgate:00:1",
        "nsgate:0:9223372036854775808",
        "nsgate:0:1 2",
        "nsgate:0:1:2",
    };
    char body[256];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        snprintf(body, sizeof(body), "<n:Pull>" CONTEXT("%s") "</n:Pull>",
                 rows[i].context);
        cr_assert_eq(parse_envelope(PULLING, body, &r), WSMAN_PARSE_OK);
        cr_assert_null(r.later.problem, "%s", rows[i].context);
        cr_assert_eq(r.enumeration.items, rows[i].items);
        cr_assert_eq(r.enumeration.after, rows[i].after);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        snprintf(body, sizeof(body), "<n:Pull>" CONTEXT("%s") "</n:Pull>",
                 bad[i]);
        cr_assert_eq(parse_envelope(PULLING, body, &r), WSMAN_PARSE_OK);
        cr_assert_not_null(r.later.problem, "%s", bad[i]);
        cr_assert_eq(r.later.fault, WSMAN_FAULT_CONTEXT, "%s", bad[i]);
    }
}

/* What is understood and not there waits for the decision. */
Test(body, what_is_not_there_is_kept_for_later)
{
    static const struct {
        const char *headers, *body;
        enum wsman_fault_kind fault;
        const char *problem;
    } rows[] = {
        {ENUMERATE, "<n:Enumerate><w:Filter><x/></w:Filter></n:Enumerate>",
         WSMAN_FAULT_FILTERING, "there are no filters"},
        {ENUMERATE, "<n:Enumerate><n:EndTo/></n:Enumerate>",
         WSMAN_FAULT_UNSUPPORTED, "an element of the body is not supported"},
        {ENUMERATE,
         "<n:Enumerate><w:EnumerationMode>x</w:EnumerationMode></n:Enumerate>",
         WSMAN_FAULT_UNSUPPORTED, "the EnumerationMode is not known"},
        {ENUMERATE,
         "<n:Enumerate><b:PolymorphismMode>None</b:PolymorphismMode>"
         "</n:Enumerate>",
         WSMAN_FAULT_POLYMORPHISM,
         "the PolymorphismMode is not IncludeSubClassProperties"},
        {PULLING, "<n:Pull>" CONTEXT("x") "<w:Filter/></n:Pull>",
         WSMAN_FAULT_CONTEXT, "EnumerationContext is not one of this service"},
        {GET "<w:FragmentTransfer>x</w:FragmentTransfer>", "",
         WSMAN_FAULT_FRAGMENT, "objects are read as a whole"},
        {GET "<w:OptionSet><w:Option Name='x' MustComply='1'/></w:OptionSet>",
         "", WSMAN_FAULT_OPTIONS,
         "an option that must be complied with is not known"},
        {GET SELECTORS("<w:Selector Name='x'><x/>y</w:Selector>"), "",
         WSMAN_FAULT_INVALID_SELECTORS, "a selector's value is not text"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert_eq(parse_envelope(rows[i].headers, rows[i].body, &r),
                     WSMAN_PARSE_OK, "row %zu: %s", i, r.problem);
        cr_assert_not_null(r.later.problem, "row %zu", i);
        cr_assert_str_eq(r.later.problem, rows[i].problem, "row %zu: %s", i,
                         r.later.problem);
        cr_assert_eq(r.later.fault, rows[i].fault, "row %zu", i);
        cr_assert_str_eq(r.namespace.text, "root\\test");
    }
}

Test(body, has_to_be_the_actions)
{
    static const struct {
        const char *headers, *body;
    } rows[] = {
        {GET, "<x/>"},
        {GET, "<n:Pull/>"},
        {ENUMERATE, ""},
        {ENUMERATE, "<x/>"},
        {ENUMERATE, "<w:Enumerate/>"},
        {ENUMERATE, "<n:Enumerate/><n:Enumerate/>"},
        {ENUMERATE, "<n:Enumerate/><x/>"},
        {PULLING, "<n:Enumerate/>"},
        {WRITING THING, "<n:Release/>"},
        {WRITING THING, "<x/><x/>"},
        {ACTION("urn:x") MESSAGE(URN) THING, "<n:Enumerate/>"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_refused(rows[i].headers, rows[i].body, WSMAN_FAULT_SCHEMA,
                       "the body is not that of the Action");
}

Test(body, its_parts_stand_once_and_are_values)
{
    static const struct {
        const char *part, *problem;
    } rows[] = {
        {"<w:MaxElements>0</w:MaxElements>",
         "MaxElements is not a positive number"},
        {"<w:MaxElements>-1</w:MaxElements>",
         "MaxElements is not a positive number"},
        {"<w:MaxElements/>", "MaxElements is not a positive number"},
        {"<w:MaxElements>1<x/></w:MaxElements>", "a value is not text"},
        {"<w:MaxElements>1<!-- -->0</w:MaxElements>",
         "a comment stands in a value"},
        {"<w:OptimizeEnumeration>1</w:OptimizeEnumeration>",
         "OptimizeEnumeration is not empty"},
        {"<w:MaxElements>1</w:MaxElements><w:MaxElements>1</w:MaxElements>",
         "an element of the body stands twice"},
    };
    char body[512];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        snprintf(body, sizeof(body), "<n:Enumerate>%s</n:Enumerate>",
                 rows[i].part);
        assert_refused(ENUMERATE, body, WSMAN_FAULT_SCHEMA, rows[i].problem);
    }
}

Test(body, an_envelope_has_a_largest)
{
#define LARGEST(n) GET "<w:MaxEnvelopeSize>" n "</w:MaxEnvelopeSize>"
    cr_assert_eq(parse_envelope(LARGEST("8192"), "", &r), WSMAN_PARSE_OK);
    cr_assert_eq(r.envelope_max, 8192);
    cr_assert_eq(parse_envelope(GET, "", &r), WSMAN_PARSE_OK);
    cr_assert_eq(r.envelope_max, 0);
    assert_refused(LARGEST("8191"), "", WSMAN_FAULT_ENCODING,
                   "MaxEnvelopeSize is below 8192");
    assert_refused(LARGEST("8k"), "", WSMAN_FAULT_SCHEMA,
                   "MaxEnvelopeSize is not a positive number");
}

Test(body, selectors_are_kept_as_they_are)
{
    static const char *const values[] = {" a ", "", "<&\"'", "\n"};

    cr_assert_eq(
        parse_envelope(GET SELECTORS(SELECTOR("A", " a ") SELECTOR(
                           "__cimnamespace", " root/Test ") SELECTOR("B", "")
                                         SELECTOR("C", "&lt;&amp;\"'")
                                             SELECTOR("D", "&#10;")),
                       "", &r),
        WSMAN_PARSE_OK, "%s", r.problem);
    cr_assert_eq(r.selectors.count, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct wsman_selector *s = &r.selectors.items[i];

        cr_assert_eq(r.selectors.text[s->name], "ABCD"[i]);
        cr_assert_str_eq(r.selectors.text + s->value, values[i]);
    }
}

Test(body, selectors_have_room_and_no_more)
{
    struct buf headers = BUF_INIT;
    size_t length = 8000;

    for (; length < 8300; length++) {
        buf_reset(&headers);
        buf_add_string(&headers, GET "<w:SelectorSet><w:Selector Name='N'>");
        for (size_t i = 0; i < length; i++)
            buf_add_char(&headers, 'x');
        buf_add_string(&headers, "</w:Selector><w:Selector Name='O'>y"
                                 "</w:Selector></w:SelectorSet>");
        if (parse_envelope(headers.data, "", &r) != WSMAN_PARSE_OK)
            break;
        cr_assert_eq(strlen(r.selectors.text + r.selectors.items[0].value),
                     length);
        cr_assert_str_eq(r.selectors.text + r.selectors.items[1].value, "y");
    }
    cr_assert_eq(r.fault, WSMAN_FAULT_ENCODING);
    cr_assert_eq(length, WSMAN_SELECTOR_TEXT_MAX - sizeof("N") - sizeof("O") -
                             sizeof("y"));
    buf_fini(&headers);
}
