#include "policy/mof/convert.h"

#include <float.h>
#include <string.h>

#include "policy/mof/build.h"
#include "policy/mof/lexer.h"
#include "policy/mof/report.h"
#include "policy/mof/schema.h"

static struct at
value_at(const struct convert_context *cc, const struct syntax_value *v)
{
    return (struct at){cc->source, v->offset, v->width ? v->width : 1};
}

static const char *const kind_names[] = {
    [VALUE_NONE] = "no value",        [VALUE_NULL] = "NULL",
    [VALUE_BOOLEAN] = "a boolean",    [VALUE_INTEGER] = "an integer",
    [VALUE_REAL] = "a real",          [VALUE_CHAR] = "a character",
    [VALUE_STRING] = "a string",      [VALUE_ALIAS] = "an alias",
    [VALUE_INSTANCE] = "an instance", [VALUE_ARRAY] = "a list",
};

static bool
mismatch(struct convert_context *cc, const struct syntax_value *v,
         enum cim_type type)
{
    uint32_t code = CODE_TYPE_MISMATCH;

    if (v->kind == VALUE_ALIAS)
        code = CODE_UNEXPECTED_ALIAS;
    report_meaning_error(cc->c, value_at(cc, v), code,
                         "%s where a %s is expected", kind_names[v->kind],
                         cim_type_name(type));
    return false;
}

static const struct range {
    int64_t least;
    uint64_t most;
} ranges[] = {
    [CIM_UINT8] = {0, UINT8_MAX},   [CIM_SINT8] = {INT8_MIN, INT8_MAX},
    [CIM_UINT16] = {0, UINT16_MAX}, [CIM_SINT16] = {INT16_MIN, INT16_MAX},
    [CIM_UINT32] = {0, UINT32_MAX}, [CIM_SINT32] = {INT32_MIN, INT32_MAX},
    [CIM_UINT64] = {0, UINT64_MAX}, [CIM_SINT64] = {INT64_MIN, INT64_MAX},
    [CIM_CHAR16] = {0, UINT16_MAX},
};

/* " (0 to 255)"; nothing for a real. */
static void
range_format(enum cim_type type, char out[64])
{
    out[0] = '\0';
    if ((size_t)type < ARRAY_COUNT(ranges) && ranges[type].most > 0)
        snprintf(out, 64, " (%lld to %llu)", (long long)ranges[type].least,
                 (unsigned long long)ranges[type].most);
}

static bool
out_of_range(struct convert_context *cc, const struct syntax_value *v,
             enum cim_type type)
{
    char range[64];

    range_format(type, range);
    report_meaning_error(
        cc->c, value_at(cc, v), CODE_OUT_OF_RANGE,
        "%.*s is out of range for %s%s",
        SHOWN(((struct span){cc->source->text + v->offset, v->width})),
        cim_type_name(type), range);
    return false;
}

static bool
integer_store(struct convert_context *cc, const struct syntax_value *v,
              enum cim_type type, union cim_scalar *out)
{
    const struct range *r = &ranges[type];
    uint64_t magnitude = v->u.magnitude;

    if (v->huge)
        return out_of_range(cc, v, type);
    if (v->negative && magnitude > 0) {
        /* -(least + 1) + 1 is |least| without overflow. */
        if (r->least == 0 || magnitude > (uint64_t)(-(r->least + 1)) + 1)
            return out_of_range(cc, v, type);
        out->sint = -(int64_t)(magnitude - 1) - 1;
        return true;
    }
    if (magnitude > r->most)
        return out_of_range(cc, v, type);
    if (type == CIM_CHAR16)
        out->char16 = (uint16_t)magnitude;
    else if (cim_type_is_signed(type))
        out->sint = (int64_t)magnitude;
    else
        out->uint = magnitude;
    return true;
}

/* mofcomp rounds a real for an integer property (WMI SDK). */
static bool
real_round(struct convert_context *cc, const struct syntax_value *v,
           enum cim_type type, union cim_scalar *out)
{
    struct syntax_value rounded = *v;
    double value = v->u.real;

    rounded.kind = VALUE_INTEGER;
    rounded.negative = value < 0;
    value = (value < 0 ? -value : value) + 0.5;
    rounded.huge = !(value < 18446744073709551616.0);
    rounded.u.magnitude = rounded.huge ? 0 : (uint64_t)value;
    if (!integer_store(cc, &rounded, type, out))
        return false;
    report_warning(cc->c, MOF_WARNING_ROUNDING, value_at(cc, v),
                   "a real for a %s is rounded", cim_type_name(type));
    return true;
}

static bool
to_integer(struct convert_context *cc, const struct syntax_value *v,
           const struct convert_target *t, union cim_scalar *out)
{
    if (v->kind == VALUE_INTEGER)
        return integer_store(cc, v, t->type, out);
    if (v->kind == VALUE_REAL)
        return real_round(cc, v, t->type, out);
    return mismatch(cc, v, t->type);
}

/* "a" for 'a', as sblim-sfcb's own schema has it. */
static bool
char_from_string(struct convert_context *cc, const struct syntax_value *v,
                 union cim_scalar *out)
{
    uint32_t unit = v->u.text.length > 0 ? utf8_decode(v->u.text) : UINT32_MAX;

    if (unit > UINT16_MAX || utf8_count(v->u.text) != 1)
        return mismatch(cc, v, CIM_CHAR16);
    out->char16 = (uint16_t)unit;
    report_lenient(cc->c, MOF_WARNING_QUOTED_CHAR, value_at(cc, v),
                   CODE_TYPE_MISMATCH,
                   "a char16 is written 'in single quotes'");
    return true;
}

static bool
to_char(struct convert_context *cc, const struct syntax_value *v,
        const struct convert_target *t, union cim_scalar *out)
{
    if (v->kind == VALUE_INTEGER)
        return integer_store(cc, v, t->type, out);
    if (v->kind == VALUE_STRING)
        return char_from_string(cc, v, out);
    if (v->kind != VALUE_CHAR)
        return mismatch(cc, v, t->type);
    out->char16 = v->u.char16;
    return true;
}

/* The largest that is rounded to the largest real32, not to infinity. */
#define REAL32_MOST 0x1.fffffefffffffp127

static bool
to_real(struct convert_context *cc, const struct syntax_value *v,
        const struct convert_target *t, union cim_scalar *out)
{
    double most;

    if (v->kind == VALUE_REAL) {
        out->real = v->u.real;
    } else if (v->kind == VALUE_INTEGER) {
        if (v->huge)
            return out_of_range(cc, v, t->type);
        out->real = (double)v->u.magnitude;
        if (v->negative)
            out->real = -out->real;
    } else {
        return mismatch(cc, v, t->type);
    }
    most = t->type == CIM_REAL32 ? REAL32_MOST : DBL_MAX;
    if (!(out->real >= -most && out->real <= most))
        return out_of_range(cc, v, t->type);
    if (t->type == CIM_REAL32)
        out->real = (double)(float)out->real;
    return true;
}

static bool
to_boolean(struct convert_context *cc, const struct syntax_value *v,
           const struct convert_target *t, union cim_scalar *out)
{
    if (v->kind == VALUE_BOOLEAN) {
        out->boolean = v->u.boolean;
        return true;
    }
    if (v->kind != VALUE_STRING)
        return mismatch(cc, v, t->type);
    out->boolean = span_equal_nocase(v->u.text, SPAN("true"));
    if (!out->boolean && !span_equal_nocase(v->u.text, SPAN("false")))
        return mismatch(cc, v, t->type);
    report_lenient(cc->c, MOF_WARNING_QUOTED_BOOLEAN, value_at(cc, v),
                   CODE_TYPE_MISMATCH, "a boolean is written without quotes");
    return true;
}

static bool
to_datetime(struct convert_context *cc, const struct syntax_value *v,
            const struct convert_target *t, union cim_scalar *out)
{
    const char *problem;

    if (v->kind != VALUE_STRING)
        return mismatch(cc, v, t->type);
    problem = datetime_check(v->u.text);
    if (problem != NULL) {
        report_meaning_error(cc->c, value_at(cc, v), CODE_TYPE_MISMATCH,
                             "this is no datetime: %s", problem);
        return false;
    }
    out->text = v->u.text;
    return true;
}

/* NULL after an error. */
static struct syntax_instance *
alias_find(struct convert_context *cc, const struct syntax_value *v)
{
    struct syntax_instance *i =
        cc->aliases != NULL ? strmap_get(cc->aliases, v->u.text) : NULL;

    if (i == NULL)
        report_store_error(cc->c, value_at(cc, v), CODE_NOT_FOUND,
                           "no instance in this file has the alias $%.*s",
                           SHOWN(v->u.text));
    else if (cc->depth >= LIMIT_ALIAS_DEPTH) {
        report_meaning_error(cc->c, value_at(cc, v), CODE_CIRCULAR_REFERENCE,
                             "more than %d aliases lead to one another",
                             LIMIT_ALIAS_DEPTH);
        i = NULL;
    }
    return i;
}

/* Is an instance's class the one that is asked for, or below it?  What is
 * not known whole is not judged. */
static bool
class_fits(struct convert_context *cc, const struct syntax_value *v,
           const struct class_info *info, struct span class_name,
           struct span wanted)
{
    if (wanted.length == 0 || info == NULL || !info->complete ||
        schema_derives(info, wanted))
        return true;
    report_store_error(cc->c, value_at(cc, v), CODE_TYPE_MISMATCH,
                       "an instance of %.*s where one of %.*s is expected",
                       SHOWN(class_name), SHOWN(wanted));
    return false;
}

/* The class of a path that names no other namespace: "C.k=1", "C=@", "C".
 * Absent for one that does; *ok_out is false for what is no path. */
static struct span
path_class(struct span path, bool *ok_out)
{
    struct span rest, prefix = span_cut(path, ':', &rest), absent = {NULL, 0};
    bool elsewhere = rest.data != NULL &&
                     memchr(prefix.data, '"', prefix.length) == NULL &&
                     memchr(prefix.data, '\'', prefix.length) == NULL;
    struct span s = elsewhere ? rest : path;
    size_t n = 0;

    while (n < s.length && s.data[n] != '.' && s.data[n] != '=')
        n++;
    s.length = n;
    *ok_out = lexer_is_identifier(s);
    return elsewhere || !*ok_out ? absent : s;
}

static bool
string_reference(struct convert_context *cc, const struct syntax_value *v,
                 const struct convert_target *t, union cim_scalar *out)
{
    bool is_path;
    struct span name = path_class(v->u.text, &is_path);

    if (!is_path)
        report_lenient(cc->c, MOF_WARNING_OBJECT_PATH, value_at(cc, v),
                       CODE_INVALID_OBJECT_PATH,
                       "'%.*s' is no path of an object", SHOWN(v->u.text));
    else if (name.length > 0 && report_wants_store(cc->c) &&
             !class_fits(cc, v, schema_find(cc->c, cc->space, name), name,
                         t->class_name))
        return false;
    out->text = v->u.text;
    return true;
}

static bool
to_reference(struct convert_context *cc, const struct syntax_value *v,
             const struct convert_target *t, union cim_scalar *out)
{
    struct syntax_instance *i;

    if (v->kind == VALUE_STRING)
        return string_reference(cc, v, t, out);
    if (v->kind != VALUE_ALIAS)
        return mismatch(cc, v, t->type);
    i = alias_find(cc, v);
    if (i == NULL)
        return false;
    if (i->is_class) {
        out->text = i->class_name;
        return !report_wants_store(cc->c) ||
               class_fits(cc, v, schema_find(cc->c, i->space, i->class_name),
                          i->class_name, t->class_name);
    }
    if (i->key_state == BUILD_RUNNING) {
        report_meaning_error(cc->c, value_at(cc, v), CODE_CIRCULAR_REFERENCE,
                             "the key of $%.*s depends on itself",
                             SHOWN(v->u.text));
        return false;
    }
    out->text = build_path(cc->c, i, cc->space, cc->depth + 1);
    return out->text.data != NULL &&
           class_fits(cc, v, i->info, i->class_name, t->class_name);
}

static bool
embed(struct convert_context *cc, const struct syntax_value *v,
      struct syntax_instance *i, struct span wanted, union cim_scalar *out)
{
    if (i->is_class) {
        report_meaning_error(cc->c, value_at(cc, v), CODE_UNEXPECTED_ALIAS,
                             "$%.*s is a class, not an instance",
                             SHOWN(v->u.text));
        return false;
    }
    if (i->state == BUILD_RUNNING) {
        report_meaning_error(cc->c, value_at(cc, v), CODE_CIRCULAR_REFERENCE,
                             "this instance would be inside itself");
        return false;
    }
    i->is_embedded = true;
    if (!build_instance(cc->c, i, cc->depth + 1) ||
        !class_fits(cc, v, i->info, i->class_name, wanted))
        return false;
    cc->weight += i->weight;
    if (cc->weight > LIMIT_EMBEDDED_VALUES) {
        report_meaning_error(cc->c, value_at(cc, v), CODE_OUT_OF_RANGE,
                             "more than %d values in one instance",
                             LIMIT_EMBEDDED_VALUES);
        return false;
    }
    out->object = i->built;
    return out->object != NULL;
}

static bool
to_object(struct convert_context *cc, const struct syntax_value *v,
          const struct convert_target *t, union cim_scalar *out)
{
    struct syntax_instance *i;

    if (v->kind == VALUE_INSTANCE)
        return embed(cc, v, v->u.instance, t->class_name, out);
    if (v->kind != VALUE_ALIAS) {
        /* `int32 x = 5`: the unknown type is the mistake. */
        if (!t->embeds && t->class_name.length > 0 &&
            schema_find(cc->c, cc->space, t->class_name) == NULL)
            return false;
        return mismatch(cc, v, t->type);
    }
    i = alias_find(cc, v);
    return i != NULL && embed(cc, v, i, t->class_name, out);
}

static bool
to_string(struct convert_context *cc, const struct syntax_value *v,
          const struct convert_target *t, union cim_scalar *out)
{
    if (v->kind != VALUE_STRING)
        return mismatch(cc, v, t->type);
    out->text = v->u.text;
    return true;
}

typedef bool converter(struct convert_context *cc,
                       const struct syntax_value *v,
                       const struct convert_target *t, union cim_scalar *out);

static converter *const converters[] = {
    [CIM_BOOLEAN] = to_boolean,
    [CIM_CHAR16] = to_char,
    [CIM_STRING] = to_string,
    [CIM_DATETIME] = to_datetime,
    [CIM_UINT8] = to_integer,
    [CIM_SINT8] = to_integer,
    [CIM_UINT16] = to_integer,
    [CIM_SINT16] = to_integer,
    [CIM_UINT32] = to_integer,
    [CIM_SINT32] = to_integer,
    [CIM_UINT64] = to_integer,
    [CIM_SINT64] = to_integer,
    [CIM_REAL32] = to_real,
    [CIM_REAL64] = to_real,
    [CIM_REFERENCE] = to_reference,
    [CIM_OBJECT] = to_object,
    [CIM_VOID] = NULL,
};

static bool
convert_one(struct convert_context *cc, const struct syntax_value *v,
            const struct convert_target *t, union cim_scalar *out)
{
    converter *convert = converters[t->type];

    cc->weight++;
    return convert != NULL ? convert(cc, v, t, out) : mismatch(cc, v, t->type);
}

static bool
null_items_mark(struct convert_context *cc, const struct syntax_value *v,
                size_t index, struct cim_value *out)
{
    report_lenient(cc->c, MOF_WARNING_NULL_ELEMENT, value_at(cc, v),
                   CODE_NULL_ARRAY_ELEM, "WMI allows no NULL in an array");
    if (out->null_items == NULL)
        out->null_items =
            tree_array(cc->c, out->count, sizeof(*out->null_items));
    if (out->null_items == NULL)
        return false;
    out->null_items[index] = true;
    return true;
}

static bool
convert_array(struct convert_context *cc, const struct syntax_value *v,
              const struct convert_target *t, struct cim_value *out)
{
    bool ok = true;

    out->is_array = true;
    out->count = (uint32_t)v->u.array.count;
    out->items = tree_array(cc->c, out->count, sizeof(*out->items));
    if (out->items == NULL)
        return false;
    for (size_t i = 0; i < out->count; i++) {
        const struct syntax_value *item = &v->u.array.items[i];

        ok = (item->kind == VALUE_NULL
                  ? null_items_mark(cc, item, i, out)
                  : convert_one(cc, item, t, &out->items[i])) &&
             ok;
    }
    return ok;
}

/* A string with EmbeddedInstance takes an instance as well (DSP0004 5.6.3.12
 * and the documents of DSC). */
static bool
holds_instances(const struct syntax_value *v)
{
    if (v->kind == VALUE_ARRAY)
        return v->u.array.count > 0 && holds_instances(v->u.array.items);
    return v->kind == VALUE_ALIAS || v->kind == VALUE_INSTANCE;
}

bool
convert_value(struct convert_context *cc, const struct syntax_value *v,
              const struct convert_target *target, struct cim_value *out)
{
    struct convert_target t = *target;
    bool ok;

    if (t.embeds && holds_instances(v))
        t.type = CIM_OBJECT;
    memset(out, 0, sizeof(*out));
    out->type = t.type;
    out->is_array = t.is_array;
    if (v->kind == VALUE_NULL || v->kind == VALUE_NONE) {
        out->is_null = true;
        return true;
    }
    if (t.is_array && v->kind != VALUE_ARRAY) {
        report_meaning_error(
            cc->c, value_at(cc, v), CODE_TYPE_MISMATCH,
            "an array is written in braces: {%.*s}",
            SHOWN(((struct span){cc->source->text + v->offset, v->width})));
        ok = false;
    } else if (!t.is_array && v->kind == VALUE_ARRAY) {
        report_meaning_error(cc->c, value_at(cc, v),
                             CODE_UNEXPECTED_ARRAY_INIT,
                             "a list of values, but this is no array");
        ok = false;
    } else {
        ok = t.is_array ? convert_array(cc, v, &t, out)
                        : convert_one(cc, v, &t, &out->one);
    }
    if (!ok)
        *out = (struct cim_value){
            .type = t.type, .is_array = t.is_array, .is_null = true};
    return ok;
}

bool
convert_needs_instances(const struct syntax_value *v)
{
    if (v->kind != VALUE_ARRAY)
        return v->kind == VALUE_ALIAS || v->kind == VALUE_INSTANCE;
    for (size_t i = 0; i < v->u.array.count; i++) {
        if (convert_needs_instances(&v->u.array.items[i]))
            return true;
    }
    return false;
}

bool
convert_check_aliases(struct convert_context *cc, const struct syntax_value *v)
{
    if (v->kind == VALUE_ALIAS)
        return alias_find(cc, v) != NULL;
    if (v->kind != VALUE_ARRAY)
        return true;
    for (size_t i = 0; i < v->u.array.count; i++) {
        if (!convert_check_aliases(cc, &v->u.array.items[i]))
            return false;
    }
    return true;
}

void
convert_target_embeds(struct convert_target *t,
                      const struct cim_qualifier *instance,
                      const struct cim_qualifier *object)
{
    t->embeds = instance != NULL || object != NULL;
    if (instance != NULL && instance->value.type == CIM_STRING &&
        !instance->value.is_null && !instance->value.is_array)
        t->class_name = instance->value.one.text;
}

struct convert_target
convert_target_of(const struct cim_property *p)
{
    struct convert_target t = {
        .type = p->type, .is_array = p->is_array, .class_name = p->class_name};

    if (t.type == CIM_STRING)
        convert_target_embeds(
            &t, cim_qualifiers_find(&p->qualifiers, SPAN("embeddedinstance")),
            cim_qualifiers_find(&p->qualifiers, SPAN("embeddedobject")));
    return t;
}
