#include "policy/mof/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* One diagnostic and what orders it. */
struct report_entry {
    struct mof_diagnostic diagnostic;
    uint32_t source, offset; /* of the text, by its first mention */
    size_t number;
};

/* A longer line is not shown: the text alone must do. */
#define SOURCE_LINE_MAX 400
#define TEXT_MAX        1024

struct mof_location
report_location(struct at at)
{
    struct mof_location where = {at.source->name, 0, 0};

    source_locate(at.source, at.offset, &where.line, &where.column);
    return where;
}

bool
report_wants_store(const struct mof_compilation *c)
{
    return !c->options.syntax_only && c->syntax_errors == 0;
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
        .where = {"mof", 0, 0},
        .width = 1,
        .text = "out of memory",
    };
}

/* One line that a terminal can be given, whatever the source holds. */
static void
text_clean(char *text)
{
    for (; *text != '\0'; text++) {
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            *text = '?';
    }
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

static const char *
line_copy(struct mof_compilation *c, struct at at)
{
    struct span line = source_line(at.source, at.offset);
    char *copy;

    if (line.length == 0 || line.length > SOURCE_LINE_MAX)
        return NULL;
    copy = compilation_copy(c, line);
    if (copy != NULL)
        text_clean(copy);
    return copy;
}

static uint32_t
width_in_line(struct at at)
{
    struct span line = source_line(at.source, at.offset);
    const char *start = at.source->text + at.offset;
    size_t left = (size_t)(line.data + line.length - start);
    size_t n = at.width;

    if (at.offset >= at.source->length || start >= line.data + line.length)
        return 1;
    if (n > left)
        n = left;
    n = utf8_count((struct span){start, n});
    return n ? (uint32_t)n : 1;
}

/* Counts what is added; true if it should be. */
static bool
admit(struct mof_compilation *c, enum mof_severity severity,
      enum mof_phase phase)
{
    if (c->failed)
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

__attribute__((format(printf, 7, 0))) static void
add(struct mof_compilation *c, enum mof_severity severity,
    enum mof_phase phase, uint32_t code, struct at at, const char *file,
    const char *format, va_list ap)
{
    struct report_entry e = {
        .diagnostic = {severity, phase, code, {file, 0, 0}, 1, "", NULL}};
    char text[TEXT_MAX];

    if (!admit(c, severity, phase))
        return;
    vsnprintf(text, sizeof(text), format, ap);
    text_clean(text);
    text_repair(text);
    e.diagnostic.text = compilation_copy(c, span_of(text));
    if (at.source != NULL) {
        e.diagnostic.where = report_location(at);
        e.diagnostic.width = width_in_line(at);
        e.diagnostic.source = line_copy(c, at);
        e.source = at.source->number;
        e.offset = at.offset;
    }
    e.number = c->diagnostics.count;
    if (e.diagnostic.text != NULL)
        vector_add(c, &c->diagnostics, &e);
}

#define ADD(severity, phase, code, at, file)                                  \
    do {                                                                      \
        va_list ap_;                                                          \
        va_start(ap_, format);                                                \
        add(c, severity, phase, code, at, file, format, ap_);                 \
        va_end(ap_);                                                          \
    } while (0)

static const struct at no_place = {NULL, 0, 0};

void
report_error(struct mof_compilation *c, struct at at, uint32_t code,
             const char *format, ...)
{
    ADD(MOF_ERROR, MOF_PHASE_SYNTAX, code, at, NULL);
}

void
report_meaning_error(struct mof_compilation *c, struct at at, uint32_t code,
                     const char *format, ...)
{
    if (!c->options.syntax_only)
        ADD(MOF_ERROR, MOF_PHASE_SYNTAX, code, at, NULL);
}

void
report_compile_error(struct mof_compilation *c, struct at at, uint32_t code,
                     const char *format, ...)
{
    if (!c->options.syntax_only || c->options.strict)
        ADD(MOF_ERROR, MOF_PHASE_SYNTAX, code, at, NULL);
    else
        ADD(MOF_WARNING, MOF_PHASE_NONE, code, at, NULL);
}

void
report_store_error(struct mof_compilation *c, struct at at, uint32_t code,
                   const char *format, ...)
{
    if (report_wants_store(c))
        ADD(MOF_ERROR, MOF_PHASE_STORE, code, at, NULL);
}

void
report_warning(struct mof_compilation *c, struct at at, const char *format,
               ...)
{
    ADD(MOF_WARNING, MOF_PHASE_NONE, 0, at, NULL);
}

void
report_note(struct mof_compilation *c, struct at at, const char *format, ...)
{
    ADD(MOF_NOTE, MOF_PHASE_NONE, 0, at, NULL);
}

void
report_lenient(struct mof_compilation *c, struct at at, uint32_t code,
               const char *format, ...)
{
    if (c->options.strict)
        ADD(MOF_ERROR, MOF_PHASE_SYNTAX, code, at, NULL);
    else
        ADD(MOF_WARNING, MOF_PHASE_NONE, code, at, NULL);
}

void
report_file_error(struct mof_compilation *c, const char *file, uint32_t code,
                  const char *format, ...)
{
    ADD(MOF_ERROR, MOF_PHASE_ARGUMENT, code, no_place, file);
}

const char *
report_place(struct mof_compilation *c, struct at at)
{
    struct mof_location where = report_location(at);
    char text[TEXT_MAX];
    const char *copy;

    snprintf(text, sizeof(text), "%s:%u:%u", where.file, where.line,
             where.column);
    copy = compilation_copy(c, span_of(text));
    return copy != NULL ? copy : "?";
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
report_sort(struct mof_compilation *c)
{
    if (c->diagnostics.count > 1)
        qsort(c->diagnostics.items, c->diagnostics.count,
              sizeof(struct report_entry), entry_compare);
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
        return &VECTOR_AT(&c->diagnostics, struct report_entry, index)
                    .diagnostic;
    return c->failed && index == c->diagnostics.count ? &c->memory_diagnostic
                                                      : NULL;
}

/* The source line and carets under the place; a tab stays a tab, so that
 * both lines move alike. */
static void
caret_print(const struct mof_diagnostic *d, FILE *out)
{
    struct span rest = span_of(d->source);

    fprintf(out, "    %s\n    ", d->source);
    for (uint32_t column = 1; column < d->where.column; column++) {
        size_t n = utf8_sequence_length(rest);

        fputc(rest.length > 0 && rest.data[0] == '\t' ? '\t' : ' ', out);
        rest = span_skip(rest, n ? n : 1);
    }
    fputc('^', out);
    for (uint32_t i = 1; i < d->width; i++)
        fputc('~', out);
    fputc('\n', out);
}

static void
diagnostic_print(const struct mof_diagnostic *d, FILE *out)
{
    static const char *const words[] = {
        [MOF_NOTE] = "note", [MOF_WARNING] = "warning", [MOF_ERROR] = "error"};

    fprintf(out, "%s:", d->where.file);
    if (d->where.line > 0)
        fprintf(out, "%u:%u:", d->where.line, d->where.column);
    fprintf(out, " %s", words[d->severity]);
    if (d->code != 0)
        fprintf(out, " 0x%08X", d->code);
    fprintf(out, ": %s\n", d->text);
    if (d->source != NULL)
        caret_print(d, out);
}

void
mof_diagnostics_print(const struct mof_compilation *c, FILE *out)
{
    for (size_t i = 0; i < mof_diagnostic_count(c); i++)
        diagnostic_print(mof_diagnostic(c, i), out);
    if (c->errors >= errors_max(c))
        fprintf(out, "too many errors: stopped after %zu\n", c->errors);
    if (c->warnings > LIMIT_WARNINGS)
        fprintf(out, "%zu more warnings are not shown\n",
                c->warnings - LIMIT_WARNINGS);
    if (c->notes > LIMIT_WARNINGS)
        fprintf(out, "%zu more notes are not shown\n",
                c->notes - LIMIT_WARNINGS);
}
