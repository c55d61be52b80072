#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "tests/policy/mof/compile.h"
#include "tests/policy/mof/same.h"

SUITE(mof_binary);

/* -- real files ------------------------------------------------------------- */

static const struct mof_options syntax_only = {.syntax_only = true};

static struct mof_compilation *
compile_path(const char *path, const struct mof_options *options)
{
    struct mof_compilation *c = mof_compilation_new(options);

    cr_assert(c != NULL);
    mof_compile_file(c, path);
    mof_check(c);
    cr_assert(mof_error_count(c) == 0, "%s: %s", path, errors_of(c));
    return c;
}

static int
is_binary(const struct dirent *e)
{
    const char *dot = strrchr(e->d_name, '.');

    return dot != NULL && strcmp(dot, ".bmf") == 0;
}

/* Calls visit with the path of each without its ".bmf"; how many. */
static int
each_binary(void (*visit)(const char *stem))
{
    char directory[1100], stem[1500];
    struct dirent **entries;
    int n;

    snprintf(directory, sizeof(directory), "%s/bmf", corpus());
    n = scandir(directory, &entries, is_binary, alphasort);
    for (int i = 0; i < n; i++) {
        snprintf(stem, sizeof(stem), "%s/%.*s", directory,
                 (int)strlen(entries[i]->d_name) - 4, entries[i]->d_name);
        visit(stem);
        free(entries[i]);
    }
    free(entries);
    return n;
}

static void
compare_decoded(const char *stem)
{
    char path[1600];
    struct mof_compilation *binary, *text;
    const char *difference;

    snprintf(path, sizeof(path), "%s.bmf", stem);
    binary = compile_path(path, &syntax_only);
    snprintf(path, sizeof(path), "%s.decoded.mof", stem);
    text = compile_path(path, &syntax_only);
    difference = classes_differ(mof_unit(binary), mof_unit(text));
    cr_expect(difference == NULL, "%s: %s", stem, difference);
    mof_compilation_free(binary);
    mof_compilation_free(text);
}

Test(mof_binary, reads_from_real_files_what_another_decoder_reads)
{
    if (corpus() == NULL)
        cr_skip_test("there is no corpus");
    cr_expect(each_binary(compare_decoded) >= 110);
}
