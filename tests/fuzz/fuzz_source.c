/*
 * Any bytes as a text: decoded or refused, never half of each.  What is
 * decoded is UTF-8 without NUL and, if it was UTF-16, the same characters;
 * every place in it has a line and a column.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/mof/lexer.h"
#include "policy/mof/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
    if (!condition)
        abort();
}

static void
text_check(const struct source *s)
{
    struct span rest = {s->text, s->length};

    require(s->text[s->length] == '\0');
    require(memchr(s->text, '\0', s->length) == NULL);
    while (rest.length > 0) {
        size_t n = utf8_sequence_length(rest);

        require(n > 0 && n <= rest.length);
        rest = span_skip(rest, n);
    }
}

static void
places_check(struct source *s)
{
    uint32_t before = 1;

    for (uint32_t at = 0; at <= s->length && at < 4096; at++) {
        uint32_t line, column, shown;
        bool goes_on;
        struct span text = source_around(s, at, 20, &shown, &goes_on);

        source_locate(s, at, &line, &column);
        require(line >= before && line <= before + 1 && column >= 1);
        require(text.data >= s->text && shown <= 20 &&
                text.data + text.length <= s->text + s->length);
        before = line;
    }
}

/* One unit of UTF-16, as it stood in the input. */
static uint32_t
unit_at(const uint8_t *data, size_t i, bool big)
{
    return big ? (uint32_t)data[2 * i] << 8 | data[2 * i + 1]
               : (uint32_t)data[2 * i + 1] << 8 | data[2 * i];
}

/* The text, encoded again, is what was there. */
static void
utf16_check(const struct source *s, const uint8_t *units, size_t count,
            bool big)
{
    struct span rest = {s->text, s->length};
    size_t i = 0;

    while (rest.length > 0) {
        uint32_t c = utf8_decode(rest);

        if (c >= 0x10000) {
            require(i < count && unit_at(units, i++, big) ==
                                     0xd800 + ((c - 0x10000) >> 10));
            c = 0xdc00 + (c & 0x3ff);
        }
        require(i < count && unit_at(units, i++, big) == c);
        rest = span_skip(rest, utf8_sequence_length(rest));
    }
    /* Only what a Ctrl-Z at the end cuts off is missing. */
    require(i == count || unit_at(units, i, big) == 0x1a);
}

static void
report(void *context, uint32_t code, uint32_t offset, uint32_t width,
       const char *text)
{
    const struct source *s = context;

    require(code != 0 && text != NULL && width > 0);
    require(offset <= s->length);
}

static void
tokens_check(struct source *s)
{
    struct lexer lx;
    struct token t;
    uint32_t before = 0;

    lexer_init(&lx, s, report, s);
    do {
        lexer_next(&lx, &t);
        require(t.offset >= before && t.offset + t.width <= s->length);
        require(t.width > 0 || t.kind == TOKEN_END);
        before = t.offset + t.width;
    } while (t.kind != TOKEN_END);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = {.name = "fuzz"};
    uint32_t guessed_at = 0;
    char *copy = malloc(size + 1);
    enum source_problem problem;
    bool little = size >= 2 && data[0] == 0xff && data[1] == 0xfe;
    bool big = size >= 2 && data[0] == 0xfe && data[1] == 0xff;

    require(copy != NULL);
    memcpy(copy, data, size);
    problem = source_decode(&s, copy, size, &guessed_at);
    require(problem != SOURCE_MEMORY && problem != SOURCE_LARGE);
    text_check(&s);
    places_check(&s);
    if (problem == SOURCE_OK) {
        require(guessed_at == UINT32_MAX || guessed_at <= s.length);
        if (little || big)
            utf16_check(&s, data + 2, size / 2 - 1, big);
        tokens_check(&s);
    }
    source_fini(&s);
    return 0;
}
