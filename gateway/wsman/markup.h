#ifndef GATEWAY_WSMAN_MARKUP_H
#define GATEWAY_WSMAN_MARKUP_H

#include "policy/base/base.h"

/* libxml2 as a few plain events.  Names and namespaces live as long as the
 * call; a namespace is "" where there is none. */

struct markup_attributes;

/* namespace "": an attribute of no namespace.  Absent if there is none. */
struct span markup_attribute(const struct markup_attributes *a,
                             const char *namespace, const char *name);

struct markup_events {
    void (*start)(void *arg, const char *namespace, const char *name,
                  const struct markup_attributes *a);
    void (*end)(void *arg);
    void (*text)(void *arg, struct span text); /* perhaps in parts */
    void (*cdata)(void *arg, struct span text);
    void (*comment)(void *arg);
};

enum markup {
    MARKUP_MALFORMED = 0, /* also a document type, an instruction */
    MARKUP_NO_MEMORY,
    MARKUP_OK,
};

/* xml: UTF-8 without a declaration, at most INT_MAX bytes.  Events come until
 * the first error. */
enum markup markup_parse(struct span xml, const struct markup_events *events,
                         void *arg);

#endif
