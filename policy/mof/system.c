#include "policy/mof/system.h"

#include <stdatomic.h>
#include <string.h>

#include "policy/mof/report.h"
#include "policy/mof/schema.h"

/*
 * Our own text goes through the compiler once, on the first question, and
 * stays; nobody changes it afterwards.  Of threads that ask first at once
 * each compiles it and one's is kept.  Should that fail for want of memory,
 * system classes are unknown and what needs them is refused.
 */
static struct mof_compilation *_Atomic system_compilation;

static struct mof_compilation *
system_load(void)
{
    struct mof_compilation *c = mof_compilation_new(NULL);

    if (c == NULL)
        return NULL;
    c->is_system = true;
    if (mof_compile_buffer(c, "system classes", system_text,
                           strlen(system_text)) == 0 &&
        mof_check(c) == 0)
        return c;
    mof_compilation_free(c);
    return NULL;
}

static struct mof_compilation *
system_get(void)
{
    struct mof_compilation *first = NULL, *own;

    own = atomic_load(&system_compilation);
    if (own != NULL)
        return own;
    own = system_load();
    if (own == NULL ||
        atomic_compare_exchange_strong(&system_compilation, &first, own))
        return own;
    mof_compilation_free(own);
    return first;
}

struct class_info *
schema_find_system(struct span name)
{
    struct mof_compilation *c = system_get();

    return c != NULL ? strmap_get(c->start_space->classes, name) : NULL;
}

void
system_offer(struct nearest *n)
{
    struct mof_compilation *c = system_get();
    const struct mof_unit *unit = c != NULL ? mof_unit(c) : NULL;

    for (size_t i = 0; unit != NULL && i < unit->count; i++) {
        if (unit->statements[i].kind == MOF_STATEMENT_CLASS)
            nearest_offer(n, unit->statements[i].name);
    }
}

const struct cim_class *
mof_system_class(struct span name)
{
    const struct class_info *info = schema_find_system(name);

    return info != NULL ? info->class : NULL;
}
