#ifndef GATEWAY_WSMAN_XML_H
#define GATEWAY_WSMAN_XML_H

#include "gateway/wsman/wsman.h"

/* Writing XML; running out of memory shows in out. */

/* For an element's or an attribute's value; what XML cannot carry (XML 1.0
 * 2.2) is replaced by U+FFFD. */
void xml_add_text(struct buf *out, struct span text);
/* A CIM name as a part of an element's name: what an XML name cannot hold is
 * written _xHHHH_ (DSP0230 7.1). */
void xml_add_name(struct buf *out, struct span name);
/* <name>value</name>; nothing if value is NULL or empty. */
void xml_add_element(struct buf *out, const char *name, const char *value);

/* The envelope's start and its header, to the start of the body.  Prefixes:
 * s SOAP, a addressing, w WS-Management, n enumeration, b CIM binding. */
void xml_begin(struct buf *out, const char *action, const char *answer_id,
               const char *relates_to);
void xml_end(struct buf *out);
/* Bytes of xml_end. */
#define XML_END_BYTES (sizeof("</s:Body></s:Envelope>") - 1)

#endif
