#include "gateway/callback/callback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "tests/support/support.h"

SUITE(sink_address);

static bool
is_allowed(const char *address, const char *network)
{
    struct config_network n;
    struct config_callback config = {0};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = 443};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = 443};

    if (network != NULL) {
        cr_assert(config_network_parse(span_of(network), &n, NULL) == 0);
        config.networks = &n;
        config.network_count = 1;
    }
    if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
        return sink_address_is_allowed(&config, (struct sockaddr *)&in);
    cr_assert(inet_pton(AF_INET6, address, &in6.sin6_addr) == 1, "%s",
              address);
    return sink_address_is_allowed(&config, (struct sockaddr *)&in6);
}

/* Both ends of each range, and the neighbours that are global. */
static const struct {
    const char *address;
    bool allowed;
} edges[] = {
    {"1.1.1.1", true},
    {"0.0.0.0", false},
    {"0.255.255.255", false},
    {"1.0.0.0", true},
    {"9.255.255.255", true},
    {"10.0.0.0", false},
    {"10.255.255.255", false},
    {"11.0.0.0", true},
    {"100.63.255.255", true},
    {"100.64.0.0", false},
    {"100.100.100.200", false},
    {"100.127.255.255", false},
    {"100.128.0.0", true},
    {"126.255.255.255", true},
    {"127.0.0.1", false},
    {"127.255.255.255", false},
    {"128.0.0.0", true},
    {"168.63.129.15", true},
    {"168.63.129.16", false},
    {"168.63.129.17", true},
    {"169.253.255.255", true},
    {"169.254.0.0", false},
    {"169.254.169.254", false},
    {"169.254.170.2", false},
    {"169.255.0.0", true},
    {"172.15.255.255", true},
    {"172.16.0.0", false},
    {"172.31.255.255", false},
    {"172.32.0.0", true},
    {"191.255.255.255", true},
    {"192.0.0.0", false},
    {"192.0.0.192", false},
    {"192.0.1.0", true},
    {"192.0.2.0", false},
    {"192.0.2.255", false},
    {"192.0.3.0", true},
    {"192.88.98.255", true},
    {"192.88.99.1", false},
    {"192.88.100.0", true},
    {"192.167.255.255", true},
    {"192.168.0.0", false},
    {"192.168.255.255", false},
    {"192.169.0.0", true},
    {"198.17.255.255", true},
    {"198.18.0.0", false},
    {"198.19.255.255", false},
    {"198.20.0.0", true},
    {"198.51.99.255", true},
    {"198.51.100.1", false},
    {"198.51.101.0", true},
    {"203.0.112.255", true},
    {"203.0.113.1", false},
    {"203.0.114.0", true},
    {"223.255.255.255", true},
    {"224.0.0.1", false},
    {"239.255.255.255", false},
    {"240.0.0.1", false},
    {"255.255.255.255", false},
    {"::", false},
    {"::1", false},
    {"::2", false},
    {"::1.1.1.1", false},
    {"::ffff:0:1.1.1.1", false},
    {"100::1", false},
    {"1fff:ffff::1", false},
    {"2000::1", true},
    {"2001:1::1", false},
    {"2001:2::1", false},
    {"2001:20::1", false},
    {"2001:1ff:ffff::1", false},
    {"2001:200::1", true},
    {"2001:db7:ffff::1", true},
    {"2001:db8::1", false},
    {"2001:db8:ffff::1", false},
    {"2001:db9::1", true},
    {"2606:4700::1111", true},
    {"3ffe::1", true},
    {"3fff::1", false},
    {"3fff:fff::1", false},
    {"3fff:1000::1", true},
    {"4000::1", false},
    {"5f00::1", false},
    {"fc00::1", false},
    {"fd00:ec2::254", false},
    {"fdff::1", false},
    {"fe80::1", false},
    {"febf::1", false},
    {"fec0::1", false},
    {"ff02::1", false},
    {"ff0e::1", false},
};

Test(sink_address, is_allowed_if_it_is_global)
{
    for (size_t i = 0; i < ARRAY_COUNT(edges); i++)
        cr_expect(is_allowed(edges[i].address, NULL) == edges[i].allowed, "%s",
                  edges[i].address);
}

Test(sink_address, is_judged_by_the_ipv4_address_in_it)
{
    static const struct {
        const char *address;
        bool allowed;
    } table[] = {
        /* mapped */
        {"::ffff:1.1.1.1", true},
        {"::ffff:0.0.0.0", false},
        {"::ffff:127.0.0.1", false},
        {"::ffff:169.254.169.254", false},
        {"::ffff:10.0.0.1", false},
        {"::ffff:255.255.255.255", false},
        /* translated; the prefix for local use is none of the Internet's */
        {"64:ff9b::1.1.1.1", true},
        {"64:ff9b::10.0.0.1", false},
        {"64:ff9b::169.254.169.254", false},
        {"64:ff9b::127.0.0.1", false},
        {"64:ff9b:1::1.1.1.1", false},
        {"64:ff9b:0:0:0:1:101:101", false},
        /* 6to4 */
        {"2002:101:101::1", true},
        {"2002:a00:1::1", false},
        {"2002:7f00:1::1", false},
        {"2002:a9fe:a9fe::1", false},
        {"2002:a9fe:a9fe::1.1.1.1", false},
        {"2002:101:101::10.0.0.1", true},
        /* Teredo, whose bits are turned round */
        {"2001:0:101:101::fefe:fefe", true},
        {"2001:0:101:101::f5ff:fffe", false},
        {"2001:0:101:101::80ff:fffe", false},
        {"2001:0:101:101::5601:5601", false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        cr_expect(is_allowed(table[i].address, NULL) == table[i].allowed, "%s",
                  table[i].address);
}

Test(sink_address, is_allowed_in_a_listed_network)
{
    static const struct {
        const char *address, *network;
        bool allowed;
    } table[] = {
        {"10.1.2.3", "10.1.0.0/16", true},
        {"10.2.2.3", "10.1.0.0/16", false},
        {"1.1.1.1", "10.1.0.0/16", true},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.2", "127.0.0.1", false},
        {"169.254.169.254", "169.254.0.0/16", true},
        {"192.168.1.1", "0.0.0.0/0", true},
        {"fd00::1", "0.0.0.0/0", false},
        {"fd00::1", "fd00::/8", true},
        {"fc00::1", "fd00::/8", false},
        {"fe80::1", "fe80::/10", true},
        {"::1", "::1", true},
        {"10.0.0.1", "::/0", true},
        /* by what they carry, again */
        {"::ffff:10.1.2.3", "10.1.0.0/16", true},
        {"10.1.2.3", "::ffff:10.1.0.0/112", true},
        {"64:ff9b::10.1.2.3", "10.1.0.0/16", true},
        {"2002:a01:203::1", "10.1.0.0/16", true},
        {"64:ff9b::169.254.169.254", "64:ff9b::/96", false},
        {"2002:a9fe:a9fe::1", "2002::/16", false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        cr_expect(is_allowed(table[i].address, table[i].network) ==
                      table[i].allowed,
                  "%s in %s", table[i].address, table[i].network);
}

Test(sink_address, is_refused_in_other_families)
{
    struct config_network all = {{0}, 0};
    struct config_callback config = {.network_count = 1, .networks = &all};
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
    struct sockaddr_storage none = {.ss_family = AF_UNSPEC};

    cr_expect(!sink_address_is_allowed(&config, (struct sockaddr *)&un));
    cr_expect(!sink_address_is_allowed(&config, (struct sockaddr *)&none));
}
