#ifndef GATEWAY_XML_SHAPE_H
#define GATEWAY_XML_SHAPE_H

#include "gateway/xml/xml.h"

/*
 * A document's limits, looked at in one pass before a parser works on it: a
 * parser's cost grows with the square of some of these.  Also what SOAP
 * forbids anyway (SOAP 1.2 part 1 5): document types, processing
 * instructions, and with them every entity but XML's own five.
 *
 * It is no parser: what is well-formed passes if it keeps the limits, and
 * much that is not passes too.
 */
#define SHAPE_DEPTH_MAX      64
#define SHAPE_ELEMENTS_MAX   32768
#define SHAPE_ATTRIBUTES_MAX 32 /* of one element */
#define SHAPE_NAMESPACES_MAX 256

enum shape {
    SHAPE_MALFORMED = 0,
    SHAPE_TOO_MUCH, /* a limit */
    SHAPE_OK,
};

/* problem_out: a literal, unless OK. */
enum shape shape_check(struct span xml, const char **problem_out);

#endif
