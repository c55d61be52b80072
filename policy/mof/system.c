#include "policy/mof/system.h"

#include <string.h>

#include "policy/mof/report.h"
#include "policy/mof/schema.h"

/*
 * Our own text goes through the compiler once, on the first question, and
 * stays.  Should that fail for want of memory, system classes are unknown
 * and what needs them is refused.
 */
static struct mof_compilation *system_compilation;

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

struct class_info *
schema_find_system(struct span name)
{
    if (system_compilation == NULL)
        system_compilation = system_load();
    if (system_compilation == NULL)
        return NULL;
    return strmap_get(system_compilation->start_space->classes, name);
}

const struct cim_class *
mof_system_class(struct span name)
{
    const struct class_info *info = schema_find_system(name);

    return info != NULL ? info->class : NULL;
}
