#include <krb5.h>
#include <stdio.h>
#include <string.h>

#include "gateway/auth/gss_text.h"
#include "tests/support/support.h"

SUITE(gss_text);

Test(gss_text, gives_every_line_of_a_major)
{
    char text[256];

    gss_text_format(GSS_S_DUPLICATE_TOKEN | GSS_S_OLD_TOKEN, 0, GSS_C_NO_OID,
                    text, sizeof(text));
    cr_assert_not_null(strchr(text, ';'), "%s", text);
}

Test(gss_text, is_cut_to_the_room_there_is)
{
    char text[8] = "xxxxxxx";

    gss_text_format(GSS_S_FAILURE, 0, GSS_C_NO_OID, text, sizeof(text));
    cr_assert_eq(strlen(text), 7);
}

Test(gss_text, has_a_remedy_for_what_goes_wrong_in_the_field)
{
    static const krb5_error_code codes[] = {
        KRB5KRB_AP_ERR_REPEAT,        KRB5KRB_AP_ERR_SKEW,
        KRB5KRB_AP_ERR_TKT_EXPIRED,   KRB5KRB_AP_ERR_TKT_NYV,
        KRB5KRB_AP_ERR_BAD_INTEGRITY, KRB5_KT_NOTFOUND,
        KRB5KRB_AP_WRONG_PRINC,       KRB5KRB_AP_ERR_NOT_US,
        KRB5KRB_AP_ERR_NOKEY,         KRB5_NOPERM_ETYPE};

    krb5_context context;

    cr_assert_eq(krb5_init_context(&context), 0);
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        const char *text = krb5_get_error_message(context, codes[i]);

        cr_assert_not_null(gss_text_remedy(text), "%s", text);
        krb5_free_error_message(context, text);
    }
    krb5_free_context(context);
    cr_assert_null(gss_text_remedy("something new"));
}

/* A keytab of one name is tried whatever the ticket is for. */
Test(gss_text, tells_another_name_from_another_key)
{
    static const char before[] = "Unspecified GSS failure.; Cannot decrypt "
                                 "ticket for HTTP/gw@R using keytab key for ";
    char same[200], other[200];

    snprintf(same, sizeof(same), "%sHTTP/gw@R", before);
    snprintf(other, sizeof(other), "%sHTTP/gw2@R", before);
    cr_assert_not_null(strstr(gss_text_remedy(same), "the keytab's key"));
    cr_assert_not_null(strstr(gss_text_remedy(other), "another service name"));
}
