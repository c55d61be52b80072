#include "gateway/server/upstreams.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/support.h"

SUITE(upstreams);

static const struct config_upstream list[] = {
    {.url = "http://127.0.0.1", .host = "127.0.0.1", .numeric = true},
    {.url = "unix:/s", .host = "localhost", .unix_path = "/s"},
    {.url = "http://a..b", .host = "a..b"}, /* no name server has it */
};

static struct upstream_set
opened(void)
{
    static const struct config_route routes[] = {
        {.name = "a", .path = "/a/"},
        {.name = "b", .path = "/b/", .upstreams = list, .upstream_count = 3},
    };
    const struct config c = {.state_dir = test_directory(),
                             .routes = routes,
                             .route_count = ARRAY_COUNT(routes)};
    struct upstream_set set;
    struct error err = {0, ""};

    cr_assert_eq(upstream_set_open(&c, &set, &err), 0, "%s", err.text);
    cr_assert_eq(set.count, 3);
    return set;
}

Test(upstreams, have_addresses_only_if_their_hosts_are_names_and_found)
{
    struct upstream_set set = opened();

    for (size_t i = 0; i < set.count; i++) {
        cr_expect_str_eq(set.addresses[i], "");
        cr_expect_eq(set.lost[i], i == 2);
    }
    upstream_set_close(&set);
    upstream_set_close(&set);
}

static void
expect_tally(const struct upstream_set *set, size_t upstream, unsigned up,
             unsigned down)
{
    struct upstream_tally t = upstream_set_tally(set, upstream);

    cr_expect(t.up == up && t.down == down, "%zu: %u up, %u down", upstream,
              t.up, t.down);
}

Test(upstreams, are_what_each_worker_says_of_them)
{
    struct upstream_set set = opened();
    int status;
    pid_t pid;

    expect_tally(&set, 1, 0, 0);
    for (size_t i = 0; i < set.count; i++)
        upstream_set_tell(&set, 0, i, true);
    upstream_set_tell(&set, 255, 1, false);
    expect_tally(&set, 0, 1, 0);
    expect_tally(&set, 1, 1, 1);
    /* Said in one process, known in all. */
    pid = fork();
    if (pid == 0) {
        upstream_set_tell(&set, 7, 1, false);
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    expect_tally(&set, 1, 1, 2);
    expect_tally(&set, 2, 1, 0);
    upstream_set_forget(&set, 7);
    upstream_set_forget(&set, 255);
    expect_tally(&set, 1, 1, 0);
    upstream_set_close(&set);
}

Test(upstreams, may_be_none)
{
    struct config c = {.state_dir = "/"};
    struct upstream_set set;

    cr_assert_eq(upstream_set_open(&c, &set, NULL), 0);
    upstream_set_forget(&set, 3);
    upstream_set_close(&set);
}
