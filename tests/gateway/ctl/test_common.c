#include "gateway/ctl/ctl.h"
#include "tests/support/support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

SUITE(common);

static char *
printed(struct span text, bool lines)
{
    char *out = NULL;
    size_t length = 0;
    FILE *f = open_memstream(&out, &length);

    ctl_print_text(f, text, lines);
    fclose(f);
    return out;
}

Test(common, foreign_text_cannot_drive_a_terminal)
{
    static const struct {
        const char *in, *out;
        bool lines;
    } rows[] = {
        {"plain", "plain", false},
        {"\x1b[2Jgone", "?[2Jgone", false},
        {"a\nb\tc", "a?b?c", false},
        {"a\nb\tc\r", "a\nb\tc?", true},
        {"\x7f", "?", false},
        {"\xc2\x9b"
         "31m",
         "?31m", false}, /* CSI as U+009B */
        {"na\xc3\xafve", "na\xc3\xafve", false},
        {"\xff\xc3", "??", false},
        {"a\xe2\x80\xa8"
         "b\xe2\x80\xae",
         "a?b?", true}, /* U+2028, U+202E */
        {"", "", false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char *out = printed(span_of(rows[i].in), rows[i].lines);

        cr_assert_str_eq(out, rows[i].out, "row %zu: '%s'", i, out);
        free(out);
    }
}

Test(common, directories_given_as_options_need_no_configuration)
{
    const struct ctl ctl = {"/nonexistent.conf", "/a", "/b"};
    struct ctl_paths paths;

    cr_assert_eq(ctl_paths_load(&ctl, &paths, NULL), 0);
    cr_assert_str_eq(paths.state_dir, "/a");
    cr_assert_str_eq(paths.runtime_dir, "/b");
}

Test(common, a_configuration_that_is_named_must_exist)
{
    const struct ctl ctl = {"/nonexistent.conf", "/a", NULL};
    struct ctl_paths paths;
    struct error err = {0, ""};

    cr_assert_eq(ctl_paths_load(&ctl, &paths, &err), -1);
    cr_assert(strstr(err.text, "/nonexistent.conf") != NULL, "%s", err.text);
}

Test(common, one_option_replaces_one_configured_directory)
{
    static const char text[] =
        "[nsgate]\nstate_dir = /one\nruntime_dir = /two\n";
    char path[512];
    struct ctl ctl = {path, NULL, "/three"};
    struct ctl_paths paths;
    struct error err = {0, ""};

    snprintf(path, sizeof(path), "%s/nsgate.conf", test_directory());
    test_write_file(path, text, strlen(text));
    cr_assert_eq(ctl_paths_load(&ctl, &paths, &err), 0, "%s", err.text);
    cr_assert_str_eq(paths.state_dir, "/one");
    cr_assert_str_eq(paths.runtime_dir, "/three");
}

Test(common, without_a_gateway_a_call_says_so)
{
    const struct ctl ctl = {NULL, "/a", test_directory()};
    struct error err = {0, ""};

    cr_assert_eq(ctl_call(&ctl, "status", 100, NULL, &err), -1);
    cr_assert(strstr(err.text, "no gateway is running") != NULL, "%s",
              err.text);
}
