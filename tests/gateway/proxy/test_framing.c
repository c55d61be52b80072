#include "gateway/proxy/transfer.h"

#include "tests/support/support.h"

SUITE(framing);

#define LENGTH(text)                                                          \
    {                                                                         \
        SPAN("content-length"), SPAN(text)                                    \
    }
#define ENCODING(text)                                                        \
    {                                                                         \
        SPAN("Transfer-Encoding"), SPAN(text)                                 \
    }

Test(framing, is_plain_only_if_there_is_one_way_to_read_it)
{
    static const struct {
        struct proxy_field fields[2];
        bool plain;
    } rows[] = {
        {{{SPAN("A"), SPAN("b")}, {SPAN("C"), SPAN("d")}}, true},
        {{LENGTH("0"), {SPAN("C"), SPAN("d")}}, true},
        {{LENGTH("123456789012345678"), {SPAN("C"), SPAN("d")}}, true},
        {{LENGTH("4"), LENGTH("4")}, true},
        {{ENCODING("Chunked"), {SPAN("C"), SPAN("d")}}, true},
        {{LENGTH("4"), LENGTH("5")}, false},
        {{LENGTH("4"), LENGTH("04")}, false},
        {{LENGTH("4, 4"), {SPAN("C"), SPAN("d")}}, false},
        {{LENGTH("-4"), {SPAN("C"), SPAN("d")}}, false},
        {{LENGTH("+4"), {SPAN("C"), SPAN("d")}}, false},
        {{LENGTH(""), {SPAN("C"), SPAN("d")}}, false},
        {{LENGTH("1234567890123456789"), {SPAN("C"), SPAN("d")}}, false},
        {{LENGTH("4"), ENCODING("chunked")}, false},
        {{ENCODING("chunked"), LENGTH("4")}, false},
        {{ENCODING("chunked"), ENCODING("chunked")}, false},
        {{ENCODING("gzip, chunked"), {SPAN("C"), SPAN("d")}}, false},
        {{ENCODING("identity"), {SPAN("C"), SPAN("d")}}, false},
        {{ENCODING(""), {SPAN("C"), SPAN("d")}}, false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_assert_eq(framing_is_plain(rows[i].fields, 2), rows[i].plain,
                     "row %zu", i);
}
