/* Envelopes that another server is to answer. */
#include "tests/gateway/wsman/envelopes.h"

#include <string.h>

SUITE(forwarded);

#define NS(path) SELECTORS(SELECTOR("__cimnamespace", path))
#define THING    RESOURCE(WMI "root/a/Thing")
#define OWNER    "http://schema.example.com/wbem/wscim/1/cim-schema/2/"
#define ENUM     ACTION(ENUMERATION "/Enumerate") MESSAGE(URN)
#define PULLING  ACTION(ENUMERATION "/Pull") MESSAGE(URN)

static struct wsman_request q;

Test(forwarded, what_the_server_may_understand_goes_through)
{
    static const struct {
        const char *headers, *body;
        enum wsman_access access;
    } rows[] = {
        {USUAL THING, "", WSMAN_ACCESS_READ},
        {USUAL RESOURCE(CIM "Thing") NS("root/A"), "", WSMAN_ACCESS_READ},
        {USUAL RESOURCE("http://schemas.dmtf.org/wbem/wscim/1/*") NS("root/A"),
         "", WSMAN_ACCESS_READ},
        {USUAL RESOURCE(OWNER "Thing") NS("root/a"), "", WSMAN_ACCESS_READ},
        {USUAL THING "<w:FragmentTransfer>x</w:FragmentTransfer>", "",
         WSMAN_ACCESS_READ},
        {USUAL THING "<x:New xmlns:x='urn:x' s:mustUnderstand='1'/>", "",
         WSMAN_ACCESS_READ},
        {USUAL THING "<w:New/>", "", WSMAN_ACCESS_READ},
        {ENUM THING,
         "<n:Enumerate><w:Filter><x>y</x></w:Filter><z/>"
         "</n:Enumerate>",
         WSMAN_ACCESS_READ},
        {PULLING THING,
         "<n:Pull><n:EnumerationContext><x>y</x>"
         "</n:EnumerationContext></n:Pull>",
         WSMAN_ACCESS_READ},
        {ACTION(CIM "Thing/Do") MESSAGE(URN) RESOURCE(CIM "Thing")
             NS("root/a"),
         "<x/>", WSMAN_ACCESS_WRITE},
        {ACTION("urn:new") MESSAGE(URN) THING, "<x/>", WSMAN_ACCESS_WRITE},
        {WRITING THING,
         "<x><w:ResourceURI>" WMI "root/b/C</w:ResourceURI></x>",
         WSMAN_ACCESS_WRITE},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert_eq(forward_envelope(rows[i].headers, rows[i].body, &q),
                     WSMAN_PARSE_OK, "row %zu: %s", i, q.problem);
        cr_assert_eq(q.access, rows[i].access, "row %zu", i);
        cr_assert_str_eq(q.namespace.text, "root\\a");
    }
}

#define OBJECT(uri, more)                                                     \
    "<n:Enumerate><w:Filter><b:AssociatedInstances><b:Object>"                \
    "<a:ReferenceParameters><w:ResourceURI>" uri "</w:ResourceURI>" more      \
    "</a:ReferenceParameters></b:Object></b:AssociatedInstances></w:Filter>"  \
    "</n:Enumerate>"
#define OTHER      "the body names another namespace"
#define NO_DEFAULT "the selector __cimnamespace is missing"
#define NO_CLASS   "the ResourceURI is not a CIM class"
#define UNKNOWN    "a header that must be understood is not known"

Test(forwarded, which_namespace_is_asked_for_is_certain)
{
    static const struct {
        const char *headers, *body;
        enum wsman_fault_kind fault;
        const char *problem;
    } rows[] = {
        {USUAL RESOURCE(CIM "Thing"), "", WSMAN_FAULT_INVALID_SELECTORS,
         NO_DEFAULT},
        {USUAL RESOURCE("http://schemas.dmtf.org/wbem/wscim/1/*"), "",
         WSMAN_FAULT_INVALID_SELECTORS, NO_DEFAULT},
        {USUAL RESOURCE(OWNER "Thing"), "", WSMAN_FAULT_INVALID_SELECTORS,
         NO_DEFAULT},
        {USUAL RESOURCE("http:///wbem/wscim/1/cim-schema/2/Thing")
             NS("root/a"),
         "", WSMAN_FAULT_RESOURCE, NO_CLASS},
        {USUAL RESOURCE("http://x/y/wbem/wscim/1/cim-schema/2/Thing")
             NS("root/a"),
         "", WSMAN_FAULT_RESOURCE, NO_CLASS},
        {USUAL RESOURCE(OWNER "a/Thing") NS("root/a"), "",
         WSMAN_FAULT_RESOURCE, "the ResourceURI names no class"},
        {USUAL RESOURCE("urn:shell") NS("root/a"), "", WSMAN_FAULT_RESOURCE,
         NO_CLASS},
        {ENUM THING, OBJECT(WMI "root/b/C", ""), WSMAN_FAULT_INVALID_SELECTORS,
         OTHER},
        {ENUM THING, OBJECT(CIM "C", NS("root/b")),
         WSMAN_FAULT_INVALID_SELECTORS, OTHER},
        {ENUM THING, OBJECT(CIM "C", ""), WSMAN_FAULT_INVALID_SELECTORS,
         OTHER},
        {ENUM THING,
         OBJECT(WMI "root/a/C",
                "<w:ResourceURI>" WMI "root/a/C</w:ResourceURI>"),
         WSMAN_FAULT_INVALID_SELECTORS, OTHER},
        {ENUM THING,
         OBJECT(WMI "root/a/C", "<x:resourceuri xmlns:x='urn:x'>" WMI
                                "root/b/C</x:resourceuri>"),
         WSMAN_FAULT_INVALID_SELECTORS, OTHER},
        {ENUM THING, OBJECT(CIM "C", NS("root/a") NS("root/a")),
         WSMAN_FAULT_INVALID_SELECTORS, OTHER},
        {ENUM THING, OBJECT(CIM "C", "<x Name='__CIMnamespace'>root/b</x>"),
         WSMAN_FAULT_INVALID_SELECTORS, OTHER},
        {ENUM THING,
         "<n:Enumerate><w:Filter>" NS("root/b") "</w:Filter>"
                                                "</n:Enumerate>",
         WSMAN_FAULT_INVALID_SELECTORS, OTHER},
        {USUAL THING "<x:Action xmlns:x='http://www.w3.org/2005/08/"
                     "addressing'>y</x:Action>",
         "", WSMAN_FAULT_NOT_UNDERSTOOD, UNKNOWN},
        {USUAL THING "<x:selectorset xmlns:x='urn:x'/>", "",
         WSMAN_FAULT_NOT_UNDERSTOOD, UNKNOWN},
        {USUAL THING "<w:New s:mustUnderstand='true'/>", "",
         WSMAN_FAULT_NOT_UNDERSTOOD, UNKNOWN},
        {USUAL THING "<a:To><x/></a:To>", "", WSMAN_FAULT_SCHEMA,
         "a value is not text"},
        {USUAL THING REPLY_TO("http://h/"), "", WSMAN_FAULT_ADDRESSING,
         "answers go to the anonymous address only"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert_eq(forward_envelope(rows[i].headers, rows[i].body, &q),
                     WSMAN_PARSE_REFUSED, "row %zu", i);
        cr_assert_str_eq(q.problem, rows[i].problem, "row %zu: %s", i,
                         q.problem);
        cr_assert_eq(q.fault, rows[i].fault, "row %zu: %s", i,
                     wsman_fault_name(q.fault));
        cr_assert_eq(q.namespace.length, 0);
        cr_assert_eq(q.access, WSMAN_ACCESS_WRITE);
    }
    cr_assert_eq(
        forward_envelope(ENUM THING, OBJECT(CIM "C", NS("Root/A")), &q),
        WSMAN_PARSE_OK, "%s", q.problem);
}

/* Also of what is refused: the refusal is the route's. */
Test(forwarded, whom_it_is_for_is_told)
{
#define TO "<a:To>http://gw/wsman?x=1</a:To>"
    cr_assert_eq(forward_envelope(TO USUAL THING, "", &q), WSMAN_PARSE_OK);
    cr_assert_str_eq(q.to, "http://gw/wsman?x=1");
    cr_assert_eq(forward_envelope(TO USUAL RESOURCE(CIM "X"), "", &q),
                 WSMAN_PARSE_REFUSED);
    cr_assert_str_eq(q.to, "http://gw/wsman?x=1");
    cr_assert_eq(forward_envelope(TO TO USUAL THING, "", &q),
                 WSMAN_PARSE_REFUSED);
    cr_assert_str_eq(q.problem, "the header To stands twice");
}
