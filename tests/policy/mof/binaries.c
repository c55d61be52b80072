#include "tests/policy/mof/binaries.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "policy/mof/binary.h"

const struct mof_options standalone = {.standalone = true};
const struct mof_options syntax_only = {.syntax_only = true};

struct mof_compilation *
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

int
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

struct mof_compilation *
compile_bytes(struct span bytes, const struct mof_options *options)
{
    struct mof_compilation *c = mof_compilation_new(options);

    cr_assert(c != NULL);
    mof_compile_buffer(c, "t.bmf", bytes.data, bytes.length);
    mof_check(c);
    return c;
}

struct buf
binary_of(const char *text)
{
    struct mof_compilation *c = compile_text(text, &standalone);
    struct buf out = BUF_INIT;

    cr_assert(mof_binary_write(c, &out) == 0, "%s: %s", text, printed(c));
    mof_compilation_free(c);
    return out;
}

struct buf
unpacked_of(const char *text)
{
    struct buf packed = binary_of(text), out = BUF_INIT;
    struct binary_problem problem;
    uint32_t length;
    char *bytes;

    cr_assert(binary_unpack((unsigned char *)packed.data, packed.length,
                            &bytes, &length, &problem));
    buf_add(&out, bytes, length);
    free(bytes);
    buf_fini(&packed);
    return out;
}

struct mof_compilation *
compile_unpacked(struct span data, const struct mof_options *options)
{
    struct buf packed = BUF_INIT;
    struct mof_compilation *c;

    cr_assert(binary_pack(&packed, data));
    c = compile_bytes(buf_span(&packed), options);
    buf_fini(&packed);
    return c;
}
