#include "tests/gateway/wsman/envelopes.h"

#include <libxml/parser.h>
#include <string.h>

SUITE(fault);

/* The document, which must be well-formed. */
static xmlDocPtr
read_xml(const struct buf *b)
{
    xmlDocPtr doc;

    cr_assert(!buf_failed(b));
    doc = xmlReadMemory(b->data, (int)b->length, NULL, NULL,
                        XML_PARSE_NONET | XML_PARSE_NOERROR);
    cr_assert_not_null(doc, "%s", b->data);
    return doc;
}

static xmlNodePtr
find(xmlNodePtr node, const char *namespace, const char *name)
{
    for (; node != NULL; node = node->next) {
        xmlNodePtr below;

        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (strcmp((const char *)node->name, name) == 0 &&
            strcmp((const char *)node->ns->href, namespace) == 0)
            return node;
        below = find(node->children, namespace, name);
        if (below != NULL)
            return below;
    }
    return NULL;
}

/* NULL: there is no such element. */
static void
assert_element(xmlDocPtr doc, const char *namespace, const char *name,
               const char *expected)
{
    xmlNodePtr node = find(doc->children, namespace, name);
    xmlChar *text = node != NULL ? xmlNodeGetContent(node) : NULL;

    if (expected == NULL)
        cr_assert_null(node, "%s", name);
    else
        cr_assert_str_eq((const char *)text, expected);
    xmlFree(text);
}

static void
assert_attribute(xmlDocPtr doc, const char *name, const char *expected)
{
    xmlNodePtr node = find(doc->children,
                           "http://schemas.microsoft.com/wbem/wsman/1/"
                           "wsmanfault",
                           "WSManFault");
    xmlChar *text;

    cr_assert_not_null(node);
    text = xmlGetNoNsProp(node, (const xmlChar *)name);
    if (expected == NULL)
        cr_assert_null(text);
    else
        cr_assert_str_eq((const char *)text, expected);
    xmlFree(text);
}

#define FAULT_NS     "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
#define FAULT_ACTION "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
#define DETAIL       "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"

Test(fault, access_denied_is_what_windows_clients_know)
{
    const struct wsman_fault f = {
        .kind = WSMAN_FAULT_ACCESS_DENIED,
        .detail = "root\\MyNamespace requires PktPrivacy",
        .message_id = URN,
        .answer_id = "uuid:00000000-0000-0000-0000-000000000001",
        .machine = "gw.example.com",
        .action = TRANSFER "/Get",
    };
    struct buf b = BUF_INIT;
    xmlDocPtr doc;

    cr_assert(wsman_fault_format(&f, &b));
    doc = read_xml(&b);
    assert_element(doc, WSA_NS, "Action", FAULT_ACTION);
    assert_element(doc, WSA_NS, "MessageID", f.answer_id);
    assert_element(doc, WSA_NS, "RelatesTo", URN);
    assert_element(doc, WSA_NS, "To", ANONYMOUS);
    assert_element(doc, SOAP_NS, "Value", "s:Sender");
    assert_element(doc, SOAP_NS, "Subcode", "w:AccessDenied");
    assert_element(doc, SOAP_NS, "Text",
                   "The sender was not authorized to access the resource.");
    assert_element(doc, FAULT_NS, "Message", f.detail);
    assert_attribute(doc, "Code", "2150859012");
    assert_attribute(doc, "Machine", "gw.example.com");
    xmlFreeDoc(doc);
    buf_fini(&b);
}

Test(fault, each_fault_has_its_code)
{
    static const struct {
        enum wsman_fault_kind kind;
        const char *action, *code, *subcode, *number, *detail;
    } rows[] = {
        {WSMAN_FAULT_INTERNAL, FAULT_ACTION, "s:Receiver", "w:InternalError",
         "1359", NULL},
        {WSMAN_FAULT_UNAVAILABLE, WSA_NS "/fault", "s:Receiver",
         "a:EndpointUnavailable", "2150858772", NULL},
        {WSMAN_FAULT_SCHEMA, FAULT_ACTION, "s:Sender",
         "w:SchemaValidationError", "2150858817", NULL},
        {WSMAN_FAULT_VERSION, WSA_NS "/fault", "s:VersionMismatch", NULL,
         "2150858817", NULL},
        {WSMAN_FAULT_NOT_UNDERSTOOD, WSA_NS "/fault", "s:MustUnderstand", NULL,
         "2150858768", NULL},
        {WSMAN_FAULT_INVALID_HEADER, WSA_NS "/fault", "s:Sender",
         "a:InvalidMessageInformationHeader", "2150858767", NULL},
        {WSMAN_FAULT_HEADER_REQUIRED, WSA_NS "/fault", "s:Sender",
         "a:MessageInformationHeaderRequired", "2150858769", NULL},
        {WSMAN_FAULT_INVALID_SELECTORS, FAULT_ACTION, "s:Sender",
         "w:InvalidSelectors", "2150858813", NULL},
        {WSMAN_FAULT_RESOURCE, WSA_NS "/fault", "s:Sender",
         "a:DestinationUnreachable", "2150858811",
         DETAIL "InvalidResourceURI"},
        {WSMAN_FAULT_ADDRESSING, FAULT_ACTION, "s:Sender",
         "w:UnsupportedFeature", "2150858818", DETAIL "AddressingMode"},
        {WSMAN_FAULT_ACTION, WSA_NS "/fault", "s:Sender",
         "a:ActionNotSupported", "2150858771", NULL},
        {WSMAN_FAULT_ENCODING, FAULT_ACTION, "s:Sender", "w:EncodingLimit",
         "2150858805", NULL},
        {WSMAN_FAULT_NOT_FOUND, WSA_NS "/fault", "s:Sender",
         "a:DestinationUnreachable", "2150858752", NULL},
        {WSMAN_FAULT_UNSUPPORTED, FAULT_ACTION, "s:Sender",
         "w:UnsupportedFeature", "2150858818", NULL},
        {WSMAN_FAULT_FRAGMENT, FAULT_ACTION, "s:Sender",
         "w:UnsupportedFeature", "2150858818", DETAIL "FragmentLevelAccess"},
        {WSMAN_FAULT_OPTIONS, FAULT_ACTION, "s:Sender", "w:InvalidOptions",
         "2150858809", DETAIL "NotSupported"},
        {WSMAN_FAULT_FILTERING, ENUMERATION "/fault", "s:Sender",
         "n:FilteringNotSupported", "2150858776", NULL},
        {WSMAN_FAULT_CONTEXT, ENUMERATION "/fault", "s:Sender",
         "n:InvalidEnumerationContext", "2150858779", NULL},
        {WSMAN_FAULT_POLYMORPHISM,
         "http://schemas.dmtf.org/wbem/wsman/1/cimbinding/fault", "s:Sender",
         "b:PolymorphismModeNotSupported", "2150858818", NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct wsman_fault f = {.kind = rows[i].kind};
        struct buf b = BUF_INIT;
        xmlDocPtr doc;

        cr_assert(wsman_fault_format(&f, &b));
        doc = read_xml(&b);
        assert_element(doc, WSA_NS, "Action", rows[i].action);
        assert_element(doc, SOAP_NS, "Value", rows[i].code);
        assert_element(doc, SOAP_NS, "Subcode", rows[i].subcode);
        assert_element(doc, WSMAN_NS, "FaultDetail", rows[i].detail);
        assert_element(doc, WSA_NS, "RelatesTo", NULL);
        assert_element(doc, WSA_NS, "MessageID", NULL);
        assert_attribute(doc, "Code", rows[i].number);
        assert_attribute(doc, "Machine", NULL);
        xmlFreeDoc(doc);
        buf_fini(&b);
    }
}

Test(fault, an_action_that_is_not_supported_is_told)
{
    const struct wsman_fault f = {.kind = WSMAN_FAULT_ACTION,
                                  .action = "urn:a&b"};
    struct buf b = BUF_INIT;

    cr_assert(wsman_fault_format(&f, &b));
    cr_assert_not_null(
        strstr(b.data, "<s:Detail><a:Action>urn:a&amp;b</a:Action>"));
    buf_fini(&b);
}

Test(fault, text_stays_text)
{
    static const struct {
        const char *text, *read;
    } rows[] = {
        {"a<b>&\"c\" 'd' ]]>", "a<b>&\"c\" 'd' ]]>"},
        {"</f:Message></f:WSManFault>&x;", "</f:Message></f:WSManFault>&x;"},
        {"tab\tline\ncarriage\r", "tab\tline\ncarriage\r"},
        {"bell\x07 esc\x1b", "bell\xef\xbf\xbd esc\xef\xbf\xbd"},
        {"\xff\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xef\xbf\xbe\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf0\x9d\x84\x9e", "\xf0\x9d\x84\x9e"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct wsman_fault f = {.kind = WSMAN_FAULT_ACCESS_DENIED,
                                      .detail = rows[i].text,
                                      .message_id = rows[i].text,
                                      .machine = rows[i].text};
        struct buf b = BUF_INIT;
        xmlDocPtr doc;

        cr_assert(wsman_fault_format(&f, &b));
        doc = read_xml(&b);
        assert_element(doc, FAULT_NS, "Message", rows[i].read);
        assert_element(doc, WSA_NS, "RelatesTo", rows[i].read);
        assert_attribute(doc, "Machine", rows[i].read);
        xmlFreeDoc(doc);
        buf_fini(&b);
    }
}

Test(fault, an_unknown_kind_is_an_internal_error)
{
    cr_assert_str_eq(wsman_fault_name((enum wsman_fault_kind)99),
                     "InternalError");
    cr_assert_str_eq(wsman_fault_name(WSMAN_FAULT_ACCESS_DENIED),
                     "AccessDenied");
}

Test(fault, identify_says_protocol_and_product)
{
    const struct wsman_identity identity = {"nsgate", "1.2 <3>", URN};
    const struct wsman_identity anonymous = {"nsgate", "1.2", NULL};
    struct buf b = BUF_INIT;
    xmlDocPtr doc;

    cr_assert(wsman_identify_format(&identity, &b));
    doc = read_xml(&b);
    assert_element(doc, IDENTITY_NS, "ProtocolVersion", WSMAN_NS);
    assert_element(doc, IDENTITY_NS, "ProductVendor", "nsgate");
    assert_element(doc, IDENTITY_NS, "ProductVersion", "1.2 <3>");
    assert_element(doc, WSA_NS, "RelatesTo", URN);
    xmlFreeDoc(doc);
    buf_reset(&b);
    cr_assert(wsman_identify_format(&anonymous, &b));
    doc = read_xml(&b);
    assert_element(doc, WSA_NS, "RelatesTo", NULL);
    xmlFreeDoc(doc);
    buf_fini(&b);
}
