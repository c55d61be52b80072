#include "gateway/xml/markup.h"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <string.h>

#include "gateway/xml/shape.h"

/* -- attributes ----------------------------------------------------------- */

/* As libxml2 hands them over: name, prefix, namespace, and where the value
 * begins and ends. */
#define ATTRIBUTE_FIELDS 5

struct xml_attributes {
    const xmlChar **fields;
    int count;
};

static const char *
text_or_empty(const xmlChar *text)
{
    return text != NULL ? (const char *)text : "";
}

struct span
xml_attribute(const struct xml_attributes *a, const char *namespace,
              const char *name)
{
    for (int i = 0; i < a->count; i++) {
        const xmlChar **f = a->fields + (size_t)i * ATTRIBUTE_FIELDS;

        if (strcmp(text_or_empty(f[0]), name) == 0 &&
            strcmp(text_or_empty(f[2]), namespace) == 0)
            return (struct span){(const char *)f[3], (size_t)(f[4] - f[3])};
    }
    return (struct span){NULL, 0};
}

/* -- events --------------------------------------------------------------- */

struct markup_reader {
    const struct xml_events *events;
    void *arg;
    xmlParserCtxtPtr parser;
    bool forbidden;
    bool begun;   /* the root element */
    size_t depth; /* that has not ended */
};

static void
on_start(void *context, const xmlChar *name, const xmlChar *prefix,
         const xmlChar *namespace, int namespace_count,
         const xmlChar **namespaces, int attribute_count, int default_count,
         const xmlChar **attributes)
{
    struct markup_reader *r = context;
    const struct xml_attributes a = {attributes, attribute_count};

    (void)prefix;
    (void)namespace_count;
    (void)namespaces;
    (void)default_count;
    r->begun = true;
    r->depth++;
    r->events->start(r->arg, text_or_empty(namespace), text_or_empty(name),
                     &a);
}

static void
on_end(void *context, const xmlChar *name, const xmlChar *prefix,
       const xmlChar *namespace)
{
    struct markup_reader *r = context;

    (void)name;
    (void)prefix;
    (void)namespace;
    r->depth--;
    r->events->end(r->arg);
}

static struct span
span_of_text(const xmlChar *text, int length)
{
    return (struct span){(const char *)text, length > 0 ? (size_t)length : 0};
}

static void
on_text(void *context, const xmlChar *text, int length)
{
    struct markup_reader *r = context;

    r->events->text(r->arg, span_of_text(text, length));
}

static void
on_cdata(void *context, const xmlChar *text, int length)
{
    struct markup_reader *r = context;

    r->events->cdata(r->arg, span_of_text(text, length));
}

static void
on_comment(void *context, const xmlChar *text)
{
    struct markup_reader *r = context;

    (void)text;
    r->events->comment(r->arg);
}

/* Before the declarations in it are read. */
static void
on_doctype(void *context, const xmlChar *name, const xmlChar *public_id,
           const xmlChar *system_id)
{
    struct markup_reader *r = context;

    (void)name;
    (void)public_id;
    (void)system_id;
    r->forbidden = true;
    xmlStopParser(r->parser);
}

static void
on_instruction(void *context, const xmlChar *target, const xmlChar *data)
{
    struct markup_reader *r = context;

    (void)target;
    (void)data;
    r->forbidden = true;
    xmlStopParser(r->parser);
}

/* XML's own five; all others are undeclared, and that is an error. */
static xmlEntityPtr
on_entity(void *context, const xmlChar *name)
{
    (void)context;
    return xmlGetPredefinedEntity(name);
}

/* -- the library ---------------------------------------------------------- */

#if LIBXML_VERSION >= 21200
typedef const xmlError *error_pointer;
#else
typedef xmlErrorPtr error_pointer;
#endif

static void
quiet(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
}

static void
quiet_error(void *context, error_pointer error)
{
    (void)context;
    (void)error;
}

static xmlParserInputPtr
no_entity(const char *url, const char *id, xmlParserCtxtPtr context)
{
    (void)url;
    (void)id;
    (void)context;
    return NULL;
}

/* What the library keeps for the whole process: it is silent and loads
 * nothing. */
void
xml_init(void)
{
    static bool done;

    if (done)
        return;
    xmlInitParser();
    xmlSetGenericErrorFunc(NULL, quiet);
    xmlSetStructuredErrorFunc(NULL, quiet_error);
    xmlSetExternalEntityLoader(no_entity);
    done = true;
}

static const xmlSAXHandler handlers = {
    .initialized = XML_SAX2_MAGIC,
    .startElementNs = on_start,
    .endElementNs = on_end,
    .characters = on_text,
    .ignorableWhitespace = on_text,
    .cdataBlock = on_cdata,
    .comment = on_comment,
    .internalSubset = on_doctype,
    .processingInstruction = on_instruction,
    .getEntity = on_entity,
    .serror = quiet_error,
};

enum xml_result
markup_parse(struct span xml, const struct xml_events *events, void *arg)
{
    const int options = XML_PARSE_NONET | XML_PARSE_IGNORE_ENC |
                        XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
    struct markup_reader r = {.events = events, .arg = arg};
    enum xml_result result = XML_RESULT_OK;
    xmlParserCtxtPtr parser;

    xml_init();
    parser = xmlNewParserCtxt();
    if (parser == NULL)
        return XML_RESULT_NO_MEMORY;
    r.parser = parser;
    *parser->sax = handlers;
    parser->userData = &r;
    xmlFreeDoc(xmlCtxtReadMemory(parser, xml.data, (int)xml.length, NULL,
                                 "UTF-8", options));
    if (parser->errNo == XML_ERR_NO_MEMORY)
        result = XML_RESULT_NO_MEMORY;
    else if (r.forbidden || !parser->wellFormed || !parser->nsWellFormed)
        result = XML_RESULT_MALFORMED;
    else if (!r.begun || r.depth != 0)
        result = XML_RESULT_NO_MEMORY; /* of which it said nothing */
    xmlFreeParserCtxt(parser);
    return result;
}

enum xml_result
xml_read(struct span text, const struct xml_events *events, void *arg,
         const char **problem_out)
{
    enum xml_result result = XML_RESULT_MALFORMED;
    enum shape shape = shape_check(text, problem_out);

    if (shape == SHAPE_TOO_MUCH)
        return XML_RESULT_TOO_MUCH;
    if (shape == SHAPE_OK)
        result = markup_parse(text, events, arg);
    if (shape == SHAPE_OK && result != XML_RESULT_OK)
        *problem_out = result == XML_RESULT_NO_MEMORY
                           ? "out of memory"
                           : "the XML is not well-formed";
    return result;
}
