#include "policy/mof/lexer.h"

#include <string.h>

#include "policy/mof/codes.h"

/* What a byte can be the start or part of. */
enum {
    IS_SPACE = 1,
    IS_LETTER = 2, /* identifier, any place */
    IS_DIGIT = 4,
    IS_PUNCTUATION = 8,
    IS_HIGH = 16, /* beyond ASCII: look at the code point */
    IS_STOP = 32, /* ends the fast run inside a string */
};

#define L IS_LETTER
#define D IS_DIGIT
#define P IS_PUNCTUATION
#define W IS_SPACE
#define S IS_STOP
#define H IS_HIGH

static const unsigned char classes[256] = {
    ['\0'] = S,          ['\t'] = W,        ['\n'] = W | S,
    ['\v'] = W,          ['\f'] = W,        ['\r'] = W | S,
    [' '] = W,           ['"'] = S,         ['\\'] = S,
    ['_'] = L,           ['{'] = P,         ['}'] = P,
    ['('] = P,           [')'] = P,         ['['] = P,
    [']'] = P,           [';'] = P,         [','] = P,
    [':'] = P,           ['='] = P,         ['#'] = P,
    ['0' ... '9'] = D,   ['A' ... 'Z'] = L, ['a' ... 'z'] = L,
    [0x80 ... 0xff] = H,
};

#undef L
#undef D
#undef P
#undef W
#undef S
#undef H

#define CLASS(c) classes[(unsigned char)(c)]

void
lexer_init(struct lexer *lx, struct source *source, lexer_report *report,
           void *context)
{
    memset(lx, 0, sizeof(*lx));
    lx->source = source;
    lx->at = source->text;
    lx->report = report;
    lx->context = context;
}

/* U+0080 to U+FFEF continue a name (DSP0004 A.1), but U+FEFF is a space.
 * The text is valid UTF-8. */
static size_t
high_length(const char *p)
{
    unsigned char c = (unsigned char)p[0];

    if (c >= 0xf0)
        return 0;
    if (c < 0xe0)
        return 2;
    if (memcmp(p, "\xef\xbb\xbf", 3) == 0)
        return 0;
    return c == 0xef && (unsigned char)p[1] == 0xbf &&
                   (unsigned char)p[2] > 0xaf
               ? 0
               : 3;
}

size_t
lexer_identifier_length(const char *p)
{
    const char *start = p;

    for (;;) {
        size_t n;

        while (CLASS(*p) & (IS_LETTER | IS_DIGIT))
            p++;
        if (!(CLASS(*p) & IS_HIGH) || (n = high_length(p)) == 0)
            break;
        p += n;
    }
    return (size_t)(p - start);
}

bool
lexer_is_identifier(struct span s)
{
    struct span rest = s;

    if (s.length == 0 || ascii_is_digit(s.data[0]))
        return false;
    while (rest.length > 0) {
        size_t n = 1;

        if (CLASS(rest.data[0]) & IS_HIGH) {
            n = utf8_sequence_length(rest);
            if (n == 0 || high_length(rest.data) == 0)
                return false;
        } else if (!(CLASS(rest.data[0]) & (IS_LETTER | IS_DIGIT))) {
            return false;
        }
        rest = span_skip(rest, n);
    }
    return true;
}

static uint32_t
offset_of(const struct lexer *lx, const char *p)
{
    return (uint32_t)(p - lx->source->text);
}

static const char *
text_end(const struct lexer *lx)
{
    return lx->source->text + lx->source->length;
}

/* A comment of the second kind; false if it has no end. */
static bool
block_comment_skip(struct lexer *lx)
{
    const char *p = lx->at + 2, *end = text_end(lx);

    while ((p = memchr(p, '*', (size_t)(end - p))) != NULL) {
        if (p[1] == '/') {
            lx->at = p + 2;
            return true;
        }
        p++;
    }
    lx->report(lx->context, CODE_UNRECOGNIZED_TOKEN, offset_of(lx, lx->at), 2,
               "this comment has no end; close it with */");
    lx->at = end;
    lx->swallowed = true;
    return false;
}

/* White space and comments. */
static void
blank_skip(struct lexer *lx)
{
    for (;;) {
        const char *p = lx->at;

        while (CLASS(*p) & IS_SPACE)
            p++;
        lx->at = p;
        if (*p == '/' && p[1] == '/') {
            while (*p != '\0' && *p != '\n' && *p != '\r')
                p++;
            lx->at = p;
        } else if (*p == '/' && p[1] == '*') {
            if (!block_comment_skip(lx))
                return;
        } else if (strncmp(p, "\xef\xbb\xbf", 3) == 0) {
            lx->at = p + 3;
        } else {
            return;
        }
    }
}

static void
finish(struct lexer *lx, struct token *out, const char *end)
{
    out->width = (uint32_t)(end - lx->at);
    lx->at = end;
}

/* Most strings hold no backslash and no line end. */
static bool
plain_string_lex(struct lexer *lx, struct token *out)
{
    const char *start = lx->at + 1;
    const char *p = memchr(start, '"', (size_t)(text_end(lx) - start));
    size_t n = p != NULL ? (size_t)(p - start) : 0;

    if (p == NULL || memchr(start, '\\', n) != NULL ||
        memchr(start, '\n', n) != NULL || memchr(start, '\r', n) != NULL)
        return false;
    out->text = (struct span){start, n};
    finish(lx, out, p + 1);
    return true;
}

/* '"' { any character, or a backslash and any character } '"' */
static void
string_lex(struct lexer *lx, struct token *out)
{
    const char *p = lx->at + 1, *end = text_end(lx);

    out->kind = TOKEN_STRING;
    if (plain_string_lex(lx, out))
        return;
    for (;;) {
        while (!(CLASS(*p) & IS_STOP))
            p++;
        if (*p == '"')
            break;
        if (p >= end || (*p == '\\' && p + 1 >= end)) {
            /* Raw line ends are real, so the start is the only place that
             * helps (mof.md 1). */
            lx->report(lx->context, CODE_UNRECOGNIZED_TOKEN, out->offset, 1,
                       "the string that starts here has no closing quote");
            out->kind = TOKEN_ERROR;
            lx->swallowed = true;
            finish(lx, out, end);
            return;
        }
        if (*p == '\\') {
            out->escaped = true;
            p++;
        }
        if (*p == '\n' || *p == '\r')
            out->multiline = true;
        p++;
    }
    out->text = (struct span){lx->at + 1, (size_t)(p - lx->at) - 1};
    finish(lx, out, p + 1);
}

/* "'" ( one character | escape ) "'", told apart from a stray quote by the
 * line's end. */
static void
char_lex(struct lexer *lx, struct token *out)
{
    const char *p = lx->at + 1;

    out->kind = TOKEN_CHAR;
    while (*p != '\'' && *p != '\0' && *p != '\n' && *p != '\r') {
        if (*p == '\\' && p[1] != '\0') {
            out->escaped = true;
            p++;
        }
        p++;
    }
    if (*p != '\'') {
        lx->report(lx->context, CODE_ILLEGAL_CONSTANT_VALUE, out->offset, 1,
                   "this character has no closing quote");
        finish(lx, out, p);
        return;
    }
    out->text = (struct span){lx->at + 1, (size_t)(p - lx->at) - 1};
    finish(lx, out, p + 1);
}

static void
alias_lex(struct lexer *lx, struct token *out)
{
    size_t n = 0;

    if (!(CLASS(lx->at[1]) & IS_DIGIT))
        n = lexer_identifier_length(lx->at + 1);
    out->kind = TOKEN_ALIAS;
    out->text = (struct span){lx->at + 1, n};
    if (n == 0)
        lx->report(lx->context, CODE_EXPECTED_ALIAS_NAME, out->offset, 1,
                   "a name must follow $ at once");
    finish(lx, out, lx->at + 1 + n);
}

static void
stray_lex(struct lexer *lx, struct token *out)
{
    size_t n = utf8_sequence_length(
        (struct span){lx->at, (size_t)(text_end(lx) - lx->at)});
    char text[64] = "this character has no meaning here";

    if (*lx->at == '\'' || *lx->at == '`')
        strcpy(text, "strings are written in \"double quotes\"");
    lx->report(lx->context, CODE_UNRECOGNIZED_TOKEN, out->offset, 1, text);
    out->kind = TOKEN_ERROR;
    finish(lx, out, lx->at + (n ? n : 1));
}

static bool
starts_number(const char *p)
{
    if (*p == '+' || *p == '-')
        p++;
    if (*p == '.')
        p++;
    return CLASS(*p) & IS_DIGIT;
}

void
lexer_next(struct lexer *lx, struct token *out)
{
    char c;

    blank_skip(lx);
    c = *lx->at;
    memset(out, 0, sizeof(*out));
    out->offset = offset_of(lx, lx->at);
    if (lx->at >= text_end(lx)) {
        out->kind = TOKEN_END;
    } else if (CLASS(c) & IS_PUNCTUATION) {
        out->kind = (unsigned char)c;
        out->text = (struct span){lx->at, 1};
        finish(lx, out, lx->at + 1);
    } else if (c == '"') {
        string_lex(lx, out);
    } else if (c == '\'') {
        char_lex(lx, out);
    } else if (c == '$') {
        alias_lex(lx, out);
    } else if (starts_number(lx->at)) {
        number_lex(lx, out);
    } else {
        size_t n = lexer_identifier_length(lx->at);

        if (n == 0) {
            stray_lex(lx, out);
            return;
        }
        out->kind = TOKEN_IDENTIFIER;
        out->text = (struct span){lx->at, n};
        finish(lx, out, lx->at + n);
    }
}
