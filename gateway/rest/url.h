#ifndef GATEWAY_REST_URL_H
#define GATEWAY_REST_URL_H

#include "gateway/rest/node.h"

/* What the gateway takes as a request's target. */
#define URL_MAX 8191

/*
 * The URLs that answers carry, relative to the host (RFC 3986 4.2), in the
 * one form that rest_target_parse takes back: canonical namespace, the
 * class's own spelling, the canonical key; everything but unreserved
 * characters and '=' ',' '@' percent-encoded as UTF-8.
 */
void url_add_namespace(struct buf *out, const struct namespace_path *ns);
void url_add_class(struct buf *out, const struct namespace_path *ns,
                   struct span class_name);
/* False, and nothing appended, if no URL can name the instance: its key or
 * it is too long, or the key holds a control character or malformed UTF-8. */
bool url_add_instance(struct buf *out, const struct namespace_path *ns,
                      struct span class_name, struct span key);

#endif
