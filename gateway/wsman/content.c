/* The media type of SOAP 1.2 (RFC 3902) and its parameters. */
#include "gateway/wsman/wsman.h"

#include <string.h>

#define TYPE "application/soap+xml"

const char *
wsman_content_type(enum xml_charset charset)
{
    return charset == XML_CHARSET_UTF16 ? TYPE ";charset=UTF-16"
                                        : TYPE ";charset=UTF-8";
}

/* *rest: behind '='.  A quoted string without escapes, or what goes to the
 * next ';'. */
static bool
take_value(struct span *rest, struct span *value_out)
{
    struct span behind;

    if (rest->length == 0 || rest->data[0] != '"') {
        *value_out = span_trim(span_cut(*rest, ';', rest));
        return value_out->length > 0 &&
               memchr(value_out->data, '"', value_out->length) == NULL;
    }
    *value_out = span_cut(span_skip(*rest, 1), '"', &behind);
    if (behind.data == NULL ||
        memchr(value_out->data, '\\', value_out->length) != NULL)
        return false;
    return span_trim(span_cut(behind, ';', rest)).length == 0;
}

static bool
take_charset(struct span value, struct wsman_content_type *out)
{
    if (out->charset != XML_CHARSET_UNKNOWN)
        return false;
    if (span_equal_nocase(value, SPAN("UTF-8")))
        out->charset = XML_CHARSET_UTF8;
    else if (span_equal_nocase(value, SPAN("UTF-16")))
        out->charset = XML_CHARSET_UTF16;
    return out->charset != XML_CHARSET_UNKNOWN;
}

static bool
take_parameter(struct span *rest, struct wsman_content_type *out)
{
    struct span name = span_trim(span_cut(*rest, '=', rest)), value;

    if (rest->data == NULL || name.length == 0 || !take_value(rest, &value))
        return false;
    if (span_equal_nocase(name, SPAN("charset")))
        return take_charset(value, out);
    if (!span_equal_nocase(name, SPAN("action")))
        return true;
    if (out->action.data != NULL)
        return false;
    out->action = value;
    return true;
}

bool
wsman_content_type_parse(struct span value, struct wsman_content_type *out)
{
    struct wsman_content_type found = {XML_CHARSET_UNKNOWN, {NULL, 0}};
    struct span rest;
    struct span type = span_trim(span_cut(value, ';', &rest));

    *out = found;
    if (!span_equal_nocase(type, SPAN(TYPE)))
        return false;
    while (rest.data != NULL) {
        if (!take_parameter(&rest, &found))
            return false;
    }
    *out = found;
    return true;
}
