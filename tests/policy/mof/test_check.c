#include <stdlib.h>
#include <string.h>

#include "tests/policy/mof/compile.h"

SUITE(check);

Test(check, resolves_aliases_forward_and_across_namespaces)
{
    struct mof_compilation *c = compile_in_world(
        "class N { [key] string k; N ref next; };\n"
        "instance of N { k = \"a\"; next = $later; };\n"
        "#pragma namespace(\"root\\\\CIMv2\")\n"
        "class N { [key] string k; N ref next; };\n"
        "instance of N as $later { k = \"b \\\"c\\\"\"; };\n");
    const struct cim_instance *i;

    cr_assert(mof_error_count(c) == 0, "%s", errors_of(c));
    i = statement_of(c, MOF_STATEMENT_INSTANCE, 0)->instance;
    assert_span(cim_instance_property(i, SPAN("next"))->value.one.text,
                "\\\\.\\root\\CIMv2:N.k=\"b \\\"c\\\"\"");
    mof_compilation_free(c);
}

Test(check, puts_namespaces_before_what_needs_them_parents_first)
{
    struct mof_compilation *c = compile_in_world(
        "#pragma namespace(\"root\\\\A\\\\b\\\\C\")\nclass X { };\n"
        "#pragma namespace(\"root\\\\a\")\n"
        "instance of __Namespace { Name = \"d\"; };\n");
    static const char *const expected[] = {"root\\A", "root\\A\\b",
                                           "root\\A\\b\\C"};
    const struct mof_unit *unit = mof_unit(c);

    cr_assert(mof_error_count(c) == 0 && unit->count == 5);
    for (size_t i = 0; i < 3; i++) {
        cr_expect(unit->statements[i].kind == MOF_STATEMENT_NAMESPACE &&
                  unit->statements[i].from_pragma);
        cr_expect_str_eq(unit->statements[i].namespace_display, expected[i]);
    }
    cr_expect(unit->statements[3].kind == MOF_STATEMENT_CLASS);
    cr_expect(unit->statements[4].kind == MOF_STATEMENT_NAMESPACE &&
              !unit->statements[4].from_pragma);
    cr_expect_str_eq(unit->statements[4].namespace.text, "root\\a\\d");
    cr_expect(count_of(c, MOF_NOTE) == 3);
    mof_compilation_free(c);
}

Test(check, says_nothing_about_namespaces_that_exist)
{
    struct mof_compilation *c =
        compile_in_world("#pragma namespace(\"root\\\\HARDWARE\")\n"
                         "instance of HW_Disk { Id = \"a\"; };\n");

    cr_expect(mof_unit(c)->count == 1 && mof_diagnostic_count(c) == 0);
    mof_compilation_free(c);
}

Test(check, forgets_what_is_deleted)
{
    struct mof_compilation *c = compile_in_world(
        "#pragma namespace(\"root\")\n"
        "#pragma deleteinstance(\"__Namespace.Name=\\\"Hardware\\\"\", FAIL)\n"
        "#pragma namespace(\"root\\\\hardware\")\n"
        "instance of HW_Disk { Id = \"a\"; };\n");
    const struct mof_statement *s =
        statement_of(c, MOF_STATEMENT_DELETE_NAMESPACE, 0);

    cr_expect_str_eq(errors_of(c), "4:13 0x80041010");
    cr_expect(s->must_exist);
    cr_expect_str_eq(s->namespace.text, "root\\hardware");
    statement_of(c, MOF_STATEMENT_NAMESPACE, 0);
    mof_compilation_free(c);
}

Test(check, gives_instances_values_of_their_class_types)
{
    struct mof_compilation *c = compile_in_world(
        "class A { [key] sint8 k; uint64 u; real32 r; char16 c; boolean b;\n"
        " datetime d; string s[]; uint8 n; string e; };\n"
        "instance of A { K = -1; u = 0x10; r = 2; c = 'A'; b = false;\n"
        " d = \"00000001020304.000000:000\"; s = {\"x\", NULL}; n = NULL;\n"
        " e; };\n");
    const struct cim_instance *i =
        statement_of(c, MOF_STATEMENT_INSTANCE, 0)->instance;
    const struct cim_property *p = i->properties;

    cr_assert(i->property_count == 9);
    cr_expect(p[0].value.type == CIM_SINT8 && p[0].value.one.sint == -1);
    cr_expect(p[1].value.one.uint == 16);
    cr_expect(p[2].value.type == CIM_REAL32 && p[2].value.one.real == 2);
    cr_expect(p[3].value.one.char16 == 'A');
    cr_expect(!p[4].value.one.boolean && !p[4].value.is_null);
    cr_expect(p[5].value.type == CIM_DATETIME);
    cr_expect(p[6].value.is_array && p[6].value.null_items[1]);
    cr_expect(p[7].has_value && p[7].value.is_null);
    cr_expect(!p[8].has_value);
    mof_compilation_free(c);
}

Test(check, gives_qualifiers_the_flavors_of_their_statement)
{
    struct mof_compilation *c = compile_in_world(
        "class A { [key] uint8 k; }; qualifier Q : ToInstance;\n"
        "[Q(1), R] instance of A { k = 1; };\n"
        "[Q(1) : DisableOverride] instance of A { k = 2; };\n");
    const struct cim_qualifier *q;

    cr_assert(mof_error_count(c) == 0, "%s", errors_of(c));
    q = statement_of(c, MOF_STATEMENT_INSTANCE, 0)->instance->qualifiers.items;
    cr_expect(q[0].flavors == CIM_FLAVOR_TO_INSTANCE && q[1].flavors == 0);
    q = statement_of(c, MOF_STATEMENT_INSTANCE, 1)->instance->qualifiers.items;
    cr_expect(q[0].flavors == CIM_FLAVOR_DISABLE_OVERRIDE);
    mof_compilation_free(c);
}

Test(check, embeds_instances_by_value_and_by_alias)
{
    struct mof_compilation *c = compile_in_world(
        "class I { uint8 n; }; class O { [key] uint8 k; I one;\n"
        " [EmbeddedInstance(\"I\")] string many[]; };\n"
        "instance of I as $i { n = 5; };\n"
        "instance of O { k = 1; one = instance of I { n = 4; };\n"
        " many = {$i, $i}; };\n");
    const struct cim_instance *o;

    cr_assert(mof_error_count(c) == 0, "%s", errors_of(c));
    /* $i only stands for a value: nothing is stored of it. */
    o = statement_of(c, MOF_STATEMENT_INSTANCE, 0)->instance;
    assert_span(o->class_name, "O");
    cr_expect(
        o->properties[1].value.one.object->properties[0].value.one.uint == 4);
    cr_expect(
        o->properties[2].value.type == CIM_OBJECT &&
        o->properties[2].value.items[1].object->properties[0].value.one.uint ==
            5);
    mof_compilation_free(c);
}

Test(check, bounds_what_aliases_multiply)
{
    struct buf b = BUF_INIT;
    struct mof_compilation *c;

    /* Each holds the one before it twice: 2^40 values if nobody counts. */
    buf_add_string(&b, "class B { B l; B r; };\n"
                       "instance of B as $a0 { };\n");
    for (int i = 1; i <= 40; i++)
        buf_addf(&b, "instance of B as $a%d { l = $a%d; r = $a%d; };\n", i,
                 i - 1, i - 1);
    c = compile_in_world(b.data);
    cr_expect(diagnostic_of(c, MOF_ERROR, 0)->code == 0x8004401D, "%s",
              errors_of(c));
    mof_compilation_free(c);
    buf_reset(&b);
    /* A key that quotes a key that quotes a key. */
    buf_add_string(&b, "class K { [key] K ref k; };\n"
                       "instance of K as $k0 { k = \"x\"; };\n");
    for (int i = 1; i <= 40; i++)
        buf_addf(&b, "instance of K as $k%d { k = $k%d; };\n", i, i - 1);
    c = compile_in_world(b.data);
    cr_expect(diagnostic_of(c, MOF_ERROR, 0)->code == 0x8004103A, "%s",
              errors_of(c));
    mof_compilation_free(c);
    buf_reset(&b);
    /* A chain that can only be followed to its end. */
    buf_add_string(&b, "class K { [key] K ref k; };\n");
    for (int i = 0; i < 5000; i++)
        buf_addf(&b, "instance of K as $k%d { k = $k%d; };\n", i, i + 1);
    c = compile_in_world(b.data);
    cr_expect(diagnostic_of(c, MOF_ERROR, 0)->code == 0x80041047, "%s",
              errors_of(c));
    mof_compilation_free(c);
    buf_fini(&b);
}

Test(check, bounds_the_classes_above_one_another)
{
    struct buf b = BUF_INIT;
    struct mof_compilation *c;

    buf_add_string(&b, "class C0 { };\n");
    for (int i = 1; i < 300; i++)
        buf_addf(&b, "class C%d : C%d { };\n", i, i - 1);
    c = compile_in_world(b.data);
    cr_expect_str_eq(errors_of(c), "258:14 0x8004100D");
    mof_compilation_free(c);
    buf_fini(&b);
}

Test(check, is_linear_in_instances_properties_and_namespaces)
{
    /* A quadratic step anywhere would run into the suite's timeout. */
    char *text =
        repeated("class A { [key] uint32 k; string s; };\n",
                 "instance of A { k = 1; s = \"x\" \"y\"; }; ", 50000, "");
    struct mof_compilation *c = compile_in_world(text);
    struct buf b = BUF_INIT;

    cr_expect(mof_unit(c)->instance_count == 50000);
    mof_compilation_free(c);
    free(text);
    buf_add_string(&b, "class Wide { [key] uint32 k; ");
    for (int i = 0; i < 20000; i++)
        buf_addf(&b, "[q%d] uint8 p%d; ", i, i);
    buf_add_string(&b, "};\ninstance of Wide { k = 1; ");
    for (int i = 0; i < 20000; i++)
        buf_addf(&b, "p%d = 1; ", i);
    buf_add_string(&b, "};\n");
    for (int i = 0; i < 5000; i++)
        buf_addf(&b,
                 "#pragma namespace(\"root\\\\ns%d\")\n[RequiresEncryption("
                 "TRUE)] instance of __SystemSecurity { };\n",
                 i);
    c = compile_in_world(b.data);
    cr_expect(mof_error_count(c) == 0, "%s", errors_of(c));
    mof_compilation_free(c);
    buf_fini(&b);
}

Test(check, judges_syntax_alone_when_asked_to)
{
    struct mof_options options = {.syntax_only = true};
    struct mof_compilation *c = compile_text(
        "class B : Unknown { uint8 x = 300; };\n"
        "instance of Nowhere { a = 1; };\n"
        "#pragma namespace(\"root\\\\absent\")\n"
        "[RequiresEncryption(1)] instance of __SystemSecurity { };\n",
        &options);

    cr_expect_str_eq(errors_of(c), "4:21 0x80044015");
    cr_expect(count_of(c, MOF_NOTE) == 0);
    mof_compilation_free(c);
}

Test(check, warns_under_syntax_alone_of_what_a_compile_refuses)
{
    static const struct {
        const char *text, *errors;
    } rows[] = {
        {"#pragma namespace(\"[Namespace]\")", "1:19 0x80044013"},
        {"#pragma namespace(\"\\\\\\\\server\\\\root\")", "1:19 0x8004401C"},
        {"instance of __Namespace { Name = \"x\";\n"
         " [RequiresEncryption(TRUE)] instance of __SystemSecurity { }; };",
         "2:29 0x8004400C"},
    };
    struct mof_options options = {.syntax_only = true};
    struct mof_compilation *c;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        c = compile_text(rows[i].text, &options);
        cr_expect(mof_error_count(c) == 0 && count_of(c, MOF_WARNING) == 1);
        mof_compilation_free(c);
        c = compile_in_world(rows[i].text);
        cr_expect_str_eq(errors_of(c), rows[i].errors);
        mof_compilation_free(c);
        options.strict = true;
        c = compile_text(rows[i].text, &options);
        cr_expect_str_eq(errors_of(c), rows[i].errors);
        mof_compilation_free(c);
        options.strict = false;
    }
}

Test(check, goes_on_without_an_absent_include_under_syntax_alone)
{
    char path[300];
    struct mof_options options = {.syntax_only = true};
    struct mof_compilation *c = mof_compilation_new(&options);

    snprintf(path, sizeof(path), "%s/a.mof", test_directory());
    test_write_file(path, "#include \"b.mof\"\nclass A { };", 29);
    cr_assert(c != NULL && mof_compile_file(c, path) == 0 &&
              mof_check(c) == 0);
    cr_expect(mof_unit(c)->class_count == 1);
    cr_expect(diagnostic_of(c, MOF_WARNING, 0)->where.column == 10);
    mof_compilation_free(c);
}

Test(check, knows_the_system_classes)
{
    static const char *const names[] = {"__SystemSecurity", "__systemsecurity",
                                        "__Namespace",      "__EventFilter",
                                        "__Win32Provider",  "__thisNAMESPACE"};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        cr_expect(mof_system_class(span_of(names[i])) != NULL, "%s", names[i]);
    cr_expect(mof_system_class(SPAN("__Nothing")) == NULL);
    cr_expect(cim_qualifiers_true(
        &mof_system_class(SPAN("__SystemSecurity"))->qualifiers,
        SPAN("singleton")));
}

Test(check, names_the_published_codes)
{
    cr_expect_str_eq(mof_code_symbol(0x8004400C),
                     "WBEMMOF_E_EXPECTED_PROPERTY_NAME");
    cr_expect_str_eq(mof_code_symbol(0x8004100E), "WBEM_E_INVALID_NAMESPACE");
    cr_expect(mof_code_symbol(0) == NULL);
}
