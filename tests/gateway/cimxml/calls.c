#include "tests/gateway/cimxml/calls.h"

#define ONCE(value)                                                           \
    {                                                                         \
        value, 1                                                              \
    }

static struct cimxml_headers
headers_of(const char *method, const char *object)
{
    return (struct cimxml_headers){
        .operation = ONCE(SPAN("MethodCall")),
        .method = ONCE(span_of(method)),
        .object = ONCE(span_of(object)),
    };
}

void
add_namespace_path(struct buf *out, const char *namespace)
{
    struct span rest = span_of(namespace);

    buf_add_string(out, "<LOCALNAMESPACEPATH>");
    while (rest.data != NULL) {
        struct span name = span_cut(rest, '\\', &rest);

        buf_add_string(out, "<NAMESPACE NAME=\"");
        buf_add_span(out, name);
        buf_add_string(out, "\"/>");
    }
    buf_add_string(out, "</LOCALNAMESPACEPATH>");
}

static bool
call_buf(const struct cimxml_headers *headers, struct buf *xml,
         struct cimxml_request *out)
{
    bool ok;

    cr_assert(!buf_failed(xml));
    ok = cimxml_request_parse(headers, buf_span(xml), out);
    buf_fini(xml);
    return ok;
}

bool
call_intrinsic(const char *method, const char *object, const char *namespace,
               struct cimxml_request *out)
{
    const struct cimxml_headers headers = headers_of(method, object);
    struct buf xml = BUF_INIT;

    buf_addf(&xml, CALL_BEGIN "<IMETHODCALL NAME=\"%s\">", method);
    add_namespace_path(&xml, namespace);
    buf_add_string(&xml,
                   "<IPARAMVALUE NAME=\"ClassName\"><CLASSNAME "
                   "NAME=\"Thing\"/></IPARAMVALUE></IMETHODCALL>" CALL_END);
    return call_buf(&headers, &xml, out);
}

bool
call_extrinsic(const char *method, const char *object, const char *namespace,
               const char *class_name, struct cimxml_request *out)
{
    const struct cimxml_headers headers = headers_of(method, object);
    struct buf xml = BUF_INIT;

    buf_addf(&xml, CALL_BEGIN "<METHODCALL NAME=\"%s\"><LOCALINSTANCEPATH>",
             method);
    add_namespace_path(&xml, namespace);
    buf_addf(&xml,
             "<INSTANCENAME CLASSNAME=\"%s\"><KEYBINDING NAME=\"Name\">"
             "<KEYVALUE VALUETYPE=\"string\">a</KEYVALUE></KEYBINDING>"
             "</INSTANCENAME></LOCALINSTANCEPATH></METHODCALL>" CALL_END,
             class_name);
    return call_buf(&headers, &xml, out);
}

bool
call_with(const struct cimxml_headers *headers, struct cimxml_request *out)
{
    return cimxml_request_parse(
        headers, SPAN(CALL_BEGIN GET_CLASS "</IMETHODCALL>" CALL_END), out);
}

bool
call_text(const char *xml, struct cimxml_request *out)
{
    const struct cimxml_headers headers = headers_of("GetClass", "root/cimv2");

    return cimxml_request_parse(&headers, span_of(xml), out);
}

bool
call_method_text(const char *xml, struct cimxml_request *out)
{
    const struct cimxml_headers headers = headers_of("Do", "root/cimv2:Thing");

    return cimxml_request_parse(&headers, span_of(xml), out);
}
