#include "gateway/proxy/transfer.h"

#include "tests/support/support.h"

SUITE(place);

static const struct config_upstream upstream = {
    .url = "https://h.example:8443", .host = "h.example", .port = 8443};

Test(place, that_is_the_first_goes_by_the_name_itself)
{
    struct place *p = place_new(&upstream, "192.0.2.7,[2001:db8::7]", 0);

    cr_expect_str_eq(p->resolve->data,
                     "h.example:8443:192.0.2.7,[2001:db8::7]");
    cr_expect_null(p->resolve->next);
    cr_expect_null(p->connect_to);
    place_leave(p);
}

/* The library knows kept connections by the name that they were made to. */
Test(place, that_is_another_goes_by_a_name_of_its_own)
{
    struct place *p = place_new(&upstream, "192.0.2.8", 3);

    cr_expect_str_eq(p->resolve->data, "moved-3.invalid:8443:192.0.2.8");
    cr_expect_str_eq(p->connect_to->data,
                     "h.example:8443:moved-3.invalid:8443");
    place_leave(p);
}

Test(place, lives_as_long_as_it_is_used)
{
    struct place *p = place_new(&upstream, "192.0.2.8", 1);

    cr_expect_eq(place_use(p), p);
    place_leave(p);
    cr_expect_str_eq(p->resolve->data, "moved-1.invalid:8443:192.0.2.8");
    place_leave(p);
    cr_expect_null(place_use(NULL));
    place_leave(NULL);
}
