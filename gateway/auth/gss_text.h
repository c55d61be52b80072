#ifndef GATEWAY_AUTH_GSS_TEXT_H
#define GATEWAY_AUTH_GSS_TEXT_H

#include <gssapi/gssapi.h>
#include <stddef.h>

/*
 * All lines of gss_display_status, the major's and the minor's, joined with
 * "; " on one line without control characters; cut at size.  The minor's
 * number means nothing outside this call (SPNEGO renumbers it), its text
 * does.
 */
void gss_text_format(OM_uint32 major, OM_uint32 minor, gss_OID mech, char *out,
                     size_t size);

/* What an operator can do about such a text; static, NULL when we do not
 * know better. */
const char *gss_text_remedy(const char *text);

#endif
