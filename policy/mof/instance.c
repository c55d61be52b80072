#include <string.h>

#include "policy/mof/parser.h"
#include "policy/mof/report.h"

/*
 * instanceDecl = [ quals ] "instance" "of" ident [ alias ] instBody ";" ;
 * instBody     = "{" { [ quals ] ident ( "=" init ";" | ";" ) } "}" ;
 * embedded     = "instance" "of" ident [ alias ] instBody ;
 *
 * The body may be empty, against DSP0004: `instance of __SystemSecurity { };`
 * is how WMI files say it.
 */

static struct syntax_instance *instance_body(struct parser *p, uint32_t start);

/* Is this `instance of`, and not a property called instance? */
static bool
nested_starts(const struct parser *p)
{
    struct token of, then;

    if (!parser_is_word(p, "instance"))
        return false;
    parser_peek(p, &of, &then);
    return of.kind == TOKEN_IDENTIFIER &&
           span_equal_nocase(of.text, SPAN("of"));
}

/* Then the rest of the text is not looked at. */
static bool
is_too_deep(struct parser *p)
{
    if (p->depth < LIMIT_DEPTH)
        return false;
    report_error(p->c, parser_at(p), CODE_INVALID_CLASS_DECLARATION,
                 "embedded instances nested deeper than %d", LIMIT_DEPTH);
    p->lexer.at = p->source->text + p->source->length;
    p->lexer.swallowed = true;
    return true;
}

/* An instance among the properties of another, as one page of the WMI SDK
 * shows it: no grammar has that, and what it says would protect nothing. */
static bool
nested_refuse(struct parser *p)
{
    uint32_t start = p->token.offset;
    bool ok;

    report_compile_error(p->c, parser_at(p), CODE_EXPECTED_PROPERTY_NAME,
                         "an instance can't stand inside another one's body; "
                         "close this one, then write #pragma namespace and "
                         "[RequiresEncryption(TRUE)] instance of "
                         "__SystemSecurity { };");
    if (is_too_deep(p))
        return false;
    parser_advance(p);
    p->depth++;
    ok = instance_body(p, start) != NULL;
    p->depth--;
    parser_take(p, ';');
    return ok;
}

/* Without a name: nothing that would be kept. */
static bool
property_parse(struct parser *p, struct syntax_property *out)
{
    memset(out, 0, sizeof(*out));
    if (parser_is(p, '[') && !qualifier_parse_list(p, &out->qualifiers))
        return false;
    if (nested_starts(p))
        return nested_refuse(p);
    if (!parser_expect_name(p, CODE_EXPECTED_PROPERTY_NAME,
                            "a property's name or '}'", &out->name,
                            &out->offset))
        return false;
    /* `Name;` asks a property provider for the value. */
    if (parser_take(p, ';'))
        return true;
    return parser_expect(p, '=', CODE_EXPECTED_SEMI,
                         "'=' or ';' behind the name") &&
           constant_parse_init(p, &out->value) &&
           parser_expect(p, ';', CODE_EXPECTED_SEMI, "';' behind the value");
}

static bool
next_starts(const struct parser *p)
{
    return parser_is(p, TOKEN_END) || parser_is(p, '#');
}

static bool
body_parse(struct parser *p, struct syntax_instance *instance)
{
    struct at open = parser_at(p);
    size_t mark = stack_mark(p);
    struct syntax_property property;
    char what[400];

    if (!parser_expect(p, '{', CODE_EXPECTED_OPEN_BRACE, "'{'"))
        return false;
    while (!parser_is(p, '}') && !next_starts(p)) {
        if (!property_parse(p, &property))
            parser_recover(p);
        else if (property.name.data != NULL)
            stack_push(p, &property, sizeof(property));
    }
    instance->properties =
        stack_take(p, mark, sizeof(property), &instance->property_count);
    if (parser_take(p, '}'))
        return true;
    snprintf(what, sizeof(what), "'}' for the instance of %.*s",
             SHOWN(instance->class_name));
    parser_unexpected(p, CODE_EXPECTED_CLOSE_BRACE, what);
    report_detail(p->c, open, "its '{' is here");
    return false;
}

/* Aliases hold in their file and what it includes, before and behind. */
void
instance_declare_alias(struct mof_compilation *c,
                       struct syntax_instance *instance)
{
    struct syntax_instance *first;
    struct at at = {instance->source, instance->alias_offset,
                    (uint32_t)instance->alias.length + 1};

    if (instance->alias.length == 0)
        return;
    first = strmap_get(instance->aliases, instance->alias);
    if (first != NULL) {
        report_meaning_error(c, at, CODE_MULTIPLE_ALIASES,
                             "alias $%.*s is taken", SHOWN(instance->alias));
        report_detail(c,
                      (struct at){first->source, first->alias_offset,
                                  (uint32_t)first->alias.length + 1},
                      "first declared here");
    } else if (!strmap_put(instance->aliases, instance->alias, instance)) {
        report_memory(c);
    }
}

/* "of" ident [ alias ] instBody, behind "instance" */
static struct syntax_instance *
instance_body(struct parser *p, uint32_t start)
{
    struct syntax_instance *instance = tree_alloc(p->c, sizeof(*instance));

    if (instance == NULL)
        return NULL;
    instance->source = p->source;
    instance->space = p->scope->space;
    instance->aliases = p->scope->aliases;
    instance->offset = start;
    if (!parser_take_word(p, "of")) {
        parser_unexpected(p, CODE_INVALID_INSTANCE_DECLARATION,
                          "'of' behind instance");
        return NULL;
    }
    if (!parser_expect_name(p, CODE_EXPECTED_CLASS_NAME,
                            "the name of the instance's class",
                            &instance->class_name, &instance->class_offset) ||
        !class_parse_alias(p, &instance->alias, &instance->alias_offset))
        return NULL;
    p->aliases += instance->alias.length > 0;
    instance_declare_alias(p->c, instance);
    return body_parse(p, instance) ? instance : NULL;
}

bool
instance_parse_embedded(struct parser *p, struct syntax_value *out)
{
    uint32_t start = p->token.offset;

    if (is_too_deep(p))
        return false;
    parser_advance(p);
    p->depth++;
    out->kind = VALUE_INSTANCE;
    out->u.instance = instance_body(p, start);
    p->depth--;
    if (out->u.instance == NULL)
        return false;
    out->u.instance->is_embedded = true;
    return true;
}

bool
instance_read(struct parser *p, struct syntax_qualifiers quals, uint32_t start,
              struct syntax_statement *out)
{
    *out = (struct syntax_statement){
        .kind = SYNTAX_INSTANCE,
        .at = parser_at_offset(p, start, p->token.width),
        .space = p->scope->space,
        .change = p->scope->instance_change};
    parser_advance(p);
    out->u.instance = instance_body(p, start);
    if (out->u.instance == NULL)
        return false;
    out->u.instance->qualifiers = quals;
    out->end = p->previous_end;
    return true;
}

bool
instance_parse(struct parser *p, struct syntax_qualifiers quals,
               uint32_t start)
{
    bool may_join = p->in_stretch;
    struct syntax_statement s;

    p->in_stretch = false;
    if (!instance_read(p, quals, start, &s) || !stretch_add(p, &s, may_join))
        return false;
    return parser_expect(p, ';', CODE_EXPECTED_SEMI,
                         "';' behind the instance") ||
           parser_starts_production(p);
}
