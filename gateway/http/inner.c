#include <microhttpd.h>
#include <string.h>

#include "gateway/http/admission.h"
#include "gateway/http/syntax.h"

#define HTTP_1_1 SPAN("HTTP/1.1")

/* A head being read: what is left of the message, and its fields as they
 * came. */
struct inner_reader {
    struct span rest;
    size_t head_left; /* of its limit */
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t count;
    int status;
    const char *reason;
};

static bool
refuse(struct inner_reader *r, int status, const char *reason)
{
    r->status = status;
    r->reason = reason;
    return false;
}

/* -- lines ---------------------------------------------------------------- */

/* A CR that stands elsewhere, and a NUL, are refused with the characters of
 * what they stand in. */
static bool
read_line(struct inner_reader *r, struct span *line_out)
{
    bool cut = r->rest.length > r->head_left;
    const struct span head = {r->rest.data,
                              cut ? r->head_left : r->rest.length};
    struct span behind, line = span_cut(head, '\n', &behind);

    if (behind.data == NULL && cut)
        return refuse(r, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE,
                      "head too large");
    if (behind.data == NULL || line.length == 0 ||
        line.data[line.length - 1] != '\r')
        return refuse(r, MHD_HTTP_BAD_REQUEST, "line does not end in CR LF");
    r->rest = span_skip(r->rest, line.length + 1);
    r->head_left -= line.length + 1;
    line.length--;
    *line_out = line;
    return true;
}

/* Only in front: what may follow a value is checked by who gets it. */
static struct span
skip_blanks(struct span s)
{
    while (s.length > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = span_skip(s, 1);
    return s;
}

/* The fields and the empty line; what is left then is the body. */
static bool
read_fields(struct inner_reader *r)
{
    for (;;) {
        struct span line, name, value;

        if (!read_line(r, &line))
            return false;
        if (line.length == 0)
            return true;
        if (r->count == HTTP_FIELDS_MAX)
            return refuse(r, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE,
                          "too many headers");
        name = span_cut(line, ':', &value);
        if (value.data == NULL)
            return refuse(r, MHD_HTTP_BAD_REQUEST, "header without colon");
        r->fields[r->count++] = (struct http_field){name, skip_blanks(value)};
    }
}

/* -- fields --------------------------------------------------------------- */

static unsigned
reader_count(const struct inner_reader *r, struct span name)
{
    unsigned count = 0;

    for (size_t i = 0; i < r->count; i++)
        count += span_equal_nocase(r->fields[i].name, name);
    return count;
}

/* What belongs to a connection (RFC 9110 7.6.1) has no meaning inside, and
 * would have one for an upstream; who asks is known by the sealing. */
static bool
check_absent(struct inner_reader *r)
{
    static const struct {
        struct span name;
        const char *reason;
    } rows[] = {
        {SPAN("Transfer-Encoding"), "Transfer-Encoding inside"},
        {SPAN("Connection"), "Connection inside"},
        {SPAN("Keep-Alive"), "Keep-Alive inside"},
        {SPAN("Proxy-Connection"), "Proxy-Connection inside"},
        {SPAN("TE"), "TE inside"},
        {SPAN("Trailer"), "Trailer inside"},
        {SPAN("Upgrade"), "Upgrade inside"},
        {SPAN("Expect"), "Expect inside"},
        {SPAN("Authorization"), "Authorization inside"},
        {SPAN("Proxy-Authorization"), "Proxy-Authorization inside"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (reader_count(r, rows[i].name) > 0)
            return refuse(r, MHD_HTTP_BAD_REQUEST, rows[i].reason);
    }
    return true;
}

/* Content-Length says how much follows, or nothing follows. */
static bool
check_length(struct inner_reader *r)
{
    uint64_t length = 0;
    unsigned seen = 0;

    for (size_t i = 0; i < r->count; i++) {
        if (!span_equal_nocase(r->fields[i].name, SPAN("Content-Length")))
            continue;
        if (seen++ > 0 || !syntax_parse_length(r->fields[i].value, &length))
            return refuse(r, MHD_HTTP_BAD_REQUEST, "malformed Content-Length");
    }
    if (length != r->rest.length)
        return refuse(r, MHD_HTTP_BAD_REQUEST,
                      "Content-Length is not what follows");
    return true;
}

static void
reader_take(const struct inner_reader *r, struct http_inner *out)
{
    for (size_t i = 0; i < r->count; i++)
        out->fields[i] = (struct http_inner_field){
            r->fields[i].name, span_trim(r->fields[i].value)};
    out->field_count = r->count;
    out->body = r->rest;
}

/* -- a request ------------------------------------------------------------ */

static bool
check_request(struct inner_reader *r, struct span method, struct span target,
              struct span version)
{
    const struct admission_request q = {
        .method = method,
        .target = target,
        .version = version,
        .fields = r->fields,
        .count = r->count,
        .body_max = r->rest.length,
    };
    struct admission admission;

    if (!span_equal(version, HTTP_1_1))
        return refuse(r, MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED, "HTTP version");
    /* Of a length that is too large it would say that there is too much. */
    if (!check_absent(r) || !check_length(r))
        return false;
    admission_check(&q, &admission);
    return admission.admitted || refuse(r, admission.status, admission.reason);
}

static bool
read_request(struct inner_reader *r, struct http_inner *out)
{
    struct span line, method, target, version;

    if (!read_line(r, &line))
        return false;
    method = span_cut(line, ' ', &line);
    target = span_cut(line, ' ', &version);
    if (version.data == NULL || memchr(version.data, ' ', version.length))
        return refuse(r, MHD_HTTP_BAD_REQUEST, "malformed request line");
    if (!read_fields(r) || !check_request(r, method, target, version))
        return false;
    if (method.length >= sizeof(out->method))
        return refuse(r, MHD_HTTP_NOT_IMPLEMENTED, "method not implemented");
    memcpy(out->method, method.data, method.length);
    out->target = target;
    return true;
}

bool
http_inner_request_parse(struct span plain, size_t head_max,
                         struct http_inner *out, int *status_out,
                         const char **reason)
{
    struct inner_reader r = {.rest = plain, .head_left = head_max};

    *out = (struct http_inner){.status = 0};
    if (!read_request(&r, out)) {
        *out = (struct http_inner){.status = 0};
        *status_out = r.status;
        *reason = r.reason;
        return false;
    }
    reader_take(&r, out);
    return true;
}

/* -- a response ----------------------------------------------------------- */

/* RFC 9112 4: the space before the reason is there even if that is empty. */
static bool
read_status_line(struct inner_reader *r, int *status_out)
{
    struct span line, status;
    uint64_t number = 0;

    if (!read_line(r, &line))
        return false;
    if (!span_equal(span_cut(line, ' ', &line), HTTP_1_1))
        return refuse(r, MHD_HTTP_BAD_REQUEST, "HTTP version");
    status = span_cut(line, ' ', &line);
    if (status.length != 3 || !syntax_parse_length(status, &number) ||
        number < 200 || number > 599)
        return refuse(r, MHD_HTTP_BAD_REQUEST, "malformed status");
    if (line.data == NULL || !syntax_is_field_value(line))
        return refuse(r, MHD_HTTP_BAD_REQUEST, "malformed status line");
    *status_out = (int)number;
    return true;
}

static bool
check_response(struct inner_reader *r, int status)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!syntax_is_token(r->fields[i].name))
            return refuse(r, MHD_HTTP_BAD_REQUEST, "header name is no token");
        if (!syntax_is_field_value(r->fields[i].value))
            return refuse(r, MHD_HTTP_BAD_REQUEST,
                          "control character in header");
    }
    if (reader_count(r, SPAN("Content-Type")) > 1)
        return refuse(r, MHD_HTTP_BAD_REQUEST, "Content-Type twice");
    if (syntax_status_is_bodiless(status) && r->rest.length > 0)
        return refuse(r, MHD_HTTP_BAD_REQUEST, "body where there is none");
    return check_absent(r) && check_length(r);
}

bool
http_inner_response_parse(struct span plain, struct http_inner *out,
                          const char **reason)
{
    struct inner_reader r = {.rest = plain, .head_left = plain.length};
    int status = 0;

    *out = (struct http_inner){.status = 0};
    if (!read_status_line(&r, &status) || !read_fields(&r) ||
        !check_response(&r, status))
    {
        *reason = r.reason;
        return false;
    }
    out->status = status;
    reader_take(&r, out);
    return true;
}

/* -- what readers see ----------------------------------------------------- */

struct span
http_inner_field(const struct http_inner *m, const char *name)
{
    struct span wanted = span_of(name);

    for (size_t i = 0; i < m->field_count; i++) {
        if (span_equal_nocase(m->fields[i].name, wanted))
            return m->fields[i].value;
    }
    return (struct span){NULL, 0};
}

unsigned
http_inner_field_count(const struct http_inner *m, const char *name)
{
    struct span wanted = span_of(name);
    unsigned count = 0;

    for (size_t i = 0; i < m->field_count; i++)
        count += span_equal_nocase(m->fields[i].name, wanted);
    return count;
}

/* -- writing -------------------------------------------------------------- */

static void
add_headers(const struct http_header *headers, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        if (headers[i].value[0] != '\0') /* as http_respond does */
            buf_addf(out, "%s: %s\r\n", headers[i].name, headers[i].value);
    }
}

/* The last line before the body, the empty one, and the body. */
static void
add_body(struct span body, bool tell_length, struct buf *out)
{
    if (tell_length)
        buf_addf(out, "Content-Length: %zu\r\n", body.length);
    buf_add_string(out, "\r\n");
    buf_add_span(out, body);
}

static struct span
span_from(const struct buf *b, size_t start)
{
    return (struct span){b->data + start, b->length - start};
}

/* What could not be read again is not sent: the rules are in one place. */
static bool
keep_if(bool sound, size_t start, struct buf *out)
{
    if (!sound && out->length > start) {
        out->length = start;
        out->data[start] = '\0';
    }
    return sound;
}

bool
http_inner_response_format(const struct http_response *response,
                           struct buf *out)
{
    struct http_inner check;
    const char *reason;
    size_t start = out->length;
    bool bodiless =
        response->to_head || syntax_status_is_bodiless(response->status);

    if (response->stream != NULL || !syntax_response_is_clean(response))
        return false;
    buf_addf(out, "HTTP/1.1 %d %s\r\n", response->status,
             MHD_get_reason_phrase_for((unsigned)response->status));
    add_headers(response->headers, response->header_count, out);
    add_body(bodiless ? (struct span){NULL, 0} : response->body, !bodiless,
             out);
    return keep_if(
        !buf_failed(out) &&
            http_inner_response_parse(span_from(out, start), &check, &reason),
        start, out);
}

/* These say that there is none, too (RFC 9110 8.6). */
static bool
expects_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

bool
http_inner_request_format(const char *method, const char *target,
                          const char *host, const struct http_header *headers,
                          size_t header_count, struct span body,
                          struct buf *out)
{
    struct http_inner check;
    const char *reason;
    size_t start = out->length;
    int status;

    /* Nothing in which a line could end; the rest is seen when it is read. */
    if (method == NULL || target == NULL || host == NULL ||
        !syntax_is_field_value(span_of(method)) ||
        !syntax_is_field_value(span_of(target)) ||
        !syntax_is_field_value(span_of(host)) ||
        !syntax_headers_are_clean(headers, header_count))
        return false;
    buf_addf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, host);
    add_headers(headers, header_count, out);
    add_body(body, body.length > 0 || expects_body(method), out);
    return keep_if(!buf_failed(out) && http_inner_request_parse(
                                           span_from(out, start), out->length,
                                           &check, &status, &reason),
                   start, out);
}
