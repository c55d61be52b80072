#ifndef GATEWAY_AUTH_GSS_TEXT_H
#define GATEWAY_AUTH_GSS_TEXT_H

#include <gssapi/gssapi.h>
#include <krb5.h>
#include <stddef.h>

#include "policy/base/base.h"

/*
 * All lines of gss_display_status, the major's and the minor's, joined with
 * "; " on one line without control characters; cut at size.  The minor's
 * number means nothing outside this call (SPNEGO renumbers it), its text
 * does.
 */
void gss_text_format(OM_uint32 major, OM_uint32 minor, gss_OID mech, char *out,
                     size_t size);

/* "what: text" as an error; returns -1. */
int gss_text_error(OM_uint32 major, OM_uint32 minor, const char *what,
                   struct error *err);

/* The same of libkrb5. */
int krb5_text_error(krb5_context context, krb5_error_code code,
                    const char *what, struct error *err);

/* What an operator can do about such a text; static, NULL when we do not
 * know better. */
const char *gss_text_remedy(const char *text);

/* RFC 4178: 1.3.6.1.5.5.2; the library exports no name for it. */
extern const gss_OID_desc gss_mech_spnego_desc;

#endif
