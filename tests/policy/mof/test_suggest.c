#include <string.h>

#include "tests/policy/mof/compile.h"

SUITE(suggest);

#define ENCRYPT "[RequiresEncryption(TRUE)] instance of __SystemSecurity { };"

/* What is not known, and what was meant by it; "" for nothing. */
static const struct {
    const char *text, *meant;
    bool strict;
} rows[] = {
    /* classes: of the text, of the repository, of the system */
    {"class Disk { [key] string Id; };\ninstance of Dsik { Id = \"1\"; };",
     "Disk", false},
    {"class Disk { [key] string Id; };\nclass B : Dsk { uint8 x; };", "Disk",
     false},
    {"class Disk { [key] string Id; };\nclass B { Disc x; };", "Disk", false},
    {"#pragma namespace(\"root\\\\hardware\")\ninstance of HW_Dsk { Id = "
     "\"1\"; };",
     "HW_Disk", false},
    {"instance of __Namspace { Name = \"x\"; };", "__NAMESPACE", false},
    {"instance of Whatever { Id = \"1\"; };", "", false},
    /* types */
    {"class A { unit32 x; };", "uint32", false},
    {"class A { int x; };", "sint32", false},
    {"class A { Strng x; };", "string", false},
    /* properties, inherited ones too */
    {"class A { [key] string Name; };\ninstance of A { Nmae = \"1\"; };",
     "Name", false},
    {"class A { [key] string Name; }; class B : A { uint8 x; };\n"
     "instance of B { Naem = \"1\"; };",
     "Name", false},
    {"class A { [key] string Name; };\ninstance of A { Value = \"1\"; };", "",
     false},
    /* words of the language */
    {"clas A { uint8 x; };", "class", false},
    {"instnace of A { };", "instance", false},
    {"foo A { };", "", false},
    {"[a : ToSublcass] class A { uint8 x; };", "ToSubclass", false},
    {"qualifier Q : boolean = false, scope(clas);", "class", false},
    {"qualifier Q : boolean = false, flavor(tosubclas);", "ToSubclass", false},
    /* pragmas: a namespace that is not entered is no matter of taste */
    {"#pragma namspace(\"root\\\\x\")\n", "namespace", false},
    {"#pragma deletclass(\"A\", NOFAIL)\n", "deleteclass", true},
    /* security */
    {"[RequireEncryption(TRUE)] instance of __SystemSecurity { };",
     "RequiresEncryption", false},
    {"#pragma namespace(\"root\\\\hardwar\")\n" ENCRYPT, "root\\hardware",
     false},
    /* namespaces, where WMI would refuse one */
    {"#pragma namespace(\"root\\\\hardwar\")\nclass A { uint8 x; };",
     "root\\hardware", true},
};

Test(suggest, names_what_was_probably_meant)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct mof_options options = {.world = test_world,
                                      .strict = rows[i].strict};
        struct mof_compilation *c = compile_text(rows[i].text, &options);
        const struct mof_diagnostic *d = diagnostic_of(c, MOF_ERROR, 0);

        cr_expect_str_eq(d->meant != NULL ? d->meant : "", rows[i].meant, "%s",
                         rows[i].text);
        cr_expect((strstr(d->text, "; did you mean ") != NULL) ==
                      (rows[i].meant[0] != '\0'),
                  "%s", d->text);
        cr_expect(strstr(d->text, rows[i].meant) != NULL, "%s", d->text);
        mof_compilation_free(c);
    }
}

Test(suggest, tells_of_a_class_in_another_namespace)
{
    struct mof_compilation *c = compile_in_world(
        "#pragma namespace(\"root\\\\a\")\nclass Disk { [key] string Id; };\n"
        "#pragma namespace(\"root\\\\b\")\ninstance of Disk { Id = \"1\"; "
        "};\n");
    const struct mof_diagnostic *d = diagnostic_of(c, MOF_ERROR, 0);

    cr_assert(d->detail != NULL);
    cr_expect(d->detail->where.line == 2);
    cr_expect_str_eq(d->detail->text, "Disk is declared here, in root\\a");
    mof_compilation_free(c);
}

Test(suggest, warns_of_a_qualifier_that_is_nearly_a_standard_one)
{
    static const struct {
        const char *text, *meant;
    } qualifiers[] = {
        {"[Asociation] class A { uint8 x; };", "Association"},
        {"class A { [Kye] uint8 x; };", "Key"},
        {"class A { [Overide(\"x\")] uint8 x; };", "Override"},
        {"class A { [Key, Values{\"a\"}, Aggregation, nokey] uint8 x; };", ""},
        {"qualifier Overide : string, scope(any);\n"
         "class A { [Overide(\"x\")] uint8 x; };",
         ""},
        {"class A { [VeryOwn, Vendor_Key] uint8 x; };", ""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(qualifiers); i++) {
        struct mof_compilation *c = compile_in_world(qualifiers[i].text);
        const char *meant = "";

        for (size_t n = 0; n < mof_diagnostic_count(c); n++) {
            const struct mof_diagnostic *d = mof_diagnostic(c, n);

            if (d->warning != NULL &&
                strcmp(d->warning, "qualifier-spelling") == 0)
                meant = d->meant;
        }
        cr_expect_str_eq(meant, qualifiers[i].meant, "%s", qualifiers[i].text);
        mof_compilation_free(c);
    }
}
