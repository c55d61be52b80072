#ifndef TESTS_GATEWAY_AUTH_DER_H
#define TESTS_GATEWAY_AUTH_DER_H

#include <stddef.h>

/*
 * SPNEGO tokens made by hand (RFC 4178 4.2.1); all results are base64 and
 * malloc'ed.
 */

/* Identifiers with tag and length. */
#define DER_OID_KRB5    "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
#define DER_OID_KRB5_MS "\x06\x09\x2a\x86\x48\x82\xf7\x12\x01\x02\x02"
#define DER_OID_NTLM    "\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"
#define DER_OID_NEGOEX  "\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x1e"
#define DER_OID_IAKERB  "\x06\x06\x2b\x06\x01\x05\x02\x05"

/* NegTokenInit with one or two mechanisms; token NULL: without one. */
char *der_spnego(const char *mech, const char *second, const void *token,
                 size_t length);
/* A raw token (base64) within SPNEGO, under the name of mech. */
char *der_wrap_spnego(const char *raw, const char *mech);
/* The mechToken of a NegTokenInit, which stands at its end. */
char *der_unwrap_spnego(const char *spnego);

#endif
