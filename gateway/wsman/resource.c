/* From a ResourceURI and a selector to one canonical namespace (DSP0227 7,
 * MS-WSMV 2.2.4.2). */
#include "gateway/wsman/resource.h"

#include <string.h>

#include "gateway/wsman/names.h"

#define DEFAULT_PATH "root/cimv2"

static bool
resource_refuse(struct wsman_request *out, enum wsman_fault_kind fault,
                const char *problem)
{
    out->fault = fault;
    out->problem = problem;
    return false;
}

bool
resource_is_identifier(struct span name)
{
    if (name.length == 0 || name.length > WSMAN_NAME_MAX ||
        ascii_is_digit(name.data[0]))
        return false;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];

        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '_' &&
            (unsigned char)c < 0x80)
            return false;
    }
    return true;
}

bool
resource_is_uri(struct span uri)
{
    size_t i = 0;

    while (i < uri.length && (ascii_is_alpha(uri.data[i]) ||
                              (i > 0 && (ascii_is_digit(uri.data[i]) ||
                                         strchr("+-.", uri.data[i])))))
        i++;
    if (i == 0 || i + 1 >= uri.length || uri.data[i] != ':')
        return false;
    for (; i < uri.length; i++) {
        char c = uri.data[i];

        if ((unsigned char)c <= ' ' || c == 0x7f ||
            strchr("<>\"{}|\\^`", c) != NULL)
            return false;
    }
    return true;
}

static bool
cut_prefix(struct span uri, const char *prefix, struct span *rest_out)
{
    size_t length = strlen(prefix);

    if (uri.length < length || memcmp(uri.data, prefix, length) != 0)
        return false;
    *rest_out = span_skip(uri, length);
    return true;
}

static bool
take_class(struct span name, struct wsman_request *out)
{
    if (!span_equal(name, SPAN("*")) && !resource_is_identifier(name))
        return resource_refuse(out, WSMAN_FAULT_RESOURCE,
                               "the ResourceURI names no class");
    memcpy(out->class_name, name.data, name.length);
    out->class_name[name.length] = '\0';
    return true;
}

static bool
take_namespace(struct span path, struct wsman_request *out)
{
    if (!namespace_path_from_url(&out->namespace, path))
        return resource_refuse(out, WSMAN_FAULT_RESOURCE,
                               "the namespace is malformed");
    return true;
}

/* The owner of a schema may give its classes a URI of the same shape under
 * its own name (DSP0227 6): http://schemas.example.com/wbem/wscim/... */
static bool
cut_owner(struct span uri, struct span *rest_out)
{
    struct span host;
    size_t length = 0;

    if (!cut_prefix(uri, "http://", &host) &&
        !cut_prefix(uri, "https://", &host))
        return false;
    while (length < host.length && host.data[length] != '/')
        length++;
    return length > 0 &&
           cut_prefix(span_skip(host, length), CIM_PATH, rest_out);
}

/* root/cimv2/CLASS; a selector may say the same and nothing else. */
static bool
take_path(struct span path, struct span selector, struct wsman_request *out)
{
    struct namespace_path other;
    size_t slash = path.length;

    while (slash > 0 && path.data[slash - 1] != '/')
        slash--;
    if (slash == 0)
        return resource_refuse(out, WSMAN_FAULT_RESOURCE,
                               "the ResourceURI names no class");
    if (!take_namespace((struct span){path.data, slash - 1}, out) ||
        !take_class(span_skip(path, slash), out))
        return false;
    if (selector.data != NULL &&
        (!namespace_path_from_url(&other, selector) ||
         !namespace_path_equal(&other, &out->namespace)))
        return resource_refuse(
            out, WSMAN_FAULT_INVALID_SELECTORS,
            "ResourceURI and __cimnamespace name two namespaces");
    return true;
}

bool
resource_read(struct span uri, struct span selector, bool forwarded,
              struct wsman_request *out)
{
    struct span rest;

    out->wmi = cut_prefix(uri, WMI_PREFIX, &rest);
    if (out->wmi)
        return take_path(rest, selector, out);
    if (span_equal(uri, SPAN(CIM_ALL)))
        rest = SPAN("*");
    else if (!cut_prefix(uri, CIM_PREFIX, &rest) &&
             !(forwarded && cut_owner(uri, &rest)))
        return resource_refuse(out, WSMAN_FAULT_RESOURCE,
                               "the ResourceURI is not a CIM class");
    if (selector.data == NULL && forwarded)
        return resource_refuse(out, WSMAN_FAULT_INVALID_SELECTORS,
                               "the selector __cimnamespace is missing");
    return take_class(rest, out) &&
           take_namespace(
               selector.data != NULL ? selector : SPAN(DEFAULT_PATH), out);
}
