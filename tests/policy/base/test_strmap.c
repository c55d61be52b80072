#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SUITE(strmap);

Test(strmap, finds_names_in_any_case)
{
    struct strmap *m = strmap_new();
    int one = 1, two = 2;

    cr_assert(strmap_put(m, SPAN("RequiresEncryption"), &one));
    cr_assert_eq(strmap_get(m, SPAN("requiresencryption")), &one);
    cr_assert(strmap_put(m, SPAN("REQUIRESENCRYPTION"), &two));
    cr_assert_eq(strmap_count(m), 1);
    cr_assert_eq(strmap_get(m, SPAN("RequiresEncryption")), &two);
    cr_assert_null(strmap_get(m, SPAN("RequiresEncryptio")));
    strmap_free(m);
}

Test(strmap, keeps_what_is_left_after_removals)
{
    enum { COUNT = 5000 };
    static char names[COUNT][16];
    struct strmap *m = strmap_new();
    size_t cursor = 0, visited = 0;
    struct span key;
    void *value;

    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof(names[i]), "name%d", i);
        cr_assert(strmap_put(m, span_of(names[i]), names[i]));
    }
    for (int i = 0; i < COUNT; i += 2)
        cr_assert_eq(strmap_remove(m, span_of(names[i])), names[i]);
    cr_assert_null(strmap_remove(m, SPAN("name0")));
    for (int i = 0; i < COUNT; i++)
        cr_assert_eq(strmap_get(m, span_of(names[i])),
                     i % 2 == 0 ? NULL : names[i]);
    while (strmap_next(m, &cursor, &key, &value))
        visited++;
    cr_assert_eq(visited, COUNT / 2);
    cr_assert_eq(strmap_count(m), COUNT / 2);
    strmap_free(m);
}

Test(strmap, lets_go_of_the_key_of_a_removed_entry)
{
    struct strmap *m = strmap_new();
    int value = 1;

    for (int i = 0; i < 100; i++) {
        char *key = strdup("address");

        cr_assert(strmap_put(m, span_of(key), &value));
        cr_assert_eq(strmap_remove(m, SPAN("address")), &value);
        free(key);
        cr_assert_null(strmap_get(m, SPAN("address")));
    }
    cr_assert_eq(strmap_count(m), 0);
    strmap_free(m);
}
