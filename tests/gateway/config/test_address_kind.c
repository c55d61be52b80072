#include "gateway/config/config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "tests/support/support.h"

SUITE(address_kind);

static enum address_kind
kind_of(const char *text, uint8_t bytes[16])
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr_in in = {.sin_family = AF_INET};

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return config_address_kind((struct sockaddr *)&in, bytes);
    cr_assert(inet_pton(AF_INET6, text, &in6.sin6_addr) == 1, "%s", text);
    return config_address_kind((struct sockaddr *)&in6, bytes);
}

Test(address_kind, tells_who_may_be_there)
{
    static const struct {
        const char *address;
        enum address_kind kind;
    } rows[] = {
        {"0.0.0.0", ADDRESS_NONE},
        {"0.255.255.255", ADDRESS_NONE},
        {"1.0.0.0", ADDRESS_GLOBAL},
        {"223.255.255.255", ADDRESS_GLOBAL},
        {"224.0.0.1", ADDRESS_NONE},
        {"239.255.255.255", ADDRESS_NONE},
        {"240.0.0.1", ADDRESS_SPECIAL},
        {"255.255.255.254", ADDRESS_SPECIAL},
        {"255.255.255.255", ADDRESS_NONE},
        {"169.253.255.255", ADDRESS_GLOBAL},
        {"169.254.0.1", ADDRESS_DELICATE},
        {"169.254.169.254", ADDRESS_DELICATE},
        {"169.254.170.2", ADDRESS_DELICATE},
        {"169.255.0.0", ADDRESS_GLOBAL},
        {"100.100.100.199", ADDRESS_SPECIAL},
        {"100.100.100.200", ADDRESS_DELICATE},
        {"168.63.129.16", ADDRESS_DELICATE},
        {"192.0.0.192", ADDRESS_DELICATE},
        {"192.0.0.1", ADDRESS_SPECIAL},
        {"127.0.0.1", ADDRESS_SPECIAL},
        {"10.1.2.3", ADDRESS_SPECIAL},
        {"192.168.1.1", ADDRESS_SPECIAL},
        {"::", ADDRESS_NONE},
        {"::1", ADDRESS_SPECIAL},
        {"::169.254.169.254", ADDRESS_DELICATE},
        {"ff02::1", ADDRESS_NONE},
        {"ff0e::1", ADDRESS_NONE},
        {"fe80::1", ADDRESS_DELICATE},
        {"febf::1", ADDRESS_DELICATE},
        {"fec0::1", ADDRESS_SPECIAL},
        {"fd00:ec2::254", ADDRESS_DELICATE},
        {"fd00:ec2::23", ADDRESS_DELICATE},
        {"fd20:ce::254", ADDRESS_DELICATE},
        {"fd00:ec3::254", ADDRESS_SPECIAL},
        {"fc00::1", ADDRESS_SPECIAL},
        {"2001:db8::1", ADDRESS_SPECIAL},
        {"2606:4700::1111", ADDRESS_GLOBAL},
        /* by what they carry */
        {"::ffff:0.0.0.0", ADDRESS_NONE},
        {"::ffff:169.254.169.254", ADDRESS_DELICATE},
        {"::ffff:10.0.0.1", ADDRESS_SPECIAL},
        {"64:ff9b::169.254.169.254", ADDRESS_DELICATE},
        {"64:ff9b::100.100.100.200", ADDRESS_DELICATE},
        {"64:ff9b::224.0.0.1", ADDRESS_NONE},
        {"64:ff9b::10.0.0.1", ADDRESS_SPECIAL},
        {"64:ff9b::1.1.1.1", ADDRESS_GLOBAL},
        {"64:ff9b:1::1.1.1.1", ADDRESS_DELICATE},
        {"64:ff9b:1:a9fe:a9:fe00::", ADDRESS_DELICATE},
        {"2002:a9fe:a9fe::1", ADDRESS_DELICATE},
        {"2001:0:101:101::5601:5601", ADDRESS_DELICATE},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        cr_expect_eq(kind_of(rows[i].address, NULL), rows[i].kind, "%s",
                     rows[i].address);
}

Test(address_kind, tells_what_it_has_judged)
{
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, 10, 1, 2, 3};
    static const char *const rows[] = {"10.1.2.3", "::ffff:10.1.2.3",
                                       "64:ff9b::10.1.2.3", "2002:a01:203::9"};
    uint8_t bytes[16];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        kind_of(rows[i], bytes);
        cr_expect_arr_eq(bytes, mapped, 16, "%s", rows[i]);
    }
    kind_of("2001:db8::7", bytes);
    cr_expect(bytes[0] == 0x20 && bytes[15] == 7);
}

Test(address_kind, is_none_in_other_families)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
    struct sockaddr_storage none = {.ss_family = AF_UNSPEC};

    cr_expect_eq(config_address_kind((struct sockaddr *)&un, NULL),
                 ADDRESS_NONE);
    cr_expect_eq(config_address_kind((struct sockaddr *)&none, NULL),
                 ADDRESS_NONE);
}
