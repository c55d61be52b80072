#include "gateway/config/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/support.h"

SUITE(paths);

/* One a test. */
static const char *
dir(void)
{
    static const char *made;

    if (made == NULL)
        made = test_directory();
    return made;
}

static const char *
write_conf(const char *text)
{
    static char path[4200];

    snprintf(path, sizeof(path), "%s/nsgate.conf", dir());
    test_write_file(path, text, strlen(text));
    return path;
}

Test(paths, takes_two_keys_and_leaves_the_rest_alone)
{
    struct config_paths p;
    struct error err = {0};

    cr_assert(config_paths_load(write_conf("[weird]\nx = 1\n[nsgate]\n"
                                           "bogus = 1 ; comment\n"
                                           "workers = 0\n"
                                           "state_dir = /srv/state\n"),
                                &p, &err) == 0,
              "%s", err.text);
    cr_assert_str_eq(p.state_dir, "/srv/state");
    cr_assert_str_eq(p.runtime_dir, "/run/nsgate");
    cr_assert_str_eq(err.text, "");
    test_shell("mkdir %s/conf.d && printf '[nsgate]\\nstate_dir = /other\\n' "
               "> %s/conf.d/x.conf",
               dir(), dir());
    cr_assert(config_paths_load(write_conf("[nsgate]\nstate_dir = /a\n"), &p,
                                &err) == 0);
    cr_assert_str_eq(p.state_dir, "/other");
}

static void
count_route(void *arg, const struct namespace_path *ns)
{
    struct buf *b = arg;

    buf_add_span(b, namespace_path_span(ns));
    buf_add_char(b, ' ');
}

Test(paths, tells_the_namespaces_that_routes_lead_to)
{
    struct buf b = BUF_INIT;
    struct error err = {0};

    cr_assert(config_routed_each(
                  write_conf("[route/a]\npath = /a/\nnamespace = Root\\A\n"
                             "[nsgate]\nworkers = 0\n"
                             "[route/b]\nnamespace = other\\b\n"
                             "[route/c]\nnamespace = root/c/d\n"
                             "[access/root\\x]\nallow = y\n"),
                  count_route, &b, &err) == 0,
              "%s", err.text);
    cr_assert_str_eq(b.data, "root\\a root\\c\\d ");
    buf_reset(&b);
    /* Where requests say it, to all that somebody may come in to. */
    cr_assert(config_routed_each(
                  write_conf("[route/a]\npath = /a/\nnamespace = Root\\A\n"
                             "[route/b]\nprotocol = cim-xml\n"
                             "[access/Root\\X]\nallow = y\n"),
                  count_route, &b, &err) == 0,
              "%s", err.text);
    cr_assert_str_eq(b.data, "root\\a root\\x ");
    buf_fini(&b);
    cr_assert(config_routed_each("/nowhere/at/all", count_route, &b, &err) <
              0);
    cr_assert(err.code == -ENOENT);
}

Test(paths, has_the_defaults_of_an_empty_file)
{
    struct config_paths p;

    cr_assert(config_paths_load(write_conf(""), &p, NULL) == 0);
    cr_assert_str_eq(p.state_dir, "/var/lib/nsgate");
    cr_assert_str_eq(p.runtime_dir, "/run/nsgate");
}

Test(paths, refuses_what_is_no_absolute_path)
{
    static const char *const bad[] = {
        "[nsgate]\nstate_dir = here\n", "[nsgate]\nstate_dir = /a ; b\n",
        "[nsgate]\nstate_dir = /a\nstate_dir = /b\n",
        "[nsgate]\nstate_dir = \n"};
    struct config_paths p;
    struct error err = {0};

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        cr_assert(config_paths_load(write_conf(bad[i]), &p, &err) < 0);
        cr_assert(strstr(err.text, "/nsgate.conf:") != NULL, "%s", err.text);
        cr_assert(p.state_dir[0] == '\0' && p.runtime_dir[0] == '\0');
    }
}

Test(paths, tells_a_missing_file_apart)
{
    struct config_paths p;
    struct error err = {0};

    cr_assert(config_paths_load("/nonexistent/x.conf", &p, &err) < 0);
    cr_assert(err.code == -ENOENT);
}
