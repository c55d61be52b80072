#include "gateway/auth/token.h"
#include "tests/support/support.h"

#include <stdlib.h>
#include <string.h>

SUITE(token);

static enum token_kind
take_scheme(struct span value, bool kerberos, const char **why)
{
    unsigned char *bytes;
    const char *remedy;
    size_t length;
    enum token_kind kind =
        token_from_header(value, kerberos, &bytes, &length, why, &remedy);

    cr_assert_eq(kind == TOKEN_TAKEN, bytes != NULL);
    cr_assert_eq(kind == TOKEN_TAKEN, *why == NULL);
    if (kind == TOKEN_REFUSED)
        cr_assert_not_null(remedy, "%s", *why);
    free(bytes);
    return kind;
}

static enum token_kind
take(struct span value, const char **why)
{
    return take_scheme(value, false, why);
}

Test(token, takes_the_beginning_of_spnego_and_krb5)
{
    static const char *const good[] = {
        "Negotiate YAgGBisGAQUFAg==",     /* 60 08 spnego */
        "NEGOTIATE YAgGBisGAQUFAg==",     /* RFC 9110 11.1 */
        "negotiate   YAgGBisGAQUFAg== ",  /* 1*SP */
        "Negotiate YAsGCSqGSIb3EgECAg==", /* 60 0b krb5 */
        "Negotiate YIEIBgYrBgEFBQI=",     /* length in the long form */
    };
    const char *why;

    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        cr_assert_eq(take(span_of(good[i]), &why), TOKEN_TAKEN, "%s: %s",
                     good[i], why);
}

Test(token, has_the_scheme_kerberos_only_where_it_is_wanted)
{
    const struct span value = SPAN("kerberos YAsGCSqGSIb3EgECAg==");
    const char *why;

    cr_assert_eq(take_scheme(value, true, &why), TOKEN_TAKEN, "%s", why);
    cr_assert_eq(take(value, &why), TOKEN_REFUSED);
    cr_assert_eq(take_scheme(SPAN("Kerberos"), true, &why), TOKEN_REFUSED);
    cr_assert_eq(take_scheme(SPAN("Basic YQ=="), true, &why), TOKEN_REFUSED);
}

Test(token, says_why_it_takes_nothing)
{
    static const struct {
        const char *value, *why;
    } rows[] = {
        {"", "the Authorization scheme is not Negotiate"},
        {"Basic YWxpY2U6YWxpY2U=",
         "the Authorization scheme is not Negotiate"},
        {"NegotiateX YAgGBisGAQUFAg==",
         "the Authorization scheme is not Negotiate"},
        {"Negotiate", "Negotiate without a token"},
        {"Negotiate   ", "Negotiate without a token"},
        {"Negotiate ====", "the token is not base64"},
        {"Negotiate a b", "the token is not base64"},
        {"Negotiate YAgGBisGAQUFAg==, Basic x", "the token is not base64"},
        {"Negotiate TlRMTVNTUAABAAAA",
         "the token is NTLM, which is never accepted"},
        {"Negotiate bgMCAQU=", "the token is a bare AP-REQ, as in DCE style"},
        {"Negotiate oQcwBaADCgEB", "the token does not begin an exchange"},
        {"Negotiate AAAA", "the token does not begin an exchange"},
        {"Negotiate YA==", "the token's length is wrong"},
        {"Negotiate YAcGBisGAQUFAg==", "the token's length is wrong"},
        {"Negotiate YAkGBisGAQUFAg==", "the token's length is wrong"},
        {"Negotiate YIA=", "the token's length is wrong"},
        {"Negotiate YIX/////", "the token's length is wrong"},
        {"Negotiate YP////8=", "the token's length is wrong"},
        /* IAKERB, 1.3.6.1.5.2.5 */
        {"Negotiate YAgGBisGAQUCBQ==",
         "the token's mechanism is neither SPNEGO nor Kerberos"},
        {"Negotiate YAA=",
         "the token's mechanism is neither SPNEGO nor Kerberos"},
    };
    const char *why;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert_eq(take(span_of(rows[i].value), &why), TOKEN_REFUSED);
        cr_assert_str_eq(why, rows[i].why, "%s: %s", rows[i].value, why);
    }
    cr_assert_eq(take((struct span){NULL, 0}, &why), TOKEN_ABSENT);
}

Test(token, refuses_a_long_one_unread)
{
    size_t length = sizeof("Negotiate ") - 1 + AUTH_TOKEN_TEXT_MAX;
    char *value = malloc(length + 4);
    const char *why;

    memset(value, 'A', length + 4);
    memcpy(value, "Negotiate ", 10);
    take((struct span){value, length + 4}, &why);
    cr_assert_str_eq(why, "the token is too long");
    take((struct span){value, length}, &why);
    cr_assert_str_eq(why, "the token does not begin an exchange");
    free(value);
}
