#include "gateway/rest/value.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gateway/rest/build.h"

SUITE(value);

Test(value, writes_every_type_in_its_one_form)
{
    const struct {
        struct cim_value value;
        const char *json;
    } rows[] = {
        {value_null(CIM_STRING), "null"},
        {value_boolean(true), "true"},
        {value_boolean(false), "false"},
        {value_char16('A'), "\"A\""},
        {value_char16(0x20ac), "\"\xe2\x82\xac\""},
        {value_char16('"'), "\"\\\"\""},
        {value_char16(0), "\"\\u0000\""},
        {value_char16(0xd83d), "\"\\ud83d\""},
        {value_text(CIM_STRING, ""), "\"\""},
        {value_text(CIM_STRING, "a\"b\\c\n\x7f"),
         "\"a\\\"b\\\\c\\u000a\\u007f\""},
        {value_text(CIM_STRING, "\xff!"), "\"\\ufffd!\""},
        {value_text(CIM_DATETIME, "20250314092653.589793+060"),
         "\"20250314092653.589793+060\""},
        {value_text(CIM_REFERENCE, "C.K=\"v\""), "\"C.K=\\\"v\\\"\""},
        {value_uint(CIM_UINT8, 255), "255"},
        {value_sint(CIM_SINT8, -128), "-128"},
        {value_uint(CIM_UINT32, UINT32_MAX), "4294967295"},
        {value_sint(CIM_SINT32, INT32_MIN), "-2147483648"},
        {value_real(CIM_REAL64, 0.1), "0.1"},
        {value_real(CIM_REAL32, 0.1f), "0.1"},
        {value_real(CIM_REAL64, -0.0), "-0"},
        {value_real(CIM_REAL64, 1e300), "1e+300"},
        {value_real(CIM_REAL64, NAN), "\"NaN\""},
        {value_real(CIM_REAL64, INFINITY), "\"Infinity\""},
        {value_real(CIM_REAL32, -INFINITY), "\"-Infinity\""},
        {value_object(NULL), "null"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_node(value_node(&rows[i].value), rows[i].json);
}

Test(value, keeps_a_nul_within_a_string)
{
    struct cim_value v = {.type = CIM_STRING, .one.text = SPAN("a\0b")};

    assert_node(value_node(&v), "\"a\\u0000b\"");
}

/* RFC 8259 6: a reader's number is a double, exact up to 2^53. */
Test(value, quotes_integers_that_a_double_would_round)
{
    const struct {
        struct cim_value value;
        const char *json;
    } rows[] = {
        {value_uint(CIM_UINT64, UINT64_C(9007199254740992)),
         "9007199254740992"},
        {value_uint(CIM_UINT64, UINT64_C(9007199254740993)),
         "\"9007199254740993\""},
        {value_uint(CIM_UINT64, UINT64_MAX), "\"18446744073709551615\""},
        {value_sint(CIM_SINT64, INT64_C(-9007199254740992)),
         "-9007199254740992"},
        {value_sint(CIM_SINT64, INT64_C(-9007199254740993)),
         "\"-9007199254740993\""},
        {value_sint(CIM_SINT64, INT64_MIN), "\"-9223372036854775808\""},
        {value_sint(CIM_SINT64, INT64_MAX), "\"9223372036854775807\""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_node(value_node(&rows[i].value), rows[i].json);
}

Test(value, reals_read_back_as_the_same_value)
{
    const double doubles[] = {1.0 / 3,  DBL_MAX,           DBL_MIN,
                              5e-324,   123456789.12345,   0.1 + 0.2,
                              -2.5e-17, 4503599627370497.5};
    const float floats[] = {1.0f / 3, FLT_MAX, FLT_MIN, 16777217.0f, 1e-45f};
    char text[32];

    for (size_t i = 0; i < ARRAY_COUNT(doubles); i++) {
        cim_real_format(CIM_REAL64, doubles[i], text);
        cr_assert(strtod(text, NULL) == doubles[i], "%s", text);
    }
    for (size_t i = 0; i < ARRAY_COUNT(floats); i++) {
        cim_real_format(CIM_REAL32, floats[i], text);
        cr_assert(strtof(text, NULL) == floats[i], "%s", text);
        cr_assert_leq(strlen(text), 14, "%s", text);
    }
}

Test(value, arrays_keep_their_null_elements)
{
    union cim_scalar items[] = {
        {.uint = 1}, {.uint = 0}, {.uint = UINT64_MAX}};
    bool nulls[] = {false, true, false};
    struct cim_value v = {.type = CIM_UINT64,
                          .is_array = true,
                          .count = 3,
                          .items = items,
                          .null_items = nulls};
    struct cim_value empty = {.type = CIM_STRING, .is_array = true};

    assert_node(value_node(&v), "[1,null,\"18446744073709551615\"]");
    assert_node(value_node(&empty), "[]");
}

Test(value, embedded_objects_show_their_class_and_what_they_hold)
{
    struct cim_property properties[] = {
        property("N", value_uint(CIM_UINT16, 7)),
        {.name = SPAN("Unset"), .type = CIM_STRING},
    };
    struct cim_instance object = {.class_name = SPAN("Part"),
                                  .property_count = 2,
                                  .properties = properties};
    struct cim_value v = value_object(&object);

    assert_node(value_node(&v), "{\"kind\":\"instance\",\"class\":\"Part\","
                                "\"properties\":{\"N\":7,\"Unset\":null}}");
}

static struct cim_value
nested(struct cim_instance *objects, struct cim_property *links,
       unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        objects[i] = (struct cim_instance){.class_name = SPAN("Part")};
        if (i == 0)
            continue;
        links[i] = property("P", value_object(&objects[i - 1]));
        objects[i].property_count = 1;
        objects[i].properties = &links[i];
    }
    return value_object(&objects[count - 1]);
}

Test(value, nesting_ends_at_its_limit)
{
    struct cim_instance objects[VALUE_DEPTH_MAX + 1];
    struct cim_property links[VALUE_DEPTH_MAX + 1];
    struct cim_value v = nested(objects, links, VALUE_DEPTH_MAX);
    cJSON *node = value_node(&v);

    cr_assert_not_null(node);
    cJSON_Delete(node);
    v = nested(objects, links, VALUE_DEPTH_MAX + 1);
    cr_assert_null(value_node(&v));
}

static cJSON *
make_value(void *arg)
{
    return value_node(arg);
}

Test(value, running_out_of_memory_is_said_and_leaks_nothing)
{
    union cim_scalar items[] = {{.text = SPAN("a")}, {.text = SPAN("b")}};
    struct cim_value list = {
        .type = CIM_STRING, .is_array = true, .count = 2, .items = items};
    struct cim_property properties[] = {
        property("List", list),
        property("Real", value_real(CIM_REAL64, 0.5)),
        property("Null", value_null(CIM_STRING)),
    };
    struct cim_instance object = {.class_name = SPAN("Part"),
                                  .property_count = 3,
                                  .properties = properties};
    struct cim_value v = value_object(&object);

    cr_assert_geq(fail_allocations(make_value, &v), 15);
}
