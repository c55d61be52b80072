#include "gateway/proxy/transfer.h"

#include "tests/support/support.h"

SUITE(caching);

Test(caching, leaves_an_answer_to_the_client_alone)
{
    static const struct {
        const char *first, *second, *expected;
    } rows[] = {
        {"max-age=60", NULL, "max-age=60, private"},
        {"public, max-age=60", NULL, "max-age=60, private"},
        {"Public", NULL, "private"},
        {"public, S-MaxAge=60, proxy-revalidate, immutable", NULL,
         "immutable, private"},
        {"s-maxage = 60", NULL, "private"},
        {"s-maxage=\"60\", max-age=1", NULL, "max-age=1, private"},
        {"private, max-age=1", NULL, "max-age=1, private"},
        /* Of one field only, it lets the rest be stored. */
        {"private=\"X-A, X-B\", max-age=1", NULL, "max-age=1, private"},
        {"no-cache=\"X-A, public\"", NULL,
         "no-cache=\"X-A, public\", private"},
        {"no-cache=\"a\\\", public\"", NULL,
         "no-cache=\"a\\\", public\", private"},
        {"no-store", NULL, "no-store"},
        {"No-Store, public", NULL, "No-Store"},
        {"no-store, must-understand", NULL, "no-store"},
        {"no-store=1", NULL, "no-store=1, private"},
        {"x-no-store", NULL, "x-no-store, private"},
        {"public", "max-age=1", "max-age=1, private"},
        {"max-age=1", "no-store", "max-age=1, no-store"},
        {", ,public,,", NULL, "private"},
        {"", NULL, "private"},
        /* What cannot be read is not stored at all. */
        {"max-age=1", "no-cache=\"public", "no-store"},
        {"a=\"b\\", NULL, "no-store"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct proxy_field fields[] = {
            {SPAN("X-Public"), SPAN("public")},
            {SPAN("cache-control"), span_of(rows[i].first)},
            {SPAN("Cache-Control"), span_of(rows[i].second)}};
        struct buf out = BUF_INIT;

        caching_restrict(fields, rows[i].second != NULL ? 3 : 2, &out);
        cr_expect_str_eq(out.data, rows[i].expected, "%s: %s", rows[i].first,
                         out.data);
        buf_fini(&out);
    }
}
