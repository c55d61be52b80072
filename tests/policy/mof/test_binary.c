#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "policy/mof/binary.h"
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
    "qualifier Q : ToSubclass ToInstance;\n[Q(1)] class A as $A {};\n"
    "class B { [key] A ref a; };\ninstance of B { a = $A; };",
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

Test(mof_binary, refuses_what_it_can_not_hold_and_says_where)
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

Test(mof_binary, tells_all_that_it_can_not_hold_in_one_run)
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

Test(mof_binary, leaves_out_autorecover_with_a_warning)
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
Test(mof_binary, forgets_flavors_that_say_what_holds_anyway)
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

Test(mof_binary, is_not_written_from_a_text_with_errors)
{
    expect_not_written("class A {");
    expect_not_written("class A { uint8 x = 256; };");
    expect_not_written("[RequiresEncryption(\"TRUE\")] "
                       "instance of __SystemSecurity {};");
}

/* -- files ------------------------------------------------------------------ */

Test(mof_binary, saves_a_file_whole_or_leaves_it_alone)
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

Test(mof_binary, is_not_saved_where_no_file_can_be)
{
    static const char *const paths[] = {"/nowhere/a.bmf", "/dev/null", "/"};

    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        struct mof_compilation *c = compile_text("class A {};", &standalone);

        cr_expect(mof_binary_save(c, paths[i]) < 0, "%s", paths[i]);
        cr_expect(diagnostic_of(c, MOF_ERROR, 0)->code == 0x80041001);
        mof_compilation_free(c);
    }
}

/* -- reading ---------------------------------------------------------------- */

static struct buf
binary_of(const char *text)
{
    struct mof_compilation *c = compile_text(text, &standalone);
    struct buf out = BUF_INIT;

    cr_assert(mof_binary_write(c, &out) == 0, "%s: %s", text, printed(c));
    mof_compilation_free(c);
    return out;
}

/* The data that are packed in it. */
static struct buf
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

static struct mof_compilation *
compile_unpacked(struct span data, const struct mof_options *options)
{
    struct buf packed = BUF_INIT;
    struct mof_compilation *c;

    cr_assert(binary_pack(&packed, data));
    c = compile_bytes(buf_span(&packed), options);
    buf_fini(&packed);
    return c;
}

static const char *
namespace_of_class(struct span bytes, const char *start)
{
    static char display[NAMESPACE_PATH_MAX + 1];
    struct mof_options options = {.standalone = true};
    struct mof_compilation *c;

    namespace_path_parse(&options.default_namespace, span_of(start), NULL);
    c = compile_bytes(bytes, &options);
    snprintf(display, sizeof(display), "%s",
             statement_of(c, MOF_STATEMENT_CLASS, 0)->namespace.text);
    mof_compilation_free(c);
    return display;
}

Test(mof_binary, goes_where_the_compile_begins_unless_it_names_a_namespace)
{
    struct buf unsaid = binary_of("class A {};");
    struct buf said = binary_of("#pragma namespace(\"root\\\\default\")\n"
                                "class A {};");

    cr_expect_str_eq(namespace_of_class(buf_span(&unsaid), "root\\wmi"),
                     "root\\wmi");
    cr_expect_str_eq(namespace_of_class(buf_span(&said), "root\\wmi"),
                     "root\\default");
    buf_fini(&unsaid);
    buf_fini(&said);
}

Test(mof_binary, is_checked_as_a_text_is)
{
    struct buf b = binary_of("#pragma namespace(\"root\\\\cimv2\")\n"
                             "class A : Nowhere {};");
    struct mof_options options = {.world = test_world};
    struct mof_compilation *c = compile_bytes(buf_span(&b), &options);
    const struct mof_diagnostic *d = diagnostic_of(c, MOF_ERROR, 0);
    char place[100];

    cr_expect(d->code == 0x8004100D);
    mof_location_format(&d->where, place, sizeof(place));
    cr_expect_str_eq(place, "t.bmf:unpacked:0xAC");
    mof_compilation_free(c);
    buf_fini(&b);
}

Test(mof_binary, carries_what_requires_encryption)
{
    struct buf b = binary_of("#pragma namespace(\"root\\\\hardware\")\n"
                             "[RequiresEncryption(TRUE)] "
                             "instance of __SystemSecurity {};");
    struct mof_options options = {.world = test_world};
    struct mof_compilation *c = compile_bytes(buf_span(&b), &options);

    cr_expect(
        statement_of(c, MOF_STATEMENT_ENCRYPTION, 0)->requires_encryption);
    mof_compilation_free(c);
    buf_fini(&b);
}

/* The first place of a text of one-byte characters in UTF-16. */
static size_t
place_of(const struct buf *data, const char *text)
{
    size_t n = strlen(text);

    for (size_t at = 0; at + 2 * n <= data->length; at++) {
        size_t i = 0;

        while (i < n && data->data[at + 2 * i] == text[i] &&
               data->data[at + 2 * i + 1] == '\0')
            i++;
        if (i == n)
            return at;
    }
    cr_assert_fail("there is no %s", text);
    return 0;
}

static const char *
first_error(const struct mof_compilation *c)
{
    static char text[600];
    const struct mof_diagnostic *d;

    if (mof_error_count(c) == 0)
        return "none";
    d = diagnostic_of(c, MOF_ERROR, 0);
    mof_location_format(&d->where, text, sizeof(text));
    snprintf(text + strlen(text), sizeof(text) - strlen(text), " 0x%08X %s",
             d->code, d->text);
    return text;
}

static const char damage_text[] =
    "[Q(5), S(\"s\")] class Alpha { [key] string Key; uint8 Array[3]; "
    "uint32 Method([in] uint8 Par, [out] string Ret); };\n"
    "instance of Alpha as $al { Key = \"k\"; Array = {1, 2}; };";

/* What is put `behind` bytes after the start of the name, and what is said. */
static const struct {
    const char *name;
    int behind;
    unsigned length;
    const char *bytes, *error;
} damages[] = {
    {"Q", -16, 4, "\x00\x00\x00\x00", "a record of 0 bytes where"},
    {"Q", -16, 4, "\xff\xff\xff\xff", "a record of 4294967295 bytes where"},
    {"Q", -12, 4, "\x05\x01\x00\x00",
     "a value of type 0x105, whose form is not known"},
    {"Q", -12, 4, "\x0d\x00\x00\x00",
     "a value of type 0xd, whose form is not known"},
    {"Q", -12, 4, "\x0b\x00\x00\x00",
     "a boolean that is neither 0 nor 0xffff"},
    {"Q", -8, 4, "\x01\x00\x00\x00", "1 where 0 is expected"},
    {"Q", -4, 4, "\xff\xff\x00\x00",
     "the parts of a qualifier are not inside it"},
    {"Q", 0, 2, "9\x00", "'9' is not a name"},
    {"Q", 0, 2, "\x00\xd8", "half a surrogate pair in a text"},
    {"Q", 2, 2, "Q\x00", "a text without its end"},
    {"Key", -16, 4, "\x99\x00\x00\x00", "0x99 is the number of no type"},
    {"Key", -16, 4, "\x11\x00\x00\x00",
     "CIMTYPE says string, the property "
     "is a uint8"},
    {"Key", -12, 4, "\x01\x00\x00\x00", "1 where 0 is expected"},
    {"Key", -4, 4, "\xf0\xff\xff\xff",
     "the parts of a record are not inside it"},
    {"CIMTYPE", 16, 6, "x\x00t\x00r\x00", "'xtring' is not a type"},
    {"MAX", 8, 4, "\x00\x00\x00\x00", "MAX is not the size of an array"},
    {"MAX", 8, 4, "\xff\xff\xff\xff", "MAX is not the size of an array"},
    {"ID", 8, 4, "\xff\x00\x00\x00", "ID is not the place of a parameter"},
    {"ID", 8, 4, "\x01\x00\x00\x00", "a parameter's two declarations differ"},
    {"ID", 0, 4, "J\x00J\x00", "a parameter without an ID"},
    {"Method", -16, 4, "\x08\x00\x00\x00", "0x8 is no kind of method"},
    {"Method", 16 + 4, 4, "\x02\x00\x00\x00", "an array of 2 dimensions"},
    {"Method", 16 + 8, 4, "\x03\x00\x00\x00", "a method with 3 objects"},
    {"__PARAMETERS", 0, 4, "X\x00Y\x00",
     "a method's object is no __PARAMETERS"},
    {"__CLASS", 0, 4, "X\x00Y\x00", "an object without a class"},
    {"__NAMESPACE", 0, 24, "_\0_\0C\0L\0A\0S\0S\0\0\0\0\0\0\0\0\0\0",
     "__CLASS is twice there or no text"},
};

static void
damage_check(size_t i)
{
    struct buf data = unpacked_of(damage_text);
    struct mof_compilation *c;
    size_t at = place_of(&data, damages[i].name);

    at = damages[i].behind < 0 ? at - (size_t)-damages[i].behind
                               : at + (size_t)damages[i].behind;
    memcpy(data.data + at, damages[i].bytes, damages[i].length);
    c = compile_unpacked(buf_span(&data), &standalone);
    cr_expect(strstr(first_error(c), damages[i].error) != NULL,
              "%zu: expected %s, got %s", i, damages[i].error, first_error(c));
    if (mof_error_count(c) > 0)
        cr_expect(diagnostic_of(c, MOF_ERROR, 0)->code == 0x8004401E);
    mof_compilation_free(c);
    buf_fini(&data);
}

Test(mof_binary, says_how_and_where_a_file_is_damaged)
{
    for (size_t i = 0; i < ARRAY_COUNT(damages); i++)
        damage_check(i);
}

/* What is put at an offset of the unpacked data. */
static const struct {
    uint32_t offset;
    const char *bytes, *error;
} root_damages[] = {
    {0, "XOMB",
     "t.bmf:unpacked:0x0 0x8004401E this binary MOF is damaged: "
     "the unpacked data do not begin with FOMB"},
    {4, "\xff\xff\xff\x00",
     "t.bmf:unpacked:0x4 0x8004401E this binary MOF "
     "is damaged: objects of 16777215 bytes in"},
    {8, "\x02\x00\x00\x00", "2 and 1 where 1 is expected"},
    {16, "\x00\x00\x00\x00", "bytes behind the last object"},
    {16, "\x03\x00\x00\x00", "a number is cut off"},
    {24, "\x01\x00\x00\x00", "1 where 0 is expected"},
    {28, "\xff\xff\xff\x00", "the parts of an object are not inside it"},
    {36, "\x02\x00\x00\x00", "an object that is neither class nor instance"},
    {44, "\xff\xff\x00\x00", "65535 qualifiers in"},
};

Test(mof_binary, says_how_the_whole_is_damaged)
{
    for (size_t i = 0; i < ARRAY_COUNT(root_damages); i++) {
        struct buf data = unpacked_of(damage_text);
        struct mof_compilation *c;

        memcpy(data.data + root_damages[i].offset, root_damages[i].bytes, 4);
        c = compile_unpacked(buf_span(&data), &standalone);
        cr_expect(strstr(first_error(c), root_damages[i].error) != NULL,
                  "%zu: expected %s, got %s", i, root_damages[i].error,
                  first_error(c));
        mof_compilation_free(c);
        buf_fini(&data);
    }
}

static const struct {
    uint32_t offset;
    const char *bytes, *error;
} header_damages[] = {
    {4, "\x02\x00\x00\x00",
     "t.bmf:0x4 0x8004401E this binary MOF is "
     "damaged: only version 1 is known"},
    {8, "\xff\xff\xff\xff",
     "t.bmf:0x8 0x8004401E this binary MOF is "
     "damaged: the packed data are longer than the "
     "file"},
    {8, "\x10\x00\x00\x00", "the packed data are shorter than the file"},
    {12, "\x00\x00\x00\x7f", "the unpacked data are longer than 32 MiB"},
    {12, "\x00\x00\x00\x01", "t.bmf:0x"},
    {12, "\x01\x00\x00\x00", "more data than the header says"},
    {16, "DT\x00\x01", "the packed data do not begin with DS, 0, 1"},
    {20, "\x00\x00\x00\x00", "a copy has no length"},
    {20, "\x00\x01\x00\x00", "a copy from before the start of the data"},
};

Test(mof_binary, says_how_the_packing_is_damaged)
{
    for (size_t i = 0; i < ARRAY_COUNT(header_damages); i++) {
        struct buf b = binary_of(damage_text);
        struct mof_compilation *c;

        memcpy(b.data + header_damages[i].offset, header_damages[i].bytes, 4);
        c = compile_bytes(buf_span(&b), &standalone);
        cr_expect(strstr(first_error(c), header_damages[i].error) != NULL,
                  "%zu: expected %s, got %s", i, header_damages[i].error,
                  first_error(c));
        mof_compilation_free(c);
        buf_fini(&b);
    }
}

/* Whatever is cut off or changed: an error or another unit, nothing else. */
Test(mof_binary, survives_every_cut_and_every_changed_byte)
{
    struct buf b = binary_of(damage_text), data = unpacked_of(damage_text);

    for (size_t n = 4; n < b.length; n++) {
        struct mof_compilation *c =
            compile_bytes((struct span){b.data, n}, &standalone);

        cr_expect(mof_error_count(c) == 1, "%zu", n);
        mof_compilation_free(c);
    }
    for (size_t n = 0; n < data.length; n++) {
        for (int bit = 0; bit < 8; bit++) {
            data.data[n] ^= (char)(1 << bit);
            mof_compilation_free(
                compile_unpacked(buf_span(&data), &standalone));
            data.data[n] ^= (char)(1 << bit);
        }
        mof_compilation_free(
            compile_unpacked((struct span){data.data, n}, &standalone));
    }
    buf_fini(&b);
    buf_fini(&data);
}

Test(mof_binary, says_that_it_does_not_know_a_remark_of_an_object)
{
    struct buf data = unpacked_of("#pragma classflags(\"updateonly\")\n"
                                  "class A {};");
    struct mof_compilation *c;

    memcpy(data.data + place_of(&data, "__CLASSFLAGS"), "_\0_\0X", 5);
    c = compile_unpacked(buf_span(&data), &standalone);
    cr_expect(mof_error_count(c) == 0);
    cr_expect_str_eq(diagnostic_of(c, MOF_WARNING, 0)->warning, "binary");
    cr_expect_str_eq(diagnostic_of(c, MOF_WARNING, 0)->text,
                     "the format has no __XLASSFLAGS; it is ignored");
    mof_compilation_free(c);
    buf_fini(&data);
}
