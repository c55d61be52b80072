#include "tests/gateway/auth/der.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/auth/base64.h"
#include "tests/support/support.h"

/* tag, definite length, content; takes content. */
static struct buf
der(unsigned char tag, struct buf content)
{
    struct buf b = BUF_INIT;
    size_t n = content.length;

    buf_add_char(&b, (char)tag);
    if (n < 0x80) {
        buf_add_char(&b, (char)n);
    } else if (n < 0x100) {
        buf_add_char(&b, (char)0x81);
        buf_add_char(&b, (char)n);
    } else {
        buf_add_char(&b, (char)0x82);
        buf_add_char(&b, (char)(n >> 8));
        buf_add_char(&b, (char)n);
    }
    buf_add(&b, content.data, n);
    buf_fini(&content);
    return b;
}

static void
append(struct buf *to, struct buf part)
{
    buf_add(to, part.data, part.length);
    buf_fini(&part);
}

char *
der_spnego(const char *mech, const char *second, const void *token,
           size_t length)
{
    struct buf mechs = BUF_INIT, init = BUF_INIT, outer = BUF_INIT;
    struct buf octets = BUF_INIT;
    char *text;

    buf_add_string(&mechs, mech);
    buf_add_string(&mechs, second);
    append(&init, der(0xa0, der(0x30, mechs)));
    if (token != NULL) {
        buf_add(&octets, token, length);
        append(&init, der(0xa2, der(0x04, octets)));
    }
    buf_add_string(&outer, "\x06\x06\x2b\x06\x01\x05\x05\x02");
    append(&outer, der(0xa0, der(0x30, init)));
    outer = der(0x60, outer);
    text = base64_encode(outer.data, outer.length);
    buf_fini(&outer);
    return text;
}

char *
der_wrap_spnego(const char *raw, const char *mech)
{
    unsigned char *bytes = malloc(base64_decoded_max(strlen(raw)) + 1);
    size_t length;
    char *text;

    cr_assert(base64_decode(span_of(raw), bytes, &length));
    text = der_spnego(mech, NULL, bytes, length);
    free(bytes);
    return text;
}

char *
der_unwrap_spnego(const char *spnego)
{
    static const char oid[] = DER_OID_KRB5;
    unsigned char *bytes = malloc(base64_decoded_max(strlen(spnego)) + 1);
    size_t length, at;
    char *text = NULL;

    cr_assert(base64_decode(span_of(spnego), bytes, &length));
    /* 60 82 xx xx, then the identifier; not the one of the list. */
    for (at = 4; at + sizeof(oid) < length && text == NULL; at++) {
        if (memcmp(bytes + at, oid, sizeof(oid) - 1) == 0 &&
            bytes[at - 4] == 0x60 && bytes[at - 3] == 0x82)
            text = base64_encode(bytes + at - 4, length - at + 4);
    }
    cr_assert_not_null(text);
    free(bytes);
    return text;
}
