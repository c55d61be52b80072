/*
 * The body of an operation request (DSP0201 5, DSP0203), read as events.
 * Where an element may stand is a table; whatever stands elsewhere is refused,
 * so that no reader finds a namespace that this one did not see.
 */
#include "gateway/cimxml/message.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/cimxml/header.h"
#include "gateway/xml/xml.h"

#define PARAMETERS_MAX 64
#define STACK_MAX      10

enum place {
    PLACE_SKIPPED = 0, /* nothing in it is looked at */
    PLACE_DOCUMENT,
    PLACE_CIM,
    PLACE_MESSAGE,
    PLACE_REQUEST,
    PLACE_CORRELATOR,
    PLACE_INTRINSIC,
    PLACE_EXTRINSIC,
    PLACE_NAMESPACE_PATH,
    PLACE_NAMESPACE,
    PLACE_OBJECT_PATH,
    PLACE_CLASS,
    PLACE_INSTANCE,
    PLACE_PARAMETER,         /* of an intrinsic method */
    PLACE_PARAMETER_SKIPPED, /* of an extrinsic one */
    PLACE_REFERENCE,         /* a parameter that is a path */
    PLACE_MULTIPLE,          /* the rest is refused */
    PLACE_EXPORT,
    PLACE_DESTINATION,
};

/* `order`: after those of smaller ones; `many`: more than once. */
static const struct place_row {
    enum place within;
    const char *name;
    enum place place;
    int order;
    bool many;
} places[] = {
    {PLACE_DOCUMENT, "CIM", PLACE_CIM, 1, false},
    {PLACE_CIM, "MESSAGE", PLACE_MESSAGE, 1, false},
    {PLACE_MESSAGE, "SIMPLEREQ", PLACE_REQUEST, 1, false},
    {PLACE_MESSAGE, "MULTIREQ", PLACE_MULTIPLE, 1, false},
    {PLACE_MESSAGE, "SIMPLEEXPREQ", PLACE_EXPORT, 1, false},
    {PLACE_MESSAGE, "MULTIEXPREQ", PLACE_EXPORT, 1, false},
    {PLACE_REQUEST, "CORRELATOR", PLACE_CORRELATOR, 1, true},
    {PLACE_REQUEST, "IMETHODCALL", PLACE_INTRINSIC, 2, false},
    {PLACE_REQUEST, "METHODCALL", PLACE_EXTRINSIC, 2, false},
    {PLACE_REQUEST, "EXPMETHODCALL", PLACE_EXPORT, 2, false},
    {PLACE_INTRINSIC, "LOCALNAMESPACEPATH", PLACE_NAMESPACE_PATH, 1, false},
    {PLACE_INTRINSIC, "IPARAMVALUE", PLACE_PARAMETER, 2, true},
    {PLACE_INTRINSIC, "RESPONSEDESTINATION", PLACE_DESTINATION, 3, false},
    {PLACE_EXTRINSIC, "LOCALCLASSPATH", PLACE_OBJECT_PATH, 1, false},
    {PLACE_EXTRINSIC, "LOCALINSTANCEPATH", PLACE_OBJECT_PATH, 1, false},
    {PLACE_EXTRINSIC, "PARAMVALUE", PLACE_PARAMETER_SKIPPED, 2, true},
    {PLACE_EXTRINSIC, "RESPONSEDESTINATION", PLACE_DESTINATION, 3, false},
    {PLACE_NAMESPACE_PATH, "NAMESPACE", PLACE_NAMESPACE, 1, true},
    {PLACE_OBJECT_PATH, "LOCALNAMESPACEPATH", PLACE_NAMESPACE_PATH, 1, false},
    {PLACE_OBJECT_PATH, "CLASSNAME", PLACE_CLASS, 2, false},
    {PLACE_OBJECT_PATH, "INSTANCENAME", PLACE_INSTANCE, 2, false},
    /* One of them (DSP0203 IPARAMVALUE). */
    {PLACE_PARAMETER, "VALUE", PLACE_SKIPPED, 1, false},
    {PLACE_PARAMETER, "VALUE.ARRAY", PLACE_SKIPPED, 1, false},
    {PLACE_PARAMETER, "VALUE.REFERENCE", PLACE_REFERENCE, 1, false},
    {PLACE_PARAMETER, "VALUE.NAMEDINSTANCE", PLACE_SKIPPED, 1, false},
    {PLACE_PARAMETER, "CLASSNAME", PLACE_SKIPPED, 1, false},
    {PLACE_PARAMETER, "INSTANCENAME", PLACE_SKIPPED, 1, false},
    {PLACE_PARAMETER, "QUALIFIER.DECLARATION", PLACE_SKIPPED, 1, false},
    {PLACE_PARAMETER, "CLASS", PLACE_SKIPPED, 1, false},
    {PLACE_PARAMETER, "INSTANCE", PLACE_SKIPPED, 1, false},
};

/* How far an element's children have to have come at its end. */
static const int needed[] = {
    [PLACE_CIM] = 1,         [PLACE_MESSAGE] = 1,
    [PLACE_REQUEST] = 2,     [PLACE_INTRINSIC] = 1,
    [PLACE_EXTRINSIC] = 1,   [PLACE_NAMESPACE_PATH] = 1,
    [PLACE_OBJECT_PATH] = 2, [PLACE_DESTINATION] = 0,
};

struct reader {
    struct message *out;
    struct {
        enum place place;
        int order; /* of the last child */
    } stack[STACK_MAX];
    size_t depth;
    size_t skipped; /* elements below the top that are not looked at */
    size_t parameter_count;
    char parameters[PARAMETERS_MAX][CIMXML_NAME_MAX + 1];
};

static void
refuse(struct reader *r, int status, const char *error, const char *problem)
{
    if (r->out->status != 0)
        return;
    r->out->status = status;
    r->out->error = error;
    r->out->problem = problem;
}

static void
refuse_invalid(struct reader *r, const char *problem)
{
    refuse(r, 400, "request-not-valid", problem);
}

/* -- attributes -------------------------------------------------------------- */

static bool
take_name(struct reader *r, const struct xml_attributes *a, const char *name,
          char out[CIMXML_NAME_MAX + 1])
{
    struct span value = xml_attribute(a, "", name);

    if (value.length == 0 || value.length > CIMXML_NAME_MAX) {
        refuse_invalid(r, "a name is missing, or too long");
        return false;
    }
    memcpy(out, value.data, value.length);
    out[value.length] = '\0';
    return true;
}

/* One component, behind those before it. */
static void
take_namespace(struct reader *r, const struct xml_attributes *a)
{
    char *path = r->out->namespace;
    size_t length = strlen(path);
    char name[CIMXML_NAME_MAX + 1];

    if (!take_name(r, a, "NAME", name))
        return;
    if (strpbrk(name, "/\\") != NULL ||
        length + 1 + strlen(name) > NAMESPACE_PATH_MAX)
    {
        refuse_invalid(r, "NAMESPACE is not one component");
        return;
    }
    if (length > 0)
        path[length++] = '/';
    strcpy(path + length, name);
}

/* Two values of one parameter: which one counts, nobody knows. */
static void
take_parameter(struct reader *r, const struct xml_attributes *a)
{
    char name[CIMXML_NAME_MAX + 1];

    if (!take_name(r, a, "NAME", name))
        return;
    for (size_t i = 0; i < r->parameter_count; i++) {
        if (span_equal_nocase(span_of(r->parameters[i]), span_of(name)))
            refuse_invalid(r, "a parameter stands twice");
    }
    if (r->parameter_count == PARAMETERS_MAX)
        refuse_invalid(r, "there are more than 64 parameters");
    else
        strcpy(r->parameters[r->parameter_count++], name);
}

static void
check_version(struct reader *r, const struct xml_attributes *a,
              const char *name, struct span wanted, const char *error)
{
    if (!version_is(xml_attribute(a, "", name), wanted))
        refuse(r, 501, error, "a version in the message is not supported");
}

/* A reference names a namespace of its own; as a value it may (DSP0200
 * 5.3.2.19), as what is asked for it may not. */
static void
take_reference(struct reader *r)
{
    if (strcmp(r->out->method, "SetProperty") != 0)
        refuse_invalid(r, "a parameter is a path with its own namespace");
}

static void
take_place(struct reader *r, enum place place, const struct xml_attributes *a)
{
    switch (place) {
    case PLACE_CIM:
        check_version(r, a, "CIMVERSION", SPAN("2"),
                      "unsupported-cim-version");
        check_version(r, a, "DTDVERSION", SPAN("2"),
                      "unsupported-dtd-version");
        break;
    case PLACE_MESSAGE:
        check_version(r, a, "PROTOCOLVERSION", SPAN("1"),
                      "unsupported-protocol-version");
        break;
    case PLACE_INTRINSIC:
    case PLACE_EXTRINSIC:
        r->out->intrinsic = place == PLACE_INTRINSIC;
        take_name(r, a, "NAME", r->out->method);
        break;
    case PLACE_NAMESPACE:
        take_namespace(r, a);
        break;
    case PLACE_CLASS:
        take_name(r, a, "NAME", r->out->class_name);
        break;
    case PLACE_INSTANCE:
        take_name(r, a, "CLASSNAME", r->out->class_name);
        break;
    case PLACE_PARAMETER:
    case PLACE_PARAMETER_SKIPPED:
        take_parameter(r, a);
        break;
    case PLACE_REFERENCE:
        take_reference(r);
        break;
    case PLACE_MULTIPLE:
        refuse(r, 501, "multiple-requests-unsupported",
               "a message may hold one request only");
        break;
    case PLACE_EXPORT:
        refuse(r, 501, "unsupported-operation", "exports are not forwarded");
        break;
    case PLACE_DESTINATION:
        refuse(r, 501, "unsupported-operation",
               "an answer goes back the way its request came");
        break;
    default:
        break;
    }
}

/* -- events ------------------------------------------------------------------- */

/* Whatever is in it is the server's. */
static bool
is_skipped(enum place place)
{
    return place == PLACE_SKIPPED || place == PLACE_CORRELATOR ||
           place == PLACE_INSTANCE || place == PLACE_PARAMETER_SKIPPED ||
           place >= PLACE_REFERENCE;
}

static const struct place_row *
row_find(enum place within, const char *namespace, const char *name)
{
    for (size_t i = 0; namespace[0] == '\0' && i < ARRAY_COUNT(places); i++) {
        if (places[i].within == within && strcmp(places[i].name, name) == 0)
            return &places[i];
    }
    return NULL;
}

static void
on_start(void *arg, const char *namespace, const char *name,
         const struct xml_attributes *a)
{
    struct reader *r = arg;
    const struct place_row *row = NULL;
    enum place within = r->stack[r->depth].place;

    if (r->skipped > 0 || r->out->status != 0 || is_skipped(within)) {
        r->skipped++;
        return;
    }
    row = row_find(within, namespace, name);
    if (row == NULL || row->order < r->stack[r->depth].order ||
        (row->order == r->stack[r->depth].order && !row->many) ||
        r->depth + 1 == STACK_MAX)
    {
        refuse_invalid(r, "an element stands where DSP0203 has none");
        r->skipped++;
        return;
    }
    r->stack[r->depth].order = row->order;
    r->depth++;
    r->stack[r->depth].place = row->place;
    r->stack[r->depth].order = 0;
    take_place(r, row->place, a);
}

static void
on_end(void *arg)
{
    struct reader *r = arg;
    enum place place = r->stack[r->depth].place;

    if (r->skipped > 0) {
        r->skipped--;
        return;
    }
    if ((size_t)place < ARRAY_COUNT(needed) &&
        r->stack[r->depth].order < needed[place])
        refuse_invalid(r, "an element that DSP0203 needs is missing");
    r->depth--;
}

static bool
is_looked_at(const struct reader *r)
{
    return r->skipped == 0 && !is_skipped(r->stack[r->depth].place);
}

static void
on_text(void *arg, struct span text)
{
    struct reader *r = arg;

    if (is_looked_at(r) && !xml_is_blank(text))
        refuse_invalid(r, "text stands between elements");
}

static void
on_cdata(void *arg, struct span text)
{
    struct reader *r = arg;

    (void)text;
    if (is_looked_at(r))
        refuse_invalid(r, "text stands between elements");
}

static void
on_comment(void *arg)
{
    (void)arg;
}

static const struct xml_events events = {
    on_start, on_end, on_text, on_cdata, on_comment,
};

/* -- the document --------------------------------------------------------------- */

static void
read_text(struct reader *r, struct span text)
{
    static const struct {
        int status;
        const char *error;
    } rows[] = {
        [XML_RESULT_MALFORMED] = {400, "request-not-well-formed"},
        [XML_RESULT_TOO_MUCH] = {413, NULL},
        [XML_RESULT_NO_MEMORY] = {503, NULL},
    };
    const char *problem = NULL;
    enum xml_result result = xml_read(text, &events, r, &problem);

    if (result == XML_RESULT_OK)
        return;
    /* Before whatever was found in a part of it. */
    r->out->status = 0;
    refuse(r, rows[result].status, rows[result].error, problem);
}

void
message_read(struct span body, struct message *out)
{
    struct reader *r = calloc(1, sizeof(*r));
    struct buf text = BUF_INIT;
    enum xml_charset charset;
    const char *problem;

    memset(out, 0, sizeof(*out));
    if (r == NULL) {
        *out = (struct message){.status = 503, .problem = "out of memory"};
        return;
    }
    r->out = out;
    r->stack[0].place = PLACE_DOCUMENT;
    problem = body.length > XML_BYTES_MAX ? "the document is too large"
                                          : xml_decode(body, &charset, &text);
    if (body.length > XML_BYTES_MAX)
        refuse(r, 413, NULL, problem);
    else if (buf_failed(&text))
        refuse(r, 503, NULL, "out of memory");
    else if (problem != NULL)
        refuse(r, 400, "request-not-well-formed", problem);
    else if (charset != XML_CHARSET_UTF8)
        refuse(r, 400, "request-not-well-formed", "the document is not UTF-8");
    else
        read_text(r, buf_span(&text));
    buf_fini(&text);
    free(r);
}
