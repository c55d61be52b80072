#include "gateway/proxy/transfer.h"

#include "tests/support/support.h"

SUITE(place);

static const struct config_upstream upstream = {
    .url = "https://h.example:8443", .host = "h.example", .port = 8443};

Test(place, that_is_the_first_goes_by_the_name_itself)
{
    struct place *p = place_new(&upstream, "192.0.2.7,[2001:db8::7]", 0, NULL);

    cr_expect_str_eq(p->resolve->data,
                     "h.example:8443:192.0.2.7,[2001:db8::7]");
    cr_expect_null(p->resolve->next);
    cr_expect_null(p->connect_to);
    place_leave(p);
}

/* The library knows kept connections by the name that they were made to. */
Test(place, that_is_another_goes_by_a_name_of_its_own)
{
    struct place *p = place_new(&upstream, "192.0.2.8", 3, NULL);

    cr_expect_str_eq(p->resolve->data, "moved-3.invalid:8443:192.0.2.8");
    cr_expect_str_eq(p->connect_to->data,
                     "h.example:8443:moved-3.invalid:8443");
    place_leave(p);
}

Test(place, lives_as_long_as_it_is_used)
{
    struct place *p = place_new(&upstream, "192.0.2.8", 1, NULL);

    cr_expect_eq(place_use(p), p);
    place_leave(p);
    cr_expect_str_eq(p->resolve->data, "moved-1.invalid:8443:192.0.2.8");
    place_leave(p);
    cr_expect_null(place_use(NULL));
    place_leave(NULL);
}

/* However often addresses change: the library knows one of them at a time. */
Test(place, forgets_what_the_library_was_told_before)
{
    struct place *p[4];

    p[0] = place_new(&upstream, "192.0.2.7", 0, NULL);
    p[0]->told = true;
    p[1] = place_new(&upstream, "192.0.2.8", 1, p[0]);
    p[2] = place_new(&upstream, "192.0.2.9", 2, p[1]); /* of 1 it knows not */
    p[2]->told = true;
    p[3] = place_new(&upstream, "192.0.2.7", 3, p[2]);
    cr_expect_str_eq(p[1]->resolve->data, "-h.example:8443");
    cr_expect_str_eq(p[2]->resolve->data, "-h.example:8443");
    cr_expect_str_eq(p[2]->resolve->next->data,
                     "moved-2.invalid:8443:192.0.2.9");
    cr_expect_str_eq(p[3]->resolve->data, "-moved-2.invalid:8443");
    for (size_t i = 0; i < 4; i++) {
        cr_expect_str_eq(p[i]->plain->data, i == 1 ? "h.example:8443:192.0.2.8"
                                            : i == 2
                                                ? "h.example:8443:192.0.2.9"
                                                : "h.example:8443:192.0.2.7");
        place_leave(p[i]);
    }
}
