/* wcwidth is in POSIX, but behind this in glibc's headers. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif

#include "policy/base/visible.h"

#include <wchar.h>

#include "policy/base/utf8.h"

/*
 * Characters that change how their neighbours are shown or show nothing
 * (general category Cf and the line separators; Unicode Technical Report 36,
 * "Bidirectional Text Spoofing"), though a terminal's tables know a width.
 */
static const struct {
    uint32_t first, last;
} hidden[] = {
    {0x00000, 0x0001f}, {0x0007f, 0x0009f}, {0x000ad, 0x000ad},
    {0x0034f, 0x0034f}, {0x00600, 0x00605}, {0x0061c, 0x0061c},
    {0x006dd, 0x006dd}, {0x0070f, 0x0070f}, {0x0115f, 0x01160},
    {0x017b4, 0x017b5}, {0x0180b, 0x0180f}, {0x0200b, 0x0200f},
    {0x02028, 0x0202e}, {0x02060, 0x0206f}, {0x03164, 0x03164},
    {0x0fe00, 0x0fe0f}, {0x0feff, 0x0feff}, {0x0ffa0, 0x0ffa0},
    {0x0fff0, 0x0fffb}, {0x110bd, 0x110bd}, {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

void
visible_begin(struct visible *v)
{
    v->tables = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    v->before = (locale_t)0;
    if (v->tables != (locale_t)0)
        v->before = uselocale(v->tables);
}

void
visible_end(struct visible *v)
{
    if (v->tables == (locale_t)0)
        return;
    uselocale(v->before);
    freelocale(v->tables);
    v->tables = (locale_t)0;
}

static bool
is_hidden(uint32_t cp)
{
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        if (cp <= hidden[i].last)
            return cp >= hidden[i].first;
    }
    return false;
}

int
visible_width(const struct visible *v, uint32_t cp)
{
    if (cp >= 0x20 && cp < 0x7f)
        return 1;
    if (is_hidden(cp))
        return -1;
    return v->tables != (locale_t)0 ? wcwidth((wchar_t)cp) : 1;
}

unsigned
visible_add_one(const struct visible *v, struct buf *out, struct span s,
                size_t *used_out)
{
    size_t n = utf8_sequence_length(s), before = out->length;
    int width;

    *used_out = n > 0 ? n : 1;
    if (n == 0) {
        buf_addf(out, "<%02X>", (unsigned)(unsigned char)s.data[0]);
        return 4;
    }
    width = visible_width(v, utf8_decode(s));
    if (width >= 0) {
        buf_add(out, s.data, n);
        return (unsigned)width;
    }
    buf_addf(out, "<U+%04X>", (unsigned)utf8_decode(s));
    return (unsigned)(out->length - before);
}

void
visible_add(const struct visible *v, struct buf *out, struct span s)
{
    while (s.length > 0) {
        size_t used;

        visible_add_one(v, out, s, &used);
        s = span_skip(s, used);
    }
}

void
visible_text(struct buf *out, struct span s)
{
    struct visible v;

    visible_begin(&v);
    visible_add(&v, out, s);
    visible_end(&v);
}
