#include <string.h>

#include "policy/mof/lexer.h"
#include "tests/policy/mof/compile.h"

SUITE(lexer);

static unsigned reports;

static void
report(void *context, uint32_t code, uint32_t offset, uint32_t width,
       const char *text)
{
    (void)context;
    cr_assert(code != 0 && width > 0 && text != NULL);
    (void)offset;
    reports++;
}

/* The kinds of the tokens of a text, one letter each: i identifier, n
 * integer, r real, s string, c char, a alias, e error, else itself. */
static const char *
kinds(const char *text)
{
    static char out[200];
    struct source s = {
        .name = "t", .text = (char *)text, .length = (uint32_t)strlen(text)};
    struct lexer lx;
    struct token t;
    size_t n = 0;

    reports = 0;
    lexer_init(&lx, &s, report, NULL);
    for (lexer_next(&lx, &t); t.kind != TOKEN_END && n < sizeof(out) - 1;
         lexer_next(&lx, &t))
        out[n++] = t.kind > ' ' ? (char)t.kind : "?einrsca"[t.kind];
    out[n] = '\0';
    return out;
}

static struct token
first(const char *text)
{
    struct source s = {
        .name = "t", .text = (char *)text, .length = (uint32_t)strlen(text)};
    struct lexer lx;
    struct token t;

    reports = 0;
    lexer_init(&lx, &s, report, NULL);
    lexer_next(&lx, &t);
    return t;
}

Test(lexer, tells_the_kinds_of_tokens_apart)
{
    static const struct {
        const char *text, *kinds;
    } rows[] = {
        {"", ""},
        {" \t\r\n\v\f\xef\xbb\xbf", ""},
        {"// only a comment", ""},
        {"/* a */ b /**/ c /* * / ** */", "ii"},
        {"class A { uint8 x[] = {1}; };", "ii{ii[]={n};};"},
        {"#pragma x(\"y\")", "#ii(s)"},
        {"[key : ToInstance]", "[i:i]"},
        {"$a $Größe", "aa"},
        {"1 -1 +1 0x1F 017 101b 1.5 .5 -1e5 1.", "nnnnnnrrrr"},
        {"'a' '\\'' '\\x41'", "ccc"},
        {"\"a\" \"b\\\"c\" \"\"", "sss"},
        {"Ж_1 _x", "ii"},
        {"a/b", "iei"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *expected = rows[i].kinds;

        cr_expect(strcmp(kinds(rows[i].text), expected) == 0, "%s: %s, not %s",
                  rows[i].text, kinds(rows[i].text), expected);
    }
}

Test(lexer, reads_integers_in_every_base)
{
    static const struct {
        const char *text;
        bool negative, huge;
        uint64_t magnitude;
    } rows[] = {
        {"0", false, false, 0},
        {"10", false, false, 10},
        {"-10", true, false, 10},
        {"+10", false, false, 10},
        {"0xfF", false, false, 255},
        {"-0X10", true, false, 16},
        {"017", false, false, 15},
        {"0b", false, false, 0},
        {"1000001B", false, false, 65},
        {"0x0b", false, false, 11},
        {"999999999999999999", false, false, UINT64_C(999999999999999999)},
        {"1000000000000000000", false, false, UINT64_C(1000000000000000000)},
        {"101b", false, false, 5},
        {"18446744073709551615", false, false, UINT64_MAX},
        {"18446744073709551616", false, true, 0},
        {"99999999999999999999999999999999999999", false, true, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct token t = first(rows[i].text);

        cr_expect(t.kind == TOKEN_INTEGER && reports == 0, "%s", rows[i].text);
        cr_expect(t.negative == rows[i].negative && t.huge == rows[i].huge &&
                      (t.huge || t.magnitude == rows[i].magnitude),
                  "%s", rows[i].text);
    }
}

Test(lexer, reports_a_malformed_constant_once_and_goes_on)
{
    static const char *const rows[] = {
        "08",   "1a", "1_",  "1234567890123456789z",
        "102b", "0x", "0xg", "1.5x",
        "$",    "@",  "'ab", "\"abc",
        "/* x"};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        first(rows[i]);
        cr_expect(reports == 1, "%s: %u reports", rows[i], reports);
    }
}

Test(lexer, remembers_what_a_string_holds)
{
    cr_expect(first("\"a\\n\"").escaped);
    cr_expect(!first("\"a\"").escaped);
    cr_expect(first("\"a\nb\"").multiline);
    cr_expect(first("\"a\rb\"").multiline);
    cr_expect(!first("\"a\" \"\nb\"").multiline);
    assert_span(first("\"\"").text, "");
    cr_expect(first("\"a\\\nb\"").multiline);
    assert_span(first("\"a\\\"b\" c").text, "a\\\"b");
}

Test(lexer, knows_identifiers)
{
    static const struct {
        const char *text;
        bool is;
    } rows[] = {{"a", true},
                {"_1", true},
                {"Größe", true},
                {"", false},
                {"1a", false},
                {"a-b", false},
                {"a b", false},
                {"\xf0\x9f\x98\x80", false},
                {"\xef\xbb\xbf", false}};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_expect(lexer_is_identifier(span_of(rows[i].text)) == rows[i].is,
                  "%s", rows[i].text);
}
