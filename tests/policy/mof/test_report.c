#include <stdlib.h>
#include <string.h>

#include "tests/policy/mof/compile.h"

SUITE(report);

Test(report, shows_place_code_text_line_and_caret)
{
    struct mof_compilation *c =
        compile_in_world("class A {\n\tstring ü; uint8 n = 256;\n};\n");
    char *text = printed(c);

    cr_expect_str_eq(text, "t.mof:2:22: error 0x8004401D: 256 is out of "
                           "range for uint8\n"
                           "    \tstring ü; uint8 n = 256;\n"
                           "    \t                    ^~~\n");
    free(text);
    mof_compilation_free(c);
}

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

Test(report, leaves_out_a_line_that_is_too_long_to_read)
{
    char *text = repeated("/*", "x", 1000, "*/ class A { uint8 x y; };");
    struct mof_compilation *c = compile_in_world(text);

    cr_expect(diagnostic_of(c, MOF_ERROR, 0)->source == NULL);
    cr_expect(diagnostic_of(c, MOF_ERROR, 0)->where.column == 1024);
    mof_compilation_free(c);
    free(text);
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
    cr_expect(diagnostic_of(c, MOF_NOTE, 0)->where.column == 22);
    mof_compilation_free(c);
}
