#include <stdlib.h>
#include <string.h>

#include "policy/mof/binary.h"
#include "tests/policy/mof/binaries.h"
#include "tests/policy/mof/same.h"

SUITE(mof_binary_write);

/* -- text to binary and back ------------------------------------------------ */

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
    "qualifier Q : ToSubclass ToInstance;\n[Q(1)] class A as $A {};\n"
    "class B { [key] A ref a; };\ninstance of B { a = $A; };",
    "#pragma classflags(\"forceupdate\")\nclass A {};\n"
    "#pragma classflags(\"updateonly\", \"safeupdate\")\nclass B {};\n"
    "#pragma classflags(\"createorupdate\")\nclass C {};\n"
    "#pragma classflags(\"createonly\")\nclass D {};",
};

Test(mof_binary_write, writes_what_reads_back_as_the_same_unit)
{
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
        struct mof_compilation *c = compile_text(forms[i], &standalone);

        cr_assert(mof_error_count(c) == 0, "%s: %s", forms[i], errors_of(c));
        round_trip(c, forms[i]);
        mof_compilation_free(c);
    }
}

/* A class of 3000 properties: many blocks, copies from far away. */
Test(mof_binary_write, packs_and_unpacks_large_units)
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

/* Eight bytes that come again so far behind: each form of a copy, its ends,
 * and the distance that means something else. */
Test(mof_binary_write, packs_copies_from_every_distance)
{
    static const uint32_t distances[] = {8,   9,   63,   64,   65,   319,
                                         320, 321, 4413, 4414, 4415, 4416};
    static const char again[] = "FOMBFOMB";

    for (size_t i = 0; i < ARRAY_COUNT(distances); i++) {
        struct buf data = BUF_INIT, packed = BUF_INIT;
        struct binary_problem problem;
        uint32_t length, state = 1;
        char *bytes;

        buf_add(&data, again, 8);
        while (data.length < distances[i]) {
            state = state * 1103515245u + 12345u;
            buf_add_char(&data, (char)(0x80 | state >> 24));
        }
        buf_add(&data, again, 8);
        cr_assert(binary_pack(&packed, buf_span(&data)));
        cr_assert(binary_unpack((unsigned char *)packed.data, packed.length,
                                &bytes, &length, &problem),
                  "%u: %s", distances[i], problem.text);
        cr_expect(span_equal((struct span){bytes, length}, buf_span(&data)),
                  "%u", distances[i]);
        free(bytes);
        buf_fini(&data);
        buf_fini(&packed);
    }
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

Test(mof_binary_write, writes_real_files_again_as_the_same_unit)
{
    if (corpus() == NULL)
        cr_skip_test("there is no corpus");
    cr_expect(each_binary(rewrite) >= 110);
}

static bool
fits(struct mof_compilation *c)
{
    struct buf out = BUF_INIT;
    bool ok = mof_error_count(c) == 0 && !mof_unit(c)->autorecover &&
              mof_binary_write(c, &out) == 0;

    buf_fini(&out);
    return ok;
}

Test(mof_binary_write, writes_real_texts_that_fit_as_the_same_unit)
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
        snprintf(path, sizeof(path), "%s/%s", corpus(), name);
        c = mof_compilation_new(&standalone);
        mof_compile_file(c, path);
        mof_check(c);
        if (fits(c)) {
            round_trip(c, name);
            tripped++;
        }
        mof_compilation_free(c);
    }
    fprintf(stderr, "# written as binary and read again: %zu texts\n",
            tripped);
    cr_expect(tripped > 50);
    free(text);
}

/* -- what can't be written -------------------------------------------------- */

static const struct {
    const char *text, *errors; /* of the source; "": it is written */
    const char *words;
} refusals[] = {
    {"#pragma deleteclass(\"A\", FAIL)\nclass A {};", "1:21 0x8004100C",
     "binary MOF can't hold #pragma deleteclass"},
    {"#pragma deleteinstance(\"A=@\", NOFAIL)", "1:24 0x8004100C",
     "binary MOF can't hold #pragma deleteinstance"},
    {"Qualifier Q : boolean = FALSE;", "1:1 0x8004100C",
     "binary MOF can't hold the declaration of a qualifier"},
    {"#pragma namespace(\"root\\\\x\")\n#pragma namespace(\"root\\\\y\")\n"
     "class A {};",
     "1:19 0x8004100C",
     "binary MOF can't hold a namespace that no class or instance follows"},
    {"class A {};\n#pragma namespace(\"root\\\\x\")", "2:19 0x8004100C",
     "binary MOF can't hold a namespace that no class or instance follows"},
    {"[Q(2147483648)] class A {};", "1:4 0x8004100C",
     "binary MOF can't hold an integer beyond 32 bits and a sign"},
    {"[Q(-2147483649)] class A {};", "1:4 0x8004100C",
     "binary MOF can't hold an integer beyond 32 bits and a sign"},
    {"[Q(1.5)] class A {};", "1:4 0x8004100C", "binary MOF can't hold a real"},
    {"[Q('c')] class A {};", "1:4 0x8004100C",
     "binary MOF can't hold a character"},
    {"[Q(NULL)] class A {};", "1:4 0x8004100C", "binary MOF can't hold NULL"},
    {"[Q{}] class A {};", "1:3 0x8004100C",
     "binary MOF can't hold an empty list"},
    {"[Q{TRUE}] class A {};", "1:3 0x8004100C",
     "binary MOF can't hold a list of anything but strings or integers"},
    {"[Q : Translatable] class A {};", "1:2 0x8004100C",
     "binary MOF can't hold the flavor Translatable"},
    {"class A { [MAX(3)] uint8 x[]; };", "1:12 0x8004100C",
     "binary MOF can't hold a qualifier MAX on an array, which is its size; "
     "write Max"},
    {"class A { uint32 x = 1; };", "1:22 0x8004100C",
     "binary MOF can't hold the default value of a uint32"},
    {"class A { string x = NULL; };", "1:22 0x8004100C",
     "binary MOF can't hold NULL"},
    {"class A { boolean x = \"true\"; };", "1:23 0x8004100C",
     "binary MOF can't hold a value of another type than its property"},
    {"class A { void m(uint8 x); };", "1:24 0x8004100C",
     "binary MOF can't hold a parameter that is neither in nor out"},
    {"class A { void m([in, id(1)] uint8 x); };", "1:23 0x8004100C",
     "binary MOF can't hold an ID other than the place of its parameter, "
     "which is 0"},
    {"class A { void m([in] uint8 x = 1); };", "1:33 0x8004100C",
     "binary MOF can't hold the default value of a parameter"},
    {"class A { void m([in, out, Q(1.5)] uint8 x); };", "1:30 0x8004100C",
     "binary MOF can't hold a real"},
    {"class A { void m([in] uint8 ReturnValue); };", "1:29 0x8004100C",
     "binary MOF can't hold a parameter of that name, which is the result's"},
    {"class A { [key] uint32 k; }; instance of A { k = 4294967295; };",
     "1:46 0x8004100C",
     "binary MOF can't hold an integer beyond 32 bits and a sign"},
    {"class A { [key] uint32 k; A a; }; instance of A { k = 1; "
     "a = instance of A { k = 2; }; };",
     "1:58 0x8004100C", "binary MOF can't hold an instance in another one"},
    {"class A { [key] uint32 k; string a; }; instance of A { k = 1; a; };",
     "1:63 0x8004100C", "binary MOF can't hold a property without a value"},
    {"class A { [key] object ref k; }; instance of A { k = $a; };",
     "1:54 0x8004100C",
     "binary MOF can't hold the alias of no instance in it"},
    {"class A { [key] uint32 k; };\n#pragma instanceflags(\"createonly\")\n"
     "instance of A { k = 1; };",
     "3:1 0x8004100C",
     "binary MOF can't hold #pragma instanceflags, which is in force here"},
};

Test(mof_binary_write, refuses_what_it_can_not_hold_and_says_where)
{
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        struct mof_compilation *c =
            compile_text(refusals[i].text, &standalone);
        struct buf out = BUF_INIT;

        cr_assert(mof_error_count(c) == 0, "%s: %s", refusals[i].text,
                  errors_of(c));
        cr_expect(mof_binary_write(c, &out) < 0, "%s", refusals[i].text);
        cr_expect_str_eq(errors_of(c), refusals[i].errors);
        cr_expect_str_eq(diagnostic_of(c, MOF_ERROR, 0)->text,
                         refusals[i].words);
        cr_expect(out.length == 0);
        buf_fini(&out);
        mof_compilation_free(c);
    }
}

Test(mof_binary_write, tells_all_that_it_can_not_hold_in_one_run)
{
    struct mof_compilation *c = compile_text(
        "[Q(1.5), R(2.5)] class A { uint32 x = 1; void m(uint8 y); };",
        &standalone);
    struct buf out = BUF_INIT;

    cr_expect(mof_binary_write(c, &out) < 0);
    cr_expect(mof_error_count(c) == 4, "%s", errors_of(c));
    buf_fini(&out);
    mof_compilation_free(c);
}

/* Whoever has shown the first shows the others. */
Test(mof_binary_write, tells_it_behind_what_the_check_told)
{
    struct mof_compilation *c =
        compile_text("[Q(1.5)] class A {};\nclass B { string s = \"\\q\"; };\n"
                     "[Q(NULL)] class C {};",
                     &standalone);
    struct buf out = BUF_INIT;

    cr_assert(mof_diagnostic_count(c) == 1);
    cr_expect(mof_binary_write(c, &out) < 0);
    cr_assert(mof_diagnostic_count(c) == 3);
    cr_expect(mof_diagnostic(c, 0)->severity == MOF_WARNING);
    cr_expect(mof_diagnostic(c, 1)->where.line == 1);
    cr_expect(mof_diagnostic(c, 2)->where.line == 3);
    mof_compilation_free(c);
    buf_fini(&out);
}

Test(mof_binary_write, leaves_out_autorecover_with_a_warning)
{
    static const char text[] = "#pragma autorecover\nclass A {};";
    struct mof_options strict = {.standalone = true, .strict = true};
    struct mof_compilation *c = compile_text(text, &standalone);
    struct buf out = BUF_INIT;

    cr_expect(mof_binary_write(c, &out) == 0);
    cr_expect_str_eq(diagnostic_of(c, MOF_WARNING, 0)->warning, "binary");
    mof_compilation_free(c);
    c = compile_text(text, &strict);
    cr_expect(mof_binary_write(c, &out) < 0);
    cr_expect_str_eq(errors_of(c), "1:9 0x8004100C");
    mof_compilation_free(c);
    buf_fini(&out);
}

/* As they would be without a word: WMI's default. */
Test(mof_binary_write, forgets_flavors_that_say_what_holds_anyway)
{
    struct mof_compilation *c = compile_text(
        "[A : EnableOverride Restricted, B : NotToSubclass ToInstance] "
        "class A {};",
        &standalone);
    struct buf out = BUF_INIT;
    struct mof_compilation *again;
    const struct cim_class *class;

    cr_expect(mof_binary_write(c, &out) == 0);
    again = compile_bytes(buf_span(&out), &standalone);
    class = statement_of(again, MOF_STATEMENT_CLASS, 0)->class;
    cr_expect(class->qualifiers.items[0].flavors == 0);
    cr_expect(class->qualifiers.items[1].flavors == CIM_FLAVOR_TO_INSTANCE);
    mof_compilation_free(again);
    mof_compilation_free(c);
    buf_fini(&out);
}

static void
expect_not_written(const char *text)
{
    struct mof_compilation *c = compile_text(text, &standalone);
    struct buf out = BUF_INIT;

    cr_expect(mof_error_count(c) > 0, "%s", text);
    cr_expect(mof_binary_write(c, &out) < 0);
    mof_compilation_free(c);
    buf_fini(&out);
}

Test(mof_binary_write, is_not_written_from_a_text_with_errors)
{
    expect_not_written("class A {");
    expect_not_written("class A { uint8 x = 256; };");
    expect_not_written("[RequiresEncryption(\"TRUE\")] "
                       "instance of __SystemSecurity {};");
}

/* -- files ------------------------------------------------------------------ */

Test(mof_binary_write, saves_a_file_whole_or_leaves_it_alone)
{
    struct mof_compilation *c = compile_text("class A {};", &standalone);
    const char *directory = test_directory();
    char path[1024], *bytes;
    size_t length;

    snprintf(path, sizeof(path), "%s/a.bmf", directory);
    cr_expect(mof_binary_save(c, path) == 0);
    mof_compilation_free(c);
    c = compile_path(path, NULL);
    cr_expect(mof_unit(c)->class_count == 1);
    mof_compilation_free(c);
    c = compile_text("[Q(1.5)] class A {};", &standalone);
    cr_expect(mof_binary_save(c, path) < 0);
    mof_compilation_free(c);
    bytes = test_read_file(path, &length);
    cr_expect(length > 16 && memcmp(bytes, "FOMB", 4) == 0);
    free(bytes);
    test_shell("test $(ls '%s' | wc -l) = 1", directory);
}

Test(mof_binary_write, is_not_saved_where_no_file_can_be)
{
    static const char *const paths[] = {"/nowhere/a.bmf", "/dev/null", "/"};

    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        struct mof_compilation *c = compile_text("class A {};", &standalone);

        cr_expect(mof_binary_save(c, paths[i]) < 0, "%s", paths[i]);
        cr_expect(diagnostic_of(c, MOF_ERROR, 0)->code == 0x80041001);
        mof_compilation_free(c);
    }
}
