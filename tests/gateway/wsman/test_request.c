#include "tests/gateway/wsman/envelopes.h"

#include <stdio.h>
#include <stdlib.h>

SUITE(request);

#define MY_DISK  RESOURCE(WMI "root/MyNamespace/My_Disk")
#define CONTEXT  "<n:EnumerationContext>nsgate:0:7</n:EnumerationContext>"
#define PULL(s)  "<n:Pull>" CONTEXT s "</n:Pull>"
#define RELEASE  "<n:Release>" CONTEXT "</n:Release>"
#define EVENTING "http://schemas.xmlsoap.org/ws/2004/08/eventing"

Test(request, an_action_is_an_operation_and_what_it_needs)
{
    static const struct {
        const char *action;
        enum wsman_operation operation;
        enum wsman_access access;
        const char *method, *body;
    } rows[] = {
        {TRANSFER "/Get", WSMAN_GET, WSMAN_ACCESS_READ, "", ""},
        {TRANSFER "/Put", WSMAN_PUT, WSMAN_ACCESS_WRITE, "", ""},
        {TRANSFER "/Create", WSMAN_CREATE, WSMAN_ACCESS_WRITE, "", ""},
        {TRANSFER "/Delete", WSMAN_DELETE, WSMAN_ACCESS_WRITE, "", ""},
        {ENUMERATION "/Enumerate", WSMAN_ENUMERATE, WSMAN_ACCESS_READ, "",
         "<n:Enumerate/>"},
        {ENUMERATION "/Pull", WSMAN_PULL, WSMAN_ACCESS_READ, "", PULL("")},
        {ENUMERATION "/Release", WSMAN_RELEASE, WSMAN_ACCESS_READ, "",
         RELEASE},
        {ENUMERATION "/Renew", WSMAN_RENEW, WSMAN_ACCESS_READ, "", ""},
        {ENUMERATION "/GetStatus", WSMAN_GET_STATUS, WSMAN_ACCESS_READ, "",
         ""},
        {EVENTING "/Subscribe", WSMAN_SUBSCRIBE, WSMAN_ACCESS_WRITE, "", ""},
        {EVENTING "/Unsubscribe", WSMAN_UNSUBSCRIBE, WSMAN_ACCESS_WRITE, "",
         ""},
        {WMI "root/MyNamespace/My_Disk/Format", WSMAN_INVOKE,
         WSMAN_ACCESS_WRITE, "Format", ""},
        /* Nothing that is known: the most is needed for it. */
        {TRANSFER "/get", WSMAN_OTHER, WSMAN_ACCESS_WRITE, "", ""},
        {TRANSFER "/Get/", WSMAN_OTHER, WSMAN_ACCESS_WRITE, "", ""},
        {WMI "root/MyNamespace/My_Disk/", WSMAN_OTHER, WSMAN_ACCESS_WRITE, "",
         ""},
        {WMI "root/MyNamespace/My_Disk/a/b", WSMAN_OTHER, WSMAN_ACCESS_WRITE,
         "", ""},
        {WMI "root/MyNamespace/Other/Format", WSMAN_OTHER, WSMAN_ACCESS_WRITE,
         "", ""},
    };
    struct wsman_request r;
    char headers[2048];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        snprintf(headers, sizeof(headers), ACTION("%s") MESSAGE(URN) MY_DISK,
                 rows[i].action);
        cr_assert_eq(parse_envelope(headers, rows[i].body, &r), WSMAN_PARSE_OK,
                     "%s: %s", rows[i].action, r.problem);
        cr_assert_eq(r.operation, rows[i].operation, "%s", rows[i].action);
        cr_assert_eq(r.access, rows[i].access, "%s", rows[i].action);
        cr_assert_str_eq(r.method, rows[i].method);
        cr_assert_str_eq(r.action, rows[i].action);
        cr_assert_str_eq(r.resource_uri, WMI "root/MyNamespace/My_Disk");
        cr_assert_str_eq(r.message_id, URN);
        cr_assert_str_eq(r.namespace.text, "root\\mynamespace");
        cr_assert_str_eq(r.class_name, "My_Disk");
        cr_assert_null(r.problem);
    }
}

Test(request, no_method_belongs_to_all_classes)
{
    struct wsman_request r;

    cr_assert_eq(parse_envelope(ACTION(WMI "root/cimv2/*/Format") MESSAGE(URN)
                                    RESOURCE(WMI "root/cimv2/*"),
                                "", &r),
                 WSMAN_PARSE_OK);
    cr_assert_eq(r.operation, WSMAN_OTHER);
    cr_assert_eq(r.access, WSMAN_ACCESS_WRITE);
}

Test(request, reads_what_clients_send)
{
    static const struct {
        const char *file;
        enum wsman_operation operation;
        const char *namespace, *class_name, *message_id;
    } rows[] = {
        {"cim-query", WSMAN_ENUMERATE, "root\\mynamespace", "*",
         "uuid:22222222-2222-2222-2222-222222222222"},
        {"wmi-get", WSMAN_GET, "root\\cimv2", "Win32_Service",
         "uuid:55555555-5555-5555-5555-555555555555"},
        {"utf16-big", WSMAN_GET, "root\\cimv2", "Win32_Service",
         "uuid:55555555-5555-5555-5555-555555555555"},
        {"wsman-invoke", WSMAN_INVOKE, "root\\cimv2", "CIM_ComputerSystem",
         "uuid:66666666-6666-6666-6666-666666666666"},
        {"pull", WSMAN_PULL, "root\\hardware", "*",
         "urn:uuid:77777777-7777-7777-7777-777777777777"},
        {"put", WSMAN_PUT, "root\\mynamespace", "My_Link",
         "uuid:99999999-9999-9999-9999-999999999999"},
        {"identify", WSMAN_IDENTIFY, "", "", ""},
        {"utf16", WSMAN_IDENTIFY, "", "", ""},
    };
    struct wsman_request r;
    char path[256];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct span xml;
        char *text;

        snprintf(path, sizeof(path), "tests/fuzz/corpus/wsman/%s",
                 rows[i].file);
        text = test_read_file(test_source_path(path), &xml.length);
        xml.data = text;
        cr_assert_eq(wsman_request_parse(xml, &untold, &r), WSMAN_PARSE_OK,
                     "%s: %s", rows[i].file, r.problem);
        cr_assert_eq(r.operation, rows[i].operation, "%s", rows[i].file);
        cr_assert_str_eq(r.namespace.text, rows[i].namespace);
        cr_assert_str_eq(r.class_name, rows[i].class_name);
        cr_assert_str_eq(r.message_id, rows[i].message_id);
        free(text);
    }
}

Test(request, a_shell_is_no_namespace)
{
    struct wsman_request r;
    size_t length;
    char *text = test_read_file(
        test_source_path("tests/fuzz/corpus/wsman/shell-create"), &length);

    cr_assert_eq(wsman_request_parse((struct span){text, length}, &untold, &r),
                 WSMAN_PARSE_REFUSED);
    cr_assert_eq(r.fault, WSMAN_FAULT_RESOURCE);
    cr_assert_str_eq(r.problem, "the ResourceURI is not a CIM class");
    cr_assert_str_eq(r.message_id,
                     "uuid:11111111-1111-1111-1111-111111111111");
    free(text);
}

Test(request, an_identify_asks_for_nothing_else)
{
    static const char *const more[] = {
        ACTION(TRANSFER "/Get"),
        MY_DISK,
        SELECTORS(SELECTOR("Id", "1")),
    };
    struct wsman_request r;

    cr_assert_eq(parse_envelope("", "<i:Identify/>", &r), WSMAN_PARSE_OK);
    cr_assert_eq(r.operation, WSMAN_IDENTIFY);
    cr_assert_eq(r.access, WSMAN_ACCESS_DISCOVER);
    cr_assert_eq(
        parse_envelope(MESSAGE(URN), "<i:Identify>x</i:Identify>", &r),
        WSMAN_PARSE_OK);
    cr_assert_str_eq(r.message_id, URN);
    for (size_t i = 0; i < ARRAY_COUNT(more); i++)
        assert_refused(more[i], "<i:Identify/>", WSMAN_FAULT_INVALID_HEADER,
                       "an Identify asks for a resource too");
    assert_refused(USUAL MY_DISK, "<x/><i:Identify/>", WSMAN_FAULT_SCHEMA,
                   "Identify is not alone in the body");
    assert_refused("", "<i:Identify/><x/>", WSMAN_FAULT_SCHEMA,
                   "Identify is not alone in the body");
    /* Deeper it is somebody's data. */
    cr_assert_eq(parse_envelope(WRITING MY_DISK, "<x><i:Identify/></x>", &r),
                 WSMAN_PARSE_OK);
    cr_assert_eq(r.operation, WSMAN_PUT);
}

Test(request, says_which_header_is_missing_or_wrong)
{
    static const struct {
        const char *headers;
        enum wsman_fault_kind fault;
        const char *problem;
    } rows[] = {
        {"", WSMAN_FAULT_HEADER_REQUIRED, "the header Action is missing"},
        {MESSAGE(URN) MY_DISK, WSMAN_FAULT_HEADER_REQUIRED,
         "the header Action is missing"},
        {ACTION(TRANSFER "/Get") MY_DISK, WSMAN_FAULT_HEADER_REQUIRED,
         "the header MessageID is missing"},
        {USUAL, WSMAN_FAULT_RESOURCE, "the header ResourceURI is missing"},
        /* The names of the other versions are other names. */
        {"<b:Action xmlns:b=\"http://www.w3.org/2005/08/addressing\">" TRANSFER
         "/Get</b:Action>" MESSAGE(URN) MY_DISK,
         WSMAN_FAULT_HEADER_REQUIRED, "the header Action is missing"},
        {"<Action>" TRANSFER "/Get</Action>" MESSAGE(URN) MY_DISK,
         WSMAN_FAULT_HEADER_REQUIRED, "the header Action is missing"},
        {USUAL "<x>" MY_DISK "</x>", WSMAN_FAULT_RESOURCE,
         "the header ResourceURI is missing"},
        {ACTION("") MESSAGE(URN) MY_DISK, WSMAN_FAULT_INVALID_HEADER,
         "Action is not a URI"},
        {ACTION("Get") MESSAGE(URN) MY_DISK, WSMAN_FAULT_INVALID_HEADER,
         "Action is not a URI"},
        {ACTION("urn:a b") MESSAGE(URN) MY_DISK, WSMAN_FAULT_INVALID_HEADER,
         "Action is not a URI"},
        {ACTION(TRANSFER "/Get") MESSAGE("") MY_DISK,
         WSMAN_FAULT_INVALID_HEADER, "MessageID is not a URI"},
        {ACTION(TRANSFER "/Get") MESSAGE("uuid:&lt;x&gt;") MY_DISK,
         WSMAN_FAULT_INVALID_HEADER, "MessageID is not a URI"},
        {ACTION(TRANSFER "/Get") MESSAGE("12345") MY_DISK,
         WSMAN_FAULT_INVALID_HEADER, "MessageID is not a URI"},
        {USUAL RESOURCE(""), WSMAN_FAULT_RESOURCE, "ResourceURI is not a URI"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_refused(rows[i].headers, "", rows[i].fault, rows[i].problem);
}

Test(request, no_header_stands_twice)
{
    static const struct {
        const char *headers, *problem;
    } rows[] = {
        {USUAL MY_DISK ACTION(TRANSFER "/Put"),
         "the header Action stands twice"},
        {USUAL MY_DISK MY_DISK, "the header ResourceURI stands twice"},
        {USUAL MY_DISK RESOURCE(WMI "root/open/My_Disk"),
         "the header ResourceURI stands twice"},
        {USUAL MY_DISK SELECTORS("") SELECTORS(""),
         "the header SelectorSet stands twice"},
        {USUAL MY_DISK REPLY_TO(ANONYMOUS) REPLY_TO(ANONYMOUS),
         "the header ReplyTo stands twice"},
        {USUAL MY_DISK "<a:To>x</a:To><a:To>x</a:To>",
         "the header To stands twice"},
        {USUAL MY_DISK "<w:OptionSet/><w:OptionSet/>",
         "the header OptionSet stands twice"},
        {USUAL MY_DISK MESSAGE(URN), "the header MessageID stands twice"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_refused(rows[i].headers, "", WSMAN_FAULT_INVALID_HEADER,
                       rows[i].problem);
}

Test(request, a_refusal_relates_to_the_one_message)
{
    struct wsman_request r;

    /* Also when the identifier comes behind what is wrong. */
    cr_assert_eq(parse_envelope(MY_DISK MY_DISK MESSAGE(URN), "", &r),
                 WSMAN_PARSE_REFUSED);
    cr_assert_str_eq(r.message_id, URN);
    cr_assert_eq(parse_envelope(USUAL MY_DISK MESSAGE("uuid:2"), "", &r),
                 WSMAN_PARSE_REFUSED);
    cr_assert_str_empty(r.message_id);
    cr_assert_eq(parse_envelope(MY_DISK MY_DISK MESSAGE("\n x"), "", &r),
                 WSMAN_PARSE_REFUSED);
    cr_assert_str_empty(r.message_id);
}

Test(request, a_header_that_must_be_understood_is_or_is_not)
{
    static const struct {
        const char *value;
        bool accepted;
    } rows[] = {
        {"true", false},
        {"1", false},
        {"false", true},
        {"0", true},
    };
    struct wsman_request r;
    char headers[2048];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        snprintf(headers, sizeof(headers),
                 USUAL MY_DISK "<x:Odd xmlns:x=\"urn:x\" "
                               "s:mustUnderstand=\"%s\"/>",
                 rows[i].value);
        if (rows[i].accepted)
            cr_assert_eq(parse_envelope(headers, "", &r), WSMAN_PARSE_OK);
        else
            assert_refused(headers, "", WSMAN_FAULT_NOT_UNDERSTOOD,
                           "a header that must be understood is not known");
    }
    assert_refused(USUAL MY_DISK "<x s:mustUnderstand=\"perhaps\"/>", "",
                   WSMAN_FAULT_SCHEMA, "mustUnderstand is not a boolean");
    cr_assert_eq(parse_envelope(USUAL MY_DISK
                                "<w:OptionSet s:mustUnderstand=\"true\">"
                                "<w:Option Name=\"o\"/></w:OptionSet>",
                                "", &r),
                 WSMAN_PARSE_OK);
}

Test(request, answers_go_back_where_the_request_came_from)
{
    struct wsman_request r;

    cr_assert_eq(
        parse_envelope(USUAL MY_DISK REPLY_TO(" " ANONYMOUS " "), "", &r),
        WSMAN_PARSE_OK);
    assert_refused(USUAL MY_DISK REPLY_TO("http://other.example.com/"), "",
                   WSMAN_FAULT_ADDRESSING,
                   "answers go to the anonymous address only");
    assert_refused(USUAL MY_DISK "<a:ReplyTo/>", "", WSMAN_FAULT_ADDRESSING,
                   "answers go to the anonymous address only");
    assert_refused(USUAL MY_DISK "<a:FaultTo><a:Address>http://x/"
                                 "</a:Address></a:FaultTo>",
                   "", WSMAN_FAULT_ADDRESSING,
                   "answers go to the anonymous address only");
    assert_refused(USUAL MY_DISK "<a:ReplyTo><a:Address>" ANONYMOUS
                                 "</a:Address><a:Address>http://x/"
                                 "</a:Address></a:ReplyTo>",
                   "", WSMAN_FAULT_SCHEMA, "an endpoint has two addresses");
}

/* What one reader takes for a value another would take for a part of it. */
Test(request, a_value_is_one_plain_text)
{
    static const struct {
        const char *headers, *problem;
    } rows[] = {
        {ACTION(TRANSFER "/Get<!-- -->x") MESSAGE(URN) MY_DISK,
         "a comment stands in a value"},
        {USUAL RESOURCE(WMI "root/open/<!---->secret/C"),
         "a comment stands in a value"},
        {USUAL RESOURCE("<![CDATA[" WMI "root/open/C]]>"),
         "a CDATA section stands in a value"},
        {USUAL RESOURCE(WMI "root/open/<b/>C"), "a value is not text"},
        {USUAL MY_DISK SELECTORS(
             SELECTOR("__cimnamespace", "root/open<!-- -->/x")),
         "a comment stands in a value"},
        {USUAL MY_DISK SELECTORS(SELECTOR("__cimnamespace", "root<b/>/open")),
         "a value is not text"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_refused(rows[i].headers, "", WSMAN_FAULT_SCHEMA,
                       rows[i].problem);
}

Test(request, a_header_for_another_is_not_passed_over)
{
    struct wsman_request r;

    assert_refused("<a:Action s:role=\"" SOAP_NS "/role/none\">" TRANSFER
                   "/Get</a:Action>" MESSAGE(URN) MY_DISK,
                   "", WSMAN_FAULT_INVALID_HEADER,
                   "a header is meant for another role");
    cr_assert_eq(parse_envelope("<a:Action s:role=\"" SOAP_NS
                                "/role/ultimateReceiver\">" TRANSFER
                                "/Get</a:Action>" MESSAGE(URN) MY_DISK,
                                "", &r),
                 WSMAN_PARSE_OK);
}

Test(request, an_envelope_has_one_shape)
{
    static const struct {
        const char *xml, *problem;
    } rows[] = {
        {"<x/>", "the document is not a SOAP envelope"},
        {"<Envelope/>", "the document is not a SOAP envelope"},
        {"<s:Envelope xmlns:s='" SOAP_NS "'/>", "the envelope has no Body"},
        {"<s:Envelope xmlns:s='" SOAP_NS "'><s:Header/></s:Envelope>",
         "the envelope has no Body"},
        {"<s:Envelope xmlns:s='" SOAP_NS "'><s:Body/><s:Body/></s:Envelope>",
         "an envelope is one Header at most and then one Body"},
        {"<s:Envelope xmlns:s='" SOAP_NS "'><s:Body/><s:Header/></s:Envelope>",
         "an envelope is one Header at most and then one Body"},
        {"<s:Envelope xmlns:s='" SOAP_NS
         "'><s:Header/><s:Header/><s:Body/></s:Envelope>",
         "an envelope is one Header at most and then one Body"},
        {"<s:Envelope xmlns:s='" SOAP_NS "'><x/><s:Body/></s:Envelope>",
         "an envelope is one Header at most and then one Body"},
        {"<s:Envelope xmlns:s='" SOAP_NS "'>x<s:Body/></s:Envelope>",
         "text stands between elements"},
        {"<s:Envelope xmlns:s='" SOAP_NS
         "'><s:Header>x</s:Header><s:Body/></s:Envelope>",
         "text stands between elements"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_text_refused(rows[i].xml, WSMAN_FAULT_SCHEMA, rows[i].problem);
    assert_text_refused(
        "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'>"
        "<s:Body/></s:Envelope>",
        WSMAN_FAULT_VERSION, "the envelope is not SOAP 1.2");
}

/* before, the longest value there can be and more letters, after. */
static void
longest_make(const char *before, size_t max, size_t more, const char *after,
             struct buf *out)
{
    buf_reset(out);
    buf_add_string(out, before);
    buf_add_string(out, "urn:");
    for (size_t i = 4; i < max + more; i++)
        buf_add_char(out, 'x');
    buf_add_string(out, after);
}

Test(request, a_value_has_a_longest)
{
    static const struct {
        const char *before;
        size_t max;
        const char *after;
    } rows[] = {
        {MESSAGE(URN) MY_DISK "<a:Action>", WSMAN_URI_MAX, "</a:Action>"},
        {ACTION(TRANSFER "/Get") MY_DISK "<a:MessageID>", WSMAN_MESSAGE_ID_MAX,
         "</a:MessageID>"},
    };
    struct buf headers = BUF_INIT;
    struct wsman_request r;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        longest_make(rows[i].before, rows[i].max, 0, rows[i].after, &headers);
        cr_assert_eq(parse_envelope(headers.data, "", &r), WSMAN_PARSE_OK);
        longest_make(rows[i].before, rows[i].max, 1, rows[i].after, &headers);
        assert_refused(headers.data, "", WSMAN_FAULT_ENCODING,
                       "a value is too long");
    }
    buf_fini(&headers);
}
