#include "gateway/auth/token.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/auth/base64.h"

/* DER of the mechanism's identifier, tag and length included. */
#define OID_SPNEGO "\x06\x06\x2b\x06\x01\x05\x05\x02"
#define OID_KRB5   "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"

static const struct span mechanisms[] = {
    {OID_SPNEGO, sizeof(OID_SPNEGO) - 1}, /* RFC 4178 */
    {OID_KRB5, sizeof(OID_KRB5) - 1},     /* RFC 4121 4.1 */
};

static const char remedy_kerberos[] =
    "the client has no Kerberos ticket for this name, or is not allowed to "
    "use one here: kinit, use the host name that is in `acceptor`, and add "
    "it to the browser's list of trusted servers";

static const char remedy_negotiate[] =
    "have the client speak Negotiate: kinit, then curl --negotiate -u :";

static const char remedy_damaged[] =
    "the token was cut or changed on its way, or is no token at all: does a "
    "proxy in between limit the length of headers?";

static bool
starts_with(struct span s, struct span prefix)
{
    return s.length >= prefix.length &&
           memcmp(s.data, prefix.data, prefix.length) == 0;
}

/* Skips a definite DER length (X.690 8.1.3) of at most four bytes that says
 * exactly what is left. */
static bool
skip_length(struct span *s)
{
    unsigned char first;
    size_t count, length = 0;

    if (s->length == 0)
        return false;
    first = (unsigned char)s->data[0];
    *s = span_skip(*s, 1);
    if (first < 0x80)
        return first == s->length;
    count = first & 0x7f;
    if (count == 0 || count > 4 || count > s->length)
        return false;
    for (size_t i = 0; i < count; i++)
        length = length << 8 | (unsigned char)s->data[i];
    *s = span_skip(*s, count);
    return length == s->length;
}

/* NULL when the token is one we take. */
static const char *
token_objection(struct span token, const char **remedy_out)
{
    *remedy_out = NULL;
    if (starts_with(token, SPAN("NTLMSSP\0"))) {
        *remedy_out = remedy_kerberos;
        return "the token is NTLM, which is never accepted";
    }
    if (token.data[0] == 0x6e) { /* [APPLICATION 14], RFC 4120 5.5.1 */
        *remedy_out = "HTTP carries one leg: clear GSS_C_DCE_STYLE in the "
                      "client";
        return "the token is a bare AP-REQ, as in DCE style";
    }
    *remedy_out = remedy_damaged;
    if (token.data[0] != 0x60) /* [APPLICATION 0] */
        return "the token does not begin an exchange";
    token = span_skip(token, 1);
    if (!skip_length(&token))
        return "the token's length is wrong";
    for (size_t i = 0; i < ARRAY_COUNT(mechanisms); i++) {
        if (starts_with(token, mechanisms[i])) {
            *remedy_out = NULL;
            return NULL;
        }
    }
    *remedy_out = remedy_kerberos;
    return "the token's mechanism is neither SPNEGO nor Kerberos";
}

/* The token68 after the scheme; why is set when there is none. */
static struct span
token_text(struct span authorization, bool kerberos, const char **why_out,
           const char **remedy_out)
{
    struct span rest, none = {NULL, 0};
    struct span scheme = span_cut(span_trim(authorization), ' ', &rest);

    if (!span_equal_nocase(scheme, SPAN("Negotiate")) &&
        !(kerberos && span_equal_nocase(scheme, SPAN("Kerberos"))))
    {
        *why_out = "the Authorization scheme is not Negotiate";
        *remedy_out = remedy_negotiate;
        return none;
    }
    rest = span_trim(rest);
    if (rest.length > 0 && rest.length <= AUTH_TOKEN_TEXT_MAX)
        return rest;
    *why_out = rest.length == 0 ? "Negotiate without a token"
                                : "the token is too long";
    *remedy_out =
        rest.length == 0
            ? remedy_kerberos
            : "the client's ticket is too large: put it into fewer groups";
    return none;
}

enum token_kind
token_from_header(struct span authorization, bool kerberos,
                  unsigned char **bytes_out, size_t *length_out,
                  const char **why_out, const char **remedy_out)
{
    unsigned char *bytes;
    struct span text;
    size_t length;

    *bytes_out = NULL;
    *length_out = 0;
    *why_out = *remedy_out = NULL;
    if (authorization.data == NULL) {
        *why_out = "no Authorization header";
        return TOKEN_ABSENT;
    }
    text = token_text(authorization, kerberos, why_out, remedy_out);
    if (*why_out != NULL)
        return TOKEN_REFUSED;
    bytes = malloc(base64_decoded_max(text.length) + 1);
    if (bytes == NULL) {
        *why_out = "out of memory";
    } else if (!base64_decode(text, bytes, &length) || length == 0) {
        *why_out = "the token is not base64";
        *remedy_out = remedy_damaged;
    } else {
        *why_out =
            token_objection((struct span){(char *)bytes, length}, remedy_out);
    }
    if (*why_out != NULL) {
        free(bytes);
        return TOKEN_REFUSED;
    }
    *bytes_out = bytes;
    *length_out = length;
    return TOKEN_TAKEN;
}
