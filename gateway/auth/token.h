#ifndef GATEWAY_AUTH_TOKEN_H
#define GATEWAY_AUTH_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/base/base.h"

/* Longer Authorization values are refused unread; a ticket with 1000 groups
 * takes 12.6 KB. */
#define AUTH_TOKEN_TEXT_MAX 65536

enum token_kind {
    TOKEN_REFUSED = 0, /* no token that we take; why says so */
    TOKEN_ABSENT,      /* no header */
    TOKEN_TAKEN,       /* *bytes_out holds it */
};

/*
 * The token of an Authorization value (RFC 4559 4.2, RFC 9110 11.6.2).  Only
 * an InitialContextToken (RFC 2743 3.1) of SPNEGO or krb5 gets through: an
 * empty one, NTLM, a bare AP-REQ and the second token of an exchange would
 * make the GSS library begin something that takes more than one leg.
 * kerberos: the scheme may also be Kerberos, as clients say it that seal with
 * HTTP-Kerberos-session-encrypted (MS-WSMV 2.2.9.1).  bytes_out is malloc'ed.  why_out, remedy_out: static text.
 */
enum token_kind token_from_header(struct span authorization, bool kerberos,
                                  unsigned char **bytes_out,
                                  size_t *length_out, const char **why_out,
                                  const char **remedy_out);

#endif
