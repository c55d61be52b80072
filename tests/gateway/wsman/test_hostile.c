/* XML as a weapon (threat 32): what costs much, and what reads other files. */
#include "tests/gateway/wsman/envelopes.h"

#include <time.h>

SUITE(hostile);

#define START "<s:Envelope xmlns:s='" SOAP_NS "'><s:Body>"
#define END   "</s:Body></s:Envelope>"

Test(hostile, no_document_type_and_no_entity)
{
    static const struct {
        const char *xml, *problem;
    } rows[] = {
#define DOCTYPE_REFUSED "a document type is not allowed"
        {"<!DOCTYPE x>" START END, DOCTYPE_REFUSED},
        {"<!DOCTYPE x SYSTEM 'http://127.0.0.1/x.dtd'>" START END,
         DOCTYPE_REFUSED},
        {"<!DOCTYPE x PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' "
         "'http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd'>" START END,
         DOCTYPE_REFUSED},
        {"<?xml version='1.0'?>\n<!-- x --><!DOCTYPE x [<!ENTITY f SYSTEM "
         "'file:///etc/passwd'>]>" START "&f;" END,
         DOCTYPE_REFUSED},
        {"<!DOCTYPE x [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]>" START
             END,
         DOCTYPE_REFUSED},
        {"<!DOCTYPE x [<!ENTITY a 'aa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>"
         "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d "
         "'&c;&c;&c;&c;'>]>" START "&d;" END,
         DOCTYPE_REFUSED},
        {"<!doctype x>" START END, DOCTYPE_REFUSED},
        {START "<!DOCTYPE x>" END, DOCTYPE_REFUSED},
        {START "<!ENTITY a 'a'>" END, DOCTYPE_REFUSED},
#define ENTITY_REFUSED "an entity is not allowed"
        {START "&f;" END, ENTITY_REFUSED},
        {START "<x a='&f;'/>" END, ENTITY_REFUSED},
        {START "<x xmlns='&f;'/>" END, ENTITY_REFUSED},
        {START "&amp &f;" END, ENTITY_REFUSED},
        {START "&Amp;" END, ENTITY_REFUSED},
        {START "%f;&" END, ENTITY_REFUSED},
        {START "<?php x?>" END, "a processing instruction is not allowed"},
        {START END "<?x?>", "a processing instruction is not allowed"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_text_refused(rows[i].xml, WSMAN_FAULT_SCHEMA, rows[i].problem);
}

Test(hostile, what_looks_like_a_document_type_may_be_text)
{
    struct wsman_request r;

    cr_assert_eq(parse_envelope(WRITING RESOURCE(WMI "root/a/C"),
                                "<x><!-- <!DOCTYPE x> &f; -->"
                                "<![CDATA[<!DOCTYPE x> &f; <?x?>]]>"
                                "<y a=\"'>&lt;!DOCTYPE x&gt;\" "
                                "b='&#60;&#x3c;\"/>'/></x>",
                                &r),
                 WSMAN_PARSE_OK, "%s", r.problem);
}

Test(hostile, what_is_not_well_formed_is_refused)
{
    static const char *const rows[] = {
        "x",
        "<",
        "<x",
        "<x>",
        "</x>",
        "<x></y>",
        "<x/><y/>",
        "<x/>y",
        "<![CDATA[x]]><x/>",
        START "<x a=1/>" END,
        START "<x a='<'/>" END,
        START "<x a='1' a='2'/>" END,
        START "<x a='1' xmlns:p='urn:p' xmlns:q='urn:p' p:a='1' q:a='2'/>" END,
        START "<p:x/>" END,
        START "<x p:a='1'/>" END,
        START "<x><y></x></y>" END,
        START "<!-- -- -->" END,
        START "]]>" END,
        START "&#0;" END,
        START "&#xd800;" END,
        START "&#x110000;" END,
        START "&#;" END,
        START "&#60" END,
        START "< x/>" END,
        START END END,
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_text_refused(rows[i], WSMAN_FAULT_SCHEMA,
                            "the XML is not well-formed");
}

static double
seconds_used(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

#define MISSING_ACTION                                                        \
    WSMAN_FAULT_HEADER_REQUIRED, "the header Action is missing"
#define NOT_WELL_FORMED WSMAN_FAULT_SCHEMA, "the XML is not well-formed"

/* Head, count times a part with its number in the middle, tail. */
static const struct heavy {
    const char *head, *before, *after; /* after NULL: without the number */
    int count;
    const char *tail;
    enum wsman_fault_kind fault;
    const char *problem;
} heavy[] = {
    {START, "<a>", NULL, 350000, "", WSMAN_FAULT_ENCODING,
     "elements nest too deeply"},
    {START, "<a/>", NULL, 260000, END, WSMAN_FAULT_ENCODING,
     "the document has too many elements"},
    {START "<x", " a", "=''", 90000, "/>" END, WSMAN_FAULT_ENCODING,
     "an element has too many attributes"},
    {START, "<x xmlns:a", "='u'/>", 45000, END, WSMAN_FAULT_ENCODING,
     "too many namespaces are declared"},
    {START, "<!--", NULL, 260000, "", NOT_WELL_FORMED},
    {START, "<![CDATA[", NULL, 120000, "", NOT_WELL_FORMED},
    {START, "&#", NULL, 500000, "", NOT_WELL_FORMED},
    {START, "]", NULL, 1000000, END, MISSING_ACTION},
    {START, "&#60;", NULL, 200000, END, MISSING_ACTION},
    {START, "<a b='", "'>a text of some length</a>", 30000, END,
     MISSING_ACTION},
};

static void
heavy_make(const struct heavy *row, struct buf *xml)
{
    buf_add_string(xml, row->head);
    for (int i = 0; i < row->count; i++) {
        buf_add_string(xml, row->before);
        if (row->after != NULL)
            buf_addf(xml, "%d%s", i, row->after);
    }
    buf_add_string(xml, row->tail);
}

/* Each about a megabyte; reading it must not cost much more than that. */
Test(hostile, a_megabyte_of_anything_is_cheap)
{
    for (size_t i = 0; i < ARRAY_COUNT(heavy); i++) {
        struct buf xml = BUF_INIT;
        double before;

        heavy_make(&heavy[i], &xml);
        before = seconds_used();
        assert_text_refused(xml.data, heavy[i].fault, heavy[i].problem);
        cr_expect_lt(seconds_used() - before, 2.0, "row %zu", i);
        buf_fini(&xml);
    }
}

Test(hostile, as_deep_as_the_limit_is_accepted)
{
    struct wsman_request r;
    struct buf body = BUF_INIT;

    for (int i = 0; i < 62; i++)
        buf_add_string(&body, "<x>");
    for (int i = 0; i < 62; i++)
        buf_add_string(&body, "</x>");
    cr_assert_eq(
        parse_envelope(WRITING RESOURCE(WMI "root/a/C"), body.data, &r),
        WSMAN_PARSE_OK, "%s", r.problem);
    buf_reset(&body);
    for (int i = 0; i < 63; i++)
        buf_add_string(&body, "<x>");
    for (int i = 0; i < 63; i++)
        buf_add_string(&body, "</x>");
    assert_refused(WRITING RESOURCE(WMI "root/a/C"), body.data,
                   WSMAN_FAULT_ENCODING, "elements nest too deeply");
    buf_fini(&body);
}

Test(hostile, a_document_has_a_largest)
{
    struct wsman_request r;
    static const char one;

    /* Only its length is looked at. */
    cr_assert_eq(wsman_request_parse((struct span){&one, XML_BYTES_MAX + 1},
                                     &untold, &r),
                 WSMAN_PARSE_REFUSED);
    cr_assert_eq(r.fault, WSMAN_FAULT_ENCODING);
    cr_assert_str_eq(r.problem, "the document is too large");
}
