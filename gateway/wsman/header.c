/* The headers, and what is read of each. */
#include "gateway/wsman/reader.h"

#include <string.h>

#include "gateway/wsman/names.h"

#define SELECTOR_CIM "__cimnamespace"
/* Of MaxEnvelopeSize. */
#define ENVELOPE_MAX_LEAST 8192

/* What is read of a header. */
enum header_content {
    CONTENT_SKIPPED = 0,
    CONTENT_TEXT,
    CONTENT_SELECTORS,
    CONTENT_ADDRESS, /* an endpoint reference */
    CONTENT_OPTIONS,
    CONTENT_REFUSED, /* what it asks for is not there */
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
    [HEADER_ENVELOPE_MAX] = ROW(NS_WSMAN, "MaxEnvelopeSize", CONTENT_TEXT),
    [HEADER_OPTIONS] = ROW(NS_WSMAN, "OptionSet", CONTENT_OPTIONS),
    [HEADER_FRAGMENT] = ROW(NS_WSMAN, "FragmentTransfer", CONTENT_REFUSED),
    [HEADER_TO] = ROW(NS_ADDRESS, "To", CONTENT_TEXT),
    [HEADER_OTHER_KNOWN] = ROW(NS_ADDRESS, "From", CONTENT_SKIPPED),
    ROW(NS_ADDRESS, "RelatesTo", CONTENT_SKIPPED),
    ROW(NS_WSMAN, "OperationTimeout", CONTENT_SKIPPED),
    ROW(NS_WSMAN, "Locale", CONTENT_SKIPPED),
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

/* -- attributes ----------------------------------------------------------- */

static bool
must_understand(struct reader *r, const struct xml_attributes *a)
{
    struct span value = xml_attribute(a, NS_SOAP, "mustUnderstand");

    if (value.data == NULL || span_equal(value, SPAN("false")) ||
        span_equal(value, SPAN("0")))
        return false;
    if (!span_equal(value, SPAN("true")) && !span_equal(value, SPAN("1")))
        reader_refuse(r, WSMAN_FAULT_SCHEMA,
                      "mustUnderstand is not a boolean");
    return true;
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

/* Names and values share one text; false: it is full. */
static bool
selector_name_add(struct wsman_selectors *set, struct span name)
{
    if (set->count == WSMAN_SELECTORS_MAX ||
        set->used + name.length + 2 > sizeof(set->text))
        return false;
    set->items[set->count].name = set->used;
    memcpy(set->text + set->used, name.data, name.length);
    set->used += name.length + 1;
    set->items[set->count++].value = set->used;
    return true;
}

static bool
selector_is_new(const struct envelope *e, struct span name)
{
    const struct wsman_selectors *set = &e->selectors;

    if (span_equal_nocase(name, SPAN(SELECTOR_CIM)))
        return !e->has_namespace;
    for (size_t i = 0; i < set->count; i++) {
        if (span_equal_nocase(span_of(set->text + set->items[i].name), name))
            return false;
    }
    return true;
}

static void
selector_begin(struct reader *r, const struct xml_attributes *a)
{
    struct span name = xml_attribute(a, "", "Name");
    struct wsman_selectors *set = &r->out->selectors;

    if (!is_selector_name(name)) {
        reader_refuse(r, WSMAN_FAULT_SCHEMA,
                      "a selector's Name is not a name");
    } else if (!selector_is_new(r->out, name)) {
        reader_refuse(r, WSMAN_FAULT_INVALID_SELECTORS,
                      "a selector stands twice");
    } else if (span_equal_nocase(name, SPAN(SELECTOR_CIM))) {
        r->out->has_namespace = true;
        capture_begin(r, r->out->namespace, NAMESPACE_PATH_MAX);
    } else if (!selector_name_add(set, name)) {
        reader_refuse(r, WSMAN_FAULT_ENCODING, "there are too many selectors");
    } else {
        capture_begin(r, set->text + set->used,
                      sizeof(set->text) - set->used - 1);
        r->capture.exact = true;
    }
}

/* An option that must be complied with is one that is not known here
 * (DSP0226 6.4). */
static void
option_begin(struct reader *r, const struct xml_attributes *a)
{
    struct span must = xml_attribute(a, "", "MustComply");

    if (must.data != NULL && !span_equal(must, SPAN("false")) &&
        !span_equal(must, SPAN("0")))
        reader_refuse_later(
            r, WSMAN_FAULT_OPTIONS,
            "an option that must be complied with is not known");
}

/* -- headers -------------------------------------------------------------- */

static const struct header_row *
header_find(const char *namespace, const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(headers); i++) {
        if (reader_is_name(namespace, name, headers[i].namespace,
                           headers[i].name))
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
    else if (id == HEADER_TO)
        capture_begin(r, out->to, WSMAN_URI_MAX);
    else if (id == HEADER_ENVELOPE_MAX)
        capture_begin(r, r->value, VALUE_MAX);
}

/* What an unknown header of these could change of what is asked for, whether
 * it must be understood or not: another version of a protocol has the same
 * names. */
static bool
is_telling(const char *name)
{
    static const char *const names[] = {
        "Action",      "ResourceURI", "SelectorSet",      "To",
        "MessageID",   "ReplyTo",     "FaultTo",          "OptionSet",
        "ResourceUri", "EndTo",       "FragmentTransfer",
    };

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (span_equal_nocase(span_of(name), span_of(names[i])))
            return true;
    }
    return false;
}

/* Protocols whose headers say what is asked for. */
static bool
is_protocol(const char *namespace)
{
    static const char *const namespaces[] = {
        NS_SOAP,     NS_ADDRESS,     NS_WSMAN,    NS_IDENTITY,
        NS_TRANSFER, NS_ENUMERATION, NS_EVENTING, NS_BINDING,
    };

    for (size_t i = 0; i < ARRAY_COUNT(namespaces); i++) {
        if (strcmp(namespace, namespaces[i]) == 0)
            return true;
    }
    return false;
}

/* Where somebody else answers, he says what he does not understand. */
static void
header_unknown(struct reader *r, const char *namespace, const char *name,
               bool must)
{
    if (r->out->forwarded
            ? is_telling(name) || (must && is_protocol(namespace))
            : must)
        reader_refuse(r, WSMAN_FAULT_NOT_UNDERSTOOD,
                      "a header that must be understood is not known");
}

void
header_begin(struct reader *r, const char *namespace, const char *name,
             const struct xml_attributes *a)
{
    bool must = must_understand(r, a);
    struct span role = xml_attribute(a, NS_SOAP, "role");
    size_t id;

    r->header = header_find(namespace, name);
    if (role.data != NULL && !span_equal(role, SPAN(SOAP_ROLE_LAST)))
        reader_refuse(r, WSMAN_FAULT_INVALID_HEADER,
                      "a header is meant for another role");
    if (r->header == NULL) {
        header_unknown(r, namespace, name, must);
        return;
    }
    id = (size_t)(r->header - headers);
    if (r->out->seen[id]) {
        reader_refuse(r, WSMAN_FAULT_INVALID_HEADER, r->header->twice);
        /* Which of two it is, is not known. */
        if (id == HEADER_MESSAGE_ID)
            r->out->message_id[0] = '\0';
        r->header = NULL;
        return;
    }
    r->out->seen[id] = true;
    r->address_seen = false;
    r->value[0] = '\0';
    if (r->header->content == CONTENT_REFUSED)
        reader_refuse_later(r, WSMAN_FAULT_FRAGMENT,
                            "objects are read as a whole");
    header_capture(r, (enum header_id)id);
}

/* An element in a header. */
void
header_child(struct reader *r, const char *namespace, const char *name,
             const struct xml_attributes *a)
{
    switch (r->header->content) {
    case CONTENT_TEXT:
        reader_refuse(r, WSMAN_FAULT_SCHEMA, "a value is not text");
        break;
    case CONTENT_SELECTORS:
        if (reader_is_name(namespace, name, NS_WSMAN, "Selector"))
            selector_begin(r, a);
        else
            reader_refuse(r, WSMAN_FAULT_SCHEMA,
                          "SelectorSet holds something else than a Selector");
        break;
    case CONTENT_ADDRESS:
        if (!reader_is_name(namespace, name, NS_ADDRESS, "Address"))
            break;
        if (r->address_seen)
            reader_refuse(r, WSMAN_FAULT_SCHEMA,
                          "an endpoint has two addresses");
        r->address_seen = true;
        capture_begin(r, r->value, VALUE_MAX);
        break;
    case CONTENT_OPTIONS:
        option_begin(r, a);
        break;
    case CONTENT_SKIPPED:
    case CONTENT_REFUSED:
        break;
    }
}

/* DSP0226 6.2: a number of bytes, and no smaller than a fault may be. */
static void
envelope_max_take(struct reader *r)
{
    if (!body_number_read(span_of(r->value), &r->out->envelope_max))
        reader_refuse(r, WSMAN_FAULT_SCHEMA,
                      "MaxEnvelopeSize is not a positive number");
    else if (r->out->envelope_max < ENVELOPE_MAX_LEAST)
        reader_refuse(r, WSMAN_FAULT_ENCODING,
                      "MaxEnvelopeSize is below 8192");
}

/* Answers go back the way the request came: only there are they protected
 * as the decision was told. */
void
header_end(struct reader *r)
{
    if (r->header == NULL)
        return;
    if (r->header->content == CONTENT_ADDRESS &&
        strcmp(r->value, ADDRESS_ANONYMOUS) != 0)
        reader_refuse(r, WSMAN_FAULT_ADDRESSING,
                      "answers go to the anonymous address only");
    if (r->header == &headers[HEADER_ENVELOPE_MAX])
        envelope_max_take(r);
    r->header = NULL;
}

bool
header_is_element_content(const struct header_row *row)
{
    return row->content == CONTENT_SELECTORS;
}
