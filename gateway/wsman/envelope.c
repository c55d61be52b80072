/*
 * The envelope, read as events and never held as a tree.  An element's place
 * is its depth: 1 Envelope, 2 Header and Body, 3 a header, 4 what is in it.
 * Reading goes on behind the first problem, so that the fault can relate to
 * the MessageID.
 */
#include "gateway/wsman/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/wsman/markup.h"
#include "gateway/wsman/names.h"

#define SELECTORS_MAX 32
#define SELECTOR_CIM  "__cimnamespace"
#define ADDRESS_MAX   255

/* What is read of a header. */
enum header_content {
    CONTENT_SKIPPED = 0,
    CONTENT_TEXT,
    CONTENT_SELECTORS,
    CONTENT_ADDRESS, /* an endpoint reference */
};

struct header_row {
    const char *namespace, *name;
    enum header_content content;
    const char *twice; /* the problem when it stands twice */
};

#define ROW(namespace, name, content)                                         \
    {                                                                         \
        namespace, name, content, "the header " name " stands twice"          \
    }

/* DSP0226 and MS-WSMV 2.2.4: what clients want to be understood. */
static const struct header_row headers[] = {
    [HEADER_ACTION] = ROW(NS_ADDRESS, "Action", CONTENT_TEXT),
    [HEADER_MESSAGE_ID] = ROW(NS_ADDRESS, "MessageID", CONTENT_TEXT),
    [HEADER_RESOURCE_URI] = ROW(NS_WSMAN, "ResourceURI", CONTENT_TEXT),
    [HEADER_SELECTORS] = ROW(NS_WSMAN, "SelectorSet", CONTENT_SELECTORS),
    [HEADER_REPLY_TO] = ROW(NS_ADDRESS, "ReplyTo", CONTENT_ADDRESS),
    [HEADER_FAULT_TO] = ROW(NS_ADDRESS, "FaultTo", CONTENT_ADDRESS),
    [HEADER_OTHER_KNOWN] = ROW(NS_ADDRESS, "To", CONTENT_SKIPPED),
    ROW(NS_ADDRESS, "From", CONTENT_SKIPPED),
    ROW(NS_ADDRESS, "RelatesTo", CONTENT_SKIPPED),
    ROW(NS_WSMAN, "MaxEnvelopeSize", CONTENT_SKIPPED),
    ROW(NS_WSMAN, "OperationTimeout", CONTENT_SKIPPED),
    ROW(NS_WSMAN, "Locale", CONTENT_SKIPPED),
    ROW(NS_WSMAN, "OptionSet", CONTENT_SKIPPED),
    ROW(NS_WSMAN, "FragmentTransfer", CONTENT_SKIPPED),
    ROW(NS_WSMAN, "RequestEPR", CONTENT_SKIPPED),
    ROW(NS_WSMAN, "RequestTotalItemsCountEstimate", CONTENT_SKIPPED),
    ROW(NS_MS_WSMAN, "DataLocale", CONTENT_SKIPPED),
    ROW(NS_MS_WSMAN, "SessionId", CONTENT_SKIPPED),
    ROW(NS_MS_WSMAN, "OperationID", CONTENT_SKIPPED),
    ROW(NS_MS_WSMAN, "SequenceId", CONTENT_SKIPPED),
    ROW(NS_MS_WSMAN, "ActivityId", CONTENT_SKIPPED),
    ROW(NS_MS_SHELL, "CompressionType", CONTENT_SKIPPED),
};

_Static_assert(ARRAY_COUNT(headers) <= HEADERS_MAX, "HEADERS_MAX");

/* Text that is being collected from one element. */
struct capture {
    char *text; /* NULL: none is */
    size_t length, max;
    int depth;
};

struct reader {
    struct envelope *out;
    int depth;
    bool in_header, in_body, header_seen, body_seen;
    const struct header_row *header; /* at depth 3 and below; NULL: unknown */
    size_t body_children;
    struct capture capture;
    char address[ADDRESS_MAX + 1];
    bool address_seen;
    size_t selector_count;
    char selectors[SELECTORS_MAX][WSMAN_NAME_MAX + 1];
};

static void
refuse(struct reader *r, enum wsman_fault_kind fault, const char *problem)
{
    if (r->out->problem != NULL)
        return;
    r->out->fault = fault;
    r->out->problem = problem;
}

static bool
is_name(const char *namespace, const char *name, const char *ns,
        const char *local)
{
    return strcmp(namespace, ns) == 0 && strcmp(name, local) == 0;
}

/* -- attributes ----------------------------------------------------------- */

static bool
must_understand(struct reader *r, const struct markup_attributes *a)
{
    struct span value = markup_attribute(a, NS_SOAP, "mustUnderstand");

    if (value.data == NULL || span_equal(value, SPAN("false")) ||
        span_equal(value, SPAN("0")))
        return false;
    if (!span_equal(value, SPAN("true")) && !span_equal(value, SPAN("1")))
        refuse(r, WSMAN_FAULT_SCHEMA, "mustUnderstand is not a boolean");
    return true;
}

/* -- captured text -------------------------------------------------------- */

/* Of the element that begins now. */
static void
capture_begin(struct reader *r, char *text, size_t max)
{
    r->capture = (struct capture){text, 0, max, r->depth};
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_blank(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_space(text.data[i]))
            return false;
    }
    return true;
}

/* XML Schema part 2 4.3.6: white space around a URI does not count. */
static void
capture_end(struct reader *r)
{
    struct capture *c = &r->capture;
    size_t first = 0;

    while (c->length > 0 && is_space(c->text[c->length - 1]))
        c->length--;
    while (first < c->length && is_space(c->text[first]))
        first++;
    memmove(c->text, c->text + first, c->length - first);
    c->text[c->length - first] = '\0';
    c->text = NULL;
}

static void
capture_add(struct reader *r, struct span text)
{
    struct capture *c = &r->capture;

    if (text.length > c->max - c->length) {
        refuse(r, WSMAN_FAULT_ENCODING, "a header's value is too long");
        c->length = c->max = 0; /* rather none than a part of it */
        return;
    }
    memcpy(c->text + c->length, text.data, text.length);
    c->length += text.length;
}

/* -- selectors ------------------------------------------------------------ */

/* A selector's name is an NCName (DSP0226 5.4.2.2). */
static bool
is_selector_name(struct span name)
{
    if (name.length == 0 || name.length > WSMAN_NAME_MAX ||
        (!ascii_is_alpha(name.data[0]) && name.data[0] != '_' &&
         (unsigned char)name.data[0] < 0x80))
        return false;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];

        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '_' && c != '-' &&
            c != '.' && (unsigned char)c < 0x80)
            return false;
    }
    return true;
}

static bool
selector_is_new(const struct reader *r, struct span name)
{
    for (size_t i = 0; i < r->selector_count; i++) {
        if (span_equal_nocase(span_of(r->selectors[i]), name))
            return false;
    }
    return true;
}

static void
selector_begin(struct reader *r, const struct markup_attributes *a)
{
    struct span name = markup_attribute(a, "", "Name");

    if (!is_selector_name(name)) {
        refuse(r, WSMAN_FAULT_SCHEMA, "a selector's Name is not a name");
    } else if (!selector_is_new(r, name)) {
        refuse(r, WSMAN_FAULT_INVALID_SELECTORS, "a selector stands twice");
    } else if (r->selector_count == SELECTORS_MAX) {
        refuse(r, WSMAN_FAULT_ENCODING, "there are too many selectors");
    } else {
        memcpy(r->selectors[r->selector_count++], name.data, name.length);
        if (span_equal_nocase(name, SPAN(SELECTOR_CIM))) {
            r->out->has_namespace = true;
            capture_begin(r, r->out->namespace, NAMESPACE_PATH_MAX);
        }
    }
}

/* -- headers -------------------------------------------------------------- */

static const struct header_row *
header_find(const char *namespace, const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(headers); i++) {
        if (is_name(namespace, name, headers[i].namespace, headers[i].name))
            return &headers[i];
    }
    return NULL;
}

static void
header_capture(struct reader *r, enum header_id id)
{
    struct envelope *out = r->out;

    if (id == HEADER_ACTION)
        capture_begin(r, out->action, WSMAN_URI_MAX);
    else if (id == HEADER_RESOURCE_URI)
        capture_begin(r, out->resource_uri, WSMAN_URI_MAX);
    else if (id == HEADER_MESSAGE_ID)
        capture_begin(r, out->message_id, WSMAN_MESSAGE_ID_MAX);
}

static void
header_begin(struct reader *r, const char *namespace, const char *name,
             const struct markup_attributes *a)
{
    bool must = must_understand(r, a);
    struct span role = markup_attribute(a, NS_SOAP, "role");
    size_t id;

    r->header = header_find(namespace, name);
    if (role.data != NULL && !span_equal(role, SPAN(SOAP_ROLE_LAST)))
        refuse(r, WSMAN_FAULT_INVALID_HEADER,
               "a header is meant for another role");
    if (r->header == NULL) {
        if (must)
            refuse(r, WSMAN_FAULT_NOT_UNDERSTOOD,
                   "a header that must be understood is not known");
        return;
    }
    id = (size_t)(r->header - headers);
    if (r->out->seen[id]) {
        refuse(r, WSMAN_FAULT_INVALID_HEADER, r->header->twice);
        /* Which of two it is, is not known. */
        if (id == HEADER_MESSAGE_ID)
            r->out->message_id[0] = '\0';
        r->header = NULL;
        return;
    }
    r->out->seen[id] = true;
    r->address_seen = false;
    r->address[0] = '\0';
    header_capture(r, (enum header_id)id);
}

/* An element in a header. */
static void
header_child(struct reader *r, const char *namespace, const char *name,
             const struct markup_attributes *a)
{
    switch (r->header->content) {
    case CONTENT_TEXT:
        refuse(r, WSMAN_FAULT_SCHEMA, "a header's value is not text");
        break;
    case CONTENT_SELECTORS:
        if (is_name(namespace, name, NS_WSMAN, "Selector"))
            selector_begin(r, a);
        else
            refuse(r, WSMAN_FAULT_SCHEMA,
                   "SelectorSet holds something else than a Selector");
        break;
    case CONTENT_ADDRESS:
        if (!is_name(namespace, name, NS_ADDRESS, "Address"))
            break;
        if (r->address_seen)
            refuse(r, WSMAN_FAULT_SCHEMA, "an endpoint has two addresses");
        r->address_seen = true;
        capture_begin(r, r->address, ADDRESS_MAX);
        break;
    case CONTENT_SKIPPED:
        break;
    }
}

/* Answers go back the way the request came: only there are they protected
 * as the decision was told. */
static void
header_end(struct reader *r)
{
    if (r->header != NULL && r->header->content == CONTENT_ADDRESS &&
        strcmp(r->address, ADDRESS_ANONYMOUS) != 0)
        refuse(r, WSMAN_FAULT_ADDRESSING,
               "answers go to the anonymous address only");
    r->header = NULL;
}

/* -- events --------------------------------------------------------------- */

static void
root_begin(struct reader *r, const char *namespace, const char *name)
{
    if (is_name(namespace, name, NS_SOAP, "Envelope"))
        return;
    if (namespace[0] != '\0' && strcmp(name, "Envelope") == 0)
        refuse(r, WSMAN_FAULT_VERSION, "the envelope is not SOAP 1.2");
    else
        refuse(r, WSMAN_FAULT_SCHEMA, "the document is not a SOAP envelope");
}

static void
part_begin(struct reader *r, const char *namespace, const char *name)
{
    if (is_name(namespace, name, NS_SOAP, "Header") && !r->header_seen &&
        !r->body_seen)
        r->in_header = r->header_seen = true;
    else if (is_name(namespace, name, NS_SOAP, "Body") && !r->body_seen)
        r->in_body = r->body_seen = true;
    else
        refuse(r, WSMAN_FAULT_SCHEMA,
               "an envelope is one Header at most and then one Body");
}

static void
body_child(struct reader *r, const char *namespace, const char *name)
{
    bool identify = is_name(namespace, name, NS_IDENTITY, "Identify");

    r->body_children++;
    if (r->body_children > 1 && (identify || r->out->identify))
        refuse(r, WSMAN_FAULT_SCHEMA, "Identify is not alone in the body");
    r->out->identify = identify;
}

static void
on_start(void *arg, const char *namespace, const char *name,
         const struct markup_attributes *a)
{
    struct reader *r = arg;

    r->depth++;
    if (r->capture.text != NULL)
        refuse(r, WSMAN_FAULT_SCHEMA, "a header's value is not text");
    else if (r->depth == 1)
        root_begin(r, namespace, name);
    else if (r->depth == 2)
        part_begin(r, namespace, name);
    else if (r->depth == 3 && r->in_header)
        header_begin(r, namespace, name, a);
    else if (r->depth == 4 && r->in_header && r->header != NULL)
        header_child(r, namespace, name, a);
    else if (r->depth == 3 && r->in_body)
        body_child(r, namespace, name);
}

static void
on_end(void *arg)
{
    struct reader *r = arg;

    if (r->capture.text != NULL && r->depth == r->capture.depth)
        capture_end(r);
    if (r->depth == 3 && r->in_header)
        header_end(r);
    if (r->depth == 2)
        r->in_header = r->in_body = false;
    r->depth--;
}

/* Where elements stand and text may not. */
static bool
is_element_content(const struct reader *r)
{
    if (r->depth == 1 || (r->depth == 2 && r->in_header))
        return true;
    return r->depth == 3 && r->in_header && r->header != NULL &&
           r->header->content == CONTENT_SELECTORS;
}

static void
on_text(void *arg, struct span text)
{
    struct reader *r = arg;

    if (r->capture.text != NULL)
        capture_add(r, text);
    else if (is_element_content(r) && !is_blank(text))
        refuse(r, WSMAN_FAULT_SCHEMA, "text stands between elements");
}

/* "a<!-- -->b" is one value for some readers and two for others. */
static void
on_comment(void *arg)
{
    struct reader *r = arg;

    if (r->capture.text != NULL)
        refuse(r, WSMAN_FAULT_SCHEMA, "a comment stands in a header's value");
}

static void
on_cdata(void *arg, struct span text)
{
    struct reader *r = arg;

    if (r->capture.text != NULL)
        refuse(r, WSMAN_FAULT_SCHEMA,
               "a CDATA section stands in a header's value");
    else
        on_text(arg, text);
}

static const struct markup_events events = {
    on_start, on_end, on_text, on_cdata, on_comment,
};

void
envelope_read(struct span xml, struct envelope *out)
{
    struct reader *r = calloc(1, sizeof(*r));
    enum markup result = MARKUP_NO_MEMORY;

    memset(out, 0, sizeof(*out));
    if (r != NULL) {
        r->out = out;
        result = markup_parse(xml, &events, r);
    }
    if (result != MARKUP_OK) {
        memset(out, 0, sizeof(*out));
        out->fault = result == MARKUP_NO_MEMORY ? WSMAN_FAULT_INTERNAL
                                                : WSMAN_FAULT_SCHEMA;
        out->problem = result == MARKUP_NO_MEMORY
                           ? "out of memory"
                           : "the XML is not well-formed";
    } else if (r->depth != 0) {
        refuse(r, WSMAN_FAULT_INTERNAL, "the XML was not read to its end");
    } else if (!r->body_seen) {
        refuse(r, WSMAN_FAULT_SCHEMA, "the envelope has no Body");
    }
    free(r);
}
