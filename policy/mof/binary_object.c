#include <string.h>

#include "policy/mof/binary.h"
#include "policy/mof/lexer.h"
#include "policy/mof/parser.h"
#include "policy/mof/report.h"
#include "policy/mof/space.h"

/* What every object says of itself in properties of these names. */
struct self {
    struct span class_name, namespace, superclass, alias;
    uint32_t class_offset, namespace_offset, superclass_offset, alias_offset;
    unsigned change; /* enum mof_change */
};

/* An object without any property or qualifier is shorter than its header. */
#define OBJECT_MIN 8u

bool
binary_read_object(struct binary_reader *r, struct region all,
                   struct binary_object *out)
{
    struct region header = {all.at + 4, all.end};
    uint32_t start = all.at + BINARY_OBJECT_HEADER, size = all.end - start;
    uint32_t qualifiers, properties, methods, kind;

    *out = (struct binary_object){.all = all};
    if (!binary_take_number(r, &header, &qualifiers) ||
        !binary_take_number(r, &header, &properties) ||
        !binary_take_number(r, &header, &methods) ||
        !binary_take_number(r, &header, &kind))
        return false;
    out->has_qualifiers = qualifiers != BINARY_NONE;
    out->is_instance = kind == 1;
    if (qualifiers != 0 && out->has_qualifiers)
        return binary_damage(r, all.at + 4, "%u where 0 is expected",
                             qualifiers);
    if (kind > 1)
        return binary_damage(r, all.at + 16,
                             "an object that is neither class nor instance");
    if (methods > size || properties > methods)
        return binary_damage(r, all.at + 8,
                             "the parts of an object are not inside it");
    out->qualifiers = (struct region){start, start + properties};
    out->properties = (struct region){start + properties, start + methods};
    out->methods = (struct region){start + methods, all.end};
    return true;
}

/* -- declarations ----------------------------------------------------------- */

/* "ref:Class", "object:Class" or the name of a type. */
static bool
cimtype_read(struct binary_reader *r, const struct syntax_qualifier *q,
             struct syntax_property *out)
{
    struct span class_name, word;

    if (q->value.kind != VALUE_STRING)
        return binary_damage(r, q->offset, "CIMTYPE is not a text");
    word = span_cut(q->value.u.text, ':', &class_name);
    out->type = cim_type_from_name(word);
    out->class_name = class_name;
    if (out->type == CIM_NONE || out->type == CIM_VOID ||
        (class_name.data != NULL &&
         (!lexer_is_identifier(class_name) ||
          (out->type != CIM_OBJECT && out->type != CIM_REFERENCE))))
        return binary_damage(r, q->offset, "'%.*s' is not a type",
                             SHOWN(q->value.u.text));
    return true;
}

/* What the record's type and CIMTYPE say must be the same; a text may stand
 * for what is written like one. */
static bool
types_agree(const struct binary_type_row *row, enum cim_type type)
{
    const struct binary_type_row *said = binary_type_of(type);

    return row->type == type || (row->type == CIM_STRING && said != NULL &&
                                 said->size == 0 && type != CIM_OBJECT);
}

static bool
type_read(struct binary_reader *r, const struct binary_record *record,
          struct syntax_property *out)
{
    const struct binary_type_row *row =
        binary_type_of_code(record->type & ~(uint32_t)BINARY_ARRAY);
    struct syntax_qualifier q;

    if (row == NULL)
        return binary_damage(r, record->all.at + 4,
                             "0x%x is the number of no type", record->type);
    out->is_array = (record->type & BINARY_ARRAY) != 0;
    out->type = row->type;
    if (!binary_take_qualifier(&out->qualifiers, SPAN("cimtype"), &q))
        return true;
    if (!cimtype_read(r, &q, out))
        return false;
    return types_agree(row, out->type) ||
           binary_damage(r, q.offset, "CIMTYPE says %s, the property is a %s",
                         cim_type_name(out->type), cim_type_name(row->type));
}

static bool
has_size(const struct syntax_qualifiers *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (span_equal(set->items[i].name, SPAN("MAX")))
            return true;
    }
    return false;
}

/* MAX, in capitals: an author's own is Max or max in the files of firmware. */
static bool
size_read(struct binary_reader *r, struct syntax_property *out)
{
    struct syntax_qualifier q;

    if (!out->is_array || !has_size(&out->qualifiers) ||
        !binary_take_qualifier(&out->qualifiers, SPAN("MAX"), &q))
        return true;
    if (q.value.kind != VALUE_INTEGER || q.value.negative ||
        q.value.u.magnitude == 0 || q.value.u.magnitude > UINT32_MAX)
        return binary_damage(r, q.offset, "MAX is not the size of an array");
    out->array_size = (uint32_t)q.value.u.magnitude;
    return true;
}

bool
binary_read_declaration(struct binary_reader *r,
                        const struct binary_record *record,
                        struct syntax_property *out)
{
    *out = (struct syntax_property){.name = record->name,
                                    .offset = record->all.at,
                                    .type_offset = record->all.at};
    if (record->has_qualifiers &&
        !binary_read_qualifiers(r, record->qualifiers, &out->qualifiers))
        return false;
    if (!type_read(r, record, out) || !size_read(r, out))
        return false;
    if (record->has_value &&
        !binary_read_value(r, record->type, record->value, &out->value))
        return false;
    qualifier_list_check(r->c, r->source, &out->qualifiers);
    return true;
}

/* A property of an instance: the value has the type it was written with;
 * without one it is NULL. */
static bool
assignment_read(struct binary_reader *r, const struct binary_record *record,
                struct syntax_property *out)
{
    struct syntax_qualifier q;

    *out = (struct syntax_property){.name = record->name,
                                    .offset = record->all.at,
                                    .type_offset = record->all.at};
    if (record->has_qualifiers &&
        !binary_read_qualifiers(r, record->qualifiers, &out->qualifiers))
        return false;
    binary_take_qualifier(&out->qualifiers, SPAN("cimtype"), &q);
    out->value.kind = VALUE_NULL;
    out->value.offset = record->all.at;
    if (record->has_value &&
        !binary_read_value(r, record->type, record->value, &out->value))
        return false;
    qualifier_list_check(r->c, r->source, &out->qualifiers);
    return true;
}

/* -- what an object is ------------------------------------------------------ */

static const struct {
    const char *name;
    size_t text, offset; /* in struct self */
} self_rows[] = {
#define SELF_ROW(name, field)                                                 \
    {                                                                         \
        name, offsetof(struct self, field),                                   \
            offsetof(struct self, field##_offset)                             \
    }
    {"__CLASS", offsetof(struct self, class_name),
     offsetof(struct self, class_offset)},
    SELF_ROW("__NAMESPACE", namespace),
    SELF_ROW("__SUPERCLASS", superclass),
    SELF_ROW("__ALIAS", alias),
#undef SELF_ROW
};

static bool
self_change_read(struct binary_reader *r, const struct binary_record *record,
                 struct self *self)
{
    struct syntax_value v;

    if (record->type != BINARY_SINT32)
        return binary_damage(r, record->all.at, "__CLASSFLAGS is no number");
    if (!binary_read_value(r, record->type, record->value, &v))
        return false;
    if (v.negative || (v.u.magnitude & ~(uint64_t)MOF_CHANGE_OF_CLASS) != 0 ||
        mof_change_contradiction((unsigned)v.u.magnitude) != NULL)
        return binary_damage(r, record->value.at,
                             "__CLASSFLAGS are no flags of a class");
    self->change = (unsigned)v.u.magnitude | MOF_CHANGE_SAID;
    return true;
}

static bool
self_read(struct binary_reader *r, const struct binary_record *record,
          struct self *self)
{
    for (size_t i = 0; i < ARRAY_COUNT(self_rows); i++) {
        struct span *text = (struct span *)((char *)self + self_rows[i].text);

        if (!span_equal_nocase(record->name, span_of(self_rows[i].name)))
            continue;
        if (record->type != BINARY_STRING || text->data != NULL)
            return binary_damage(r, record->all.at,
                                 "%s is twice there or no text",
                                 self_rows[i].name);
        memcpy((char *)self + self_rows[i].offset, &record->all.at,
               sizeof(record->all.at));
        return binary_read_text(r, record->value, text);
    }
    if (span_equal_nocase(record->name, SPAN("__CLASSFLAGS")))
        return self_change_read(r, record, self);
    report_warning(
        r->c, MOF_WARNING_BINARY, (struct at){r->source, record->all.at, 1},
        "the format has no %.*s; it is ignored", SHOWN(record->name));
    return true;
}

/* A value and no qualifiers: the object speaks of itself. */
static bool
is_self(const struct binary_record *record)
{
    return record->has_value && !record->has_qualifiers &&
           record->name.length > 2 && memcmp(record->name.data, "__", 2) == 0;
}

static bool
properties_read(struct binary_reader *r, const struct binary_object *o,
                struct self *self, struct syntax_property **out,
                size_t *count_out)
{
    struct region from = o->properties, one;
    struct binary_record record;
    uint32_t count;

    *count_out = 0;
    if (!binary_read_list(r, &from, &count))
        return false;
    if (count > (from.end - from.at) / BINARY_RECORD_HEADER)
        return binary_damage(r, from.at, "%u properties in %u bytes", count,
                             from.end - from.at);
    *out = compilation_array(r->c, count, sizeof(**out));
    if (*out == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!binary_take_element(r, &from, BINARY_RECORD_HEADER, &one) ||
            !binary_read_record(r, one, &record))
            return false;
        if (is_self(&record) ? !self_read(r, &record, self)
            : o->is_instance
                ? !assignment_read(r, &record, &(*out)[(*count_out)++])
                : !binary_read_declaration(r, &record,
                                           &(*out)[(*count_out)++]))
            return false;
    }
    return from.at == from.end ||
           binary_damage(r, from.at, "bytes behind the last property");
}

/* root\default is what mofcomp writes when the text names no namespace: such
 * an object goes where the compile's others go. */
static bool
space_enter(struct binary_reader *r, const struct self *self,
            struct syntax_statement *st)
{
    struct syntax_statement pragma = {.kind = SYNTAX_NAMESPACE,
                                      .end = st->end};
    char display[NAMESPACE_PATH_MAX + 1];
    struct namespace_path path;
    struct error err;

    pragma.at = (struct at){r->source, self->namespace_offset, 1};
    st->space = r->c->start_space;
    if (self->namespace.data == NULL ||
        (span_equal(self->namespace, SPAN("root\\default")) &&
         r->space == NULL))
        return true;
    switch (namespace_path_parse(&path, self->namespace, &err)) {
    case NAMESPACE_PATH_OK:
        break;
    case NAMESPACE_PATH_REMOTE:
        report_error(r->c, pragma.at, CODE_INVALID_NAMESPACE_SPECIFICATION,
                     "%s", err.text);
        return false;
    default:
        report_error(r->c, pragma.at, CODE_INVALID_NAMESPACE_SYNTAX, "%s",
                     err.text);
        return false;
    }
    namespace_path_display(self->namespace, display);
    st->space = space_get(r->c, &path, display);
    if (st->space == NULL)
        return false;
    if (r->space == st->space)
        return true;
    r->space = pragma.space = st->space;
    return vector_add(r->c, &r->c->statements, &pragma);
}

static bool
add_class(struct binary_reader *r, const struct binary_object *o,
          const struct self *self, struct syntax_statement *st)
{
    struct syntax_class *class = st->u.class;

    class->name = self->class_name;
    class->name_offset = self->class_offset;
    class->superclass = self->superclass;
    class->superclass_offset = self->superclass_offset;
    class->alias = self->alias;
    class->alias_offset = self->alias_offset;
    class->aliases = r->aliases;
    st->kind = SYNTAX_CLASS;
    st->change = self->change;
    if (self->superclass.length > 0 && !lexer_is_identifier(self->superclass))
        return binary_damage(r, self->superclass_offset,
                             "'%.*s' is not a name", SHOWN(self->superclass));
    return class_declare_alias(r->c, r->source, st->space, class) &&
           binary_read_methods(r, o->methods, class) &&
           vector_add(r->c, &r->c->statements, st);
}

/* Class flags, which an instance has when they were in force for it, mean
 * nothing to it. */
static bool
add_instance(struct binary_reader *r, const struct binary_object *o,
             const struct self *self, struct syntax_statement *st)
{
    struct syntax_instance *instance = st->u.instance;
    struct region methods = o->methods;
    uint32_t count;

    instance->class_name = self->class_name;
    instance->class_offset = self->class_offset;
    instance->alias = self->alias;
    instance->alias_offset = self->alias_offset;
    instance->offset = o->all.at;
    instance->source = r->source;
    instance->space = st->space;
    instance->aliases = r->aliases;
    st->kind = SYNTAX_INSTANCE;
    if (!binary_read_list(r, &methods, &count))
        return false;
    if (count != 0)
        return binary_damage(r, o->methods.at, "an instance has methods");
    instance_declare_alias(r->c, instance);
    return vector_add(r->c, &r->c->statements, st);
}

/* One or the other, by what the header says. */
struct content {
    struct syntax_qualifiers *qualifiers;
    struct syntax_property **properties;
    size_t *property_count;
};

static bool
content_new(struct binary_reader *r, bool is_instance,
            struct syntax_statement *st, struct content *out)
{
    if (is_instance) {
        struct syntax_instance *i = compilation_alloc(r->c, sizeof(*i));

        if (i == NULL)
            return false;
        st->u.instance = i;
        *out = (struct content){&i->qualifiers, &i->properties,
                                &i->property_count};
    } else {
        struct syntax_class *c = compilation_alloc(r->c, sizeof(*c));

        if (c == NULL)
            return false;
        st->u.class = c;
        *out = (struct content){&c->qualifiers, &c->properties,
                                &c->property_count};
    }
    return true;
}

bool
binary_add_object(struct binary_reader *r, struct region all)
{
    struct syntax_statement st = {.at = {r->source, all.at, 1},
                                  .end = all.end};
    struct self self = {.change = 0};
    struct binary_object o;
    struct content content;

    if (all.end - all.at < BINARY_OBJECT_HEADER)
        return true;
    if (!binary_read_object(r, all, &o) ||
        !content_new(r, o.is_instance, &st, &content))
        return false;
    if (o.has_qualifiers &&
        !binary_read_qualifiers(r, o.qualifiers, content.qualifiers))
        return false;
    qualifier_list_check(r->c, r->source, content.qualifiers);
    if (!properties_read(r, &o, &self, content.properties,
                         content.property_count))
        return false;
    if (!lexer_is_identifier(self.class_name))
        return binary_damage(r, all.at, "an object without a class");
    if (!space_enter(r, &self, &st))
        return false;
    return o.is_instance ? add_instance(r, &o, &self, &st)
                         : add_class(r, &o, &self, &st);
}
