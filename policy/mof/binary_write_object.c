#include "policy/mof/binary_writer.h"
#include "policy/mof/report.h"

/* -- records ---------------------------------------------------------------- */

struct writer_record
writer_record_begin(struct binary_writer *w, uint32_t type, struct span name)
{
    struct writer_record r = {.start = writer_reserve(w)};

    writer_number(w, type);
    writer_number(w, 0);
    writer_number(w, BINARY_NONE);
    writer_number(w, BINARY_NONE);
    writer_text(w, name);
    return r;
}

void
writer_record_value(struct binary_writer *w, const struct writer_record *r)
{
    writer_patch_length(w, r->start + 12, r->start + BINARY_RECORD_HEADER);
}

void
writer_record_qualifiers(struct binary_writer *w,
                         const struct writer_record *r)
{
    writer_patch_length(w, r->start + 16, r->start + BINARY_RECORD_HEADER);
}

void
writer_record_end(struct binary_writer *w, const struct writer_record *r)
{
    writer_patch_length(w, r->start, r->start);
}

void
writer_self(struct binary_writer *w, struct writer_list *list,
            const char *name, struct span text)
{
    struct writer_record r =
        writer_record_begin(w, BINARY_STRING, span_of(name));

    writer_record_value(w, &r);
    writer_text(w, text);
    writer_record_end(w, &r);
    list->count++;
}

static void
self_number(struct binary_writer *w, struct writer_list *list,
            const char *name, uint32_t number)
{
    struct writer_record r =
        writer_record_begin(w, BINARY_SINT32, span_of(name));

    writer_record_value(w, &r);
    writer_number(w, number);
    writer_record_end(w, &r);
    list->count++;
}

/* -- declarations ----------------------------------------------------------- */

static struct syntax_value
text_value(struct span text)
{
    return (struct syntax_value){.kind = VALUE_STRING, .u.text = text};
}

static struct syntax_value
number_value(uint64_t number)
{
    return (struct syntax_value){.kind = VALUE_INTEGER, .u.magnitude = number};
}

static void
add_cimtype(struct binary_writer *w, struct writer_list *list,
            const struct syntax_property *p)
{
    struct buf text = BUF_INIT;
    struct syntax_value v;

    buf_add_string(&text, cim_type_name(p->type));
    if (p->class_name.length > 0) {
        buf_add_char(&text, ':');
        buf_add_span(&text, p->class_name);
    }
    w->out.failed |= buf_failed(&text);
    v = text_value(buf_span(&text));
    writer_qualifier(w, list, SPAN("CIMTYPE"), &v, BINARY_FLAVORS_CIMTYPE);
    buf_fini(&text);
}

/* An author's own MAX would read as the size of the array. */
static void
add_size(struct binary_writer *w, struct writer_list *list,
         const struct syntax_property *p)
{
    struct syntax_value v = number_value(p->array_size);

    for (size_t i = 0; p->is_array && i < p->qualifiers.count; i++) {
        const struct syntax_qualifier *q = &p->qualifiers.items[i];

        if (span_equal(q->name, SPAN("MAX")))
            writer_refuse(w, q->offset, (uint32_t)q->name.length,
                          "a qualifier MAX on an array, which is its size; "
                          "write Max");
    }
    if (p->array_size > INT32_MAX)
        writer_refuse(w, p->offset, (uint32_t)p->name.length,
                      "an array of that size");
    else if (p->array_size > 0)
        writer_qualifier(w, list, SPAN("MAX"), &v, 0);
}

/* Files are known with values of these types only. */
static bool
default_is_known(const struct syntax_property *p)
{
    return p->type == CIM_STRING || p->type == CIM_BOOLEAN ||
           p->type == CIM_SINT32;
}

static void
add_default(struct binary_writer *w, const struct syntax_property *p,
            const struct writer_record *r, uint32_t type)
{
    const char *problem = writer_value_problem(&p->value);

    if (!default_is_known(p))
        writer_refuse(w, p->value.offset, p->value.width,
                      "the default value of a %s", cim_type_name(p->type));
    else if (problem != NULL)
        writer_refuse(w, p->value.offset, p->value.width, "%s", problem);
    else if (writer_value_type(&p->value) != type)
        writer_refuse(w, p->value.offset, p->value.width,
                      "a value of another type than its property");
    else {
        writer_record_value(w, r);
        writer_value(w, &p->value);
    }
}

void
writer_declaration(struct binary_writer *w, const struct syntax_property *p,
                   const char *without, int64_t id)
{
    const struct binary_type_row *row = binary_type_of(p->type);
    uint32_t type = row->code | (p->is_array ? BINARY_ARRAY : 0);
    struct writer_record r = writer_record_begin(w, type, p->name);
    struct writer_list list;

    if (p->value.kind != VALUE_NONE)
        add_default(w, p, &r, type);
    writer_record_qualifiers(w, &r);
    list = writer_list_begin(w);
    writer_qualifiers(w, &list, &p->qualifiers, without);
    add_size(w, &list, p);
    if (id >= 0) {
        struct syntax_value v = number_value((uint64_t)id);

        writer_qualifier(w, &list, SPAN("ID"), &v, BINARY_FLAVORS_ID);
    }
    add_cimtype(w, &list, p);
    writer_list_end(w, &list);
    writer_record_end(w, &r);
}

/* -- objects ---------------------------------------------------------------- */

/* An alias must be one of this file's: whoever reads it knows no other. */
static bool
alias_is_known(struct binary_writer *w, const struct syntax_instance *i,
               const struct syntax_value *v)
{
    if (v->kind != VALUE_ALIAS || strmap_get(i->aliases, v->u.text) != NULL)
        return true;
    return writer_refuse(w, v->offset, v->width,
                         "the alias of no instance in it");
}

static void
add_assignment(struct binary_writer *w, struct writer_list *properties,
               const struct syntax_instance *i,
               const struct syntax_property *p)
{
    bool is_null = p->value.kind == VALUE_NULL;
    const char *problem = is_null ? NULL : writer_value_problem(&p->value);
    struct writer_record r;
    struct writer_list list;

    if (problem != NULL) {
        writer_refuse(w, p->offset, (uint32_t)p->name.length, "%s", problem);
        return;
    }
    if (!alias_is_known(w, i, &p->value))
        return;
    r = writer_record_begin(
        w, is_null ? BINARY_STRING : writer_value_type(&p->value), p->name);
    if (!is_null) {
        writer_record_value(w, &r);
        writer_value(w, &p->value);
    }
    writer_record_qualifiers(w, &r);
    list = writer_list_begin(w);
    writer_qualifiers(w, &list, &p->qualifiers, NULL);
    writer_list_end(w, &list);
    writer_record_end(w, &r);
    properties->count++;
}

/* What was not said is root\default, as mofcomp writes it; what was begins
 * with a machine. */
static void
add_namespace(struct binary_writer *w, struct writer_list *list,
              const struct syntax_statement *st)
{
    static const char unsaid[] = "root\\default";
    struct buf text = BUF_INIT;

    if (!w->has_namespace && st->space == w->c->start_space &&
        span_equal(namespace_path_span(&st->space->path), span_of(unsaid)))
        buf_add_string(&text, unsaid);
    else
        buf_addf(&text, "\\\\.\\%s", st->space->display);
    w->out.failed |= buf_failed(&text);
    writer_self(w, list, "__NAMESPACE", buf_span(&text));
    buf_fini(&text);
}

/* The header of an object up to its properties. */
static size_t
object_begin(struct binary_writer *w, uint32_t kind,
             const struct syntax_qualifiers *qualifiers)
{
    size_t start = writer_reserve(w), begin;
    struct writer_list list;

    writer_number(w, 0);
    writer_number(w, 0);
    writer_number(w, 0);
    writer_number(w, kind);
    begin = w->out.length;
    list = writer_list_begin(w);
    writer_qualifiers(w, &list, qualifiers, NULL);
    writer_list_end(w, &list);
    writer_patch_length(w, start + 8, begin);
    return start;
}

static void
add_class(struct binary_writer *w, const struct syntax_statement *st)
{
    const struct syntax_class *c = st->u.class;
    size_t start = object_begin(w, 0, &c->qualifiers);
    struct writer_list list = writer_list_begin(w);
    bool is_said = (st->change & MOF_CHANGE_SAID) != 0;
    unsigned change = is_said ? st->change : w->c->options.class_change;

    for (size_t i = 0; i < c->property_count; i++) {
        writer_declaration(w, &c->properties[i], NULL, -1);
        list.count++;
    }
    writer_self(w, &list, "__CLASS", c->name);
    add_namespace(w, &list, st);
    if (is_said || change != 0)
        self_number(w, &list, "__CLASSFLAGS", change & MOF_CHANGE_OF_CLASS);
    if (c->superclass.length > 0)
        writer_self(w, &list, "__SUPERCLASS", c->superclass);
    if (c->alias.length > 0)
        writer_self(w, &list, "__ALIAS", c->alias);
    writer_list_end(w, &list);
    writer_patch_length(w, start + 12, start + BINARY_OBJECT_HEADER);
    list = writer_list_begin(w);
    for (size_t i = 0; i < c->method_count; i++) {
        writer_method(w, &c->methods[i]);
        list.count++;
    }
    writer_list_end(w, &list);
    writer_patch_length(w, start, start);
}

static void
add_instance(struct binary_writer *w, const struct syntax_statement *st)
{
    const struct syntax_instance *o = st->u.instance;
    size_t start = object_begin(w, 1, &o->qualifiers);
    struct writer_list list = writer_list_begin(w);

    if (st->change != 0)
        writer_refuse(w, st->at.offset, st->at.width,
                      "#pragma instanceflags, which is in force here");
    for (size_t i = 0; i < o->property_count; i++)
        add_assignment(w, &list, o, &o->properties[i]);
    writer_self(w, &list, "__CLASS", o->class_name);
    add_namespace(w, &list, st);
    if (o->alias.length > 0)
        writer_self(w, &list, "__ALIAS", o->alias);
    writer_list_end(w, &list);
    writer_patch_length(w, start + 12, start + BINARY_OBJECT_HEADER);
    list = writer_list_begin(w);
    writer_list_end(w, &list);
    writer_patch_length(w, start, start);
}

void
writer_object(struct binary_writer *w, const struct syntax_statement *st)
{
    if (st->kind == SYNTAX_CLASS)
        add_class(w, st);
    else
        add_instance(w, st);
}
