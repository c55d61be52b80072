#include "policy/mofcomp/dump.h"

#include <string.h>

#include "policy/mofcomp/json.h"

/* 2^53: beyond it a number of JSON may lose its last digits on the way. */
#define EXACT_MAX (INT64_C(1) << 53)

/* -- values ----------------------------------------------------------------- */

static cJSON *instance_json(const struct cim_instance *i);

static cJSON *
text_json(struct span text)
{
    struct buf copy = BUF_INIT;
    cJSON *json = NULL;

    buf_add_span(&copy, text);
    if (!buf_failed(&copy))
        json = cJSON_CreateString(copy.data != NULL ? copy.data : "");
    buf_fini(&copy);
    return json;
}

static cJSON *
signed_json(int64_t n)
{
    char text[24];

    if (n >= -EXACT_MAX && n <= EXACT_MAX)
        return cJSON_CreateNumber((double)n);
    snprintf(text, sizeof(text), "%lld", (long long)n);
    return cJSON_CreateString(text);
}

static cJSON *
unsigned_json(uint64_t n)
{
    char text[24];

    if (n <= (uint64_t)EXACT_MAX)
        return cJSON_CreateNumber((double)n);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    return cJSON_CreateString(text);
}

static cJSON *
scalar_json(enum cim_type type, const union cim_scalar *s)
{
    if (cim_type_is_signed(type))
        return signed_json(s->sint);
    if (cim_type_is_unsigned(type))
        return unsigned_json(s->uint);
    switch (type) {
    case CIM_BOOLEAN:
        return cJSON_CreateBool(s->boolean);
    case CIM_CHAR16:
        return cJSON_CreateNumber(s->char16);
    case CIM_REAL32:
    case CIM_REAL64:
        return cJSON_CreateNumber(s->real);
    case CIM_OBJECT:
        return s->object != NULL ? instance_json(s->object)
                                 : cJSON_CreateNull();
    default:
        return text_json(s->text);
    }
}

/* Adds to an array; takes item. */
static bool
append(cJSON *array, cJSON *item)
{
    if (item != NULL && cJSON_AddItemToArray(array, item))
        return true;
    cJSON_Delete(item);
    return false;
}

/* Gives o, or NULL and frees it. */
static cJSON *
object_if(cJSON *o, bool ok)
{
    if (ok && o != NULL)
        return o;
    cJSON_Delete(o);
    return NULL;
}

static cJSON *
value_json(const struct cim_value *v)
{
    cJSON *array;
    bool ok = true;

    if (v->is_null)
        return cJSON_CreateNull();
    if (!v->is_array)
        return scalar_json(v->type, &v->one);
    array = cJSON_CreateArray();
    for (uint32_t i = 0; ok && i < v->count; i++)
        ok = append(array, v->null_items != NULL && v->null_items[i]
                               ? cJSON_CreateNull()
                               : scalar_json(v->type, &v->items[i]));
    return object_if(array, ok);
}

/* -- qualifiers ------------------------------------------------------------- */

struct bit {
    unsigned bit;
    const char *name;
};

static const struct bit flavors[] = {
    {CIM_FLAVOR_ENABLE_OVERRIDE, "EnableOverride"},
    {CIM_FLAVOR_DISABLE_OVERRIDE, "DisableOverride"},
    {CIM_FLAVOR_RESTRICTED, "Restricted"},
    {CIM_FLAVOR_TO_SUBCLASS, "ToSubclass"},
    {CIM_FLAVOR_TO_INSTANCE, "ToInstance"},
    {CIM_FLAVOR_AMENDED, "Amended"},
    {CIM_FLAVOR_TRANSLATABLE, "Translatable"},
    {CIM_FLAVOR_NOT_TO_SUBCLASS, "NotToSubclass"},
    {CIM_FLAVOR_NOT_TO_INSTANCE, "NotToInstance"},
};

static const struct bit scopes[] = {
    {CIM_SCOPE_CLASS, "class"},
    {CIM_SCOPE_ASSOCIATION, "association"},
    {CIM_SCOPE_INDICATION, "indication"},
    {CIM_SCOPE_QUALIFIER, "qualifier"},
    {CIM_SCOPE_PROPERTY, "property"},
    {CIM_SCOPE_REFERENCE, "reference"},
    {CIM_SCOPE_METHOD, "method"},
    {CIM_SCOPE_PARAMETER, "parameter"},
    {CIM_SCOPE_SCHEMA, "schema"},
};

/* The names of those that are set; no member for none. */
static bool
put_names(cJSON *o, const char *name, unsigned set, const struct bit *bits,
          size_t count)
{
    cJSON *list = set != 0 ? cJSON_CreateArray() : NULL;
    bool ok = true;

    if (set == 0)
        return true;
    for (size_t i = 0; ok && i < count; i++) {
        if (set & bits[i].bit)
            ok = append(list, cJSON_CreateString(bits[i].name));
    }
    return json_put(o, name, object_if(list, ok));
}

static bool
put_type(cJSON *o, enum cim_type type, bool is_array)
{
    return json_put_text(o, "type", cim_type_name(type)) &&
           (!is_array || json_put(o, "array", cJSON_CreateTrue()));
}

static cJSON *
qualifier_json(const struct cim_qualifier *q)
{
    cJSON *o = cJSON_CreateObject();

    return object_if(o, json_put_span(o, "name", q->name) &&
                            put_type(o, q->value.type, q->value.is_array) &&
                            json_put(o, "value", value_json(&q->value)) &&
                            put_names(o, "flavors", q->flavors, flavors,
                                      ARRAY_COUNT(flavors)));
}

static bool
put_qualifiers(cJSON *o, const struct cim_qualifiers *set)
{
    cJSON *list = set->count > 0 ? cJSON_CreateArray() : NULL;
    bool ok = true;

    if (set->count == 0)
        return true;
    for (size_t i = 0; ok && i < set->count; i++)
        ok = append(list, qualifier_json(&set->items[i]));
    return json_put(o, "qualifiers", object_if(list, ok));
}

/* -- classes and instances -------------------------------------------------- */

static cJSON *
property_json(const struct cim_property *p)
{
    cJSON *o = cJSON_CreateObject();

    return object_if(
        o,
        json_put_span(o, "name", p->name) &&
            (p->type == CIM_NONE || put_type(o, p->type, p->is_array)) &&
            (p->array_size == 0 ||
             json_put_count(o, "arraySize", p->array_size)) &&
            (p->class_name.length == 0 ||
             json_put_span(o, "class", p->class_name)) &&
            (!p->has_value || json_put(o, "value", value_json(&p->value))) &&
            put_qualifiers(o, &p->qualifiers));
}

static bool
put_properties(cJSON *o, const char *name, size_t count,
               const struct cim_property *items)
{
    cJSON *list = cJSON_CreateArray();
    bool ok = true;

    for (size_t i = 0; ok && i < count; i++)
        ok = append(list, property_json(&items[i]));
    return json_put(o, name, object_if(list, ok));
}

static cJSON *
method_json(const struct cim_method *m)
{
    cJSON *o = cJSON_CreateObject();

    return object_if(o, json_put_span(o, "name", m->name) &&
                            put_type(o, m->return_type, false) &&
                            (m->return_class.length == 0 ||
                             json_put_span(o, "class", m->return_class)) &&
                            put_properties(o, "parameters", m->parameter_count,
                                           m->parameters) &&
                            put_qualifiers(o, &m->qualifiers));
}

static bool
put_methods(cJSON *o, const struct cim_class *c)
{
    cJSON *list = c->method_count > 0 ? cJSON_CreateArray() : NULL;
    bool ok = true;

    if (c->method_count == 0)
        return true;
    for (size_t i = 0; ok && i < c->method_count; i++)
        ok = append(list, method_json(&c->methods[i]));
    return json_put(o, "methods", object_if(list, ok));
}

static bool
put_class(cJSON *o, const struct mof_statement *st)
{
    const struct cim_class *c = st->class;

    return json_put_span(o, "class", c->name) &&
           (c->superclass.length == 0 ||
            json_put_span(o, "superclass", c->superclass)) &&
           put_qualifiers(o, &c->qualifiers) &&
           put_properties(o, "properties", c->property_count, c->properties) &&
           put_methods(o, c);
}

static cJSON *
instance_json(const struct cim_instance *i)
{
    cJSON *o = cJSON_CreateObject();

    return object_if(o, json_put_span(o, "class", i->class_name) &&
                            put_qualifiers(o, &i->qualifiers) &&
                            put_properties(o, "properties", i->property_count,
                                           i->properties));
}

static bool
put_instance(cJSON *o, const struct mof_statement *st)
{
    const struct cim_instance *i = st->instance;

    return json_put_span(o, "class", i->class_name) &&
           json_put_span(o, "key", st->key) &&
           (i->alias.length == 0 || json_put_span(o, "alias", i->alias)) &&
           put_qualifiers(o, &i->qualifiers) &&
           put_properties(o, "properties", i->property_count, i->properties);
}

/* -- statements ------------------------------------------------------------- */

static bool
put_nothing(cJSON *o, const struct mof_statement *st)
{
    (void)o;
    (void)st;
    return true;
}

static bool
put_must_exist(cJSON *o, const struct mof_statement *st)
{
    return json_put(o, "mustExist", cJSON_CreateBool(st->must_exist));
}

static bool
put_delete_class(cJSON *o, const struct mof_statement *st)
{
    return json_put_span(o, "class", st->name) && put_must_exist(o, st);
}

static bool
put_delete_instance(cJSON *o, const struct mof_statement *st)
{
    return json_put_span(o, "path", st->name) && put_must_exist(o, st);
}

static bool
put_encryption(cJSON *o, const struct mof_statement *st)
{
    return json_put(o, "requiresEncryption",
                    cJSON_CreateBool(st->requires_encryption));
}

static bool
put_declaration(cJSON *o, const struct mof_statement *st)
{
    const struct cim_qualifier_declaration *q = st->qualifier;

    return json_put_span(o, "name", q->name) &&
           put_type(o, q->type, q->is_array) &&
           (!q->has_value || json_put(o, "value", value_json(&q->value))) &&
           put_names(o, "scopes", q->scopes, scopes, ARRAY_COUNT(scopes)) &&
           put_names(o, "flavors", q->flavors, flavors, ARRAY_COUNT(flavors));
}

static bool
put_descriptor(cJSON *o, const struct mof_statement *st)
{
    return json_put_span(o, "sddl", st->descriptor);
}

static const struct {
    const char *name;
    bool (*put)(cJSON *o, const struct mof_statement *st);
} kinds[] = {
    [MOF_STATEMENT_NAMESPACE] = {"namespace", put_nothing},
    [MOF_STATEMENT_CLASS] = {"class", put_class},
    [MOF_STATEMENT_INSTANCE] = {"instance", put_instance},
    [MOF_STATEMENT_DELETE_CLASS] = {"deleteClass", put_delete_class},
    [MOF_STATEMENT_DELETE_INSTANCE] = {"deleteInstance", put_delete_instance},
    [MOF_STATEMENT_DELETE_NAMESPACE] = {"deleteNamespace", put_must_exist},
    [MOF_STATEMENT_ENCRYPTION] = {"encryption", put_encryption},
    [MOF_STATEMENT_QUALIFIER_DECLARATION] = {"qualifier", put_declaration},
    [MOF_STATEMENT_DESCRIPTOR] = {"descriptor", put_descriptor},
};

static cJSON *
statement_json(const struct mof_statement *st)
{
    cJSON *o = cJSON_CreateObject();
    unsigned kind = (unsigned)st->kind;

    if (kind >= ARRAY_COUNT(kinds) || kinds[kind].put == NULL)
        return object_if(o, false);
    return object_if(
        o, json_put_text(o, "statement", kinds[kind].name) &&
               json_put_text(o, "namespace", st->namespace_display) &&
               kinds[kind].put(o, st) &&
               json_put_text(o, "file", st->where.file) &&
               json_put_count(o, "line", st->where.line) &&
               json_put_count(o, "lastLine", st->last_line));
}

int
dump_json(const struct mof_unit *unit, FILE *out)
{
    struct mof_cursor cursor = {.index = 0};
    const struct mof_statement *st;
    struct buf line = BUF_INIT;
    const char *between = "";

    fputs("[", out);
    while ((st = mof_unit_next(unit, &cursor)) != NULL) {
        buf_reset(&line);
        if (!json_line(&line, statement_json(st)))
            break;
        fprintf(out, "%s\n%.*s", between, (int)line.length - 1, line.data);
        between = ",";
    }
    fputs("\n]\n", out);
    buf_fini(&line);
    return st == NULL && !cursor.failed ? 0 : -1;
}

int
dump_mof(const struct mof_unit *unit, FILE *out)
{
    struct buf text = BUF_INIT;
    int r = -1;

    mof_print_unit(&text, unit);
    if (!buf_failed(&text)) {
        if (text.length > 0)
            fwrite(text.data, 1, text.length, out);
        r = 0;
    }
    buf_fini(&text);
    return r;
}
