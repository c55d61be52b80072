#include "policy/mof/report.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* One diagnostic and what orders it. */
struct report_entry {
    struct mof_diagnostic *diagnostic;
    uint32_t source, offset; /* of the text, by its first mention */
    size_t number;
};

#define TEXT_MAX      1024
#define SOURCE_AROUND 200 /* characters kept on each side of a place */

struct mof_location
report_location(struct at at)
{
    static const enum mof_location_kind kinds[] = {
        [SOURCE_TEXT] = MOF_LOCATION_TEXT,
        [SOURCE_PACKED] = MOF_LOCATION_FILE,
        [SOURCE_UNPACKED] = MOF_LOCATION_UNPACKED,
    };
    struct mof_location where = {.file = at.source->name,
                                 .kind = kinds[at.source->kind]};

    source_locate(at.source, at.offset, &where.line, &where.column);
    if (where.kind != MOF_LOCATION_TEXT)
        where.offset = at.offset;
    return where;
}

int
mof_location_format(const struct mof_location *where, char *out, size_t size)
{
    if (where->kind != MOF_LOCATION_TEXT)
        return snprintf(out, size, "%s:%s0x%X", where->file,
                        where->kind == MOF_LOCATION_UNPACKED ? "unpacked:"
                                                             : "",
                        where->offset);
    if (where->line == 0)
        return snprintf(out, size, "%s", where->file);
    return snprintf(out, size, "%s:%u:%u", where->file, where->line,
                    where->column);
}

bool
report_wants_store(const struct mof_compilation *c)
{
    return !c->options.syntax_only && !c->options.standalone &&
           c->syntax_errors == 0;
}

static unsigned
errors_max(const struct mof_compilation *c)
{
    return c->options.max_errors ? c->options.max_errors : DEFAULT_MAX_ERRORS;
}

bool
compilation_is_over(const struct mof_compilation *c)
{
    return c->failed || c->errors >= errors_max(c);
}

void
report_memory(struct mof_compilation *c)
{
    c->failed = true;
    c->memory_diagnostic = (struct mof_diagnostic){
        .severity = MOF_ERROR,
        .phase = MOF_PHASE_STORE,
        .code = CODE_OUT_OF_MEMORY,
        .where = {.file = "mof"},
        .width = 1,
        .text = "out of memory",
    };
}

/* A cut name may end inside a character. */
static void
text_repair(char *text)
{
    struct span rest = span_of(text);

    while (rest.length > 0) {
        size_t n = utf8_sequence_length(rest);

        if (n == 0)
            text[rest.data - text] = '?';
        rest = span_skip(rest, n ? n : 1);
    }
}

/* One line that a terminal can be given, whatever the source holds. */
__attribute__((format(printf, 2, 0))) static const char *
text_make(struct mof_compilation *c, const char *format, va_list ap)
{
    struct buf shown = BUF_INIT;
    char text[TEXT_MAX];
    const char *copy = NULL;

    vsnprintf(text, sizeof(text), format, ap);
    text_repair(text);
    visible_text(&shown, span_of(text));
    if (buf_failed(&shown))
        report_memory(c);
    else
        copy = compilation_copy(c, buf_span(&shown));
    buf_fini(&shown);
    return copy;
}

/* Line, end, width and what stands around the place. */
static void
place_fill(struct mof_compilation *c, struct mof_diagnostic *d, struct at at)
{
    uint32_t width = at.width > 0 ? at.width : 1, before;
    struct source *s = at.source;
    struct span around, line;

    d->where = report_location(at);
    d->included = s->included;
    if (s->kind != SOURCE_TEXT)
        return;
    source_locate(s, at.offset + width, &d->end_line, &d->end_column);
    around = source_around(s, at.offset, SOURCE_AROUND, &before,
                           &d->source_goes_on);
    d->source_column = d->where.column - before;
    line = span_skip(around, (size_t)(s->text + at.offset - around.data));
    if (line.length > width)
        line.length = width;
    d->width = (uint32_t)utf8_count(line);
    if (d->width == 0)
        d->width = 1;
    if (around.length > 0)
        d->source = compilation_copy(c, around);
}

__attribute__((format(printf, 4, 0))) static struct mof_diagnostic *
diagnostic_make(struct mof_compilation *c, enum mof_severity severity,
                struct at at, const char *format, va_list ap)
{
    struct mof_diagnostic *d = compilation_alloc(c, sizeof(*d));

    if (d == NULL)
        return NULL;
    d->severity = severity;
    d->width = 1;
    d->where.file = "";
    d->text = text_make(c, format, ap);
    if (at.source != NULL)
        place_fill(c, d, at);
    return c->failed ? NULL : d;
}

/* Counts what is added; true if it should be. */
static bool
admit(struct mof_compilation *c, enum mof_severity severity,
      enum mof_phase phase)
{
    if (c->failed || c->muted)
        return false;
    if (severity == MOF_ERROR) {
        if (compilation_is_over(c))
            return false;
        c->errors++;
        c->syntax_errors += phase != MOF_PHASE_STORE;
        return true;
    }
    if (severity == MOF_NOTE)
        return c->notes++ < LIMIT_WARNINGS;
    return c->warnings++ < LIMIT_WARNINGS;
}

/* What a report is besides its place and text. */
struct kind {
    enum mof_severity severity;
    enum mof_phase phase;
    uint32_t code;
    const char *warning;
    const char *file; /* where there is no place */
};

__attribute__((format(printf, 4, 0))) static void
add(struct mof_compilation *c, struct kind kind, struct at at,
    const char *format, va_list ap)
{
    struct report_entry e = {.number = c->diagnostics.count};

    c->last = NULL;
    if (!admit(c, kind.severity, kind.phase))
        return;
    e.diagnostic = diagnostic_make(c, kind.severity, at, format, ap);
    if (e.diagnostic == NULL)
        return;
    e.diagnostic->phase = kind.phase;
    e.diagnostic->code = kind.code;
    e.diagnostic->warning = kind.warning;
    if (kind.file != NULL)
        e.diagnostic->where.file = kind.file;
    if (at.source != NULL) {
        e.source = at.source->number;
        e.offset = at.offset;
    }
    if (vector_add(c, &c->diagnostics, &e))
        c->last = e.diagnostic;
}

#define ADD(at, ...)                                                          \
    do {                                                                      \
        struct kind kind_ = {.severity = __VA_ARGS__};                        \
        va_list ap_;                                                          \
        va_start(ap_, format);                                                \
        add(c, kind_, at, format, ap_);                                       \
        va_end(ap_);                                                          \
    } while (0)

static const struct at no_place = {NULL, 0, 0};

static enum mof_warning_setting
setting_of(const struct mof_compilation *c, enum mof_warning warning)
{
    enum mof_warning_setting setting = c->options.warnings[warning];

    if (setting == MOF_WARNING_DEFAULT)
        setting =
            mof_warning_row(warning)->on ? MOF_WARNING_ON : MOF_WARNING_OFF;
    return setting;
}

void
report_error(struct mof_compilation *c, struct at at, uint32_t code,
             const char *format, ...)
{
    ADD(at, MOF_ERROR, MOF_PHASE_SYNTAX, code);
}

void
report_meaning_error(struct mof_compilation *c, struct at at, uint32_t code,
                     const char *format, ...)
{
    c->last = NULL;
    if (!c->options.syntax_only)
        ADD(at, MOF_ERROR, MOF_PHASE_SYNTAX, code);
}

void
report_compile_error(struct mof_compilation *c, struct at at, uint32_t code,
                     const char *format, ...)
{
    enum mof_warning_setting setting =
        setting_of(c, MOF_WARNING_COMPILE_REFUSES);
    const char *name = mof_warning_row(MOF_WARNING_COMPILE_REFUSES)->name;

    c->last = NULL;
    if (!c->options.syntax_only || c->options.strict)
        ADD(at, MOF_ERROR, MOF_PHASE_SYNTAX, code);
    else if (setting == MOF_WARNING_ERROR)
        ADD(at, MOF_ERROR, MOF_PHASE_SYNTAX, code, name);
    else if (setting == MOF_WARNING_ON)
        ADD(at, MOF_WARNING, MOF_PHASE_NONE, code, name);
}

void
report_store_error(struct mof_compilation *c, struct at at, uint32_t code,
                   const char *format, ...)
{
    c->last = NULL;
    if (report_wants_store(c))
        ADD(at, MOF_ERROR, MOF_PHASE_STORE, code);
}

void
report_unsupported(struct mof_compilation *c, struct at at, const char *format,
                   ...)
{
    ADD(at, MOF_ERROR, MOF_PHASE_STORE, CODE_NOT_SUPPORTED);
}

void
report_warning(struct mof_compilation *c, enum mof_warning warning,
               struct at at, const char *format, ...)
{
    const struct mof_warning_row *row = mof_warning_row(warning);
    enum mof_warning_setting setting = setting_of(c, warning);

    c->last = NULL;
    if (setting == MOF_WARNING_ERROR)
        ADD(at, MOF_ERROR, row->phase, row->code, row->name);
    else if (setting == MOF_WARNING_ON)
        ADD(at, MOF_WARNING, MOF_PHASE_NONE, 0, row->name);
}

void
report_lenient(struct mof_compilation *c, enum mof_warning warning,
               struct at at, uint32_t code, const char *format, ...)
{
    const struct mof_warning_row *row = mof_warning_row(warning);
    enum mof_warning_setting setting = setting_of(c, warning);

    c->last = NULL;
    if (c->options.strict)
        ADD(at, MOF_ERROR, MOF_PHASE_SYNTAX, code);
    else if (setting == MOF_WARNING_ERROR)
        ADD(at, MOF_ERROR, row->phase, code, row->name);
    else if (setting == MOF_WARNING_ON)
        ADD(at, MOF_WARNING, MOF_PHASE_NONE, code, row->name);
}

void
report_note(struct mof_compilation *c, struct at at, const char *format, ...)
{
    ADD(at, MOF_NOTE, MOF_PHASE_NONE);
}

void
report_detail(struct mof_compilation *c, struct at at, const char *format, ...)
{
    struct mof_diagnostic *d, *above = c->last;
    va_list ap;

    if (c->failed || above == NULL)
        return;
    va_start(ap, format);
    d = diagnostic_make(c, MOF_NOTE, at, format, ap);
    va_end(ap);
    if (d == NULL)
        return;
    while (above->detail != NULL)
        above = above->detail;
    above->detail = d;
}

void
report_meant(struct mof_compilation *c, struct span name)
{
    struct buf text = BUF_INIT;

    if (c->failed || c->last == NULL || name.length == 0)
        return;
    c->last->meant = compilation_copy(c, name);
    buf_addf(&text, "%s; did you mean ", c->last->text);
    visible_text(&text, name);
    buf_add_char(&text, '?');
    if (buf_failed(&text))
        report_memory(c);
    else if (c->last->meant != NULL)
        c->last->text = compilation_copy(c, buf_span(&text));
    buf_fini(&text);
}

void
report_end(struct mof_compilation *c)
{
    c->last = NULL;
}

void
report_file_error(struct mof_compilation *c, const char *file, uint32_t code,
                  const char *format, ...)
{
    ADD(no_place, MOF_ERROR, MOF_PHASE_ARGUMENT, code, NULL, file);
}

void
report_save_error(struct mof_compilation *c, const char *file, uint32_t code,
                  const char *format, ...)
{
    ADD(no_place, MOF_ERROR, MOF_PHASE_STORE, code, NULL, file);
}

/* -- later ------------------------------------------------------------------ */

/* Where a statement begins, from what was kept of it. */
static struct at
statement_at(const struct mof_compilation *c, const struct mof_statement *st)
{
    struct at at = no_place;

    for (size_t i = 0; i < c->sources.count; i++) {
        struct source *s = VECTOR_AT(&c->sources, struct source *, i);

        if (s->name != st->where.file ||
            (s->kind == SOURCE_UNPACKED) !=
                (st->where.kind == MOF_LOCATION_UNPACKED))
            continue;
        at = (struct at){s, st->where.offset, 1};
        if (s->kind == SOURCE_TEXT) {
            at.offset = source_offset(s, st->where.line, st->where.column);
            at.width = source_word(s, at.offset);
        }
        break;
    }
    return at;
}

const struct mof_diagnostic *
mof_add_error(struct mof_compilation *c, const struct mof_statement *st,
              uint32_t code, const char *text)
{
    report_store_error(c, statement_at(c, st), code, "%s", text);
    return c->last;
}

const struct mof_diagnostic *
mof_add_note(struct mof_compilation *c, const struct mof_statement *st,
             const char *text)
{
    c->notes = 0; /* what has changed is never left out */
    report_note(c, statement_at(c, st), "%s", text);
    return c->last;
}

const struct mof_diagnostic *
mof_add_warning(struct mof_compilation *c, const struct mof_statement *st,
                enum mof_warning warning, const char *text)
{
    report_warning(c, warning, statement_at(c, st), "%s", text);
    return c->last;
}

/* About the compile as a whole; beside the counts and their limits. */
__attribute__((format(printf, 2, 3))) static void
report_remark(struct mof_compilation *c, const char *format, ...)
{
    c->notes = 0;
    ADD(no_place, MOF_NOTE, MOF_PHASE_NONE);
}

static void
left_out_report(struct mof_compilation *c)
{
    size_t warnings = c->warnings, notes = c->notes;

    if (c->errors >= errors_max(c))
        report_remark(c, "too many errors: stopped after %zu", c->errors);
    if (warnings > LIMIT_WARNINGS)
        report_remark(c, "%zu more warnings are not shown",
                      warnings - LIMIT_WARNINGS);
    if (notes > LIMIT_WARNINGS)
        report_remark(c, "%zu more notes are not shown",
                      notes - LIMIT_WARNINGS);
}

void
report_init(struct mof_compilation *c)
{
    c->diagnostics.item_size = sizeof(struct report_entry);
}

static int
entry_compare(const void *a, const void *b)
{
    const struct report_entry *x = a, *y = b;

    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

void
report_order(struct mof_compilation *c, size_t first)
{
    if (c->diagnostics.count > first + 1)
        qsort(&VECTOR_AT(&c->diagnostics, struct report_entry, first),
              c->diagnostics.count - first, sizeof(struct report_entry),
              entry_compare);
}

void
report_sort(struct mof_compilation *c)
{
    report_order(c, 0);
    left_out_report(c);
}

size_t
mof_error_count(const struct mof_compilation *c)
{
    return c->errors + c->failed;
}

size_t
mof_diagnostic_count(const struct mof_compilation *c)
{
    return c->diagnostics.count + c->failed;
}

const struct mof_diagnostic *
mof_diagnostic(const struct mof_compilation *c, size_t index)
{
    if (index < c->diagnostics.count)
        return VECTOR_AT(&c->diagnostics, struct report_entry, index)
            .diagnostic;
    return c->failed && index == c->diagnostics.count ? &c->memory_diagnostic
                                                      : NULL;
}
