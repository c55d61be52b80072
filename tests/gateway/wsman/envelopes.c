#include "tests/gateway/wsman/envelopes.h"

const struct wsman_content_type untold = {XML_CHARSET_UNKNOWN, {NULL, 0}};

enum wsman_parse
parse_buf(const struct buf *xml, struct wsman_request *out)
{
    cr_assert(!buf_failed(xml));
    return wsman_request_parse(buf_span(xml), &untold, out);
}

enum wsman_parse
parse_text(const char *xml, struct wsman_request *out)
{
    return wsman_request_parse(span_of(xml), &untold, out);
}

static void
envelope_make(const char *headers, const char *body, struct buf *xml)
{
    buf_addf(xml,
             "<s:Envelope xmlns:s=\"" SOAP_NS "\" xmlns:a=\"" WSA_NS
             "\" xmlns:w=\"" WSMAN_NS "\" xmlns:i=\"" IDENTITY_NS
             "\" xmlns:n=\"" ENUMERATION "\" xmlns:b=\"" BINDING
             "\"><s:Header>%s</s:Header><s:Body>%s</s:Body></s:Envelope>",
             headers, body);
}

enum wsman_parse
parse_envelope(const char *headers, const char *body,
               struct wsman_request *out)
{
    struct buf xml = BUF_INIT;
    enum wsman_parse result;

    envelope_make(headers, body, &xml);
    result = parse_buf(&xml, out);
    buf_fini(&xml);
    return result;
}

enum wsman_parse
forward_envelope(const char *headers, const char *body,
                 struct wsman_request *out)
{
    struct buf xml = BUF_INIT;
    enum wsman_parse result;

    envelope_make(headers, body, &xml);
    cr_assert(!buf_failed(&xml));
    result = wsman_forwarded_parse(buf_span(&xml), &untold, out);
    buf_fini(&xml);
    return result;
}

static void
check_refused(const struct wsman_request *r, enum wsman_parse result,
              const char *text, enum wsman_fault_kind fault,
              const char *problem)
{
    cr_assert_eq(result, WSMAN_PARSE_REFUSED, "accepted: %s", text);
    cr_assert_str_eq(r->problem, problem, "%s: '%s'", text, r->problem);
    cr_assert_eq(r->fault, fault, "%s: %s", text, wsman_fault_name(r->fault));
    cr_assert_eq(r->operation, WSMAN_OTHER);
    cr_assert_eq(r->access, WSMAN_ACCESS_WRITE);
    cr_assert_eq(r->namespace.length, 0);
    cr_assert_str_empty(r->class_name);
    cr_assert_str_empty(r->action);
    cr_assert_str_empty(r->resource_uri);
    cr_assert_str_empty(r->method);
}

void
assert_refused(const char *headers, const char *body,
               enum wsman_fault_kind fault, const char *problem)
{
    struct wsman_request r;
    enum wsman_parse result = parse_envelope(headers, body, &r);

    check_refused(&r, result, headers, fault, problem);
}

void
assert_text_refused(const char *xml, enum wsman_fault_kind fault,
                    const char *problem)
{
    struct wsman_request r;
    enum wsman_parse result = parse_text(xml, &r);

    check_refused(&r, result, xml, fault, problem);
}
