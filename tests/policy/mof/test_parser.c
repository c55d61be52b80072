#include <stdlib.h>
#include <string.h>

#include "tests/policy/mof/compile.h"

SUITE(parser);

Test(parser, reads_the_three_lines)
{
    struct mof_compilation *c = compile_in_world(
        "#pragma namespace(\"\\\\\\\\.\\\\Root\\\\MyNamespace\")\n"
        "[RequiresEncryption(TRUE)]\n"
        "instance of __systemSecurity { };\n");
    const struct mof_statement *s;

    cr_assert(mof_error_count(c) == 0, "%s", errors_of(c));
    cr_assert(mof_unit(c)->count == 2);
    s = statement_of(c, MOF_STATEMENT_NAMESPACE, 0);
    cr_expect(s == &mof_unit(c)->statements[0] && s->from_pragma);
    s = statement_of(c, MOF_STATEMENT_ENCRYPTION, 0);
    cr_expect(s->requires_encryption);
    cr_expect(strcmp(s->namespace.text, "root\\mynamespace") == 0);
    cr_expect(strcmp(s->namespace_display, "Root\\MyNamespace") == 0);
    cr_expect(s->where.line == 2 && s->where.column == 1 && s->last_line == 3);
    mof_compilation_free(c);
}

Test(parser, builds_a_class_as_it_is_declared)
{
    struct mof_compilation *c = compile_in_world(
        "[abstract : ToSubclass, Version(\"1\"), Big(4294967296), r(1.5),"
        " a{1, -2}]\n"
        "class A { [key] string k = \"x\"; uint8 n[4] = {1, 2}; A ref r;"
        " object any; A inner; [static] uint32 m([in] uint8 p, [out] A q[]);"
        " void v(); };");
    const struct cim_class *a = statement_of(c, MOF_STATEMENT_CLASS, 0)->class;
    const struct cim_qualifier *q;

    cr_assert(a->property_count == 5 && a->method_count == 2);
    q = cim_qualifiers_find(&a->qualifiers, SPAN("ABSTRACT"));
    cr_expect(q->value.type == CIM_BOOLEAN && q->value.one.boolean &&
              q->flavors == CIM_FLAVOR_TO_SUBCLASS);
    q = cim_qualifiers_find(&a->qualifiers, SPAN("big"));
    cr_expect(q->value.type == CIM_SINT64 &&
              q->value.one.sint == INT64_C(4294967296));
    q = cim_qualifiers_find(&a->qualifiers, SPAN("a"));
    cr_expect(q->value.type == CIM_SINT32 && q->value.is_array &&
              q->value.count == 2 && q->value.items[1].sint == -2);
    assert_span(a->properties[0].value.one.text, "x");
    cr_expect(a->properties[1].is_array && a->properties[1].array_size == 4 &&
              a->properties[1].value.items[1].uint == 2);
    cr_expect(a->properties[2].type == CIM_REFERENCE);
    assert_span(a->properties[2].class_name, "A");
    cr_expect(a->properties[3].type == CIM_OBJECT &&
              a->properties[3].class_name.data == NULL);
    assert_span(a->properties[4].class_name, "A");
    cr_expect(a->methods[0].parameter_count == 2 &&
              a->methods[0].parameters[1].is_array);
    cr_expect(a->methods[1].return_type == CIM_VOID);
    mof_compilation_free(c);
}

Test(parser, joins_strings_and_reads_their_escapes)
{
    static const struct {
        const char *text, *value;
    } rows[] = {
        {"\"a\" /* c */ \"b\" // d\n \"c\"", "abc"},
        {"\"\\\\ \\\" \\' \\t\"", "\\ \" ' \t"},
        {"\"\\x41\\x42C\"", "A\xd0\xac"}, /* \x42C is one character */
        {"\"\\x41 \\X263a\"", "A \xe2\x98\xba"},
        {"\"\\xd83d\\xde00\"", "\xf0\x9f\x98\x80"},
        {"\"C:\\q\"", "C:\\q"},
        {"\"one\ntwo\"", "one\ntwo"},
        {"\"\"", ""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char text[200];
        struct mof_compilation *c;

        snprintf(text, sizeof(text), "class A { string s = %s; };",
                 rows[i].text);
        c = compile_in_world(text);
        assert_span(statement_of(c, MOF_STATEMENT_CLASS, 0)
                        ->class->properties[0]
                        .value.one.text,
                    rows[i].value);
        mof_compilation_free(c);
    }
}

Test(parser, keeps_to_its_limits_with_a_place)
{
    static const struct {
        const char *head, *part, *tail, *errors;
        size_t n;
    } rows[] = {
        {"class A { A a; };\ninstance of A { ", "a = instance of A { ", "",
         "2:2021 0x80044017", 5000},
        {"class A { string s = ", "\"0123456789012345678901234567890\" ",
         "; };", "1:22 0x8004401D", 40000},
        {"class A { uint8 x = ", "1", "; };", "1:21 0x8004401D", 100000},
        {"", "[", "", "1:2 0x80044001", 1000000},
        {"class A { uint8 x = ", "{", "; };", "1:22 0x80044007", 100000},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char *text =
            repeated(rows[i].head, rows[i].part, rows[i].n, rows[i].tail);
        struct mof_compilation *c = compile_in_world(text);

        cr_expect(
            strncmp(errors_of(c), rows[i].errors, strlen(rows[i].errors)) == 0,
            "row %zu: %s", i, errors_of(c));
        mof_compilation_free(c);
        free(text);
    }
}

Test(parser, stops_after_as_many_errors_as_are_asked_for)
{
    char *text = repeated("class A {\n", "uint8 x y;\n", 100, "};");
    struct mof_options options = {.max_errors = 0};
    struct mof_compilation *c = compile_text(text, &options);

    cr_expect(mof_error_count(c) == 20);
    mof_compilation_free(c);
    options.max_errors = 3;
    c = compile_text(text, &options);
    cr_expect(mof_error_count(c) == 3);
    mof_compilation_free(c);
    free(text);
}

Test(parser, starts_each_file_in_the_default_namespace)
{
    static const char one[] = "#pragma namespace(\"root\\\\cimv2\")\n"
                              "class A { };";
    static const char two[] = "class B { };";
    struct mof_compilation *c = mof_compilation_new(NULL);

    cr_assert(mof_compile_buffer(c, "1", one, strlen(one)) == 0);
    cr_assert(mof_compile_buffer(c, "2", two, strlen(two)) == 0);
    cr_assert(mof_check(c) == 0);
    cr_expect(strcmp(statement_of(c, MOF_STATEMENT_CLASS, 0)->namespace.text,
                     "root\\cimv2") == 0);
    cr_expect(strcmp(statement_of(c, MOF_STATEMENT_CLASS, 1)->namespace.text,
                     "root\\default") == 0);
    mof_compilation_free(c);
}

Test(parser, takes_no_include_from_a_text_that_is_no_file)
{
    struct mof_compilation *c =
        compile_in_world("#pragma include(\"/etc/hostname\")");

    cr_expect_str_eq(errors_of(c), "1:17 0x80044030");
    mof_compilation_free(c);
}

Test(parser, bounds_what_includes_multiply)
{
    struct mof_compilation *c;
    struct mof_options options = {.world = test_world};
    const char *directory = test_directory();
    char path[300], text[200];

    /* Each file includes the next twice: 2^30 files if nobody counts. */
    for (int i = 0; i < 30; i++) {
        int n = snprintf(text, sizeof(text),
                         "#include \"%d.mof\"\n#include \"%d.mof\"\n", i + 1,
                         i + 1);

        snprintf(path, sizeof(path), "%s/%d.mof", directory, i);
        test_write_file(path, text, (size_t)n);
    }
    snprintf(path, sizeof(path), "%s/30.mof", directory);
    test_write_file(path, "", 0);
    snprintf(path, sizeof(path), "%s/0.mof", directory);
    options.max_errors = 1;
    c = mof_compilation_new(&options);
    cr_expect(mof_compile_file(c, path) < 0);
    cr_expect(diagnostic_of(c, MOF_ERROR, 0)->code == 0x80044030);
    cr_expect(strstr(diagnostic_of(c, MOF_ERROR, 0)->text,
                     "at most 10000 includes"));
    mof_compilation_free(c);
}

Test(parser, takes_an_include_in_another_case_if_one_file_has_it)
{
    static const char text[] = "#include \"Sub/FILE.mof\"\n";
    const char *directory = test_directory();
    struct mof_compilation *c;
    char path[300], other[300];

    test_shell("mkdir %s/sub", directory);
    snprintf(path, sizeof(path), "%s/sub/File.mof", directory);
    test_write_file(path, "class A { };", 12);
    snprintf(other, sizeof(other), "%s/sub/file.mof", directory);
    snprintf(path, sizeof(path), "%s/main.mof", directory);
    test_write_file(path, text, strlen(text));
    for (int two = 0; two <= 1; two++) {
        if (two)
            test_write_file(other, "class B { };", 12);
        c = mof_compilation_new(NULL);
        mof_compile_file(c, path);
        cr_expect_str_eq(errors_of(c), two ? "1:10 0x80044030" : "");
        cr_expect(mof_check(c) == (two ? -1 : 0));
        mof_compilation_free(c);
    }
}
