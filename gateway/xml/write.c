#include "gateway/xml/xml.h"

/* XML 1.0 2.2: what a document can hold, even by number. */
static bool
is_character(uint32_t cp)
{
    return cp >= 0x20 ? cp != 0xfffe && cp != 0xffff
                      : cp == '\t' || cp == '\n' || cp == '\r';
}

static void
add_character(struct buf *out, struct span s, size_t length)
{
    switch (s.data[0]) {
    case '&':
        buf_add_string(out, "&amp;");
        break;
    case '<':
        buf_add_string(out, "&lt;");
        break;
    case '>':
        buf_add_string(out, "&gt;");
        break;
    case '"':
        buf_add_string(out, "&quot;");
        break;
    case '\t':
    case '\n':
    case '\r':
        buf_addf(out, "&#%d;", s.data[0]);
        break;
    default:
        buf_add(out, s.data, length);
        break;
    }
}

void
xml_add_text(struct buf *out, struct span text)
{
    while (text.length > 0) {
        size_t length = utf8_sequence_length(text);

        if (length == 0 || !is_character(utf8_decode(text)))
            buf_add_string(out, "\xef\xbf\xbd");
        else
            add_character(out, text, length);
        text = span_skip(text, length > 0 ? length : 1);
    }
}

/* XML 1.0 2.3, beyond ASCII; first: NameStartChar. */
static bool
is_name_character(uint32_t cp, bool first)
{
    static const struct {
        uint32_t from, to;
        bool first;
    } ranges[] = {
        {0xb7, 0xb7, false},      {0xc0, 0xd6, true},
        {0xd8, 0xf6, true},       {0xf8, 0x2ff, true},
        {0x300, 0x36f, false},    {0x370, 0x37d, true},
        {0x37f, 0x1fff, true},    {0x200c, 0x200d, true},
        {0x203f, 0x2040, false},  {0x2070, 0x218f, true},
        {0x2c00, 0x2fef, true},   {0x3001, 0xd7ff, true},
        {0xf900, 0xfdcf, true},   {0xfdf0, 0xfffd, true},
        {0x10000, 0xeffff, true},
    };

    for (size_t i = 0; i < ARRAY_COUNT(ranges); i++) {
        if (cp >= ranges[i].from && cp <= ranges[i].to)
            return ranges[i].first || !first;
    }
    return false;
}

void
xml_add_name(struct buf *out, struct span name)
{
    bool first = true;

    while (name.length > 0) {
        size_t length = utf8_sequence_length(name);
        char c = name.data[0];
        uint32_t cp = length > 0 ? utf8_decode(name) : 0xfffd;

        if (cp < 0x80 ? ascii_is_alpha(c) || c == '_' ||
                            (!first && ascii_is_digit(c))
                      : is_name_character(cp, first))
            buf_add(out, name.data, length > 0 ? length : 1);
        else
            buf_addf(out, "_x%04X_", (unsigned)cp);
        name = span_skip(name, length > 0 ? length : 1);
        first = false;
    }
}

void
xml_add_element(struct buf *out, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    buf_addf(out, "<%s>", name);
    xml_add_text(out, span_of(value));
    buf_addf(out, "</%s>", name);
}
