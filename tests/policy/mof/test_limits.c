/*
 * The named limits of compilation.h, each at its edge and one beyond it
 * (threat 32).
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/mof/compilation.h"
#include "tests/policy/mof/compile.h"

SUITE(limits);

/* n times part, with %zu in it counting from 0. */
static void
add_counted(struct buf *b, const char *before, const char *after, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_addf(b, "%s%zu%s", before, i, after);
}

static void
add_times(struct buf *b, const char *part, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add_string(b, part);
}

static void
text_depth(struct buf *b, size_t n)
{
    buf_add_string(b, "class A { [key] uint8 k = 1; A a; };\n"
                      "instance of A { ");
    add_times(b, "a = instance of A { ", n);
    add_times(b, "}; ", n);
    buf_add_string(b, "};\n");
}

/* Instances that only the syntax alone lets through. */
static void
text_nested(struct buf *b, size_t n)
{
    buf_add_string(b, "instance of A { ");
    add_times(b, "instance of A { ", n);
    add_times(b, "}; ", n);
    buf_add_string(b, "};\n");
}

static void
text_string(struct buf *b, size_t n)
{
    buf_add_string(b, "class A { string s = \"");
    add_times(b, "x", n - 1);
    buf_add_string(b, "\" \"y\"; };\n");
}

static void
text_keys(struct buf *b, size_t n)
{
    buf_add_string(b, "class A { ");
    add_counted(b, "[key] uint8 k", "; ", n);
    buf_add_string(b, "};\n");
}

/* n classes above the last one. */
static void
text_superclasses(struct buf *b, size_t n)
{
    buf_add_string(b, "class C0 { };\n");
    for (size_t i = 1; i <= n; i++)
        buf_addf(b, "class C%zu : C%zu { };\n", i, i - 1);
}

/* k="..." is four bytes more than what is in it. */
static void
text_key(struct buf *b, size_t n)
{
    buf_add_string(b, "class A { [key] string k; };\n"
                      "instance of A { k = \"");
    add_times(b, "x", n - 4);
    buf_add_string(b, "\"; };\n");
}

/* An alias that leads to another and so on, n of them. */
static void
text_aliases(struct buf *b, size_t n)
{
    buf_add_string(b, "class A { [key] uint8 k; A a; };\n");
    for (size_t i = 0; i < n; i++)
        buf_addf(b, "instance of A as $a%zu { k = 1; a = $a%zu; };\n", i,
                 i + 1);
    buf_addf(b, "instance of A as $a%zu { k = 1; };\n", n);
}

static void
text_tokens(struct buf *b, size_t n)
{
    add_times(b, ";", n - 1);
}

static const struct {
    const char *name;
    void (*make)(struct buf *b, size_t n);
    size_t limit;
    uint32_t code;
    bool syntax_only;
} rows[] = {
    {"depth", text_depth, LIMIT_DEPTH, 0x80044017, false},
    {"nested", text_nested, LIMIT_DEPTH, 0x80044017, true},
    {"string", text_string, LIMIT_STRING_BYTES, 0x8004401D, false},
    {"keys", text_keys, LIMIT_KEYS, 0x8004101F, false},
    {"superclasses", text_superclasses, LIMIT_SUPERCLASSES, 0x8004100D, false},
    {"key", text_key, LIMIT_KEY_BYTES, 0x8004103A, false},
    {"aliases", text_aliases, LIMIT_ALIAS_DEPTH, 0x80041047, false},
    {"tokens", text_tokens, LIMIT_TOKENS - 1, 0x8004401E, true},
};

static struct mof_compilation *
compile_row(size_t row, size_t n)
{
    struct mof_options options = {.world = test_world,
                                  .syntax_only = rows[row].syntax_only};
    struct buf b = BUF_INIT;
    struct mof_compilation *c;

    rows[row].make(&b, n);
    cr_assert(!buf_failed(&b));
    c = compile_text(b.data, &options);
    buf_fini(&b);
    return c;
}

Test(limits, let_through_what_reaches_them_and_nothing_beyond)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct mof_compilation *c = compile_row(i, rows[i].limit);

        cr_expect(mof_error_count(c) == 0, "%s: %s", rows[i].name,
                  errors_of(c));
        mof_compilation_free(c);
        c = compile_row(i, rows[i].limit + 1);
        cr_expect(mof_error_count(c) > 0, "%s", rows[i].name);
        cr_expect(mof_error_count(c) > 0 &&
                      diagnostic_of(c, MOF_ERROR, 0)->code == rows[i].code &&
                      diagnostic_of(c, MOF_ERROR, 0)->where.line > 0,
                  "%s: %s", rows[i].name, errors_of(c));
        mof_compilation_free(c);
    }
}

Test(limits, bound_the_values_of_one_instance)
{
    struct buf b = BUF_INIT;
    struct mof_compilation *c;

    /* Half of them twice. */
    buf_add_string(&b, "class A { uint8 v[]; A a; A b; };\n"
                       "instance of A as $a { v = {1");
    add_times(&b, ",1", LIMIT_EMBEDDED_VALUES / 2);
    buf_add_string(&b, "}; };\nclass B { [key] uint8 k; A a; A b; };\n"
                       "instance of B { k = 1; a = $a; b = $a; };\n");
    c = compile_in_world(b.data);
    cr_expect_str_eq(errors_of(c), "4:36 0x8004401D");
    mof_compilation_free(c);
    buf_fini(&b);
}

/* -- includes -------------------------------------------------------------- */

static void
write_file(const char *directory, const char *name, const char *text)
{
    char path[400];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    test_write_file(path, text, strlen(text));
}

static struct mof_compilation *
compile_file(const char *directory, const char *name)
{
    struct mof_options options = {.world = test_world, .max_errors = 1};
    struct mof_compilation *c = mof_compilation_new(&options);
    char path[400];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    cr_assert(c != NULL);
    mof_compile_file(c, path);
    mof_check(c);
    return c;
}

Test(limits, bound_how_deep_files_include_each_other)
{
    const char *directory = test_directory();
    struct mof_compilation *c;
    char name[40], text[80];

    for (int i = LIMIT_INCLUDE_DEPTH + 1; i >= 0; i--) {
        snprintf(name, sizeof(name), "%d.mof", i);
        snprintf(text, sizeof(text), "#include \"%d.mof\"\n", i + 1);
        write_file(directory, name,
                   i <= LIMIT_INCLUDE_DEPTH ? text : "class A { };");
    }
    c = compile_file(directory, "1.mof");
    cr_expect(mof_error_count(c) == 0, "%s", errors_of(c));
    mof_compilation_free(c);
    c = compile_file(directory, "0.mof");
    cr_expect_str_eq(errors_of(c), "1:10 0x80044030");
    mof_compilation_free(c);
}

Test(limits, bound_how_many_files_are_included)
{
    const char *directory = test_directory();
    struct buf b = BUF_INIT;
    struct mof_compilation *c;

    write_file(directory, "empty.mof", "");
    add_times(&b, "#include \"empty.mof\"\n", LIMIT_INCLUDE_FILES);
    write_file(directory, "most.mof", b.data);
    add_times(&b, "#include \"empty.mof\"\n", 1);
    write_file(directory, "more.mof", b.data);
    c = compile_file(directory, "most.mof");
    cr_expect(mof_error_count(c) == 0, "%s", errors_of(c));
    mof_compilation_free(c);
    c = compile_file(directory, "more.mof");
    cr_expect_str_eq(errors_of(c), "10001:10 0x80044030");
    mof_compilation_free(c);
    buf_fini(&b);
}

Test(limits, bound_how_much_is_included)
{
    const char *directory = test_directory();
    size_t size = LIMIT_INCLUDE_BYTES / 4;
    char *blank = malloc(size + 1);
    struct mof_compilation *c;

    cr_assert(blank != NULL);
    memset(blank, ' ', size);
    blank[size] = '\0';
    write_file(directory, "blank.mof", blank);
    free(blank);
    write_file(directory, "more.mof",
               "#include \"blank.mof\"\n#include \"blank.mof\"\n"
               "#include \"blank.mof\"\n#include \"blank.mof\"\n"
               "#include \"blank.mof\"\n");
    c = compile_file(directory, "more.mof");
    cr_expect_str_eq(errors_of(c), "5:10 0x80044030");
    mof_compilation_free(c);
}

Test(limits, refuse_a_huge_file_before_it_is_read)
{
    const char *directory = test_directory();
    struct mof_compilation *c;
    char path[400];
    int fd;

    snprintf(path, sizeof(path), "%s/huge.mof", directory);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && ftruncate(fd, (off_t)SOURCE_BYTES_MAX + 1) == 0);
    close(fd);
    c = compile_file(directory, "huge.mof");
    cr_expect(mof_error_count(c) == 1);
    cr_expect(strstr(diagnostic_of(c, MOF_ERROR, 0)->text, "large") != NULL,
              "%s", diagnostic_of(c, MOF_ERROR, 0)->text);
    mof_compilation_free(c);
}

Test(limits, bound_the_warnings_that_are_shown)
{
    char *text =
        repeated("", "class A { uint8 x = 1.5; };\n", LIMIT_WARNINGS + 50, "");
    struct mof_compilation *c = compile_in_world(text);

    cr_expect(mof_error_count(c) == 0);
    cr_expect(count_of(c, MOF_WARNING) == LIMIT_WARNINGS);
    cr_expect(strstr(diagnostic_of(c, MOF_NOTE, 0)->text, "50") != NULL, "%s",
              diagnostic_of(c, MOF_NOTE, 0)->text);
    mof_compilation_free(c);
    free(text);
}
