#include "gateway/server/addresses.h"

#include <string.h>

#include "gateway/server/messages.h"
#include "tests/support/support.h"

SUITE(addresses);

Test(addresses, are_numbers_between_commas_and_nothing_else)
{
    static const struct {
        const char *text;
        bool sound;
    } rows[] = {
        {"192.0.2.7", true},
        {"192.0.2.7,[2001:db8::7]", true},
        {"[::1]", true},
        {"", false},
        {",", false},
        {"192.0.2.7,", false},
        {",192.0.2.7", false},
        {"192.0.2.7,,192.0.2.8", false},
        {"192.0.2.7 ", false},
        {"192.0.2", false},
        {"192.0.2.256", false},
        {"2001:db8::7", false},
        {"[2001:db8::7", false},
        {"[]", false},
        {"[192.0.2.7]", false},
        {"[fe80::1%eth0]", false},
        {"host.example", false},
        {"192.0.2.7:80", false},
        {"192.0.2.7\n", false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_expect_eq(addresses_are_sound(rows[i].text), rows[i].sound, "'%s'",
                     rows[i].text);
}

Test(addresses, are_bounded_and_fit_into_a_message)
{
    static const char longest[] = "[2001:db8:1111:2222:3333:4444:5555:6666]";
    struct buf text = BUF_INIT;

    for (int i = 0; i < ADDRESSES_MAX; i++)
        buf_addf(&text, "%s%s", i > 0 ? "," : "", longest);
    cr_expect(addresses_are_sound(text.data));
    cr_expect_lt(text.length, sizeof(((struct message *)NULL)->text));
    buf_addf(&text, ",%s", longest);
    cr_expect_not(addresses_are_sound(text.data));
    buf_fini(&text);
}

Test(addresses, are_the_same_in_any_order)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"1.1.1.1", "1.1.1.1", true},
        {"1.1.1.1,[::1]", "[::1],1.1.1.1", true},
        {"1.1.1.1,1.1.1.1", "1.1.1.1", true},
        {"1.1.1.1", "1.1.1.1,[::1]", false},
        {"1.1.1.1,[::1]", "1.1.1.1", false},
        {"1.1.1.1", "1.1.1.11", false},
        {"", "1.1.1.1", false},
        {"", "", true},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_expect_eq(addresses_are_same(rows[i].a, rows[i].b), rows[i].same,
                     "'%s' '%s'", rows[i].a, rows[i].b);
}

Test(addresses, of_a_name_are_found_or_it_is_said_why_not)
{
    struct buf out = BUF_INIT;
    const char *why;

    addresses_find("127.0.0.1", &out, &why);
    cr_expect_str_eq(out.data, "127.0.0.1");
    buf_reset(&out);
    addresses_find("a..b", &out, &why);
    cr_expect_eq(out.length, 0);
    cr_expect(strlen(why) > 0);
    buf_fini(&out);
}
