#include "policy/base/span.h"

#include <string.h>

char
ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* In each byte below 0x80 a sum has its high bit set from 'A' on, the other
 * one behind 'Z'; what differs is a capital, whose bit 0x20 is added. */
uint64_t
ascii_lower_word(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t low = word & ones * 0x7f;
    uint64_t from_a = low + ones * (0x80 - 'A');
    uint64_t behind_z = low + ones * (0x80 - 'Z' - 1);
    uint64_t capital = (from_a ^ behind_z) & ~word & ones * 0x80;

    return word | capital >> 2;
}

bool
ascii_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int
ascii_hex_value(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct span
span_of(const char *string)
{
    return (struct span){string, string != NULL ? strlen(string) : 0};
}

bool
span_equal(struct span a, struct span b)
{
    return a.length == b.length &&
           (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

bool
span_starts_nocase(struct span s, struct span prefix)
{
    size_t i = 0;

    if (s.length < prefix.length)
        return false;
    for (; i + sizeof(uint64_t) <= prefix.length; i += sizeof(uint64_t)) {
        uint64_t x, y;

        memcpy(&x, s.data + i, sizeof(x));
        memcpy(&y, prefix.data + i, sizeof(y));
        if (x != y && ascii_lower_word(x) != ascii_lower_word(y))
            return false;
    }
    for (; i < prefix.length; i++) {
        if (ascii_lower(s.data[i]) != ascii_lower(prefix.data[i]))
            return false;
    }
    return true;
}

bool
span_equal_nocase(struct span a, struct span b)
{
    return a.length == b.length && span_starts_nocase(a, b);
}

int
span_compare_nocase(struct span a, struct span b)
{
    size_t n = a.length < b.length ? a.length : b.length;

    for (size_t i = 0; i < n; i++) {
        unsigned char x = (unsigned char)ascii_lower(a.data[i]);
        unsigned char y = (unsigned char)ascii_lower(b.data[i]);

        if (x != y)
            return x < y ? -1 : 1;
    }
    return a.length == b.length ? 0 : a.length < b.length ? -1 : 1;
}

struct span
span_cut(struct span s, char c, struct span *rest)
{
    const char *at = s.length ? memchr(s.data, c, s.length) : NULL;

    if (at == NULL) {
        *rest = (struct span){NULL, 0};
        return s;
    }
    *rest = (struct span){at + 1, s.length - (size_t)(at - s.data) - 1};
    return (struct span){s.data, (size_t)(at - s.data)};
}

struct span
span_trim(struct span s)
{
    while (s.length > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = span_skip(s, 1);
    while (s.length > 0 &&
           (s.data[s.length - 1] == ' ' || s.data[s.length - 1] == '\t'))
        s.length--;
    return s;
}

struct span
span_skip(struct span s, size_t n)
{
    if (n > s.length)
        n = s.length;
    return (struct span){n ? s.data + n : s.data, s.length - n};
}

bool
span_equal_secret(struct span a, struct span b)
{
    unsigned char difference = 0;

    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++)
        difference |= (unsigned char)(a.data[i] ^ b.data[i]);
    return difference == 0;
}
