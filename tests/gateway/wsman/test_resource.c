#include "tests/gateway/wsman/envelopes.h"

#include <stdio.h>

SUITE(resource);

#define ALL "http://schemas.dmtf.org/wbem/wscim/1/*"

Test(resource, names_one_namespace_and_class)
{
    static const struct {
        const char *uri, *selector, *namespace, *class_name;
    } rows[] = {
        {WMI "root/cimv2/Win32_Disk", NULL, "root\\cimv2", "Win32_Disk"},
        {WMI "ROOT/CIMV2/*", NULL, "root\\cimv2", "*"},
        {WMI "root/a/b-c/D", NULL, "root\\a\\b-c", "D"},
        {WMI "root/cimv2", NULL, "root", "cimv2"},
        {WMI "root/cimv2/C", "Root/CIMV2", "root\\cimv2", "C"},
        {CIM "CIM_Disk", NULL, "root\\cimv2", "CIM_Disk"},
        {CIM "CIM_Disk", "root/MyNamespace", "root\\mynamespace", "CIM_Disk"},
        {CIM "*", "root/interop", "root\\interop", "*"},
        {ALL, NULL, "root\\cimv2", "*"},
        {ALL, " root/MyNamespace\n", "root\\mynamespace", "*"},
        {CIM "Gr\xc3\xb6\xc3\x9f"
             "e",
         NULL, "root\\cimv2",
         "Gr\xc3\xb6\xc3\x9f"
         "e"},
    };
    struct wsman_request r;
    char headers[4096];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int n = snprintf(headers, sizeof(headers), USUAL RESOURCE("%s"),
                         rows[i].uri);

        if (rows[i].selector != NULL)
            snprintf(headers + n, sizeof(headers) - (size_t)n,
                     SELECTORS(SELECTOR("Id", "1")
                                   SELECTOR("__cimnamespace", "%s")),
                     rows[i].selector);
        cr_assert_eq(parse_envelope(headers, "", &r), WSMAN_PARSE_OK, "%s: %s",
                     rows[i].uri, r.problem);
        cr_assert_str_eq(r.namespace.text, rows[i].namespace);
        cr_assert_str_eq(r.class_name, rows[i].class_name);
    }
}

/* Threat 22: one canonical form, or a refusal. */
Test(resource, refuses_what_is_not_canonical)
{
    static const struct {
        const char *uri, *problem;
    } rows[] = {
        {WMI, "the ResourceURI names no class"},
        {WMI "C", "the ResourceURI names no class"},
        {WMI "root/", "the ResourceURI names no class"},
        {WMI "root/cimv2/", "the ResourceURI names no class"},
        {WMI "root/cimv2/C ?", "ResourceURI is not a URI"},
        {WMI "root/cimv2/C?Id=1", "the ResourceURI names no class"},
        {WMI "root/cimv2/C#x", "the ResourceURI names no class"},
        {WMI "root/cimv2/1C", "the ResourceURI names no class"},
        {WMI "root/cimv2/**", "the ResourceURI names no class"},
        {WMI "root/cimv2/C%2f", "the ResourceURI names no class"},
        {WMI "root%2fcimv2/C", "the namespace is malformed"},
        {WMI "root/cimv2/../secret/C", "the namespace is malformed"},
        {WMI "root/./cimv2/C", "the namespace is malformed"},
        {WMI "root//cimv2/C", "the namespace is malformed"},
        {WMI "/root/cimv2/C", "the namespace is malformed"},
        {WMI "other/cimv2/C", "the namespace is malformed"},
        {WMI "cimv2/C", "the namespace is malformed"},
        {WMI "root\\cimv2/C", "ResourceURI is not a URI"},
        {WMI "root/cimv2&#x9;/C", "ResourceURI is not a URI"},
        {CIM, "the ResourceURI names no class"},
        {CIM "a/b", "the ResourceURI names no class"},
        {CIM "..", "the ResourceURI names no class"},
        {"http://schemas.dmtf.org/wbem/wscim/1/", "the ResourceURI is not a "
                                                  "CIM class"},
        {"HTTP://schemas.dmtf.org/wbem/wscim/1/*",
         "the ResourceURI is not a CIM class"},
        {"http://schemas.microsoft.com/wbem/wsman/1/config",
         "the ResourceURI is not a CIM class"},
        {"http://evil.example.com/" WMI "root/cimv2/C",
         "the ResourceURI is not a CIM class"},
        {"urn:x", "the ResourceURI is not a CIM class"},
        {"x", "ResourceURI is not a URI"},
        {":x", "ResourceURI is not a URI"},
    };
    char headers[4096];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        snprintf(headers, sizeof(headers), USUAL RESOURCE("%s"), rows[i].uri);
        assert_refused(headers, "", WSMAN_FAULT_RESOURCE, rows[i].problem);
    }
}

Test(resource, selectors_name_a_namespace_once)
{
#define DISK RESOURCE(CIM "CIM_Disk")
    static const struct {
        const char *headers;
        enum wsman_fault_kind fault;
        const char *problem;
    } rows[] = {
        {USUAL DISK SELECTORS(SELECTOR("__cimnamespace", "root/a")
                                  SELECTOR("__cimnamespace", "root/b")),
         WSMAN_FAULT_INVALID_SELECTORS, "a selector stands twice"},
        {USUAL DISK SELECTORS(SELECTOR("__cimnamespace", "root/a")
                                  SELECTOR("__CIMNamespace", "root/a")),
         WSMAN_FAULT_INVALID_SELECTORS, "a selector stands twice"},
        {USUAL DISK SELECTORS(SELECTOR("Id", "1") SELECTOR("id", "2")),
         WSMAN_FAULT_INVALID_SELECTORS, "a selector stands twice"},
        {USUAL RESOURCE(WMI "root/a/C")
             SELECTORS(SELECTOR("__cimnamespace", "root/b")),
         WSMAN_FAULT_INVALID_SELECTORS,
         "ResourceURI and __cimnamespace name two namespaces"},
        {USUAL RESOURCE(WMI "root/a/C")
             SELECTORS(SELECTOR("__cimnamespace", "")),
         WSMAN_FAULT_INVALID_SELECTORS,
         "ResourceURI and __cimnamespace name two namespaces"},
        {USUAL DISK SELECTORS(SELECTOR("__cimnamespace", "")),
         WSMAN_FAULT_RESOURCE, "the namespace is malformed"},
        {USUAL DISK SELECTORS(SELECTOR("__cimnamespace", "root\\a")),
         WSMAN_FAULT_RESOURCE, "the namespace is malformed"},
        {USUAL DISK SELECTORS(SELECTOR("__cimnamespace", "root/../a")),
         WSMAN_FAULT_RESOURCE, "the namespace is malformed"},
        {USUAL DISK SELECTORS("<w:Selector>root/a</w:Selector>"),
         WSMAN_FAULT_SCHEMA, "a selector's Name is not a name"},
        {USUAL DISK SELECTORS(SELECTOR("", "1")), WSMAN_FAULT_SCHEMA,
         "a selector's Name is not a name"},
        {USUAL DISK SELECTORS(SELECTOR(" __cimnamespace", "root/a")),
         WSMAN_FAULT_SCHEMA, "a selector's Name is not a name"},
        {USUAL DISK SELECTORS(SELECTOR("a&amp;b", "1")), WSMAN_FAULT_SCHEMA,
         "a selector's Name is not a name"},
        {USUAL DISK SELECTORS("<a:Selector Name=\"Id\">1</a:Selector>"),
         WSMAN_FAULT_SCHEMA,
         "SelectorSet holds something else than a Selector"},
        {USUAL DISK SELECTORS("x"), WSMAN_FAULT_SCHEMA,
         "text stands between elements"},
    };
    struct wsman_request r;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_refused(rows[i].headers, "", rows[i].fault, rows[i].problem);
    /* Written with a character's number it is the same name. */
    cr_assert_eq(parse_envelope(USUAL DISK SELECTORS(
                                    SELECTOR("&#95;_cimnamespace", "root/a")),
                                "", &r),
                 WSMAN_PARSE_OK);
    cr_assert_str_eq(r.namespace.text, "root\\a");
}

/* A reference's own selectors do not count. */
Test(resource, a_reference_names_no_namespace)
{
    struct wsman_request r;

    cr_assert_eq(
        parse_envelope(
            USUAL RESOURCE(CIM "CIM_Disk") SELECTORS(SELECTOR(
                "Ref",
                "<a:EndpointReference><a:ReferenceParameters>" SELECTORS(
                    SELECTOR("__cimnamespace", "root/other"))
                    RESOURCE(WMI "root/other/C") "</a:ReferenceParameters></"
                                                 "a:EndpointReference>")),
            "", &r),
        WSMAN_PARSE_OK);
    cr_assert_str_eq(r.namespace.text, "root\\cimv2");
}

Test(resource, there_is_a_limit_to_selectors)
{
    struct buf headers = BUF_INIT;

    buf_add_string(&headers, USUAL DISK "<w:SelectorSet>");
    for (int i = 0; i < 33; i++)
        buf_addf(&headers, SELECTOR("S%d", "1"), i);
    buf_add_string(&headers, "</w:SelectorSet>");
    assert_refused(headers.data, "", WSMAN_FAULT_ENCODING,
                   "there are too many selectors");
    buf_fini(&headers);
}
