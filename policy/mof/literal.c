#include <string.h>

#include "policy/mof/parser.h"
#include "policy/mof/report.h"

/*
 * What is between quotes (DSP0004 A.1): \b \t \n \f \r \" \' \\ and \x with
 * one to four hexadecimal digits, a UTF-16 unit.  Two units that make a pair
 * are one character.
 */

#define NO_UNIT UINT32_MAX

static const char simple_escapes[] = "b\bt\tn\nf\fr\r\"\"''\\\\";

/* The unit that an escape other than \x stands for, or NO_UNIT. */
static uint32_t
simple_escape(char c)
{
    for (size_t i = 0; simple_escapes[i] != '\0'; i += 2) {
        if (simple_escapes[i] == c)
            return (unsigned char)simple_escapes[i + 1];
    }
    return NO_UNIT;
}

/* The value of the hexadecimal digits at the start of s, behind \x. */
static uint32_t
hex_unit(struct span s, size_t *length_out)
{
    uint32_t unit = 0;
    size_t n = 0;

    while (n < 4 && n < s.length && ascii_hex_value(s.data[n]) >= 0)
        unit = unit * 16 + (uint32_t)ascii_hex_value(s.data[n++]);
    *length_out = n;
    return unit;
}

static struct at
place_in(const struct parser *p, const char *at, size_t width)
{
    return parser_at_offset(p, (uint32_t)(at - p->source->text),
                            (uint32_t)width);
}

/* \x: s starts behind the x.  0 bytes when it is malformed. */
static size_t
hex_escape(struct parser *p, struct span s, uint32_t *unit_out)
{
    size_t n;

    *unit_out = hex_unit(s, &n);
    if (n == 0) {
        report_error(p->c, place_in(p, s.data - 2, 2),
                     CODE_ILLEGAL_CONSTANT_VALUE,
                     "\\x must be followed by one to four hexadecimal "
                     "digits");
        return 0;
    }
    if (n == 4 && s.length > 4 && ascii_hex_value(s.data[4]) >= 0)
        report_warning(p->c, MOF_WARNING_ESCAPE, place_in(p, s.data - 2, 6),
                       "\\x takes four hexadecimal digits; the next one is "
                       "a character of its own");
    if (*unit_out == 0) {
        report_error(p->c, place_in(p, s.data - 2, n + 2),
                     CODE_ILLEGAL_CONSTANT_VALUE,
                     "a string can't hold the character NUL");
        return 0;
    }
    return n;
}

static bool
is_hex_escape(struct span s)
{
    return s.length >= 2 && s.data[0] == '\\' && ascii_lower(s.data[1]) == 'x';
}

/* Adds a \x escape, and the other half of a pair with it; s is at the
 * backslash.  Bytes used, 0 when it is malformed. */
static size_t
add_hex(struct parser *p, struct span s, struct buf *out)
{
    uint32_t unit, low;
    size_t n = hex_escape(p, span_skip(s, 2), &unit), more = 0;
    struct span rest = span_skip(s, n + 2);
    char bytes[4];

    if (n == 0)
        return 0;
    if (unit >= 0xd800 && unit < 0xdc00 && is_hex_escape(rest)) {
        low = hex_unit(span_skip(rest, 2), &more);
        if (low >= 0xdc00 && low < 0xe000) {
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            more += 2;
        }
    }
    if (unit >= 0xd800 && unit < 0xe000) {
        report_error(p->c, place_in(p, s.data, n + 2),
                     CODE_ILLEGAL_CONSTANT_VALUE,
                     "half a surrogate pair is no character");
        return 0;
    }
    buf_add(out, bytes, utf8_encode(unit, bytes));
    return n + 2 + (unit >= 0x10000 ? more : 0);
}

/* An unknown escape is kept as it is written: real files hold Windows paths
 * with single backslashes. */
static void
add_unknown(struct parser *p, struct span s, struct buf *out)
{
    report_warning(p->c, MOF_WARNING_ESCAPE, place_in(p, s.data, 2),
                   "unknown escape; a backslash is written \\\\");
    buf_add(out, s.data, 1);
}

bool
literal_add_string(struct parser *p, const struct token *token,
                   struct buf *out)
{
    struct span rest = token->text;
    bool ok = true;

    while (rest.length > 0) {
        const char *slash = memchr(rest.data, '\\', rest.length);
        size_t plain = slash ? (size_t)(slash - rest.data) : rest.length;
        size_t used;
        uint32_t unit;

        buf_add(out, rest.data, plain);
        rest = span_skip(rest, plain);
        if (rest.length < 2)
            break;
        unit = simple_escape(rest.data[1]);
        used = 2;
        if (unit != NO_UNIT) {
            buf_add_char(out, (char)unit);
        } else if (is_hex_escape(rest)) {
            used = add_hex(p, rest, out);
            ok = ok && used > 0;
            used = used ? used : 2;
        } else {
            add_unknown(p, rest, out);
            used = 1;
        }
        rest = span_skip(rest, used);
    }
    return ok;
}

static bool
char_fail(struct parser *p, const struct token *token, const char *text)
{
    report_error(p->c, parser_at_offset(p, token->offset, token->width),
                 CODE_ILLEGAL_CONSTANT_VALUE, "%s", text);
    return false;
}

/* char16: one UTF-16 unit, half a pair included if it is written \x. */
bool
literal_char(struct parser *p, const struct token *token, uint16_t *out)
{
    struct span s = token->text;
    uint32_t unit;
    size_t n;

    *out = 0;
    if (s.length == 0)
        return char_fail(p, token, "a character must be between the quotes");
    if (s.data[0] == '\\' && s.length >= 2) {
        unit = simple_escape(s.data[1]);
        n = 2;
        if (is_hex_escape(s)) {
            unit = hex_unit(span_skip(s, 2), &n);
            if (n == 0)
                return char_fail(p, token,
                                 "\\x must be followed by one to four "
                                 "hexadecimal digits");
            n += 2;
        } else if (unit == NO_UNIT) {
            return char_fail(p, token, "unknown escape");
        }
    } else {
        n = utf8_sequence_length(s);
        unit = utf8_decode(s);
    }
    if (n != s.length || unit > 0xffff)
        return char_fail(p, token,
                         "only one character of 16 bits can be between "
                         "these quotes; strings are written in \"double "
                         "quotes\"");
    *out = (uint16_t)unit;
    return true;
}
