/* What the repository gives, as envelopes. */
#include "tests/gateway/wsman/store.h"

#include <libxml/parser.h>
#include <string.h>

SUITE(answer);

#define THING(name) RESOURCE(WMI "root/Test/" name)
#define GET         ACTION(TRANSFER "/Get") MESSAGE(URN)
#define ENUMERATE   ACTION(ENUMERATION "/Enumerate") MESSAGE(URN)
#define PULLING     ACTION(ENUMERATION "/Pull") MESSAGE(URN)

static const char mof[] =
    "#pragma namespace(\"root\\\\Test\")\n"
    "class Thing { [Key] string Name; char16 Half; real64 Big; real32 Odd;\n"
    "  datetime When[]; boolean Flags[]; string Gaps[]; };\n"
    "class Gr\xc3\xb6\xc3\x9f"
    "e { [Key] uint8 N; string \xc3\x97"
    "x; };\n"
    "class Box { [Key] string Name; Thing Inside; Thing Several[]; };\n"
    "class Pair { [Key] Thing ref A; [Key] Thing ref B; };\n"
    "instance of Thing { Name = \"one\"; Half = 55296; Big = 1e300;\n"
    "  When = {\"20260102030405.000000-480\", NULL,\n"
    "    \"00000012******.******:000\"}; Flags = {TRUE, FALSE};\n"
    "  Gaps = {\"a\", NULL, \"b\"}; };\n"
    "instance of Gr\xc3\xb6\xc3\x9f"
    "e { N = 7; \xc3\x97"
    "x = \"y\"; };\n"
    "instance of Box { Name = \"b\"; Inside = instance of Thing {\n"
    "    Name = \"in\"; }; };\n"
    "instance of Pair { A = \"Thing=\\\"one\\\"\";\n"
    "  B = \"\\\\\\\\.\\\\root\\\\Test:Thing.Name=\\\"two\\\"\"; };\n";

static void
assert_well_formed(const struct buf *xml)
{
    xmlDocPtr doc = xmlReadMemory(xml->data, (int)xml->length, NULL, NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOERROR);

    cr_assert_not_null(doc, "%s", xml->data);
    xmlFreeDoc(doc);
}

#define assert_holds(xml, text)                                               \
    cr_assert_not_null(strstr((xml)->data, text), "%s\nin %s", text,          \
                       (xml)->data)

static void
assert_answers(struct repository *repo, const char *headers, const char *body,
               struct buf *out)
{
    struct wsman_refusal refusal;

    cr_assert_eq(store_ask(repo, headers, body, 1 << 20, out, &refusal),
                 WSMAN_ANSWER_OK, "%s: %s", headers,
                 refusal.problem != NULL ? refusal.problem : "failed");
    assert_well_formed(out);
    assert_holds(out, "<a:MessageID>uuid:1</a:MessageID>");
    assert_holds(out, "<a:RelatesTo>" URN "</a:RelatesTo>");
}

Test(answer, values_have_the_forms_of_the_mapping)
{
    static const char *const forms[] = {
        ("<p0:Thing xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
         "xmlns:c=\"http://schemas.dmtf.org/wbem/wscim/1/common\" "
         "xmlns:p0=\"" WMI "root/test/Thing\" xsi:type=\"p0:Thing_Type\">"),
        "<p0:Name>one</p0:Name>",
        "<p0:Half>\xef\xbf\xbd</p0:Half>", /* of a pair */
        "<p0:Big>1e+300</p0:Big>",
        "<p0:Odd xsi:nil=\"true\"/>",
        ("<p0:When><c:Datetime>2026-01-02T03:04:05.000000-08:00</c:Datetime>"
         "</p0:When><p0:When xsi:nil=\"true\"/><p0:When><c:CIM_DateTime>"),
        "<p0:Flags>true</p0:Flags><p0:Flags>false</p0:Flags>",
        "<p0:Gaps>a</p0:Gaps><p0:Gaps xsi:nil=\"true\"/><p0:Gaps>b</p0:Gaps>",
    };
    struct repository *repo = stored_text(mof);
    struct buf out = BUF_INIT;

    assert_answers(repo, GET THING("Thing") SELECTORS(SELECTOR("name", "one")),
                   "", &out);
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++)
        assert_holds(&out, forms[i]);
    buf_fini(&out);
    repository_close(repo);
}

Test(answer, names_that_xml_does_not_have_are_escaped)
{
    struct repository *repo = stored_text(mof);
    struct buf out = BUF_INIT;

    assert_answers(repo,
                   GET THING("gr\xc3\xb6\xc3\x9f"
                             "e") SELECTORS(SELECTOR("N", "7")),
                   "", &out);
    assert_holds(&out, "<p0:Gr\xc3\xb6\xc3\x9f"
                       "e ");
    assert_holds(&out, "<p0:_x00D7_x>y</p0:_x00D7_x>");
    buf_fini(&out);
    repository_close(repo);
}

Test(answer, an_embedded_object_has_its_own_namespace)
{
    struct repository *repo = stored_text(mof);
    struct buf out = BUF_INIT;

    assert_answers(repo, GET THING("Box") SELECTORS(SELECTOR("Name", "b")), "",
                   &out);
    assert_holds(&out, "<p0:Inside xmlns:p1=\"" WMI "root/test/Thing\" "
                       "xsi:type=\"p1:Thing_Type\"><p1:Name>in</p1:Name>"
                       "</p0:Inside>");
    buf_fini(&out);
    repository_close(repo);
}

Test(answer, references_are_endpoints_even_as_keys)
{
    struct repository *repo = stored_text(mof);
    struct buf out = BUF_INIT;

    assert_answers(repo, ENUMERATE THING("Pair"),
                   "<n:Enumerate><w:OptimizeEnumeration/>"
                   "<w:EnumerationMode>EnumerateObjectAndEPR"
                   "</w:EnumerationMode></n:Enumerate>",
                   &out);
#define ENDPOINT(name)                                                        \
    "<a:Address>" ANONYMOUS "</a:Address><a:ReferenceParameters>"             \
    "<w:ResourceURI>" WMI "root/test/Thing</w:ResourceURI><w:SelectorSet>"    \
    "<w:Selector Name=\"Name\">" name "</w:Selector>"                         \
    "<w:Selector Name=\"__cimnamespace\">root/test</w:Selector>"
    assert_holds(&out, "<p0:A>" ENDPOINT("one"));
    assert_holds(&out, "<p0:B>" ENDPOINT("two"));
    assert_holds(&out, "<w:Item><p0:Pair ");
    assert_holds(&out, "</p0:Pair><a:EndpointReference>");
    assert_holds(&out, "<n:EnumerationContext/><w:Items>");
    assert_holds(&out, "</w:Items><w:EndOfSequence/></n:EnumerateResponse>");
    buf_fini(&out);
    repository_close(repo);
}

/* Whatever the limit, it is kept or the refusal says so; and nothing is left
 * of an answer that was too large. */
Test(answer, is_never_larger_than_it_may_be)
{
    struct repository *repo = stored_text(mof);
    struct wsman_refusal refusal;
    struct buf out = BUF_INIT;
    size_t refused = 0, answered = 0;

    for (size_t max = 0; max < 4000; max += 7) {
        enum wsman_answer got =
            store_ask(repo, ENUMERATE THING("Thing"),
                      "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>9"
                      "</w:MaxElements></n:Enumerate>",
                      max, &out, &refusal);

        if (got == WSMAN_ANSWER_OK) {
            cr_assert_leq(out.length, max);
            answered++;
        } else {
            cr_assert_eq(got, WSMAN_ANSWER_REFUSED);
            cr_assert_eq(refusal.fault, WSMAN_FAULT_ENCODING);
            cr_assert_eq(out.length, 0);
            refused++;
        }
    }
    cr_assert_gt(refused, 10);
    cr_assert_gt(answered, 10);
    buf_fini(&out);
    repository_close(repo);
}

static const struct {
    const char *headers, *body;
    enum wsman_fault_kind fault;
    const char *problem;
} refusals[] = {
    {GET THING("Nope"), "", WSMAN_FAULT_RESOURCE,
     "there is no such class in this namespace"},
    {GET RESOURCE(WMI "root/Other/Thing"), "", WSMAN_FAULT_RESOURCE,
     "there is no such class in this namespace"},
    {GET THING("*"), "", WSMAN_FAULT_RESOURCE,
     "the ResourceURI has to name a class"},
    {GET THING("Thing"), "", WSMAN_FAULT_INVALID_SELECTORS,
     "a key of the class has no selector"},
    {GET THING("Thing") SELECTORS(SELECTOR("Odd", "1")), "",
     WSMAN_FAULT_INVALID_SELECTORS, "a selector is not a key of the class"},
    {GET THING("Gr\xc3\xb6\xc3\x9f"
               "e") SELECTORS(SELECTOR("N", "7,N=8")),
     "", WSMAN_FAULT_INVALID_SELECTORS,
     "a selector's value is not one of the key's type"},
    {GET THING("Gr\xc3\xb6\xc3\x9f"
               "e") SELECTORS(SELECTOR("N", "x")),
     "", WSMAN_FAULT_INVALID_SELECTORS,
     "a selector's value is not one of the key's type"},
    {GET THING("Thing") SELECTORS("<w:Selector Name='Name'><x/></w:Selector>"),
     "", WSMAN_FAULT_INVALID_SELECTORS, "a selector's value is not text"},
    {GET THING("Thing") SELECTORS(SELECTOR("Name", "One")), "",
     WSMAN_FAULT_NOT_FOUND, "there is no such instance"},
    {ENUMERATE THING("Nope"), "<n:Enumerate/>", WSMAN_FAULT_RESOURCE,
     "there is no such class in this namespace"},
    {ENUMERATE THING("Thing"), "<n:Enumerate><w:Filter/></n:Enumerate>",
     WSMAN_FAULT_FILTERING, "there are no filters"},
    {PULLING THING("Thing"), "<n:Pull/>", WSMAN_FAULT_CONTEXT,
     "the EnumerationContext is missing"},
    {WRITING THING("Thing"), "<x/>", WSMAN_FAULT_ACTION, NULL},
};

Test(answer, says_what_it_cannot_do)
{
    struct repository *repo = stored_text(mof);
    struct buf out = BUF_INIT;

    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        struct wsman_refusal got;

        cr_assert_eq(store_ask(repo, refusals[i].headers, refusals[i].body,
                               1 << 20, &out, &got),
                     WSMAN_ANSWER_REFUSED, "row %zu", i);
        cr_assert_eq(got.fault, refusals[i].fault, "row %zu: %s", i,
                     wsman_fault_name(got.fault));
        cr_assert((got.problem == NULL) == (refusals[i].problem == NULL));
        cr_assert(got.problem == NULL ||
                      strcmp(got.problem, refusals[i].problem) == 0,
                  "row %zu: %s", i, got.problem);
        cr_assert_eq(out.length, 0);
    }
    buf_fini(&out);
    repository_close(repo);
}
