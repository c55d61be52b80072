#include "policy/base/base.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/utf8.h"

void
buf_fini(struct buf *b)
{
    free(b->data);
    *b = BUF_INIT;
}

void
buf_reset(struct buf *b)
{
    b->length = 0;
    if (b->data != NULL)
        b->data[0] = '\0';
}

bool
buf_failed(const struct buf *b)
{
    return b->failed;
}

bool
buf_reserve(struct buf *b, size_t more)
{
    size_t capacity = b->capacity ? b->capacity : 256;
    char *data;

    if (b->failed || more > SIZE_MAX / 4 || b->length > SIZE_MAX / 4) {
        b->failed = true;
        return false;
    }
    if (b->length + more + 1 <= b->capacity)
        return true;
    while (capacity < b->length + more + 1)
        capacity *= 2;
    data = realloc(b->data, capacity);
    if (data == NULL) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->capacity = capacity;
    return true;
}

void
buf_add(struct buf *b, const void *bytes, size_t length)
{
    if (!buf_reserve(b, length))
        return;
    if (length > 0)
        memcpy(b->data + b->length, bytes, length);
    b->length += length;
    b->data[b->length] = '\0';
}

void
buf_add_char(struct buf *b, char c)
{
    if (b->length + 1 >= b->capacity || b->failed) {
        buf_add(b, &c, 1);
        return;
    }
    b->data[b->length++] = c;
    b->data[b->length] = '\0';
}

void
buf_add_unsigned(struct buf *b, uint64_t n)
{
    char digits[20], *p = digits + sizeof(digits);

    do {
        *--p = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

void
buf_add_span(struct buf *b, struct span s)
{
    buf_add(b, s.data, s.length);
}

void
buf_add_string(struct buf *b, const char *s)
{
    buf_add_span(b, span_of(s));
}

void
buf_addf(struct buf *b, const char *format, ...)
{
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0 || !buf_reserve(b, (size_t)n))
        return;
    va_start(ap, format);
    vsnprintf(b->data + b->length, (size_t)n + 1, format, ap);
    va_end(ap);
    b->length += (size_t)n;
}

struct span
buf_span(const struct buf *b)
{
    return (struct span){b->data, b->length};
}

char *
buf_take(struct buf *b)
{
    char *data;

    buf_reserve(b, 0);
    if (b->failed) {
        buf_fini(b);
        return NULL;
    }
    b->data[b->length] = '\0';
    data = b->data;
    *b = BUF_INIT;
    return data;
}

static void
json_key(struct buf *b, const char *key)
{
    if (b->length > 0 && b->data[b->length - 1] != '{')
        buf_add_char(b, ',');
    buf_add_char(b, '"');
    buf_add_string(b, key);
    buf_add(b, "\":", 2);
}

void
json_begin(struct buf *b)
{
    buf_add_char(b, '{');
}

void
json_end(struct buf *b)
{
    buf_add_char(b, '}');
}

/* Characters beyond ASCII that are not seen as they are: C1 controls, line
 * ends, and those without width or that turn text around. */
static const struct {
    uint32_t first, last;
} hidden[] = {
    {0x0080, 0x009f}, {0x00ad, 0x00ad}, {0x061c, 0x061c}, {0x200b, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
};

static bool
is_hidden(uint32_t cp)
{
    for (size_t i = 0; i < ARRAY_COUNT(hidden); i++) {
        if (cp >= hidden[i].first && cp <= hidden[i].last)
            return true;
    }
    return false;
}

/* Whether the sequence of n bytes (0: malformed) stands for itself. */
static bool
is_plain(struct span value, size_t n)
{
    unsigned char c = (unsigned char)value.data[0];

    if (n == 1)
        return c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
    return n > 1 && !is_hidden(utf8_decode(value));
}

static void
json_escape(struct buf *b, struct span value, size_t n)
{
    unsigned char c = (unsigned char)value.data[0];

    if (n == 0) {
        buf_add(b, "\\ufffd", 6);
    } else if (c == '"' || c == '\\') {
        buf_add_char(b, '\\');
        buf_add_char(b, (char)c);
    } else {
        buf_addf(b, "\\u%04x", n == 1 ? c : (unsigned)utf8_decode(value));
    }
}

void
json_quote(struct buf *b, struct span value)
{
    struct span run = {value.data, 0};

    buf_add_char(b, '"');
    while (value.length > 0) {
        size_t n = utf8_sequence_length(value), taken = n > 0 ? n : 1;

        if (is_plain(value, n)) {
            run.length += taken;
            value = span_skip(value, taken);
            continue;
        }
        buf_add(b, run.data, run.length);
        json_escape(b, value, n);
        value = span_skip(value, taken);
        run = (struct span){value.data, 0};
    }
    buf_add(b, run.data, run.length);
    buf_add_char(b, '"');
}

void
json_string(struct buf *b, const char *key, struct span value)
{
    json_key(b, key);
    json_quote(b, value);
}

void
json_text(struct buf *b, const char *key, const char *value)
{
    json_string(b, key, span_of(value));
}

void
json_number(struct buf *b, const char *key, int64_t value)
{
    json_key(b, key);
    buf_addf(b, "%" PRId64, value);
}

void
json_bool(struct buf *b, const char *key, bool value)
{
    json_key(b, key);
    buf_add_string(b, value ? "true" : "false");
}
