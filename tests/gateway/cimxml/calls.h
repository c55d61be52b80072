#ifndef TESTS_GATEWAY_CIMXML_CALLS_H
#define TESTS_GATEWAY_CIMXML_CALLS_H

#include "gateway/cimxml/cimxml.h"
#include "tests/support/support.h"

/* namespace: as "root\\cimv2"; its elements in out. */
void add_namespace_path(struct buf *out, const char *namespace);

/* The headers and the message of a call that agree, but for what the
 * arguments make different. */
bool call_intrinsic(const char *method, const char *object,
                    const char *namespace, struct cimxml_request *out);
bool call_extrinsic(const char *method, const char *object,
                    const char *namespace, const char *class_name,
                    struct cimxml_request *out);
/* Of GetClass in root\cimv2, with these headers. */
bool call_with(const struct cimxml_headers *headers,
               struct cimxml_request *out);
/* xml is the whole message; the headers are GetClass's, or those of method
 * Do of class Thing, in root\cimv2. */
bool call_text(const char *xml, struct cimxml_request *out);
bool call_method_text(const char *xml, struct cimxml_request *out);

#define CALL_BEGIN                                                            \
    "<CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\"><MESSAGE ID=\"1\" "           \
    "PROTOCOLVERSION=\"1.0\"><SIMPLEREQ>"
#define CALL_END "</SIMPLEREQ></MESSAGE></CIM>"
#define CIMV2                                                                 \
    "<LOCALNAMESPACEPATH><NAMESPACE NAME=\"root\"/><NAMESPACE "               \
    "NAME=\"cimv2\"/></LOCALNAMESPACEPATH>"
#define GET_CLASS "<IMETHODCALL NAME=\"GetClass\">" CIMV2

#endif
