#include "policy/repository/encoding.h"

#include <string.h>

struct encoder {
    struct buf *b;
    unsigned depth;
    bool too_deep;
};

static void encode_object(struct encoder *e, const struct cim_instance *i);

static void
encode_byte(struct encoder *e, unsigned byte)
{
    buf_add_char(e->b, (char)byte);
}

static void
encode_number(struct encoder *e, uint64_t n)
{
    while (n >= 0x80) {
        encode_byte(e, (unsigned)(n & 0x7f) | 0x80);
        n >>= 7;
    }
    encode_byte(e, (unsigned)n);
}

static void
encode_sint(struct encoder *e, int64_t n)
{
    encode_number(e, n < 0 ? ~((uint64_t)n << 1) : (uint64_t)n << 1);
}

static void
encode_real(struct encoder *e, double real)
{
    uint64_t bits;

    memcpy(&bits, &real, sizeof(bits));
    for (int i = 0; i < 8; i++)
        encode_byte(e, bits >> (8 * i) & 0xff);
}

static void
encode_text(struct encoder *e, struct span s)
{
    if (s.data == NULL) {
        encode_number(e, 0);
        return;
    }
    encode_number(e, (uint64_t)s.length + 1);
    buf_add_span(e->b, s);
}

static void
encode_scalar(struct encoder *e, enum cim_type type, const union cim_scalar *s)
{
    if (type == CIM_BOOLEAN)
        encode_byte(e, s->boolean);
    else if (type == CIM_CHAR16)
        encode_number(e, s->char16);
    else if (cim_type_is_signed(type))
        encode_sint(e, s->sint);
    else if (cim_type_is_unsigned(type))
        encode_number(e, s->uint);
    else if (type == CIM_REAL32 || type == CIM_REAL64)
        encode_real(e, s->real);
    else if (type == CIM_STRING || type == CIM_DATETIME ||
             type == CIM_REFERENCE)
        encode_text(e, s->text);
    else if (type == CIM_OBJECT)
        encode_object(e, s->object);
}

static void
encode_array(struct encoder *e, const struct cim_value *v)
{
    encode_number(e, v->count);
    for (uint32_t i = 0; v->null_items != NULL && i < v->count; i++)
        encode_byte(e, v->null_items[i]);
    for (uint32_t i = 0; i < v->count; i++) {
        if (v->null_items == NULL || !v->null_items[i])
            encode_scalar(e, v->type, &v->items[i]);
    }
}

static void
encode_value(struct encoder *e, const struct cim_value *v)
{
    unsigned flags = (v->is_null ? ENCODING_NULL : 0) |
                     (v->is_array ? ENCODING_ARRAY : 0) |
                     (v->is_array && v->null_items ? ENCODING_NULL_ITEMS : 0);

    encode_byte(e, v->type);
    encode_byte(e, flags);
    if (v->is_null)
        return;
    if (v->is_array)
        encode_array(e, v);
    else
        encode_scalar(e, v->type, &v->one);
}

static void
encode_qualifiers(struct encoder *e, const struct cim_qualifiers *set)
{
    encode_number(e, set->count);
    for (size_t i = 0; i < set->count; i++) {
        encode_text(e, set->items[i].name);
        encode_value(e, &set->items[i].value);
        encode_number(e, set->items[i].flavors);
    }
}

static void
encode_properties(struct encoder *e, const struct cim_property *items,
                  size_t count)
{
    encode_number(e, count);
    for (size_t i = 0; i < count; i++) {
        const struct cim_property *p = &items[i];

        encode_text(e, p->name);
        encode_byte(e, p->type);
        encode_byte(e, p->is_array);
        encode_number(e, p->array_size);
        encode_text(e, p->class_name);
        encode_byte(e, p->has_value);
        if (p->has_value)
            encode_value(e, &p->value);
        encode_qualifiers(e, &p->qualifiers);
    }
}

static void
encode_methods(struct encoder *e, const struct cim_class *c)
{
    encode_number(e, c->method_count);
    for (size_t i = 0; i < c->method_count; i++) {
        const struct cim_method *m = &c->methods[i];

        encode_text(e, m->name);
        encode_byte(e, m->return_type);
        encode_text(e, m->return_class);
        encode_properties(e, m->parameters, m->parameter_count);
        encode_qualifiers(e, &m->qualifiers);
    }
}

static void
encode_object(struct encoder *e, const struct cim_instance *i)
{
    const struct span none = {NULL, 0};

    if (++e->depth > ENCODING_DEPTH_MAX) {
        e->too_deep = true;
    } else {
        encode_text(e, i->class_name);
        encode_text(e, none); /* an alias ends with its file */
        encode_qualifiers(e, &i->qualifiers);
        encode_properties(e, i->properties, i->property_count);
    }
    e->depth--;
}

int
encode_class(struct buf *b, const struct cim_class *c)
{
    struct encoder e = {b, 0, false};

    encode_byte(&e, ENCODING_VERSION);
    encode_text(&e, c->name);
    encode_text(&e, c->superclass);
    encode_qualifiers(&e, &c->qualifiers);
    encode_properties(&e, c->properties, c->property_count);
    encode_methods(&e, c);
    return e.too_deep ? -1 : 0;
}

int
encode_value_bytes(struct buf *b, const struct cim_value *v)
{
    struct encoder e = {b, 0, false};

    encode_value(&e, v);
    return e.too_deep ? -1 : 0;
}

int
encode_instance(struct buf *b, const struct cim_instance *instance)
{
    struct encoder e = {b, 0, false};

    encode_byte(&e, ENCODING_VERSION);
    encode_object(&e, instance);
    return e.too_deep ? -1 : 0;
}

void
encode_qualifier_declaration(struct buf *b,
                             const struct cim_qualifier_declaration *q)
{
    struct encoder e = {b, 0, false};

    encode_byte(&e, ENCODING_VERSION);
    encode_text(&e, q->name);
    encode_byte(&e, q->type);
    encode_byte(&e, q->is_array);
    encode_byte(&e, q->has_value);
    if (q->has_value)
        encode_value(&e, &q->value);
    encode_number(&e, q->scopes);
    encode_number(&e, q->flavors);
}
