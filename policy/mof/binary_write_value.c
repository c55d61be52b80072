#include "policy/mof/binary_writer.h"

#define ALIGNMENT 4u

/* -- numbers and text ------------------------------------------------------- */

void
writer_number(struct binary_writer *w, uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        buf_add_char(&w->out, (char)(number >> (8 * i) & 0xff));
}

size_t
writer_reserve(struct binary_writer *w)
{
    size_t at = w->out.length;

    writer_number(w, 0);
    return at;
}

void
writer_patch(struct binary_writer *w, size_t at, uint32_t number)
{
    for (unsigned i = 0; i < 4 && !buf_failed(&w->out); i++)
        w->out.data[at + i] = (char)(number >> (8 * i) & 0xff);
}

void
writer_patch_length(struct binary_writer *w, size_t at, size_t from)
{
    writer_patch(w, at, (uint32_t)(w->out.length - from));
}

static void
align(struct binary_writer *w)
{
    while (w->out.length % ALIGNMENT != 0 && !buf_failed(&w->out))
        buf_add_char(&w->out, '\0');
}

static void
add_unit(struct binary_writer *w, uint32_t unit)
{
    buf_add_char(&w->out, (char)(unit & 0xff));
    buf_add_char(&w->out, (char)(unit >> 8));
}

/* UTF-16 and its NUL. */
static void
add_text(struct binary_writer *w, struct span text)
{
    while (text.length > 0) {
        size_t n = utf8_sequence_length(text);
        uint32_t c = n > 0 ? utf8_decode(text) : 0xfffd;

        if (c >= 0x10000) {
            add_unit(w, 0xd800 + ((c - 0x10000) >> 10));
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        add_unit(w, c);
        text = span_skip(text, n > 0 ? n : 1);
    }
    add_unit(w, 0);
}

void
writer_text(struct binary_writer *w, struct span text)
{
    add_text(w, text);
    align(w);
}

/* -- values ----------------------------------------------------------------- */

static bool
is_sint32(const struct syntax_value *v)
{
    return !v->huge &&
           v->u.magnitude <= (uint64_t)INT32_MAX + (v->negative ? 1 : 0);
}

static const char *
scalar_problem(const struct syntax_value *v)
{
    switch (v->kind) {
    case VALUE_BOOLEAN:
    case VALUE_STRING:
    case VALUE_ALIAS:
        return NULL;
    case VALUE_INTEGER:
        return is_sint32(v) ? NULL : "an integer beyond 32 bits and a sign";
    case VALUE_REAL:
        return "a real";
    case VALUE_CHAR:
        return "a character";
    case VALUE_NULL:
        return "NULL";
    case VALUE_INSTANCE:
        return "an instance in another one";
    default:
        return "a property without a value";
    }
}

const char *
writer_value_problem(const struct syntax_value *v)
{
    enum syntax_value_kind kind;

    if (v->kind != VALUE_ARRAY)
        return scalar_problem(v);
    if (v->u.array.count == 0)
        return "an empty list";
    kind = v->u.array.items[0].kind;
    for (size_t i = 0; i < v->u.array.count; i++) {
        const char *problem = scalar_problem(&v->u.array.items[i]);

        if (problem != NULL)
            return problem;
        if (v->u.array.items[i].kind != kind)
            return "a list of different kinds";
    }
    return kind == VALUE_STRING || kind == VALUE_INTEGER
               ? NULL
               : "a list of anything but strings or integers";
}

uint32_t
writer_value_type(const struct syntax_value *v)
{
    switch (v->kind) {
    case VALUE_ARRAY:
        return BINARY_ARRAY | writer_value_type(&v->u.array.items[0]);
    case VALUE_INTEGER:
        return BINARY_SINT32;
    case VALUE_STRING:
        return BINARY_STRING;
    case VALUE_ALIAS:
        return BINARY_ALIAS;
    default:
        return BINARY_BOOLEAN;
    }
}

static void
add_scalar(struct binary_writer *w, const struct syntax_value *v)
{
    uint32_t magnitude = (uint32_t)v->u.magnitude;

    if (v->kind == VALUE_STRING || v->kind == VALUE_ALIAS)
        add_text(w, v->u.text);
    else if (v->kind == VALUE_INTEGER)
        writer_number(w, v->negative ? 0u - magnitude : magnitude);
    else /* a qualifier without a value is TRUE */
        writer_number(w, v->kind == VALUE_NONE || v->u.boolean ? 0xffffu : 0);
}

static void
add_array(struct binary_writer *w, const struct syntax_value *v)
{
    size_t start = writer_reserve(w), row;

    writer_number(w, 1);
    writer_number(w, (uint32_t)v->u.array.count);
    row = writer_reserve(w);
    for (size_t i = 0; i < v->u.array.count; i++)
        add_scalar(w, &v->u.array.items[i]);
    align(w);
    writer_patch_length(w, row, row);
    writer_patch_length(w, start, start);
}

void
writer_value(struct binary_writer *w, const struct syntax_value *v)
{
    if (v->kind == VALUE_ARRAY)
        add_array(w, v);
    else
        add_scalar(w, v);
    align(w);
}

/* -- lists ------------------------------------------------------------------ */

struct writer_list
writer_list_begin(struct binary_writer *w)
{
    struct writer_list list = {.at = writer_reserve(w)};

    writer_number(w, 0);
    return list;
}

void
writer_list_end(struct binary_writer *w, const struct writer_list *list)
{
    writer_patch_length(w, list->at, list->at);
    writer_patch(w, list->at + 4, list->count);
}

/* -- qualifiers ------------------------------------------------------------- */

static void
add_flavors(struct binary_writer *w, size_t offset, uint32_t bits)
{
    uint32_t entry[2] = {(uint32_t)offset, bits};

    if (bits == 0)
        return;
    for (unsigned i = 0; i < 8; i++)
        buf_add_char(&w->flavors,
                     (char)(entry[i / 4] >> (8 * (i % 4)) & 0xff));
    w->flavor_count++;
}

void
writer_qualifier(struct binary_writer *w, struct writer_list *list,
                 struct span name, const struct syntax_value *value,
                 uint32_t flavors)
{
    size_t start = writer_reserve(w), offset;

    writer_number(w, writer_value_type(value));
    writer_number(w, 0);
    offset = writer_reserve(w);
    writer_text(w, name);
    writer_patch_length(w, offset, start + BINARY_QUALIFIER);
    writer_value(w, value);
    writer_patch_length(w, start, start);
    add_flavors(w, start, flavors);
    list->count++;
}

/* What is as it would be without a word has no bit. */
#define FLAVORS_WITHOUT_BIT                                                   \
    (CIM_FLAVOR_ENABLE_OVERRIDE | CIM_FLAVOR_RESTRICTED |                     \
     CIM_FLAVOR_NOT_TO_SUBCLASS | CIM_FLAVOR_NOT_TO_INSTANCE)

static uint32_t
flavor_bits(struct binary_writer *w, const struct syntax_qualifier *q)
{
    unsigned left = q->flavors & ~(unsigned)FLAVORS_WITHOUT_BIT;
    uint32_t bits = 0;

    for (size_t i = 0; i < BINARY_FLAVOR_ROWS; i++) {
        if (left & binary_flavors[i].flavor)
            bits |= binary_flavors[i].bit;
        left &= ~binary_flavors[i].flavor;
    }
    if (left != 0)
        writer_refuse(w, q->offset, (uint32_t)q->name.length,
                      "the flavor Translatable");
    return bits;
}

static bool
is_without(const struct syntax_qualifier *q, const char *without)
{
    return without != NULL && span_equal_nocase(q->name, span_of(without)) &&
           (q->value.kind == VALUE_NONE ||
            (q->value.kind == VALUE_BOOLEAN && q->value.u.boolean));
}

void
writer_qualifiers(struct binary_writer *w, struct writer_list *list,
                  const struct syntax_qualifiers *set, const char *without)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct syntax_qualifier *q = &set->items[i];
        const char *problem = q->value.kind == VALUE_NONE
                                  ? NULL
                                  : writer_value_problem(&q->value);

        if (is_without(q, without))
            continue;
        if (problem != NULL)
            writer_refuse(w, q->value.offset, q->value.width, "%s", problem);
        else
            writer_qualifier(w, list, q->name, &q->value, flavor_bits(w, q));
    }
}
