#include "tests/gateway/ctl/run.h"
#include "tests/policy/repository/unit.h"
#include "tests/support/support.h"

#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

SUITE(namespaces, .init = cr_redirect_stderr);

/* root\Sealed requires encryption, root\plain does not; stored, and in force
 * if `activated`. */
static const char *
fill(bool activated)
{
    const char *dir;
    struct repository *repo = repository_new(&dir);
    struct unit u = unit_new();
    struct error err = {0, ""};
    uint64_t generation;

    unit_namespace(&u, "root\\plain");
    unit_namespace(&u, "root\\Sealed");
    unit_encryption(&u, "root\\Sealed", true);
    unit_store(repo, &u, NULL);
    if (activated) {
        cr_assert_eq(repository_read_begin(repo, &generation, &err), 0);
        cr_assert_eq(policy_image_build(repo, dir, generation, &err), 0, "%s",
                     err.text);
        repository_read_end(repo);
        cr_assert_eq(policy_image_activate(dir, &err), 0, "%s", err.text);
    }
    unit_free(&u);
    repository_close(repo);
    return dir;
}

/* One more compile that never came into force. */
static void
store_only(const char *dir)
{
    struct repository *repo = NULL;
    struct unit u = unit_new();

    cr_assert_eq(repository_open(dir, REPOSITORY_WRITE, &repo, NULL), 0);
    unit_encryption(&u, "root\\plain", true);
    unit_store(repo, &u, NULL);
    unit_free(&u);
    repository_close(repo);
}

static char *
printed(const char *dir, bool json, int expected)
{
    const char *const words[] = {"namespaces", json ? "--json" : NULL, NULL};
    const struct ctl ctl = {NULL, dir, dir};
    int status;
    char *text = run_printed(ctl_namespaces, &ctl, dir, words, &status);

    cr_assert_eq(status, expected, "status %d: %s", status, text);
    return text;
}

Test(namespaces, shows_each_with_the_level_in_force)
{
    char *text = printed(fill(true), true, CTL_OK);

    cr_assert_not_null(
        strstr(text, "{\"namespace\":\"root\\\\Sealed\",\"requiredLevel\":"
                     "\"PktPrivacy\""),
        "%s", text);
    cr_assert_not_null(
        strstr(text, "{\"namespace\":\"root\\\\plain\",\"requiredLevel\":"
                     "\"Connect\""),
        "%s", text);
    free(text);
}

Test(namespaces, marks_what_is_stored_and_not_in_force)
{
    const char *dir = fill(true);
    char *text;

    store_only(dir);
    text = printed(dir, false, CTL_FAILED);
    cr_assert_not_null(
        strstr(text, "root\\plain  (stored as PktPrivacy, not in force)"),
        "%s", text);
    free(text);
}

Test(namespaces, without_an_image_nothing_is_in_force)
{
    char *text = printed(fill(false), true, CTL_FAILED);

    cr_assert_null(strstr(text, "\"requiredLevel\":\"PktPrivacy\""), "%s",
                   text);
    cr_assert_not_null(strstr(text, "\"requiredLevel\":\"unavailable\""), "%s",
                       text);
    free(text);
}
