/*
 * Real files, where $NSGATE_MOF_CORPUS names a directory of them: index.tsv
 * says for each what a check of the syntax alone must answer, and
 * malformed/manifest.tsv what a compile must.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/policy/mof/compile.h"

SUITE(corpus);

#define COLUMNS_MAX 10

struct row {
    const char *columns[COLUMNS_MAX];
    size_t count;
};

static const char *
corpus(void)
{
    return getenv("NSGATE_MOF_CORPUS");
}

/* Cuts the next line of *text into its columns; false at the end. */
static bool
row_next(char **text, struct row *out)
{
    char *line = strsep(text, "\n");

    memset(out, 0, sizeof(*out));
    if (line == NULL)
        return false;
    while (line != NULL && out->count < COLUMNS_MAX)
        out->columns[out->count++] = strsep(&line, "\t");
    return true;
}

static struct mof_compilation *
compile(const char *folder, const char *name, bool syntax_only)
{
    struct mof_options options = {.syntax_only = syntax_only};
    struct mof_compilation *c = mof_compilation_new(&options);
    char path[2048];

    cr_assert(c != NULL);
    snprintf(path, sizeof(path), "%s/%s%s", corpus(), folder, name);
    mof_compile_file(c, path);
    mof_check(c);
    return c;
}

/* The first error that is not about a file which the corpus lacks. */
static const struct mof_diagnostic *
first_error(const struct mof_compilation *c, bool *lacks_files)
{
    *lacks_files = false;
    for (size_t i = 0; i < mof_diagnostic_count(c); i++) {
        const struct mof_diagnostic *d = mof_diagnostic(c, i);

        if (d->severity != MOF_ERROR)
            continue;
        if (strstr(d->text, "there is no such file") == NULL)
            return d;
        *lacks_files = true;
    }
    return NULL;
}

static bool
place_is(const struct mof_diagnostic *d, const char *expected)
{
    char place[40];
    size_t n;

    n = (size_t)snprintf(place, sizeof(place), "%u:%u", d->where.line,
                         d->where.column);
    return strncmp(expected, place, n) == 0 &&
           (expected[n] == '\0' || expected[n] == ' ');
}

Test(corpus, agrees_with_the_index)
{
    char path[1024], *text, *rest;
    size_t total = 0, agreed = 0, lacking = 0, binary = 0;
    struct row r;

    if (corpus() == NULL)
        cr_skip_test("NSGATE_MOF_CORPUS is not set");
    snprintf(path, sizeof(path), "%s/index.tsv", corpus());
    text = rest = test_read_file(path, NULL);
    row_next(&rest, &r);
    while (row_next(&rest, &r)) {
        const struct mof_diagnostic *d;
        struct mof_compilation *c;
        bool lacks, ok;

        if (r.count < 5)
            continue;
        if (strstr(r.columns[4], "binary") != NULL) {
            binary++;
            continue;
        }
        c = compile("", r.columns[0], true);
        d = first_error(c, &lacks);
        ok = strncmp(r.columns[4], "accept", 6) == 0
                 ? d == NULL
                 : d != NULL && place_is(d, r.columns[4] + 7);
        if (!ok)
            fprintf(stderr, "# %s: expected %s, got %s %s\n", r.columns[0],
                    r.columns[4], errors_of(c), d != NULL ? d->text : "");
        total++;
        agreed += ok;
        lacking += lacks;
        mof_compilation_free(c);
    }
    fprintf(stderr,
            "# corpus: %zu of %zu text files as expected (%zu include what "
            "is not there, %zu binary ones left out)\n",
            agreed, total, lacking, binary);
    cr_expect(total > 0 && agreed * 100 >= total * 99);
    free(text);
}

/* Is code one of "0x80041010|0x80041002"? */
static bool
code_is(uint32_t code, const char *expected)
{
    char hex[16];

    snprintf(hex, sizeof(hex), "0x%08X", code);
    return strstr(expected, hex) != NULL;
}

/* Is the place one of "2:16|2:28" or "file.mof:1:17"?  A binary file has
 * offsets instead, which are not compared. */
static bool
place_is_one_of(const struct mof_diagnostic *d, const char *expected)
{
    char text[200], place[40], *rest = text, *one;

    if (strncmp(expected, "offset", 6) == 0)
        return true;
    snprintf(text, sizeof(text), "%s", expected);
    snprintf(place, sizeof(place), "%u:%u", d->where.line, d->where.column);
    while ((one = strsep(&rest, "|")) != NULL) {
        char *file = strstr(one, ".mof:");

        if (strcmp(file != NULL ? file + 5 : one, place) == 0)
            return true;
    }
    return false;
}

/* file, exit, phase, hres, line:column */
static bool
manifest_row_holds(const struct row *r)
{
    char name[256];
    struct mof_compilation *c;
    const struct mof_diagnostic *d;
    bool lacks, ok;

    snprintf(name, sizeof(name), "%s.mof", r->columns[0]);
    c = compile("malformed/", name, false);
    d = first_error(c, &lacks);
    if (strcmp(r->columns[1], "0") == 0)
        ok = d == NULL && !lacks;
    else
        ok = d != NULL && mof_error_count(c) == 1 &&
             code_is(d->code, r->columns[3]) &&
             place_is_one_of(d, r->columns[4]) &&
             strchr(r->columns[2], '0' + (char)d->phase) != NULL;
    if (!ok)
        fprintf(stderr, "# %s: expected %s %s, got %s\n", r->columns[0],
                r->columns[3], r->columns[4], errors_of(c));
    mof_compilation_free(c);
    return ok;
}

Test(corpus, refuses_what_is_malformed_as_the_manifest_says)
{
    char path[1024], *text, *rest;
    size_t total = 0, held = 0;
    struct row r;

    if (corpus() == NULL)
        cr_skip_test("NSGATE_MOF_CORPUS is not set");
    snprintf(path, sizeof(path), "%s/malformed/manifest.tsv", corpus());
    text = rest = test_read_file(path, NULL);
    row_next(&rest, &r);
    while (row_next(&rest, &r)) {
        /* The large ones are generated: test_parser.c. */
        if (r.count < 5 ||
            (r.count > 6 && strstr(r.columns[6], "generate it") != NULL))
            continue;
        total++;
        held += manifest_row_holds(&r);
    }
    fprintf(stderr, "# malformed: %zu of %zu as the manifest says\n", held,
            total);
    cr_expect(total > 0 && held == total);
    free(text);
}

Test(corpus, compiles_the_whole_schema_2_41)
{
    struct mof_compilation *c;

    if (corpus() == NULL)
        cr_skip_test("NSGATE_MOF_CORPUS is not set");
    c = compile("cim-2.41/", "cim_schema_2.41.0.mof", false);
    cr_expect(mof_error_count(c) == 0, "%s", errors_of(c));
    cr_expect(mof_unit(c)->class_count == 1438 &&
              mof_unit(c)->qualifier_count == 70);
    mof_compilation_free(c);
}
