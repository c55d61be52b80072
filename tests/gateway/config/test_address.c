#include <arpa/inet.h>
#include <string.h>

#include "gateway/config/config.h"
#include "tests/support/support.h"

SUITE(address);

/* Labels of 63 and names of 253 bytes are the longest. */
#define L63 "abcdefghijklmnopqrstuvwxyz-0123456789-abcdefghijklmnopqrstuvwxy"
#define L61 "abcdefghijklmnopqrstuvwxyz-0123456789-abcdefghijklmnopqrstuvw"

Test(address, of_a_host_has_one_spelling)
{
    static const struct {
        const char *text, *host;
    } table[] = {
        {"a", "a"},
        {"Sink.Example.COM", "sink.example.com"},
        {"xn--caf-dma.example", "xn--caf-dma.example"},
        {"win_host", "win_host"},
        {"1and1.example", "1and1.example"},
        {"1.2.3.4.example", "1.2.3.4.example"},
        {"0x7g", "0x7g"},
        {"192.0.2.7", "192.0.2.7"},
        {"[2001:DB8::7]", "2001:db8::7"},
        {"[2001:0db8:0:0::7]", "2001:db8::7"},
        {"[::FFFF:c000:207]", "::ffff:192.0.2.7"},
        {L63, L63},
        {L63 "." L63 "." L63 "." L61, L63 "." L63 "." L63 "." L61},
    };
    char host[CONFIG_HOST_SIZE];

    for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
        cr_expect(config_host_parse(span_of(table[i].text), host), "%s",
                  table[i].text);
        cr_expect_str_eq(host, table[i].host);
    }
}

Test(address, of_a_host_is_refused_if_it_could_be_read_in_two_ways)
{
    static const char *const table[] = {
        "", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a b", "a/b", "a%62",
        "a:1", "a@b", "*", "*.a", "caf\xc3\xa9", "a\tb",
        /* numbers: inet_aton takes all of them */
        "1", "127.1", "127.0.1", "2130706433", "017700000001", "0x7f000001",
        "0X7F.1", "0x", "127.0.0.0x1", "127.0.0.01", "0127.0.0.1",
        "192.0.2.256", "1.2.3.4.5", "example.1", "example.0x1",
        /* addresses */
        "::1", "[", "[]", "[::1", "::1]", "[1.2.3.4]", "[::1%lo]", "[::1%251]",
        "[::g]", "[[::1]]", "[v1.a]", "[ ::1]",
        "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]", L63 "a",
        L63 "." L63 "." L63 "." L61 "x"};
    char host[CONFIG_HOST_SIZE];

    for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
        memset(host, 'x', sizeof(host));
        cr_expect(!config_host_parse(span_of(table[i]), host), "%s", table[i]);
        cr_expect(host[0] == '\0', "%s", table[i]);
    }
    cr_expect(!config_host_parse((struct span){NULL, 0}, host));
    cr_expect(!config_host_parse((struct span){"[::1\0]", 6}, host));
    cr_expect(!config_host_parse((struct span){"a\0b", 3}, host));
}

static void
to_bytes(const char *text, uint8_t out[16])
{
    char mapped[64];

    snprintf(mapped, sizeof(mapped), "::ffff:%s", text);
    cr_assert(inet_pton(AF_INET6, strchr(text, ':') ? text : mapped, out) ==
              1);
}

Test(address, is_held_by_networks_to_the_bit)
{
    static const struct {
        const char *network, *in, *out;
    } table[] = {
        {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
        {"10.0.0.0/8", "10.0.0.0", "9.255.255.255"},
        {"10.0.0.0/8", "10.1.2.3", "::10.1.2.3"},
        {"100.64.0.0/10", "100.127.255.255", "100.128.0.0"},
        {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
        {"192.0.2.6/31", "192.0.2.7", "192.0.2.8"},
        {"0.0.0.0/0", "203.0.113.1", "2001:db8::1"},
        {"0.0.0.0/0", "0.0.0.0", "::"},
        {"fc00::/7", "fdff::1", "fe00::"},
        {"2001:db8::7", "2001:db8::7", "2001:db8::6"},
        {"::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
        struct config_network n;
        struct error err = {0};
        uint8_t address[16];

        cr_assert(config_network_parse(span_of(table[i].network), &n, &err) ==
                      0,
                  "%s", err.text);
        to_bytes(table[i].in, address);
        cr_expect(config_network_holds(&n, address), "%s in %s", table[i].in,
                  table[i].network);
        to_bytes(table[i].out, address);
        cr_expect(!config_network_holds(&n, address), "%s in %s", table[i].out,
                  table[i].network);
    }
}

Test(address, of_a_network_is_refused_if_it_is_not_whole)
{
#define NO_NETWORK "' is no network, such as 10.0.0.0/8, 192.0.2.7 or fd00::/8"
    static const struct {
        const char *text, *message;
    } table[] = {
        {"", "'" NO_NETWORK},
        {"10", "'10" NO_NETWORK},
        {"10.0.0.0/", "'10.0.0.0/" NO_NETWORK},
        {"10.0.0.0/08", "'10.0.0.0/08" NO_NETWORK},
        {"10.0.0.0/33", "'10.0.0.0/33" NO_NETWORK},
        {"10.0.0.0/-1", "'10.0.0.0/-1" NO_NETWORK},
        {"10.0.0.0/255.0.0.0", "'10.0.0.0/255.0.0.0" NO_NETWORK},
        {"10.0.0.0/8/8", "'10.0.0.0/8/8" NO_NETWORK},
        {"010.0.0.0/8", "'010.0.0.0/8" NO_NETWORK},
        {"/8", "'/8" NO_NETWORK},
        {"[fd00::]/8", "'[fd00::]/8" NO_NETWORK},
        {"fd00::/129", "'fd00::/129" NO_NETWORK},
        {"fe80::1%lo", "'fe80::1%lo" NO_NETWORK},
        {"example.com", "'example.com" NO_NETWORK},
        {"10.0.0.1/31",
         "'10.0.0.1/31' has bits beyond its prefix: 10.0.0.0/31 would do"},
        {"1.2.3.4/0",
         "'1.2.3.4/0' has bits beyond its prefix: 0.0.0.0/0 would do"},
        {"fd00::1/8", "'fd00::1/8' has bits beyond its prefix: fd00::/8 "
                      "would do"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
        struct config_network n;
        struct error err = {0};

        cr_expect(config_network_parse(span_of(table[i].text), &n, &err) < 0,
                  "%s", table[i].text);
        cr_expect_str_eq(err.text, table[i].message);
    }
}
