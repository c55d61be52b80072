#include "tests/support/support.h"

#include <string.h>

SUITE(namespace_path);

Test(namespace_path, has_one_canonical_form_for_all_spellings)
{
    static const char *const same[] = {
        "\\\\.\\Root\\MyNamespace", "\\\\localhost\\root\\mynamespace",
        "\\Root\\MyNamespace",      "Root\\MyNamespace",
        "//./root/MYNAMESPACE",     "/root/MyNamespace",
        "root/MyNamespace",
    };
    struct namespace_path path;

    for (size_t i = 0; i < ARRAY_COUNT(same); i++) {
        cr_assert_eq(namespace_path_parse(&path, span_of(same[i]), NULL),
                     NAMESPACE_PATH_OK, "%s", same[i]);
        cr_assert_str_eq(path.text, "root\\mynamespace");
        cr_assert_eq(path.length, strlen(path.text));
    }
}

Test(namespace_path, refuses_what_is_no_namespace_and_says_why)
{
    static const struct {
        const char *text;
        enum namespace_path_problem problem;
        const char *words;
    } bad[] = {
        {"", NAMESPACE_PATH_MALFORMED, "not a namespace"},
        {"\\", NAMESPACE_PATH_MALFORMED, "not a namespace"},
        {"root\\", NAMESPACE_PATH_MALFORMED, "not a namespace"},
        {"root\\\\x", NAMESPACE_PATH_MALFORMED, "not a namespace"},
        {"root\\a/b", NAMESPACE_PATH_BAD_NAME, "not a namespace"},
        {"root\\1x", NAMESPACE_PATH_BAD_NAME, "not a namespace"},
        {"root\\.", NAMESPACE_PATH_BAD_NAME, "not a namespace"},
        {"root\\x ", NAMESPACE_PATH_BAD_NAME, "not a namespace"},
        {"root\\a\xc0\xaf", NAMESPACE_PATH_BAD_NAME, "not a namespace"},
        {"\\.\root\\x", NAMESPACE_PATH_MALFORMED, "backslash twice"},
        {"\\\\server\\root\\x", NAMESPACE_PATH_REMOTE, "another machine"},
        {"http://server/root/x", NAMESPACE_PATH_REMOTE, "another machine"},
        {"HTTPS://server:5989/root/x", NAMESPACE_PATH_REMOTE,
         "another machine"},
        {"rootx\\y", NAMESPACE_PATH_NOT_ROOT, "begin with root"},
        {"cimv2", NAMESPACE_PATH_NOT_ROOT, "begin with root"},
    };
    struct namespace_path path;
    struct error err;

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        cr_assert_eq(namespace_path_parse(&path, span_of(bad[i].text), &err),
                     bad[i].problem, "row %zu: %s", i, bad[i].text);
        cr_assert_not_null(strstr(err.text, bad[i].words), "row %zu: %s", i,
                           err.text);
        cr_assert_eq(path.length, 0);
    }
}

Test(namespace_path, takes_from_a_url_only_what_is_exactly_canonical)
{
    static const char *const bad[] = {"",         "/root/x",  "root/x/",
                                      "root//x",  "root\\x",  "root/../x",
                                      "root/./x", "root/x:y", "root/x%2f",
                                      "roo/x",    "root/x.",  "root/x\x01"};
    struct namespace_path path;

    cr_assert(namespace_path_from_url(&path, SPAN("Root/MyNamespace")));
    cr_assert_str_eq(path.text, "root\\mynamespace");
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        cr_assert(!namespace_path_from_url(&path, span_of(bad[i])), "%s",
                  bad[i]);
}

Test(namespace_path, is_bounded)
{
    char text[700];
    struct namespace_path path;

    memset(text, 'a', sizeof(text));
    memcpy(text, "root\\", 5);
    for (size_t i = 5 + 100; i < sizeof(text); i += 101)
        text[i] = '\\';
    cr_assert_eq(namespace_path_parse(&path, (struct span){text, 600}, NULL),
                 NAMESPACE_PATH_TOO_LONG);
    cr_assert_eq(namespace_path_parse(&path, (struct span){text, 500}, NULL),
                 NAMESPACE_PATH_OK);
    memset(text + 5, 'a', sizeof(text) - 5);
    cr_assert_eq(
        namespace_path_parse(&path, (struct span){text, 5 + 256}, NULL),
        NAMESPACE_PATH_BAD_NAME);
}

Test(namespace_path, knows_parent_child_and_name)
{
    struct namespace_path path, parent, child;

    namespace_path_parse(&path, SPAN("root\\a\\B"), NULL);
    assert_span(namespace_path_name(&path), "b");
    cr_assert(namespace_path_parent(&path, &parent));
    cr_assert_str_eq(parent.text, "root\\a");
    cr_assert(namespace_path_child(&parent, SPAN("B"), &child));
    cr_assert(namespace_path_equal(&child, &path));
    cr_assert(!namespace_path_child(&parent, SPAN("b\\c"), &child));
    cr_assert(!namespace_path_child(&parent, SPAN("b/c"), &child));
    namespace_path_parse(&path, SPAN("root"), NULL);
    cr_assert(!namespace_path_parent(&path, &parent));
}

Test(namespace_path, keeps_the_authors_spelling_for_display)
{
    char out[NAMESPACE_PATH_MAX + 1];

    namespace_path_display(SPAN("\\\\.\\Root\\MyNamespace"), out);
    cr_assert_str_eq(out, "Root\\MyNamespace");
    namespace_path_display(SPAN("//./Root/My"), out);
    cr_assert_str_eq(out, "Root\\My");
}
