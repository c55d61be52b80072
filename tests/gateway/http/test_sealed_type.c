#include "gateway/http/http.h"
#include "tests/support/support.h"

SUITE(sealed_type);

#define SPNEGO    "application/HTTP-SPNEGO-session-encrypted"
#define KERBEROS  "application/HTTP-Kerberos-session-encrypted"
#define MULTIPART "multipart/encrypted"
#define EDGE      "\"Encrypted Boundary\""

Test(sealed_type, knows_the_content_types_that_clients_send)
{
    static const struct {
        const char *value;
        enum http_sealed_protocol protocol;
    } rows[] = {
        {MULTIPART ";protocol=\"" SPNEGO "\";boundary=" EDGE,
         HTTP_SEALED_SPNEGO},
        {MULTIPART ";protocol=\"" KERBEROS "\";boundary=" EDGE,
         HTTP_SEALED_KERBEROS},
        {MULTIPART ";boundary=" EDGE ";protocol=\"" KERBEROS "\"",
         HTTP_SEALED_KERBEROS},
        {MULTIPART "; protocol=\"" SPNEGO "\"; boundary=" EDGE,
         HTTP_SEALED_SPNEGO},
        {MULTIPART " ;\tprotocol=\"" SPNEGO "\" ; boundary=" EDGE " ",
         HTTP_SEALED_SPNEGO},
        {"Multipart/Encrypted;Protocol=\"application/http-spnego-SESSION-"
         "encrypted\";BOUNDARY=" EDGE,
         HTTP_SEALED_SPNEGO},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_expect_eq(http_sealed_protocol(span_of(rows[i].value)),
                     rows[i].protocol, "%s", rows[i].value);
}

Test(sealed_type, knows_no_other_content_type)
{
    static const char *const rows[] = {
        "",
        ";",
        MULTIPART,
        MULTIPART ";",
        MULTIPART ";;protocol=\"" SPNEGO "\";boundary=" EDGE,
        MULTIPART ";protocol=\"" SPNEGO "\";boundary=" EDGE ";",
        MULTIPART ";protocol=\"" SPNEGO "\"",
        MULTIPART ";boundary=" EDGE,
        MULTIPART ";protocol=\"" SPNEGO "\";boundary=\"encrypted boundary\"",
        MULTIPART ";protocol=\"" SPNEGO "\";boundary=\"Encrypted Boundary \"",
        MULTIPART ";protocol=\"" SPNEGO "\";boundary=\"\"",
        MULTIPART ";protocol=\"" SPNEGO "\";boundary=Encrypted Boundary",
        MULTIPART ";protocol=\"" SPNEGO "\";boundary=\"Encrypted Boundary",
        MULTIPART ";protocol=\"" SPNEGO "\";boundary=\"",
        MULTIPART ";protocol=\"" SPNEGO "\";boundary=",
        MULTIPART ";protocol=\"" SPNEGO "\";boundary",
        MULTIPART ";protocol=\"" SPNEGO "\";boundary=\"Encrypted\\ Boundary\"",
        MULTIPART ";protocol=\"" SPNEGO "\";boundary =" EDGE,
        MULTIPART ";protocol=\"" SPNEGO "\";boundary= " EDGE,
        MULTIPART ";protocol=" SPNEGO ";boundary=" EDGE,
        MULTIPART ";protocol=\"" SPNEGO " \";boundary=" EDGE,
        MULTIPART ";protocol=\"" SPNEGO "\",boundary=" EDGE,
        MULTIPART ";protocol=\"" SPNEGO "\" boundary=" EDGE,
        MULTIPART ";protocol=\"application/HTTP-CredSSP-session-encrypted\""
                  ";boundary=" EDGE,
        MULTIPART ";protocol=\"" SPNEGO "\";protocol=\"" SPNEGO
                  "\";boundary=" EDGE,
        MULTIPART ";protocol=\"" SPNEGO "\";protocol=\"" KERBEROS
                  "\";boundary=" EDGE,
        MULTIPART ";protocol=\"x\";protocol=\"" SPNEGO "\";boundary=" EDGE,
        MULTIPART ";protocol=\"" SPNEGO "\";boundary=" EDGE ";boundary=" EDGE,
        MULTIPART ";protocol=\"" SPNEGO "\";boundary=" EDGE ";a=\"b\"",
        MULTIPART ";protocol=\"" SPNEGO "\";boundary=" EDGE ";charset=UTF-8",
        "multipart/mixed;protocol=\"" SPNEGO "\";boundary=" EDGE,
        "multipart/x-multi-encrypted;protocol=\"" SPNEGO "\";boundary=" EDGE,
        "multipart/encryptedx;protocol=\"" SPNEGO "\";boundary=" EDGE,
        "application/soap+xml;charset=UTF-8",
        SPNEGO,
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_expect_eq(http_sealed_protocol(span_of(rows[i])), HTTP_SEALED_NONE,
                     "%s", rows[i]);
    cr_expect_eq(http_sealed_protocol((struct span){NULL, 0}),
                 HTTP_SEALED_NONE);
}

Test(sealed_type, answers_with_a_content_type_that_it_knows_itself)
{
    static const enum http_sealed_protocol protocols[] = {
        HTTP_SEALED_SPNEGO, HTTP_SEALED_KERBEROS};

    for (size_t i = 0; i < ARRAY_COUNT(protocols); i++)
        cr_expect_eq(http_sealed_protocol(
                         span_of(http_sealed_content_type(protocols[i]))),
                     protocols[i]);
    cr_expect_str_eq(http_sealed_content_type(HTTP_SEALED_SPNEGO),
                     "multipart/encrypted;"
                     "protocol=\"application/HTTP-SPNEGO-session-encrypted\";"
                     "boundary=\"Encrypted Boundary\"");
}
