#ifndef GATEWAY_CIMXML_CIMXML_H
#define GATEWAY_CIMXML_CIMXML_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/base/base.h"

/*
 * CIM-XML (DSP0200 CIM Operations over HTTP, DSP0201 and DSP0203): which
 * method an operation request calls in which namespace, by its header and by
 * its body, which have to say the same.  Plain data in, plain data out; knows
 * nothing of HTTP, Kerberos or the policy, and reads no more of a request
 * than that.
 *
 *     if (!cimxml_request_parse(&headers, body, &q))
 *         q.status, q.error (the value of CIMError) and q.problem say why
 *     else
 *         decide about q.namespace and q.read; a server is then told
 *         cimxml_object_format(&q, &object) as CIMObject, and body as it is
 *
 * A request that another reader could understand differently is refused: an
 * element or an attribute in another place than DSP0203's, two namespace
 * paths, text between elements, a namespace that has two spellings.
 */

#define CIMXML_NAME_MAX   255
#define CIMXML_OBJECT_MAX 4096

/* One header line's value, and how many lines have the name. */
struct cimxml_header {
    struct span value;
    unsigned count;
};

struct cimxml_headers {
    struct cimxml_header operation; /* CIMOperation */
    struct cimxml_header method;    /* CIMMethod */
    struct cimxml_header object;    /* CIMObject */
    struct cimxml_header protocol;  /* CIMProtocolVersion; may be absent */
    struct cimxml_header batch;     /* CIMBatch */
    struct cimxml_header export_;   /* CIMExport */
};

struct cimxml_request {
    struct namespace_path namespace;
    char method[CIMXML_NAME_MAX + 1];
    bool read;      /* false is what needs most */
    bool intrinsic; /* IMETHODCALL */
    /* What follows the namespace in CIMObject, percent-decoded, with its
     * colon; empty for an intrinsic method. */
    char object[CIMXML_OBJECT_MAX + 1];

    /* When it was refused; everything above is empty then. */
    int status;          /* of HTTP */
    const char *error;   /* CIMError (DSP0200 7.3); NULL: none */
    const char *problem; /* a literal, one sentence without its point */
};

/* True for application/xml and text/xml, in UTF-8 if a charset is said
 * (DSP0200 6.4); anything else cannot be read. */
bool cimxml_content_type_is_good(struct span value);

bool cimxml_request_parse(const struct cimxml_headers *headers,
                          struct span body, struct cimxml_request *out);

/* CIMObject in the one spelling of the namespace that was decided about,
 * percent-encoded.  False: out of memory. */
bool cimxml_object_format(const struct cimxml_request *q, struct buf *out);

#endif
