#include "policy/mof/mof.h"

#include <string.h>

static const struct {
    const char *name;
    unsigned bit;
} changes[] = {
    {"createorupdate", 0},
    {"updateonly", MOF_CHANGE_UPDATE_ONLY},
    {"createonly", MOF_CHANGE_CREATE_ONLY},
    {"safeupdate", MOF_CHANGE_UPDATE_SAFE},
    {"forceupdate", MOF_CHANGE_UPDATE_FORCE},
};

bool
mof_change_add(struct span name, unsigned allowed, unsigned *set)
{
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        if (!span_equal_nocase(name, span_of(changes[i].name)) ||
            (changes[i].bit & ~allowed) != 0)
            continue;
        *set |= changes[i].bit;
        return true;
    }
    return false;
}

void
mof_change_print(struct buf *out, unsigned set, const char *between)
{
    size_t begun = out->length;

    for (size_t i = 1; i < ARRAY_COUNT(changes); i++) {
        if ((set & changes[i].bit) == 0)
            continue;
        if (out->length > begun)
            buf_add_string(out, between);
        buf_add_string(out, changes[i].name);
    }
    if (out->length == begun)
        buf_add_string(out, changes[0].name);
}

const char *
mof_change_contradiction(unsigned set)
{
    const unsigned modes = MOF_CHANGE_UPDATE_SAFE | MOF_CHANGE_UPDATE_FORCE;

    set &= MOF_CHANGE_OF_CLASS;
    if ((set & MOF_CHANGE_CREATE_ONLY) != 0 && set != MOF_CHANGE_CREATE_ONLY)
        return "createonly excludes every other flag";
    if ((set & modes) == modes)
        return "safeupdate and forceupdate exclude each other";
    return NULL;
}
