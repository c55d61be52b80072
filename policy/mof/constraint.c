#include "policy/mof/check.h"
#include "policy/mof/report.h"
#include "policy/mof/schema.h"

/*
 * Qualifiers that say what a value may be (DSP0004 5.6.3).  DMTF's own
 * schemas put them on types they are not for and WMI asks for none of them,
 * so both are warnings.
 */

static bool
is_number(const struct syntax_property *p)
{
    return p->type >= CIM_UINT8 && p->type <= CIM_REAL64;
}

static bool
is_text(const struct syntax_property *p)
{
    return p->type == CIM_STRING;
}

static bool
is_list(const struct syntax_property *p)
{
    return p->is_array;
}

static const struct {
    struct span name;
    bool (*fits)(const struct syntax_property *p);
    const char *what;
} constraints[] = {
    {{"MinValue", 8}, is_number, "numbers"},
    {{"MaxValue", 8}, is_number, "numbers"},
    {{"MinLen", 6}, is_text, "strings"},
    {{"MaxLen", 6}, is_text, "strings"},
    {{"EmbeddedInstance", 16}, is_text, "strings"},
    {{"EmbeddedObject", 14}, is_text, "strings"},
    {{"ArrayType", 9}, is_list, "arrays"},
};

static struct at
qualifier_at(struct source *source, const struct syntax_qualifier *q)
{
    return (struct at){source, q->offset, (uint32_t)q->name.length};
}

void
constraints_check(struct mof_compilation *c, struct source *source,
                  const struct syntax_property *in)
{
    for (size_t i = 0; i < in->qualifiers.count; i++) {
        const struct syntax_qualifier *q = &in->qualifiers.items[i];

        for (size_t n = 0; n < ARRAY_COUNT(constraints); n++) {
            if (q->name.length != constraints[n].name.length ||
                !span_equal_nocase(q->name, constraints[n].name) ||
                constraints[n].fits(in))
                continue;
            report_warning(c, MOF_WARNING_CONSTRAINT, qualifier_at(source, q),
                           "%.*s is for %s and means nothing for a %s%s",
                           SHOWN(q->name), constraints[n].what,
                           cim_type_name(in->type), in->is_array ? "[]" : "");
        }
    }
}

void
key_refuse(struct mof_compilation *c, struct source *source,
           const struct syntax_qualifiers *quals)
{
    for (size_t i = 0; i < quals->count; i++) {
        if (span_equal_nocase(quals->items[i].name, SPAN("key")))
            report_store_error(c, qualifier_at(source, &quals->items[i]),
                               CODE_INVALID_QUALIFIER,
                               "only a property can be a key");
    }
}

/* -- values --------------------------------------------------------------- */

/* An integer with its sign, wide enough for both kinds of 64 bits. */
struct integer {
    bool negative;
    uint64_t magnitude;
};

static bool
integer_of(enum cim_type type, const union cim_scalar *v, struct integer *out)
{
    out->negative = false;
    if (cim_type_is_unsigned(type)) {
        out->magnitude = v->uint;
        return true;
    }
    if (!cim_type_is_signed(type))
        return false;
    out->negative = v->sint < 0;
    out->magnitude =
        out->negative ? (uint64_t)(-(v->sint + 1)) + 1 : (uint64_t)v->sint;
    return true;
}

static bool
is_less(struct integer a, struct integer b)
{
    if (a.negative != b.negative)
        return a.negative;
    return a.negative ? a.magnitude > b.magnitude : a.magnitude < b.magnitude;
}

/* The number that a property's qualifier gives. */
static bool
limit_of(const struct class_info *info, const struct cim_property *p,
         struct span name, struct integer *out)
{
    const struct cim_qualifier *q =
        schema_qualifier(info, SCHEMA_PROPERTY, p->name, name);

    return q != NULL && !q->value.is_null && !q->value.is_array &&
           integer_of(q->value.type, &q->value.one, out);
}

static const char *
integer_problem(const struct class_info *info, const struct cim_property *p,
                struct integer value)
{
    struct integer limit;

    if (limit_of(info, p, SPAN("MinValue"), &limit) && is_less(value, limit))
        return "less than the MinValue";
    if (limit_of(info, p, SPAN("MaxValue"), &limit) && is_less(limit, value))
        return "more than the MaxValue";
    return NULL;
}

static const char *
scalar_problem(const struct class_info *info, const struct cim_property *p,
               const union cim_scalar *v)
{
    struct integer value, limit;

    if (integer_of(p->type, v, &value))
        return integer_problem(info, p, value);
    if (p->type != CIM_STRING || !limit_of(info, p, SPAN("MaxLen"), &limit))
        return NULL;
    value = (struct integer){false, utf8_count(v->text)};
    return is_less(limit, value) ? "longer than the MaxLen" : NULL;
}

void
constraint_value_check(struct mof_compilation *c, struct at at,
                       const struct class_info *info,
                       const struct cim_property *declared,
                       const struct cim_value *v)
{
    const char *problem = NULL;

    if (v->is_null || v->type != declared->type ||
        (declared->qualifiers.count == 0 && info->super == NULL))
        return;
    if (!v->is_array)
        problem = scalar_problem(info, declared, &v->one);
    for (uint32_t i = 0; v->is_array && problem == NULL && i < v->count; i++) {
        if (v->null_items == NULL || !v->null_items[i])
            problem = scalar_problem(info, declared, &v->items[i]);
    }
    if (problem != NULL)
        report_warning(c, MOF_WARNING_CONSTRAINT, at, "%s of %.*s", problem,
                       SHOWN(declared->name));
}
