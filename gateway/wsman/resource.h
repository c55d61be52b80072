#ifndef GATEWAY_WSMAN_RESOURCE_H
#define GATEWAY_WSMAN_RESOURCE_H

#include "gateway/wsman/wsman.h"

/* selector: __cimnamespace, absent if there is none.  Fills namespace and
 * class_name of out, or fault and problem.  forwarded: the default namespace
 * is another server's, and not known. */
bool resource_read(struct span uri, struct span selector, bool forwarded,
                   struct wsman_request *out);

/* A class or method: a MOF identifier (DSP0004 A.1). */
bool resource_is_identifier(struct span name);

/* An absolute URI of visible characters, or beyond ASCII. */
bool resource_is_uri(struct span uri);

#endif
