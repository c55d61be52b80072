/* The header of an operation request (DSP0200 6.3). */
#include "gateway/cimxml/header.h"

#include <string.h>

bool
request_refuse(struct cimxml_request *out, int status, const char *error,
               const char *problem)
{
    memset(out, 0, sizeof(*out));
    out->status = status;
    out->error = error;
    out->problem = problem;
    return false;
}

/* -- Content-Type ---------------------------------------------------------- */

static struct span
unquoted(struct span value)
{
    if (value.length >= 2 && value.data[0] == '"' &&
        value.data[value.length - 1] == '"')
        return (struct span){value.data + 1, value.length - 2};
    return value;
}

bool
cimxml_content_type_is_good(struct span value)
{
    struct span rest;
    struct span type = span_trim(span_cut(value, ';', &rest));
    bool told = false;

    if (!span_equal_nocase(type, SPAN("application/xml")) &&
        !span_equal_nocase(type, SPAN("text/xml")))
        return false;
    while (rest.data != NULL) {
        struct span one = span_cut(rest, ';', &rest), charset;
        struct span name = span_trim(span_cut(one, '=', &charset));

        if (told || !span_equal_nocase(name, SPAN("charset")) ||
            !span_equal_nocase(unquoted(span_trim(charset)), SPAN("utf-8")))
            return false;
        told = true;
    }
    return true;
}

/* -- values ------------------------------------------------------------------ */

/* Decoded once, to UTF-8 without a control character (DSP0200 6.2); false:
 * it is not, or too long. */
static bool
decode(struct span in, char *out, size_t max)
{
    size_t n = 0;

    for (; in.length > 0; n++) {
        char c = in.data[0];
        size_t used = 1;

        if (c == '%') {
            int high = in.length >= 3 ? ascii_hex_value(in.data[1]) : -1;
            int low = in.length >= 3 ? ascii_hex_value(in.data[2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            used = 3;
        }
        if (n == max || (unsigned char)c < 0x20 || c == 0x7f)
            return false;
        out[n] = c;
        in = span_skip(in, used);
    }
    out[n] = '\0';
    return n > 0 && utf8_is_valid((struct span){out, n});
}

bool
version_is(struct span version, struct span wanted)
{
    struct span minor, major = span_cut(version, '.', &minor);

    if (!span_equal(major, wanted) || minor.length == 0)
        return false;
    for (size_t i = 0; i < minor.length; i++) {
        if (!ascii_is_digit(minor.data[i]))
            return false;
    }
    return true;
}

/* -- the object ------------------------------------------------------------------ */

struct span
header_class(const struct cimxml_request *q)
{
    struct span name = {NULL, 0};
    size_t n = 0;

    if (q->object[0] == '\0')
        return name;
    name = span_of(q->object + 1);
    while (n < name.length && name.data[n] != '.' && name.data[n] != '=')
        n++;
    return (struct span){name.data, n};
}

static bool
take_object(struct span value, struct cimxml_request *out)
{
    char object[CIMXML_OBJECT_MAX + 1];
    struct span rest, path;

    if (!decode(value, object, CIMXML_OBJECT_MAX))
        return request_refuse(out, 400, "request-not-valid",
                              "CIMObject is not percent-encoded UTF-8");
    path = span_cut(span_of(object), ':', &rest);
    if (!namespace_path_from_url(&out->namespace, path))
        return request_refuse(out, 400, "request-not-valid",
                              "CIMObject names no namespace below root");
    if (rest.data == NULL)
        return true;
    strcpy(out->object, rest.data - 1);
    if (header_class(out).length == 0)
        return request_refuse(out, 400, "request-not-valid",
                              "CIMObject names no class behind its colon");
    return true;
}

/* -- together ---------------------------------------------------------------------- */

/* What cannot be answered here at all. */
static bool
check_kind(const struct cimxml_headers *h, struct cimxml_request *out)
{
    if (h->export_.count > 0)
        return request_refuse(out, 501, "unsupported-operation",
                              "exports are not forwarded");
    if (h->batch.count > 0)
        return request_refuse(out, 501, "multiple-requests-unsupported",
                              "a message may hold one request only");
    if (h->operation.count != 1 ||
        !span_equal(h->operation.value, SPAN("MethodCall")))
        return request_refuse(out, 400, "unsupported-operation",
                              "CIMOperation has to be MethodCall, once");
    if (h->protocol.count > 1 ||
        (h->protocol.count == 1 && !version_is(h->protocol.value, SPAN("1"))))
        return request_refuse(out, 501, "unsupported-protocol-version",
                              "CIMProtocolVersion is not 1");
    return true;
}

bool
header_read(const struct cimxml_headers *h, struct cimxml_request *out)
{
    if (!check_kind(h, out))
        return false;
    if (h->method.count != 1)
        return request_refuse(out, 400, "header-mismatch",
                              "CIMMethod has to be there once");
    if (!decode(h->method.value, out->method, CIMXML_NAME_MAX))
        return request_refuse(out, 400, "request-not-valid",
                              "CIMMethod is not percent-encoded UTF-8");
    if (h->object.count != 1)
        return request_refuse(out, 400, "header-mismatch",
                              "CIMObject has to be there once");
    return take_object(h->object.value, out);
}

/* -- for the server ------------------------------------------------------------------ */

static bool
needs_no_encoding(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) ||
           (c != '\0' && strchr("-._~/:", c) != NULL);
}

static void
add_encoded(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (needs_no_encoding(*text))
            buf_add_char(out, *text);
        else
            buf_addf(out, "%%%02X", (unsigned char)*text);
    }
}

bool
cimxml_object_format(const struct cimxml_request *q, struct buf *out)
{
    char path[NAMESPACE_PATH_MAX + 1];

    namespace_path_to_url(&q->namespace, path);
    add_encoded(out, path);
    add_encoded(out, q->object);
    return !buf_failed(out);
}
