#include "policy/base/utf8.h"

static bool
is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

size_t
utf8_sequence_length(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.data;

    if (s.length == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return s.length >= 2 && is_continuation(p[1]) ? 2 : 0;
    if (p[0] >= 0xe0 && p[0] <= 0xef) {
        if (s.length < 3 || !is_continuation(p[1]) || !is_continuation(p[2]))
            return 0;
        if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))
            return 0;
        return 3;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        if (s.length < 4 || !is_continuation(p[1]) || !is_continuation(p[2]) ||
            !is_continuation(p[3]))
            return 0;
        if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
            return 0;
        return 4;
    }
    return 0;
}

bool
utf8_is_valid(struct span s)
{
    while (s.length > 0) {
        size_t n = utf8_sequence_length(s);

        if (n == 0)
            return false;
        s = span_skip(s, n);
    }
    return true;
}

uint32_t
utf8_decode(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.data;

    switch (utf8_sequence_length(s)) {
    case 1:
        return p[0];
    case 2:
        return ((uint32_t)(p[0] & 0x1f) << 6) | (p[1] & 0x3f);
    case 3:
        return ((uint32_t)(p[0] & 0x0f) << 12) |
               ((uint32_t)(p[1] & 0x3f) << 6) | (p[2] & 0x3f);
    case 4:
        return ((uint32_t)(p[0] & 0x07) << 18) |
               ((uint32_t)(p[1] & 0x3f) << 12) |
               ((uint32_t)(p[2] & 0x3f) << 6) | (p[3] & 0x3f);
    default:
        return 0xfffd;
    }
}

size_t
utf8_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | (cp >> 6));
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp >= 0xd800 && cp <= 0xdfff)
        return 0;
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | (cp >> 12));
        out[1] = (char)(0x80 | ((cp >> 6) & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    if (cp > 0x10ffff)
        return 0;
    out[0] = (char)(0xf0 | (cp >> 18));
    out[1] = (char)(0x80 | ((cp >> 12) & 0x3f));
    out[2] = (char)(0x80 | ((cp >> 6) & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

size_t
utf8_count(struct span s)
{
    size_t count = 0;

    while (s.length > 0) {
        size_t n = utf8_sequence_length(s);

        s = span_skip(s, n ? n : 1);
        count++;
    }
    return count;
}
