#include <stdlib.h>
#include <string.h>

#include "policy/mof/mof.h"

/*
 * Canonical keys of instances.  Both ways lead to the same text: lower-cased
 * names in their order, strings quoted with \" and \\ only, integers in
 * decimal without sign or zeros that do not count.
 */

#define KEYS_MAX 64

struct key_part {
    struct span name;
    bool is_text;
    struct span text; /* the string itself, or the literal to write */
};

static void
quoted_add(struct buf *out, struct span text)
{
    buf_add_char(out, '"');
    while (text.length > 0) {
        size_t n = 0;

        while (n < text.length && text.data[n] != '"' && text.data[n] != '\\')
            n++;
        buf_add(out, text.data, n);
        if (n < text.length) {
            buf_add_char(out, '\\');
            buf_add_char(out, text.data[n++]);
        }
        text = span_skip(text, n);
    }
    buf_add_char(out, '"');
}

static void
name_add(struct buf *out, struct span name)
{
    for (size_t i = 0; i < name.length; i++)
        buf_add_char(out, ascii_lower(name.data[i]));
    buf_add_char(out, '=');
}

static bool
key_finish(struct arena *arena, struct buf *text, struct span *key_out)
{
    bool failed = buf_failed(text);

    if (!failed)
        *key_out = arena_span(arena, buf_span(text));
    buf_fini(text);
    return !failed && key_out->data != NULL;
}

static void
signed_add(struct buf *out, int64_t n)
{
    if (n < 0)
        buf_add_char(out, '-');
    buf_add_unsigned(out, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

static void
value_add(struct buf *out, const struct cim_value *v)
{
    switch (v->type) {
    case CIM_BOOLEAN:
        buf_add_string(out, v->one.boolean ? "TRUE" : "FALSE");
        break;
    case CIM_CHAR16:
        buf_add_unsigned(out, v->one.char16);
        break;
    case CIM_STRING:
    case CIM_DATETIME:
    case CIM_REFERENCE:
        quoted_add(out, v->one.text);
        break;
    default:
        if (cim_type_is_signed(v->type))
            signed_add(out, v->one.sint);
        else if (cim_type_is_unsigned(v->type))
            buf_add_unsigned(out, v->one.uint);
        else
            buf_addf(out, "%.17g", v->one.real);
    }
}

static int
property_compare(const void *a, const void *b)
{
    const struct cim_property *const *x = a, *const *y = b;

    return span_compare_nocase((*x)->name, (*y)->name);
}

bool
mof_instance_key(struct arena *arena, const struct cim_property *const *keys,
                 size_t count, struct span *key_out)
{
    const struct cim_property *sorted[KEYS_MAX];
    struct buf text = BUF_INIT;

    *key_out = (struct span){NULL, 0};
    if (count > KEYS_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        sorted[i] = keys[i];
    if (count > 0)
        qsort(sorted, count, sizeof(sorted[0]), property_compare);
    else
        buf_add_char(&text, '@');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(&text, ',');
        name_add(&text, sorted[i]->name);
        value_add(&text, &sorted[i]->value);
    }
    return key_finish(arena, &text, key_out);
}

/* A quoted value at the start of *rest; its text without the escapes. */
static bool
quoted_read(struct arena *arena, struct span *rest, struct span *out)
{
    char quote = rest->data[0];
    char *copy = arena_alloc(arena, rest->length);
    size_t n = 0, i = 1;

    if (copy == NULL)
        return false;
    while (i < rest->length && rest->data[i] != quote) {
        if (rest->data[i] == '\\' && i + 1 < rest->length &&
            (rest->data[i + 1] == '\\' || rest->data[i + 1] == '"' ||
             rest->data[i + 1] == '\''))
            i++;
        copy[n++] = rest->data[i++];
    }
    if (i >= rest->length)
        return false;
    *out = (struct span){copy, n};
    *rest = span_skip(*rest, i + 1);
    return true;
}

/* Decimal or hexadecimal digits as decimal without leading zeros. */
static bool
integer_read(struct arena *arena, struct span word, struct span *out)
{
    struct buf text = BUF_INIT;
    bool negative = word.length > 0 && word.data[0] == '-';
    unsigned base = 10;
    uint64_t value = 0;

    if (negative || (word.length > 0 && word.data[0] == '+'))
        word = span_skip(word, 1);
    if (word.length > 2 && word.data[0] == '0' &&
        ascii_lower(word.data[1]) == 'x') {
        base = 16;
        word = span_skip(word, 2);
    }
    if (word.length == 0)
        return false;
    for (size_t i = 0; i < word.length; i++) {
        int digit = ascii_hex_value(word.data[i]);

        if (digit < 0 || (unsigned)digit >= base ||
            value > (UINT64_MAX - (unsigned)digit) / base)
            return false;
        value = value * base + (unsigned)digit;
    }
    buf_addf(&text, "%s%llu", negative && value > 0 ? "-" : "",
             (unsigned long long)value);
    return key_finish(arena, &text, out);
}

static bool
literal_read(struct arena *arena, struct span *rest, struct key_part *part)
{
    struct span after, word = span_trim(span_cut(*rest, ',', &after));

    *rest = span_skip(*rest, after.data != NULL
                                 ? (size_t)(after.data - 1 - rest->data)
                                 : rest->length);
    if (span_equal_nocase(word, SPAN("true")))
        part->text = SPAN("TRUE");
    else if (span_equal_nocase(word, SPAN("false")))
        part->text = SPAN("FALSE");
    else
        return integer_read(arena, word, &part->text);
    return true;
}

static bool
value_read(struct arena *arena, struct span *rest, struct key_part *part)
{
    if (rest->length == 0)
        return false;
    part->is_text = rest->data[0] == '"' || rest->data[0] == '\'';
    if (part->is_text)
        return quoted_read(arena, rest, &part->text);
    return literal_read(arena, rest, part);
}

/* name "=" value { "," name "=" value } */
static bool
parts_read(struct arena *arena, struct span rest, struct key_part *parts,
           size_t *count_out)
{
    size_t n = 0;

    for (;;) {
        if (n == KEYS_MAX)
            return false;
        parts[n].name = span_trim(span_cut(rest, '=', &rest));
        if (parts[n].name.length == 0 || rest.data == NULL)
            return false;
        rest = span_trim(rest);
        if (!value_read(arena, &rest, &parts[n++]))
            return false;
        rest = span_trim(rest);
        if (rest.length == 0)
            break;
        if (rest.data[0] != ',')
            return false;
        rest = span_trim(span_skip(rest, 1));
    }
    *count_out = n;
    return true;
}

static int
part_compare(const void *a, const void *b)
{
    const struct key_part *x = a, *y = b;

    return span_compare_nocase(x->name, y->name);
}

static bool
parts_write(struct arena *arena, struct key_part *parts, size_t count,
            struct span *key_out)
{
    struct buf text = BUF_INIT;

    qsort(parts, count, sizeof(parts[0]), part_compare);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && span_equal_nocase(parts[i - 1].name, parts[i].name)) {
            buf_fini(&text);
            return false;
        }
        if (i > 0)
            buf_add_char(&text, ',');
        name_add(&text, parts[i].name);
        if (parts[i].is_text)
            quoted_add(&text, parts[i].text);
        else
            buf_add_span(&text, parts[i].text);
    }
    return key_finish(arena, &text, key_out);
}

bool
mof_key_from_path(struct arena *arena, struct span text, struct span only_key,
                  struct span *key_out)
{
    struct key_part parts[KEYS_MAX];
    size_t count = 1;

    *key_out = (struct span){NULL, 0};
    text = span_trim(text);
    if (text.length < 2)
        return false;
    if (text.data[0] == '.')
        return parts_read(arena, span_skip(text, 1), parts, &count) &&
               parts_write(arena, parts, count, key_out);
    if (text.data[0] != '=')
        return false;
    text = span_trim(span_skip(text, 1));
    if (span_equal(text, SPAN("@"))) {
        *key_out = arena_span(arena, text);
        return key_out->data != NULL;
    }
    parts[0] = (struct key_part){.name = only_key};
    if (only_key.length == 0 || !value_read(arena, &text, &parts[0]) ||
        span_trim(text).length > 0)
        return false;
    return parts_write(arena, parts, count, key_out);
}
