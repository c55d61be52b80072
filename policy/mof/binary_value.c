#include <math.h>
#include <string.h>

#include "policy/mof/binary.h"
#include "policy/mof/parser.h"
#include "policy/mof/report.h"

#define BOOLEAN_TRUE 0xffffu

static const struct binary_type_row types[] = {
    {BINARY_BOOLEAN, CIM_BOOLEAN, 2}, {BINARY_CHAR16, CIM_CHAR16, 2},
    {BINARY_STRING, CIM_STRING, 0},   {BINARY_DATETIME, CIM_DATETIME, 0},
    {BINARY_UINT8, CIM_UINT8, 1},     {BINARY_SINT8, CIM_SINT8, 1},
    {BINARY_UINT16, CIM_UINT16, 2},   {BINARY_SINT16, CIM_SINT16, 2},
    {BINARY_UINT32, CIM_UINT32, 4},   {BINARY_SINT32, CIM_SINT32, 4},
    {BINARY_UINT64, CIM_UINT64, 8},   {BINARY_SINT64, CIM_SINT64, 8},
    {BINARY_REAL32, CIM_REAL32, 4},   {BINARY_REAL64, CIM_REAL64, 8},
    {BINARY_OBJECT, CIM_OBJECT, 0},   {BINARY_REFERENCE, CIM_REFERENCE, 0},
};

const struct binary_flavor_row binary_flavors[BINARY_FLAVOR_ROWS] = {
    {0x01, CIM_FLAVOR_TO_INSTANCE},
    {0x02, CIM_FLAVOR_TO_SUBCLASS},
    {0x10, CIM_FLAVOR_DISABLE_OVERRIDE},
    {0x80, CIM_FLAVOR_AMENDED},
};

const struct binary_type_row *
binary_type_of_code(uint32_t code)
{
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (types[i].code == code)
            return &types[i];
    }
    return NULL;
}

const struct binary_type_row *
binary_type_of(enum cim_type type)
{
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (types[i].type == type)
            return &types[i];
    }
    return NULL;
}

/* -- scalars ---------------------------------------------------------------- */

static uint64_t
bits_at(const struct binary_reader *r, uint32_t at, uint32_t size)
{
    const unsigned char *p = (const unsigned char *)r->source->text + at;
    uint64_t bits = 0;

    for (uint32_t i = 0; i < size; i++)
        bits |= (uint64_t)p[i] << (8 * i);
    return bits;
}

static bool
boolean_set(struct binary_reader *r, uint32_t at, uint64_t bits,
            struct syntax_value *out)
{
    if (bits != 0 && bits != BOOLEAN_TRUE)
        return binary_damage(r, at, "a boolean that is neither 0 nor 0xffff");
    out->kind = VALUE_BOOLEAN;
    out->u.boolean = bits != 0;
    return true;
}

static bool
real_set(struct binary_reader *r, uint32_t at, uint64_t bits, uint32_t size,
         struct syntax_value *out)
{
    uint32_t half = (uint32_t)bits;
    float single;

    out->kind = VALUE_REAL;
    memcpy(&single, &half, sizeof(single));
    if (size == sizeof(single))
        out->u.real = (double)single;
    else
        memcpy(&out->u.real, &bits, sizeof(out->u.real));
    return isfinite(out->u.real) ||
           binary_damage(r, at, "a real that is not finite");
}

static void
integer_set(enum cim_type type, uint64_t bits, uint32_t size,
            struct syntax_value *out)
{
    uint64_t sign = UINT64_C(1) << (8 * size - 1);

    out->kind = VALUE_INTEGER;
    out->negative = cim_type_is_signed(type) && (bits & sign) != 0;
    out->u.magnitude = out->negative ? sign - (bits & (sign - 1)) : bits;
}

/* One value of a fixed size; the caller knows that its bytes are there. */
static bool
fixed_set(struct binary_reader *r, const struct binary_type_row *row,
          uint32_t at, struct syntax_value *out)
{
    uint64_t bits = bits_at(r, at, row->size);

    if (row->type == CIM_BOOLEAN)
        return boolean_set(r, at, bits, out);
    if (row->type == CIM_REAL32 || row->type == CIM_REAL64)
        return real_set(r, at, bits, row->size, out);
    if (row->type == CIM_CHAR16) {
        out->kind = VALUE_CHAR;
        out->u.char16 = (uint16_t)bits;
    } else {
        integer_set(row->type, bits, row->size, out);
    }
    return true;
}

static bool
scalar_take(struct binary_reader *r, const struct binary_type_row *row,
            uint32_t size, struct region *from, struct syntax_value *out)
{
    *out = (struct syntax_value){.offset = from->at};
    if (row->size == 0) {
        out->kind = VALUE_STRING;
        return binary_take_text(r, from, &out->u.text);
    }
    if (from->end - from->at < size)
        return binary_damage(r, from->at, "a value is cut off");
    if (!fixed_set(r, row, from->at, out))
        return false;
    from->at += size;
    return true;
}

/* -- arrays ----------------------------------------------------------------- */

bool
binary_read_array(struct binary_reader *r, struct region *from,
                  uint32_t *count_out)
{
    uint32_t start = from->at, length, dimensions, row;

    if (!binary_take_number(r, from, &length) ||
        !binary_take_number(r, from, &dimensions) ||
        !binary_take_number(r, from, count_out) ||
        !binary_take_number(r, from, &row))
        return false;
    if (dimensions != 1)
        return binary_damage(r, start + 4, "an array of %u dimensions",
                             dimensions);
    if (length < BINARY_ARRAY_HEADER || length > from->end - start ||
        row < 4 || row > length - (BINARY_ARRAY_HEADER - 4))
        return binary_damage(r, start,
                             "the parts of an array are not inside it");
    if (from->end - start - length > 3)
        return binary_damage(r, start + length,
                             "bytes behind the end of an array");
    from->end = start + length;
    return true;
}

/* Booleans stand in two bytes or, aligned, in four. */
static uint32_t
element_size(const struct binary_type_row *row, struct region from,
             uint32_t count)
{
    if (row->type == CIM_BOOLEAN && (from.end - from.at) / 4 >= count)
        return 4;
    return row->size;
}

static bool
array_read(struct binary_reader *r, const struct binary_type_row *row,
           struct region from, struct syntax_value *out)
{
    uint32_t count, least = row->size ? row->size : 2, size;

    if (!binary_read_array(r, &from, &count))
        return false;
    if (count > (from.end - from.at) / least)
        return binary_damage(r, from.at, "%u elements in %u bytes", count,
                             from.end - from.at);
    out->kind = VALUE_ARRAY;
    out->u.array.items =
        compilation_array(r->c, count, sizeof(*out->u.array.items));
    if (out->u.array.items == NULL)
        return false;
    out->u.array.count = count;
    size = element_size(row, from, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!scalar_take(r, row, size, &from, &out->u.array.items[i]))
            return false;
    }
    return binary_check_padding(r, from);
}

/* -- values and qualifiers -------------------------------------------------- */

static bool
alias_read(struct binary_reader *r, struct region from,
           struct syntax_value *out)
{
    out->kind = VALUE_ALIAS;
    return binary_read_name(r, from, &out->u.text);
}

bool
binary_read_value(struct binary_reader *r, uint32_t type, struct region from,
                  struct syntax_value *out)
{
    const struct binary_type_row *row =
        binary_type_of_code(type & ~(uint32_t)BINARY_ARRAY);

    *out = (struct syntax_value){.offset = from.at};
    if (type == BINARY_ALIAS)
        return alias_read(r, from, out);
    if (row == NULL || row->type == CIM_OBJECT)
        return binary_damage(r, from.at,
                             "a value of type 0x%x, whose form "
                             "is not known",
                             type);
    if (type & BINARY_ARRAY)
        return array_read(r, row, from, out);
    return scalar_take(r, row, row->size, &from, out) &&
           binary_check_padding(r, from);
}

/* The flavors that the list at the file's end has for the qualifier there. */
static bool
flavors_find(struct binary_reader *r, uint32_t offset, unsigned *out)
{
    size_t low = 0, high = r->flavor_count;

    *out = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (r->flavors[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == r->flavor_count || r->flavors[low].offset != offset)
        return true;
    r->flavors[low].used = true;
    for (size_t i = 0; i < BINARY_FLAVOR_ROWS; i++) {
        if (r->flavors[low].bits & binary_flavors[i].bit)
            *out |= binary_flavors[i].flavor;
    }
    return true;
}

/* A boolean without a value is one that was not written. */
static bool
qualifier_read(struct binary_reader *r, struct region all,
               struct syntax_qualifier *out)
{
    struct region body = {all.at + 4, all.end}, name;
    uint32_t type, zero, value;

    *out = (struct syntax_qualifier){.offset = all.at};
    if (!binary_take_number(r, &body, &type) ||
        !binary_take_number(r, &body, &zero) ||
        !binary_take_number(r, &body, &value))
        return false;
    if (zero != 0)
        return binary_damage(r, all.at + 8, "%u where 0 is expected", zero);
    if (value > body.end - body.at)
        return binary_damage(r, all.at + 12,
                             "the parts of a qualifier are not inside it");
    name = (struct region){body.at, body.at + value};
    body.at = name.end;
    if (!binary_read_name(r, name, &out->name) ||
        !flavors_find(r, all.at, &out->flavors))
        return false;
    out->value.offset = body.at;
    if (type == BINARY_BOOLEAN && body.at == body.end)
        return true;
    return binary_read_value(r, type, body, &out->value);
}

bool
binary_read_qualifiers(struct binary_reader *r, struct region from,
                       struct syntax_qualifiers *out)
{
    uint32_t count;

    if (!binary_read_list(r, &from, &count))
        return false;
    if (count > (from.end - from.at) / BINARY_QUALIFIER)
        return binary_damage(r, from.at, "%u qualifiers in %u bytes", count,
                             from.end - from.at);
    out->items = compilation_array(r->c, count, sizeof(*out->items));
    if (out->items == NULL)
        return false;
    out->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct region one;

        if (!binary_take_element(r, &from, BINARY_QUALIFIER, &one) ||
            !qualifier_read(r, one, &out->items[i]))
            return false;
    }
    return from.at == from.end ||
           binary_damage(r, from.at, "bytes behind the last qualifier");
}

bool
binary_take_qualifier(struct syntax_qualifiers *set, struct span name,
                      struct syntax_qualifier *out)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!span_equal_nocase(set->items[i].name, name))
            continue;
        *out = set->items[i];
        memmove(&set->items[i], &set->items[i + 1],
                (set->count - i - 1) * sizeof(set->items[0]));
        set->count--;
        return true;
    }
    return false;
}
