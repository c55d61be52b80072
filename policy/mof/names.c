#include "policy/mof/names.h"

#include "policy/mof/lexer.h"
#include "policy/mof/report.h"

bool
names_is_system(struct span name)
{
    return name.length > 2 && name.data[0] == '_' && name.data[1] == '_';
}

void
names_check(struct mof_compilation *c, struct at at, struct span name,
            uint32_t code)
{
    if (c->is_system)
        return;
    if (name.length > IDENTIFIER_MAX)
        report_meaning_error(c, at, code, "a name has at most %d characters",
                             IDENTIFIER_MAX);
    else if (names_is_system(name))
        report_store_error(c, at, CODE_INVALID_PARAMETER,
                           "'%.*s': names that begin with __ are the "
                           "system's own",
                           SHOWN(name));
    else if (name.length > 0 &&
             (name.data[0] == '_' || name.data[name.length - 1] == '_'))
        report_store_error(c, at, CODE_INVALID_PARAMETER,
                           "'%.*s': a name can't begin or end with '_'",
                           SHOWN(name));
}

static const struct {
    const char *written, *meant;
} foreign_types[] = {
    {"bool", "boolean"},   {"byte", "uint8"},   {"char", "char16"},
    {"date", "datetime"},  {"dword", "uint32"}, {"double", "real64"},
    {"float", "real32"},   {"int", "sint32"},   {"int8", "sint8"},
    {"int16", "sint16"},   {"int32", "sint32"}, {"int64", "sint64"},
    {"integer", "sint32"}, {"long", "sint32"},  {"real", "real64"},
    {"short", "sint16"},   {"str", "string"},   {"text", "string"},
    {"time", "datetime"},  {"uint", "uint32"},  {"unsigned", "uint32"},
    {"word", "uint16"},
};

const char *
names_type_meant(struct span name)
{
    for (size_t i = 0; i < ARRAY_COUNT(foreign_types); i++) {
        if (span_equal_nocase(name, span_of(foreign_types[i].written)))
            return foreign_types[i].meant;
    }
    for (int type = CIM_BOOLEAN; type <= CIM_OBJECT; type++) {
        const char *known = cim_type_name((enum cim_type)type);

        if (name.length > 3 && nearest_distance(name, span_of(known), 1) <= 1)
            return known;
    }
    return NULL;
}
