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

/* -- text to binary and back ------------------------------------------------ */

static const struct mof_options standalone = {.standalone = true};

static struct mof_compilation *
compile_bytes(struct span bytes, const struct mof_options *options)
{
    struct mof_compilation *c = mof_compilation_new(options);

    cr_assert(c != NULL);
    mof_compile_buffer(c, "t.bmf", bytes.data, bytes.length);
    mof_check(c);
    return c;
}

static void
expect_same(const struct mof_compilation *a, const struct mof_compilation *b,
            const char *name)
{
    const char *difference = units_differ(mof_unit(a), mof_unit(b));

    cr_assert(mof_error_count(b) == 0, "%s: %s", name, errors_of(b));
    cr_assert(difference == NULL, "%s: %s", name, difference);
}

/* first -> binary -> unit -> text -> unit, all the same. */
static void
round_trip(struct mof_compilation *first, const char *name)
{
    struct buf bytes = BUF_INIT, text = BUF_INIT;
    struct mof_compilation *second, *third;

    cr_assert(mof_binary_write(first, &bytes) == 0, "%s: %s", name,
              printed(first));
    second = compile_bytes(buf_span(&bytes), &standalone);
    expect_same(first, second, name);
    mof_print_unit(&text, mof_unit(second));
    third = compile_bytes(buf_span(&text), &standalone);
    expect_same(second, third, name);
    mof_compilation_free(second);
    mof_compilation_free(third);
    buf_fini(&bytes);
    buf_fini(&text);
}

static const char *const forms[] = {
    "class A {};",
    "#pragma namespace(\"\\\\\\\\.\\\\Root\\\\Wmi\")\nclass A : WMIEvent {};"
    "#pragma namespace(\"root\\\\default\")\nclass B {};",
    "[Dynamic, Provider(\"WmiProv\"), Locale(\"MS\\\\0x409\"), "
    "Description(\"a \xc3\xa4\xf0\x9f\x92\xa9\") : Amended ToSubclass, "
    "guid(\"{1}\"), n(-5), m(2147483647), l(-2147483648), f(FALSE), "
    "e(\"\")] class A { [key, read] string InstanceName; boolean Active; "
    "[WmiDataId(1), Values{\"a\", \"\", \"c\"}, ValueMap{\"0\", \"1\", \"2\"},"
    " Bits{1, -2, 3} : ToInstance DisableOverride] uint8 E[8]; };",
    "class T { boolean a; char16 b; string c; datetime d; uint8 e; sint8 f; "
    "uint16 g; sint16 h; uint32 i; sint32 j; uint64 k; sint64 l; real32 m; "
    "real64 n; object o; T p; T ref q; object ref r; }; class U { "
    "boolean a[]; char16 b[2]; string c[3]; datetime d[]; uint8 e[1]; "
    "uint64 k[]; real32 m[]; object o[]; T p[4]; T ref q[]; };",
    "class D { string s = \"x\"; boolean t = TRUE; boolean f = FALSE; "
    "sint32 i = -1; string l[] = {\"a\", \"b\"}; sint32 m[2] = {1, 2}; "
    "[Max(64)] uint8 n[]; [q] string e = \"\"; };",
    "class M { void none(); [Implemented, WmiMethodId(3)] uint32 "
    "all([in] uint8 a, [out, Description(\"x\")] string b[], [in, out, "
    "Values{\"p\"} : ToSubclass] M c, [out(TRUE), in(TRUE)] M ref d); "
    "M embedded([in] object o); boolean only(); void in([in(TRUE)] uint8 x); "
    "[static] object ref out([out] sint64 x[5]); "
    "void ids([in, id(0)] uint8 x, [out, ID(1)] uint8 y, "
    "[in, out, Id(2) : ToSubclass] string z); };",
    "class H { [key] string Name; }; class R { [key] H ref Of; string L[]; "
    "sint32 N; boolean B; sint32 M[]; string U[]; };\n"
    "[locale(1033) : ToInstance] instance of H as $h { Name = \"a\\\"b\"; };\n"
    "instance of R { [q : ToSubclass] Of = $later; U = NULL; L = {\"x\", "
    "\"y\"}; N = -7;"
    " B = FALSE; M = {1, 2}; };\n"
    "instance of H as $later { Name = \"\"; };\n"
    "instance of R { Of = \"H.Name=\\\"z\\\"\"; };",
    "#pragma namespace(\"root\")\ninstance of __Namespace { Name = \"Lab\"; "
    "};\n#pragma namespace(\"root\\\\Lab\")\n[RequiresEncryption(TRUE)] "
    "instance of __SystemSecurity { };\nclass A {};",
    "#pragma classflags(\"forceupdate\")\nclass A {};\n"
    "#pragma classflags(\"updateonly\", \"safeupdate\")\nclass B {};\n"
    "#pragma classflags(\"createorupdate\")\nclass C {};\n"
    "#pragma classflags(\"createonly\")\nclass D {};",
};

Test(mof_binary, writes_what_reads_back_as_the_same_unit)
{
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
        struct mof_compilation *c = compile_text(forms[i], &standalone);

        cr_assert(mof_error_count(c) == 0, "%s: %s", forms[i], errors_of(c));
        round_trip(c, forms[i]);
        mof_compilation_free(c);
    }
}

/* A class of 3000 properties: many blocks, copies from far away. */
Test(mof_binary, packs_and_unpacks_large_units)
{
    char *text = repeated("class A {", "", 0, "");
    struct buf all = BUF_INIT;
    struct mof_compilation *c;
    struct buf bytes = BUF_INIT;

    buf_add_string(&all, text);
    for (int i = 0; i < 3000; i++)
        buf_addf(&all, "[Description(\"number %d, %x\")] uint32 P%d;", i,
                 (unsigned)i * 2654435761u, i);
    buf_add_string(&all, "};");
    c = compile_text(all.data, &standalone);
    round_trip(c, "3000 properties");
    cr_assert(mof_binary_write(c, &bytes) == 0);
    /* UTF-16 and records of zeros pack well. */
    cr_expect(bytes.length < all.length, "%zu of %zu", bytes.length,
              all.length);
    buf_fini(&bytes);
    buf_fini(&all);
    free(text);
    mof_compilation_free(c);
}

static void
rewrite(const char *stem)
{
    char path[1600];
    struct mof_compilation *c;

    snprintf(path, sizeof(path), "%s.bmf", stem);
    c = compile_path(path, &standalone);
    round_trip(c, path);
    mof_compilation_free(c);
    snprintf(path, sizeof(path), "%s.decoded.mof", stem);
    c = compile_path(path, &standalone);
    round_trip(c, path);
    mof_compilation_free(c);
}

Test(mof_binary, writes_real_files_again_as_the_same_unit)
{
    if (corpus() == NULL)
        cr_skip_test("there is no corpus");
    cr_expect(each_binary(rewrite) >= 110);
}
