#include "gateway/ctl/listen.h"
#include "tests/support/support.h"

#include <stdio.h>

SUITE(listen_keys);

Test(listen_keys, knows_a_key_of_one_principal_exactly)
{
    struct listen_keys *k = listen_keys_new();

    cr_assert_not(listen_keys_has(k, "a@R", "\"k\""));
    cr_assert(listen_keys_add(k, "a@R", "\"k\""));
    cr_assert(listen_keys_has(k, "a@R", "\"k\""));
    cr_assert_not(listen_keys_has(k, "b@R", "\"k\""));
    cr_assert_not(listen_keys_has(k, "A@R", "\"k\""));
    cr_assert_not(listen_keys_has(k, "a@R", "\"K\""));
    listen_keys_remove(k, "A@R", "\"k\"");
    cr_assert(listen_keys_has(k, "a@R", "\"k\""));
    listen_keys_remove(k, "a@R", "\"k\"");
    cr_assert_not(listen_keys_has(k, "a@R", "\"k\""));
    listen_keys_free(k);
}

Test(listen_keys, of_two_that_differ_in_case_keeps_the_newer)
{
    struct listen_keys *k = listen_keys_new();

    cr_assert(listen_keys_add(k, "a@R", "k"));
    cr_assert(listen_keys_add(k, "A@R", "k"));
    cr_assert_not(listen_keys_has(k, "a@R", "k"));
    cr_assert(listen_keys_has(k, "A@R", "k"));
    listen_keys_free(k);
}

Test(listen_keys, forgets_the_oldest_first)
{
    struct listen_keys *k = listen_keys_new();
    char key[32];

    for (unsigned i = 0; i < LISTEN_KEYS_MAX + 2; i++) {
        snprintf(key, sizeof(key), "%u", i);
        cr_assert(listen_keys_add(k, "a@R", key));
    }
    cr_assert_not(listen_keys_has(k, "a@R", "0"));
    cr_assert_not(listen_keys_has(k, "a@R", "1"));
    cr_assert(listen_keys_has(k, "a@R", "2"));
    cr_assert(listen_keys_has(k, "a@R", key));
    listen_keys_free(k);
}
