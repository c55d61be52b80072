#include "gateway/http/syntax.h"

#include <string.h>

#define BOUNDARY  "Encrypted Boundary"
#define DELIMITER "--" BOUNDARY "\r\n"
#define CLOSING   "--" BOUNDARY "--\r\n"

#define LENGTH_BYTES ((size_t)4) /* of N */
/* What data may hold besides the plaintext: a trailer, or what a small N
 * leaves behind of a header (RFC 4121 4.2.4; 56 with AES and SHA-384).  More
 * is another part. */
#define SLACK_MAX 64

static const struct protocol_row {
    struct span name;
    const char *content_type;
} protocols[] = {
#define ROW(name)                                                             \
    {                                                                         \
        SPAN(name), "multipart/encrypted;protocol=\"" name                    \
                    "\";boundary=\"" BOUNDARY "\""                            \
    }
    [HTTP_SEALED_SPNEGO] = ROW("application/HTTP-SPNEGO-session-encrypted"),
    [HTTP_SEALED_KERBEROS] =
        ROW("application/HTTP-Kerberos-session-encrypted"),
#undef ROW
};

/* -- the header's Content-Type -------------------------------------------- */

static enum http_sealed_protocol
protocol_of(struct span name)
{
    for (size_t i = HTTP_SEALED_SPNEGO; i < ARRAY_COUNT(protocols); i++) {
        if (span_equal_nocase(name, protocols[i].name))
            return (enum http_sealed_protocol)i;
    }
    return HTTP_SEALED_NONE;
}

/* Neither of the two values is a token, so both are quoted (RFC 9110 5.6.6);
 * and neither holds anything that would have to be escaped. */
static bool
unquote(struct span *value)
{
    if (value->length < 2 || value->data[0] != '"' ||
        value->data[value->length - 1] != '"')
        return false;
    *value = (struct span){value->data + 1, value->length - 2};
    return true;
}

enum http_sealed_protocol
http_sealed_protocol(struct span content_type)
{
    enum http_sealed_protocol protocol = HTTP_SEALED_NONE;
    unsigned protocols_seen = 0, boundaries_seen = 0;
    struct span rest;
    struct span media = span_cut(span_trim(content_type), ';', &rest);

    if (!span_equal_nocase(span_trim(media), SPAN("multipart/encrypted")))
        return HTTP_SEALED_NONE;
    while (rest.data != NULL) {
        struct span value;
        struct span parameter = span_trim(span_cut(rest, ';', &rest));
        struct span name = span_cut(parameter, '=', &value);

        if (!unquote(&value))
            return HTTP_SEALED_NONE;
        if (span_equal_nocase(name, SPAN("protocol"))) {
            protocol = protocol_of(value);
            protocols_seen++;
        } else if (span_equal_nocase(name, SPAN("boundary")) &&
                   span_equal(value, SPAN(BOUNDARY)))
        {
            boundaries_seen++;
        } else {
            return HTTP_SEALED_NONE;
        }
    }
    return protocols_seen == 1 && boundaries_seen == 1 ? protocol
                                                       : HTTP_SEALED_NONE;
}

const char *
http_sealed_content_type(enum http_sealed_protocol protocol)
{
    return protocols[protocol].content_type;
}

/* -- the body ------------------------------------------------------------- */

/* What is left to read, and why it could not be. */
struct sealed_reader {
    struct span rest;
    const char *reason;
};

static bool
refuse(struct sealed_reader *r, const char *reason)
{
    r->reason = reason;
    return false;
}

static bool
ends_with(struct span s, struct span end)
{
    return s.length >= end.length &&
           memcmp(s.data + s.length - end.length, end.data, end.length) == 0;
}

/* From the end, where ciphertext cannot stand.  The CRLF behind it is OMI's. */
static bool
read_closing(struct sealed_reader *r)
{
    static const struct span closings[] = {SPAN(CLOSING),
                                           SPAN(CLOSING "\r\n")};

    for (size_t i = 0; i < ARRAY_COUNT(closings); i++) {
        if (ends_with(r->rest, closings[i])) {
            r->rest.length -= closings[i].length;
            return true;
        }
    }
    return refuse(r, "no closing delimiter at the end");
}

static bool
read_delimiter(struct sealed_reader *r)
{
    struct span delimiter = SPAN(DELIMITER);

    if (r->rest.length < delimiter.length ||
        memcmp(r->rest.data, delimiter.data, delimiter.length) != 0)
        return refuse(r, "no delimiter before a part");
    r->rest = span_skip(r->rest, delimiter.length);
    return true;
}

/* [tab]Name: value CRLF */
static bool
read_field(struct sealed_reader *r, struct span name, struct span *value_out)
{
    struct span rest;
    struct span line = span_cut(r->rest, '\n', &rest);

    if (rest.data == NULL || !ends_with(line, SPAN("\r")))
        return refuse(r, "line of a part does not end");
    line.length--;
    r->rest = rest;
    if (line.length > 0 && line.data[0] == '\t')
        line = span_skip(line, 1);
    if (!span_equal_nocase(span_cut(line, ':', value_out), name))
        return refuse(r, "other header in a part");
    *value_out = span_trim(*value_out);
    return true;
}

/* The value of "name=value". */
static bool
parameter_value(struct span text, struct span name, struct span *value_out)
{
    return span_equal_nocase(span_cut(text, '=', value_out), name);
}

/* What may be sealed. */
static const struct original_row {
    struct span type, charset;
} originals[] = {
    {SPAN("application/http"), SPAN("UTF-8")},
    {SPAN("application/soap+xml"), SPAN("UTF-8")},
    {SPAN("application/soap+xml"), SPAN("UTF-16")},
};

static bool
original_find(struct sealed_reader *r, struct span type, struct span charset,
              struct http_sealed *out)
{
    bool known = false;

    for (size_t i = 0; i < ARRAY_COUNT(originals); i++) {
        if (!span_equal_nocase(type, originals[i].type))
            continue;
        known = true;
        if (span_equal_nocase(charset, originals[i].charset)) {
            out->type = originals[i].type;
            out->charset = originals[i].charset;
            return true;
        }
    }
    return refuse(r, known ? "original content in another charset"
                           : "original content of another type");
}

/* type=T;charset=C;Length=L */
static bool
read_original(struct sealed_reader *r, struct http_sealed *out)
{
    struct span text, type, charset, length;

    if (!read_field(r, SPAN("OriginalContent"), &text))
        return false;
    if (!parameter_value(span_cut(text, ';', &text), SPAN("type"), &type))
        return refuse(r, "original content without type");
    if (!parameter_value(span_cut(text, ';', &text), SPAN("charset"),
                         &charset))
        return refuse(r, "original content without charset");
    if (!original_find(r, type, charset, out))
        return false;
    if (!parameter_value(text, SPAN("Length"), &length) ||
        !syntax_parse_length(length, &out->length))
        return refuse(r, "original content without length");
    return true;
}

static bool
read_first_part(struct sealed_reader *r, enum http_sealed_protocol protocol,
                struct http_sealed *out)
{
    struct span type;

    if (!read_delimiter(r) || !read_field(r, SPAN("Content-Type"), &type))
        return false;
    if (!span_equal_nocase(type, protocols[protocol].name))
        return refuse(r, "part of another protocol");
    return read_original(r, out);
}

static size_t
little_endian(const char *bytes)
{
    size_t value = 0;

    for (size_t i = LENGTH_BYTES; i-- > 0;)
        value = value << 8 | (unsigned char)bytes[i];
    return value;
}

static bool
read_second_part(struct sealed_reader *r, struct http_sealed *out)
{
    struct span type;

    if (!read_delimiter(r) || !read_field(r, SPAN("Content-Type"), &type))
        return false;
    if (!span_equal_nocase(type, SPAN("application/octet-stream")))
        return refuse(r, "sealed part of another type");
    if (r->rest.length < LENGTH_BYTES)
        return refuse(r, "no length of the header");
    out->header_length = little_endian(r->rest.data);
    out->sealed = span_skip(r->rest, LENGTH_BYTES);
    if (out->header_length == 0 || out->header_length > out->sealed.length)
        return refuse(r, "header longer than what is there");
    /* Sealing adds; and so a length is never more than has come. */
    if (out->length >= out->sealed.length)
        return refuse(r, "original content longer than what is sealed");
    if (out->sealed.length - out->header_length > out->length + SLACK_MAX)
        return refuse(r, "more than the original content");
    return true;
}

bool
http_sealed_parse(struct span body, enum http_sealed_protocol protocol,
                  struct http_sealed *out, const char **reason)
{
    struct sealed_reader r = {body, "no sealed body"};
    struct http_sealed found = {.protocol = protocol};

    *out = (struct http_sealed){.protocol = HTTP_SEALED_NONE};
    if (protocol == HTTP_SEALED_NONE || !read_closing(&r) ||
        !read_first_part(&r, protocol, &found) ||
        !read_second_part(&r, &found))
    {
        *reason = r.reason;
        return false;
    }
    *out = found;
    return true;
}

void
http_sealed_format(enum http_sealed_protocol protocol, const char *type,
                   const char *charset, size_t plain_length,
                   struct span sealed, size_t header_length, struct buf *out)
{
    buf_addf(out,
             DELIMITER "\tContent-Type: %s\r\n"
                       "\tOriginalContent: type=%s;charset=%s;"
                       "Length=%zu\r\n" DELIMITER
                       "\tContent-Type: application/octet-stream\r\n",
             protocols[protocol].name.data, type, charset, plain_length);
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        buf_add_char(out, (char)(header_length >> (8 * i) & 0xff));
    buf_add_span(out, sealed);
    buf_add_string(out, CLOSING);
}
