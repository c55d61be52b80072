/* What HTTP says of an envelope, and charsets. */
#include "tests/gateway/wsman/envelopes.h"

#include <string.h>

SUITE(content);

#define SOAP "application/soap+xml"

Test(content, reads_the_type_and_its_parameters)
{
    static const struct {
        const char *value;
        enum xml_charset charset;
        const char *action;
    } rows[] = {
        {SOAP, XML_CHARSET_UNKNOWN, ""},
        {SOAP ";charset=UTF-8", XML_CHARSET_UTF8, ""},
        {" Application/SOAP+xml ; Charset=\"utf-16\" ", XML_CHARSET_UTF16, ""},
        {SOAP ";action=urn:a", XML_CHARSET_UNKNOWN, "urn:a"},
        {SOAP "; action=\"urn:a;b=c\" ;charset=utf-8", XML_CHARSET_UTF8,
         "urn:a;b=c"},
        {SOAP ";x=y;z=\"\"", XML_CHARSET_UNKNOWN, ""},
    };
    struct wsman_content_type got;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert(wsman_content_type_parse(span_of(rows[i].value), &got), "%s",
                  rows[i].value);
        cr_assert_eq(got.charset, rows[i].charset, "%s", rows[i].value);
        assert_span(got.action, rows[i].action);
        cr_assert((got.action.data == NULL) == (rows[i].action[0] == '\0'));
    }
}

Test(content, refuses_what_is_no_envelope_or_has_two_readings)
{
    static const char *const rows[] = {
        "",
        "text/xml",
        "application/soap",
        "application/soap+xml2",
        "multipart/encrypted",
        SOAP ";",
        SOAP ";;",
        SOAP ";charset",
        SOAP ";charset=",
        SOAP ";=UTF-8",
        SOAP ";charset=ISO-8859-1",
        SOAP ";charset=UTF-16LE",
        SOAP ";charset=UTF-8;charset=UTF-8",
        SOAP ";charset=UTF-8;charset=UTF-16",
        SOAP ";charset=\"UTF-8",
        SOAP ";charset=UTF-8\"",
        SOAP ";charset=\"UTF\\-8\"",
        SOAP ";charset=\"UTF-8\"x",
        SOAP ";action=\"a\";action=\"a\"",
    };
    struct wsman_content_type got;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        got.charset = XML_CHARSET_UTF16;
        cr_assert_not(wsman_content_type_parse(span_of(rows[i]), &got), "%s",
                      rows[i]);
        cr_assert_eq(got.charset, XML_CHARSET_UNKNOWN);
        cr_assert_null(got.action.data);
    }
}

Test(content, what_it_writes_it_reads)
{
    static const enum xml_charset all[] = {
        XML_CHARSET_UNKNOWN, XML_CHARSET_UTF8, XML_CHARSET_UTF16};
    struct wsman_content_type got;

    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        const char *value = wsman_content_type(all[i]);

        cr_assert(wsman_content_type_parse(span_of(value), &got));
        cr_assert_str_eq(strstr(value, "=") + 1, xml_charset_name(all[i]));
        cr_assert_eq(got.charset, all[i] != XML_CHARSET_UNKNOWN
                                      ? all[i]
                                      : XML_CHARSET_UTF8);
    }
}

#define TEXT                                                                  \
    "<s:Envelope xmlns:s='" SOAP_NS                                           \
    "'><s:Body><i:Identify xmlns:i='" IDENTITY_NS                             \
    "'/><!-- a\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91 --></s:Body>"              \
    "</s:Envelope>"

Test(content, a_charset_that_is_told_has_to_be_the_documents)
{
    static struct wsman_request r;
    struct wsman_content_type told = {XML_CHARSET_UTF8, {NULL, 0}};
    struct buf wide = BUF_INIT;

    cr_assert(xml_encode(XML_CHARSET_UTF16, SPAN(TEXT), &wide));
    cr_assert_eq(memcmp(wide.data, "\xff\xfe<\0s\0", 6), 0);
    cr_assert_eq(wsman_request_parse(SPAN(TEXT), &told, &r), WSMAN_PARSE_OK);
    cr_assert_eq(r.charset, XML_CHARSET_UTF8);
    cr_assert_eq(wsman_request_parse(buf_span(&wide), &told, &r),
                 WSMAN_PARSE_REFUSED);
    cr_assert_str_eq(r.problem, "the charset is not the document's");
    cr_assert_eq(r.charset, XML_CHARSET_UTF16); /* its answer's */
    told.charset = XML_CHARSET_UTF16;
    cr_assert_eq(wsman_request_parse(buf_span(&wide), &told, &r),
                 WSMAN_PARSE_OK);
    cr_assert_eq(wsman_request_parse(SPAN(TEXT), &told, &r),
                 WSMAN_PARSE_REFUSED);
    buf_fini(&wide);
}

/* Every code point, there and back. */
Test(content, utf16_loses_nothing)
{
    struct buf text = BUF_INIT, wide = BUF_INIT;
    size_t units = 1;

    for (uint32_t cp = 0; cp <= 0x10ffff; cp += cp < 0x1000 ? 1 : 97) {
        char utf8[4];

        if (cp >= 0xd800 && cp <= 0xdfff)
            continue;
        buf_add(&text, utf8, utf8_encode(cp, utf8));
        units += cp > 0xffff ? 2 : 1;
    }
    cr_assert(xml_encode(XML_CHARSET_UTF16, buf_span(&text), &wide));
    cr_assert_eq(wide.length, units * 2);
    cr_assert_leq(wide.length, text.length * 2 + 2);
    buf_reset(&text);
    for (size_t i = 2; i < wide.length; i += 2) {
        const unsigned char *u = (const unsigned char *)wide.data + i;
        uint32_t unit = u[0] | (uint32_t)u[1] << 8;
        char utf8[4];

        if (unit >= 0xd800 && unit < 0xdc00) {
            uint32_t low = u[2] | (uint32_t)u[3] << 8;

            cr_assert(low >= 0xdc00 && low < 0xe000);
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        }
        buf_add(&text, utf8, utf8_encode(unit, utf8));
    }
    cr_assert(utf8_is_valid(buf_span(&text)));
    buf_reset(&wide);
    cr_assert(xml_encode(XML_CHARSET_UTF16, buf_span(&text), &wide));
    cr_assert_eq(wide.length, units * 2);
    buf_fini(&text);
    buf_fini(&wide);
}
