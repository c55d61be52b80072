#include <string.h>

#include "policy/mof/parser.h"
#include "policy/mof/report.h"

/*
 * classDecl = [ quals ] "class" ident [ alias ] [ ":" ident ] [ alias ]
 *             "{" { feature } "}" ";" ;
 * feature   = [ quals ] type ident [ array ] [ "=" init ] ";"
 *           | [ quals ] ident "ref" ident [ array ] [ "=" init ] ";"
 *           | [ quals ] type ident "(" [ param { "," param } ] ")" ";" ;
 */

enum cim_type
class_type(struct span name, struct span *class_out)
{
    enum cim_type type = cim_type_from_name(name);

    *class_out = (struct span){NULL, 0};
    if (type == CIM_NONE || type == CIM_REFERENCE) {
        *class_out = name;
        return CIM_OBJECT;
    }
    return type;
}

bool
class_parse_alias(struct parser *p, struct span *alias_out,
                  uint32_t *offset_out)
{
    if (!parser_take_word(p, "as"))
        return true;
    if (!parser_is(p, TOKEN_ALIAS))
        return parser_unexpected(p, CODE_EXPECTED_DOLLAR, "$alias");
    *alias_out = p->token.text;
    *offset_out = p->token.offset;
    parser_advance(p);
    return true;
}

/* A reference to the alias of a class is the class's path, its name. */
bool
class_declare_alias(struct mof_compilation *c, struct source *source,
                    struct space *space, const struct syntax_class *class)
{
    struct syntax_instance *stand_in;

    if (class->alias.length == 0)
        return true;
    stand_in = compilation_alloc(c, sizeof(*stand_in));
    if (stand_in == NULL)
        return false;
    stand_in->is_class = true;
    stand_in->class_name = class->name;
    stand_in->alias = class->alias;
    stand_in->alias_offset = class->alias_offset;
    stand_in->source = source;
    stand_in->space = space;
    stand_in->aliases = class->aliases;
    instance_declare_alias(c, stand_in);
    return true;
}

/* array = "[" [ integer | "MAX" ] "]" ; */
bool
class_parse_array_size(struct parser *p, bool *is_array, uint32_t *size_out)
{
    *size_out = 0;
    *is_array = parser_take(p, '[');
    if (!*is_array)
        return true;
    if (parser_is(p, TOKEN_INTEGER)) {
        if (p->token.negative || p->token.huge || p->token.magnitude == 0 ||
            p->token.magnitude > UINT32_MAX)
            report_error(p->c, parser_at(p), CODE_OUT_OF_RANGE,
                         "an array's size is a positive number of 32 bits");
        else
            *size_out = (uint32_t)p->token.magnitude;
        parser_advance(p);
    } else {
        parser_take_word(p, "max");
    }
    return parser_expect(p, ']', CODE_EXPECTED_CLOSE_BRACKET, "']'");
}

/* type ident | ident "ref" ident; one rule for property, method, parameter */
static bool
head_parse(struct parser *p, struct syntax_property *out)
{
    struct span type;

    if (!parser_expect_name(p, CODE_EXPECTED_TYPE_IDENTIFIER, "a type or '}'",
                            &type, &out->type_offset))
        return false;
    out->type = class_type(type, &out->class_name);
    if (!parser_expect_name(p, CODE_EXPECTED_PROPERTY_NAME,
                            "a property's or method's name", &out->name,
                            &out->offset))
        return false;
    /* A property may be called ref; then no name follows. */
    if (!span_equal_nocase(out->name, SPAN("ref")) ||
        !parser_is(p, TOKEN_IDENTIFIER))
        return true;
    if (out->type != CIM_OBJECT)
        report_error(
            p->c, parser_at_offset(p, out->type_offset, (uint32_t)type.length),
            CODE_EXPECTED_CLASS_NAME,
            "a reference needs a class: '%.*s' is a basic type", SHOWN(type));
    out->type = CIM_REFERENCE;
    out->name = p->token.text;
    out->offset = p->token.offset;
    parser_advance(p);
    return true;
}

static void
void_refuse(struct parser *p, const struct syntax_property *f)
{
    if (f->type == CIM_VOID)
        report_error(p->c, parser_at_offset(p, f->type_offset, 4),
                     CODE_UNRECOGNIZED_TYPE,
                     "void is only the result of a method");
}

/* [ array ] [ "=" init ] */
static bool
tail_parse(struct parser *p, struct syntax_property *out)
{
    void_refuse(p, out);
    return class_parse_array_size(p, &out->is_array, &out->array_size) &&
           (!parser_take(p, '=') || constant_parse_init(p, &out->value));
}

/* param = [ quals ] type [ "ref" ] ident [ array ] [ "=" init ] ; */
static bool
parameter_parse(struct parser *p, struct syntax_property *out)
{
    memset(out, 0, sizeof(*out));
    return (!parser_is(p, '[') || qualifier_parse_list(p, &out->qualifiers)) &&
           head_parse(p, out) && tail_parse(p, out);
}

/* "(" [ param { "," param } ] ")" ";" ; head is type and name */
static bool
method_parse(struct parser *p, const struct syntax_property *head,
             struct syntax_method *out)
{
    size_t mark = stack_mark(p);
    struct syntax_property param;
    bool ok = true;

    *out = (struct syntax_method){.name = head->name,
                                  .offset = head->offset,
                                  .type_offset = head->type_offset,
                                  .type = head->type,
                                  .class_name = head->class_name,
                                  .qualifiers = head->qualifiers};
    parser_advance(p);
    if (!parser_is(p, ')')) {
        do {
            ok = parameter_parse(p, &param) &&
                 stack_push(p, &param, sizeof(param));
        } while (ok && parser_take(p, ','));
    }
    out->parameters =
        stack_take(p, mark, sizeof(param), &out->parameter_count);
    return ok &&
           parser_expect(p, ')', CODE_EXPECTED_CLOSE_PAREN,
                         "',' or ')' in this list of parameters") &&
           parser_expect(p, ';', CODE_EXPECTED_SEMI, "';' behind the method");
}

/* Both kinds are in one list while the body is read. */
struct feature {
    bool is_method;
    union {
        struct syntax_property property;
        struct syntax_method method;
    } u;
};

static bool
feature_parse(struct parser *p, struct feature *out)
{
    struct syntax_property head;

    memset(out, 0, sizeof(*out));
    memset(&head, 0, sizeof(head));
    if (parser_is(p, '[') && !qualifier_parse_list(p, &head.qualifiers))
        return false;
    if (!head_parse(p, &head))
        return false;
    if (parser_is(p, '(')) {
        out->is_method = true;
        return method_parse(p, &head, &out->u.method);
    }
    if (!tail_parse(p, &head))
        return false;
    if (parser_is(p, '(') && head.is_array) {
        report_error(
            p->c, parser_at_offset(p, head.offset, (uint32_t)head.name.length),
            CODE_NO_ARRAYS_RETURNED, "a method can't return an array");
        return false;
    }
    out->u.property = head;
    return parser_expect(p, ';', CODE_EXPECTED_SEMI,
                         head.value.kind == VALUE_NONE
                             ? "';', '=', '[' or '(' behind the name"
                             : "';' behind the value");
}

/* True if a `class` here begins the next declaration, because this one was
 * never closed: class ident ":" or class ident "{". */
static bool
next_class_starts(struct parser *p)
{
    struct token name, then;

    if (!parser_is_word(p, "class"))
        return parser_is(p, '#');
    parser_peek(p, &name, &then);
    return name.kind == TOKEN_IDENTIFIER &&
           (then.kind == ':' || then.kind == '{');
}

/* { feature }, up to the '}' */
static void
features_parse(struct parser *p)
{
    struct feature f;

    while (!parser_is(p, '}') && !parser_is(p, TOKEN_END) &&
           !next_class_starts(p)) {
        if (feature_parse(p, &f))
            stack_push(p, &f, sizeof(f));
        else
            parser_recover(p);
    }
}

/* Sorts what features_parse left on the stack into the class. */
static bool
features_take(struct parser *p, size_t mark, struct syntax_class *class)
{
    size_t count = (p->c->stack.used - mark) / sizeof(struct feature);
    struct feature f;

    class->properties =
        compilation_array(p->c, count, sizeof(*class->properties));
    for (size_t i = 0; i < count; i++) {
        memcpy(&f, p->c->stack.bytes + mark + i * sizeof(f), sizeof(f));
        class->method_count += f.is_method;
    }
    class->methods =
        compilation_array(p->c, class->method_count, sizeof(*class->methods));
    if (class->properties == NULL || class->methods == NULL)
        return false;
    class->method_count = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(&f, p->c->stack.bytes + mark + i * sizeof(f), sizeof(f));
        if (f.is_method)
            class->methods[class->method_count++] = f.u.method;
        else
            class->properties[class->property_count++] = f.u.property;
    }
    p->c->stack.used = mark;
    return true;
}

/* ident [ alias ] [ ":" ident ] [ alias ] */
static bool
names_parse(struct parser *p, struct syntax_class *class)
{
    if (!parser_expect_name(p, CODE_EXPECTED_CLASS_NAME, "the class's name",
                            &class->name, &class->name_offset) ||
        !class_parse_alias(p, &class->alias, &class->alias_offset))
        return false;
    if (parser_take(p, ':') &&
        !parser_expect_name(p, CODE_EXPECTED_CLASS_NAME,
                            "the superclass's name", &class->superclass,
                            &class->superclass_offset))
        return false;
    return class_parse_alias(p, &class->alias, &class->alias_offset) &&
           class_declare_alias(p->c, p->source, p->scope->space, class);
}

static bool
body_parse(struct parser *p, struct syntax_class *class)
{
    struct at open = parser_at(p);
    size_t mark = stack_mark(p);
    char what[400];

    if (!parser_expect(p, '{', CODE_EXPECTED_OPEN_BRACE,
                       class->superclass.data != NULL ? "'{'" : "':' or '{'"))
        return false;
    features_parse(p);
    if (!features_take(p, mark, class))
        return false;
    if (parser_take(p, '}'))
        return true;
    snprintf(what, sizeof(what), "'}' for class %.*s", SHOWN(class->name));
    parser_unexpected(p, CODE_EXPECTED_CLOSE_BRACE, what);
    report_detail(p->c, open, "its '{' is here");
    return false;
}

bool
class_parse(struct parser *p, struct syntax_qualifiers quals, uint32_t start)
{
    struct syntax_statement s = {
        .kind = SYNTAX_CLASS,
        .at = parser_at_offset(p, start, p->token.width),
        .space = p->scope->space,
        .change = p->scope->class_change};
    struct syntax_class *class = compilation_alloc(p->c, sizeof(*class));
    bool ok;

    if (class == NULL)
        return false;
    class->qualifiers = quals;
    class->aliases = p->scope->aliases;
    parser_advance(p);
    if (!names_parse(p, class))
        return false;
    /* What was read of an unfinished class still stands for its name. */
    ok = body_parse(p, class) &&
         parser_expect(p, ';', CODE_EXPECTED_SEMI, "';' behind the class");
    s.u.class = class;
    s.end = p->previous_end;
    return vector_add(p->c, &p->c->statements, &s) &&
           (ok || parser_starts_production(p));
}
