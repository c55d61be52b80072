/* UTF-8 or UTF-16, and an XML declaration that says the same (XML 1.0 2.8,
 * 4.3.3, F). */
#include "gateway/xml/xml.h"

#include <string.h>

/* -- UTF-16 (RFC 2781) ---------------------------------------------------- */

static uint32_t
utf16_unit(const char *p, bool big)
{
    uint8_t first = (uint8_t)p[0], second = (uint8_t)p[1];

    return big ? (uint32_t)first << 8 | second : (uint32_t)second << 8 | first;
}

static bool
is_high_surrogate(uint32_t unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool
is_low_surrogate(uint32_t unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

/* False: malformed. */
static bool
utf16_read(struct span bytes, bool big, struct buf *out)
{
    char sequence[4];

    if (bytes.length % 2 != 0)
        return false;
    for (size_t i = 0; i < bytes.length; i += 2) {
        uint32_t cp = utf16_unit(bytes.data + i, big);

        if (is_low_surrogate(cp))
            return false;
        if (is_high_surrogate(cp)) {
            uint32_t low;

            i += 2;
            if (i >= bytes.length)
                return false;
            low = utf16_unit(bytes.data + i, big);
            if (!is_low_surrogate(low))
                return false;
            cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
        }
        buf_add(out, sequence, utf8_encode(cp, sequence));
    }
    return true;
}

/* Windows' byte order, and its mark. */
static void
utf16_write(struct span text, struct buf *out)
{
    buf_add(out, "\xff\xfe", 2);
    while (text.length > 0) {
        size_t length = utf8_sequence_length(text);
        uint32_t cp = length > 0 ? utf8_decode(text) : 0xfffd;
        uint32_t units[2] = {cp, 0};

        if (cp > 0xffff) {
            units[0] = 0xd800 + ((cp - 0x10000) >> 10);
            units[1] = 0xdc00 + ((cp - 0x10000) & 0x3ff);
        }
        for (size_t i = 0; i < 2 && (i == 0 || units[i] != 0); i++) {
            buf_add_char(out, (char)(units[i] & 0xff));
            buf_add_char(out, (char)(units[i] >> 8));
        }
        text = span_skip(text, length > 0 ? length : 1);
    }
}

static const char *const charsets[] = {
    [XML_CHARSET_UNKNOWN] = "UTF-8",
    [XML_CHARSET_UTF8] = "UTF-8",
    [XML_CHARSET_UTF16] = "UTF-16",
};

const char *
xml_charset_name(enum xml_charset charset)
{
    return charsets[(size_t)charset < ARRAY_COUNT(charsets) ? charset : 0];
}

bool
xml_encode(enum xml_charset charset, struct span text, struct buf *out)
{
    if (charset == XML_CHARSET_UTF16)
        utf16_write(text, out);
    else
        buf_add_span(out, text);
    return !buf_failed(out);
}

/* -- the declaration ------------------------------------------------------ */

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
skip_space(struct span *s)
{
    size_t n = 0;

    while (n < s->length && is_space(s->data[n]))
        n++;
    *s = span_skip(*s, n);
    return n > 0;
}

static bool
skip_literal(struct span *s, const char *literal)
{
    size_t length = strlen(literal);

    if (s->length < length || memcmp(s->data, literal, length) != 0)
        return false;
    *s = span_skip(*s, length);
    return true;
}

/* S name S? '=' S? quoted; false, and *s as it was, if there is none. */
static bool
skip_attribute(struct span *s, const char *name, struct span *value_out)
{
    struct span rest = *s;
    const char *end;
    char quote;

    if (!skip_space(&rest) || !skip_literal(&rest, name))
        return false;
    skip_space(&rest);
    if (!skip_literal(&rest, "="))
        return false;
    skip_space(&rest);
    if (rest.length == 0 || (rest.data[0] != '"' && rest.data[0] != '\''))
        return false;
    quote = rest.data[0];
    rest = span_skip(rest, 1);
    end = memchr(rest.data, quote, rest.length);
    if (end == NULL)
        return false;
    *value_out = (struct span){rest.data, (size_t)(end - rest.data)};
    *s = span_skip(rest, value_out->length + 1);
    return true;
}

/* Takes the declaration, if there is one, from the start of *s. */
static const char *
skip_declaration(struct span *s, struct span encoding)
{
    struct span rest = *s, value;

    if (!skip_literal(&rest, "<?xml") || rest.length == 0 ||
        !is_space(rest.data[0]))
        return NULL;
    if (!skip_attribute(&rest, "version", &value))
        return "the XML declaration is malformed";
    if (!span_equal(value, SPAN("1.0")))
        return "the XML version is not 1.0";
    if (skip_attribute(&rest, "encoding", &value) &&
        !span_equal_nocase(value, encoding))
        return "the declared encoding is not the document's, UTF-8 or UTF-16";
    if (skip_attribute(&rest, "standalone", &value) &&
        !span_equal(value, SPAN("yes")) && !span_equal(value, SPAN("no")))
        return "the XML declaration is malformed";
    skip_space(&rest);
    if (!skip_literal(&rest, "?>"))
        return "the XML declaration is malformed";
    *s = rest;
    return NULL;
}

/* -- together ------------------------------------------------------------- */

static bool
skip_mark(struct span *s, const char *mark, size_t length)
{
    if (s->length < length || memcmp(s->data, mark, length) != 0)
        return false;
    *s = span_skip(*s, length);
    return true;
}

static const char *
add_document(struct span text, struct span encoding, struct buf *out)
{
    const char *problem = skip_declaration(&text, encoding);

    if (problem == NULL)
        buf_add_span(out, text);
    return problem;
}

static const char *
utf16_document(struct span bytes, bool big, struct buf *out)
{
    struct buf text = BUF_INIT;
    const char *problem = "the document is not well-formed UTF-16";

    /* Never longer than half as much again. */
    if (!buf_reserve(&text, bytes.length + bytes.length / 2)) {
        out->failed = true;
        problem = NULL;
    } else if (utf16_read(bytes, big, &text)) {
        if (memchr(text.data, '\0', text.length) != NULL)
            problem = "the document holds a NUL";
        else
            problem = add_document(buf_span(&text), SPAN("UTF-16"), out);
    }
    out->failed = out->failed || buf_failed(&text);
    buf_fini(&text);
    return problem;
}

const char *
xml_decode(struct span bytes, enum xml_charset *charset_out, struct buf *out)
{
    *charset_out = XML_CHARSET_UTF16;
    if (skip_mark(&bytes, "\xff\xfe", 2))
        return utf16_document(bytes, false, out);
    if (skip_mark(&bytes, "\xfe\xff", 2))
        return utf16_document(bytes, true, out);
    *charset_out = XML_CHARSET_UTF8;
    if (bytes.length == 0)
        return "the document is empty";
    skip_mark(&bytes, "\xef\xbb\xbf", 3);
    if (bytes.length != 0 && memchr(bytes.data, '\0', bytes.length) != NULL)
        return "the document holds a NUL, or is UTF-16 without a byte order"
               " mark";
    if (!utf8_is_valid(bytes))
        return "the document is not well-formed UTF-8";
    return add_document(bytes, SPAN("UTF-8"), out);
}
