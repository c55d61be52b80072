/* The path of a /cim request (DSP0207 object paths with '/' for '\'). */
#include <limits.h>
#include <string.h>

#include "gateway/rest/rest.h"

#define PREFIX "/cim/"

/* Its length, 0 if s does not begin with a MOF identifier (DSP0004 A.1). */
static size_t
identifier_length(struct span s)
{
    size_t at = 0;

    while (at < s.length) {
        struct span rest = span_skip(s, at);
        unsigned char c = (unsigned char)rest.data[0];
        size_t n = utf8_sequence_length(rest);
        uint32_t cp;

        if (n == 0)
            break;
        cp = utf8_decode(rest);
        if (c < 0x80 ? !(ascii_is_alpha((char)c) || c == '_' ||
                         (at > 0 && ascii_is_digit((char)c)))
                     : cp < 0xa0 || cp > 0xffef || cp == 0xfeff)
            break;
        at += n;
    }
    return at;
}

static bool
copy_text(char *out, size_t out_max, struct span text)
{
    if (text.length >= out_max ||
        (text.length > 0 && memchr(text.data, '\0', text.length) != NULL))
        return false;
    if (text.length > 0)
        memcpy(out, text.data, text.length);
    out[text.length] = '\0';
    return true;
}

/* Digits alone, no sign, no space; false also above INT64_MAX. */
static bool
parse_number(struct span text, int64_t *out)
{
    int64_t n = 0;

    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        int digit = text.data[i] - '0';

        if (!ascii_is_digit(text.data[i]) || n > (INT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

static bool
parse_query(struct span query, size_t page_max, struct rest_target *out)
{
    bool limit_seen = false, after_seen = false;
    int64_t limit = (int64_t)page_max;

    while (query.data != NULL) {
        struct span pair = span_cut(query, '&', &query);
        struct span value, name = span_cut(pair, '=', &value);

        if (span_equal(name, SPAN("limit")) && !limit_seen) {
            limit_seen = true;
            if (!parse_number(value, &limit) || limit == 0)
                return false;
        } else if (span_equal(name, SPAN("after")) && !after_seen) {
            after_seen = true;
            if (!parse_number(value, &out->after))
                return false;
        } else {
            return false;
        }
    }
    out->limit = (uint64_t)limit > page_max ? page_max : (size_t)limit;
    return true;
}

/* What stands behind the class name. */
static enum rest_parse
parse_tail(struct span tail, struct rest_target *out)
{
    if (tail.length == 0) {
        out->kind = REST_CLASS;
        return REST_PARSE_OK;
    }
    if (tail.data[0] == '/') {
        if (!span_equal(tail, SPAN("/instances")))
            return REST_PARSE_NOT_FOUND;
        out->kind = REST_INSTANCES;
        return REST_PARSE_OK;
    }
    if ((tail.data[0] != '.' && tail.data[0] != '=') || tail.length < 2 ||
        !copy_text(out->key_text, sizeof(out->key_text), tail))
        return REST_PARSE_MALFORMED;
    out->kind = REST_INSTANCE;
    return REST_PARSE_OK;
}

static enum rest_parse
parse_path(struct span path, struct rest_target *out)
{
    struct span object, namespace;
    size_t n;

    if (path.length < sizeof(PREFIX) - 1 ||
        memcmp(path.data, PREFIX, sizeof(PREFIX) - 1) != 0)
        return REST_PARSE_NOT_FOUND;
    namespace = span_cut(span_skip(path, sizeof(PREFIX) - 1), ':', &object);
    if (!namespace_path_from_url(&out->namespace, namespace))
        return REST_PARSE_MALFORMED;
    if (object.data == NULL) {
        out->kind = REST_NAMESPACE;
        return REST_PARSE_OK;
    }
    n = identifier_length(object);
    if (n == 0 || !copy_text(out->class_name, sizeof(out->class_name),
                             (struct span){object.data, n}))
        return REST_PARSE_MALFORMED;
    return parse_tail(span_skip(object, n), out);
}

enum rest_parse
rest_target_parse(struct span path, struct span query, size_t page_max,
                  struct rest_target *out)
{
    enum rest_parse parsed;
    struct rest_target target = {0};

    memset(out, 0, sizeof(*out));
    if (page_max == 0)
        page_max = 1;
    parsed = parse_path(path, &target);
    if (parsed != REST_PARSE_OK)
        return parsed;
    target.limit = page_max;
    if (query.length > 0 && (target.kind != REST_INSTANCES ||
                             !parse_query(query, page_max, &target)))
        return REST_PARSE_MALFORMED;
    *out = target;
    return REST_PARSE_OK;
}

const char *
rest_methods(enum rest_kind kind)
{
    return kind == REST_NONE ? "" : "GET, HEAD, OPTIONS";
}
