#include <string.h>

#include "tests/policy/mof/compile.h"

SUITE(key);

Test(key, is_canonical_whatever_the_order_and_case)
{
    static const struct {
        const char *body, *key;
    } rows[] = {
        {"B = \"x\"; a = 1; C = TRUE;", "a=1,b=\"x\",c=TRUE"},
        {"c = true; A = 0x1; b = \"x\";", "a=1,b=\"x\",c=TRUE"},
        {"c = false; A = -5; b = \"q\\\"\\\\\";",
         "a=-5,b=\"q\\\"\\\\\",c=FALSE"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct mof_compilation *c;
        char text[300];

        snprintf(text, sizeof(text),
                 "class K { [key] string b; [key] sint32 A; [key] boolean c; "
                 "};\ninstance of K { %s };",
                 rows[i].body);
        c = compile_in_world(text);
        assert_span(statement_of(c, MOF_STATEMENT_INSTANCE, 0)->key,
                    rows[i].key);
        mof_compilation_free(c);
    }
}

Test(key, reads_the_text_of_a_path)
{
    static const struct {
        const char *text, *only_key, *key; /* NULL: malformed */
    } rows[] = {
        {".K=1", "", "k=1"},
        {".K=0x1F", "", "k=31"},
        {".K=+007", "", "k=7"},
        {".K=-0", "", "k=0"},
        {".b=\"x\",A=2", "", "a=2,b=\"x\""},
        {". b = 'x' , A = true", "", "a=TRUE,b=\"x\""},
        {".K=\"a,b=c\\\"\\\\\"", "", "k=\"a,b=c\\\"\\\\\""},
        {".K=\"\"", "", "k=\"\""},
        {"=\"v\"", "Id", "id=\"v\""},
        {"=5", "Id", "id=5"},
        {"=@", "", "@"},
        {"", "", NULL},
        {".", "", NULL},
        {"=", "Id", NULL},
        {"=\"v\"", "", NULL},
        {".K", "", NULL},
        {".K=", "", NULL},
        {".=1", "", NULL},
        {".K=\"x", "", NULL},
        {".K=1,", "", NULL},
        {".K=1,k=2", "", NULL},
        {".K=x", "", NULL},
        {".K=1 2", "", NULL},
        {".K=99999999999999999999", "", NULL},
        {"=\"v\"x", "Id", NULL},
        {"K=1", "", NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena *arena = arena_new();
        struct span key;
        bool ok = mof_key_from_path(arena, span_of(rows[i].text),
                                    span_of(rows[i].only_key), &key);

        cr_expect(ok == (rows[i].key != NULL), "%s", rows[i].text);
        if (ok && rows[i].key != NULL)
            cr_expect(span_equal(key, span_of(rows[i].key)), "%s: %.*s",
                      rows[i].text, (int)key.length, key.data);
        arena_free(arena);
    }
}

Test(key, of_a_singleton_is_at)
{
    struct mof_compilation *c = compile_in_world(
        "[singleton] class S { string v; }; instance of S { v = \"1\"; };");

    assert_span(statement_of(c, MOF_STATEMENT_INSTANCE, 0)->key, "@");
    mof_compilation_free(c);
}

Test(key, takes_the_default_of_the_class)
{
    struct mof_compilation *c =
        compile_in_world("class A { [key] uint8 k = 7; [key] string n; };\n"
                         "class B : A { string n; };\n"
                         "instance of B { n = \"x\"; };");

    assert_span(statement_of(c, MOF_STATEMENT_INSTANCE, 0)->key,
                "k=7,n=\"x\"");
    mof_compilation_free(c);
}
