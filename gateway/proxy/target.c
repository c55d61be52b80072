#include <string.h>

#include "gateway/proxy/proxy.h"

static bool
is_unreserved(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

/* One percent-encoded byte at the start of s. */
static bool
encoded_byte(struct span s, char *out)
{
    int high, low;

    if (s.length < 3 || s.data[0] != '%')
        return false;
    high = ascii_hex_value(s.data[1]);
    low = ascii_hex_value(s.data[2]);
    *out = (char)(high * 16 + low);
    return high >= 0 && low >= 0;
}

static void
add_encoded(struct buf *out, char c)
{
    buf_addf(out, "%%%02X", (unsigned char)c);
}

static bool
is_hex_pair(struct span s)
{
    return s.length >= 2 && ascii_hex_value(s.data[0]) >= 0 &&
           ascii_hex_value(s.data[1]) >= 0;
}

/* ".;x" and "..;x", which some servers take for the dots alone. */
static bool
is_disguised_dots(struct span segment)
{
    size_t dots = 0;

    while (dots < segment.length && segment.data[dots] == '.')
        dots++;
    return dots > 0 && dots <= 2 && dots < segment.length &&
           (segment.data[dots] == ';' ||
            span_starts_nocase(span_skip(segment, dots), SPAN("%3b")));
}

static bool
normalize(struct span part, struct buf *out)
{
    while (part.length > 0) {
        char c = part.data[0];

        if (c == '%') {
            if (!encoded_byte(part, &c))
                return false;
            part = span_skip(part, 3);
            if (is_unreserved(c))
                buf_add_char(out, c);
            else
                add_encoded(out, c);
            continue;
        }
        if ((unsigned char)c <= 0x20 || (unsigned char)c >= 0x7f)
            add_encoded(out, c);
        else
            buf_add_char(out, c);
        part = span_skip(part, 1);
    }
    return true;
}

/* In what is normal already: "%25" and two digits behind it, or a separator
 * for whoever decodes before he separates. */
static bool
has_second_reading(struct span path)
{
    for (; path.length >= 3; path = span_skip(path, 1)) {
        if (span_starts_nocase(path, SPAN("%2F")) ||
            span_starts_nocase(path, SPAN("%5C")) ||
            (span_starts_nocase(path, SPAN("%25")) &&
             is_hex_pair(span_skip(path, 3))))
            return true;
    }
    return false;
}

/* The first is empty, the last may be. */
static bool
segments_are_plain(struct span path)
{
    struct span segment = span_cut(path, '/', &path);

    if (segment.length > 0 || path.data == NULL)
        return false;
    while (path.data != NULL) {
        segment = span_cut(path, '/', &path);
        if ((segment.length == 0 && path.data != NULL) ||
            span_equal(segment, SPAN(".")) ||
            span_equal(segment, SPAN("..")) || is_disguised_dots(segment))
            return false;
    }
    return true;
}

bool
proxy_target_normalize(struct span raw, struct buf *out)
{
    struct span query, path = span_cut(raw, '?', &query);
    size_t at = out->length;

    if (!normalize(path, out) || buf_failed(out))
        return false;
    path = span_skip(buf_span(out), at);
    if (has_second_reading(path) || !segments_are_plain(path))
        return false;
    if (query.data == NULL)
        return true;
    buf_add_char(out, '?');
    return normalize(query, out) && !buf_failed(out);
}
