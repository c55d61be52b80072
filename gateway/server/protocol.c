/*
 * Routes whose requests say themselves which namespace they are about: CIM-XML
 * in header and body, WS-Management in the envelope.  Such a request is read
 * as a whole, decided, and then handed on as it came.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/server/request.h"

/* -- before the body is read ------------------------------------------------ */

/* The header line at index, of whatever is asked. */
static bool
field_at(const struct request *r, size_t index, struct span *name_out,
         struct span *value_out)
{
    const struct http_inner *inner = r->sealed.inner;

    if (inner == NULL)
        return http_request_field(r->http, index, name_out, value_out);
    if (index >= inner->field_count)
        return false;
    *name_out = inner->fields[index].name;
    *value_out = inner->fields[index].value;
    return true;
}

static bool
expect_refuse(struct request *r, int status, const char *type,
              const char *title, const char *detail)
{
    r->reason = type;
    answer_problem(r, status, type, title, detail, 0, NULL);
    return false;
}

/* What Connection names does not reach the server (RFC 9110 7.6.1), and then
 * it reads another request than was read here. */
static bool
has_named_away(const struct request *r)
{
    struct span name, value;

    for (size_t i = 0; field_at(r, i, &name, &value); i++) {
        if (!span_equal_nocase(name, SPAN("Connection")))
            continue;
        while (value.data != NULL) {
            struct span one = span_trim(span_cut(value, ',', &value));

            if (span_starts_nocase(one, SPAN("CIM")) ||
                span_starts_nocase(one, SPAN("Content-")))
                return true;
        }
    }
    return false;
}

/* Bytes that mean something else to whoever undoes the coding. */
static bool
expect_plain(struct request *r)
{
    struct span coding = request_header(r, "Content-Encoding");

    if (request_header_count(r, "Content-Type") > 1)
        return expect_refuse(r, 400, "malformed", "Bad request",
                             "Content-Type stands twice.");
    if (has_named_away(r))
        return expect_refuse(r, 400, "malformed", "Bad request",
                             "Connection names a header that is needed.");
    if (coding.data == NULL ||
        (request_header_count(r, "Content-Encoding") == 1 &&
         span_equal_nocase(coding, SPAN("identity"))))
        return true;
    return expect_refuse(r, 415, "unsupported-media-type",
                         "Unsupported media type",
                         "Bodies have no Content-Encoding here.");
}

static bool
expect_cim(struct request *r)
{
    if (strcmp(request_method(r), "POST") != 0) {
        answer_method_not_allowed(r, "POST");
        return false;
    }
    if (cimxml_content_type_is_good(request_header(r, "Content-Type")))
        return true;
    return expect_refuse(r, 415, "unsupported-media-type",
                         "Unsupported media type",
                         "The body has to be application/xml or text/xml in"
                         " UTF-8.");
}

static bool
expect_size(struct request *r, uint64_t length)
{
    if (length <= proxy_route_config(r->forward.route)->body_max)
        return true;
    return expect_refuse(r, 413, "too-large", "Too large",
                         "The body is larger than this route takes.");
}

static bool
protocol_expect(struct request *r)
{
    bool cim = proxy_route_config(r->forward.route)->protocol == ROUTE_CIMXML;
    uint64_t length = 0;

    if (!expect_plain(r) ||
        !(cim ? expect_cim(r) : r->soap != NULL || soap_expect(r)))
        return false;
    if (r->complete)
        return expect_size(r, request_body(r).length);
    return !http_request_body_length(r->http, &length) ||
           expect_size(r, length);
}

/* -- CIM-XML ----------------------------------------------------------------- */

static struct cimxml_header
header_of(const struct request *r, const char *name)
{
    return (struct cimxml_header){request_header(r, name),
                                  request_header_count(r, name)};
}

/* RFC 2774, as M-POST has it: the headers behind "73-" would be another
 * request for whoever looks at them. */
static bool
has_extensions(const struct request *r)
{
    struct span name, value;

    for (size_t i = 0; field_at(r, i, &name, &value); i++) {
        if (span_equal_nocase(name, SPAN("Man")) ||
            span_equal_nocase(name, SPAN("Opt")) ||
            (name.length > 2 && ascii_is_digit(name.data[0]) &&
             memchr(name.data, '-', name.length) != NULL))
            return true;
    }
    return false;
}

static enum step_result
cim_refuse(struct request *r, int status, const char *error,
           const char *problem)
{
    static const struct {
        int status;
        const char *type, *title;
    } rows[] = {
        {400, "malformed", "Bad request"},
        {413, "too-large", "Too large"},
        {501, "not-implemented", "Not implemented"},
    };
    const char *type = "unavailable", *title = "Service unavailable";
    char detail[160];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (rows[i].status == status) {
            type = rows[i].type;
            title = rows[i].title;
        }
    }
    snprintf(detail, sizeof(detail), "No request that is understood: %s.",
             problem);
    r->reason = error != NULL ? error : type;
    atomic_fetch_add_explicit(&r->worker->counters->malformed, 1,
                              memory_order_relaxed);
    record_event(r, EVENT_REQUEST_MALFORMED, r->reason, detail, NULL);
    answer_problem_with(r, status, type, title, detail, "CIMError", error);
    return STEP_DONE;
}

static enum step_result
cim_route(struct request *r)
{
    const struct cimxml_headers headers = {
        .operation = header_of(r, "CIMOperation"),
        .method = header_of(r, "CIMMethod"),
        .object = header_of(r, "CIMObject"),
        .protocol = header_of(r, "CIMProtocolVersion"),
        .batch = header_of(r, "CIMBatch"),
        .export_ = header_of(r, "CIMExport"),
    };
    struct cimxml_request *q = calloc(1, sizeof(*q));

    if (q == NULL)
        return cim_refuse(r, 503, NULL, "there is no memory for it");
    r->forward.cim = q;
    if (has_extensions(r))
        return cim_refuse(r, 501, "unsupported-operation",
                          "HTTP extensions (M-POST) are not forwarded");
    if (!cimxml_request_parse(&headers, request_body(r), q))
        return cim_refuse(r, q->status, q->error, q->problem);
    if (!cimxml_object_format(q, &r->forward.object))
        return cim_refuse(r, 503, NULL, "there is no memory for it");
    r->route.namespace = q->namespace;
    r->operation = q->read ? OPERATION_READ : OPERATION_WRITE;
    return STEP_NEXT;
}

/* -- all of them --------------------------------------------------------------- */

enum step_result
protocol_route(struct request *r)
{
    if (!protocol_expect(r))
        return STEP_DONE;
    if (!r->complete)
        return STEP_BODY;
    if (proxy_route_config(r->forward.route)->protocol == ROUTE_CIMXML)
        return cim_route(r);
    if (wsman_forwarded_parse(request_body(r), &r->soap->told,
                              &r->soap->asked) != WSMAN_PARSE_OK)
        return soap_refuse(r);
    soap_take(r);
    return STEP_NEXT;
}

/* -- an envelope that is sealed by itself ---------------------------------------- */

static bool
is_routed(const struct config *c)
{
    for (size_t i = 0; i < c->route_count; i++) {
        if (c->routes[i].protocol == ROUTE_WSMAN)
            return true;
    }
    return false;
}

/* "http://HOST/PATH": the route of an address, and what is asked for there.
 * False: there is none. */
static bool
address_route(struct request *r, struct span address)
{
    struct span scheme = span_cut(address, ':', &address), target, host;
    struct http_target parsed;
    const char *slash;

    if ((!span_equal_nocase(scheme, SPAN("http")) &&
         !span_equal_nocase(scheme, SPAN("https"))) ||
        address.length < 3 || memcmp(address.data, "//", 2) != 0)
        return false;
    host = span_skip(address, 2);
    slash = memchr(host.data, '/', host.length);
    if (slash == NULL)
        return false;
    target = span_skip(host, (size_t)(slash - host.data));
    host.length = (size_t)(slash - host.data);
    if (!http_target_parse(target, &parsed))
        return false;
    r->forward.route = proxy_route_find(
        r->worker->proxy, (struct span){parsed.path, parsed.path_length}, host,
        "POST", NULL);
    buf_reset(&r->forward.target);
    if (r->forward.route != NULL &&
        proxy_route_config(r->forward.route)->protocol == ROUTE_WSMAN &&
        proxy_target_normalize(target, &r->forward.target))
        return true;
    r->forward.route = NULL;
    return false;
}

/*
 * The target outside could have been changed on the way: whom the envelope is
 * for stands in it as well (wsa:To), and that is what counts.
 */
enum step_result
protocol_route_alone(struct request *r)
{
    enum wsman_parse parsed;

    if (r->worker->proxy == NULL || !is_routed(r->worker->boot->config))
        return STEP_NEXT;
    parsed = wsman_forwarded_parse(request_body(r), &r->soap->told,
                                   &r->soap->asked);
    if (!address_route(r, span_of(r->soap->asked.to)))
        return STEP_NEXT;
    r->resource = RESOURCE_ROUTE;
    if (parsed != WSMAN_PARSE_OK)
        return soap_refuse(r);
    if (!expect_size(r, request_body(r).length))
        return STEP_DONE;
    soap_take(r);
    return STEP_NEXT;
}

bool
protocol_answer_fits(struct request *r, const struct proxy_answer *a)
{
    struct wsman_content_type type;

    for (size_t i = 0; i < a->field_count; i++) {
        if (!span_equal_nocase(a->fields[i].name, SPAN("Content-Type")))
            continue;
        if (!wsman_content_type_parse(a->fields[i].value, &type))
            return false;
        r->sealed.charset = xml_charset_name(type.charset);
        return true;
    }
    return false;
}

/* -- for the upstream ------------------------------------------------------------- */

size_t
protocol_fields(const struct request *r, struct proxy_field *out, size_t count)
{
    if (soap_is_alone(r)) {
        /* What stands outside is about what is sealed. */
        out[0] = (struct proxy_field){
            SPAN("Content-Type"),
            span_of(wsman_content_type(r->soap->asked.charset))};
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        if (r->forward.object.length > 0 &&
            span_equal_nocase(out[i].name, SPAN("CIMObject")))
            out[i].value = buf_span(&r->forward.object);
    }
    return count;
}

void
protocol_fini(struct request *r)
{
    free(r->forward.cim);
    r->forward.cim = NULL;
    buf_fini(&r->forward.object);
}
