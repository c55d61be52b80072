#ifndef GATEWAY_WSMAN_ENVELOPE_H
#define GATEWAY_WSMAN_ENVELOPE_H

#include "gateway/wsman/body.h"

/* The headers that are known here; the order is envelope.c's table's. */
enum header_id {
    HEADER_ACTION,
    HEADER_MESSAGE_ID,
    HEADER_RESOURCE_URI,
    HEADER_SELECTORS,
    HEADER_REPLY_TO,
    HEADER_FAULT_TO,
    HEADER_ENVELOPE_MAX,
    HEADER_OPTIONS,
    HEADER_FRAGMENT,
    HEADER_TO,
    HEADER_OTHER_KNOWN, /* the first of those that are only understood */
};

#define HEADERS_MAX 32

/* What a SOAP envelope says, before anybody asks what it means. */
struct envelope {
    bool forwarded; /* it is another server that answers */
    enum wsman_fault_kind fault;
    const char *problem; /* the first; NULL: none */

    bool seen[HEADERS_MAX]; /* by header_id */
    bool has_namespace;     /* the selector __cimnamespace */
    enum body_id body;
    bool has_context; /* an enumeration's body has one */
    char action[WSMAN_URI_MAX + 1];
    char resource_uri[WSMAN_URI_MAX + 1];
    char to[WSMAN_URI_MAX + 1];
    char message_id[WSMAN_MESSAGE_ID_MAX + 1];
    char namespace[NAMESPACE_PATH_MAX + 1];
    size_t envelope_max; /* 0: not said */
    struct wsman_selectors selectors;
    struct wsman_enumeration enumeration;
    struct wsman_refusal later; /* the first */

    /* Of an object that the body of a forwarded request names. */
    size_t object_uris, object_namespaces;
    char object_uri[WSMAN_URI_MAX + 1];
    char object_namespace[NAMESPACE_PATH_MAX + 1];
};

/* xml: as text_read and shape_check leave it. */
void envelope_read(struct span xml, bool forwarded, struct envelope *out);

#endif
