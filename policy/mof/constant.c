#include <string.h>

#include "policy/mof/parser.h"
#include "policy/mof/report.h"

/*
 * init     = const | "{" [ const { "," const } ] "}" ;
 * const    = integer | real | char | string { string } | "TRUE" | "FALSE"
 *          | "NULL" | "$" ident | embedded ;
 */

static bool
string_is_short(struct parser *p, size_t bytes, uint32_t start)
{
    if (bytes <= LIMIT_STRING_BYTES)
        return true;
    report_error(p->c, parser_at_offset(p, start, 1), CODE_OUT_OF_RANGE,
                 "this string is longer than %d bytes", LIMIT_STRING_BYTES);
    return false;
}

static void
warn_multiline(struct parser *p, const struct token *t)
{
    if (t->multiline)
        report_warning(p->c, MOF_WARNING_LINE_END,
                       parser_at_offset(p, t->offset, 1),
                       "this string runs over a line end, which becomes a "
                       "part of it");
}

static const char *
text_take(struct parser *p)
{
    const char *copy = arena_copy(p->c->trees, buf_span(&p->c->text));

    if (copy == NULL)
        report_memory(p->c);
    return copy;
}

/* Adjacent literals are one value, across white space and comments: each is
 * appended once, so that a thousand of them cost a thousand appends. */
bool
constant_parse_string(struct parser *p, struct span *out)
{
    struct token first = p->token;
    bool ok = true;

    warn_multiline(p, &first);
    parser_advance(p);
    if (!parser_is(p, TOKEN_STRING) && !first.escaped) {
        *out = first.text;
        return string_is_short(p, out->length, first.offset);
    }
    buf_reset(&p->c->text);
    ok = literal_add_string(p, &first, &p->c->text);
    while (parser_is(p, TOKEN_STRING)) {
        warn_multiline(p, &p->token);
        if (p->c->text.length <= LIMIT_STRING_BYTES)
            ok = literal_add_string(p, &p->token, &p->c->text) && ok;
        parser_advance(p);
    }
    if (buf_failed(&p->c->text)) {
        report_memory(p->c);
        return false;
    }
    *out = (struct span){"", 0};
    if (!string_is_short(p, p->c->text.length, first.offset))
        return false;
    if (ok)
        out->data = text_take(p);
    out->length = ok ? p->c->text.length : 0;
    return out->data != NULL;
}

static bool
parse_number(struct parser *p, struct syntax_value *out)
{
    const struct token *t = &p->token;

    if (t->kind == TOKEN_REAL) {
        out->kind = VALUE_REAL;
        out->u.real = t->real;
    } else {
        out->kind = VALUE_INTEGER;
        out->u.magnitude = t->magnitude;
        out->negative = t->negative;
        out->huge = t->huge;
    }
    parser_advance(p);
    return true;
}

static const struct {
    const char *word;
    enum syntax_value_kind kind;
    bool boolean;
} words[] = {
    {"true", VALUE_BOOLEAN, true},
    {"false", VALUE_BOOLEAN, false},
    {"null", VALUE_NULL, false},
};

static bool
parse_word(struct parser *p, struct syntax_value *out)
{
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (!parser_take_word(p, words[i].word))
            continue;
        out->kind = words[i].kind;
        if (out->kind == VALUE_BOOLEAN)
            out->u.boolean = words[i].boolean;
        return true;
    }
    if (parser_is_word(p, "instance"))
        return instance_parse_embedded(p, out);
    return parser_unexpected(p, CODE_ILLEGAL_CONSTANT_VALUE, "a value");
}

static bool
parse_kind(struct parser *p, struct syntax_value *out)
{
    switch (p->token.kind) {
    case TOKEN_INTEGER:
    case TOKEN_REAL:
        return parse_number(p, out);
    case TOKEN_STRING:
        out->kind = VALUE_STRING;
        return constant_parse_string(p, &out->u.text);
    case TOKEN_CHAR:
        out->kind = VALUE_CHAR;
        literal_char(p, &p->token, &out->u.char16);
        parser_advance(p);
        return true;
    case TOKEN_ALIAS:
        out->kind = VALUE_ALIAS;
        out->u.text = p->token.text;
        p->aliases++;
        parser_advance(p);
        return true;
    case TOKEN_IDENTIFIER:
        return parse_word(p, out);
    default:
        return parser_unexpected(p, CODE_ILLEGAL_CONSTANT_VALUE, "a value");
    }
}

bool
constant_parse(struct parser *p, struct syntax_value *out)
{
    bool ok;

    memset(out, 0, sizeof(*out));
    out->offset = p->token.offset;
    ok = parse_kind(p, out);
    out->width = p->previous_end - out->offset;
    return ok;
}

/* Up to the '}' of a list that went wrong, which would otherwise end the body
 * around it. */
static void
list_skip(struct parser *p)
{
    while (!parser_is(p, TOKEN_END) && !parser_is(p, ';')) {
        if (parser_take(p, '}'))
            return;
        parser_advance(p);
    }
}

static bool
list_end(struct parser *p)
{
    return parser_expect(p, '}', CODE_EXPECTED_CLOSE_BRACE,
                         "',' or '}' in this list of values");
}

/* "{" [ const { "," const } ] "}" ; a comma before the end is refused. */
bool
constant_parse_array(struct parser *p, struct syntax_value *out)
{
    uint32_t start = p->token.offset;
    size_t mark = stack_mark(p);
    struct syntax_value item;
    bool ok = true;

    parser_advance(p);
    while (ok && !parser_is(p, '}')) {
        ok = constant_parse(p, &item) && stack_push(p, &item, sizeof(item));
        if (!ok || !parser_take(p, ','))
            break;
        if (parser_is(p, '}'))
            parser_unexpected(p, CODE_ILLEGAL_CONSTANT_VALUE, "a value");
    }
    memset(out, 0, sizeof(*out));
    out->kind = VALUE_ARRAY;
    out->offset = start;
    out->width = 1;
    out->u.array.items =
        stack_take(p, mark, sizeof(item), &out->u.array.count);
    if (ok && list_end(p))
        return true;
    list_skip(p);
    return false;
}

bool
constant_parse_init(struct parser *p, struct syntax_value *out)
{
    return parser_is(p, '{') ? constant_parse_array(p, out)
                             : constant_parse(p, out);
}
