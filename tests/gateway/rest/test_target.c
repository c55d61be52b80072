#include <stdlib.h>
#include <string.h>

#include "gateway/rest/rest.h"
#include "tests/support/support.h"

SUITE(target);

#define PAGE_MAX 1000

static enum rest_parse
parse(const char *path, const char *query, struct rest_target *out)
{
    return rest_target_parse(span_of(path), span_of(query), PAGE_MAX, out);
}

Test(target, knows_each_resource_by_its_shape)
{
    const struct {
        const char *path;
        enum rest_kind kind;
        const char *namespace, *class_name, *key_text;
    } rows[] = {
        {"/cim/root", REST_NAMESPACE, "root", "", ""},
        {"/cim/Root/MyNamespace", REST_NAMESPACE, "root\\mynamespace", "", ""},
        {"/cim/root/a:My_Disk", REST_CLASS, "root\\a", "My_Disk", ""},
        {"/cim/root/a:__SystemSecurity", REST_CLASS, "root\\a",
         "__SystemSecurity", ""},
        {"/cim/root/a:Gr\xc3\xb6\xc3\x9f"
         "e",
         REST_CLASS, "root\\a",
         "Gr\xc3\xb6\xc3\x9f"
         "e",
         ""},
        {"/cim/root/a:C/instances", REST_INSTANCES, "root\\a", "C", ""},
        {"/cim/root/a:C.K=\"v\"", REST_INSTANCE, "root\\a", "C", ".K=\"v\""},
        {"/cim/root/a:C.K=\"a/b\\\\c\",L=2", REST_INSTANCE, "root\\a", "C",
         ".K=\"a/b\\\\c\",L=2"},
        {"/cim/root/a:C=\"x:y/instances\"", REST_INSTANCE, "root\\a", "C",
         "=\"x:y/instances\""},
        {"/cim/root/a:C=7", REST_INSTANCE, "root\\a", "C", "=7"},
        {"/cim/root/a:C=@", REST_INSTANCE, "root\\a", "C", "=@"},
    };
    struct rest_target t;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert_eq(parse(rows[i].path, NULL, &t), REST_PARSE_OK, "%s",
                     rows[i].path);
        cr_assert_eq(t.kind, rows[i].kind, "%s", rows[i].path);
        cr_assert_str_eq(t.namespace.text, rows[i].namespace);
        cr_assert_str_eq(t.class_name, rows[i].class_name);
        cr_assert_str_eq(t.key_text, rows[i].key_text);
        cr_assert_eq(t.limit, PAGE_MAX);
        cr_assert_eq(t.after, 0);
    }
}

/* Threat 22: one canonical form, or a refusal. */
Test(target, refuses_what_is_not_canonical)
{
    static const char *const rows[] = {
        "/cim/",
        "/cim//",
        "/cim/root/",
        "/cim//root",
        "/cim/root//a",
        "/cim/root/.",
        "/cim/root/..",
        "/cim/root/a.",
        "/cim/root\\a",
        "/cim/\\\\.\\root",
        "/cim/ root",
        "/cim/root/%61",
        "/cim/other",
        "/cim/:C",
        "/cim/root:",
        "/cim/root:1C",
        "/cim/root:.K=1",
        "/cim/root: C",
        "/cim/root:C ",
        "/cim/root:C;x",
        "/cim/root:C.",
        "/cim/root:C=",
        "/cim/root:C\"v\"",
        "/cim/root:C:D",
        "/cim/root:\xef\xbb\xbfX",
        "/cim/root:C\xc3",
    };
    struct rest_target t;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert_eq(parse(rows[i], NULL, &t), REST_PARSE_MALFORMED, "%s",
                     rows[i]);
        cr_assert_eq(t.kind, REST_NONE);
    }
}

Test(target, does_not_find_other_shapes)
{
    static const char *const rows[] = {
        "",
        "/",
        "/cim",
        "/cimroot",
        "/CIM/root",
        "/cim/root:C/",
        "/cim/root:C/instances/",
        "/cim/root:C/Instances",
        "/cim/root:C/methods",
    };
    struct rest_target t;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert_eq(parse(rows[i], NULL, &t), REST_PARSE_NOT_FOUND, "%s",
                     rows[i]);
        cr_assert_eq(t.kind, REST_NONE);
    }
}

Test(target, a_nul_never_shortens_a_name)
{
    struct rest_target t;
    struct span none = {NULL, 0};

    cr_assert_eq(rest_target_parse(SPAN("/cim/root\0x"), none, 1, &t),
                 REST_PARSE_MALFORMED);
    cr_assert_eq(rest_target_parse(SPAN("/cim/root:C\0x"), none, 1, &t),
                 REST_PARSE_MALFORMED);
    cr_assert_eq(rest_target_parse(SPAN("/cim/root:C=\"a\0b\""), none, 1, &t),
                 REST_PARSE_MALFORMED);
}

Test(target, reads_limit_and_after_of_a_page)
{
    const struct {
        const char *query;
        size_t limit;
        int64_t after;
    } rows[] = {
        {"", PAGE_MAX, 0},
        {"limit=1", 1, 0},
        {"after=7", PAGE_MAX, 7},
        {"limit=20&after=9223372036854775807", 20, INT64_MAX},
        {"after=0&limit=1000", 1000, 0},
        {"limit=1001", PAGE_MAX, 0}, /* a page is never larger */
        {"limit=9223372036854775807", PAGE_MAX, 0},
    };
    struct rest_target t;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert_eq(parse("/cim/root:C/instances", rows[i].query, &t),
                     REST_PARSE_OK, "%s", rows[i].query);
        cr_assert_eq(t.limit, rows[i].limit, "%s", rows[i].query);
        cr_assert_eq(t.after, rows[i].after, "%s", rows[i].query);
    }
}

Test(target, refuses_any_other_query)
{
    static const char *const rows[] = {
        "limit",    "limit=",          "limit=0",
        "limit=-1", "limit=+1",        "limit=1%30",
        "limit= 1", "limit=0x10",      "limit=9223372036854775808",
        "limit=1&", "limit=1&limit=1", "after=1&after=2",
        "Limit=1",  "filter=x",        "&",
        "=",        "after=1;limit=2", "after=99999999999999999999",
    };
    struct rest_target t;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_assert_eq(parse("/cim/root:C/instances", rows[i], &t),
                     REST_PARSE_MALFORMED, "%s", rows[i]);
    cr_assert_eq(parse("/cim/root:C", "limit=1", &t), REST_PARSE_MALFORMED);
    cr_assert_eq(parse("/cim/root", "limit=1", &t), REST_PARSE_MALFORMED);
    cr_assert_eq(parse("/cim/root:C=1", "a", &t), REST_PARSE_MALFORMED);
}

static enum rest_parse
parse_with_run(const char *before, size_t run, const char *after,
               struct rest_target *out)
{
    struct buf path = BUF_INIT;
    enum rest_parse parsed;

    buf_add_string(&path, before);
    while (run-- > 0)
        buf_add_char(&path, 'x');
    buf_add_string(&path, after);
    parsed = parse(path.data, NULL, out);
    buf_fini(&path);
    return parsed;
}

Test(target, names_and_keys_end_at_their_limits)
{
    struct rest_target t;

    cr_assert_eq(parse_with_run("/cim/root:", REST_NAME_MAX - 1, "", &t),
                 REST_PARSE_OK);
    cr_assert_eq(parse_with_run("/cim/root:", REST_NAME_MAX, "", &t),
                 REST_PARSE_MALFORMED);
    cr_assert_eq(parse_with_run("/cim/root:C=\"", REST_KEY_MAX - 4, "\"", &t),
                 REST_PARSE_OK);
    cr_assert_eq(parse_with_run("/cim/root:C=\"", REST_KEY_MAX - 3, "\"", &t),
                 REST_PARSE_MALFORMED);
}

Test(target, a_page_holds_at_least_one)
{
    struct rest_target t;

    cr_assert_eq(rest_target_parse(SPAN("/cim/root:C/instances"),
                                   (struct span){NULL, 0}, 0, &t),
                 REST_PARSE_OK);
    cr_assert_eq(t.limit, 1);
}

Test(target, resources_are_read_only)
{
    cr_assert_str_eq(rest_methods(REST_INSTANCE), "GET, HEAD, OPTIONS");
    cr_assert_str_eq(rest_methods(REST_NONE), "");
}
