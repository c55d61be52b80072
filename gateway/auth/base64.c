#include "gateway/auth/base64.h"

#include <stdint.h>
#include <stdlib.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz"
                               "0123456789+/";

/* 0..63, or -1 */
static int
digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    if (c == '/')
        return 63;
    return -1;
}

size_t
base64_decoded_max(size_t encoded_length)
{
    return encoded_length / 4 * 3;
}

/* The last group's padding: 0, 1 or 2 characters. */
static size_t
padding_length(struct span text)
{
    if (text.length == 0 || text.data[text.length - 1] != '=')
        return 0;
    return text.data[text.length - 2] == '=' ? 2 : 1;
}

bool
base64_decode(struct span text, unsigned char *out, size_t *length_out)
{
    size_t pad, digits, length = 0;
    uint32_t bits = 0;

    *length_out = 0;
    if (text.length % 4 != 0)
        return false;
    pad = padding_length(text);
    digits = text.length - pad;
    for (size_t i = 0; i < digits; i++) {
        int value = digit_value(text.data[i]);

        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 0)
            out[length++] = (unsigned char)(bits >> (6 - i % 4 * 2));
    }
    if (pad != 0 && (bits & (pad == 1 ? 0x3 : 0xf)) != 0)
        return false;
    *length_out = length;
    return true;
}

char *
base64_encode(const void *bytes, size_t length)
{
    const unsigned char *in = bytes;
    char *text, *p;

    if (length > SIZE_MAX / 2)
        return NULL;
    text = p = malloc((length + 2) / 3 * 4 + 1);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t bits = (uint32_t)in[i] << 16;

        if (left > 1)
            bits |= (uint32_t)in[i + 1] << 8;
        if (left > 2)
            bits |= in[i + 2];
        *p++ = alphabet[bits >> 18];
        *p++ = alphabet[bits >> 12 & 63];
        *p++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        *p++ = left > 2 ? alphabet[bits & 63] : '=';
    }
    *p = '\0';
    return text;
}
