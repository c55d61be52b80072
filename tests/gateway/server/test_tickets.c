#include "gateway/server/tickets.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/support.h"

SUITE(tickets);

Test(tickets, come_out_of_a_file_as_they_went_in)
{
    const struct ticket_entry entries[] = {
        {SPAN("HTTP@a"), SPAN("a\0ticket\0of bytes"), SPAN("")},
        {SPAN("HTTP/b@R"), SPAN(""), SPAN("no KDC")},
        {SPAN("HTTP@c"), SPAN("old"), SPAN("no KDC")},
    };
    struct buf bytes = BUF_INIT;
    struct ticket_entry e;
    struct span rest;

    for (size_t i = 0; i < ARRAY_COUNT(entries); i++)
        ticket_entry_add(&bytes, &entries[i]);
    rest = buf_span(&bytes);
    for (size_t i = 0; i < ARRAY_COUNT(entries); i++) {
        cr_assert(ticket_entry_next(&rest, &e));
        cr_expect(span_equal(e.service, entries[i].service));
        cr_expect(span_equal(e.ticket, entries[i].ticket));
        cr_expect(span_equal(e.failure, entries[i].failure));
    }
    cr_expect_eq(rest.length, 0);
    cr_expect_not(ticket_entry_next(&rest, &e));
    buf_fini(&bytes);
}

/* Exact copies, so that a sanitizer sees a read beyond the end. */
Test(tickets, are_none_where_one_is_cut_or_lies_about_its_length)
{
    const struct ticket_entry entry = {SPAN("HTTP@a"), SPAN("ticket"),
                                       SPAN("failure")};
    struct buf bytes = BUF_INIT;

    ticket_entry_add(&bytes, &entry);
    for (size_t n = 0; n < bytes.length; n++) {
        char *copy = malloc(n + 1);
        struct span rest = {copy, n}, before = rest;
        struct ticket_entry e;

        memcpy(copy, bytes.data, n);
        cr_expect_not(ticket_entry_next(&rest, &e), "%zu bytes", n);
        cr_expect_eq(rest.data, before.data);
        cr_expect_eq(rest.length, before.length);
        free(copy);
    }
    for (size_t at = 0; at < 4; at++) {
        struct span rest = buf_span(&bytes);
        struct ticket_entry e;
        char kept = bytes.data[at];

        bytes.data[at] = (char)0xff;
        cr_expect_not(ticket_entry_next(&rest, &e), "length byte %zu", at);
        bytes.data[at] = kept;
    }
    buf_fini(&bytes);
}
