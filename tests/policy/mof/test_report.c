#include <stdlib.h>
#include <string.h>

#include "tests/policy/mof/compile.h"

SUITE(report);

Test(report, gives_the_phase_that_the_exit_status_follows)
{
    struct mof_compilation *c = compile_in_world("class A { uint8 x y; };");

    cr_expect(diagnostic_of(c, MOF_ERROR, 0)->phase == MOF_PHASE_SYNTAX);
    mof_compilation_free(c);
    c = compile_in_world("instance of A { };");
    cr_expect(diagnostic_of(c, MOF_ERROR, 0)->phase == MOF_PHASE_STORE);
    mof_compilation_free(c);
    c = mof_compilation_new(NULL);
    cr_expect(mof_compile_file(c, "/nowhere/at/all.mof") < 0);
    cr_expect(diagnostic_of(c, MOF_ERROR, 0)->phase == MOF_PHASE_ARGUMENT);
    cr_expect(strstr(diagnostic_of(c, MOF_ERROR, 0)->text, "No such file") !=
              NULL);
    mof_compilation_free(c);
}

Test(report, leaves_out_what_may_be_an_echo_of_a_mistake_in_syntax)
{
    struct mof_compilation *c = compile_in_world(
        "clas A { [key] uint8 k; };\ninstance of A { k = 1; };\n");

    cr_expect_str_eq(errors_of(c), "1:1 0x8004400A");
    mof_compilation_free(c);
}

Test(report, stays_on_one_line_whatever_is_quoted)
{
    struct mof_compilation *c = compile_in_world(
        "#pragma deleteinstance(\"a\\nb\\x1b[31m\", NOFAIL)\n");
    const char *text = diagnostic_of(c, MOF_ERROR, 0)->text;

    for (; *text != '\0'; text++)
        cr_expect((unsigned char)*text >= ' ');
    mof_compilation_free(c);
}

Test(report, keeps_what_is_around_a_place_in_a_long_line)
{
    char *text = repeated("/*", "ü", 100000, "*/ class A { uint8 x y; };");
    const struct mof_diagnostic *d;
    struct mof_compilation *c = compile_in_world(text);

    d = diagnostic_of(c, MOF_ERROR, 0);
    cr_expect(d->where.column == 100024);
    cr_expect(d->source_column == 100024 - 200);
    cr_expect(!d->source_goes_on);
    cr_expect(utf8_count(span_of(d->source)) == 200 + 5);
    mof_compilation_free(c);
    free(text);
}

Test(report, says_where_a_place_ends)
{
    struct mof_compilation *c = compile_in_world(
        "class A { uint8 x = 256;\n boolean b = \"a\nb\"; };");
    const struct mof_diagnostic *d = diagnostic_of(c, MOF_ERROR, 0);

    cr_expect(d->where.line == 1 && d->where.column == 21 && d->width == 3);
    cr_expect(d->end_line == 1 && d->end_column == 24);
    d = diagnostic_of(c, MOF_ERROR, 1);
    cr_expect(d->where.line == 2 && d->where.column == 14 && d->width == 2);
    cr_expect(d->end_line == 3 && d->end_column == 3);
    mof_compilation_free(c);
}

Test(report, orders_diagnostics_as_the_text)
{
    struct mof_compilation *c = compile_in_world(
        "class A { uint8 x = 256; };\nclass B { uint8 x y; };\n");

    cr_expect_str_eq(errors_of(c), "1:21 0x8004401D, 2:19 0x80044002");
    mof_compilation_free(c);
}

Test(report, tells_where_a_quote_may_be_missing)
{
    struct mof_compilation *c = compile_in_world(
        "class A { string a = \"x;\n string b = \"y\";\n};\n");

    cr_expect(mof_error_count(c) > 0);
    cr_assert(diagnostic_of(c, MOF_ERROR, 0)->detail != NULL);
    cr_expect(diagnostic_of(c, MOF_ERROR, 0)->detail->where.column == 22);
    mof_compilation_free(c);
}

/* -- warnings ---------------------------------------------------------------
 */

/* One text for each class that the text brings by itself. */
static const struct {
    const char *name, *text;
    bool check;
} warning_rows[] = {
    {"encoding", "// \xff\n", false},
    {"escape", "class A { string s = \"\\q\"; };", false},
    {"line-end", "class A { string s = \"a\nb\"; };", false},
    {"rounding", "class A { uint8 x = 1.5; };", false},
    {"quoted-boolean", "class A { boolean b = \"true\"; };", false},
    {"null-element", "class A { uint8 x[] = {NULL}; };", false},
    {"quoted-char", "class A { char16 c = \"a\"; };", false},
    {"declared-type", "qualifier T : string; [T(1)] class A { };", false},
    {"constraint", "class A { [MaxLen(2)] uint8 x; };", false},
    {"object-path", "class A { object ref r = \"no path\"; };", false},
    {"unknown-class", "class A { Nothing ref r; };", false},
    {"instance-twice",
     "class A { [key] uint8 k; }; instance of A { k = 1; };"
     "instance of A { k = 1; };",
     false},
    {"unknown-pragma", "#pragma foo(\"x\")\n", false},
    {"qualifier-spelling", "class A { [Kye] uint8 x; };", false},
    {"missing-include", "#pragma include(\"none.mof\")\n", true},
    {"compile-refuses", "#pragma namespace(\"root\\\\a b\")\n", true},
    {"empty-namespace",
     "#pragma namespace(\"root\\\\new\")\n[RequiresEncryption(TRUE)] "
     "instance of __SystemSecurity { };",
     false},
    {"descriptor",
     "#pragma namespace(\"root\\\\hardware\")\n"
     "[NamespaceSecuritySDDL(\"D:(A;;0x1;;;WD)\")] instance of "
     "__SystemSecurity { };",
     false},
    {"unencrypted-child",
     "#pragma namespace(\"root\\\\new\")\nclass A { uint8 x; };"
     "[RequiresEncryption(TRUE)] instance of __SystemSecurity { };\n"
     "#pragma namespace(\"root\\\\new\\\\b\")\nclass B { uint8 x; };",
     false},
};

static const char *const none[] = {"/none"};

/* The row of the class that the text brings. */
static const struct mof_warning_row *
class_of(size_t row)
{
    for (unsigned i = 0; i < MOF_WARNING_COUNT; i++) {
        const struct mof_warning_row *found =
            mof_warning_row((enum mof_warning)i);

        if (strcmp(found->name, warning_rows[row].name) == 0)
            return found;
    }
    cr_assert_fail("no class %s", warning_rows[row].name);
    return NULL;
}

static struct mof_compilation *
compile_with(size_t row, const char *name, enum mof_warning_setting setting)
{
    struct mof_options options = {.world = test_world,
                                  .include_directories = none,
                                  .include_count = 1,
                                  .syntax_only = warning_rows[row].check};

    cr_assert(name == NULL ||
              mof_warning_set(options.warnings, span_of(name), setting));
    return compile_text(warning_rows[row].text, &options);
}

Test(report, gives_each_warning_its_class)
{
    for (size_t i = 0; i < ARRAY_COUNT(warning_rows); i++) {
        struct mof_compilation *c = compile_with(i, NULL, MOF_WARNING_ON);

        cr_expect(mof_error_count(c) == 0, "%s", warning_rows[i].name);
        cr_expect_str_eq(diagnostic_of(c, MOF_WARNING, 0)->warning,
                         warning_rows[i].name);
        mof_compilation_free(c);
    }
}

Test(report, leaves_out_a_class_or_makes_it_an_error_as_told)
{
    for (size_t i = 0; i < ARRAY_COUNT(warning_rows); i++) {
        const char *name = warning_rows[i].name;
        struct mof_compilation *c = compile_with(i, name, MOF_WARNING_OFF);

        cr_expect(count_of(c, MOF_WARNING) == 0, "%s", name);
        mof_compilation_free(c);
        c = compile_with(i, name, MOF_WARNING_ERROR);
        cr_expect(count_of(c, MOF_WARNING) == 0, "%s", name);
        cr_expect(mof_error_count(c) == 1, "%s", name);
        cr_expect(diagnostic_of(c, MOF_ERROR, 0)->code != 0, "%s", name);
        cr_expect(diagnostic_of(c, MOF_ERROR, 0)->phase == class_of(i)->phase,
                  "%s", name);
        mof_compilation_free(c);
        c = compile_with(i, "all", MOF_WARNING_ERROR);
        cr_expect(mof_error_count(c) == 1, "%s", name);
        mof_compilation_free(c);
    }
}

static bool
is_of_protection(size_t row)
{
    static const char *const names[] = {"empty-namespace", "descriptor",
                                        "unencrypted-child"};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcmp(warning_rows[row].name, names[i]) == 0)
            return true;
    }
    return false;
}

Test(report, leaves_warnings_of_protection_on_unless_they_are_named)
{
    for (size_t i = 0; i < ARRAY_COUNT(warning_rows); i++) {
        struct mof_compilation *c = compile_with(i, "all", MOF_WARNING_OFF);

        cr_expect((count_of(c, MOF_WARNING) == 0) ==
                      class_of(i)->is_left_with_all,
                  "%s", warning_rows[i].name);
        cr_expect(class_of(i)->is_left_with_all == !is_of_protection(i));
        mof_compilation_free(c);
    }
}

Test(report, knows_its_classes_only)
{
    enum mof_warning_setting settings[MOF_WARNING_COUNT] = {
        MOF_WARNING_DEFAULT};

    cr_expect(!mof_warning_set(settings, SPAN("foo"), MOF_WARNING_OFF));
    cr_expect(mof_warning_set(settings, SPAN("ESCAPE"), MOF_WARNING_OFF));
    cr_expect(settings[MOF_WARNING_ESCAPE] == MOF_WARNING_OFF);
    cr_expect(mof_warning_set(settings, SPAN("all"), MOF_WARNING_ERROR));
    cr_expect(settings[MOF_WARNING_ESCAPE] == MOF_WARNING_OFF);
    cr_expect(settings[MOF_WARNING_PRAGMA] == MOF_WARNING_ERROR);
    /* "binary" is brought by no text: test_binary.c. */
    cr_expect(ARRAY_COUNT(warning_rows) + 1 == MOF_WARNING_COUNT);
}

Test(report, says_that_it_stopped)
{
    struct mof_options options = {.world = test_world, .max_errors = 2};
    struct mof_compilation *c =
        compile_text("clas A;\nclas B;\nclas C;\nclas D;\n", &options);
    size_t n = mof_diagnostic_count(c);

    cr_expect(mof_error_count(c) == 2);
    cr_expect_str_eq(mof_diagnostic(c, n - 1)->text,
                     "too many errors: stopped after 2");
    cr_expect(mof_diagnostic(c, n - 1)->severity == MOF_NOTE);
    mof_compilation_free(c);
}
