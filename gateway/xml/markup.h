#ifndef GATEWAY_XML_MARKUP_H
#define GATEWAY_XML_MARKUP_H

#include "gateway/xml/xml.h"

/* libxml2 as a few plain events, without a look at the document before: it
 * may be UTF-8 without a declaration, at most INT_MAX bytes. */
enum xml_result markup_parse(struct span xml, const struct xml_events *events,
                             void *arg);

#endif
