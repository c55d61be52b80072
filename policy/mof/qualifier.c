#include <string.h>

#include "policy/mof/names.h"
#include "policy/mof/parser.h"
#include "policy/mof/report.h"
#include "policy/mof/suggest.h"

/*
 * Qualifier lists and qualifier statements (DSP0004 annex A, WMI SDK
 * "Qualifier flavors").
 */

static const struct flavor_row {
    const char *name;
    unsigned flavor;
} flavors[] = {
    {"EnableOverride", CIM_FLAVOR_ENABLE_OVERRIDE},
    {"DisableOverride", CIM_FLAVOR_DISABLE_OVERRIDE},
    {"Restricted", CIM_FLAVOR_RESTRICTED},
    {"ToSubclass", CIM_FLAVOR_TO_SUBCLASS},
    {"ToInstance", CIM_FLAVOR_TO_INSTANCE},
    {"NotToSubclass", CIM_FLAVOR_NOT_TO_SUBCLASS},
    {"NotToInstance", CIM_FLAVOR_NOT_TO_INSTANCE},
    {"Amended", CIM_FLAVOR_AMENDED},
    {"Translatable", CIM_FLAVOR_TRANSLATABLE},
};

/* Flavors that contradict each other. */
static const struct {
    unsigned one, other;
    uint32_t code;
} conflicts[] = {
    {CIM_FLAVOR_ENABLE_OVERRIDE, CIM_FLAVOR_DISABLE_OVERRIDE,
     CODE_INCOMPATIBLE_FLAVOR_TYPES},
    {CIM_FLAVOR_TO_SUBCLASS, CIM_FLAVOR_NOT_TO_SUBCLASS,
     CODE_INCOMPATIBLE_FLAVOR_TYPES},
    {CIM_FLAVOR_TO_INSTANCE, CIM_FLAVOR_NOT_TO_INSTANCE,
     CODE_INCOMPATIBLE_FLAVOR_TYPES},
    {CIM_FLAVOR_RESTRICTED, CIM_FLAVOR_TO_SUBCLASS,
     CODE_INCOMPATIBLE_FLAVOR_TYPES2},
    {CIM_FLAVOR_RESTRICTED, CIM_FLAVOR_TO_INSTANCE,
     CODE_INCOMPATIBLE_FLAVOR_TYPES2},
};

/* What a qualifier may be put on, in the order of enum cim_scope. */
static const char *const scopes[] = {
    "class",     "association", "indication", "qualifier", "property",
    "reference", "method",      "parameter",  "schema",    NULL,
};

static const struct flavor_row *
flavor_find(struct span name)
{
    for (size_t i = 0; i < ARRAY_COUNT(flavors); i++) {
        if (span_equal_nocase(span_of(flavors[i].name), name))
            return &flavors[i];
    }
    return NULL;
}

static bool
flavor_unknown(struct parser *p, const char *what)
{
    struct nearest n;

    parser_unexpected(p, CODE_EXPECTED_FLAVOR_TYPE, what);
    if (!parser_is(p, TOKEN_IDENTIFIER))
        return false;
    nearest_init(&n, p->token.text);
    for (size_t i = 0; i < ARRAY_COUNT(flavors); i++)
        nearest_offer(&n, span_of(flavors[i].name));
    report_meant(p->c, n.best);
    return false;
}

static const char *
flavor_name(unsigned flavor)
{
    for (size_t i = 0; i < ARRAY_COUNT(flavors); i++) {
        if (flavors[i].flavor == flavor)
            return flavors[i].name;
    }
    return "one before it";
}

static bool
flavor_add(struct parser *p, const struct flavor_row *row, unsigned *set)
{
    unsigned now = *set | row->flavor;

    for (size_t i = 0; i < ARRAY_COUNT(conflicts); i++) {
        unsigned both = conflicts[i].one | conflicts[i].other;

        if ((now & both) != both || !(row->flavor & both))
            continue;
        report_error(p->c, parser_at(p), conflicts[i].code,
                     "the flavor %s contradicts %s", row->name,
                     flavor_name(both & ~row->flavor));
        break;
    }
    *set = now;
    parser_advance(p);
    return true;
}

/* flavor { flavor } ; behind the ':' */
static bool
flavors_parse(struct parser *p, unsigned *set)
{
    const struct flavor_row *row = NULL;

    if (parser_is(p, TOKEN_IDENTIFIER))
        row = flavor_find(p->token.text);
    if (row == NULL)
        return flavor_unknown(p, "a flavor (EnableOverride, DisableOverride, "
                                 "Restricted, ToSubclass, ToInstance, "
                                 "Amended, ...)");
    while (row != NULL) {
        flavor_add(p, row, set);
        row =
            parser_is(p, TOKEN_IDENTIFIER) ? flavor_find(p->token.text) : NULL;
    }
    if (parser_is(p, TOKEN_IDENTIFIER))
        return flavor_unknown(p, "another flavor, ',' or ']'");
    return true;
}

/* "(" const ")" */
static bool
scalar_parse(struct parser *p, struct syntax_value *out)
{
    parser_advance(p);
    if (!constant_parse(p, out))
        return false;
    if (parser_is(p, ','))
        return parser_unexpected(p, CODE_EXPECTED_CLOSE_PAREN,
                                 "')' (several values are written "
                                 "{1, 2})");
    return parser_expect(p, ')', CODE_EXPECTED_CLOSE_PAREN,
                         "')' behind the qualifier's value");
}

/* WMI's `qualifier Name : flavor;` holds for what follows in its file and
 * gives no flavors of its own. */
static void
flavors_default(const struct parser *p, struct syntax_qualifier *q)
{
    if (q->flavors == 0 && p->scope->flavors != NULL)
        q->flavors =
            (unsigned)(uintptr_t)strmap_get(p->scope->flavors, q->name);
}

static bool
flavors_remember(struct parser *p, struct span name, unsigned set)
{
    if (p->scope->flavors == NULL)
        p->scope->flavors = compilation_map_new(p->c, &p->c->alias_maps);
    if (p->scope->flavors == NULL)
        return false;
    if (strmap_put(p->scope->flavors, name, (void *)(uintptr_t)set))
        return true;
    report_memory(p->c);
    return false;
}

/* qual = ident [ "(" const ")" | "{" [ const {"," const} ] "}" ]
 *        [ ":" flavor { flavor } ] ; */
static bool
qualifier_parse(struct parser *p, struct syntax_qualifier *out)
{
    bool ok = true;

    memset(out, 0, sizeof(*out));
    if (!parser_expect_name(p, CODE_EXPECTED_QUALIFIER_NAME,
                            "a qualifier's name", &out->name, &out->offset))
        return false;
    if (parser_is(p, '('))
        ok = scalar_parse(p, &out->value);
    else if (parser_is(p, '{'))
        ok = constant_parse_array(p, &out->value);
    if (ok && parser_take(p, ':'))
        ok = flavors_parse(p, &out->flavors);
    flavors_default(p, out);
    return ok;
}

static struct at
at_offset(struct source *source, uint32_t offset, uint32_t width)
{
    return (struct at){source, offset, width};
}

struct list_place {
    struct mof_compilation *c;
    struct source *source;
};

static void
report_twice(void *arg, const void *first, const void *again)
{
    const struct list_place *p = arg;
    const struct syntax_qualifier *one = first, *two = again;

    report_error(p->c,
                 at_offset(p->source, two->offset, (uint32_t)two->name.length),
                 CODE_DUPLICATE_QUALIFIER, "qualifier %.*s is given twice",
                 SHOWN(two->name));
    report_detail(
        p->c, at_offset(p->source, one->offset, (uint32_t)one->name.length),
        "first given here");
}

static bool
is_declared(const struct mof_compilation *c, struct span name)
{
    for (size_t i = 0; i < c->statements.count; i++) {
        const struct syntax_statement *st =
            &VECTOR_AT(&c->statements, struct syntax_statement, i);

        if (st->kind == SYNTAX_QUALIFIER &&
            span_equal_nocase(st->u.qualifier->name, name))
            return true;
    }
    return false;
}

/* True the first time that a name comes up. */
static bool
is_new(struct mof_compilation *c, struct span name)
{
    static char mark;

    if (c->spelled == NULL)
        c->spelled = compilation_map_new(c, &c->class_maps);
    if (c->spelled == NULL || strmap_get(c->spelled, name) != NULL)
        return false;
    if (!strmap_put(c->spelled, name, &mark))
        report_memory(c);
    return true;
}

/* WMI needs no declaration of a qualifier, so a slip in one is silent. */
static void
spelling_check(struct mof_compilation *c, struct at at, struct span name)
{
    struct span meant;

    if (!is_new(c, name))
        return;
    meant = suggest_qualifier(name);
    if (meant.length == 0 || is_declared(c, name))
        return;
    report_warning(c, MOF_WARNING_QUALIFIER_SPELLING, at,
                   "qualifier %.*s is not a standard one", SHOWN(name));
    report_meant(c, meant);
}

static void
qualifier_names_check(struct mof_compilation *c, struct source *source,
                      const struct syntax_qualifiers *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct syntax_qualifier *q = &set->items[i];
        struct at at = at_offset(source, q->offset, (uint32_t)q->name.length);

        if (q->name.length > IDENTIFIER_MAX)
            report_error(c, at, CODE_QUALIFIER_NAME_TOO_WIDE,
                         "a name has at most %d characters", IDENTIFIER_MAX);
        if (span_equal_nocase(q->name, SPAN("cimtype")))
            report_error(c, at, CODE_CIMTYPE_QUALIFIER,
                         "CIMTYPE follows from the declaration and can't be "
                         "given");
        spelling_check(c, at, q->name);
    }
}

void
qualifier_list_check(struct mof_compilation *c, struct source *source,
                     const struct syntax_qualifiers *set)
{
    qualifier_names_check(c, source, set);
    names_duplicates(c, set->items, set->count, sizeof(*set->items),
                     offsetof(struct syntax_qualifier, name), report_twice,
                     &(struct list_place){c, source});
}

/* quals = "[" [ qual { "," qual } ] "]" ; */
bool
qualifier_parse_list(struct parser *p, struct syntax_qualifiers *out)
{
    size_t mark = stack_mark(p);
    struct syntax_qualifier q;
    bool ok = true;

    parser_advance(p);
    if (!parser_is(p, ']')) {
        do {
            ok = qualifier_parse(p, &q) && stack_push(p, &q, sizeof(q));
        } while (ok && parser_take(p, ','));
    }
    out->items = stack_take(p, mark, sizeof(q), &out->count);
    qualifier_list_check(p->c, p->source, out);
    return ok && parser_expect(p, ']', CODE_EXPECTED_CLOSE_BRACKET,
                               "',' or ']' in this list of qualifiers");
}

/* scope = "class" | "association" | ... | "any" ; */
static bool
scope_parse(struct parser *p, unsigned *set)
{
    if (parser_take_word(p, "any"))
        return true; /* 0 means any */
    for (size_t i = 0; scopes[i] != NULL; i++) {
        if (parser_take_word(p, scopes[i])) {
            *set |= 1u << i;
            return true;
        }
    }
    parser_unexpected(p, CODE_INVALID_QUALIFIER_SYNTAX,
                      "a scope (class, property, method, ..., any)");
    if (parser_is(p, TOKEN_IDENTIFIER))
        report_meant(p->c, suggest_word(scopes, p->token.text));
    return false;
}

static bool
flavor_parse(struct parser *p, unsigned *set)
{
    const struct flavor_row *row = NULL;

    if (parser_is(p, TOKEN_IDENTIFIER))
        row = flavor_find(p->token.text);
    if (row == NULL)
        return flavor_unknown(p, "a flavor");
    return flavor_add(p, row, set);
}

/* "Scope" "(" scope { "," scope } ")" | "Flavor" "(" flavor { "," flavor }
 * ")" */
static bool
meta_parse(struct parser *p, struct syntax_qualifier_declaration *q)
{
    bool is_scope = parser_is_word(p, "scope");

    if (!is_scope && !parser_is_word(p, "flavor"))
        return parser_unexpected(p, CODE_INVALID_QUALIFIER_SYNTAX,
                                 "Scope(...) or Flavor(...)");
    parser_advance(p);
    if (!parser_expect(p, '(', CODE_EXPECTED_OPEN_PAREN, "'('"))
        return false;
    do {
        if (!(is_scope ? scope_parse(p, &q->scopes)
                       : flavor_parse(p, &q->flavors)))
            return false;
    } while (parser_take(p, ','));
    return parser_expect(p, ')', CODE_EXPECTED_CLOSE_PAREN, "',' or ')'");
}

/* type [ array ] [ "=" init ] { "," meta } */
static bool
declaration_parse(struct parser *p, struct syntax_qualifier_declaration *q)
{
    struct span type, class_name;
    uint32_t offset, size;

    if (!parser_expect_name(p, CODE_EXPECTED_TYPE_IDENTIFIER, "a type", &type,
                            &offset))
        return false;
    q->type = class_type(type, &class_name);
    if (q->type == CIM_OBJECT || q->type == CIM_VOID ||
        q->type == CIM_REFERENCE)
        report_error(p->c, parser_at_offset(p, offset, (uint32_t)type.length),
                     CODE_UNRECOGNIZED_TYPE,
                     "a qualifier can't be of type %.*s", SHOWN(type));
    if (!class_parse_array_size(p, &q->is_array, &size))
        return false;
    if (parser_take(p, '=') && !constant_parse_init(p, &q->value))
        return false;
    while (parser_take(p, ',')) {
        if (!meta_parse(p, q))
            return false;
    }
    return true;
}

/* qualifierDecl = "qualifier" ident ":" ( flavor { flavor } | type ... )
 * ";" ; the first is WMI's: flavors for the rest of the file. */
bool
qualifier_parse_declaration(struct parser *p)
{
    struct syntax_statement s = {.kind = SYNTAX_QUALIFIER,
                                 .at = parser_at(p),
                                 .space = p->scope->space};
    struct syntax_qualifier_declaration *q =
        compilation_alloc(p->c, sizeof(*q));
    bool ok;

    parser_advance(p);
    if (q == NULL ||
        !parser_expect_name(p, CODE_EXPECTED_QUALIFIER_NAME,
                            "the qualifier's name", &q->name, &q->offset) ||
        !parser_expect(p, ':', CODE_INVALID_QUALIFIER_SYNTAX,
                       "':' and the qualifier's type"))
        return false;
    if (parser_is(p, TOKEN_IDENTIFIER) && flavor_find(p->token.text) != NULL)
        ok = flavors_parse(p, &q->flavors) &&
             flavors_remember(p, q->name, q->flavors);
    else
        ok = declaration_parse(p, q);
    if (!ok || !parser_expect(p, ';', CODE_EXPECTED_SEMI,
                              "',' or ';' in this qualifier statement"))
        return false;
    s.u.qualifier = q;
    s.end = p->previous_end;
    return vector_add(p->c, &p->c->statements, &s);
}
