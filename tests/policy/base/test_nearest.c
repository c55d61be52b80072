#include <stdlib.h>
#include <string.h>

#include "tests/support/support.h"

SUITE(nearest);

Test(nearest, counts_inserted_deleted_replaced_and_swapped_letters)
{
    static const struct {
        const char *a, *b;
        unsigned max, distance;
    } rows[] = {
        {"", "", 2, 0},           {"class", "CLASS", 2, 0},
        {"clas", "class", 2, 1},  {"classs", "class", 2, 1},
        {"clasp", "class", 2, 1}, {"calss", "class", 2, 1},
        {"lcasS", "class", 2, 1}, {"abc", "xyz", 2, 3},
        {"abc", "xyz", 5, 3},     {"", "ab", 2, 2},
        {"a", "abcd", 2, 3},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct span a = span_of(rows[i].a), b = span_of(rows[i].b);

        cr_expect(nearest_distance(a, b, rows[i].max) == rows[i].distance,
                  "%s %s", rows[i].a, rows[i].b);
        cr_expect(nearest_distance(b, a, rows[i].max) == rows[i].distance,
                  "%s %s", rows[i].b, rows[i].a);
    }
}

Test(nearest, finds_the_name_that_was_meant)
{
    static const char *const names[] = {"Id",    "Key",         "Name",
                                        "Names", "Description", "InstallDate"};
    static const struct {
        const char *wanted, *best;
    } rows[] = {
        {"Nam", "Name"},
        {"names", "Name"},
        {"Namess", "Names"},
        {"Descripton", "Description"},
        {"Dscrption", "Description"},
        {"InstalDat", "InstallDate"},
        {"Kye", "Key"},
        {"nokey", ""},
        {"Xd", ""},
        {"Value", ""},
        {"", ""},
        {"Descri", ""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct nearest n;

        nearest_init(&n, span_of(rows[i].wanted));
        for (size_t k = 0; k < ARRAY_COUNT(names); k++)
            nearest_offer(&n, span_of(names[k]));
        cr_expect(span_equal(n.best, span_of(rows[i].best)), "%s: %.*s",
                  rows[i].wanted, (int)n.best.length, n.best.data);
    }
}

Test(nearest, has_no_opinion_of_endless_names)
{
    char *a = malloc(100000), *b = malloc(100000);
    struct nearest n;

    cr_assert(a != NULL && b != NULL);
    memset(a, 'a', 100000);
    memset(b, 'a', 100000);
    b[5] = 'b';
    nearest_init(&n, (struct span){a, 100000});
    nearest_offer(&n, (struct span){b, 100000});
    cr_expect(n.best.data == NULL);
    free(a);
    free(b);
}
