#include "policy/repository/encoding.h"

#include <string.h>

/* Once failed everything reads as zero, so that only the end is checked. */
struct decoder {
    struct span rest;
    struct arena *arena;
    unsigned depth;
    bool failed;
};

static struct cim_instance *decode_object(struct decoder *d);

static unsigned
decode_byte(struct decoder *d)
{
    unsigned byte;

    if (d->failed || d->rest.length == 0) {
        d->failed = true;
        return 0;
    }
    byte = (unsigned char)d->rest.data[0];
    d->rest = span_skip(d->rest, 1);
    return byte;
}

static bool
decode_bool(struct decoder *d)
{
    unsigned byte = decode_byte(d);

    d->failed |= byte > 1;
    return byte == 1;
}

static uint64_t
decode_number(struct decoder *d)
{
    uint64_t n = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned byte = decode_byte(d);

        if (shift == 63 && byte > 1)
            break;
        n |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return d->failed ? 0 : n;
    }
    d->failed = true;
    return 0;
}

static uint64_t
decode_number_max(struct decoder *d, uint64_t max)
{
    uint64_t n = decode_number(d);

    if (n <= max)
        return n;
    d->failed = true;
    return 0;
}

/* A count of items; each takes at least one byte. */
static size_t
decode_count(struct decoder *d)
{
    return (size_t)decode_number_max(d, d->rest.length);
}

static void *
decode_alloc(struct decoder *d, size_t count, size_t size)
{
    void *p;

    if (d->failed || count == 0)
        return NULL;
    p = arena_array(d->arena, count, size);
    d->failed |= p == NULL;
    return p;
}

static int64_t
decode_sint(struct decoder *d)
{
    uint64_t n = decode_number(d);

    return (int64_t)(n >> 1 ^ (0 - (n & 1)));
}

static double
decode_real(struct decoder *d)
{
    uint64_t bits = 0;
    double real;

    for (int i = 0; i < 8; i++)
        bits |= (uint64_t)decode_byte(d) << (8 * i);
    memcpy(&real, &bits, sizeof(real));
    return real;
}

static struct span
decode_text(struct decoder *d)
{
    uint64_t n = decode_number(d);
    struct span s = {NULL, 0};

    if (n == 0)
        return s;
    n--;
    if (n > d->rest.length) {
        d->failed = true;
        return s;
    }
    s = arena_span(d->arena, (struct span){d->rest.data, (size_t)n});
    d->rest = span_skip(d->rest, (size_t)n);
    d->failed |= s.data == NULL;
    return s;
}

/* Of a value; VOID has none. */
static enum cim_type
decode_type(struct decoder *d)
{
    unsigned type = decode_byte(d);

    d->failed |= type > CIM_VOID;
    return d->failed ? CIM_NONE : (enum cim_type)type;
}

static void
decode_scalar(struct decoder *d, enum cim_type type, union cim_scalar *s)
{
    if (type == CIM_BOOLEAN)
        s->boolean = decode_bool(d);
    else if (type == CIM_CHAR16)
        s->char16 = (uint16_t)decode_number_max(d, UINT16_MAX);
    else if (cim_type_is_signed(type))
        s->sint = decode_sint(d);
    else if (cim_type_is_unsigned(type))
        s->uint = decode_number(d);
    else if (type == CIM_REAL32 || type == CIM_REAL64)
        s->real = decode_real(d);
    else if (type == CIM_STRING || type == CIM_DATETIME ||
             type == CIM_REFERENCE)
        s->text = decode_text(d);
    else if (type == CIM_OBJECT)
        s->object = decode_object(d);
    else
        d->failed = true;
}

static void
decode_array(struct decoder *d, struct cim_value *v, bool null_items)
{
    size_t count = decode_count(d);

    v->items = decode_alloc(d, count, sizeof(*v->items));
    if (null_items)
        v->null_items = decode_alloc(d, count, sizeof(*v->null_items));
    for (size_t i = 0; null_items && i < count && !d->failed; i++)
        v->null_items[i] = decode_bool(d);
    for (size_t i = 0; i < count && !d->failed; i++) {
        if (!null_items || !v->null_items[i])
            decode_scalar(d, v->type, &v->items[i]);
    }
    v->count = d->failed ? 0 : (uint32_t)count;
}

static void
decode_value(struct decoder *d, struct cim_value *v)
{
    unsigned flags;

    v->type = decode_type(d);
    flags = decode_byte(d);
    d->failed |= (flags & ~(unsigned)ENCODING_FLAGS) != 0;
    v->is_null = (flags & ENCODING_NULL) != 0;
    v->is_array = (flags & ENCODING_ARRAY) != 0;
    if (d->failed || v->is_null)
        return;
    if (v->is_array)
        decode_array(d, v, (flags & ENCODING_NULL_ITEMS) != 0);
    else
        decode_scalar(d, v->type, &v->one);
}

static void
decode_qualifiers(struct decoder *d, struct cim_qualifiers *set)
{
    size_t count = decode_count(d);

    set->items = decode_alloc(d, count, sizeof(*set->items));
    for (size_t i = 0; i < count && !d->failed; i++) {
        set->items[i].name = decode_text(d);
        decode_value(d, &set->items[i].value);
        set->items[i].flavors = (unsigned)decode_number_max(d, UINT16_MAX);
    }
    set->count = d->failed ? 0 : count;
}

static void
decode_property(struct decoder *d, struct cim_property *p)
{
    p->name = decode_text(d);
    p->type = decode_type(d);
    p->is_array = decode_bool(d);
    p->array_size = (uint32_t)decode_number_max(d, UINT32_MAX);
    p->class_name = decode_text(d);
    p->has_value = decode_bool(d);
    if (p->has_value)
        decode_value(d, &p->value);
    decode_qualifiers(d, &p->qualifiers);
}

static struct cim_property *
decode_properties(struct decoder *d, size_t *count_out)
{
    size_t count = decode_count(d);
    struct cim_property *items = decode_alloc(d, count, sizeof(*items));

    for (size_t i = 0; i < count && !d->failed; i++)
        decode_property(d, &items[i]);
    *count_out = d->failed ? 0 : count;
    return items;
}

static void
decode_methods(struct decoder *d, struct cim_class *c)
{
    size_t count = decode_count(d);

    c->methods = decode_alloc(d, count, sizeof(*c->methods));
    for (size_t i = 0; i < count && !d->failed; i++) {
        struct cim_method *m = &c->methods[i];

        m->name = decode_text(d);
        m->return_type = decode_type(d);
        m->return_class = decode_text(d);
        m->parameters = decode_properties(d, &m->parameter_count);
        decode_qualifiers(d, &m->qualifiers);
    }
    c->method_count = d->failed ? 0 : count;
}

static struct cim_instance *
decode_object(struct decoder *d)
{
    struct cim_instance *i = decode_alloc(d, 1, sizeof(*i));

    if (++d->depth > ENCODING_DEPTH_MAX)
        d->failed = true;
    if (!d->failed) {
        i->class_name = decode_text(d);
        i->alias = decode_text(d);
        decode_qualifiers(d, &i->qualifiers);
        i->properties = decode_properties(d, &i->property_count);
    }
    d->depth--;
    return i;
}

static struct decoder
decoder_begin(struct span bytes, struct arena *arena)
{
    struct decoder d = {bytes, arena, 0, false};

    d.failed = decode_byte(&d) != ENCODING_VERSION;
    return d;
}

static bool
decoder_end(const struct decoder *d)
{
    return !d->failed && d->rest.length == 0;
}

struct cim_class *
decode_class(struct span bytes, struct arena *arena)
{
    struct decoder d = decoder_begin(bytes, arena);
    struct cim_class *c = decode_alloc(&d, 1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->name = decode_text(&d);
    c->superclass = decode_text(&d);
    decode_qualifiers(&d, &c->qualifiers);
    c->properties = decode_properties(&d, &c->property_count);
    decode_methods(&d, c);
    return decoder_end(&d) ? c : NULL;
}

struct cim_instance *
decode_instance(struct span bytes, struct arena *arena)
{
    struct decoder d = decoder_begin(bytes, arena);
    struct cim_instance *i = decode_object(&d);

    return decoder_end(&d) ? i : NULL;
}

struct cim_qualifier_declaration *
decode_qualifier_declaration(struct span bytes, struct arena *arena)
{
    struct decoder d = decoder_begin(bytes, arena);
    struct cim_qualifier_declaration *q = decode_alloc(&d, 1, sizeof(*q));

    if (q == NULL)
        return NULL;
    q->name = decode_text(&d);
    q->type = decode_type(&d);
    q->is_array = decode_bool(&d);
    q->has_value = decode_bool(&d);
    if (q->has_value)
        decode_value(&d, &q->value);
    q->scopes = (unsigned)decode_number_max(&d, UINT16_MAX);
    q->flavors = (unsigned)decode_number_max(&d, UINT16_MAX);
    return decoder_end(&d) ? q : NULL;
}
