#include <stdlib.h>
#include <string.h>

#include "tests/policy/mof/compile.h"

SUITE(security);

#define HARDWARE "#pragma namespace(\"root\\\\hardware\")\n"
#define ROOT     "#pragma namespace(\"root\")\n"

Test(security, reads_true_and_false_for_the_namespace_meant)
{
    static const struct {
        const char *text, *namespace;
        bool encrypted;
    } rows[] = {
        {HARDWARE "[RequiresEncryption(TRUE)] instance of __SystemSecurity "
                  "{ };",
         "root\\hardware", true},
        {HARDWARE "[REQUIRESENCRYPTION(false)] instance of "
                  "__SYSTEMSECURITY { };",
         "root\\hardware", false},
        {ROOT "[RequiresEncryption(TRUE)] instance of __Namespace "
              "{ Name = \"hardware\"; };",
         "root\\hardware", true},
        {ROOT "[RequiresEncryption(FALSE)] instance of __NAMESPACE "
              "{ NAME = \"Hardware\"; };",
         "root\\hardware", false},
        {"[RequiresEncryption(TRUE)] instance of __SystemSecurity { };",
         "root\\default", true},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct mof_compilation *c = compile_in_world(rows[i].text);
        const struct mof_statement *s =
            statement_of(c, MOF_STATEMENT_ENCRYPTION, 0);

        cr_expect(mof_error_count(c) == 0);
        cr_expect_str_eq(s->namespace.text, rows[i].namespace);
        cr_expect(s->requires_encryption == rows[i].encrypted);
        mof_compilation_free(c);
    }
}

Test(security, names_both_places_of_a_contradiction)
{
    struct mof_compilation *c = compile_in_world(
        HARDWARE
        "[RequiresEncryption(TRUE)] instance of __SystemSecurity { };\n"
        "[RequiresEncryption(FALSE)] instance of __SystemSecurity { };\n");
    const struct mof_diagnostic *d = diagnostic_of(c, MOF_ERROR, 0);

    cr_expect(d->where.line == 3);
    cr_assert(d->detail != NULL);
    cr_expect(d->detail->where.line == 2 && d->detail->where.column == 2);
    cr_expect_str_eq(d->detail->text, "TRUE was said here");
    mof_compilation_free(c);
}

Test(security, asks_whether_a_near_miss_was_meant)
{
    static const char *const rows[] = {
        "RequireEncryption",   "RequiresEncription", "RequiresEncrytpion",
        "Requires_Encryption", "EncryptionRequired", "RequiresEncrypted"};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char text[200];
        struct mof_compilation *c;
        const struct mof_diagnostic *d;

        snprintf(text, sizeof(text),
                 HARDWARE "[%s(TRUE)] instance of __SystemSecurity { };",
                 rows[i]);
        c = compile_in_world(text);
        d = diagnostic_of(c, MOF_ERROR, 0);
        cr_expect(d->code == 0x8004402E &&
                      strstr(d->text, "did you mean RequiresEncryption?"),
                  "%s: %s", rows[i], d->text);
        mof_compilation_free(c);
    }
}

Test(security, lets_no_typo_protect_nothing)
{
    static const char text[] =
        "#pragma namespace(\"root\\\\hardwar\")\n"
        "[RequiresEncryption(TRUE)] instance of __SystemSecurity { };\n";
    struct mof_options options = {.world = test_world};
    struct mof_compilation *c = compile_text(text, &options);

    cr_expect_str_eq(errors_of(c), "2:2 0x8004100E");
    cr_expect(strstr(diagnostic_of(c, MOF_ERROR, 0)->text,
                     "did you mean root\\hardware?") != NULL);
    mof_compilation_free(c);
    options.create = true;
    c = compile_text(text, &options);
    cr_expect(mof_error_count(c) == 0 && count_of(c, MOF_WARNING) == 1);
    mof_compilation_free(c);
}

static bool
served(void *context, const struct namespace_path *ns)
{
    (void)context;
    return strcmp(ns->text, "root\\hardwar") == 0;
}

Test(security, takes_a_namespace_in_use_for_no_typo)
{
    static const char *const rows[] = {"class A { };", ""};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct mof_options options = {.world = test_world};
        struct mof_compilation *c;
        char text[300];

        if (i == 1)
            options.world.namespace_served = served;
        snprintf(text, sizeof(text),
                 "#pragma namespace(\"root\\\\hardwar\")\n%s\n"
                 "[RequiresEncryption(TRUE)] instance of __SystemSecurity "
                 "{ };\n",
                 rows[i]);
        c = compile_text(text, &options);
        cr_expect(mof_error_count(c) == 0 && count_of(c, MOF_WARNING) == 0,
                  "row %zu: %s", i, errors_of(c));
        mof_compilation_free(c);
    }
}

static bool
encrypted(void *context, const struct namespace_path *ns)
{
    (void)context;
    return strcmp(ns->text, "root\\hardware") == 0;
}

Test(security, warns_about_a_child_in_the_clear)
{
    static const struct {
        const char *text;
        bool parent_stored;
        size_t warnings;
    } rows[] = {
        {HARDWARE "[RequiresEncryption(TRUE)] instance of __SystemSecurity "
                  "{ }; instance of __Namespace { Name = \"c\"; };",
         false, 1},
        {HARDWARE "instance of __Namespace { Name = \"c\"; };", true, 1},
        {HARDWARE "instance of __Namespace { Name = \"c\"; };", false, 0},
        {HARDWARE "[RequiresEncryption(TRUE)] instance of __SystemSecurity "
                  "{ }; #pragma namespace(\"root\\\\hardware\\\\c\")\n"
                  "class A { }; [RequiresEncryption(FALSE)] instance of "
                  "__SystemSecurity { };",
         false, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct mof_options options = {.world = test_world};
        struct mof_compilation *c;

        if (rows[i].parent_stored)
            options.world.namespace_encrypted = encrypted;
        c = compile_text(rows[i].text, &options);
        cr_expect(mof_error_count(c) == 0);
        cr_expect(count_of(c, MOF_WARNING) == rows[i].warnings, "row %zu", i);
        mof_compilation_free(c);
    }
}

Test(security, survives_other_mistakes_in_the_same_text)
{
    /* A statement behind an error is still judged. */
    struct mof_compilation *c = compile_in_world(
        "class A { uint8 x y; };\n" HARDWARE
        "[RequiresEncryption] instance of __SystemSecurity { };\n");

    cr_expect_str_eq(errors_of(c), "1:19 0x80044002, 3:2 0x80044015");
    mof_compilation_free(c);
}
