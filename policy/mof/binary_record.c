#include <string.h>

#include "policy/mof/binary.h"
#include "policy/mof/lexer.h"
#include "policy/mof/report.h"

/* -- numbers and extents ---------------------------------------------------- */

bool
binary_take_number(struct binary_reader *r, struct region *from, uint32_t *out)
{
    const unsigned char *p = (const unsigned char *)r->source->text + from->at;

    *out = 0;
    if (from->end - from->at < 4)
        return binary_damage(r, from->at, "a number is cut off");
    *out = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
    from->at += 4;
    return true;
}

bool
binary_take_element(struct binary_reader *r, struct region *from,
                    uint32_t header, struct region *out)
{
    struct region rest = *from;
    uint32_t length;

    if (!binary_take_number(r, &rest, &length))
        return false;
    if (length < header || length > from->end - from->at)
        return binary_damage(r, from->at,
                             "a record of %u bytes where %u are left", length,
                             from->end - from->at);
    *out = (struct region){from->at, from->at + length};
    from->at += length;
    if (++r->c->tokens >= LIMIT_TOKENS)
        return binary_damage(r, out->at, "more than %d records", LIMIT_TOKENS);
    return true;
}

bool
binary_read_list(struct binary_reader *r, struct region *from,
                 uint32_t *count_out)
{
    uint32_t start = from->at, length;

    if (!binary_take_number(r, from, &length) ||
        !binary_take_number(r, from, count_out))
        return false;
    if (length < BINARY_LIST_HEADER || length > from->end - start)
        return binary_damage(r, start, "a list of %u bytes where %u are left",
                             length, from->end - start);
    from->end = start + length;
    return true;
}

/* -- text ------------------------------------------------------------------- */

static uint32_t
unit_at(const struct binary_reader *r, uint32_t at)
{
    const unsigned char *p = (const unsigned char *)r->source->text + at;

    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

/* One character of from, 0 at a NUL; UINT32_MAX for half a pair. */
static uint32_t
take_character(struct binary_reader *r, struct region *from)
{
    uint32_t unit = unit_at(r, from->at), low;

    from->at += 2;
    if (unit < 0xd800 || unit >= 0xe000)
        return unit;
    if (unit >= 0xdc00 || from->end - from->at < 2)
        return UINT32_MAX;
    low = unit_at(r, from->at);
    if (low < 0xdc00 || low >= 0xe000)
        return UINT32_MAX;
    from->at += 2;
    return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

static bool
text_decode(struct binary_reader *r, struct region *from)
{
    uint32_t start = from->at;

    buf_reset(&r->text);
    while (from->end - from->at >= 2) {
        uint32_t c = take_character(r, from);
        char bytes[4];

        if (c == 0)
            return true;
        if (c == UINT32_MAX)
            return binary_damage(r, start, "half a surrogate pair in a text");
        buf_add(&r->text, bytes, utf8_encode(c, bytes));
        if (r->text.length > LIMIT_STRING_BYTES)
            return binary_damage(r, start, "a text of more than %d bytes",
                                 LIMIT_STRING_BYTES);
    }
    return binary_damage(r, start, "a text without its end");
}

/* One text off the front; what follows it stays. */
bool
binary_take_text(struct binary_reader *r, struct region *from,
                 struct span *out)
{
    if (!text_decode(r, from))
        return false;
    out->data = compilation_copy(r->c, buf_span(&r->text));
    out->length = r->text.length;
    if (!buf_failed(&r->text))
        return out->data != NULL;
    report_memory(r->c);
    return false;
}

bool
binary_read_text(struct binary_reader *r, struct region from, struct span *out)
{
    return binary_take_text(r, &from, out) && binary_check_padding(r, from);
}

/* Up to three bytes align what follows and are anything. */
bool
binary_check_padding(struct binary_reader *r, struct region rest)
{
    for (uint32_t at = rest.at; rest.end - rest.at > 3 && at < rest.end; at++)
    {
        if (r->source->text[at] != '\0')
            return binary_damage(r, at, "bytes behind the end of a value");
    }
    return true;
}

bool
binary_read_name(struct binary_reader *r, struct region from, struct span *out)
{
    if (!binary_read_text(r, from, out))
        return false;
    if (!lexer_is_identifier(*out))
        return binary_damage(r, from.at, "'%.*s' is not a name", SHOWN(*out));
    return true;
}

/* -- records ---------------------------------------------------------------- */

/* Cuts what is behind the header at the offsets of value and qualifiers. */
static bool
record_cut(struct binary_reader *r, struct binary_record *out, uint32_t value,
           uint32_t qualifiers)
{
    struct region body = {out->all.at + BINARY_RECORD_HEADER, out->all.end};
    uint32_t size = body.end - body.at;
    struct region name = body;

    out->has_value = value != BINARY_NONE;
    out->has_qualifiers = qualifiers != BINARY_NONE;
    if ((out->has_value && value > size) ||
        (out->has_qualifiers && qualifiers > size) ||
        (out->has_value && out->has_qualifiers && value > qualifiers))
        return binary_damage(r, out->all.at + 12,
                             "the parts of a record are not inside it");
    if (out->has_qualifiers) {
        out->qualifiers = (struct region){body.at + qualifiers, body.end};
        name.end = out->qualifiers.at;
    }
    if (out->has_value) {
        out->value = (struct region){body.at + value, name.end};
        name.end = out->value.at;
    }
    return binary_read_name(r, name, &out->name);
}

bool
binary_read_record(struct binary_reader *r, struct region all,
                   struct binary_record *out)
{
    struct region header = {all.at + 4, all.end};
    uint32_t zero, value, qualifiers;

    *out = (struct binary_record){.all = all};
    if (!binary_take_number(r, &header, &out->type) ||
        !binary_take_number(r, &header, &zero) ||
        !binary_take_number(r, &header, &value) ||
        !binary_take_number(r, &header, &qualifiers))
        return false;
    if (zero != 0)
        return binary_damage(r, all.at + 8, "%u where 0 is expected", zero);
    return record_cut(r, out, value, qualifiers);
}
