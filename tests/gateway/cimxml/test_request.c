/* Messages, and that they say what their headers say. */
#include "tests/gateway/cimxml/calls.h"

#include <string.h>

#include "gateway/xml/xml.h"

SUITE(request);

static struct cimxml_request q;

static void
assert_refused(bool ok, const char *what, int status, const char *error,
               const char *problem)
{
    cr_assert(!ok, "accepted: %s", what);
    cr_assert_str_eq(q.problem, problem, "%s: %s", what, q.problem);
    cr_assert_eq(q.status, status, "%s: %d", what, q.status);
    if (error == NULL)
        cr_assert_null(q.error);
    else
        cr_assert_str_eq(q.error, error, "%s: %s", what, q.error);
    cr_assert_eq(q.namespace.length, 0);
    cr_assert(!q.read && !q.intrinsic);
    cr_assert(q.method[0] == '\0' && q.object[0] == '\0');
}

Test(request, what_only_reads_is_in_a_table)
{
    static const char *const reading[] = {
        "GetClass",
        "GetInstance",
        "GetProperty",
        "GetQualifier",
        "EnumerateClasses",
        "EnumerateClassNames",
        "EnumerateInstances",
        "EnumerateInstanceNames",
        "EnumerateQualifiers",
        "Associators",
        "AssociatorNames",
        "References",
        "ReferenceNames",
        "ExecQuery",
        "OpenEnumerateInstances",
        "OpenEnumerateInstancePaths",
        "OpenAssociatorInstances",
        "OpenAssociatorInstancePaths",
        "OpenReferenceInstances",
        "OpenReferenceInstancePaths",
        "OpenQueryInstances",
        "PullInstancesWithPath",
        "PullInstancePaths",
        "PullInstances",
        "CloseEnumeration",
        "EnumerationCount",
    };
    static const char *const writing[] = {
        "DeleteClass",
        "DeleteInstance",
        "CreateClass",
        "CreateInstance",
        "ModifyClass",
        "ModifyInstance",
        "SetProperty",
        "SetQualifier",
        "DeleteQualifier",
        "getclass",
        "GETINSTANCE",
        "GetClassX",
        "Get",
        "SAPExt_GetInstanceCount",
        "OpenSomethingElse",
    };

    for (size_t i = 0; i < ARRAY_COUNT(reading); i++) {
        cr_assert(call_intrinsic(reading[i], "root/a", "root\\a", &q));
        cr_assert(q.read && q.intrinsic, "%s", reading[i]);
        cr_assert_str_eq(q.method, reading[i]);
        /* A class may have a method of that name. */
        cr_assert(call_extrinsic(reading[i], "root/a:T", "root\\a", "T", &q));
        cr_assert(!q.read && !q.intrinsic, "%s", reading[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(writing); i++) {
        cr_assert(call_intrinsic(writing[i], "root/a", "root\\a", &q));
        cr_assert(!q.read, "%s", writing[i]);
    }
}

Test(request, header_and_message_name_one_namespace_and_one_class)
{
    static const struct {
        const char *object, *namespace, *class_name, *problem;
    } rows[] = {
#define OTHER_NAMESPACE "CIMObject is not the namespace of the message"
#define OTHER_CLASS     "CIMObject is not the class of the message"
        {"root/a:T", "root\\a", "T", NULL},
        {"root/a:t.x=1", "Root\\A", "T", NULL},
        {"root/a:T", "root\\b", "T", OTHER_NAMESPACE},
        {"root/a:T", "root\\a\\b", "T", OTHER_NAMESPACE},
        {"root/a/b:T", "root\\a", "T", OTHER_NAMESPACE},
        {"root:T", "root\\a", "T", OTHER_NAMESPACE},
        {"root/a:T", "root\\a", "T2", OTHER_CLASS},
        {"root/a:T2.T=1", "root\\a", "T", OTHER_CLASS},
        {"root/a", "root\\a", "T",
         "CIMObject is not the object of the message"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        bool ok = call_extrinsic("Do", rows[i].object, rows[i].namespace,
                                 rows[i].class_name, &q);

        if (rows[i].problem == NULL)
            cr_assert(ok, "%s: %s", rows[i].object, q.problem);
        else
            assert_refused(ok, rows[i].object, 400, "header-mismatch",
                           rows[i].problem);
    }
    assert_refused(call_intrinsic("GetClass", "root/b", "root\\a", &q), "b",
                   400, "header-mismatch", OTHER_NAMESPACE);
    assert_refused(call_intrinsic("GetClass", "root/a:T", "root\\a", &q), "T",
                   400, "header-mismatch",
                   "CIMObject is not the object of the message");
    assert_refused(call_intrinsic("GetClass", "root/a", "a", &q), "a", 400,
                   "request-not-valid",
                   "the message names no namespace below root");
}

#define PARAMETER(name, value)                                                \
    "<IPARAMVALUE NAME=\"" name "\">" value "</IPARAMVALUE>"
#define ELSEWHERE                                                             \
    "<VALUE.REFERENCE><LOCALINSTANCEPATH><LOCALNAMESPACEPATH><NAMESPACE "     \
    "NAME=\"root\"/></LOCALNAMESPACEPATH><INSTANCENAME CLASSNAME=\"T\"/>"     \
    "</LOCALINSTANCEPATH></VALUE.REFERENCE>"

Test(request, a_message_may_be_written_in_several_ways)
{
    static const char *const rows[] = {
        CALL_BEGIN GET_CLASS "</IMETHODCALL>" CALL_END,
        "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n" CALL_BEGIN
        "\n <!-- x -->\n" GET_CLASS "\n</IMETHODCALL>\n" CALL_END "\n",
        "<CIM DTDVERSION='2.4' CIMVERSION='2.8' xmlns=''><MESSAGE ID='x' "
        "PROTOCOLVERSION='1.4'><SIMPLEREQ><CORRELATOR NAME='c' "
        "TYPE='string'><VALUE>a</VALUE></CORRELATOR>" GET_CLASS PARAMETER(
            "ClassName", "<CLASSNAME NAME='T'/>")
            PARAMETER("LocalOnly", "<VALUE>FALSE</VALUE>") PARAMETER(
                "PropertyList", "<VALUE.ARRAY><VALUE><![CDATA[<a>]]></VALUE>"
                                "</VALUE.ARRAY>")
                PARAMETER("Nothing", "") "</IMETHODCALL>" CALL_END,
        /* A key may refer to wherever it likes. */
        CALL_BEGIN GET_CLASS PARAMETER(
            "InstanceName",
            "<INSTANCENAME CLASSNAME='T'><KEYBINDING NAME='k'>" ELSEWHERE
            "</KEYBINDING></INSTANCENAME>") "</IMETHODCALL>" CALL_END,
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert(call_text(rows[i], &q), "row %zu: %s", i, q.problem);
        cr_assert(q.read);
        cr_assert_str_eq(q.namespace.text, "root\\cimv2");
    }
    cr_assert(call_method_text(
                  CALL_BEGIN
                  "<METHODCALL NAME='Do'><LOCALCLASSPATH>" CIMV2
                  "<CLASSNAME NAME='Thing'/></LOCALCLASSPATH>"
                  "<PARAMVALUE NAME='a' PARAMTYPE='reference'>" ELSEWHERE
                  "</PARAMVALUE></METHODCALL>" CALL_END,
                  &q),
              "%s", q.problem);
}

#define NO_PLACE "an element stands where DSP0203 has none"
#define MISSING  "an element that DSP0203 needs is missing"
#define TEXT     "text stands between elements"
#define NO_NAME  "a name is missing, or too long"
#define TWICE    "a parameter stands twice"
#define PATH     "a parameter is a path with its own namespace"
#define END      "</IMETHODCALL>" CALL_END

Test(request, what_two_readers_could_read_differently_is_refused)
{
    static const struct {
        const char *xml, *problem;
    } rows[] = {
        {CALL_BEGIN GET_CLASS CIMV2 END, NO_PLACE},
        {CALL_BEGIN GET_CLASS PARAMETER("a", "") CIMV2 END, NO_PLACE},
        {CALL_BEGIN GET_CLASS END "<x/>", "the XML is not well-formed"},
        {CALL_BEGIN GET_CLASS "</IMETHODCALL>" GET_CLASS END, NO_PLACE},
        {CALL_BEGIN "<IMETHODCALL NAME='GetClass'>" END, MISSING},
        {CALL_BEGIN CALL_END, MISSING},
        {CALL_BEGIN "<IMETHODCALL NAME='GetClass'><LOCALNAMESPACEPATH/>" END,
         MISSING},
        {CALL_BEGIN "<IMETHODCALL NAME='GetClass'><LOCALNAMESPACEPATH>"
                    "<NAMESPACE NAME='root/cimv2'/></LOCALNAMESPACEPATH>" END,
         "NAMESPACE is not one component"},
        {CALL_BEGIN "<IMETHODCALL NAME='GetClass'><LOCALNAMESPACEPATH>"
                    "<NAMESPACE NAME='root'>cimv2</NAMESPACE>"
                    "</LOCALNAMESPACEPATH>" END,
         TEXT},
        {CALL_BEGIN "<IMETHODCALL NAME='GetClass'><LOCALNAMESPACEPATH>"
                    "<NAMESPACE NAME='root'><NAMESPACE NAME='cimv2'/>"
                    "</NAMESPACE></LOCALNAMESPACEPATH>" END,
         NO_PLACE},
        {CALL_BEGIN "<IMETHODCALL NAME='GetClass'><LOCALNAMESPACEPATH>"
                    "<NAMESPACE x:NAME='root' xmlns:x='urn:x'/>"
                    "</LOCALNAMESPACEPATH>" END,
         NO_NAME},
        {CALL_BEGIN "<IMETHODCALL NAME='GetClass'><NAMESPACEPATH><HOST>h"
                    "</HOST>" CIMV2 "</NAMESPACEPATH>" END,
         NO_PLACE},
        {CALL_BEGIN "<IMETHODCALL>" CIMV2 END, NO_NAME},
        {CALL_BEGIN "<x:IMETHODCALL xmlns:x='urn:x' NAME='GetClass'>" CIMV2
                    "</x:IMETHODCALL>" CALL_END,
         NO_PLACE},
        {"<CIM xmlns='urn:x' CIMVERSION='2.0' DTDVERSION='2.0'/>", NO_PLACE},
        {CALL_BEGIN "x" GET_CLASS END, TEXT},
        {CALL_BEGIN GET_CLASS "<![CDATA[ ]]>" END, TEXT},
        {CALL_BEGIN GET_CLASS PARAMETER("a", "x") END, TEXT},
        {CALL_BEGIN GET_CLASS PARAMETER("a", "") PARAMETER("A", "") END,
         TWICE},
        {CALL_BEGIN GET_CLASS PARAMETER("a", "<VALUE/><VALUE/>") END,
         NO_PLACE},
        {CALL_BEGIN GET_CLASS PARAMETER("a", ELSEWHERE) END, PATH},
        {CALL_BEGIN GET_CLASS PARAMETER("a", "<LOCALCLASSPATH/>") END,
         NO_PLACE},
        {CALL_BEGIN GET_CLASS PARAMETER("a", CIMV2) END, NO_PLACE},
        {CALL_BEGIN GET_CLASS "<PARAMVALUE NAME='a'/>" END, NO_PLACE},
        {"<CIM CIMVERSION='2.0' DTDVERSION='2.0'><DECLARATION/></CIM>",
         NO_PLACE},
        {"<CIM CIMVERSION='2.0' DTDVERSION='2.0'><MESSAGE ID='1' "
         "PROTOCOLVERSION='1.0'><SIMPLERSP/></MESSAGE></CIM>",
         NO_PLACE},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        bool ok = call_text(rows[i].xml, &q);

        assert_refused(ok, rows[i].xml, 400,
                       strstr(rows[i].problem, "well-formed") != NULL
                           ? "request-not-well-formed"
                           : "request-not-valid",
                       rows[i].problem);
    }
}

Test(request, what_is_not_well_formed_is_said_so)
{
    static const char *const malformed[] = {
        "",
        "x",
        "<CIM>",
        "<!DOCTYPE CIM SYSTEM 'http://h/cim.dtd'>" CALL_BEGIN GET_CLASS END,
        CALL_BEGIN "<IMETHODCALL NAME='GetClass' NAME='GetClass'>" CIMV2 END,
        CALL_BEGIN GET_CLASS "&x;" END,
        CALL_BEGIN GET_CLASS "<?x?>" END,
        "\xff\xfe<\0C\0I\0M\0/\0>\0",
        "<?xml version='1.0' encoding='iso-8859-1'?>" CALL_BEGIN GET_CLASS END,
        CALL_BEGIN GET_CLASS PARAMETER("\xff", "") END,
    };

    for (size_t i = 0; i < ARRAY_COUNT(malformed); i++) {
        cr_assert(!call_text(malformed[i], &q), "%s", malformed[i]);
        cr_assert_str_eq(q.error, "request-not-well-formed", "%s: %s",
                         malformed[i], q.error);
    }
}

Test(request, a_document_is_utf8)
{
    const struct cimxml_headers headers = {
        .operation = {SPAN("MethodCall"), 1},
        .method = {SPAN("GetClass"), 1},
        .object = {SPAN("root/cimv2"), 1},
    };
    struct buf wide = BUF_INIT;

    cr_assert(xml_encode(XML_CHARSET_UTF16,
                         SPAN(CALL_BEGIN GET_CLASS "</IMETHODCALL>" CALL_END),
                         &wide));
    assert_refused(cimxml_request_parse(&headers, buf_span(&wide), &q),
                   "UTF-16", 400, "request-not-well-formed",
                   "the document is not UTF-8");
    buf_fini(&wide);
}

Test(request, what_is_not_forwarded_is_said_so)
{
#define MESSAGE_OF(kind)                                                      \
    "<CIM CIMVERSION='2.0' DTDVERSION='2.0'><MESSAGE ID='1' "                 \
    "PROTOCOLVERSION='1.0'>" kind "</MESSAGE></CIM>"
#define VERSIONS(cim, dtd, protocol)                                          \
    "<CIM CIMVERSION='" cim "' DTDVERSION='" dtd "'><MESSAGE ID='1' "         \
    "PROTOCOLVERSION='" protocol "'><SIMPLEREQ>" GET_CLASS END
    static const struct {
        const char *xml, *error, *problem;
    } rows[] = {
        {MESSAGE_OF("<MULTIREQ/>"), "multiple-requests-unsupported",
         "a message may hold one request only"},
        {MESSAGE_OF("<SIMPLEEXPREQ/>"), "unsupported-operation",
         "exports are not forwarded"},
        {CALL_BEGIN "<EXPMETHODCALL/>" CALL_END, "unsupported-operation",
         "exports are not forwarded"},
        {CALL_BEGIN GET_CLASS "<RESPONSEDESTINATION/>" END,
         "unsupported-operation",
         "an answer goes back the way its request came"},
#define NO_VERSION "a version in the message is not supported"
        {VERSIONS("3.0", "2.0", "1.0"), "unsupported-cim-version", NO_VERSION},
        {VERSIONS("2.0", "1.0", "1.0"), "unsupported-dtd-version", NO_VERSION},
        {VERSIONS("2.0", "2.0", "2.0"), "unsupported-protocol-version",
         NO_VERSION},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_refused(call_text(rows[i].xml, &q), rows[i].xml, 501,
                       rows[i].error, rows[i].problem);
}

/* SetProperty's value may be a reference, which is no object asked for. */
Test(request, a_value_may_be_a_reference)
{
    const struct cimxml_headers headers = {
        .operation = {SPAN("MethodCall"), 1},
        .method = {SPAN("SetProperty"), 1},
        .object = {SPAN("root/cimv2"), 1},
    };

    cr_assert(
        cimxml_request_parse(
            &headers,
            SPAN(CALL_BEGIN "<IMETHODCALL NAME='SetProperty'>" CIMV2 PARAMETER(
                "NewValue", ELSEWHERE) END),
            &q),
        "%s", q.problem);
    cr_assert(!q.read);
}

Test(request, size_and_depth_have_limits)
{
    struct buf xml = BUF_INIT;
    static const char one;
    const struct cimxml_headers headers = {
        .operation = {SPAN("MethodCall"), 1},
        .method = {SPAN("GetClass"), 1},
        .object = {SPAN("root/cimv2"), 1},
    };

    buf_add_string(&xml, CALL_BEGIN GET_CLASS);
    for (int i = 0; i < 65; i++)
        buf_addf(&xml, "<IPARAMVALUE NAME=\"p%d\"/>", i);
    buf_add_string(&xml, END);
    assert_refused(call_text(xml.data, &q), "65", 400, "request-not-valid",
                   "there are more than 64 parameters");
    buf_reset(&xml);
    buf_add_string(&xml, CALL_BEGIN GET_CLASS "<IPARAMVALUE NAME='a'>");
    for (int i = 0; i < 70; i++)
        buf_add_string(&xml, "<VALUE>");
    assert_refused(call_text(xml.data, &q), "deep", 413, NULL,
                   "elements nest too deeply");
    buf_fini(&xml);
    /* Only its length is looked at. */
    assert_refused(cimxml_request_parse(
                       &headers, (struct span){&one, (16 << 20) + 1}, &q),
                   "large", 413, NULL, "the document is too large");
}
