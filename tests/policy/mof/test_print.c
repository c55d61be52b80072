/* Text -> unit -> text -> unit: both units are the same, and printing the
 * second gives the same text again. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "tests/policy/mof/compile.h"
#include "tests/policy/mof/same.h"

SUITE(mof_print);

/* What c's unit prints as; malloc'ed. */
static char *
unit_text(const struct mof_compilation *c)
{
    struct buf out = BUF_INIT;

    buf_add_string(&out, "");
    mof_print_unit(&out, mof_unit(c));
    cr_assert(!buf_failed(&out));
    return buf_take(&out);
}

/* Compiles what `first` prints; malloc'ed text of it. */
static char *
round_trip(const struct mof_compilation *first,
           const struct mof_options *options, const char *name)
{
    char *text = unit_text(first), *again;
    struct mof_compilation *second = compile_text(text, options);
    const char *difference;

    cr_assert(mof_error_count(second) == 0, "%s: %s of\n%s", name,
              errors_of(second), text);
    difference = units_differ(mof_unit(first), mof_unit(second));
    cr_assert(difference == NULL, "%s: %s\n%s", name, difference, text);
    again = unit_text(second);
    cr_assert_str_eq(text, again);
    free(again);
    mof_compilation_free(second);
    return text;
}

/* The text that `source` prints as, after its round trip; malloc'ed. */
static char *
trip(const char *source)
{
    struct mof_options options = {.world = test_world};
    struct mof_compilation *c = compile_text(source, &options);
    char *text;

    cr_assert(mof_error_count(c) == 0, "%s: %s", source, errors_of(c));
    text = round_trip(c, &options, source);
    mof_compilation_free(c);
    return text;
}

#define HW "#pragma namespace(\"root\\\\hardware\")\n"

static const char *const forms[] = {
    "",
    "#pragma autorecover\n",
    "#pragma namespace(\"\\\\\\\\.\\\\Root\\\\New\\\\Deep\")\n",
    "#pragma namespace(\"root\")\ninstance of __Namespace {Name=\"Lab\";};\n",
    "class A {};",
    "[RequiresEncryption(TRUE)] instance of __systemSecurity { };",
    HW "[RequiresEncryption(FALSE)] instance of __SystemSecurity {};",
    "#pragma namespace(\"root\")\n[RequiresEncryption(TRUE)] instance of "
    "__Namespace { Name = \"Vault\"; };",
    HW "#pragma deleteclass(\"HW_Disk\", FAIL)\nclass HW_Disk {};",
    HW "#pragma deleteinstance(\"HW_Disk.Id=\\\"a\\\\\\\\b\\\"\", NOFAIL)",
    "#pragma deleteinstance(\"\\\\\\\\.\\\\root\\\\cimv2:__Namespace.Name="
    "\\\"ms\\\"\", FAIL)",
    "#pragma namespace(\"root\\\\q\")\n#pragma deleteinstance(\"\\\\\\\\.\\\\"
    "root:__Namespace.Name=\\\"q\\\"\", NOFAIL)\nclass A {};",
    HW "#pragma classflags(\"createonly\")\nclass A {};\n"
       "#pragma classflags(\"updateonly\")\nclass B {};\n"
       "#pragma classflags(\"createorupdate\")\nclass C {};",
    HW "#pragma classflags(\"createorupdate\")\nclass A {};",
    HW "#pragma instanceflags(\"updateonly\")\n"
       "instance of HW_Disk { Id = \"1\"; };\n"
       "#pragma instanceflags(\"createonly\")\n"
       "instance of HW_Disk { Id = \"2\"; };",
    /* what names can be */
    "class instance { string class; [key] uint8 of; boolean as; string ref; "
    "string qualifier; string Property; datetime datetime; };\n"
    "instance of instance { class = \"x\"; of = 3; };",
    "class ref { string a; }; class X { ref ref; ref ref r; object o; "
    "object ref p; ref many[]; object ref few[3]; object any[]; };",
    /* values */
    "class V { boolean b = TRUE; boolean n = NULL; char16 c = 'x'; "
    "char16 q = '\\''; char16 s = '\\\\'; char16 h = '\\xD800'; "
    "char16 z = '\\x0'; char16 u = 65; string t = \"\"; };",
    "class V { uint8 a = 255; sint8 b = -128; uint16 c = 0xffff; "
    "sint16 d = -32768; uint32 e = 4294967295; sint32 f = -2147483648; "
    "uint64 g = 18446744073709551615; sint64 h = -9223372036854775808; };",
    "class V { real32 a = 1.5; real64 b = 0.1; real64 c = -0.0; "
    "real64 d = 1e300; real64 e = 5; real64 f = 2.2250738585072014e-308; "
    "real32 g = 3.4e38; real64 h = 0.30000000000000004; };",
    "class V { datetime a = \"20260101000000.000000+000\"; "
    "datetime b = \"00000001000000.000000:000\"; };",
    "class V { uint8 a[] = {}; uint8 b[3] = {1, 2, 3}; "
    "string c[] = {\"a\", NULL, \"b\"}; boolean d[MAX] = {TRUE}; "
    "real64 e[] = {1.0, 2}; char16 f[] = {'a', '\\x1234'}; "
    "datetime g[] = NULL; };",
    "class V { string a = \"\\b\\t\\n\\f\\r\\\"\\'\\\\\"; "
    "string b = \"\\x1\" \"f\\x7F\" \"0\\x1fz\"; "
    "string c = \"\xc3\xa4\xe2\x82\xac\xf0\x9f\x92\xa9\"; "
    "string d = \"// no */ comment\"; };",
    "class V { string a = \"a sentence that is long enough to be written in "
    "pieces, because nobody wants to read a line that does not end; and\\n"
    "lines of its own\\n\" \"are kept\\n\"; };",
    /* qualifiers */
    "[A, B(FALSE), C(5), D(-5), E(5000000000), F(1.5), G(\"s\"), H('c'), "
    "I{1, 2}, J{\"a\", \"b\"}, K{}, L{TRUE, FALSE}, M(18446744073709551615), "
    "N{1, 5000000000}, O(NULL), P{1.0, 2.5}, Q{'a'}, R(-2147483648), "
    "S(1.0), T{\"a\", NULL}]\nclass Q {};",
    "[A : ToInstance, B(1) : ToSubclass DisableOverride, C : Restricted, "
    "D(\"x\") : Amended Translatable EnableOverride, "
    "E{\"x\"} : NotToSubclass NotToInstance]\nclass Q {};",
    "[Description(\"a\") : Amended, abstract] class A { [key, read] string K;"
    " [Values{\"a\", \"b\"} : ToSubclass] uint8 E; };",
    "Qualifier A : boolean = FALSE, Scope(any), Flavor(DisableOverride);\n"
    "Qualifier B : string[] = {\"x\"}, Scope(class, property, parameter), "
    "Flavor(EnableOverride, ToSubclass, Translatable);\n"
    "Qualifier C : string = NULL, Scope(schema);\n"
    "Qualifier D : uint32;\n",
    /* methods */
    "class M { void a(); uint32 b([in] string x, [out] uint8 y[], "
    "[in, out] M ref z, boolean d = TRUE, object o); "
    "[implemented, static] M self([in] M m[4]); string s(); };",
    /* classes of classes */
    "class A { [key] string K; };\nclass B : A { A Inner; A ref Outer; };\n"
    "[association] class L { [key] A ref One; [key] B ref Two; };\n"
    "instance of A as $a { K = \"a\"; };\n"
    "instance of B as $b { K = \"b\"; Inner = instance of A { K = \"in\"; }; "
    "Outer = $a; };\ninstance of L { One = $a; Two = $b; };",
    "class P { string S; }; class H { [key] uint32 N; P One; P Many[]; "
    "[EmbeddedInstance(\"P\")] string E; };\n"
    "instance of P as $p { S = \"s\"; };\n"
    "[locale(1033)] instance of H { N = 1; [q(1) : ToInstance] One = $p; "
    "Many = { instance of P {}, $p, instance of P { S = NULL; } }; E = $p; };",
    "[singleton] class S { uint8 V; string W; };\n"
    "instance of S { V; W = \"x\"; };",
    "#pragma namespace(\"root\\\\cimv2\")\nclass A { [key] uint8 k; };\n"
    "instance of A as $a { k = 1; };\n#pragma namespace(\"root\\\\hardware\")"
    "\nclass R { [key] string k; object ref r; };\n"
    "instance of R { k = \"x\"; r = $a; };\n"
    "instance of HW_Disk { Id = \"1\"; };",
};

Test(mof_print, writes_text_that_compiles_to_the_same_unit)
{
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++)
        free(trip(forms[i]));
}

static int
is_mof(const struct dirent *e)
{
    const char *dot = strrchr(e->d_name, '.');

    return dot != NULL && strcmp(dot, ".mof") == 0;
}

Test(mof_print, writes_the_accepted_files_so_that_they_compile_to_the_same)
{
    const char *directory = test_source_path("tests/mof/accept");
    struct mof_options options = {.world = test_world};
    struct dirent **entries;
    int n = scandir(directory, &entries, is_mof, alphasort);

    cr_assert(n > 20);
    for (int i = 0; i < n; i++) {
        struct mof_compilation *c = mof_compilation_new(&options);
        char path[2048];

        snprintf(path, sizeof(path), "%s/%s",
                 test_source_path("tests/mof/accept"), entries[i]->d_name);
        mof_compile_file(c, path);
        cr_assert(mof_check(c) == 0, "%s", path);
        free(round_trip(c, &options, path));
        mof_compilation_free(c);
        free(entries[i]);
    }
    free(entries);
}

Test(mof_print, says_true_and_the_namespace_and_looks_like_a_person_wrote_it)
{
    char *text = trip("#pragma namespace(\"root\\\\Hardware\")\n"
                      "[RequiresEncryption(true)] instance of "
                      "__systemSecurity { };\n"
                      "[abstract] class A : HW_Disk { [read, Values{\"a\", "
                      "\"b\"}] uint8 E[2] = {1,2}; uint32 m([in] A x); };");

    cr_assert_str_eq(text, "#pragma namespace(\"\\\\\\\\.\\\\root\\\\Hardware"
                           "\")\n"
                           "[RequiresEncryption(TRUE)]\n"
                           "instance of __SystemSecurity { };\n"
                           "\n"
                           "[abstract(TRUE)]\n"
                           "class A : HW_Disk\n"
                           "{\n"
                           "    [read(TRUE),\n"
                           "     Values{\"a\",\n"
                           "        \"b\"}]\n"
                           "    uint8 E[2] = {1, 2};\n"
                           "    uint32 m(\n"
                           "        [in(TRUE)]\n"
                           "        A x);\n"
                           "};\n");
    free(text);
}

Test(mof_print, remembers_that_memory_ran_out)
{
    struct mof_compilation *c = compile_in_world("class A {};");
    struct buf out = {.failed = true};

    mof_print_unit(&out, mof_unit(c));
    cr_assert(buf_failed(&out));
    mof_compilation_free(c);
}

static struct mof_compilation *
compile_from_corpus(const char *name)
{
    struct mof_compilation *c = mof_compilation_new(NULL);
    char path[2048];

    snprintf(path, sizeof(path), "%s/%s", corpus(), name);
    mof_compile_file(c, path);
    mof_check(c);
    return c;
}

/* Those that need no class of somebody else. */
Test(mof_print, writes_real_files_so_that_they_compile_to_the_same)
{
    char path[1024], *text, *rest, *line;
    size_t tripped = 0;

    if (corpus() == NULL)
        cr_skip_test("there is no corpus");
    snprintf(path, sizeof(path), "%s/index.tsv", corpus());
    text = rest = test_read_file(path, NULL);
    strsep(&rest, "\n");
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *name = strsep(&line, "\t");
        struct mof_compilation *c;

        if (line == NULL || strstr(line, "binary") != NULL)
            continue;
        c = compile_from_corpus(name);
        if (mof_error_count(c) == 0) {
            free(round_trip(c, NULL, name));
            tripped++;
        }
        mof_compilation_free(c);
    }
    fprintf(stderr, "# printed and compiled again: %zu files\n", tripped);
    cr_expect(tripped > 100);
    free(text);
}

Test(mof_print, writes_the_whole_schema_2_41)
{
    struct mof_compilation *c;

    if (corpus() == NULL)
        cr_skip_test("there is no corpus");
    c = compile_from_corpus("cim-2.41/cim_schema_2.41.0.mof");
    cr_assert(mof_unit(c)->class_count == 1438);
    free(round_trip(c, NULL, "the schema"));
    mof_compilation_free(c);
}
