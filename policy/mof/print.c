#include "policy/mof/print.h"

/*
 * From a unit back to text.  One statement after the other, in their order;
 * the pragmas that one needs (namespace, classflags, instanceflags) stand in
 * front of it where they are not in force already.
 */

#define STEP 4 /* columns of a level */

static void
type_add(struct buf *out, enum cim_type type, struct span class_name)
{
    bool is_class = type == CIM_OBJECT || type == CIM_REFERENCE;

    if (is_class && class_name.length > 0)
        buf_add_span(out, class_name);
    else
        buf_add_string(out, is_class ? "object" : cim_type_name(type));
    buf_add_string(out, type == CIM_REFERENCE ? " ref " : " ");
}

/* A property or parameter without what ends it. */
static void
declaration_add(struct buf *out, const struct cim_property *p, unsigned indent)
{
    print_qualifiers(out, &p->qualifiers, indent);
    print_spaces(out, indent);
    type_add(out, p->type, p->class_name);
    buf_add_span(out, p->name);
    if (p->is_array && p->array_size > 0)
        buf_addf(out, "[%u]", p->array_size);
    else if (p->is_array)
        buf_add_string(out, "[]");
    if (!p->has_value)
        return;
    buf_add_string(out, " = ");
    print_value(out, &p->value, indent + STEP);
}

static void
method_add(struct buf *out, const struct cim_method *m)
{
    print_qualifiers(out, &m->qualifiers, STEP);
    print_spaces(out, STEP);
    type_add(out, m->return_type, m->return_class);
    buf_add_span(out, m->name);
    buf_add_char(out, '(');
    for (size_t i = 0; i < m->parameter_count; i++) {
        buf_add_string(out, i > 0 ? ",\n" : "\n");
        declaration_add(out, &m->parameters[i], 2 * STEP);
    }
    buf_add_string(out, ");\n");
}

void
mof_print_class(struct buf *out, const struct cim_class *c)
{
    print_qualifiers(out, &c->qualifiers, 0);
    buf_add_string(out, "class ");
    buf_add_span(out, c->name);
    if (c->superclass.length > 0) {
        buf_add_string(out, " : ");
        buf_add_span(out, c->superclass);
    }
    buf_add_string(out, "\n{\n");
    for (size_t i = 0; i < c->property_count; i++) {
        declaration_add(out, &c->properties[i], STEP);
        buf_add_string(out, ";\n");
    }
    for (size_t i = 0; i < c->method_count; i++)
        method_add(out, &c->methods[i]);
    buf_add_string(out, "};\n");
}

void
print_instance_body(struct buf *out, const struct cim_instance *i,
                    unsigned indent)
{
    buf_add_string(out, "{\n");
    for (size_t n = 0; n < i->property_count; n++) {
        const struct cim_property *p = &i->properties[n];

        print_qualifiers(out, &p->qualifiers, indent + STEP);
        print_spaces(out, indent + STEP);
        buf_add_span(out, p->name);
        if (p->has_value) {
            buf_add_string(out, " = ");
            print_value(out, &p->value, indent + 2 * STEP);
        }
        buf_add_string(out, ";\n");
    }
    print_spaces(out, indent);
    buf_add_char(out, '}');
}

void
mof_print_instance(struct buf *out, const struct cim_instance *i)
{
    print_qualifiers(out, &i->qualifiers, 0);
    buf_add_string(out, "instance of ");
    buf_add_span(out, i->class_name);
    buf_add_char(out, '\n');
    print_instance_body(out, i, 0);
    buf_add_string(out, ";\n");
}

/* Bits of cim_qualifier_declaration.scopes, from the lowest. */
static const char *const scopes[] = {
    "class",     "association", "indication", "qualifier", "property",
    "reference", "method",      "parameter",  "schema",
};

static void
scopes_add(struct buf *out, unsigned set)
{
    const char *comma = "";

    buf_add_string(out, ",\n    Scope(");
    for (size_t i = 0; i < ARRAY_COUNT(scopes); i++) {
        if (!(set & 1u << i))
            continue;
        buf_addf(out, "%s%s", comma, scopes[i]);
        comma = ", ";
    }
    buf_add_string(out, set == 0 ? "any)" : ")");
}

static void
declared_flavors_add(struct buf *out, unsigned set)
{
    unsigned first = set & -set;

    if (set == 0)
        return;
    buf_add_string(out, ",\n    Flavor(");
    print_flavors(out, first, "");
    print_flavors(out, set & ~first, ", ");
    buf_add_char(out, ')');
}

void
mof_print_qualifier_declaration(struct buf *out,
                                const struct cim_qualifier_declaration *q)
{
    buf_add_string(out, "Qualifier ");
    buf_add_span(out, q->name);
    buf_addf(out, " : %s%s", cim_type_name(q->type), q->is_array ? "[]" : "");
    if (q->has_value) {
        buf_add_string(out, " = ");
        print_value(out, &q->value, STEP);
    }
    scopes_add(out, q->scopes);
    declared_flavors_add(out, q->flavors);
    buf_add_string(out, ";\n");
}

void
mof_print_namespace(struct buf *out, const char *display)
{
    struct buf path = BUF_INIT;

    buf_addf(&path, "\\\\.\\%s", display);
    buf_add_string(out, "#pragma namespace(");
    print_string(out, buf_span(&path), 0);
    buf_add_string(out, ")\n");
    out->failed |= buf_failed(&path);
    buf_fini(&path);
}

void
mof_print_encryption(struct buf *out, bool required)
{
    buf_addf(out,
             "[RequiresEncryption(%s)]\n"
             "instance of __SystemSecurity { };\n",
             required ? "TRUE" : "FALSE");
}

void
mof_print_descriptor(struct buf *out, struct span sddl)
{
    buf_add_string(out, "[NamespaceSecuritySDDL(");
    print_string(out, sddl, 0);
    buf_add_string(out, ")]\ninstance of __SystemSecurity { };\n");
}

/* -- a unit ---------------------------------------------------------------- */

struct unit_printer {
    struct buf *out;
    struct namespace_path namespace; /* of the last pragma; zeroed: none */
    unsigned class_change, instance_change; /* of the last pragmas */
};

static void
namespace_enter(struct unit_printer *u, const struct namespace_path *path,
                const char *display)
{
    if (namespace_path_equal(&u->namespace, path))
        return;
    u->namespace = *path;
    mof_print_namespace(u->out, display);
}

/* What a pragma said can be changed, but not unsaid. */
static void
flags_enter(struct unit_printer *u, unsigned wanted, const char *pragma,
            unsigned *now)
{
    wanted &= MOF_CHANGE_OF_CLASS | MOF_CHANGE_SAID;
    if ((*now & MOF_CHANGE_SAID) != 0)
        wanted |= MOF_CHANGE_SAID;
    if (wanted == *now)
        return;
    *now = wanted;
    buf_addf(u->out, "#pragma %s(\"", pragma);
    mof_change_print(u->out, wanted, "\", \"");
    buf_add_string(u->out, "\")\n");
}

/* The author's spelling of what is above it, and its own name. */
static struct span
display_split(const struct mof_statement *st, char parent[NAMESPACE_PATH_MAX])
{
    struct span name = span_of(st->namespace_display);
    size_t at = name.length;

    while (at > 0 && name.data[at - 1] != '\\')
        at--;
    snprintf(parent, NAMESPACE_PATH_MAX, "%.*s", at > 0 ? (int)at - 1 : 0,
             name.data);
    return span_skip(name, at);
}

static void
namespace_print(struct unit_printer *u, const struct mof_statement *st)
{
    char parent[NAMESPACE_PATH_MAX];
    struct namespace_path above;
    struct span name;

    if (st->from_pragma || !namespace_path_parent(&st->namespace, &above)) {
        u->namespace = (struct namespace_path){0};
        namespace_enter(u, &st->namespace, st->namespace_display);
        return;
    }
    name = display_split(st, parent);
    namespace_enter(u, &above, parent);
    flags_enter(u, st->is_instance ? st->change : 0, "instanceflags",
                &u->instance_change);
    buf_add_string(u->out, "instance of __Namespace { Name = ");
    print_string(u->out, name, 0);
    buf_add_string(u->out, "; };\n");
}

static void
delete_print(struct unit_printer *u, const struct mof_statement *st,
             const char *pragma, struct span what)
{
    buf_addf(u->out, "#pragma %s(", pragma);
    print_string(u->out, what, 0);
    buf_addf(u->out, ", %s)\n", st->must_exist ? "FAIL" : "NOFAIL");
}

/* Its whole path, because the namespace above may not be there. */
static void
delete_namespace_print(struct unit_printer *u, const struct mof_statement *st)
{
    char parent[NAMESPACE_PATH_MAX];
    struct span name = display_split(st, parent);
    struct buf path = BUF_INIT;

    buf_addf(&path, "\\\\.\\%s:__Namespace.Name=\"%.*s\"", parent,
             (int)name.length, name.data);
    delete_print(u, st, "deleteinstance", buf_span(&path));
    u->out->failed |= buf_failed(&path);
    buf_fini(&path);
}

static void
statement_print(struct unit_printer *u, const struct mof_statement *st)
{
    if (st->kind == MOF_STATEMENT_NONE)
        return;
    if (st->kind == MOF_STATEMENT_NAMESPACE) {
        namespace_print(u, st);
        return;
    }
    if (st->kind == MOF_STATEMENT_DELETE_NAMESPACE) {
        delete_namespace_print(u, st);
        return;
    }
    namespace_enter(u, &st->namespace, st->namespace_display);
    if (st->kind == MOF_STATEMENT_CLASS) {
        flags_enter(u, st->change, "classflags", &u->class_change);
        mof_print_class(u->out, st->class);
    } else if (st->kind == MOF_STATEMENT_INSTANCE) {
        flags_enter(u, st->change, "instanceflags", &u->instance_change);
        mof_print_instance(u->out, st->instance);
    } else if (st->kind == MOF_STATEMENT_ENCRYPTION) {
        mof_print_encryption(u->out, st->requires_encryption);
    } else if (st->kind == MOF_STATEMENT_DESCRIPTOR) {
        mof_print_descriptor(u->out, st->descriptor);
    } else if (st->kind == MOF_STATEMENT_DELETE_CLASS) {
        delete_print(u, st, "deleteclass", st->name);
    } else if (st->kind == MOF_STATEMENT_DELETE_INSTANCE) {
        delete_print(u, st, "deleteinstance", st->name);
    } else {
        mof_print_qualifier_declaration(u->out, st->qualifier);
    }
}

void
mof_print_unit(struct buf *out, const struct mof_unit *unit)
{
    struct unit_printer u = {.out = out};
    struct mof_cursor cursor = {0};
    const struct mof_statement *st;

    if (unit->autorecover)
        buf_add_string(out, "#pragma autorecover\n");
    while ((st = mof_unit_next(unit, &cursor)) != NULL) {
        if (out->length > 0)
            buf_add_char(out, '\n');
        statement_print(&u, st);
    }
    out->failed |= cursor.failed;
}
