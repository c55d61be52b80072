#include "gateway/server/revoked.h"

#include <string.h>
#include <unistd.h>

#include "tests/support/support.h"

SUITE(revoked);

#define NOW INT64_C(1000000)

static struct revoked *
open_at(const char *dir)
{
    const struct account me = {.uid = geteuid(), .gid = getegid()};
    struct error err = {0};
    struct revoked *t = revoked_open(dir, &me, &err);

    cr_assert(t != NULL, "%s", err.text);
    return t;
}

/* All of one bucket. */
static struct session
session_of(unsigned n, int64_t expires_us)
{
    struct session s = {.expires_us = expires_us};

    memcpy(s.id + 4, &n, sizeof(n));
    return s;
}

Test(revoked, holds_what_was_added_and_nothing_else)
{
    struct revoked *t = open_at(test_directory());
    struct session one = session_of(1, NOW + 10),
                   two = session_of(2, NOW + 10);
    struct session later = session_of(1, NOW + 11);

    cr_expect_not(revoked_has(t, &one));
    revoked_add(t, &one, NOW);
    cr_expect(revoked_has(t, &one));
    cr_expect_not(revoked_has(t, &two));
    cr_expect_not(revoked_has(t, &later));
    revoked_close(t);
}

Test(revoked, outlives_the_process)
{
    const char *dir = test_directory();
    struct revoked *t = open_at(dir);
    struct session one = session_of(1, NOW + 10);

    revoked_add(t, &one, NOW);
    revoked_close(t);
    t = open_at(dir);
    cr_expect(revoked_has(t, &one));
    revoked_close(t);
}

Test(revoked, is_shared_by_those_that_have_it)
{
    const char *dir = test_directory();
    struct revoked *t = open_at(dir), *other = open_at(dir);
    struct session one = session_of(1, NOW + 10);

    revoked_add(t, &one, NOW);
    cr_expect(revoked_has(other, &one));
    revoked_close(t);
    revoked_close(other);
}

Test(revoked, uses_the_room_of_what_has_ended)
{
    struct revoked *t = open_at(test_directory());
    struct session untouched = session_of(9999, NOW + 2000);

    for (unsigned i = 0; i < 1000; i++) {
        struct session s = session_of(i, NOW + i + 1);

        revoked_add(t, &s, NOW + i);
        cr_expect(revoked_has(t, &s));
    }
    cr_expect_not(revoked_has(t, &untouched));
    revoked_close(t);
}

Test(revoked, ends_others_rather_than_keeping_one_alive)
{
    struct revoked *t = open_at(test_directory());
    struct session early = session_of(5000, NOW + 50);
    struct session late = session_of(5001, NOW + 1001);
    struct session elsewhere = early;

    elsewhere.id[1] = 1;
    for (unsigned i = 0; i < 40; i++) {
        struct session s = session_of(i, NOW + 1000);

        revoked_add(t, &s, NOW);
        cr_expect(revoked_has(t, &s), "%u", i);
    }
    cr_expect(revoked_has(t, &early));
    cr_expect_not(revoked_has(t, &late));
    cr_expect_not(revoked_has(t, &elsewhere));
    revoked_close(t);
}
