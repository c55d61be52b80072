#include <string.h>

#include "policy/mof/parser.h"
#include "policy/mof/report.h"
#include "policy/mof/space.h"

/*
 * directive = "#pragma" pragma | "#include" ( "(" string ")" | string )
 *           | "#line" int string ;
 * pragma    = name [ "(" parg { "," parg } ")" ] ;
 * parg      = string | ident | integer ;
 */

#define ARGUMENTS_MAX 8

struct argument {
    struct token token; /* its first token, as written */
    struct span text;   /* of a string or a name */
};

struct pragma_row;

struct directive {
    const struct pragma_row *row;
    struct at at; /* the pragma's name */
    size_t count;
    struct argument items[ARGUMENTS_MAX];
};

struct pragma_row {
    const char *name;
    uint32_t code; /* of a malformed one */
    const char *form;
    size_t least, most; /* arguments */
    bool raw;           /* strings are taken as they stand */
    bool (*apply)(struct parser *p, const struct directive *d);
};

static struct at
argument_at(const struct parser *p, const struct argument *a)
{
    return parser_at_offset(p, a->token.offset, a->token.width);
}

static bool
argument_refuse(struct parser *p, const struct directive *d, size_t index)
{
    report_meaning_error(p->c, argument_at(p, &d->items[index]), d->row->code,
                         "write #pragma %s", d->row->form);
    return false;
}

static bool
is_string(const struct argument *a)
{
    return a->token.kind == TOKEN_STRING;
}

/* Statements behind a namespace that can't be read belong nowhere; what they
 * say is still parsed. */
static bool
namespace_apply(struct parser *p, const struct directive *d)
{
    struct syntax_statement s = {.kind = SYNTAX_NAMESPACE,
                                 .at = argument_at(p, &d->items[0]),
                                 .end = p->previous_end};
    char display[NAMESPACE_PATH_MAX + 1];
    struct namespace_path path;
    enum namespace_path_problem problem;
    struct error err;

    p->scope->space = p->c->nowhere;
    if (!is_string(&d->items[0]))
        return argument_refuse(p, d, 0);
    problem = namespace_path_parse(&path, d->items[0].text, &err);
    if (problem == NAMESPACE_PATH_NOT_ROOT) {
        report_store_error(p->c, s.at, CODE_INVALID_NAMESPACE, "%s", err.text);
        return false;
    }
    /* A path by its form, which only a compile has to do with. */
    if (problem == NAMESPACE_PATH_BAD_NAME || problem == NAMESPACE_PATH_REMOTE)
    {
        report_compile_error(
            p->c, s.at,
            problem == NAMESPACE_PATH_REMOTE
                ? (uint32_t)CODE_INVALID_NAMESPACE_SPECIFICATION
                : d->row->code,
            "%s", err.text);
        return false;
    }
    if (problem != NAMESPACE_PATH_OK) {
        report_error(p->c, s.at, d->row->code, "%s", err.text);
        return false;
    }
    namespace_path_display(d->items[0].text, display);
    s.space = space_get(p->c, &path, display);
    if (s.space == NULL)
        return false;
    p->scope->space = s.space;
    return vector_add(p->c, &p->c->statements, &s);
}

static bool
include_apply(struct parser *p, const struct directive *d)
{
    if (!is_string(&d->items[0]))
        return argument_refuse(p, d, 0);
    return include_parse(p, &d->items[0].token);
}

static bool
autorecover_apply(struct parser *p, const struct directive *d)
{
    if (d->count > 0)
        return argument_refuse(p, d, 0);
    if (!p->c->unit.autorecover)
        p->c->autorecover_at = d->at;
    p->c->unit.autorecover = true;
    p->scope->top->autorecover = true;
    return true;
}

static bool
delete_apply(struct parser *p, const struct directive *d,
             enum syntax_kind kind)
{
    struct syntax_statement s = {.kind = kind,
                                 .at = argument_at(p, &d->items[0]),
                                 .end = p->previous_end,
                                 .space = p->scope->space,
                                 .text = d->items[0].text};

    if (!is_string(&d->items[0]))
        return argument_refuse(p, d, 0);
    s.must_exist = span_equal_nocase(d->items[1].text, SPAN("fail"));
    if (!s.must_exist && !span_equal_nocase(d->items[1].text, SPAN("nofail")))
        return argument_refuse(p, d, 1);
    return vector_add(p->c, &p->c->statements, &s);
}

static bool
deleteclass_apply(struct parser *p, const struct directive *d)
{
    return delete_apply(p, d, SYNTAX_DELETE_CLASS);
}

static bool
deleteinstance_apply(struct parser *p, const struct directive *d)
{
    return delete_apply(p, d, SYNTAX_DELETE_INSTANCE);
}

/* One argument: a name, several in one string, or their number, which
 * Windows' own files write. */
static bool
flags_add(const struct argument *a, unsigned allowed, unsigned *set)
{
    struct span rest = a->text;

    if (a->token.kind == TOKEN_INTEGER) {
        *set |= (unsigned)(a->token.magnitude & allowed);
        return !a->token.negative && !a->token.huge &&
               (a->token.magnitude & ~(uint64_t)allowed) == 0;
    }
    while (rest.data != NULL) {
        struct span name = span_trim(span_cut(rest, ',', &rest));

        if (!mof_change_add(name, allowed, set))
            return false;
    }
    return true;
}

/* From here to the end of the file, or to the next of its kind. */
static bool
flags_read(struct parser *p, const struct directive *d, unsigned allowed,
           unsigned *out)
{
    unsigned set = 0;

    for (size_t i = 0; i < d->count; i++) {
        const char *why;

        if (!flags_add(&d->items[i], allowed, &set))
            return argument_refuse(p, d, i);
        why = mof_change_contradiction(set);
        if (why != NULL) {
            report_error(p->c, argument_at(p, &d->items[i]), d->row->code,
                         "%s", why);
            return false;
        }
    }
    *out = set | MOF_CHANGE_SAID;
    return true;
}

static bool
classflags_apply(struct parser *p, const struct directive *d)
{
    return flags_read(p, d, MOF_CHANGE_OF_CLASS, &p->scope->class_change);
}

static bool
instanceflags_apply(struct parser *p, const struct directive *d)
{
    return flags_read(p, d, MOF_CHANGE_OF_INSTANCE,
                      &p->scope->instance_change);
}

static bool
amendment_apply(struct parser *p, const struct directive *d)
{
    if (!is_string(&d->items[0]))
        return argument_refuse(p, d, 0);
    if (p->scope->is_amended) {
        report_error(p->c, d->at, CODE_INVALID_DUPLICATE_AMENDMENT,
                     "a file has one #pragma amendment");
        return false;
    }
    p->scope->is_amended = true;
    p->c->unit.amendment = compilation_copy(p->c, d->items[0].text);
    return true;
}

/* DSP0004 7.11: what concerns other tools. */
static bool
ignored_apply(struct parser *p, const struct directive *d)
{
    (void)p;
    (void)d;
    return true;
}

/* name, code, form, arguments at least and at most, raw, function */
static const struct pragma_row pragmas[] = {
    {"namespace", CODE_INVALID_NAMESPACE_SYNTAX,
     "namespace(\"\\\\\\\\.\\\\root\\\\name\")", 1, 1, false, namespace_apply},
    {"include", CODE_ERROR_INVALID_INCLUDE_FILE, "include(\"file.mof\")", 1, 1,
     true, include_apply},
    {"autorecover", CODE_INVALID_PRAGMA, "autorecover", 0, 0, false,
     autorecover_apply},
    {"deleteclass", CODE_INVALID_DELETECLASS_SYNTAX,
     "deleteclass(\"Class\", FAIL) or NOFAIL", 2, 2, false, deleteclass_apply},
    {"deleteinstance", CODE_INVALID_DELETEINSTANCE_SYNTAX,
     "deleteinstance(\"Class.Key=\\\"value\\\"\", FAIL) or NOFAIL", 2, 2,
     false, deleteinstance_apply},
    {"classflags", CODE_INVALID_FLAGS_SYNTAX,
     "classflags(\"createonly\"), \"updateonly\", \"safeupdate\" or "
     "\"forceupdate\"",
     1, ARGUMENTS_MAX, false, classflags_apply},
    {"instanceflags", CODE_INVALID_FLAGS_SYNTAX,
     "instanceflags(\"createonly\") or \"updateonly\"", 1, ARGUMENTS_MAX,
     false, instanceflags_apply},
    {"amendment", CODE_INVALID_AMENDMENT_SYNTAX, "amendment(\"MS_409\")", 1, 1,
     false, amendment_apply},
    {"locale", CODE_INVALID_PRAGMA, "locale(\"en_US\")", 1, 1, false,
     ignored_apply},
    {"instancelocale", CODE_INVALID_PRAGMA, "instancelocale(\"en_US\")", 1, 1,
     false, ignored_apply},
    {"nonlocal", CODE_INVALID_PRAGMA, "nonlocal(\"...\")", 1, 1, false,
     ignored_apply},
    {"nonlocaltype", CODE_INVALID_PRAGMA, "nonlocaltype(\"...\")", 1, 1, false,
     ignored_apply},
    {"source", CODE_INVALID_PRAGMA, "source(\"...\")", 1, 1, false,
     ignored_apply},
    {"sourcetype", CODE_INVALID_PRAGMA, "sourcetype(\"...\")", 1, 1, false,
     ignored_apply},
};

static const struct pragma_row unknown = {
    "",    CODE_INVALID_PRAGMA, "name(\"value\")", 0, ARGUMENTS_MAX,
    false, ignored_apply};

static const struct pragma_row *
pragma_find(struct span name)
{
    for (size_t i = 0; i < ARRAY_COUNT(pragmas); i++) {
        if (span_equal_nocase(name, span_of(pragmas[i].name)))
            return &pragmas[i];
    }
    return &unknown;
}

/* parg = string | ident | integer ; */
static bool
argument_parse(struct parser *p, struct directive *d)
{
    struct argument *a = &d->items[d->count];

    a->token = p->token;
    a->text = p->token.text;
    if (d->count >= d->row->most)
        return parser_unexpected(p, d->row->code, "')'");
    if (is_string(a) && !d->row->raw) {
        if (!constant_parse_string(p, &a->text))
            return false;
    } else if (is_string(a) || parser_is(p, TOKEN_IDENTIFIER) ||
               parser_is(p, TOKEN_INTEGER))
    {
        parser_advance(p);
    } else {
        char what[300];

        snprintf(what, sizeof(what), "an argument, as in #pragma %s",
                 d->row->form);
        return parser_unexpected(p, d->row->code, what);
    }
    d->count++;
    return true;
}

/* "(" [ parg { "," parg } ] ")" */
static bool
arguments_parse(struct parser *p, struct directive *d)
{
    char what[300];

    if (!parser_take(p, '(')) {
        if (d->row->least == 0)
            return true;
        return parser_unexpected(p, CODE_EXPECTED_OPEN_PAREN,
                                 "'(' behind the pragma's name");
    }
    if (!parser_is(p, ')')) {
        do {
            if (!argument_parse(p, d))
                return false;
        } while (parser_take(p, ','));
    }
    if (d->count < d->row->least) {
        uint32_t code = CODE_EXPECTED_CLOSE_PAREN;

        if (parser_is(p, ')'))
            code = d->row->code;
        snprintf(what, sizeof(what), "%s argument: #pragma %s",
                 d->count == 0 ? "an" : "a second", d->row->form);
        return parser_unexpected(p, code, what);
    }
    return parser_expect(p, ')', CODE_EXPECTED_CLOSE_PAREN, "')'");
}

/* A namespace that is not entered would leave the security statements behind
 * it to another one. */
static void
unknown_report(struct parser *p, struct at at, struct span name)
{
    struct nearest n;

    nearest_init(&n, name);
    for (size_t i = 0; i < ARRAY_COUNT(pragmas); i++)
        nearest_offer(&n, span_of(pragmas[i].name));
    if (span_equal(n.best, SPAN("namespace")))
        report_error(p->c, at, CODE_INVALID_PRAGMA, "unknown pragma '%.*s'",
                     SHOWN(name));
    else
        report_lenient(p->c, MOF_WARNING_PRAGMA, at, CODE_INVALID_PRAGMA,
                       "unknown pragma '%.*s'%s", SHOWN(name),
                       p->c->options.strict ? "" : " is ignored");
    report_meant(p->c, n.best);
}

static bool
pragma_body(struct parser *p)
{
    struct directive d = {.row = NULL};
    struct span name;
    uint32_t offset;

    if (!parser_expect_name(p, CODE_INVALID_PRAGMA, "the pragma's name", &name,
                            &offset))
        return false;
    d.row = pragma_find(name);
    d.at = parser_at_offset(p, offset, (uint32_t)name.length);
    if (d.row == &unknown)
        unknown_report(p, d.at, name);
    return arguments_parse(p, &d) && d.row->apply(p, &d);
}

/* "#include" ( "(" string ")" | string ) */
static bool
include_directive(struct parser *p)
{
    bool parenthesis = parser_take(p, '(');
    struct token file = p->token;

    if (!parser_expect(p, TOKEN_STRING, CODE_ERROR_INVALID_INCLUDE_FILE,
                       "the file's name in quotes") ||
        (parenthesis &&
         !parser_expect(p, ')', CODE_EXPECTED_CLOSE_PAREN, "')'")))
        return false;
    return include_parse(p, &file);
}

/* "#line" int string: from a preprocessor; places stay those of this text. */
static bool
line_directive(struct parser *p)
{
    return parser_expect(p, TOKEN_INTEGER, CODE_UNRECOGNIZED_TOKEN,
                         "a line number") &&
           parser_expect(p, TOKEN_STRING, CODE_UNRECOGNIZED_TOKEN,
                         "the file's name in quotes");
}

/* A directive ends with its ')' or its line. */
static void
directive_skip(struct parser *p)
{
    while (!parser_is(p, TOKEN_END) && !parser_is(p, '#')) {
        const char *gap = p->source->text + p->previous_end;
        size_t n = p->token.offset - p->previous_end;

        if (memchr(gap, '\n', n) != NULL || memchr(gap, '\r', n) != NULL ||
            parser_take(p, ')'))
            return;
        parser_advance(p);
    }
}

bool
pragma_parse(struct parser *p)
{
    struct at at = parser_at(p);
    bool ok;

    parser_advance(p);
    if (parser_take_word(p, "pragma")) {
        ok = pragma_body(p);
    } else if (parser_take_word(p, "include")) {
        ok = include_directive(p);
    } else if (parser_take_word(p, "line")) {
        ok = line_directive(p);
    } else {
        report_error(p->c, at, CODE_UNRECOGNIZED_TOKEN,
                     "only #pragma, #include and #line are known; a file "
                     "with #define goes through the C preprocessor first");
        ok = false;
    }
    if (!ok)
        directive_skip(p);
    return true;
}
