#include <stdio.h>

#include "policy/library/compiler.h"

#define PLACE_MAX 600 /* what is longer is cut */

/* The severities of the front half are ours. */
_Static_assert((int)NSPOLICY_NOTE == (int)MOF_NOTE &&
                   (int)NSPOLICY_WARNING == (int)MOF_WARNING &&
                   (int)NSPOLICY_ERROR == (int)MOF_ERROR,
               "severities");

static void
call_back(struct nspolicy_compiler *c, const struct mof_diagnostic *from,
          int is_detail)
{
    bool has_file = from->where.file != NULL && from->where.file[0] != '\0';
    struct nspolicy_diagnostic d = {
        .severity = (enum nspolicy_severity)from->severity,
        .phase = from->severity == MOF_ERROR ? (int32_t)from->phase : 0,
        .code = (int32_t)from->code,
        .warning = from->warning,
        .is_detail = is_detail,
        .file = has_file ? from->where.file : NULL,
        .line = from->where.line,
        .column = from->where.column,
        .offset = from->where.offset,
        .end_line = from->end_line,
        .end_column = from->end_column,
        .text = from->text,
        .source = from->source,
        .source_column = from->source_column,
    };

    if (from->included != NULL) {
        d.included_file = from->included->where.file;
        d.included_line = from->included->where.line;
    }
    c->diagnostic(c->diagnostic_arg, &d);
}

static void
console_print(const struct mof_diagnostic *d, const struct mof_include **chain)
{
    const struct mof_style plain = {.colors = false};
    struct buf text = BUF_INIT;

    mof_diagnostic_render(d, &plain, chain, &text);
    if (!buf_failed(&text) && text.length > 0)
        fwrite(text.data, 1, text.length, stderr);
    buf_fini(&text);
}

static void
tell(struct nspolicy_compiler *c, const struct call *call,
     const struct mof_diagnostic *d, const struct mof_include **chain)
{
    if ((call->option_flags & WBEM_FLAG_CONSOLE_PRINT) != 0)
        console_print(d, chain);
    if (c->diagnostic == NULL)
        return;
    call_back(c, d, 0);
    for (d = d->detail; d != NULL; d = d->detail)
        call_back(c, d, 1);
}

void
diagnose(struct nspolicy_compiler *c, const struct call *call,
         const struct mof_diagnostic *d)
{
    const struct mof_include *chain = NULL;

    tell(c, call, d, &chain);
}

void
diagnose_from(struct nspolicy_compiler *c, const struct call *call,
              const struct mof_compilation *mof, size_t first)
{
    const struct mof_include *chain = NULL;

    for (size_t i = first; i < mof_diagnostic_count(mof); i++)
        tell(c, call, mof_diagnostic(mof, i), &chain);
}

/* Object and lines of a place. */
static void
info_place(WBEM_COMPILE_STATUS_INFO *info, struct mof_compilation *mof,
           const struct mof_location *where)
{
    struct mof_object object;

    if (mof_object_at(mof, where, &object)) {
        info->ObjectNum = (int32_t)object.number;
        info->FirstLine = (int32_t)object.first_line;
        info->LastLine = (int32_t)object.last_line;
    } else {
        info->FirstLine = info->LastLine = (int32_t)where->line;
    }
}

bool
diagnose_failure(struct nspolicy_compiler *c, struct mof_compilation *mof,
                 const struct mof_diagnostic *d)
{
    int32_t phase = (int32_t)d->phase, code = (int32_t)d->code;
    char place[PLACE_MAX] = "";

    if (d->where.file[0] != '\0')
        mof_location_format(&d->where, place, sizeof(place));
    compiler_fail(c, phase, code, "%s%s%s", place,
                  place[0] != '\0' ? ": " : "", d->text);
    info_place(&c->info, mof, &d->where);
    return false;
}
