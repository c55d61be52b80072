#include "policy/mof/codes.h"
#include "policy/mof/mof.h"

static const struct mof_warning_row rows[] = {
#define ROW(id, text, on, phase, code, all, what)                             \
    [MOF_WARNING_##id] = {text, on, MOF_PHASE_##phase, CODE_##code, all, what},
    MOF_WARNINGS(ROW)
#undef ROW
};

const struct mof_warning_row *
mof_warning_row(enum mof_warning warning)
{
    return (unsigned)warning < MOF_WARNING_COUNT ? &rows[warning] : NULL;
}

/* What "all" means for one of them. */
static void
set_with_all(enum mof_warning_setting *to, const struct mof_warning_row *row,
             enum mof_warning_setting setting)
{
    bool is_on = *to == MOF_WARNING_DEFAULT ? row->on : *to != MOF_WARNING_OFF;

    if (setting == MOF_WARNING_OFF && !row->is_left_with_all)
        return;
    if (setting == MOF_WARNING_ERROR && !is_on)
        return;
    *to = setting;
}

bool
mof_warning_set(enum mof_warning_setting settings[MOF_WARNING_COUNT],
                struct span name, enum mof_warning_setting setting)
{
    bool all = span_equal_nocase(name, SPAN("all")), found = all;

    for (size_t i = 0; i < MOF_WARNING_COUNT; i++) {
        if (all) {
            set_with_all(&settings[i], &rows[i], setting);
        } else if (span_equal_nocase(name, span_of(rows[i].name))) {
            settings[i] = setting;
            found = true;
        }
    }
    return found;
}
