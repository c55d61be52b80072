/* [callback]: where results may be sent. */
#include <string.h>

#include "tests/gateway/config/written.h"

SUITE(config_callback);

#define NO_SINK                                                               \
    "' is no host, such as sink.example.com, sink.example.com:8443, "         \
    "*.example.com, 192.0.2.7 or [2001:db8::7]:8443"
#define NO_FLOOR                                                              \
    "must be request, or Connect or higher: Connect, Pkt, PktIntegrity or "   \
    "PktPrivacy"

static const struct written_bad refuses_callback_values[] = {
    {"[callback]\nclient_keytab = sink.keytab\n",
     "t.conf:2: client_keytab = sink.keytab: must be an absolute path"},
    {"[callback]\nsink_ca = ca.pem\n",
     "t.conf:2: sink_ca = ca.pem: must be an absolute path"},
    {"[callback]\nclient_principal = nsgate\n",
     "t.conf:2: client_principal = nsgate: 'nsgate' is no whole principal "
     "name, such as ops@EXAMPLE.COM"},
    {"[callback]\nclient_principal = *@EXAMPLE.COM\n",
     "t.conf:2: client_principal = *@EXAMPLE.COM: '*@EXAMPLE.COM': '*' "
     "stands for everyone of a realm and only so in an access section: "
     "*@REALM"},
    {"[callback]\nclient_principal = group:x\n",
     "t.conf:2: client_principal = group:x: must be one principal, not a "
     "group"},
    {"[callback]\nsink_networks = 10.0.0.0/33\n",
     "t.conf:2: sink_networks = 10.0.0.0/33: '10.0.0.0/33' is no network, "
     "such as 10.0.0.0/8, 192.0.2.7 or fd00::/8"},
    {"[callback]\nsink_networks = fd00::/8, 10.0.0.1/8\n",
     "t.conf:2: sink_networks = fd00::/8, 10.0.0.1/8: '10.0.0.1/8' has bits "
     "beyond its prefix: 10.0.0.0/8 would do"},
    {"[callback]\nfloor = None\n", "t.conf:2: floor = None: " NO_FLOOR},
    {"[callback]\nfloor = Default\n", "t.conf:2: floor = Default: " NO_FLOOR},
    {"[callback]\nfloor = 0\n", "t.conf:2: floor = 0: " NO_FLOOR},
    {"[callback]\nfloor = private\n", "t.conf:2: floor = private: " NO_FLOOR},
    {"[callback]\ncouriers = 0\n",
     "t.conf:2: couriers = 0: must be a whole number from 1 to 64"},
    {"[callback]\ncouriers = 65\n",
     "t.conf:2: couriers = 65: must be a whole number from 1 to 64"},
    {"[callback]\nsink_timeout_s = 601\n",
     "t.conf:2: sink_timeout_s = 601: must be a whole number from 1 to 600"},
    {"[callback]\ngive_up_s = 2592001\n",
     "t.conf:2: give_up_s = 2592001: must be a whole number from 1 to "
     "2592000"},
    {"[callback]\nkeep_s = 0\n",
     "t.conf:2: keep_s = 0: must be a whole number from 1 to 2592000"},
    {"[callback]\nkeep_dead_s = 0\n",
     "t.conf:2: keep_dead_s = 0: must be a whole number from 1 to 31536000"},
    {"[callback]\noperations_max = 0\n",
     "t.conf:2: operations_max = 0: must be a whole number from 1 to "
     "10000000"},
    {"[callback]\noperations_per_principal = no\n",
     "t.conf:2: operations_per_principal = no: must be a whole number from 1 "
     "to 10000000"},
    {"[callback]\nresult_max = 2G\n",
     "t.conf:2: result_max = 2G: must be a number of bytes from 1K to 1G; K, "
     "M or G may follow it"},
    {"[callback]\noutbox_max = 1025G\n",
     "t.conf:2: outbox_max = 1025G: must be a number of bytes from 1K to "
     "1024G; K, M or G may follow it"},
    {BASE CLEAR "[callback]\nsinks = a.example.com\n",
     "t.conf:12: sinks needs client_keytab: results are delivered by an "
     "authenticated client only"},
    {BASE CLEAR "[callback]\nclient_principal = nsgate/gw@EXAMPLE.COM\n",
     "t.conf:12: client_principal needs client_keytab"},
    {BASE CLEAR "[callback]\nclient_keytab = DIR/none\n",
     "t.conf:12: client_keytab: DIR/none: No such file or directory"},
    {BASE CLEAR "[callback]\nsink_ca = DIR/none\n",
     "t.conf:12: sink_ca: DIR/none: No such file or directory"},
    {BASE CLEAR "[callback]\nsink_ca = DIR/state\n",
     "t.conf:12: sink_ca: DIR/state is not a regular file"},
    {BASE CLEAR "[callback]\noutbox_max = 1M\n",
     "t.conf:12: result_max is larger than outbox_max"},
    {BASE CLEAR "[callback]\noutbox_max = 1M\nresult_max = 2M\n",
     "t.conf:12: result_max is larger than outbox_max"},
};

Test(config_callback, refuses_callback_values_that_do_not_fit)
{
    for (size_t i = 0; i < ARRAY_COUNT(refuses_callback_values); i++)
        written_refused(refuses_callback_values[i].text,
                        refuses_callback_values[i].message);
}

Test(config_callback, refuses_sinks_that_are_no_hosts)
{
    static const char *const table[] = {
        "*",
        "*.",
        "*.*.com",
        "a.*.com",
        "*example.com",
        "*.192.0.2.7",
        "*.[2001:db8::7]",
        "a.example.com.",
        "a..example.com",
        ".example.com",
        "-a.example.com",
        "a example.com",
        "https://a.example.com",
        "a.example.com/x",
        "u@a.example.com",
        "a.example.com:",
        "a.example.com:0",
        "a.example.com:65536",
        "a.example.com:0443",
        "a.example.com:https",
        "a.example.com:1:2",
        "127.1",
        "0x7f.1",
        "2130706433",
        "017.0.0.1",
        "192.0.2.256",
        "2001:db8::7",
        "[2001:db8::7",
        "[2001:db8::7]x",
        "[2001:db8::7]:",
        "[fe80::1%eth0]",
        "[192.0.2.7]",
        "caf\xc3\xa9.example.com",
    };

    for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
        struct buf text = BUF_INIT, message = BUF_INIT;

        buf_addf(&text, "[callback]\nsinks = ok.example.com, %s\n", table[i]);
        buf_addf(&message, "t.conf:2: sinks = ok.example.com, %s: '%s" NO_SINK,
                 table[i], table[i]);
        written_refused(text.data, message.data);
        buf_fini(&text);
        buf_fini(&message);
    }
}

Test(config_callback, of_callback_has_defaults_with_and_without_its_section)
{
    static const char *const texts[] = {BASE CLEAR, BASE CLEAR "[callback]\n"};

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct config *c = written_load_good(texts[i]);
        const struct config_callback *b = &c->callback;

        cr_assert(b->client_keytab == NULL && b->client_principal == NULL);
        cr_assert(b->sink_count == 0 && b->network_count == 0);
        cr_assert(b->sink_ca == NULL && b->floor == AUTHN_LEVEL_DEFAULT);
        cr_assert(b->couriers == 4 && b->sink_timeout_s == 30);
        cr_assert(b->give_up_s == 86400 && b->keep_s == 3600);
        cr_assert(b->keep_dead_s == 604800 && b->operations_max == 100000);
        cr_assert(b->operations_per_principal == 1000);
        cr_assert(b->result_max == 16u << 20 && b->outbox_max == 1u << 30);
        cr_assert(c->warning_count == 2, "only the users");
        config_free(c);
    }
}

Test(config_callback, takes_every_key_of_callback)
{
    static const char *const sinks[] = {
        "sink.example.com",   "sink.example.com:8443",
        "*.example.com",      "*.corp.example.com:65535",
        "192.0.2.7",          "192.0.2.7:80",
        "[2001:db8::7]",      "[2001:db8::7]:8443",
        "[::ffff:192.0.2.7]", "win_host",
    };
    struct config *c = written_load_good(
        BASE CLEAR
        "[callback]\nclient_keytab = DIR/client\n"
        "client_principal = nsgate/gw.example.com@EXAMPLE.COM\n"
        "sinks = Sink.Example.COM, sink.example.com:8443, *.EXAMPLE.com, "
        "*.corp.example.com:65535, 192.0.2.7, 192.0.2.7:80, "
        "[2001:DB8:0::0:7], [2001:0db8::7]:8443, [::FFFF:c000:207], "
        "win_host\n"
        "sink_networks = 10.0.0.0/8, fd12:3456::/32, 192.0.2.7\n"
        "sink_ca = DIR/crt\nfloor = call\ncouriers = 64\n"
        "sink_timeout_s = 1\ngive_up_s = 2592000\nkeep_s = 1\n"
        "keep_dead_s = 31536000\noperations_max = 7\n"
        "operations_per_principal = 3\nresult_max = 1g\n"
        "outbox_max = 1024G\n");
    const struct config_callback *b = &c->callback;

    cr_assert_str_eq(b->client_principal, "nsgate/gw.example.com@EXAMPLE.COM");
    cr_assert(b->sink_count == ARRAY_COUNT(sinks));
    for (size_t i = 0; i < b->sink_count; i++)
        cr_expect_str_eq(b->sinks[i], sinks[i]);
    cr_assert(b->network_count == 3);
    cr_assert(b->networks[0].prefix == 104 && b->networks[1].prefix == 32);
    cr_assert(b->networks[2].prefix == 128);
    cr_assert(b->floor == AUTHN_LEVEL_PKT, "Call counts as Pkt");
    cr_assert(b->couriers == 64 && b->sink_timeout_s == 1);
    cr_assert(b->give_up_s == 2592000 && b->keep_s == 1);
    cr_assert(b->keep_dead_s == 31536000 && b->operations_max == 7);
    cr_assert(b->operations_per_principal == 3);
    cr_assert(b->result_max == (size_t)1 << 30);
    cr_assert(b->outbox_max == (size_t)1 << 40);
    cr_assert(c->warning_count == 2, "only the users");
    config_free(c);
}

Test(config_callback, takes_the_levels_of_floor)
{
    static const struct {
        const char *text;
        enum authn_level level;
    } table[] = {
        {"request", AUTHN_LEVEL_DEFAULT},
        {"Connect", AUTHN_LEVEL_CONNECT},
        {"Pkt", AUTHN_LEVEL_PKT},
        {"PktIntegrity", AUTHN_LEVEL_PKT_INTEGRITY},
        {"PktPrivacy", AUTHN_LEVEL_PKT_PRIVACY},
    };

    for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
        struct buf text = BUF_INIT;
        struct config *c;

        buf_addf(&text, BASE CLEAR "[callback]\nfloor = %s\n", table[i].text);
        c = written_load_good(text.data);
        cr_expect(c->callback.floor == table[i].level, "%s", table[i].text);
        config_free(c);
        buf_fini(&text);
    }
}

#define SENDS "t.conf:14: sink_networks: results may be sent to "

Test(config_callback, warns_of_sinks_that_nobody_means)
{
    static const struct {
        const char *lists;
        const char *warning; /* NULL: none */
    } table[] = {
        {"sinks = *.com\n",
         "t.conf:13: sinks: *.com lists every host of a top-level domain"},
        {"sinks = *.com:8443\n",
         "t.conf:13: sinks: *.com:8443 lists every host of a top-level "
         "domain"},
        {"sinks = *.example.com, host\n", NULL},
        {"sinks = x\nsink_networks = 169.254.0.0/16\n",
         SENDS "link-local addresses, metadata services among them "
               "(169.254.0.0/16)"},
        {"sinks = x\nsink_networks = 169.254.169.254\n",
         SENDS "link-local addresses, metadata services among them "
               "(169.254.0.0/16)"},
        {"sinks = x\nsink_networks = 0.0.0.0/0\n",
         SENDS "link-local addresses, metadata services among them "
               "(169.254.0.0/16)"},
        {"sinks = x\nsink_networks = ::/0\n",
         SENDS "link-local addresses (fe80::/10)"},
        {"sinks = x\nsink_networks = fd00::/8\n",
         SENDS "the metadata service of a cloud (fd00:ec2::254)"},
        {"sinks = x\nsink_networks = 168.63.129.16\n",
         SENDS "the metadata service of a cloud (168.63.129.16)"},
        {"sinks = x\nsink_networks = 127.0.0.1\n",
         SENDS "the loopback address: services of this machine "
               "(127.0.0.0/8)"},
        {"sinks = x\nsink_networks = ::1\n",
         SENDS "the loopback address: services of this machine (::1)"},
        {"sinks = x\nsink_networks = 10.0.0.0/8, 169.0.0.0/9\n", NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
        struct buf text = BUF_INIT;
        struct config *c;

        buf_addf(&text,
                 BASE CLEAR "[callback]\nclient_keytab = DIR/client\n%s",
                 table[i].lists);
        c = written_load_good(text.data);
        if (table[i].warning != NULL)
            cr_expect(written_warns(c, table[i].warning), "%s",
                      table[i].lists);
        else
            cr_expect(c->warning_count == 2, "%s", table[i].lists);
        config_free(c);
        buf_fini(&text);
    }
}

Test(config_callback, warns_of_a_client_keytab_that_everyone_can_read)
{
    struct config *c =
        written_load_good(BASE CLEAR "[callback]\nclient_keytab = DIR/crt\n");

    cr_expect(
        written_warns(c, "t.conf:12: client_keytab: DIR/crt is open to every "
                         "user of this machine"));
    config_free(c);
}
