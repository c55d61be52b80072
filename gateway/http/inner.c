/* The message inside a sealed body (RFC 9112 10.2). */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "gateway/http/admission.h"
#include "gateway/http/http.h"

#define HTTP_VERSION "HTTP/1.1"

static bool
fail(const char **reason, const char *text)
{
    *reason = text;
    return false;
}

/* -- lines ------------------------------------------------------------------------- */

/* Up to CRLF; no CR, LF or NUL may stand in it. */
static bool
take_line(struct span *left, struct span *line_out)
{
    const char *end =
        left->length > 0 ? memchr(left->data, '\r', left->length) : NULL;
    size_t n;

    if (end == NULL)
        return false;
    n = (size_t)(end - left->data);
    if (n + 1 >= left->length || end[1] != '\n' ||
        memchr(left->data, '\n', n) != NULL ||
        memchr(left->data, '\0', n) != NULL)
        return false;
    *line_out = (struct span){left->data, n};
    *left = span_skip(*left, n + 2);
    return true;
}

/* The lines up to the empty one. */
static bool
take_fields(struct span *left, struct http_inner *out, const char **reason)
{
    struct span line;

    for (;;) {
        struct http_inner_field *f;

        if (!take_line(left, &line))
            return fail(reason, "the head inside does not end");
        if (line.length == 0)
            return true;
        if (out->field_count == HTTP_INNER_FIELDS_MAX)
            return fail(reason, "too many headers inside");
        f = &out->fields[out->field_count];
        f->name = span_cut(line, ':', &f->value);
        if (f->value.data == NULL)
            return fail(reason, "a line inside is no header");
        f->value = span_trim(f->value);
        out->field_count++;
    }
}

struct span
http_inner_field(const struct http_inner *m, const char *name)
{
    for (size_t i = 0; i < m->field_count; i++) {
        if (span_equal_nocase(m->fields[i].name, span_of(name)))
            return m->fields[i].value;
    }
    return (struct span){NULL, 0};
}

unsigned
http_inner_field_count(const struct http_inner *m, const char *name)
{
    unsigned n = 0;

    for (size_t i = 0; i < m->field_count; i++)
        n += span_equal_nocase(m->fields[i].name, span_of(name));
    return n;
}

/* -- request --------------------------------------------------------------------------- */

/* Of the connection, or of another identity than the context's: neither has
 * a meaning in here. */
static const char *const forbidden[] = {
    "Transfer-Encoding", "Expect", "Authorization", "Connection",
    "Upgrade",           "TE",     "Trailer"};

static bool
request_line(struct span line, struct http_inner *out,
             struct admission_request *q, const char **reason)
{
    struct span rest;

    q->method = span_cut(line, ' ', &rest);
    q->target = span_cut(rest, ' ', &q->version);
    if (q->version.data == NULL ||
        !span_equal(q->version, SPAN(HTTP_VERSION)) ||
        q->method.length >= sizeof(out->method))
        return fail(reason, "no request line inside");
    memcpy(out->method, q->method.data, q->method.length);
    out->method[q->method.length] = '\0';
    out->target = q->target;
    return true;
}

bool
http_inner_request_parse(struct span plain, struct http_inner *out,
                         int *status_out, const char **reason)
{
    struct http_field fields[HTTP_INNER_FIELDS_MAX];
    struct admission_request q = {.fields = fields, .body_max = SIZE_MAX / 2};
    struct admission admission;
    struct span left = plain, line;

    memset(out, 0, sizeof(*out));
    *status_out = 400;
    if (!take_line(&left, &line))
        return fail(reason, "no request line inside");
    if (!request_line(line, out, &q, reason))
        return false;
    if (!take_fields(&left, out, reason)) {
        if (out->field_count == HTTP_INNER_FIELDS_MAX)
            *status_out = 431;
        return false;
    }
    for (size_t i = 0; i < out->field_count; i++)
        fields[i] =
            (struct http_field){out->fields[i].name, out->fields[i].value};
    q.count = out->field_count;
    admission_check(&q, &admission);
    if (!admission.admitted) {
        *status_out = admission.status;
        return fail(reason, admission.reason);
    }
    for (size_t i = 0; i < ARRAY_COUNT(forbidden); i++) {
        if (http_inner_field(out, forbidden[i]).data != NULL)
            return fail(reason, "a header that has no place inside");
    }
    if (admission.content_length != left.length)
        return fail(reason, "Content-Length inside is not the body's");
    out->body = left;
    return true;
}

/* -- response ---------------------------------------------------------------------------- */

static bool
status_line(struct span line, int *status_out)
{
    struct span rest, code;

    if (!span_equal(span_cut(line, ' ', &rest), SPAN(HTTP_VERSION)))
        return false;
    code = span_cut(rest, ' ', &rest);
    *status_out = 0;
    for (size_t i = 0; i < code.length; i++) {
        if (!ascii_is_digit(code.data[i]))
            return false;
        *status_out = *status_out * 10 + (code.data[i] - '0');
    }
    return code.length == 3 && *status_out >= 200;
}

bool
http_inner_response_parse(struct span plain, struct http_inner *out,
                          const char **reason)
{
    struct span left = plain, line, length;
    char text[24];

    memset(out, 0, sizeof(*out));
    if (!take_line(&left, &line) || !status_line(line, &out->status))
        return fail(reason, "no status line inside");
    if (!take_fields(&left, out, reason))
        return false;
    length = http_inner_field(out, "Content-Length");
    snprintf(text, sizeof(text), "%zu", left.length);
    if (http_inner_field_count(out, "Content-Length") > 1 ||
        (length.data == NULL ? left.length > 0
                             : !span_equal(length, span_of(text))))
        return fail(reason, "Content-Length inside is not the body's");
    out->body = left;
    return true;
}

/* -- format --------------------------------------------------------------------------------- */

/* What could end a line is refused (threat 27); an empty one left out. */
static bool
add_header(struct buf *out, const char *name, const char *value)
{
    if (name == NULL || name[0] == '\0' || value == NULL)
        return false;
    for (const char *p = name; *p != '\0'; p++) {
        if (*p <= ' ' || *p == ':' || (unsigned char)*p >= 0x7f)
            return false;
    }
    for (const char *p = value; *p != '\0'; p++) {
        if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
            return false;
    }
    if (value[0] != '\0')
        buf_addf(out, "%s: %s\r\n", name, value);
    return true;
}

static bool
add_rest(struct buf *out, const struct http_header *headers, size_t count,
         struct span body, bool length)
{
    for (size_t i = 0; i < count; i++) {
        if (!add_header(out, headers[i].name, headers[i].value))
            return false;
    }
    if (length)
        buf_addf(out, "Content-Length: %zu\r\n", body.length);
    buf_add_string(out, "\r\n");
    buf_add(out, body.data, body.length);
    return !buf_failed(out);
}

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {413, "Content Too Large"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
};

bool
http_inner_response_format(const struct http_response *response,
                           struct buf *out)
{
    const char *phrase = "-";

    for (size_t i = 0; i < ARRAY_COUNT(phrases); i++) {
        if (phrases[i].status == response->status)
            phrase = phrases[i].phrase;
    }
    buf_addf(out, HTTP_VERSION " %d %s\r\n", response->status, phrase);
    return add_rest(out, response->headers, response->header_count,
                    response->body, true);
}

bool
http_inner_request_format(const char *method, const char *target,
                          const char *host, const struct http_header *headers,
                          size_t header_count, struct span body,
                          struct buf *out)
{
    if (strpbrk(method, " \r\n") != NULL || strpbrk(target, " \r\n") != NULL)
        return false;
    buf_addf(out, "%s %s " HTTP_VERSION "\r\n", method, target);
    return add_header(out, "Host", host) &&
           add_rest(out, headers, header_count, body, body.length > 0);
}
