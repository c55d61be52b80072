#include "policy/mof/names.h"

#include "policy/mof/lexer.h"
#include "policy/mof/report.h"

#define DISTANCE_NAME_MAX 600

static unsigned
least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* One row of the table from the two before it; its smallest entry. */
static unsigned
row_fill(struct span a, struct span b, size_t i, unsigned *const rows[3])
{
    unsigned *row = rows[0], *last = rows[1], *before = rows[2];
    unsigned smallest;

    row[0] = smallest = (unsigned)i;
    for (size_t j = 1; j <= b.length; j++) {
        char x = ascii_lower(a.data[i - 1]), y = ascii_lower(b.data[j - 1]);

        row[j] =
            least(last[j - 1] + (x != y), least(last[j] + 1, row[j - 1] + 1));
        if (i > 1 && j > 1 && x == ascii_lower(b.data[j - 2]) &&
            y == ascii_lower(a.data[i - 2]))
            row[j] = least(row[j], before[j - 2] + 1);
        smallest = least(smallest, row[j]);
    }
    return smallest;
}

unsigned
names_distance(struct span a, struct span b, unsigned max)
{
    unsigned table[3][DISTANCE_NAME_MAX + 1];
    size_t longer = a.length > b.length ? a.length : b.length;
    size_t shorter = a.length + b.length - longer;

    if (longer - shorter > max || longer > DISTANCE_NAME_MAX)
        return max + 1;
    for (size_t j = 0; j <= b.length; j++)
        table[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.length; i++) {
        unsigned *rows[3] = {table[i % 3], table[(i + 2) % 3],
                             table[(i + 1) % 3]};

        if (row_fill(a, b, i, rows) > max)
            return max + 1;
    }
    return least(table[a.length % 3][b.length], max + 1);
}

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

        if (name.length > 3 && names_distance(name, span_of(known), 1) <= 1)
            return known;
    }
    return NULL;
}
