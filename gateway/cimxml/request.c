/* Header and body together, and what the method does. */
#include "gateway/cimxml/cimxml.h"

#include <string.h>

#include "gateway/cimxml/header.h"
#include "gateway/cimxml/message.h"

/* DSP0200 5.3.2 and 5.3.3 (pulled enumerations): what changes nothing that is
 * managed.  All others write, and so do methods of classes, whatever their
 * names. */
static const char *const reading[] = {
    "AssociatorNames",
    "Associators",
    "CloseEnumeration",
    "EnumerateClassNames",
    "EnumerateClasses",
    "EnumerateInstanceNames",
    "EnumerateInstances",
    "EnumerateQualifiers",
    "EnumerationCount",
    "ExecQuery",
    "GetClass",
    "GetInstance",
    "GetProperty",
    "GetQualifier",
    "OpenAssociatorInstancePaths",
    "OpenAssociatorInstances",
    "OpenEnumerateInstancePaths",
    "OpenEnumerateInstances",
    "OpenQueryInstances",
    "OpenReferenceInstancePaths",
    "OpenReferenceInstances",
    "PullInstancePaths",
    "PullInstances",
    "PullInstancesWithPath",
    "ReferenceNames",
    "References",
};

static bool
is_reading(const struct message *m)
{
    for (size_t i = 0; m->intrinsic && i < ARRAY_COUNT(reading); i++) {
        if (strcmp(m->method, reading[i]) == 0)
            return true;
    }
    return false;
}

static bool
mismatch(struct cimxml_request *out, const char *problem)
{
    return request_refuse(out, 400, "header-mismatch", problem);
}

/* DSP0200 6.3.6 and 6.3.7. */
static bool
check_same(const struct message *m, struct cimxml_request *out)
{
    struct namespace_path namespace;

    if (!namespace_path_from_url(&namespace, span_of(m->namespace)))
        return request_refuse(out, 400, "request-not-valid",
                              "the message names no namespace below root");
    if (strcmp(m->method, out->method) != 0)
        return mismatch(out, "CIMMethod is not the method of the message");
    if (!namespace_path_equal(&namespace, &out->namespace))
        return mismatch(out, "CIMObject is not the namespace of the message");
    if (m->intrinsic != (out->object[0] == '\0'))
        return mismatch(out, "CIMObject is not the object of the message");
    if (!m->intrinsic &&
        !span_equal_nocase(header_class(out), span_of(m->class_name)))
        return mismatch(out, "CIMObject is not the class of the message");
    return true;
}

bool
cimxml_request_parse(const struct cimxml_headers *headers, struct span body,
                     struct cimxml_request *out)
{
    struct message m;

    memset(out, 0, sizeof(*out));
    if (!header_read(headers, out))
        return false;
    message_read(body, &m);
    if (m.status != 0)
        return request_refuse(out, m.status, m.error, m.problem);
    if (!check_same(&m, out))
        return false;
    out->intrinsic = m.intrinsic;
    out->read = is_reading(&m);
    return true;
}
