/*
 * Our own files: each in tests/mof/accept compiles without an error (those
 * called warns_* with a warning), each in tests/mof/reject says in its first
 * line which errors it has: // [strict] line:column code, ...
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "tests/policy/mof/compile.h"

SUITE(mof_files);

static int
is_mof(const struct dirent *e)
{
    const char *dot = strrchr(e->d_name, '.');

    return dot != NULL && strcmp(dot, ".mof") == 0;
}

/* Calls visit for each file; how many there were. */
static int
each_file(const char *folder,
          void (*visit)(const char *path, const char *name))
{
    char directory[1024], path[2048];
    struct dirent **entries;
    int n;

    snprintf(directory, sizeof(directory), "%s", test_source_path(folder));
    n = scandir(directory, &entries, is_mof, alphasort);
    cr_assert(n >= 0, "%s", directory);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
        visit(path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return n;
}

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

static void
accept(const char *path, const char *name)
{
    struct mof_compilation *c = compile(path, false);
    char *text = printed(c);
    bool warns = strncmp(name, "warns_", 6) == 0;

    cr_expect(mof_error_count(c) == 0, "%s", text);
    cr_expect((count_of(c, MOF_WARNING) > 0) == warns, "%s: %s", name, text);
    free(text);
    mof_compilation_free(c);
}

/* The first line as ASCII, whatever the encoding. */
static void
first_line(const char *path, char out[400])
{
    size_t length, used = 0;
    char *bytes = test_read_file(path, &length);

    for (size_t i = 0; i < length && used < 399 && bytes[i] != '\n'; i++) {
        if (bytes[i] >= ' ' && bytes[i] <= '~')
            out[used++] = bytes[i];
    }
    out[used] = '\0';
    free(bytes);
}

static void
reject(const char *path, const char *name)
{
    struct mof_compilation *c;
    char line[400];
    const char *expected = line + 3;
    bool strict;

    first_line(path, line);
    cr_assert(strncmp(line, "// ", 3) == 0, "%s", name);
    strict = strncmp(expected, "strict ", 7) == 0;
    if (strict)
        expected += 7;
    c = compile(path, strict);
    cr_expect(strcmp(errors_of(c), expected) == 0, "%s: expected %s, got %s",
              name, expected, errors_of(c));
    mof_compilation_free(c);
}

Test(mof_files, accepts_what_is_right)
{
    cr_assert(each_file("tests/mof/accept", accept) > 20);
}

Test(mof_files, rejects_each_mistake_at_its_place_with_its_code)
{
    cr_assert(each_file("tests/mof/reject", reject) > 80);
}
