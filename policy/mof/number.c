#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "policy/mof/codes.h"
#include "policy/mof/lexer.h"

/*
 * Numbers (DSP0004 A.1, WMI SDK "Integer"): decimal, 0x hexadecimal, leading
 * 0 octal, trailing b binary, reals.  0b is binary zero, 0x0b is eleven.
 */

#define REAL_TEXT_MAX    400
#define PLAIN_DIGITS_MAX 18 /* that always fit 64 bits */

static const char bad_decimal[] = "this is not a number";
static const char bad_octal[] =
    "a number with a leading 0 is octal: 8 and 9 can't be in it";
static const char bad_binary[] =
    "a number that ends in b is binary: only 0 and 1 can be in it";
static const char bad_hex[] = "0x must be followed by hexadecimal digits";

static void
digits_add(struct token *out, struct span digits, unsigned base)
{
    for (size_t i = 0; i < digits.length; i++) {
        unsigned digit = (unsigned)ascii_hex_value(digits.data[i]);

        if (out->magnitude > (UINT64_MAX - digit) / base) {
            out->huge = true;
            return;
        }
        out->magnitude = out->magnitude * base + digit;
    }
}

static bool
digits_below(struct span digits, int base)
{
    for (size_t i = 0; i < digits.length; i++) {
        int value = ascii_hex_value(digits.data[i]);

        if (value < 0 || value >= base)
            return false;
    }
    return digits.length > 0;
}

/* NULL if run, without its sign, is an integer; else what is wrong. */
static const char *
integer_parse(struct token *out, struct span run)
{
    char last = ascii_lower(run.data[run.length - 1]);
    unsigned base = 10;
    const char *problem = bad_decimal;

    if (run.length >= 2 && run.data[0] == '0' &&
        ascii_lower(run.data[1]) == 'x') {
        base = 16;
        problem = bad_hex;
        run = span_skip(run, 2);
    } else if (last == 'b') {
        base = 2;
        problem = bad_binary;
        run.length--;
    } else if (run.length > 1 && run.data[0] == '0') {
        base = 8;
        if (digits_below(run, 10))
            problem = bad_octal;
    }
    if (!digits_below(run, (int)base))
        return problem;
    digits_add(out, run, base);
    return NULL;
}

/* The end of a real that starts at p, or NULL: digits, a point or an
 * exponent or both. */
static const char *
real_end(const char *p)
{
    const char *start = p;
    bool point = false, exponent = false;

    while (ascii_is_digit(*p))
        p++;
    if (*p == '.') {
        point = true;
        p++;
        while (ascii_is_digit(*p))
            p++;
        if (p == start + 1)
            return NULL;
    }
    if (ascii_lower(*p) == 'e') {
        const char *e = p + 1;

        if (*e == '+' || *e == '-')
            e++;
        if (ascii_is_digit(*e)) {
            exponent = true;
            while (ascii_is_digit(*e))
                e++;
            p = e;
        }
    }
    return point || exponent ? p : NULL;
}

/* In MOF the decimal point is a point, whatever locale the program has set.
 * (Asking glibc for the whole of "C" allocates nothing and cannot fail.) */
static const char *
real_parse(struct token *out, struct span run)
{
    char text[REAL_TEXT_MAX + 1], *end;

    if (run.length > REAL_TEXT_MAX)
        return "this number has too many digits";
    memcpy(text, run.data, run.length);
    text[run.length] = '\0';
    out->real = strtod_l(text, &end, newlocale(LC_ALL_MASK, "C", NULL));
    return *end == '\0' ? NULL : bad_decimal;
}

/* Most numbers are a few decimal digits; false if this may be none. */
static bool
plain_lex(struct lexer *lx, struct token *out)
{
    const char *p = lx->at;
    uint64_t value = 0;

    if (*p == '0' && ascii_is_digit(p[1]))
        return false;
    while (ascii_is_digit(*p) && p - lx->at < PLAIN_DIGITS_MAX)
        value = value * 10 + (uint64_t)(*p++ - '0');
    if (p == lx->at || *p == '.' || lexer_identifier_length(p) > 0)
        return false;
    out->kind = TOKEN_INTEGER;
    out->magnitude = value;
    out->text = (struct span){lx->at, (size_t)(p - lx->at)};
    out->width = (uint32_t)(p - lx->at);
    lx->at = p;
    return true;
}

void
number_lex(struct lexer *lx, struct token *out)
{
    const char *start = lx->at, *p = start, *end;
    const char *problem;
    bool sign = *p == '+' || *p == '-';

    if (plain_lex(lx, out))
        return;
    out->negative = *p == '-';
    p += sign;
    end = real_end(p);
    if (end != NULL) {
        out->kind = TOKEN_REAL;
        problem = real_parse(out, (struct span){start, (size_t)(end - start)});
        if (problem == NULL && lexer_identifier_length(end) > 0)
            problem = bad_decimal;
        end += lexer_identifier_length(end);
    } else {
        size_t n = lexer_identifier_length(p);

        out->kind = TOKEN_INTEGER;
        problem = integer_parse(out, (struct span){p, n});
        end = p + n;
    }
    out->text = (struct span){start, (size_t)(end - start)};
    out->width = (uint32_t)(end - start);
    lx->at = end;
    if (problem != NULL)
        lx->report(lx->context, CODE_ILLEGAL_CONSTANT_VALUE, out->offset,
                   out->width, problem);
}
