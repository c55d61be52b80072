#include <stdarg.h>
#include <string.h>

#include "policy/mof/binary_writer.h"
#include "policy/mof/parser.h"
#include "policy/mof/report.h"

#define PROBLEM_TEXT_MAX 200

bool
writer_refuse(struct binary_writer *w, uint32_t offset, uint32_t width,
              const char *format, ...)
{
    char text[PROBLEM_TEXT_MAX];
    va_list ap;

    if (w->is_told)
        return false;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    report_unsupported(w->c, (struct at){w->source, offset, width},
                       "binary MOF can't hold %s", text);
    return false;
}

static const char *const foreign[] = {
    [SYNTAX_QUALIFIER] = "the declaration of a qualifier",
    [SYNTAX_DELETE_CLASS] = "#pragma deleteclass",
    [SYNTAX_DELETE_INSTANCE] = "#pragma deleteinstance",
};

static void
pragma_check(struct binary_writer *w)
{
    if (w->pragma == NULL)
        return;
    w->source = w->pragma->at.source;
    writer_refuse(w, w->pragma->at.offset, w->pragma->at.width,
                  "a namespace that no class or instance follows");
}

static uint32_t
stretch_write(struct binary_writer *w, const struct syntax_statement *st)
{
    struct mof_compilation *c = w->c;
    uint32_t offset = st->at.offset, count = 0;
    struct syntax_statement item;

    while (!compilation_is_over(c) && stretch_next(c, st, &offset, &item)) {
        writer_object(w, &item);
        arena_release(c->trees, c->mark);
        count++;
    }
    return count;
}

/* WMI's `qualifier Name : flavors;` declares nothing: the flavors are with
 * the qualifiers that it is about. */
static bool
is_nothing(const struct syntax_statement *st)
{
    return st->kind == SYNTAX_QUALIFIER && st->u.qualifier->type == CIM_NONE;
}

/* How many objects come of it. */
static uint32_t
statement_add(struct binary_writer *w, const struct syntax_statement *st)
{
    w->source = st->at.source;
    switch (st->kind) {
    case SYNTAX_CLASS:
    case SYNTAX_INSTANCE:
        w->pragma = NULL;
        writer_object(w, st);
        return 1;
    case SYNTAX_STRETCH:
        w->pragma = NULL;
        return stretch_write(w, st);
    case SYNTAX_NAMESPACE:
        pragma_check(w);
        w->pragma = st;
        w->has_namespace = true;
        return 0;
    default:
        if (!is_nothing(st))
            writer_refuse(w, st->at.offset, st->at.width, "%s",
                          foreign[st->kind]);
        return 0;
    }
}

/* "FOMB", the objects, their flavors. */
static void
unpacked_write(struct binary_writer *w)
{
    struct mof_compilation *c = w->c;
    uint32_t count = 0;

    buf_add_string(&w->out, BINARY_MAGIC);
    writer_number(w, 0);
    writer_number(w, 1);
    writer_number(w, 1);
    writer_number(w, 0);
    for (size_t i = 0; i < c->statements.count && !compilation_is_over(c); i++)
        count += statement_add(
            w, &VECTOR_AT(&c->statements, struct syntax_statement, i));
    pragma_check(w);
    writer_patch_length(w, 4, 0);
    writer_patch(w, 16, count);
    buf_add_string(&w->out, BINARY_FLAVOR_MAGIC);
    writer_number(w, w->flavor_count);
    buf_add_span(&w->out, buf_span(&w->flavors));
    w->out.failed |= buf_failed(&w->flavors);
}

/* A limit rather than memory when out is whole. */
static void
pack(struct binary_writer *w, struct buf *out)
{
    if (buf_failed(&w->out)) {
        report_memory(w->c);
        return;
    }
    if (w->c->errors > 0 || binary_pack(out, buf_span(&w->out)))
        return;
    if (buf_failed(out))
        report_memory(w->c);
    else
        report_save_error(w->c, w->source->name, CODE_OUT_OF_RANGE,
                          "binary MOF can't hold so much: %zu bytes",
                          w->out.length);
}

int
mof_binary_write(struct mof_compilation *c, struct buf *out)
{
    struct binary_writer w = {.c = c};
    size_t before = c->diagnostics.count;

    if (!c->checked || mof_error_count(c) > 0)
        return -1;
    if (c->unit.autorecover)
        report_lenient(c, MOF_WARNING_BINARY, c->autorecover_at,
                       CODE_NOT_SUPPORTED,
                       "binary MOF can't hold #pragma autorecover; it is "
                       "left out");
    unpacked_write(&w);
    pack(&w, out);
    report_order(c, before);
    buf_fini(&w.out);
    buf_fini(&w.flavors);
    return mof_error_count(c) > 0 ? -1 : 0;
}
