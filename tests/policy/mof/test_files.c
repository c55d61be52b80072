/*
 * Our own files.  Each in tests/mof/accept compiles without an error (those
 * called warns_* with a warning) to what stands in tests/mof/expected: its
 * warnings and notes, then the unit as canonical MOF; NSGATE_WRITE_EXPECTED=1
 * in the environment writes that anew.  Each in tests/mof/reject says in its
 * first line what must come: // exit N [strict] line:column code, ...
 * tests/mof/rows.tsv names a file of each for every row of the language.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/mof/codes.h"
#include "tests/policy/mof/compile.h"

SUITE(mof_files);

#define FIRST_LINE 1000

static struct mof_compilation *
compile(const char *path, bool strict)
{
    struct mof_options options = {.world = test_world, .strict = strict};
    struct mof_compilation *c = mof_compilation_new(&options);

    cr_assert(c != NULL);
    mof_compile_file(c, path);
    mof_check(c);
    return c;
}

/* "// line:column warning [class] " for each, then the unit. */
static char *
outcome(const struct mof_compilation *c)
{
    static const char *const words[] = {
        [MOF_NOTE] = "note", [MOF_WARNING] = "warning", [MOF_ERROR] = "error"};
    struct buf out = BUF_INIT;

    for (size_t i = 0; i < mof_diagnostic_count(c); i++) {
        const struct mof_diagnostic *d = mof_diagnostic(c, i);

        buf_addf(&out, "// %u:%u %s%s%s\n", d->where.line, d->where.column,
                 words[d->severity], d->warning != NULL ? " " : "",
                 d->warning != NULL ? d->warning : "");
    }
    mof_print_unit(&out, mof_unit(c));
    cr_assert(!buf_failed(&out));
    return out.length > 0 ? buf_take(&out) : strdup("");
}

static void
expected_check(const char *name, const struct mof_compilation *c)
{
    char *now = outcome(c), *expected;
    char path[2048];

    snprintf(path, sizeof(path), "%s/%s",
             test_source_path("tests/mof/expected"), name);
    if (getenv("NSGATE_WRITE_EXPECTED") != NULL)
        test_write_file(path, now, strlen(now));
    expected = test_read_file(path, NULL);
    cr_expect(strcmp(now, expected) == 0, "%s: this came:\n%s", path, now);
    free(expected);
    free(now);
}

static void
accept(const char *path, const char *name)
{
    struct mof_compilation *c = compile(path, false);
    char *text = printed(c);
    bool warns = strncmp(name, "warns_", 6) == 0;

    cr_expect(mof_error_count(c) == 0, "%s", text);
    cr_expect((count_of(c, MOF_WARNING) > 0) == warns, "%s: %s", name, text);
    if (mof_error_count(c) == 0)
        expected_check(name, c);
    free(text);
    mof_compilation_free(c);
}

/* The first line as ASCII, whatever the encoding. */
static void
first_line(const char *path, char out[FIRST_LINE])
{
    size_t length, used = 0;
    char *bytes = test_read_file(path, &length);

    for (size_t i = 0; i < length && used < FIRST_LINE - 1 && bytes[i] != '\n';
         i++)
    {
        if (bytes[i] >= ' ' && bytes[i] <= '~')
            out[used++] = bytes[i];
    }
    out[used] = '\0';
    free(bytes);
}

/* As mofcomp exits: what the text shows is 3, the store's part 1. */
static int
exit_of(const struct mof_compilation *c)
{
    for (size_t i = 0; i < mof_diagnostic_count(c); i++) {
        const struct mof_diagnostic *d = mof_diagnostic(c, i);

        if (d->severity == MOF_ERROR && d->phase == MOF_PHASE_SYNTAX)
            return 3;
    }
    return mof_error_count(c) > 0 ? 1 : 0;
}

static void
reject(const char *path, const char *name)
{
    static const char strict_word[] = "strict ";
    struct mof_compilation *c;
    char line[FIRST_LINE], got[2100];
    bool strict;

    first_line(path, line);
    cr_assert(strncmp(line, "// exit ", 8) == 0, "%s", name);
    strict = strstr(line, strict_word) != NULL;
    c = compile(path, strict);
    snprintf(got, sizeof(got), "// exit %d %s%s", exit_of(c),
             strict ? strict_word : "", errors_of(c));
    cr_expect(strcmp(got, line) == 0, "%s: expected %s, got %s", name, line,
              got);
    mof_compilation_free(c);
}

Test(mof_files, accepts_what_is_right)
{
    cr_assert(each_mof_file("tests/mof/accept", accept) > 20);
}

Test(mof_files, rejects_each_mistake_at_its_place_with_its_code)
{
    cr_assert(each_mof_file("tests/mof/reject", reject) > 80);
}

/* -- is everything there? --------------------------------------------------- */

static const uint32_t codes[] = {
#define CODE_VALUE(name, prefix, value) value,
    MOF_CODES(CODE_VALUE)
#undef CODE_VALUE
};

static struct buf seen_codes;

static void
codes_collect(const char *path, const char *name)
{
    char line[FIRST_LINE];

    (void)name;
    first_line(path, line);
    buf_add_string(&seen_codes, line);
}

Test(mof_files, reject_every_code_that_can_come)
{
    /* No text brings these: test_report.c, test_memory.c. */
    static const uint32_t elsewhere[] = {(uint32_t)CODE_FAILED,
                                         (uint32_t)CODE_OUT_OF_MEMORY};
    buf_reset(&seen_codes);
    each_mof_file("tests/mof/reject", codes_collect);
    for (size_t i = 0; i < ARRAY_COUNT(elsewhere); i++)
        buf_addf(&seen_codes, "0x%08X", elsewhere[i]);
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        char hex[16];

        snprintf(hex, sizeof(hex), "0x%08X", codes[i]);
        cr_expect(strstr(seen_codes.data, hex) != NULL,
                  "%s is rejected by no file", mof_code_symbol(codes[i]));
    }
    buf_fini(&seen_codes);
}

/* rows.tsv: row, file of accept, file of reject; "-" where there is none. */
static char *rows;

static void
named_check(const char *path, const char *name)
{
    char field[300];

    (void)path;
    snprintf(field, sizeof(field), "\t%.*s", (int)(strlen(name) - 4), name);
    for (const char *at = rows; (at = strstr(at, field)) != NULL; at++) {
        char then = at[strlen(field)];

        if (then == '\t' || then == '\n' || then == ',')
            return;
    }
    cr_expect_fail("%s is in no row of tests/mof/rows.tsv", name);
}

static void
field_check(const char *folder, char *field, const char *row)
{
    char path[600], *name;

    if (strcmp(field, "-") == 0)
        return;
    while ((name = strsep(&field, ",")) != NULL) {
        snprintf(path, sizeof(path), "tests/mof/%s/%s.mof", folder, name);
        cr_expect(access(test_source_path(path), R_OK) == 0, "%s: %s", row,
                  path);
    }
}

Test(mof_files, have_both_for_each_row_of_the_language)
{
    char *copy, *rest, *line;
    size_t count = 0;

    rows = test_read_file(test_source_path("tests/mof/rows.tsv"), NULL);
    for (char *p = rows; *p != '\0'; p++)
        *p = *p == ',' && p[1] != ' ' ? '\t' : *p;
    each_mof_file("tests/mof/accept", named_check);
    each_mof_file("tests/mof/reject", named_check);
    free(rows);
    rest = copy = test_read_file(test_source_path("tests/mof/rows.tsv"), NULL);
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        char *row = strsep(&line, "\t"), *accepts = strsep(&line, "\t");

        cr_assert(accepts != NULL && line != NULL, "%s", row);
        cr_expect(strcmp(accepts, "-") != 0 || strcmp(line, "-") != 0, "%s",
                  row);
        field_check("accept", accepts, row);
        field_check("reject", line, row);
        count++;
    }
    cr_expect(count > 60);
    free(copy);
}

Test(mof_files, have_every_code_explained_in_the_document)
{
    char *text = test_read_file(test_source_path("docs/mof.md"), NULL);
    size_t rows_there = 0;

    for (const char *at = text; (at = strstr(at, "\n| `0x8004")); at++)
        rows_there++;
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        char row[100];
        const char *at;

        snprintf(row, sizeof(row), "\n| `0x%08X` | `%s` | ", codes[i],
                 mof_code_symbol(codes[i]));
        at = strstr(text, row);
        cr_expect(at != NULL, "no row%s", row);
        /* Cause and remedy. */
        at = at != NULL ? strstr(at + strlen(row), " | ") : NULL;
        cr_expect(at != NULL && strcspn(at + 3, "|\n") > 5, "%s", row);
    }
    cr_expect(rows_there == ARRAY_COUNT(codes));
    free(text);
}
