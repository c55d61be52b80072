#ifndef POLICY_MOF_REPORT_H
#define POLICY_MOF_REPORT_H

#include "policy/mof/compilation.h"

/*
 * Diagnostics.  An error of syntax (exit 3) is what the text alone shows; an
 * error of the store (exit 1) needs the repository, so it is left out under
 * syntax_only, and once there are errors of syntax, because it would often
 * be their echo.
 */
void report_error(struct mof_compilation *c, struct at at, uint32_t code,
                  const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* What the text alone shows but only its meaning makes wrong: types, ranges,
 * names used twice.  mofcomp -check looks at syntax only: left out there. */
void report_meaning_error(struct mof_compilation *c, struct at at,
                          uint32_t code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* What a compile refuses although a grammar lets it through: under
 * mofcomp -check a warning that says so, unless options.strict. */
void report_compile_error(struct mof_compilation *c, struct at at,
                          uint32_t code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void report_store_error(struct mof_compilation *c, struct at at, uint32_t code,
                        const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Of a binary that was to be written: phase 3, whatever the options. */
void report_unsupported(struct mof_compilation *c, struct at at,
                        const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A warning, or by the options an error or nothing. */
void report_warning(struct mof_compilation *c, enum mof_warning warning,
                    struct at at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same, and under options.strict an error of syntax with that code. */
void report_lenient(struct mof_compilation *c, enum mof_warning warning,
                    struct at at, uint32_t code, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void report_note(struct mof_compilation *c, struct at at, const char *format,
                 ...) __attribute__((format(printf, 3, 4)));
/* A note that belongs to what was reported last, "first declared here"; if
 * that was left out, so is this. */
void report_detail(struct mof_compilation *c, struct at at, const char *format,
                   ...) __attribute__((format(printf, 3, 4)));
/* Likewise: "; did you mean NAME?", nothing for an absent one. */
void report_meant(struct mof_compilation *c, struct span name);
/* No detail belongs to what was reported last. */
void report_end(struct mof_compilation *c);
/* About a file as a whole: no line. */
void report_file_error(struct mof_compilation *c, const char *file,
                       uint32_t code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Of a file that can't be written: phase 3. */
void report_save_error(struct mof_compilation *c, const char *file,
                       uint32_t code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void report_memory(struct mof_compilation *c);

/* Puts what was reported into the order of the text; says at the end what was
 * left out. */
void report_sort(struct mof_compilation *c);
/* The order alone, of those from the first on. */
void report_order(struct mof_compilation *c, size_t first);

/* Would a store error be reported now? */
bool report_wants_store(const struct mof_compilation *c);

void report_init(struct mof_compilation *c);
struct mof_location report_location(struct at at);

/* %.*s of a span, shortened. */
#define SHOWN(s)                                                              \
    (int)((s).length > 120 ? 120 : (s).length),                               \
        ((s).data != NULL ? (s).data : "")

#endif
