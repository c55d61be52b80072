/*
 * The envelope, read as events and never held as a tree.  An element's place
 * is its depth: 1 Envelope, 2 Header and Body, 3 a header, 4 what is in it.
 * Reading goes on behind the first problem, so that the fault can relate to
 * the MessageID.
 */
#include "gateway/wsman/reader.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/wsman/names.h"

/* -- events --------------------------------------------------------------- */

static void
root_begin(struct reader *r, const char *namespace, const char *name)
{
    if (reader_is_name(namespace, name, NS_SOAP, "Envelope"))
        return;
    if (namespace[0] != '\0' && strcmp(name, "Envelope") == 0)
        reader_refuse(r, WSMAN_FAULT_VERSION, "the envelope is not SOAP 1.2");
    else
        reader_refuse(r, WSMAN_FAULT_SCHEMA,
                      "the document is not a SOAP envelope");
}

static void
section_begin(struct reader *r, const char *namespace, const char *name)
{
    if (reader_is_name(namespace, name, NS_SOAP, "Header") &&
        !r->header_seen && !r->body_seen)
        r->in_header = r->header_seen = true;
    else if (reader_is_name(namespace, name, NS_SOAP, "Body") && !r->body_seen)
        r->in_body = r->body_seen = true;
    else
        reader_refuse(r, WSMAN_FAULT_SCHEMA,
                      "an envelope is one Header at most and then one Body");
}

static void
body_child(struct reader *r, const char *namespace, const char *name)
{
    enum body_id body = body_find(namespace, name);

    if (r->body_children++ > 0) {
        if (body == BODY_IDENTIFY || r->out->body == BODY_IDENTIFY)
            reader_refuse(r, WSMAN_FAULT_SCHEMA,
                          "Identify is not alone in the body");
        body = BODY_MIXED;
    }
    r->out->body = body;
}

/* What is not known could make less of the answer: a filter does. */
static void
part_unknown(struct reader *r, const char *name)
{
    if (strcmp(name, "Filter") == 0)
        reader_refuse_later(r, WSMAN_FAULT_FILTERING, "there are no filters");
    else
        reader_refuse_later(r, WSMAN_FAULT_UNSUPPORTED,
                            "an element of the body is not supported");
}

/* An element in the body's. */
static void
part_begin(struct reader *r, const char *namespace, const char *name)
{
    enum body_id body = r->out->body;

    r->part = body_part_find(body, namespace, name);
    if (r->part < 0) {
        if (body != BODY_OTHER && body != BODY_MIXED)
            part_unknown(r, name);
        return;
    }
    if (r->parts_seen[r->part])
        reader_refuse(r, WSMAN_FAULT_SCHEMA,
                      "an element of the body stands twice");
    r->parts_seen[r->part] = true;
    r->value[0] = '\0';
    /* Its context is the other server's, and may be anything. */
    if (r->out->forwarded) {
        r->part = -1;
        return;
    }
    if (body_part_is_read(r->part))
        capture_begin(r, r->value, VALUE_MAX);
}

static void
part_end(struct reader *r)
{
    enum wsman_fault_kind fault = WSMAN_FAULT_INTERNAL;
    const char *problem = NULL;

    if (r->part >= 0 && body_part_is_read(r->part))
        problem = body_part_take(r->part, span_of(r->value),
                                 &r->out->enumeration, &fault);
    if (problem != NULL && fault == WSMAN_FAULT_SCHEMA)
        reader_refuse(r, fault, problem);
    else if (problem != NULL)
        reader_refuse_later(r, fault, problem);
    if (r->part >= 0 && body_part_is_context(r->part))
        r->out->has_context = true;
    r->part = -1;
}

/* In an Enumerate that is forwarded: an endpoint whose object could be in
 * another namespace, as that of a filter (DSP0227 10.1.2). */
static void
object_begin(struct reader *r, const char *namespace, const char *name,
             const struct xml_attributes *a)
{
    struct envelope *e = r->out;

    if (span_equal_nocase(span_of(name), SPAN("ResourceURI"))) {
        if (strcmp(namespace, NS_WSMAN) != 0 || e->object_uris++ > 0)
            e->object_uris = 2; /* more than one is one too many */
        else
            capture_begin(r, e->object_uri, WSMAN_URI_MAX);
    } else if (span_equal_nocase(xml_attribute(a, "", "Name"),
                                 SPAN("__cimnamespace")))
    {
        if (!reader_is_name(namespace, name, NS_WSMAN, "Selector") ||
            e->object_namespaces++ > 0)
            e->object_namespaces = 2;
        else
            capture_begin(r, e->object_namespace, NAMESPACE_PATH_MAX);
    }
}

static void
on_start(void *arg, const char *namespace, const char *name,
         const struct xml_attributes *a)
{
    struct reader *r = arg;

    r->depth++;
    if (r->capture.text != NULL && r->capture.exact)
        reader_refuse_later(r, WSMAN_FAULT_INVALID_SELECTORS,
                            "a selector's value is not text");
    else if (r->capture.text != NULL)
        reader_refuse(r, WSMAN_FAULT_SCHEMA, "a value is not text");
    else if (r->depth == 1)
        root_begin(r, namespace, name);
    else if (r->depth == 2)
        section_begin(r, namespace, name);
    else if (r->depth == 3 && r->in_header)
        header_begin(r, namespace, name, a);
    else if (r->depth == 4 && r->in_header && r->header != NULL)
        header_child(r, namespace, name, a);
    else if (r->depth == 3 && r->in_body)
        body_child(r, namespace, name);
    else if (r->depth == 4 && r->in_body)
        part_begin(r, namespace, name);
    if (r->depth >= 4 && r->in_body && r->out->forwarded &&
        r->out->body == BODY_ENUMERATE && r->capture.text == NULL)
        object_begin(r, namespace, name, a);
}

static void
on_end(void *arg)
{
    struct reader *r = arg;

    if (r->capture.text != NULL && r->depth == r->capture.depth)
        capture_end(r);
    if (r->depth == 3 && r->in_header)
        header_end(r);
    if (r->depth == 4 && r->in_body)
        part_end(r);
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
           header_is_element_content(r->header);
}

static void
on_text(void *arg, struct span text)
{
    struct reader *r = arg;

    if (r->capture.text != NULL)
        capture_add(r, text);
    else if (is_element_content(r) && !xml_is_blank(text))
        reader_refuse(r, WSMAN_FAULT_SCHEMA, "text stands between elements");
}

/* "a<!-- -->b" is one value for some readers and two for others. */
static void
on_comment(void *arg)
{
    struct reader *r = arg;

    if (r->capture.text != NULL)
        reader_refuse(r, WSMAN_FAULT_SCHEMA, "a comment stands in a value");
}

static void
on_cdata(void *arg, struct span text)
{
    struct reader *r = arg;

    if (r->capture.text != NULL)
        reader_refuse(r, WSMAN_FAULT_SCHEMA,
                      "a CDATA section stands in a value");
    else
        on_text(arg, text);
}

static const struct xml_events events = {
    on_start, on_end, on_text, on_cdata, on_comment,
};

static const enum wsman_fault_kind faults[] = {
    [XML_RESULT_MALFORMED] = WSMAN_FAULT_SCHEMA,
    [XML_RESULT_TOO_MUCH] = WSMAN_FAULT_ENCODING,
    [XML_RESULT_NO_MEMORY] = WSMAN_FAULT_INTERNAL,
};

void
envelope_read(struct span xml, bool forwarded, struct envelope *out)
{
    struct reader *r = calloc(1, sizeof(*r));
    enum xml_result result = XML_RESULT_NO_MEMORY;
    const char *problem = "out of memory";

    memset(out, 0, sizeof(*out));
    if (r != NULL) {
        r->out = out;
        r->part = -1;
        out->forwarded = forwarded;
        out->enumeration.max_elements = 1;
        result = xml_read(xml, &events, r, &problem);
    }
    if (result != XML_RESULT_OK) {
        memset(out, 0, sizeof(*out));
        out->fault = faults[result];
        out->problem = problem;
    } else if (!r->body_seen) {
        reader_refuse(r, WSMAN_FAULT_SCHEMA, "the envelope has no Body");
    }
    free(r);
}
