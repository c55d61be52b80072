/* Encodings and declarations. */
#include "tests/gateway/wsman/envelopes.h"

#include <stdio.h>

SUITE(text);

#define IDENTIFY                                                              \
    "<s:Envelope xmlns:s='" SOAP_NS                                           \
    "'><s:Body><i:Identify xmlns:i='" IDENTITY_NS "'/></s:Body></s:Envelope>"

Test(text, a_declaration_says_what_the_document_is)
{
    static const char *const rows[] = {
        IDENTIFY,
        "\xef\xbb\xbf" IDENTIFY,
        "<?xml version=\"1.0\"?>" IDENTIFY,
        "<?xml version='1.0' encoding='utf-8'?>\n" IDENTIFY "\n",
        "\xef\xbb\xbf<?xml version = \"1.0\"\tencoding\n=\n'UTF-8' "
        "standalone=\"yes\" ?>" IDENTIFY,
        "<!-- a comment -->" IDENTIFY "<!-- and another -->",
    };
    struct wsman_request r;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert_eq(parse_text(rows[i], &r), WSMAN_PARSE_OK, "%s: %s",
                     rows[i], r.problem);
        cr_assert_eq(r.operation, WSMAN_IDENTIFY);
    }
}

Test(text, another_encoding_is_refused)
{
    static const struct {
        const char *declaration, *problem;
    } rows[] = {
#define OTHER "the declared encoding is not the document's, UTF-8 or UTF-16"
        {"<?xml version=\"1.0\" encoding=\"UTF-16\"?>", OTHER},
        {"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>", OTHER},
        {"<?xml version=\"1.0\" encoding=\"UTF-7\"?>", OTHER},
        {"<?xml version=\"1.0\" encoding=\"IBM037\"?>", OTHER},
        {"<?xml version=\"1.0\" encoding=\"\"?>", OTHER},
#define BROKEN "the XML declaration is malformed"
        {"<?xml ?>", BROKEN},
        {"<?xml version=\"1.0?>", BROKEN},
        {"<?xml version=\"1.0\"encoding=\"UTF-8\"?>", BROKEN},
        {"<?xml version=\"1.0\" standalone=\"maybe\"?>", BROKEN},
        {"<?xml version=\"1.0\" x=\"y\"?>", BROKEN},
        {"<?xml version=\"1.1\"?>", "the XML version is not 1.0"},
        {" <?xml version=\"1.0\"?>",
         "a processing instruction is not allowed"},
        {"<?xmlx version=\"1.0\"?>",
         "a processing instruction is not allowed"},
        {"+ADw-", "the XML is not well-formed"},
        {"\x4c\x6f\xa7\x94", "the document is not well-formed UTF-8"},
    };
    char xml[1024];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        snprintf(xml, sizeof(xml), "%s%s", rows[i].declaration, IDENTIFY);
        assert_text_refused(xml, WSMAN_FAULT_SCHEMA, rows[i].problem);
    }
}

/* UTF-16 of text, which holds code points up to U+00FF one byte each; big:
 * the high byte first. */
static void
add_utf16(struct buf *out, const char *text, bool big)
{
    for (; *text != '\0'; text++) {
        char unit[2] = {big ? '\0' : *text, big ? *text : '\0'};

        buf_add(out, unit, 2);
    }
}

static enum wsman_parse
parse_utf16(const char *mark, const char *text, bool big, const char *behind,
            size_t behind_length, struct wsman_request *r)
{
    struct buf xml = BUF_INIT;
    enum wsman_parse result;

    buf_add_string(&xml, mark);
    add_utf16(&xml, text, big);
    buf_add(&xml, behind, behind_length);
    result = parse_buf(&xml, r);
    buf_fini(&xml);
    return result;
}

Test(text, utf_16_has_a_mark_and_says_so)
{
    struct wsman_request r;

    cr_assert_eq(parse_utf16("\xff\xfe", IDENTIFY, false, "", 0, &r),
                 WSMAN_PARSE_OK);
    cr_assert_eq(
        parse_utf16("\xfe\xff",
                    "<?xml version='1.0' encoding='utf-16'?>" IDENTIFY, true,
                    "", 0, &r),
        WSMAN_PARSE_OK);
    cr_assert_eq(parse_utf16("", IDENTIFY, false, "", 0, &r),
                 WSMAN_PARSE_REFUSED);
    cr_assert_str_eq(r.problem, "the document holds a NUL, or is UTF-16"
                                " without a byte order mark");
    cr_assert_eq(parse_utf16("\xff\xfe",
                             "<?xml version='1.0' encoding='UTF-8'?>" IDENTIFY,
                             false, "", 0, &r),
                 WSMAN_PARSE_REFUSED);
    cr_assert_str_eq(r.problem, OTHER);
    /* The wrong end first. */
    cr_assert_eq(parse_utf16("\xff\xfe", IDENTIFY, true, "", 0, &r),
                 WSMAN_PARSE_REFUSED);
}

Test(text, utf_16_is_well_formed)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *problem; /* NULL: none */
    } rows[] = {
        /* A comment with U+1D11E in it. */
        {"<\0!\0-\0-\0\x34\xd8\x1e\xdd-\0-\0>\0", 18, NULL},
#define BAD "the document is not well-formed UTF-16"
        {"\n", 1, BAD},
        {"\x34\xd8", 2, BAD},
        {"\x34\xd8\n\0", 4, BAD},
        {"\x1e\xdd", 2, BAD},
        {"\x1e\xdd\x34\xd8", 4, BAD},
        {"\0\0", 2, "the document holds a NUL"},
    };
    struct wsman_request r;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        enum wsman_parse result = parse_utf16(
            "\xff\xfe", IDENTIFY, false, rows[i].bytes, rows[i].length, &r);

        cr_assert_eq(result == WSMAN_PARSE_OK, rows[i].problem == NULL,
                     "row %zu", i);
        if (rows[i].problem != NULL)
            cr_assert_str_eq(r.problem, rows[i].problem);
    }
}

Test(text, utf_8_is_well_formed)
{
    static const char *const rows[] = {
        "\xc0\xbc", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xc3",
    };
    char xml[1024];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        snprintf(xml, sizeof(xml), "%s<!--%s-->", IDENTIFY, rows[i]);
        assert_text_refused(xml, WSMAN_FAULT_SCHEMA,
                            "the document is not well-formed UTF-8");
    }
    assert_text_refused("", WSMAN_FAULT_SCHEMA, "the document is empty");
    /* What is no character in XML. */
    assert_text_refused(IDENTIFY "<!--\x01-->", WSMAN_FAULT_SCHEMA,
                        "the XML is not well-formed");
    assert_text_refused(IDENTIFY "<!--\xef\xbf\xbf-->", WSMAN_FAULT_SCHEMA,
                        "the XML is not well-formed");
}

Test(text, a_nul_ends_nothing)
{
    static const char xml[] = IDENTIFY "\0<x";
    struct wsman_request r;

    cr_assert_eq(
        wsman_request_parse((struct span){xml, sizeof(xml) - 1}, &untold, &r),
        WSMAN_PARSE_REFUSED);
    cr_assert_eq(r.fault, WSMAN_FAULT_SCHEMA);
}
