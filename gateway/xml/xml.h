#ifndef GATEWAY_XML_XML_H
#define GATEWAY_XML_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/base/base.h"

/*
 * XML from strangers, read as events and never held as a tree, and the bits
 * that answers are written with.  What it means is for whoever asks: this
 * knows no protocol.
 *
 *     xml_init();                                  once, before the sandbox
 *     ...
 *     problem = xml_decode(body, &charset, &text);
 *     if (problem == NULL)
 *         result = xml_read(buf_span(&text), &events, arg, &problem);
 *
 * There is no document type, no entity but XML's own five, no processing
 * instruction, no network and no file; size, depth and number of parts are
 * bounded before the parser sees any of it (threat 32).
 */

/* The callers' limits are far below. */
#define XML_BYTES_MAX (16 << 20)

/* Prepares the library for this process; reading does it too if it was not
 * done. */
void xml_init(void);

/* -- the document ---------------------------------------------------------- */

enum xml_charset {
    XML_CHARSET_UNKNOWN = 0,
    XML_CHARSET_UTF8,
    XML_CHARSET_UTF16,
};

/* "UTF-16"; unknown is UTF-8. */
const char *xml_charset_name(enum xml_charset charset);

/*
 * Brings a document into the one form that the parser is given: UTF-8,
 * without byte order mark and XML declaration.  So the parser has no encoding
 * to choose, and no converter is loaded for it.
 *
 * NULL, or what is wrong; *charset_out in either case is what its first bytes
 * say.  Running out of memory shows in out.
 */
const char *xml_decode(struct span bytes, enum xml_charset *charset_out,
                       struct buf *out);

/* Appends text, which is UTF-8, in a charset; UTF-16 is little endian with
 * its mark.  False: out of memory. */
bool xml_encode(enum xml_charset charset, struct span text, struct buf *out);

/* -- reading --------------------------------------------------------------- */

struct xml_attributes;

/* namespace "": an attribute of no namespace.  Absent if there is none. */
struct span xml_attribute(const struct xml_attributes *a,
                          const char *namespace, const char *name);

/* Names and namespaces live as long as the call; a namespace is "" where
 * there is none. */
struct xml_events {
    void (*start)(void *arg, const char *namespace, const char *name,
                  const struct xml_attributes *a);
    void (*end)(void *arg);
    void (*text)(void *arg, struct span text); /* perhaps in parts */
    void (*cdata)(void *arg, struct span text);
    void (*comment)(void *arg);
};

enum xml_result {
    XML_RESULT_MALFORMED = 0, /* also a document type, an instruction */
    XML_RESULT_TOO_MUCH,      /* a limit */
    XML_RESULT_NO_MEMORY,
    XML_RESULT_OK,
};

/* text: as xml_decode leaves it.  Events come until the first error.
 * problem_out: a literal, unless OK. */
enum xml_result xml_read(struct span text, const struct xml_events *events,
                         void *arg, const char **problem_out);

/* White space only. */
bool xml_is_blank(struct span text);

/* -- writing; running out of memory shows in out ---------------------------- */

/* For an element's or an attribute's value; what XML cannot carry (XML 1.0
 * 2.2) is replaced by U+FFFD. */
void xml_add_text(struct buf *out, struct span text);
/* A CIM name as a part of an element's name: what an XML name cannot hold is
 * written _xHHHH_ (DSP0230 7.1). */
void xml_add_name(struct buf *out, struct span name);
/* <name>value</name>; nothing if value is NULL or empty. */
void xml_add_element(struct buf *out, const char *name, const char *value);

#endif
