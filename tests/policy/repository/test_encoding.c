#include "policy/repository/encoding.h"
#include "tests/support/support.h"

#include <stdlib.h>
#include <string.h>

SUITE(encoding);

static bool values_equal(const struct cim_value *a, const struct cim_value *b);

static bool
spans_equal(struct span a, struct span b)
{
    return span_equal(a, b) && (a.data == NULL) == (b.data == NULL);
}

static bool
properties_equal(const struct cim_property *a, const struct cim_property *b)
{
    return spans_equal(a->name, b->name) && a->type == b->type &&
           a->is_array == b->is_array && a->array_size == b->array_size &&
           spans_equal(a->class_name, b->class_name) &&
           a->has_value == b->has_value &&
           (!a->has_value || values_equal(&a->value, &b->value)) &&
           a->qualifiers.count == b->qualifiers.count;
}

static bool
objects_equal(const struct cim_instance *a, const struct cim_instance *b)
{
    if (!spans_equal(a->class_name, b->class_name) ||
        !spans_equal(a->alias, b->alias) ||
        a->property_count != b->property_count)
        return false;
    for (size_t i = 0; i < a->property_count; i++) {
        if (!properties_equal(&a->properties[i], &b->properties[i]))
            return false;
    }
    return true;
}

static bool
scalars_equal(enum cim_type type, const union cim_scalar *a,
              const union cim_scalar *b)
{
    switch (type) {
    case CIM_BOOLEAN:
        return a->boolean == b->boolean;
    case CIM_CHAR16:
        return a->char16 == b->char16;
    case CIM_STRING:
    case CIM_DATETIME:
    case CIM_REFERENCE:
        return spans_equal(a->text, b->text);
    case CIM_REAL32:
    case CIM_REAL64:
        return memcmp(&a->real, &b->real, sizeof(a->real)) == 0;
    case CIM_OBJECT:
        return objects_equal(a->object, b->object);
    default:
        return a->uint == b->uint;
    }
}

static bool
values_equal(const struct cim_value *a, const struct cim_value *b)
{
    if (a->type != b->type || a->is_null != b->is_null ||
        a->is_array != b->is_array)
        return false;
    if (a->is_null)
        return true;
    if (!a->is_array)
        return scalars_equal(a->type, &a->one, &b->one);
    if (a->count != b->count ||
        (a->null_items == NULL) != (b->null_items == NULL))
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        bool null = a->null_items != NULL && a->null_items[i];

        if (a->null_items != NULL && null != b->null_items[i])
            return false;
        if (!null && !scalars_equal(a->type, &a->items[i], &b->items[i]))
            return false;
    }
    return true;
}

/* An instance with one property P of this value. */
static void
assert_survives(struct cim_value value)
{
    struct cim_property p = {.name = SPAN("P"),
                             .type = value.type,
                             .has_value = true,
                             .value = value};
    struct cim_instance one = {
        .class_name = SPAN("C"), .property_count = 1, .properties = &p};
    struct arena *arena = arena_new();
    struct buf b = BUF_INIT;
    struct cim_instance *read;

    cr_assert(encode_instance(&b, &one) == 0);
    read = decode_instance(buf_span(&b), arena);
    cr_assert(read != NULL, "type %s", cim_type_name(value.type));
    cr_assert(objects_equal(&one, read), "type %s", cim_type_name(value.type));
    buf_fini(&b);
    arena_free(arena);
}

#define ONE(t, field, v)                                                      \
    ((struct cim_value){.type = (t), .one = {.field = (v)}})

Test(encoding, keeps_every_type_at_its_limits)
{
    static const int64_t sints[] = {0,  1,   -1,        63,       -64,
                                    64, -65, INT64_MAX, INT64_MIN};
    static const uint64_t uints[] = {
        0, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX, 1ull << 63};
    static const double reals[] = {0.0,    -0.0,     1.5,
                                   -1e308, 4.9e-324, 1.0 / 3.0};

    for (size_t i = 0; i < ARRAY_COUNT(sints); i++)
        assert_survives(ONE(CIM_SINT64, sint, sints[i]));
    for (size_t i = 0; i < ARRAY_COUNT(uints); i++)
        assert_survives(ONE(CIM_UINT64, uint, uints[i]));
    for (size_t i = 0; i < ARRAY_COUNT(reals); i++)
        assert_survives(ONE(CIM_REAL64, real, reals[i]));
    assert_survives(ONE(CIM_BOOLEAN, boolean, true));
    assert_survives(ONE(CIM_BOOLEAN, boolean, false));
    assert_survives(ONE(CIM_CHAR16, char16, 0xffff));
    assert_survives(ONE(CIM_SINT8, sint, -128));
    assert_survives(ONE(CIM_STRING, text, SPAN("")));
    assert_survives(ONE(CIM_STRING, text, SPAN("a\0b\xc3\xa4")));
    assert_survives(
        ONE(CIM_DATETIME, text, SPAN("20260102030405.000000+060")));
    assert_survives(ONE(CIM_REFERENCE, text, SPAN("A.K=\"x\"")));
    assert_survives((struct cim_value){.type = CIM_STRING, .is_null = true});
}

Test(encoding, keeps_arrays_and_their_nulls)
{
    union cim_scalar items[3] = {{.sint = -5}, {.sint = 0}, {.sint = 70000}};
    bool nulls[3] = {false, true, false};
    struct cim_value v = {
        .type = CIM_SINT32, .is_array = true, .count = 3, .items = items};

    assert_survives(v);
    v.null_items = nulls;
    assert_survives(v);
    assert_survives((struct cim_value){.type = CIM_STRING, .is_array = true});
    assert_survives((struct cim_value){
        .type = CIM_STRING, .is_array = true, .is_null = true});
}

/* depth instances, each in a property of the one before. */
static struct cim_instance *
nest(struct arena *arena, unsigned depth)
{
    struct cim_instance *inner = NULL;

    for (unsigned i = 0; i < depth; i++) {
        struct cim_instance *outer = arena_alloc(arena, sizeof(*outer));

        outer->class_name = SPAN("C");
        if (inner != NULL) {
            outer->property_count = 1;
            outer->properties = arena_alloc(arena, sizeof(*outer->properties));
            outer->properties[0].name = SPAN("P");
            outer->properties[0].type = CIM_OBJECT;
            outer->properties[0].has_value = true;
            outer->properties[0].value = ONE(CIM_OBJECT, object, inner);
        }
        inner = outer;
    }
    return inner;
}

Test(encoding, nests_so_deep_and_no_deeper)
{
    struct arena *arena = arena_new();
    struct buf b = BUF_INIT;
    struct cim_instance *in = nest(arena, ENCODING_DEPTH_MAX), *out;

    cr_assert(encode_instance(&b, in) == 0);
    out = decode_instance(buf_span(&b), arena);
    cr_assert(out != NULL && objects_equal(in, out));
    buf_reset(&b);
    cr_assert(encode_instance(&b, nest(arena, ENCODING_DEPTH_MAX + 1)) < 0);
    buf_fini(&b);
    arena_free(arena);
}

static struct cim_class
full_class(void)
{
    static union cim_scalar items[2] = {{.text = {"a", 1}}, {.text = {"", 0}}};
    static struct cim_qualifier qualifiers[] = {
        {.name = {"Description", 11},
         .value = {.type = CIM_STRING, .one = {.text = {"text", 4}}},
         .flavors = CIM_FLAVOR_TRANSLATABLE | CIM_FLAVOR_NOT_TO_INSTANCE},
        {.name = {"ValueMap", 8},
         .value = {.type = CIM_STRING,
                   .is_array = true,
                   .count = 2,
                   .items = items}},
    };
    static struct cim_property properties[] = {
        {.name = {"Ref", 3},
         .type = CIM_REFERENCE,
         .class_name = {"Other", 5},
         .qualifiers = {2, qualifiers}},
        {.name = {"A", 1},
         .type = CIM_UINT8,
         .is_array = true,
         .array_size = 7},
    };
    static struct cim_method methods[] = {
        {.name = {"Do", 2},
         .return_type = CIM_VOID,
         .parameter_count = 2,
         .parameters = properties,
         .qualifiers = {1, qualifiers}},
    };

    return (struct cim_class){.name = SPAN("Full"),
                              .superclass = SPAN("Base"),
                              .qualifiers = {2, qualifiers},
                              .property_count = 2,
                              .properties = properties,
                              .method_count = 1,
                              .methods = methods};
}

Test(encoding, keeps_a_whole_class)
{
    struct cim_class c = full_class(), *r;
    struct arena *arena = arena_new();
    struct buf b = BUF_INIT;

    cr_assert(encode_class(&b, &c) == 0);
    r = decode_class(buf_span(&b), arena);
    cr_assert(r != NULL);
    assert_span(r->name, "Full");
    assert_span(r->superclass, "Base");
    cr_assert(r->qualifiers.count == 2 && r->property_count == 2 &&
              r->method_count == 1);
    cr_assert(r->qualifiers.items[0].flavors == c.qualifiers.items[0].flavors);
    cr_assert(values_equal(&r->qualifiers.items[1].value,
                           &c.qualifiers.items[1].value));
    for (size_t i = 0; i < 2; i++) {
        cr_assert(properties_equal(&r->properties[i], &c.properties[i]));
        cr_assert(
            properties_equal(&r->methods[0].parameters[i], &c.properties[i]));
    }
    cr_assert(r->methods[0].return_type == CIM_VOID);
    assert_span(r->methods[0].qualifiers.items[0].name, "Description");
    buf_fini(&b);
    arena_free(arena);
}

/* Every prefix in memory of its own, so that a sanitizer sees a byte too
 * many; and every single byte changed. */
Test(encoding, refuses_damage_without_reading_beyond_it)
{
    struct cim_class c = full_class();
    struct buf b = BUF_INIT;
    char *copy;

    cr_assert(encode_class(&b, &c) == 0);
    for (size_t n = 0; n < b.length; n++) {
        struct arena *arena = arena_new();

        copy = malloc(n + 1);
        memcpy(copy, b.data, n);
        copy = realloc(copy, n > 0 ? n : 1);
        cr_assert(decode_class((struct span){copy, n}, arena) == NULL);
        free(copy);
        arena_free(arena);
    }
    copy = malloc(b.length);
    for (size_t i = 0; i < b.length; i++) {
        for (int change = 1; change < 256; change++) {
            struct arena *arena = arena_new();

            memcpy(copy, b.data, b.length);
            copy[i] = (char)(copy[i] ^ change);
            decode_class((struct span){copy, b.length}, arena);
            decode_instance((struct span){copy, b.length}, arena);
            /* A count in a damaged text buys no memory. */
            cr_assert(arena_used(arena) < 1024 * 1024);
            arena_free(arena);
        }
    }
    free(copy);
    buf_add_char(&b, '\0');
    {
        struct arena *arena = arena_new();

        cr_assert(decode_class(buf_span(&b), arena) == NULL);
        arena_free(arena);
    }
    buf_fini(&b);
}
