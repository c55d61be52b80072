#ifndef GATEWAY_WSMAN_WSMAN_H
#define GATEWAY_WSMAN_WSMAN_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/xml/xml.h"
#include "policy/base/base.h"
#include "policy/repository/repository.h"

/*
 * WS-Management (DSP0226, MS-WSMV): what a SOAP envelope asks for, and the
 * envelopes that answer it.  Plain data in, plain data out; knows the
 * repository, and nothing of HTTP, Kerberos or the policy.
 *
 *     xml_init();                                   once, before the sandbox
 *     ...
 *     if (wsman_request_parse(body, &told, &q) != WSMAN_PARSE_OK) {
 *         f.kind = q.fault;
 *         f.detail = q.problem;
 *         f.message_id = q.message_id;
 *         wsman_fault_format(&f, &out);             HTTP 500
 *     } else if (q.operation == WSMAN_IDENTIFY) {
 *         wsman_identify_format(&identity, &out);   HTTP 200
 *     } else {
 *         decide about q.namespace and q.access;
 *         denied: f.kind = WSMAN_FAULT_ACCESS_DENIED
 *         allowed: wsman_answer(repository, &q, &options, &out, &refusal)
 *     }
 *
 * The operation and the namespace come from the envelope alone.  An envelope
 * that another reader could understand differently is refused: a header that
 * stands twice, one for another role, a comment within a value, a namespace
 * that is named two ways.
 *
 * The XML is read as gateway/xml reads it.
 */

#define WSMAN_URI_MAX        1023
#define WSMAN_MESSAGE_ID_MAX 255
#define WSMAN_NAME_MAX       255

/* -- what HTTP says of an envelope ----------------------------------------- */

/* "application/soap+xml;charset=UTF-16" */
const char *wsman_content_type(enum xml_charset charset);

struct wsman_content_type {
    enum xml_charset charset; /* UNKNOWN: it does not say */
    struct span action;       /* into what was parsed; absent: none */
};

/* application/soap+xml (RFC 3902).  False for anything else, another charset
 * and what can be read in two ways. */
bool wsman_content_type_parse(struct span value,
                              struct wsman_content_type *out);

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
    WSMAN_FAULT_NOT_FOUND,         /* wsa:DestinationUnreachable: the resource
                                       is known and there is no such instance */
    WSMAN_FAULT_UNSUPPORTED,       /* w:UnsupportedFeature */
    WSMAN_FAULT_FRAGMENT,          /* the same: a part of an object */
    WSMAN_FAULT_OPTIONS,           /* w:InvalidOptions */
    WSMAN_FAULT_FILTERING,         /* wsen:FilteringNotSupported */
    WSMAN_FAULT_CONTEXT,           /* wsen:InvalidEnumerationContext */
    WSMAN_FAULT_POLYMORPHISM,      /* wsmb:PolymorphismModeNotSupported */
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

#define WSMAN_SELECTORS_MAX     32
#define WSMAN_SELECTOR_TEXT_MAX 8192 /* of all names and values */

/* Without __cimnamespace. */
struct wsman_selectors {
    size_t count;
    struct wsman_selector {
        size_t name, value; /* where in text; NUL-terminated each */
    } items[WSMAN_SELECTORS_MAX];
    size_t used;
    char text[WSMAN_SELECTOR_TEXT_MAX];
};

struct wsman_refusal {
    enum wsman_fault_kind fault;
    const char *problem; /* a literal, one sentence without its point */
};

enum wsman_items {
    WSMAN_ITEMS_OBJECT = 0,
    WSMAN_ITEMS_EPR,
    WSMAN_ITEMS_BOTH,
};

/* Of Enumerate, Pull and Release (DSP0226 8). */
struct wsman_enumeration {
    bool optimize; /* the first items come with Enumerate's answer */
    enum wsman_items items;
    size_t max_elements;   /* at least 1 */
    size_t max_characters; /* 0: not said */
    int64_t after;         /* of the context: the last row that was sent */
};

struct wsman_request {
    enum xml_charset charset; /* the document's, and so the answer's */
    enum wsman_operation operation;
    enum wsman_access access;
    char action[WSMAN_URI_MAX + 1];       /* empty for Identify */
    char resource_uri[WSMAN_URI_MAX + 1]; /* empty for Identify */
    char message_id[WSMAN_MESSAGE_ID_MAX + 1];
    char to[WSMAN_URI_MAX + 1]; /* empty: not said */
    /* Zeroed for Identify, which asks for no namespace. */
    struct namespace_path namespace;
    char class_name[WSMAN_NAME_MAX + 1]; /* "*": all of the namespace */
    bool wmi;                            /* Windows' form of the URI */
    char method[WSMAN_NAME_MAX + 1];     /* INVOKE */
    size_t envelope_max;                 /* MaxEnvelopeSize; 0: not said */
    struct wsman_selectors selectors;
    struct wsman_enumeration enumeration;
    /* What it asks for is understood and is not there, as a filter: it is for
     * wsman_answer to say so, once it is decided that it may.  problem NULL:
     * nothing of the kind. */
    struct wsman_refusal later;

    /* When it was refused; everything above but charset, message_id and to is
     * empty then. */
    enum wsman_fault_kind fault;
    const char *problem; /* a literal, one sentence without its point */
};

enum wsman_parse {
    WSMAN_PARSE_REFUSED = 0, /* fault and problem say why */
    WSMAN_PARSE_OK,
};

/*
 * xml: UTF-8, or UTF-16 with a byte order mark; SOAP 1.2.  What was told of
 * it outside has to be so.  Needed are wsa:Action, wsa:MessageID and
 * w:ResourceURI, or nothing but an Identify in the body.  The namespace is
 * that of
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
                                     const struct wsman_content_type *told,
                                     struct wsman_request *out);

/*
 * The same of a request that another server will answer.  What that server
 * has to understand is its own business: headers that cannot change what is
 * asked for, options, filters, contexts.  But it must be certain which
 * namespace is asked for: without __cimnamespace the last two forms are
 * refused, since the server's default is not known here, and so is a filter
 * that starts from an object of another namespace.
 */
enum wsman_parse wsman_forwarded_parse(struct span xml,
                                       const struct wsman_content_type *told,
                                       struct wsman_request *out);

/* -- answers (DSP0226 7 and 8, DSP0227, DSP0230) ---------------------------- */

struct wsman_answer_options {
    const char *answer_id; /* the answer's own, a URI */
    size_t bytes_max;      /* of the whole envelope in q's charset */
    size_t items_max;      /* in one, whatever is asked for */
};

enum wsman_answer {
    WSMAN_ANSWER_FAILED = 0, /* the store failed, or memory is out */
    WSMAN_ANSWER_REFUSED,
    WSMAN_ANSWER_OK,
};

/*
 * Answers Get, Enumerate, Pull and Release; other operations are refused with
 * WSMAN_FAULT_ACTION.  To be called within a read transaction, which is all
 * that it sees: an enumeration is a position, kept by the client and by
 * nobody here.  Appends a whole envelope in UTF-8, or nothing.
 */
enum wsman_answer wsman_answer(struct repository *repo,
                               const struct wsman_request *q,
                               const struct wsman_answer_options *options,
                               struct buf *out,
                               struct wsman_refusal *refusal_out);

#endif
