#include "gateway/http/http.h"

#include <string.h>

/* The bytes that a target may hold at all; the rest comes as %XX. */
static bool
is_forbidden_raw(char c)
{
    return (unsigned char)c <= 0x20 || c == 0x7f || c == '#' || c == '\\';
}

/* One byte of text, decoded; how many were used, 0 if '%' is malformed. */
static size_t
decode_one(struct span text, char *out)
{
    int high, low;

    *out = text.data[0];
    if (text.data[0] != '%')
        return 1;
    if (text.length < 3)
        return 0;
    high = ascii_hex_value(text.data[1]);
    low = ascii_hex_value(text.data[2]);
    if (high < 0 || low < 0)
        return 0;
    *out = (char)(high << 4 | low);
    return 3;
}

/*
 * Where in an object path (DSP0207 5) the decoder is.  In the key of an
 * instance a slash is data; before it, it separates.  Paths outside of /cim/
 * have no keys: what is data to us would be a separator to an upstream.
 */
enum path_part {
    PATH_PLAIN = 0,
    PATH_NAMESPACE, /* behind /cim/ */
    PATH_CLASS,     /* behind the ':' */
    PATH_KEY,       /* behind the first '=' or '"' then */
};

#define CIM_BASE SPAN("/cim/")

static enum path_part
path_part_next(enum path_part part, char c, const struct http_target *so_far)
{
    switch (part) {
    case PATH_PLAIN:
        return so_far->path_length == CIM_BASE.length &&
                       memcmp(so_far->path, CIM_BASE.data, CIM_BASE.length) ==
                           0
                   ? PATH_NAMESPACE
                   : PATH_PLAIN;
    case PATH_NAMESPACE:
        return c == ':' ? PATH_CLASS : PATH_NAMESPACE;
    case PATH_CLASS:
        return c == '=' || c == '"' ? PATH_KEY : PATH_CLASS;
    default:
        return part;
    }
}

/* A decoded byte; raw: it came as itself, and so a '/' separates. */
static bool
is_allowed(char c, bool raw, enum path_part part)
{
    if ((unsigned char)c < 0x20 || c == 0x7f)
        return false;
    if (!raw && part != PATH_KEY && (c == '/' || c == '\\'))
        return false;
    return true;
}

/* The segment that began at start has ended: not "." or "..", and not empty
 * outside of a key. */
static bool
segment_is_sound(const struct http_target *t, size_t start,
                 enum path_part part)
{
    struct span s = {t->path + start, t->path_length - start};

    if (s.length == 0)
        return part == PATH_KEY;
    return !span_equal(s, SPAN(".")) && !span_equal(s, SPAN(".."));
}

static bool
path_decode(struct span raw, struct http_target *out)
{
    enum path_part part = PATH_PLAIN;
    size_t segment = 1;

    while (raw.length > 0) {
        bool is_raw = raw.data[0] != '%';
        size_t used;
        char c;

        if (is_forbidden_raw(raw.data[0]))
            return false;
        used = decode_one(raw, &c);
        if (used == 0 || !is_allowed(c, is_raw, part))
            return false;
        if (is_raw && c == '/' && out->path_length > 0) {
            if (!segment_is_sound(out, segment, part))
                return false;
            segment = out->path_length + 1;
        }
        out->path[out->path_length++] = c;
        part = path_part_next(part, c, out);
        raw = span_skip(raw, used);
    }
    return segment == out->path_length || segment_is_sound(out, segment, part);
}

static bool
query_is_sound(struct span query)
{
    for (size_t i = 0; i < query.length; i++) {
        if (is_forbidden_raw(query.data[i]))
            return false;
    }
    return true;
}

bool
http_target_parse(struct span raw, struct http_target *out)
{
    struct span path;

    out->path[0] = '\0';
    out->path_length = 0;
    out->query = (struct span){NULL, 0};
    if (raw.length == 0 || raw.length >= HTTP_TARGET_MAX || raw.data[0] != '/')
        return false;
    path = span_cut(raw, '?', &out->query);
    if (path_decode(path, out) && query_is_sound(out->query) &&
        utf8_is_valid((struct span){out->path, out->path_length}))
    {
        out->path[out->path_length] = '\0';
        return true;
    }
    out->path[0] = '\0';
    out->path_length = 0;
    out->query = (struct span){NULL, 0};
    return false;
}

/* -- the query ------------------------------------------------------------ */

/* As forms write it: '+' is a space.  The length, -1 if it is malformed or
 * does not fit with its NUL. */
static long
query_decode(struct span text, char *out, size_t out_max)
{
    size_t length = 0;

    while (text.length > 0) {
        char c;
        size_t used = decode_one(text, &c);

        if (used == 1 && c == '+')
            c = ' ';
        if (used == 0 || (unsigned char)c < 0x20 || c == 0x7f ||
            length + 1 >= out_max)
            return -1;
        out[length++] = c;
        text = span_skip(text, used);
    }
    if (out_max == 0 || !utf8_is_valid((struct span){out, length}))
        return -1;
    out[length] = '\0';
    return (long)length;
}

/* True if text, decoded, is name: %6cimit is limit too. */
static bool
query_name_is(struct span text, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++) {
        char c;
        size_t used = text.length > 0 ? decode_one(text, &c) : 0;

        if (used == 0 || c != name[i])
            return false;
        text = span_skip(text, used);
    }
    return text.length == 0;
}

int
http_query_get(struct span query, const char *name, char *out, size_t out_max)
{
    int found = 0;

    if (out_max > 0)
        out[0] = '\0';
    while (query.length > 0) {
        struct span value;
        struct span parameter = span_cut(query, '&', &query);
        struct span key = span_cut(parameter, '=', &value);

        if (!query_name_is(key, name))
            continue;
        if (found++ > 0 || query_decode(value, out, out_max) < 0) {
            if (out_max > 0)
                out[0] = '\0';
            return -1;
        }
    }
    return found;
}
