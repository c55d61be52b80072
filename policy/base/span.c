#include "policy/base/span.h"

#include <string.h>

char
ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
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
    if (s.length < prefix.length)
        return false;
    for (size_t i = 0; i < prefix.length; i++) {
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
