#include "gateway/http/admission.h"

#include <string.h>

#include "gateway/http/http.h"
#include "gateway/http/syntax.h"

enum {
    BAD_REQUEST = 400,
    CONTENT_TOO_LARGE = 413,
    URI_TOO_LONG = 414,
    EXPECTATION_FAILED = 417,
    FIELDS_TOO_LARGE = 431,
    NOT_IMPLEMENTED = 501,
    VERSION_NOT_SUPPORTED = 505,
};

static bool
refuse(struct admission *out, int status, const char *reason)
{
    *out = (struct admission){.status = status, .reason = reason};
    return false;
}

static bool
is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* The only field of that name; absent if there is none.  That there are not
 * two has been checked before. */
static struct span
field_value(const struct admission_request *q, struct span name)
{
    for (size_t i = 0; i < q->count; i++) {
        if (span_equal_nocase(q->fields[i].name, name))
            return q->fields[i].value;
    }
    return (struct span){NULL, 0};
}

static bool
check_version(const struct admission_request *q, struct admission *out)
{
    if (span_equal(q->version, SPAN("HTTP/1.1")) ||
        span_equal(q->version, SPAN("HTTP/1.0")))
        return true;
    return refuse(out, VERSION_NOT_SUPPORTED, "HTTP version");
}

static bool
check_method(const struct admission_request *q, struct admission *out)
{
    static const char *const methods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                          "PATCH", "DELETE", "OPTIONS"};

    if (!syntax_is_token(q->method))
        return refuse(out, BAD_REQUEST, "method is no token");
    for (size_t i = 0; i < ARRAY_COUNT(methods); i++) {
        if (span_equal(q->method, span_of(methods[i])))
            return true;
    }
    return refuse(out, NOT_IMPLEMENTED, "method not implemented");
}

/* Origin form (RFC 9112 3.2.1) and no other: an absolute one names a second
 * host.  The rest of its rules are http_target_parse's. */
static bool
check_target(const struct admission_request *q, struct admission *out)
{
    if (q->target.length == 0 || q->target.data[0] != '/')
        return refuse(out, BAD_REQUEST, "target is not in origin form");
    if (q->target.length >= HTTP_TARGET_MAX)
        return refuse(out, URI_TOO_LONG, "target too long");
    for (size_t i = 0; i < q->target.length; i++) {
        char c = q->target.data[i];

        if (is_control(c) || c == ' ' || c == '#')
            return refuse(out, BAD_REQUEST, "character in target");
    }
    return true;
}

static bool
check_fields(const struct admission_request *q, struct admission *out)
{
    if (q->count > HTTP_FIELDS_MAX)
        return refuse(out, FIELDS_TOO_LARGE, "too many headers");
    for (size_t i = 0; i < q->count; i++) {
        /* "Name : v" and a folded line are refused here, too. */
        if (!syntax_is_token(q->fields[i].name))
            return refuse(out, BAD_REQUEST, "header name is no token");
        if (!syntax_is_field_value(q->fields[i].value))
            return refuse(out, BAD_REQUEST, "control character in header");
    }
    return true;
}

/* A second one of these is never honest, also when it says the same. */
static bool
check_single(const struct admission_request *q, struct admission *out)
{
    static const struct {
        struct span name;
        const char *reason;
    } rows[] = {
        {SPAN("Host"), "Host twice"},
        {SPAN("Content-Length"), "Content-Length twice"},
        {SPAN("Transfer-Encoding"), "Transfer-Encoding twice"},
        {SPAN("Authorization"), "Authorization twice"},
        {SPAN("Content-Type"), "Content-Type twice"},
        {SPAN("Content-Encoding"), "Content-Encoding twice"},
        {SPAN("Cookie"), "Cookie twice"},
        {SPAN("Origin"), "Origin twice"},
        {SPAN("Expect"), "Expect twice"},
    };

    for (size_t r = 0; r < ARRAY_COUNT(rows); r++) {
        unsigned seen = 0;

        for (size_t i = 0; i < q->count; i++)
            seen += span_equal_nocase(q->fields[i].name, rows[r].name);
        if (seen > 1)
            return refuse(out, BAD_REQUEST, rows[r].reason);
    }
    return true;
}

/* Before anybody decodes it. */
static bool
check_token(const struct admission_request *q, struct admission *out)
{
    if (q->token_max > 0 &&
        field_value(q, SPAN("Authorization")).length > q->token_max)
        return refuse(out, FIELDS_TOO_LARGE, "token too large");
    return true;
}

/* RFC 9112 3.2; HTTP/1.0 may come without.  What it says decides nothing
 * here, but an upstream may believe it. */
static bool
check_host(const struct admission_request *q, struct admission *out)
{
    struct span host = span_trim(field_value(q, SPAN("Host")));

    if (host.data == NULL && span_equal(q->version, SPAN("HTTP/1.0")))
        return true;
    if (host.length == 0)
        return refuse(out, BAD_REQUEST, "no Host");
    for (size_t i = 0; i < host.length; i++) {
        char c = host.data[i];

        if (!ascii_is_alpha(c) && !ascii_is_digit(c) &&
            strchr("-._~%!$&'()*+;=:[]", c) == NULL)
            return refuse(out, BAD_REQUEST, "malformed Host");
    }
    return true;
}

/* RFC 9112 6.1 and 6.3.  The values are taken untrimmed, as the library
 * compares them: "chunked " is another coding to it. */
static bool
check_framing(const struct admission_request *q, struct admission *out)
{
    struct span length = field_value(q, SPAN("Content-Length"));
    struct span coding = field_value(q, SPAN("Transfer-Encoding"));

    if (coding.data != NULL) {
        if (length.data != NULL)
            return refuse(out, BAD_REQUEST,
                          "Content-Length with Transfer-Encoding");
        if (span_equal(q->version, SPAN("HTTP/1.0")))
            return refuse(out, BAD_REQUEST, "Transfer-Encoding in HTTP/1.0");
        if (!span_equal_nocase(coding, SPAN("chunked")))
            return refuse(out, BAD_REQUEST, "Transfer-Encoding not chunked");
        out->chunked = true;
    } else if (length.data != NULL) {
        if (!syntax_parse_length(length, &out->content_length))
            return refuse(out, BAD_REQUEST, "malformed Content-Length");
        if (out->content_length > q->body_max)
            return refuse(out, CONTENT_TOO_LARGE, "body too large");
    }
    return true;
}

/* A method in a header would be decided as one and acted on as another. */
static bool
check_override(const struct admission_request *q, struct admission *out)
{
    static const struct span names[] = {SPAN("X-HTTP-Method-Override"),
                                        SPAN("X-HTTP-Method"),
                                        SPAN("X-Method-Override")};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (field_value(q, names[i]).data != NULL)
            return refuse(out, BAD_REQUEST, "method override");
    }
    return true;
}

static bool
check_expect(const struct admission_request *q, struct admission *out)
{
    struct span expect = span_trim(field_value(q, SPAN("Expect")));

    if (expect.data == NULL)
        return true;
    if (!span_equal_nocase(expect, SPAN("100-continue")))
        return refuse(out, EXPECTATION_FAILED, "unknown expectation");
    out->expects_continue = true;
    return true;
}

/* RFC 9112 9.3: of HTTP/1.0 none is kept here for certain. */
static bool
is_last(const struct admission_request *q)
{
    if (!span_equal(q->version, SPAN("HTTP/1.1")))
        return true;
    for (size_t i = 0; i < q->count; i++) {
        struct span value = q->fields[i].value;

        if (!span_equal_nocase(q->fields[i].name, SPAN("Connection")))
            continue;
        for (; value.length > 0; value = span_skip(value, 1)) {
            if (span_starts_nocase(value, SPAN("close")))
                return true;
        }
    }
    return false;
}

void
admission_check(const struct admission_request *request, struct admission *out)
{
    static bool (*const checks[])(const struct admission_request *,
                                  struct admission *) = {
        check_version,  check_method, check_target, check_fields,
        check_single,   check_token,  check_host,   check_framing,
        check_override, check_expect,
    };

    *out = (struct admission){.status = BAD_REQUEST, .reason = ""};
    for (size_t i = 0; i < ARRAY_COUNT(checks); i++) {
        if (!checks[i](request, out)) {
            out->last = true;
            return;
        }
    }
    out->last = is_last(request);
    out->admitted = true;
}

/* Steps over the two NULs that CR LF left; NULL if there are other bytes. */
static const char *
skip_line_end(const char *p, const char *end)
{
    return end - p >= 2 && p[0] == '\0' && p[1] == '\0' ? p + 2 : NULL;
}

static const char *
skip_field(const char *p, const char *end, const struct http_field *field)
{
    if (field->name.data != p || (size_t)(end - p) <= field->name.length)
        return NULL;
    p += field->name.length;
    if (*p++ != '\0')
        return NULL;
    while (p != field->value.data && p != end && (*p == ' ' || *p == '\t'))
        p++;
    if (p != field->value.data || (size_t)(end - p) < field->value.length)
        return NULL;
    return skip_line_end(p + field->value.length, end);
}

bool
admission_covers(const struct admission_wire *wire)
{
    const char *end = wire->method + wire->header_size;
    const char *p = wire->method + strlen(wire->method) + 1;

    if (p != wire->target)
        return false;
    p += wire->target_length + 1;
    if (p != wire->version)
        return false;
    p = skip_line_end(p + strlen(p), end);
    for (size_t i = 0; p != NULL && i < wire->count; i++)
        p = skip_field(p, end, &wire->fields[i]);
    if (p != NULL)
        p = skip_line_end(p, end);
    return p == end;
}
