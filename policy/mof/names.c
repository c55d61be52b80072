#include "policy/mof/names.h"

#include <string.h>

#include "policy/mof/lexer.h"
#include "policy/mof/report.h"

/* Up to so many names are compared one by one. */
#define FEW_NAMES 16

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

struct list {
    const char *items;
    size_t count, size, name_at;
    void (*report)(void *arg, const void *first, const void *again);
    void *arg;
};

static struct span
item_name(const struct list *l, size_t i)
{
    struct span name;

    memcpy(&name, l->items + i * l->size + l->name_at, sizeof(name));
    return name;
}

static void
duplicates_find_few(const struct list *l)
{
    for (size_t i = 1; i < l->count; i++) {
        for (size_t n = 0; n < i; n++) {
            if (!span_equal_nocase(item_name(l, i), item_name(l, n)))
                continue;
            l->report(l->arg, l->items + n * l->size, l->items + i * l->size);
            break;
        }
    }
}

/* The map holds index + 1. */
static bool
duplicates_find_many(const struct list *l)
{
    struct strmap *seen = strmap_new();
    bool ok = seen != NULL;

    for (size_t i = 0; ok && i < l->count; i++) {
        uintptr_t first = (uintptr_t)strmap_get(seen, item_name(l, i));

        if (first != 0)
            l->report(l->arg, l->items + (first - 1) * l->size,
                      l->items + i * l->size);
        else
            ok = strmap_put(seen, item_name(l, i), (void *)(i + 1));
    }
    strmap_free(seen);
    return ok;
}

void
names_duplicates(struct mof_compilation *c, const void *items, size_t count,
                 size_t size, size_t name_at,
                 void (*report)(void *arg, const void *first,
                                const void *again),
                 void *arg)
{
    struct list l = {items, count, size, name_at, report, arg};

    if (count <= FEW_NAMES)
        duplicates_find_few(&l);
    else if (!duplicates_find_many(&l))
        report_memory(c);
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
