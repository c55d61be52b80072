#include "policy/mof/parser.h"

#include <stdlib.h>
#include <string.h>

#include "policy/mof/report.h"
#include "policy/mof/suggest.h"

struct at
parser_at_offset(const struct parser *p, uint32_t offset, uint32_t width)
{
    return (struct at){p->source, offset, width};
}

struct at
parser_at(const struct parser *p)
{
    return parser_at_offset(p, p->token.offset, p->token.width);
}

static void
report_token(void *context, uint32_t code, uint32_t offset, uint32_t width,
             const char *text)
{
    struct parser *p = context;

    report_error(p->c, parser_at_offset(p, offset, width), code, "%s", text);
}

void
parser_advance(struct parser *p)
{
    struct mof_compilation *c = p->c;

    p->previous_end = p->token.offset + p->token.width;
    if (p->token.kind == TOKEN_STRING && p->token.multiline) {
        p->has_multiline = true;
        p->multiline_offset = p->token.offset;
    }
    if (compilation_is_over(c)) {
        p->token =
            (struct token){.kind = TOKEN_END, .offset = p->source->length};
        return;
    }
    lexer_next(&p->lexer, &p->token);
    if (++c->tokens == LIMIT_TOKENS) {
        report_error(c, parser_at(p), CODE_INVALID_FILE,
                     "more than %d tokens to keep in one compile",
                     LIMIT_TOKENS);
        p->lexer.at = p->source->text + p->source->length;
        p->lexer.swallowed = true;
        p->token.kind = TOKEN_ERROR;
    }
}

bool
parser_is(const struct parser *p, int kind)
{
    return p->token.kind == kind;
}

bool
parser_is_word(const struct parser *p, const char *word)
{
    return p->token.kind == TOKEN_IDENTIFIER &&
           span_equal_nocase(p->token.text, span_of(word));
}

bool
parser_take(struct parser *p, int kind)
{
    if (!parser_is(p, kind))
        return false;
    parser_advance(p);
    return true;
}

bool
parser_take_word(struct parser *p, const char *word)
{
    if (!parser_is_word(p, word))
        return false;
    parser_advance(p);
    return true;
}

static const char *
token_kind_name(int kind)
{
    switch (kind) {
    case TOKEN_STRING:
        return "a string";
    case TOKEN_CHAR:
        return "a character";
    case TOKEN_INTEGER:
    case TOKEN_REAL:
        return "a number";
    default:
        return "the end of the file";
    }
}

/* A string with a line end in it shortly before is the likely cause: the
 * quote that should have closed it opened the next one. */
static void
hint_multiline(struct parser *p)
{
    if (!p->has_multiline || p->multiline_offset > p->token.offset ||
        p->token.offset - p->multiline_offset > 4000)
        return;
    report_detail(p->c, parser_at_offset(p, p->multiline_offset, 1),
                  "a string that starts here runs over a line end; is its "
                  "closing quote missing?");
    p->has_multiline = false;
}

bool
parser_unexpected(struct parser *p, uint32_t code, const char *what)
{
    const struct token *t = &p->token;
    struct at at = parser_at(p);

    /* Reported already, or the text ended inside a string or comment. */
    if (t->kind == TOKEN_ERROR || p->lexer.swallowed) {
        report_end(p->c);
        return false;
    }
    if (t->kind == TOKEN_IDENTIFIER)
        report_error(p->c, at, code, "expected %s but found '%.*s'", what,
                     SHOWN(t->text));
    else if (t->kind == TOKEN_ALIAS)
        report_error(p->c, at, code, "expected %s but found '$%.*s'", what,
                     SHOWN(t->text));
    else if (t->kind > ' ')
        report_error(p->c, at, code, "expected %s but found '%c'", what,
                     t->kind);
    else
        report_error(p->c, at, code, "expected %s but found %s", what,
                     token_kind_name(t->kind));
    hint_multiline(p);
    return false;
}

bool
parser_expect(struct parser *p, int kind, uint32_t code, const char *what)
{
    if (parser_take(p, kind))
        return true;
    return parser_unexpected(p, code, what);
}

bool
parser_expect_name(struct parser *p, uint32_t code, const char *what,
                   struct span *name_out, uint32_t *offset_out)
{
    if (!parser_is(p, TOKEN_IDENTIFIER))
        return parser_unexpected(p, code, what);
    *name_out = p->token.text;
    *offset_out = p->token.offset;
    parser_advance(p);
    return true;
}

bool
parser_starts_production(const struct parser *p)
{
    return parser_is(p, TOKEN_END) || parser_is(p, '#') || parser_is(p, '[') ||
           parser_is_word(p, "class") || parser_is_word(p, "instance") ||
           parser_is_word(p, "qualifier");
}

static void
report_nothing(void *context, uint32_t code, uint32_t offset, uint32_t width,
               const char *text)
{
    (void)context;
    (void)code;
    (void)offset;
    (void)width;
    (void)text;
}

void
parser_peek(const struct parser *p, struct token *second, struct token *third)
{
    struct lexer ahead = p->lexer;

    ahead.report = report_nothing;
    lexer_next(&ahead, second);
    lexer_next(&ahead, third);
}

void
parser_recover(struct parser *p)
{
    unsigned open = 0;

    for (;; parser_advance(p)) {
        switch (p->token.kind) {
        case TOKEN_END:
            return;
        case '{':
            open++;
            break;
        case '}':
            if (open == 0)
                return;
            open--;
            break;
        case ';':
            if (open == 0) {
                parser_advance(p);
                return;
            }
            break;
        default:
            break;
        }
    }
}

size_t
stack_mark(const struct parser *p)
{
    return p->c->stack.used;
}

bool
stack_push(struct parser *p, const void *item, size_t size)
{
    struct stack *s = &p->c->stack;

    if (s->capacity - s->used < size) {
        size_t capacity = s->capacity * 2 + size + 4096;
        char *bytes = realloc(s->bytes, capacity);

        if (bytes == NULL) {
            report_memory(p->c);
            return false;
        }
        s->bytes = bytes;
        s->capacity = capacity;
    }
    memcpy(s->bytes + s->used, item, size);
    s->used += size;
    return true;
}

void *
stack_take(struct parser *p, size_t mark, size_t size, size_t *count_out)
{
    size_t bytes = p->c->stack.used - mark;
    void *items = NULL;

    *count_out = 0;
    p->c->stack.used = mark;
    if (bytes == 0)
        return NULL;
    items = tree_alloc(p->c, bytes);
    if (items == NULL)
        return NULL;
    memcpy(items, p->c->stack.bytes + mark, bytes);
    *count_out = bytes / size;
    return items;
}

/* Words of other MOF versions and tools, refused by name. */
static const struct {
    const char *word;
    uint32_t code;
    const char *text;
} foreign_words[] = {
    {"typedef", CODE_TYPEDEF_NOT_SUPPORTED, "typedef is not supported"},
    {"enum", CODE_TYPEDEF_NOT_SUPPORTED, "enum is not supported"},
    {"interface", CODE_TYPEDEF_NOT_SUPPORTED, "interface is not supported"},
    {"structure", CODE_UNSUPPORTED_CIMV22_DATA_TYPE,
     "structures are MOF version 3 (DSP0221), which is not supported"},
    {"enumeration", CODE_UNSUPPORTED_CIMV22_DATA_TYPE,
     "enumerations are MOF version 3 (DSP0221), which is not supported"},
    {"association", CODE_UNSUPPORTED_CIMV22_DATA_TYPE,
     "this is MOF version 3 (DSP0221); write [association] class"},
    {"value", CODE_UNSUPPORTED_CIMV22_DATA_TYPE,
     "'value of' is MOF version 3 (DSP0221), which is not supported"},
};

static bool
production_foreign(struct parser *p, uint32_t start)
{
    static const char *const words[] = {"class", "instance", "qualifier",
                                        NULL};

    for (size_t i = 0; i < ARRAY_COUNT(foreign_words); i++) {
        if (!parser_is_word(p, foreign_words[i].word))
            continue;
        report_error(p->c, parser_at_offset(p, start, p->token.width),
                     foreign_words[i].code, "%s", foreign_words[i].text);
        return false;
    }
    parser_unexpected(
        p, CODE_UNRECOGNIZED_TOKEN,
        "#pragma, class, instance of, qualifier or [qualifiers]");
    if (parser_is(p, TOKEN_IDENTIFIER))
        report_meant(p->c, suggest_word(words, p->token.text));
    return false;
}

/* production = directive | [ quals ] classDecl | [ quals ] instanceDecl
 *            | qualifierDecl ; */
static bool
production_parse(struct parser *p)
{
    struct syntax_qualifiers quals = {0, NULL};
    uint32_t start = p->token.offset;
    bool in_stretch = p->in_stretch;

    p->in_stretch = false;
    p->mark = arena_mark(p->c->trees);
    p->tokens = p->c->tokens - 1; /* the first is read already */
    p->aliases = 0;
    if (parser_is(p, '#'))
        return pragma_parse(p);
    if (parser_is(p, '[') && !qualifier_parse_list(p, &quals))
        return false;
    if (parser_is_word(p, "class"))
        return class_parse(p, quals, start);
    if (parser_is_word(p, "instance")) {
        p->in_stretch = in_stretch;
        return instance_parse(p, quals, start);
    }
    if (start != p->token.offset)
        return production_foreign(p, start);
    if (parser_is_word(p, "qualifier"))
        return qualifier_parse_declaration(p);
    return production_foreign(p, start);
}

/* mof = { production | ";" } ; */
static void
productions_parse(struct parser *p)
{
    while (!parser_is(p, TOKEN_END) && !compilation_is_over(p->c)) {
        if (parser_take(p, ';') || production_parse(p))
            continue;
        parser_recover(p);
        /* A '}' that closes nothing is part of what went wrong. */
        while (parser_take(p, '}'))
            parser_take(p, ';');
    }
}

void
parser_start(struct parser *p, uint32_t offset)
{
    lexer_init(&p->lexer, p->source, report_token, p);
    p->lexer.at += offset;
    parser_advance(p);
}

static void
parse(struct parser *p)
{
    parser_start(p, 0);
    productions_parse(p);
}

void
parser_run(struct mof_compilation *c, struct source *source, const char *path)
{
    struct include_frame frame = {.shown = source->name};
    struct scope scope = {.top = source, .space = c->start_space};
    struct parser p = {.c = c, .source = source, .scope = &scope};

    scope.aliases = compilation_map_new(c, &c->alias_maps);
    if (scope.aliases == NULL)
        return;
    if (path != NULL && include_frame_init(c, &frame, path))
        scope.root = frame.directory;
    p.frame = &frame;
    parse(&p);
}

void
parser_include(struct parser *from, struct source *source,
               struct include_frame *frame)
{
    struct parser p = {
        .c = from->c, .source = source, .scope = from->scope, .frame = frame};

    parse(&p);
}
