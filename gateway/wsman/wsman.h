#ifndef GATEWAY_WSMAN_WSMAN_H
#define GATEWAY_WSMAN_WSMAN_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/base/base.h"

/*
 * WS-Management (DSP0226, MS-WSMV): what a SOAP envelope asks for, and the
 * envelopes that answer it.  Plain data in, plain data out; knows nothing of
 * HTTP, Kerberos or the policy.
 *
 *     wsman_init();                                 once, before the sandbox
 *     ...
 *     if (wsman_request_parse(body, &q) != WSMAN_PARSE_OK) {
 *         f.kind = q.fault;
 *         f.detail = q.problem;
 *         f.message_id = q.message_id;
 *         wsman_fault_format(&f, &out);             HTTP 500
 *     } else if (q.operation == WSMAN_IDENTIFY) {
 *         wsman_identify_format(&identity, &out);   HTTP 200
 *     } else {
 *         decide about q.namespace and q.access;
 *         denied: f.kind = WSMAN_FAULT_ACCESS_DENIED
 *     }
 *
 * The operation and the namespace come from the envelope alone.  An envelope
 * that another reader could understand differently is refused: a header that
 * stands twice, one for another role, a comment within a value, a namespace
 * that is named two ways.
 *
 * The XML is read without a DTD, without entities, without the network and
 * without opening a file; its size, depth and number of parts are bounded
 * before the parser sees it.
 */

#define WSMAN_CONTENT_TYPE "application/soap+xml;charset=UTF-8"

#define WSMAN_URI_MAX        1023
#define WSMAN_MESSAGE_ID_MAX 255
#define WSMAN_NAME_MAX       255
/* The callers' limits are far below. */
#define WSMAN_BYTES_MAX (16 << 20)

/* -- faults (DSP0226 14.6, SOAP 1.2 part 1 5.4) --------------------------- */

enum wsman_fault_kind {
    WSMAN_FAULT_INTERNAL = 0,      /* w:InternalError */
    WSMAN_FAULT_UNAVAILABLE,       /* wsa:EndpointUnavailable: try later */
    WSMAN_FAULT_ACCESS_DENIED,     /* w:AccessDenied */
    WSMAN_FAULT_SCHEMA,            /* w:SchemaValidationError */
    WSMAN_FAULT_VERSION,           /* s:VersionMismatch: not SOAP 1.2 */
    WSMAN_FAULT_NOT_UNDERSTOOD,    /* s:MustUnderstand */
    WSMAN_FAULT_INVALID_HEADER,    /* wsa:InvalidMessageInformationHeader */
    WSMAN_FAULT_HEADER_REQUIRED,   /* wsa:MessageInformationHeaderRequired */
    WSMAN_FAULT_INVALID_SELECTORS, /* w:InvalidSelectors */
    WSMAN_FAULT_RESOURCE,          /* wsa:DestinationUnreachable and
                                       InvalidResourceURI; also for an unknown
                                       namespace */
    WSMAN_FAULT_ADDRESSING,        /* w:UnsupportedFeature: an answer to
                                       somebody else */
    WSMAN_FAULT_ACTION,            /* wsa:ActionNotSupported */
    WSMAN_FAULT_ENCODING,          /* w:EncodingLimit: a limit was exceeded */
};

struct wsman_fault {
    enum wsman_fault_kind kind;
    /* Texts are UTF-8; what XML cannot carry is replaced.  NULL or empty ones
     * are left out. */
    const char *detail;     /* for people */
    const char *message_id; /* the request's: RelatesTo */
    const char *answer_id;  /* the answer's own, a URI ("uuid:...") */
    const char *machine;    /* who answers, for WSManFault */
    const char *action;     /* of the request, told for ACTION */
};

/* "AccessDenied", for records. */
const char *wsman_fault_name(enum wsman_fault_kind kind);
/* Appends a whole envelope.  False: out of memory. */
bool wsman_fault_format(const struct wsman_fault *f, struct buf *out);

struct wsman_identity {
    const char *vendor, *version;
    /* A request for Identify has none, as a rule. */
    const char *message_id;
};

/* wsmid:IdentifyResponse (DSP0226 11).  False: out of memory. */
bool wsman_identify_format(const struct wsman_identity *identity,
                           struct buf *out);

/* -- requests ------------------------------------------------------------- */

enum wsman_operation {
    WSMAN_OTHER = 0, /* an action nobody here knows */
    WSMAN_IDENTIFY,
    WSMAN_GET,
    WSMAN_PUT,
    WSMAN_CREATE,
    WSMAN_DELETE,
    WSMAN_ENUMERATE,
    WSMAN_PULL,
    WSMAN_RELEASE,
    WSMAN_RENEW,
    WSMAN_GET_STATUS,
    WSMAN_SUBSCRIBE,
    WSMAN_UNSUBSCRIBE,
    WSMAN_INVOKE, /* <ResourceURI>/<method> */
};

/* What must be allowed for it; zero is what needs most. */
enum wsman_access {
    WSMAN_ACCESS_WRITE = 0,
    WSMAN_ACCESS_READ,
    WSMAN_ACCESS_DISCOVER,
};

struct wsman_request {
    enum wsman_operation operation;
    enum wsman_access access;
    char action[WSMAN_URI_MAX + 1];       /* empty for Identify */
    char resource_uri[WSMAN_URI_MAX + 1]; /* empty for Identify */
    char message_id[WSMAN_MESSAGE_ID_MAX + 1];
    /* Zeroed for Identify, which asks for no namespace. */
    struct namespace_path namespace;
    char class_name[WSMAN_NAME_MAX + 1]; /* "*": all of the namespace */
    char method[WSMAN_NAME_MAX + 1];     /* INVOKE */

    /* When it was refused; everything above but message_id is empty then. */
    enum wsman_fault_kind fault;
    const char *problem; /* a literal, one sentence without its point */
};

enum wsman_parse {
    WSMAN_PARSE_REFUSED = 0, /* fault and problem say why */
    WSMAN_PARSE_OK,
};

/* Prepares the XML library for this process; wsman_request_parse does it too
 * if it was not done. */
void wsman_init(void);

/*
 * xml: UTF-8, or UTF-16 with a byte order mark; SOAP 1.2.  Needed are
 * wsa:Action, wsa:MessageID and w:ResourceURI, or nothing but an Identify in
 * the body.  The namespace is that of
 *
 *     http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/CLASS   or *
 *     http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CLASS          or *
 *     http://schemas.dmtf.org/wbem/wscim/1/ *
 *
 * where the last two name it in the selector __cimnamespace; without one it
 * is root/cimv2.  Other resources are refused, unknown actions are not: they
 * are WSMAN_OTHER and need WSMAN_ACCESS_WRITE.
 */
enum wsman_parse wsman_request_parse(struct span xml,
                                     struct wsman_request *out);

#endif
