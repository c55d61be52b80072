#include "gateway/ctl/listen.h"

#include <string.h>

/*
 * JSON as it was written, on one line: a parser's own print would round
 * numbers.  The text was parsed before, so there is a value where one is
 * looked for; should there be none, nothing is found.
 */

/* What ends a line or drives a terminal (threat 27): control characters, DEL,
 * C1 and the two separators of Unicode. */
static bool
is_escaped(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x2028 ||
           cp == 0x2029;
}

void
listen_text_compact(struct span text, struct buf *out)
{
    bool inside = false, escaped = false;

    while (text.length > 0) {
        size_t n = utf8_sequence_length(text);
        char c = text.data[0];

        if (n == 0)
            n = 1;
        if (inside && is_escaped(utf8_decode(text)))
            buf_addf(out, "\\u%04x", (unsigned)utf8_decode(text));
        else if (inside || (unsigned char)c > 0x20)
            buf_add(out, text.data, n);
        if (c == '"' && !escaped)
            inside = !inside;
        escaped = inside && c == '\\' && !escaped;
        text = span_skip(text, n);
    }
}

static size_t
string_length(struct span text)
{
    for (size_t i = 1; i < text.length; i++) {
        if (text.data[i] == '\\')
            i++;
        else if (text.data[i] == '"')
            return i + 1;
    }
    return text.length;
}

/* The value at the start of compact text. */
static struct span
value_at(struct span text)
{
    size_t i = 0, depth = 0;

    while (i < text.length) {
        char c = text.data[i];

        if (depth == 0 && strchr(",:]}", c) != NULL)
            break;
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        i += c == '"' ? string_length(span_skip(text, i)) : 1;
    }
    return (struct span){text.data, i < text.length ? i : text.length};
}

/* Behind a value and what stands between it and the next. */
static struct span
value_skip(struct span text, struct span value)
{
    return span_skip(text, value.length < text.length ? value.length + 1
                                                      : text.length);
}

struct span
listen_text_member(struct span object, const char *key)
{
    struct span rest = span_skip(object, 1);

    while (rest.length > 0) {
        struct span name = value_at(rest), value;

        rest = value_skip(rest, name);
        value = value_at(rest);
        rest = value_skip(rest, value);
        if (name.length > 2 &&
            span_equal((struct span){name.data + 1, name.length - 2},
                       span_of(key)))
            return value;
    }
    return (struct span){NULL, 0};
}

bool
listen_text_next(struct span *elements, struct span *element_out)
{
    *element_out = value_at(*elements);
    *elements = value_skip(*elements, *element_out);
    return element_out->length > 0;
}
