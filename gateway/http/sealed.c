/* The framing of message encryption (MS-WSMV 2.2.9.1): read by structure. */
#include <string.h>

#include "gateway/http/http.h"

#define BOUNDARY      "Encrypted Boundary"
#define DELIMITER     "--" BOUNDARY "\r\n"
#define END_DELIMITER "--" BOUNDARY "--"
#define CHARSET       "UTF-8"

static const struct {
    struct span name;
    const char *content_type;
} protocols[] = {
    [HTTP_SEALED_SPNEGO] =
        {SPAN("application/HTTP-SPNEGO-session-encrypted"),
         "multipart/encrypted;protocol=\"application/"
         "HTTP-SPNEGO-session-encrypted\";boundary=\"" BOUNDARY "\""},
    [HTTP_SEALED_KERBEROS] =
        {SPAN("application/HTTP-Kerberos-session-encrypted"),
         "multipart/encrypted;protocol=\"application/"
         "HTTP-Kerberos-session-encrypted\";boundary=\"" BOUNDARY "\""},
};

const char *
http_sealed_content_type(enum http_sealed_protocol protocol)
{
    return protocol != HTTP_SEALED_NONE ? protocols[protocol].content_type
                                        : "";
}

/* -- Content-Type --------------------------------------------------------------- */

/* A parameter's value, its quotes off; RFC 9110 5.6.6, without escapes, which
 * neither value has. */
static bool
parameter_value(struct span text, struct span *out)
{
    text = span_trim(text);
    if (text.length >= 2 && text.data[0] == '"') {
        if (text.data[text.length - 1] != '"')
            return false;
        *out = (struct span){text.data + 1, text.length - 2};
        return memchr(out->data, '"', out->length) == NULL &&
               memchr(out->data, '\\', out->length) == NULL;
    }
    *out = text;
    return text.length > 0 && memchr(text.data, '"', text.length) == NULL;
}

static enum http_sealed_protocol
protocol_find(struct span name)
{
    for (int i = HTTP_SEALED_SPNEGO; i <= HTTP_SEALED_KERBEROS; i++) {
        if (span_equal_nocase(name, protocols[i].name))
            return (enum http_sealed_protocol)i;
    }
    return HTTP_SEALED_NONE;
}

enum http_sealed_protocol
http_sealed_protocol(struct span content_type)
{
    enum http_sealed_protocol protocol = HTTP_SEALED_NONE;
    struct span rest, type = span_cut(content_type, ';', &rest);
    bool boundary = false;

    if (!span_equal_nocase(span_trim(type), SPAN("multipart/encrypted")))
        return HTTP_SEALED_NONE;
    while (rest.data != NULL) {
        struct span value, parameter = span_cut(rest, ';', &rest);
        struct span name = span_trim(span_cut(parameter, '=', &value));

        if (value.data == NULL || !parameter_value(value, &value))
            return HTTP_SEALED_NONE;
        if (span_equal_nocase(name, SPAN("protocol")) &&
            protocol == HTTP_SEALED_NONE) {
            protocol = protocol_find(value);
            if (protocol == HTTP_SEALED_NONE)
                return HTTP_SEALED_NONE;
        } else if (span_equal_nocase(name, SPAN("boundary")) && !boundary &&
                   span_equal(value, SPAN(BOUNDARY)))
        {
            boundary = true;
        } else {
            return HTTP_SEALED_NONE;
        }
    }
    return boundary ? protocol : HTTP_SEALED_NONE;
}

/* -- parse --------------------------------------------------------------------------- */

static bool
take(struct span *left, struct span literal)
{
    if (left->length < literal.length ||
        memcmp(left->data, literal.data, literal.length) != 0)
        return false;
    *left = span_skip(*left, literal.length);
    return true;
}

/* One "[tab]Name: value CRLF". */
static bool
take_header(struct span *left, struct span name, struct span *value_out)
{
    struct span line = *left, found;
    const char *end;

    if (line.length > 0 && line.data[0] == '\t')
        line = span_skip(line, 1);
    end = memchr(line.data, '\r', line.length);
    if (end == NULL || (size_t)(end - line.data) + 1 >= line.length ||
        end[1] != '\n')
        return false;
    line.length = (size_t)(end - line.data);
    found = span_cut(line, ':', value_out);
    if (value_out->data == NULL || !span_equal_nocase(found, name) ||
        memchr(line.data, '\0', line.length) != NULL)
        return false;
    *value_out = span_trim(*value_out);
    *left = span_skip(*left, (size_t)(end + 2 - left->data));
    return true;
}

static bool
parse_number(struct span text, uint64_t *out)
{
    uint64_t n = 0;

    if (text.length == 0 || text.length > 18)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (!ascii_is_digit(text.data[i]))
            return false;
        n = n * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out = n;
    return true;
}

/* "type=T;charset=UTF-8;Length=L" */
static bool
parse_original(struct span value, struct http_sealed *out)
{
    struct span rest, charset, length, key;

    key = span_cut(span_cut(value, ';', &rest), '=', &out->type);
    if (!span_equal_nocase(key, SPAN("type")) || out->type.length == 0)
        return false;
    key = span_cut(span_cut(rest, ';', &rest), '=', &charset);
    if (!span_equal_nocase(key, SPAN("charset")) ||
        !span_equal_nocase(charset, SPAN(CHARSET)))
        return false;
    key = span_cut(rest, '=', &length);
    return span_equal_nocase(key, SPAN("Length")) &&
           parse_number(length, &out->length);
}

/* Off the end, where it has a fixed length: what stands before it is never
 * looked at for what it may look like. */
static bool
take_end(struct span *left)
{
    static const struct span ends[] = {SPAN(END_DELIMITER "\r\n\r\n"),
                                       SPAN(END_DELIMITER "\r\n"),
                                       SPAN(END_DELIMITER)};

    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        size_t n = ends[i].length;

        if (left->length >= n &&
            memcmp(left->data + left->length - n, ends[i].data, n) == 0)
        {
            left->length -= n;
            return true;
        }
    }
    return false;
}

static bool
fail(const char **reason, const char *text)
{
    *reason = text;
    return false;
}

bool
http_sealed_parse(struct span body, enum http_sealed_protocol protocol,
                  struct http_sealed *out, const char **reason)
{
    struct span left = body, value;
    uint32_t n;

    memset(out, 0, sizeof(*out));
    if (protocol == HTTP_SEALED_NONE || left.data == NULL ||
        !take(&left, SPAN(DELIMITER)))
        return fail(reason, "no first part");
    if (!take_header(&left, SPAN("Content-Type"), &value) ||
        !span_equal_nocase(value, protocols[protocol].name))
        return fail(reason, "the first part is of another protocol");
    if (!take_header(&left, SPAN("OriginalContent"), &value) ||
        !parse_original(value, out))
        return fail(reason, "no OriginalContent that can be read");
    if (!take(&left, SPAN(DELIMITER)))
        return fail(reason, "no second part");
    if (!take_header(&left, SPAN("Content-Type"), &value) ||
        !span_equal_nocase(value, SPAN("application/octet-stream")))
        return fail(reason, "the second part is no octet-stream");
    if (!take_end(&left))
        return fail(reason, "no closing delimiter");
    if (left.length < 4)
        return fail(reason, "no length of the header");
    n = (uint32_t)(unsigned char)left.data[0] |
        (uint32_t)(unsigned char)left.data[1] << 8 |
        (uint32_t)(unsigned char)left.data[2] << 16 |
        (uint32_t)(unsigned char)left.data[3] << 24;
    left = span_skip(left, 4);
    if (n > left.length)
        return fail(reason, "the header is longer than the message");
    out->protocol = protocol;
    out->header_length = n;
    out->sealed = left;
    return true;
}

/* -- format ----------------------------------------------------------------------------- */

void
http_sealed_format(enum http_sealed_protocol protocol, const char *type,
                   size_t plain_length, struct span sealed,
                   size_t header_length, struct buf *out)
{
    const struct span name = protocols[protocol].name;
    unsigned char n[4];

    for (int i = 0; i < 4; i++)
        n[i] = (unsigned char)(header_length >> (8 * i));
    buf_add_string(out, DELIMITER "\tContent-Type: ");
    buf_add(out, name.data, name.length);
    buf_addf(out,
             "\r\n\tOriginalContent: type=%s;charset=" CHARSET
             ";Length=%zu\r\n" DELIMITER
             "\tContent-Type: application/octet-stream\r\n",
             type, plain_length);
    buf_add(out, n, sizeof(n));
    buf_add(out, sealed.data, sealed.length);
    buf_add_string(out, END_DELIMITER "\r\n");
}
