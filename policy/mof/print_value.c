#include <stdlib.h>
#include <string.h>

#include "policy/mof/print.h"

/* A string is continued on the next line from so many characters on, at its
 * next space or line end. */
#define PIECE_LENGTH 60

void
print_spaces(struct buf *out, unsigned n)
{
    while (n-- > 0)
        buf_add_char(out, ' ');
}

static const char escapes[] = "\bb\tt\nn\ff\rr\"\"\\\\";

/* The letter that stands for c behind a backslash, or 0. */
static char
escape_of(char c)
{
    for (size_t i = 0; escapes[i] != '\0'; i += 2) {
        if (escapes[i] == c)
            return escapes[i + 1];
    }
    return '\0';
}

static bool
is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

static void
character_add(struct buf *out, char c)
{
    char letter = escape_of(c);

    if (letter != '\0') {
        buf_add_char(out, '\\');
        buf_add_char(out, letter);
    } else if (is_control(c)) {
        buf_addf(out, "\\x%04X", (unsigned char)c);
    } else {
        buf_add_char(out, c);
    }
}

/* Must the literal end behind text[i]?  A digit behind \x0001 would read as
 * if it belonged to it. */
static bool
piece_ends(struct span text, size_t i, size_t length, unsigned indent)
{
    char c = text.data[i];

    if (i + 1 == text.length)
        return false;
    if (is_control(c) && escape_of(c) == '\0')
        return ascii_hex_value(text.data[i + 1]) >= 0;
    return indent > 0 && length >= PIECE_LENGTH && (c == ' ' || c == '\n');
}

/* Most are: short, or in one piece, and nothing in them to escape. */
static bool
is_plain(struct span text, unsigned indent)
{
    if (indent > 0 && text.length > PIECE_LENGTH)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];

        if (is_control(c) || c == '"' || c == '\\')
            return false;
    }
    return true;
}

void
print_string(struct buf *out, struct span text, unsigned indent)
{
    size_t length = 0;

    buf_add_char(out, '"');
    if (is_plain(text, indent)) {
        buf_add_span(out, text);
        buf_add_char(out, '"');
        return;
    }
    for (size_t i = 0; i < text.length; i++, length++) {
        character_add(out, text.data[i]);
        if (!piece_ends(text, i, length, indent))
            continue;
        buf_add_string(out, indent > 0 ? "\"\n" : "\" ");
        print_spaces(out, indent);
        buf_add_char(out, '"');
        length = 0;
    }
    buf_add_char(out, '"');
}

static void
char16_add(struct buf *out, uint16_t unit)
{
    if (unit >= 0x20 && unit < 0x7f && unit != '\'' && unit != '\\')
        buf_addf(out, "'%c'", (char)unit);
    else
        buf_addf(out, "'\\x%04X'", unit);
}

/* The shortest digits that read back as the same number, with a point or an
 * exponent so that they are a real. */
static void
real_add(struct buf *out, enum cim_type type, double real)
{
    char text[CIM_REAL_TEXT];

    cim_real_format(type, real, text);
    buf_add_string(out, text);
    if (text[strspn(text, "-0123456789")] == '\0')
        buf_add_string(out, ".0");
}

static void
object_add(struct buf *out, const struct cim_instance *i, unsigned indent)
{
    buf_add_string(out, "instance of ");
    buf_add_span(out, i->class_name);
    buf_add_char(out, '\n');
    print_spaces(out, indent);
    print_instance_body(out, i, indent);
}

static void
scalar_add(struct buf *out, enum cim_type type, const union cim_scalar *s,
           unsigned indent)
{
    if (type == CIM_BOOLEAN)
        buf_add_string(out, s->boolean ? "TRUE" : "FALSE");
    else if (type == CIM_CHAR16)
        char16_add(out, s->char16);
    else if (cim_type_is_signed(type))
        buf_addf(out, "%lld", (long long)s->sint);
    else if (cim_type_is_unsigned(type))
        buf_addf(out, "%llu", (unsigned long long)s->uint);
    else if (type == CIM_REAL32 || type == CIM_REAL64)
        real_add(out, type, s->real);
    else if (type == CIM_OBJECT && s->object != NULL)
        object_add(out, s->object, indent);
    else
        print_string(out, s->text, indent);
}

static void
array_add(struct buf *out, const struct cim_value *v, unsigned indent)
{
    bool lines = v->type == CIM_STRING || v->type == CIM_OBJECT ||
                 v->type == CIM_REFERENCE;

    buf_add_char(out, '{');
    for (uint32_t i = 0; i < v->count; i++) {
        if (i > 0)
            buf_add_string(out, lines ? ",\n" : ", ");
        if (i > 0 && lines)
            print_spaces(out, indent);
        if (v->null_items != NULL && v->null_items[i])
            buf_add_string(out, "NULL");
        else
            scalar_add(out, v->type, &v->items[i], indent);
    }
    buf_add_char(out, '}');
}

void
print_value(struct buf *out, const struct cim_value *v, unsigned indent)
{
    if (v->is_null)
        buf_add_string(out, "NULL");
    else if (v->is_array)
        array_add(out, v, indent);
    else
        scalar_add(out, v->type, &v->one, indent);
}

static const struct {
    unsigned flavor;
    const char *name;
} flavors[] = {
    {CIM_FLAVOR_ENABLE_OVERRIDE, "EnableOverride"},
    {CIM_FLAVOR_DISABLE_OVERRIDE, "DisableOverride"},
    {CIM_FLAVOR_RESTRICTED, "Restricted"},
    {CIM_FLAVOR_TO_SUBCLASS, "ToSubclass"},
    {CIM_FLAVOR_TO_INSTANCE, "ToInstance"},
    {CIM_FLAVOR_NOT_TO_SUBCLASS, "NotToSubclass"},
    {CIM_FLAVOR_NOT_TO_INSTANCE, "NotToInstance"},
    {CIM_FLAVOR_AMENDED, "Amended"},
    {CIM_FLAVOR_TRANSLATABLE, "Translatable"},
};

void
print_flavors(struct buf *out, unsigned set, const char *before)
{
    for (size_t i = 0; i < ARRAY_COUNT(flavors); i++) {
        if (!(set & flavors[i].flavor))
            continue;
        buf_add_string(out, before);
        buf_add_string(out, flavors[i].name);
    }
}

/* TRUE is said: a bare qualifier is TRUE to one compiler and FALSE to
 * another. */
static void
qualifier_add(struct buf *out, const struct cim_qualifier *q, unsigned indent)
{
    bool is_list = q->value.is_array && !q->value.is_null;

    buf_add_span(out, q->name);
    if (!is_list)
        buf_add_char(out, '(');
    print_value(out, &q->value, indent);
    if (!is_list)
        buf_add_char(out, ')');
    if (q->flavors == 0)
        return;
    buf_add_string(out, " :");
    print_flavors(out, q->flavors, " ");
}

void
print_qualifiers(struct buf *out, const struct cim_qualifiers *set,
                 unsigned indent)
{
    if (set->count == 0)
        return;
    for (size_t i = 0; i < set->count; i++) {
        print_spaces(out, indent);
        buf_add_char(out, i == 0 ? '[' : ' ');
        qualifier_add(out, &set->items[i], indent + 4);
        buf_add_string(out, i + 1 < set->count ? ",\n" : "]\n");
    }
}
