/*
 * Out of memory at each allocation in turn: an error is said, nothing is
 * half done, nothing leaks.  The linker's --wrap puts this between the
 * library and malloc.
 */
#include "tests/support/shortage.h"
#include <stdlib.h>
#include <string.h>

#include "tests/policy/mof/compile.h"

SUITE(memory);

static const char text[] =
    "#pragma namespace(\"root\\\\new\")\n"
    "class A { [key] string k = \"a\" \"b\"; A ref r; uint8 n[] = {1}; };\n"
    "class Many { [key] uint8 a; uint8 b; uint8 c; uint8 d; uint8 e;\n"
    " uint8 f; uint8 g; uint8 h; uint8 i; uint8 j; uint8 l; uint8 m;\n"
    " uint8 n; void x([in] A p); };\n"
    "instance of A as $a { k = \"1\"; r = $b; };\n"
    "instance of A as $b { k = \"2\"; n = {1, 2}; };\n"
    "instance of Many { a = 1; }; instance of Many { a = 2; b = 3; };\n"
    "[RequiresEncryption(TRUE)] instance of __SystemSecurity { };\n";

#define STATEMENTS 8

/* How many there are; SIZE_MAX if memory ran out on the way. */
static size_t
statements_count(const struct mof_compilation *c)
{
    struct mof_cursor cursor = {0};
    size_t count = 0;

    while (mof_unit_next(mof_unit(c), &cursor) != NULL)
        count++;
    return cursor.failed ? SIZE_MAX : count;
}

/* False once nothing failed any more. */
static bool
compile_failing_at(size_t n)
{
    struct mof_options options = {.world = test_world};
    struct mof_compilation *c;
    size_t count = SIZE_MAX;
    bool ran_out;

    shortage_begin(n);
    c = mof_compilation_new(&options);
    if (c != NULL) {
        mof_compile_buffer(c, "t.mof", text, strlen(text));
        if (mof_check(c) == 0)
            count = statements_count(c);
    }
    ran_out = shortage_end();
    /* Where only a place could not be worked out the rest is complete. */
    if (c != NULL && mof_error_count(c) == 0)
        cr_expect(count == STATEMENTS, "at %zu: %zu", n, count);
    if (c != NULL) {
        char *out = printed(c);

        cr_expect(mof_error_count(c) == 0 || strstr(out, "memory") != NULL,
                  "at %zu: %s", n, out);
        free(out);
    }
    mof_compilation_free(c);
    return ran_out;
}

Test(memory, running_out_of_it_drops_nothing_silently)
{
    size_t n = 0;

    /* What stays for the process is loaded first. */
    cr_assert(mof_system_class(SPAN("__Namespace")) != NULL);
    while (compile_failing_at(n))
        n++;
    cr_expect(n > 20);
}

/* -- every file of our own -------------------------------------------------- */

/* A compile of path in which the n-th allocation fails; false once nothing
 * fails any more.  Its unit as text in *out, absent after an error. */
static bool
file_failing_at(size_t n, const char *path, bool strict, struct buf *out,
                size_t *errors_out)
{
    struct mof_options options = {.world = test_world, .strict = strict};
    struct mof_compilation *c;
    bool ran_out;

    shortage_begin(n);
    c = mof_compilation_new(&options);
    if (c != NULL) {
        mof_compile_file(c, path);
        if (mof_check(c) == 0)
            mof_print_unit(out, mof_unit(c));
    }
    ran_out = shortage_end();
    *errors_out = c != NULL ? mof_error_count(c) : 1;
    mof_compilation_free(c);
    return ran_out;
}

static size_t files, failures;

static void
accept_short_of_memory(const char *path, const char *name)
{
    struct buf whole = BUF_INIT;
    size_t n, errors;
    bool ran_out = true;

    cr_assert(!file_failing_at(SIZE_MAX / 2, path, false, &whole, &errors));
    cr_assert(errors == 0 && !buf_failed(&whole), "%s", name);
    for (n = 0; ran_out; n++) {
        struct buf out = BUF_INIT;

        ran_out = file_failing_at(n, path, false, &out, &errors);
        if (errors == 0 && !buf_failed(&out))
            cr_expect(span_equal(buf_span(&out), buf_span(&whole)),
                      "%s at %zu:\n%s", name, n, out.data);
        buf_fini(&out);
    }
    buf_fini(&whole);
    files++;
    failures += n;
}

static void
reject_short_of_memory(const char *path, const char *name)
{
    size_t n, errors, length;
    char *bytes = test_read_file(path, &length);
    bool strict = strncmp(bytes, "// exit 3 strict", 16) == 0 ||
                  strncmp(bytes, "// exit 1 strict", 16) == 0;
    bool ran_out = true;

    for (n = 0; ran_out; n++) {
        struct buf out = BUF_INIT;

        ran_out = file_failing_at(n, path, strict, &out, &errors);
        cr_expect(errors > 0, "%s is accepted at %zu", name, n);
        buf_fini(&out);
    }
    free(bytes);
    files++;
    failures += n;
}

Test(memory, running_out_of_it_gives_the_whole_unit_or_an_error)
{
    cr_assert(mof_system_class(SPAN("__Namespace")) != NULL);
    files = failures = 0;
    each_mof_file("tests/mof/accept", accept_short_of_memory);
    cr_expect(files > 60 && failures > 20 * files, "%zu %zu", files, failures);
}

Test(memory, running_out_of_it_never_accepts_what_is_wrong)
{
    cr_assert(mof_system_class(SPAN("__Namespace")) != NULL);
    files = failures = 0;
    each_mof_file("tests/mof/reject", reject_short_of_memory);
    cr_expect(files > 120 && failures > 20 * files, "%zu %zu", files,
              failures);
}

/* Errors, a warning, details and a long line. */
static const char of_syntax[] =
    "class A { uint8 x; string x; boolean b = \"true\"; };\n"
    "class B { uint8 x y; /*                                             "
    "                                                                    "
    "                                                                    "
    "*/ };\ninstance of A { x = 1; x = 2; };\n";

/* Names that are nearly others, and a class that is elsewhere. */
static const char of_names[] =
    "class Disk { [key] uint8 Id; [Overide(\"x\")] uint8 Size; };\n"
    "instance of Dsik { Id = 1; };\ninstance of Disk { Id = 1; Siez = 2; };\n"
    "#pragma namespace(\"root\\\\other\")\ninstance of Disk { Id = 1; };\n"
    "class B { unit8 x; };\n";

/* Where only a place could not be worked out the rest is complete. */
static size_t
words_of(const char *shown)
{
    size_t n = 0;

    for (; *shown != '\0'; shown++)
        n += strncmp(shown, ": error 0x", 10) == 0 ||
             strncmp(shown, ": warning 0x", 12) == 0 ||
             strncmp(shown, ": note: ", 8) == 0;
    return n;
}

/* Out of memory while diagnostics are made or shown: never a text that ends
 * early and looks whole. */
static bool
report_failing_at(size_t n, const char *mistakes, const char *whole)
{
    struct mof_options options = {.world = test_world};
    struct mof_style style = {.columns = 60};
    struct buf out = BUF_INIT;
    struct mof_compilation *c;
    bool ran_out;

    shortage_begin(n);
    c = mof_compilation_new(&options);
    if (c != NULL) {
        mof_compile_buffer(c, "t.mof", mistakes, strlen(mistakes));
        mof_check(c);
        mof_diagnostics_render(c, &style, &out);
    }
    ran_out = shortage_end();
    if (c != NULL && !buf_failed(&out))
        cr_expect(words_of(out.data) == words_of(whole) ||
                      strstr(out.data, "out of memory") != NULL,
                  "at %zu: %s", n, out.data);
    buf_fini(&out);
    mof_compilation_free(c);
    return ran_out;
}

static void
fail_each(const char *mistakes, size_t least)
{
    struct mof_options options = {.world = test_world};
    struct mof_style style = {.columns = 60};
    struct buf whole = BUF_INIT;
    struct mof_compilation *c = compile_text(mistakes, &options);
    size_t n = 0;

    mof_diagnostics_render(c, &style, &whole);
    cr_assert(!buf_failed(&whole));
    while (report_failing_at(n, mistakes, whole.data))
        n++;
    cr_expect(n > least, "%zu", n);
    buf_fini(&whole);
    mof_compilation_free(c);
}

Test(memory, running_out_of_it_cuts_no_diagnostic_short)
{
    fail_each(of_syntax, 20);
    cr_assert(mof_system_class(SPAN("__Namespace")) != NULL);
    fail_each(of_names, 30);
}

static const char objects[] =
    "[Q{\"a\", \"b\"}, F(TRUE) : ToSubclass] class A { [key] string K; "
    "uint8 B[3]; uint32 M([in, out] uint8 p, [in] A q); };\n"
    "instance of A as $a { K = \"x\"; };\n"
    "#pragma namespace(\"root\\\\new\")\nclass C { [key] object ref R; };\n"
    "instance of C { R = $a; };\ninstance of C { R = \"x\"; };\n";

/* Text to binary, which is read again: it is the same or nothing. */
static bool
binary_failing_at(size_t n, struct span whole)
{
    struct mof_options options = {.standalone = true};
    struct mof_compilation *c, *again = NULL;
    struct buf out = BUF_INIT;
    bool ran_out;
    int r = -1;

    shortage_begin(n);
    c = mof_compilation_new(&options);
    if (c != NULL) {
        mof_compile_buffer(c, "t.mof", objects, strlen(objects));
        mof_check(c);
        r = mof_binary_write(c, &out);
    }
    if (r == 0)
        again = mof_compilation_new(&options);
    if (again != NULL) {
        mof_compile_buffer(again, "t.bmf", out.data, out.length);
        mof_check(again);
    }
    ran_out = shortage_end();
    cr_expect(r == 0 || c == NULL || mof_error_count(c) > 0, "at %zu", n);
    if (r == 0)
        cr_expect(span_equal(buf_span(&out), whole), "at %zu", n);
    if (again != NULL && mof_error_count(again) == 0)
        cr_expect(statements_count(again) == 7, "at %zu: %zu", n,
                  statements_count(again));
    mof_compilation_free(c);
    mof_compilation_free(again);
    buf_fini(&out);
    return ran_out;
}

Test(memory, running_out_of_it_makes_no_half_binary)
{
    struct mof_options options = {.standalone = true};
    struct mof_compilation *c = compile_text(objects, &options);
    struct buf whole = BUF_INIT;
    size_t n = 0;

    cr_assert(mof_binary_write(c, &whole) == 0);
    while (binary_failing_at(n, buf_span(&whole)))
        n++;
    cr_expect(n > 40, "%zu", n);
    buf_fini(&whole);
    mof_compilation_free(c);
}
