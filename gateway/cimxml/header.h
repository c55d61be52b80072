#ifndef GATEWAY_CIMXML_HEADER_H
#define GATEWAY_CIMXML_HEADER_H

#include "gateway/cimxml/cimxml.h"

/* Fills namespace, method and object of out as the header has them; false:
 * refused. */
bool header_read(const struct cimxml_headers *headers,
                 struct cimxml_request *out);

/* The class of out->object, absent if there is none. */
struct span header_class(const struct cimxml_request *q);

/* "1.0" to "1.9...9" if 1 is wanted. */
bool version_is(struct span version, struct span wanted);

/* Always false. */
bool request_refuse(struct cimxml_request *out, int status, const char *error,
                    const char *problem);

#endif
