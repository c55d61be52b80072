#include <string.h>

#include "policy/mof/compilation.h"
#include "tests/policy/mof/compile.h"

/* Instances that are read again when their turn comes. */
SUITE(stretch);

#define CLASSES                                                               \
    "class A { [key] uint32 k; string s; boolean b; A e; A ref r; };\n"

/* "kind key line" of every statement, joined by ", "; static. */
static const char *
statements_of(const struct mof_compilation *c)
{
    static char text[2000];
    struct mof_cursor cursor = {0};
    const struct mof_statement *st;

    text[0] = '\0';
    while ((st = mof_unit_next(mof_unit(c), &cursor)) != NULL) {
        size_t n = strlen(text);

        snprintf(text + n, sizeof(text) - n, "%s%d %.*s %u", n ? ", " : "",
                 st->kind, (int)st->key.length,
                 st->key.length > 0 ? st->key.data : "", st->where.line);
    }
    cr_expect(!cursor.failed);
    return text;
}

Test(stretch, gives_every_instance_in_its_place_with_its_key_and_line)
{
    static const struct {
        const char *text, *statements;
    } rows[] = {
        {"instance of A { k = 1; };\n;;instance of A { k = 2; };", /* alone */
         "1  1, 2  1, 3 k=1 2, 3 k=2 3"},
        {"/* c */ [Q(1), V{1, 2}] instance of A { k = 1; };\n"
         "// c\ninstance of A { k = 2; s = \"};\" \"x\"; }\n;",
         "1  1, 2  1, 3 k=1 2, 3 k=2 4"},
        {"instance of A { k = 1; };\ninstance of A as $a { k = 2; };\n"
         "instance of A { k = 3; r = $a; };\ninstance of A { k = 4; };\n",
         "1  1, 2  1, 3 k=1 2, 3 k=2 3, 3 k=3 4, 3 k=4 5"},
        {"instance of A { k = 1; };\n#pragma locale(\"en\")\n"
         "instance of A { k = 2; };\nclass B { };\n"
         "instance of A { k = 3; };\n#pragma namespace(\"root\\\\default\")\n"
         "instance of A { k = 4; };\n",
         "1  1, 2  1, 3 k=1 2, 3 k=2 4, 2  5, 3 k=3 6, 3 k=4 8"},
        {"instance of A { k = 1; e = instance of A { k = 9; }; };\n"
         "instance of __Namespace { Name = \"x\"; };\n"
         "instance of A { k = 2; };\n",
         "1  1, 2  1, 3 k=1 2, 1  3, 3 k=2 4"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char *text = repeated(CLASSES, "", 0, rows[i].text);
        struct mof_compilation *c = compile_text(text, NULL);

        cr_expect_str_eq(errors_of(c), "", "row %zu: %s", i, errors_of(c));
        for (int again = 0; again < 2; again++)
            cr_expect_str_eq(statements_of(c), rows[i].statements,
                             "row %zu: %s", i, statements_of(c));
        mof_compilation_free(c);
        free(text);
    }
}

Test(stretch, flags_of_a_pragma_hold_for_what_is_behind_it)
{
    static const unsigned changes[] = {0, MOF_CHANGE_CREATE_ONLY,
                                       MOF_CHANGE_UPDATE_ONLY};
    struct mof_compilation *c =
        compile_text(CLASSES "instance of A { k = 1; };\n"
                             "#pragma instanceflags(\"createonly\")\n"
                             "instance of A { k = 2; };\n"
                             "#pragma instanceflags(\"updateonly\")\n"
                             "instance of A { k = 3; };\n",
                     NULL);

    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        const struct mof_statement *st =
            statement_of(c, MOF_STATEMENT_INSTANCE, i);

        cr_expect((st->change & MOF_CHANGE_OF_INSTANCE) == changes[i],
                  "%zu: %u", i, st->change);
    }
    mof_compilation_free(c);
}

Test(stretch, takes_no_more_memory_for_more_instances)
{
    size_t used[2], tokens[2];

    for (size_t i = 0; i < ARRAY_COUNT(used); i++) {
        char *text =
            repeated(CLASSES, "instance of A { k = 1; s = \"a\" \"b\"; };\n",
                     i == 0 ? 10 : 20000, "");
        struct mof_compilation *c = compile_text(text, NULL);

        cr_expect(mof_unit(c)->count == 3);
        cr_expect(mof_unit(c)->instance_count == (i == 0 ? 10 : 20000));
        statements_of(c);
        used[i] = arena_used(c->trees);
        tokens[i] = c->tokens;
        mof_compilation_free(c);
        free(text);
    }
    cr_expect(used[0] == used[1], "%zu, %zu", used[0], used[1]);
    cr_expect(tokens[0] == tokens[1], "%zu, %zu", tokens[0], tokens[1]);
}

Test(stretch, says_what_is_wrong_with_any_of_its_instances_once)
{
    struct mof_compilation *c =
        compile_text(CLASSES "instance of A { k = 1; b = \"true\"; };\n"
                             "instance of A { k = 2; };\n"
                             "instance of A { k = 3; s = 4; };\n"
                             "instance of A { s = \"no key\"; };\n"
                             "instance of A { k = 5; zzzzz = 1; };\n",
                     NULL);

    cr_expect_str_eq(errors_of(c), "4:28 0x80044015", "%s", errors_of(c));
    cr_expect(count_of(c, MOF_WARNING) == 1);
    mof_compilation_free(c);
    c = compile_text(CLASSES "instance of A { k = 1; b = \"true\"; };\n"
                             "instance of A { s = \"no key\"; };\n"
                             "instance of A { k = 5; zzzzz = 1; };\n",
                     NULL);
    cr_expect_str_eq(errors_of(c), "3:1 0x80041028, 4:24 0x80041002", "%s",
                     errors_of(c));
    cr_expect(count_of(c, MOF_WARNING) == 1);
    statements_of(c);
    cr_expect(mof_error_count(c) == 2 && count_of(c, MOF_WARNING) == 1);
    mof_compilation_free(c);
}

Test(stretch, an_instance_is_of_the_class_as_it_stood_in_front_of_it)
{
    struct mof_compilation *c =
        compile_text("class A { [key] uint8 k; uint8 v; };\n"
                     "instance of A { k = 1; v = 2; };\n"
                     "class A { [key] uint8 k; string v; };\n"
                     "instance of A { k = 2; v = \"2\"; };\n"
                     "#pragma deleteclass(\"A\", FAIL)\n",
                     NULL);
    static const enum cim_type types[] = {CIM_UINT8, CIM_STRING};

    cr_expect_str_eq(errors_of(c), "");
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        const struct mof_statement *st =
            statement_of(c, MOF_STATEMENT_INSTANCE, i);
        const struct cim_property *p =
            cim_instance_property(st->instance, SPAN("v"));

        cr_assert(p != NULL);
        cr_expect(p->type == types[i], "%zu: %d", i, p->type);
    }
    mof_compilation_free(c);
}
