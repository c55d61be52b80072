#include "gateway/wsman/wsman.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/wsman/envelope.h"
#include "gateway/wsman/names.h"
#include "gateway/wsman/resource.h"

static const struct action_row {
    const char *uri;
    enum wsman_operation operation;
    enum wsman_access access;
    enum body_id body;
} actions[] = {
    {NS_TRANSFER "/Get", WSMAN_GET, WSMAN_ACCESS_READ, BODY_EMPTY},
    {NS_TRANSFER "/Put", WSMAN_PUT, WSMAN_ACCESS_WRITE, BODY_OTHER},
    {NS_TRANSFER "/Create", WSMAN_CREATE, WSMAN_ACCESS_WRITE, BODY_OTHER},
    {NS_TRANSFER "/Delete", WSMAN_DELETE, WSMAN_ACCESS_WRITE, BODY_EMPTY},
    {NS_ENUMERATION "/Enumerate", WSMAN_ENUMERATE, WSMAN_ACCESS_READ,
     BODY_ENUMERATE},
    {NS_ENUMERATION "/Pull", WSMAN_PULL, WSMAN_ACCESS_READ, BODY_PULL},
    {NS_ENUMERATION "/Release", WSMAN_RELEASE, WSMAN_ACCESS_READ,
     BODY_RELEASE},
    {NS_ENUMERATION "/Renew", WSMAN_RENEW, WSMAN_ACCESS_READ, BODY_OTHER},
    {NS_ENUMERATION "/GetStatus", WSMAN_GET_STATUS, WSMAN_ACCESS_READ,
     BODY_OTHER},
    {NS_EVENTING "/Subscribe", WSMAN_SUBSCRIBE, WSMAN_ACCESS_WRITE,
     BODY_OTHER},
    {NS_EVENTING "/Unsubscribe", WSMAN_UNSUBSCRIBE, WSMAN_ACCESS_WRITE,
     BODY_OTHER},
    {NS_EVENTING "/Renew", WSMAN_RENEW, WSMAN_ACCESS_WRITE, BODY_OTHER},
    {NS_EVENTING "/GetStatus", WSMAN_GET_STATUS, WSMAN_ACCESS_READ,
     BODY_OTHER},
};

static bool
request_refuse(struct wsman_request *out, enum wsman_fault_kind fault,
               const char *problem)
{
    out->fault = fault;
    out->problem = problem;
    return false;
}

/* <ResourceURI>/<method> (DSP0227 9.2). */
static bool
take_method(struct span action, struct span uri, struct wsman_request *out)
{
    struct span method;

    if (action.length <= uri.length + 1 || action.data[uri.length] != '/' ||
        memcmp(action.data, uri.data, uri.length) != 0 ||
        strcmp(out->class_name, "*") == 0)
        return false;
    method = span_skip(action, uri.length + 1);
    if (!resource_is_identifier(method))
        return false;
    memcpy(out->method, method.data, method.length);
    return true;
}

/* Header and body say the same.  Of what is not known here the body may be
 * anything but one of those that are. */
static bool
check_body(const struct envelope *envelope, enum body_id wanted,
           struct wsman_request *out)
{
    bool same = envelope->body == wanted ||
                (wanted == BODY_OTHER && envelope->body == BODY_EMPTY);

    if (!same)
        return request_refuse(out, WSMAN_FAULT_SCHEMA,
                              "the body is not that of the Action");
    out->later = envelope->later;
    if ((wanted == BODY_PULL || wanted == BODY_RELEASE) &&
        !envelope->has_context && out->later.problem == NULL)
        out->later = (struct wsman_refusal){
            WSMAN_FAULT_CONTEXT, "the EnumerationContext is missing"};
    return true;
}

static bool
take_action(const struct envelope *envelope, struct wsman_request *out)
{
    for (size_t i = 0; i < ARRAY_COUNT(actions); i++) {
        if (strcmp(envelope->action, actions[i].uri) == 0) {
            out->operation = actions[i].operation;
            out->access = actions[i].access;
            return check_body(envelope, actions[i].body, out);
        }
    }
    out->access = WSMAN_ACCESS_WRITE;
    out->operation = take_method(span_of(envelope->action),
                                 span_of(envelope->resource_uri), out)
                         ? WSMAN_INVOKE
                         : WSMAN_OTHER;
    return check_body(envelope, BODY_OTHER, out);
}

/* An Identify asks for nothing else (DSP0226 11). */
static bool
take_identify(const struct envelope *envelope, struct wsman_request *out)
{
    if (envelope->seen[HEADER_ACTION] || envelope->seen[HEADER_RESOURCE_URI] ||
        envelope->seen[HEADER_SELECTORS])
        return request_refuse(out, WSMAN_FAULT_INVALID_HEADER,
                              "an Identify asks for a resource too");
    out->operation = WSMAN_IDENTIFY;
    out->access = WSMAN_ACCESS_DISCOVER;
    return true;
}

static bool
check_required(const struct envelope *envelope, struct wsman_request *out)
{
    if (!envelope->seen[HEADER_ACTION])
        return request_refuse(out, WSMAN_FAULT_HEADER_REQUIRED,
                              "the header Action is missing");
    if (!envelope->seen[HEADER_MESSAGE_ID])
        return request_refuse(out, WSMAN_FAULT_HEADER_REQUIRED,
                              "the header MessageID is missing");
    if (!envelope->seen[HEADER_RESOURCE_URI])
        return request_refuse(out, WSMAN_FAULT_RESOURCE,
                              "the header ResourceURI is missing");
    if (!resource_is_uri(span_of(envelope->action)))
        return request_refuse(out, WSMAN_FAULT_INVALID_HEADER,
                              "Action is not a URI");
    if (!resource_is_uri(span_of(envelope->resource_uri)))
        return request_refuse(out, WSMAN_FAULT_RESOURCE,
                              "ResourceURI is not a URI");
    return true;
}

/* What an answer relates to is a URI or nothing. */
static bool
take_message_id(const struct envelope *envelope, struct wsman_request *out)
{
    struct span id = span_of(envelope->message_id);

    if (id.length == 0 && !envelope->seen[HEADER_MESSAGE_ID])
        return true;
    if (!resource_is_uri(id))
        return request_refuse(out, WSMAN_FAULT_INVALID_HEADER,
                              "MessageID is not a URI");
    memcpy(out->message_id, id.data, id.length);
    return true;
}

/* What a filter starts from is in the namespace that is asked for. */
static bool
check_object(const struct envelope *e, struct wsman_request *out)
{
    struct span uri, selector = {NULL, 0};
    struct namespace_path asked = out->namespace;
    struct wsman_request *other;
    bool same = false;

    if (e->object_uris == 0 && e->object_namespaces == 0)
        return true;
    other = calloc(1, sizeof(*other));
    if (other == NULL)
        return request_refuse(out, WSMAN_FAULT_INTERNAL, "out of memory");
    if (e->object_namespaces > 0)
        selector = span_of(e->object_namespace);
    uri = e->object_uris > 0 ? span_of(e->object_uri) : SPAN(CIM_ALL);
    same = e->object_uris <= 1 && e->object_namespaces <= 1 &&
           resource_read(uri, selector, true, other) &&
           namespace_path_equal(&other->namespace, &asked);
    free(other);
    return same || request_refuse(out, WSMAN_FAULT_INVALID_SELECTORS,
                                  "the body names another namespace");
}

static bool
request_take(const struct envelope *envelope, struct span action,
             struct wsman_request *out)
{
    struct span selector = {NULL, 0};

    /* An envelope's own problem comes first. */
    if (!take_message_id(envelope, out) && envelope->problem == NULL)
        return false;
    if (envelope->problem != NULL)
        return request_refuse(out, envelope->fault, envelope->problem);
    if (action.data != NULL && !span_equal(action, span_of(envelope->action)))
        return request_refuse(out, WSMAN_FAULT_INVALID_HEADER,
                              "the Content-Type's action is another one");
    if (envelope->body == BODY_IDENTIFY)
        return take_identify(envelope, out);
    if (!check_required(envelope, out))
        return false;
    if (envelope->has_namespace)
        selector = span_of(envelope->namespace);
    if (!resource_read(span_of(envelope->resource_uri), selector,
                       envelope->forwarded, out) ||
        !check_object(envelope, out) || !take_action(envelope, out))
        return false;
    strcpy(out->action, envelope->action);
    strcpy(out->resource_uri, envelope->resource_uri);
    out->envelope_max = envelope->envelope_max;
    out->selectors = envelope->selectors;
    out->enumeration = envelope->enumeration;
    return true;
}

static bool
request_read(struct span xml, struct span action, bool forwarded,
             struct wsman_request *out)
{
    struct envelope *envelope = malloc(sizeof(*envelope));
    bool ok;

    if (envelope == NULL)
        return request_refuse(out, WSMAN_FAULT_INTERNAL, "out of memory");
    envelope_read(xml, forwarded, envelope);
    strcpy(out->to, envelope->to);
    ok = request_take(envelope, action, out);
    free(envelope);
    return ok;
}

/* Leaves of a refused request why, what the fault relates to, and whom it was
 * for. */
static void
request_clear(struct wsman_request *r)
{
    struct wsman_request kept = {
        .charset = r->charset, .fault = r->fault, .problem = r->problem};

    memcpy(kept.message_id, r->message_id, sizeof(kept.message_id));
    memcpy(kept.to, r->to, sizeof(kept.to));
    *r = kept;
}

static bool
request_decode(struct span xml, const struct wsman_content_type *told,
               struct wsman_request *out, struct buf *text)
{
    const char *problem;

    if (xml.length > XML_BYTES_MAX)
        return request_refuse(out, WSMAN_FAULT_ENCODING,
                              "the document is too large");
    problem = xml_decode(xml, &out->charset, text);
    if (buf_failed(text))
        return request_refuse(out, WSMAN_FAULT_INTERNAL, "out of memory");
    if (problem == NULL && told->charset != XML_CHARSET_UNKNOWN &&
        told->charset != out->charset)
        problem = "the charset is not the document's";
    return problem == NULL || request_refuse(out, WSMAN_FAULT_SCHEMA, problem);
}

static enum wsman_parse
request_parse(struct span xml, const struct wsman_content_type *told,
              bool forwarded, struct wsman_request *out)
{
    struct buf text = BUF_INIT;
    bool ok;

    memset(out, 0, sizeof(*out));
    ok = request_decode(xml, told, out, &text) &&
         request_read(buf_span(&text), told->action, forwarded, out);
    buf_fini(&text);
    if (!ok)
        request_clear(out);
    return ok ? WSMAN_PARSE_OK : WSMAN_PARSE_REFUSED;
}

enum wsman_parse
wsman_request_parse(struct span xml, const struct wsman_content_type *told,
                    struct wsman_request *out)
{
    return request_parse(xml, told, false, out);
}

enum wsman_parse
wsman_forwarded_parse(struct span xml, const struct wsman_content_type *told,
                      struct wsman_request *out)
{
    return request_parse(xml, told, true, out);
}
