#include "gateway/callback/callback.h"

#include <string.h>

#include "tests/support/support.h"

SUITE(sink);

/* -- the URL --------------------------------------------------------------- */

Test(sink, is_put_together_again_from_its_parts)
{
    static const struct {
        const char *url;
        bool tls;
        const char *host;
        uint16_t port;
        const char *again;
    } table[] = {
        {"https://sink.example.com", true, "sink.example.com", 443,
         "https://sink.example.com:443/"},
        {"http://sink.example.com", false, "sink.example.com", 80,
         "http://sink.example.com:80/"},
        {"HTTPS://SINK.Example.COM/In?Q=A", true, "sink.example.com", 443,
         "https://sink.example.com:443/In?Q=A"},
        {"https://sink.example.com:8443/a/b", true, "sink.example.com", 8443,
         "https://sink.example.com:8443/a/b"},
        {"http://sink.example.com:443/", false, "sink.example.com", 443,
         "http://sink.example.com:443/"},
        {"https://h:1", true, "h", 1, "https://h:1/"},
        {"https://h:65535/", true, "h", 65535, "https://h:65535/"},
        {"https://h?a=b", true, "h", 443, "https://h:443/?a=b"},
        {"https://h/?", true, "h", 443, "https://h:443/"},
        {"https://h/a/../b/./c", true, "h", 443, "https://h:443/b/c"},
        {"https://h/a@b:c/%2e%2f%00?d@e", true, "h", 443, NULL},
        {"https://h/;a=b&c,d!e$f'(g)*+[h]~", true, "h", 443,
         "https://h:443/;a=b&c,d!e$f'(g)*+[h]~"},
        {"https://xn--caf-dma.example/", true, "xn--caf-dma.example", 443,
         "https://xn--caf-dma.example:443/"},
        {"http://192.0.2.7/", false, "192.0.2.7", 80, "http://192.0.2.7:80/"},
        {"https://[2001:db8::7]/", true, "2001:db8::7", 443,
         "https://[2001:db8::7]:443/"},
        {"https://[2001:DB8:0:0::7]:8443/x", true, "2001:db8::7", 8443,
         "https://[2001:db8::7]:8443/x"},
        {"https://[::ffff:10.0.0.1]/", true, "::ffff:10.0.0.1", 443,
         "https://[::ffff:10.0.0.1]:443/"},
        {"https://[64:ff9b::a00:1]/", true, "64:ff9b::a00:1", 443,
         "https://[64:ff9b::a00:1]:443/"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
        struct sink sink, same;
        struct error err = {0};

        cr_assert(sink_parse(span_of(table[i].url), &sink, &err), "%s: %s",
                  table[i].url, err.text);
        cr_expect(sink.tls == table[i].tls && sink.port == table[i].port, "%s",
                  table[i].url);
        cr_expect_str_eq(sink.host, table[i].host);
        if (table[i].again != NULL)
            cr_expect_str_eq(sink.url, table[i].again);
        cr_expect(sink_parse(span_of(sink.url), &same, &err), "%s: %s",
                  sink.url, err.text);
        cr_expect_str_eq(same.url, sink.url);
    }
}

#define BAD_HOST                                                              \
    "its host must be a name, a dotted quad or an IPv6 address in brackets"
#define BAD_SCHEME "must begin with https:// or http://"
#define BAD_PORT   "its port must be a number from 1 to 65535"

static const struct {
    const char *url, *message;
} refused[] = {
    {"", "empty"},
    {"/in", BAD_SCHEME},
    {"sink.example.com", BAD_SCHEME},
    {"//sink.example.com/", BAD_SCHEME},
    {"ftp://sink.example.com/", BAD_SCHEME},
    {"file:///etc/passwd", BAD_SCHEME},
    {"gopher://h:25/", BAD_SCHEME},
    {"httpss://h/", BAD_SCHEME},
    {"https:h/", BAD_SCHEME},
    {"https:/h/", BAD_SCHEME},
    {"https:///h/", BAD_HOST},
    {"https://", BAD_HOST},
    {"https://?x", BAD_HOST},
    {"https://:443/", BAD_HOST},
    /* a user, or what could be taken for one */
    {"https://user@h/", "a user has no place in it"},
    {"https://user:password@h/", "a user has no place in it"},
    {"https://@h/", "a user has no place in it"},
    {"https://:@h/", "a user has no place in it"},
    {"https://listed.example.com@evil.example/", "a user has no place in it"},
    {"https://evil.example%40listed.example.com/",
     "its host must be written without '%'"},
    /* a fragment */
    {"https://h/#", "a fragment has no place in it"},
    {"https://h/a#b", "a fragment has no place in it"},
    {"https://evil.example#@listed.example.com/",
     "a fragment has no place in it"},
    /* a zone */
    {"https://[fe80::1%25eth0]/", "its host must be written without '%'"},
    {"https://[fe80::1%eth0]/", "its host must be written without '%'"},
    {"https://%31%30.0.0.1/", "its host must be written without '%'"},
    /* characters */
    {" https://h/", "byte 0x20 has no place in it"},
    {"https://h/ ", "byte 0x20 has no place in it"},
    {"https://h/a b", "byte 0x20 has no place in it"},
    {"https://h/a\tb", "byte 0x09 has no place in it"},
    {"https://h/\r\nX: y", "byte 0x0d has no place in it"},
    {"https://h\n/", "byte 0x0a has no place in it"},
    {"https://h/\x01", "byte 0x01 has no place in it"},
    {"https://h/\x7f", "byte 0x7f has no place in it"},
    {"https://caf\xc3\xa9.example/", "byte 0xc3 has no place in it"},
    {"https://h/caf\xc3\xa9", "byte 0xc3 has no place in it"},
    {"https://evil\xef\xbc\x8e"
     "example/",
     "byte 0xef has no place in it"},
    {"https://evil.example\\@listed.example.com/",
     "byte 0x5c has no place in it"},
    {"https:\\\\h/", "byte 0x5c has no place in it"},
    {"https://h/\"", "byte 0x22 has no place in it"},
    {"https://h/<", "byte 0x3c has no place in it"},
    {"https://h/>", "byte 0x3e has no place in it"},
    {"https://h/^", "byte 0x5e has no place in it"},
    {"https://h/`", "byte 0x60 has no place in it"},
    {"https://{h}/", "byte 0x7b has no place in it"},
    {"https://h/|", "byte 0x7c has no place in it"},
    /* ports */
    {"https://h:/", BAD_PORT},
    {"https://h:0/", BAD_PORT},
    {"https://h:0443/", BAD_PORT},
    {"https://h:65536/", BAD_PORT},
    {"https://h:4294967739/", BAD_PORT},
    {"https://h:99999999999999999999/", BAD_PORT},
    {"https://h:443x/", "its port is no number"},
    {"https://h:-1/", "its port is no number"},
    {"https://h:+443/", "its port is no number"},
    {"https://h:https/", "its port is no number"},
    {"https://h:1:2/", "its port is no number"},
    {"https://[::1]:/", BAD_PORT},
    {"https://[::1]:0/", BAD_PORT},
    /* names */
    {"https://sink.example.com./", BAD_HOST},
    {"https://./", BAD_HOST},
    {"https://.example.com/", BAD_HOST},
    {"https://a..example.com/", BAD_HOST},
    {"https://-a.example.com/", BAD_HOST},
    {"https://*.example.com/", BAD_HOST},
    {"https://a,b/", BAD_HOST},
    {"https://a;b/", BAD_HOST},
    {"https://a!b/", BAD_HOST},
    /* addresses in other notations */
    {"http://127.1/", BAD_HOST},
    {"http://127.0.1/", BAD_HOST},
    {"http://2130706433/", BAD_HOST},
    {"http://0x7f.1/", BAD_HOST},
    {"http://0x7f000001/", BAD_HOST},
    {"http://0X7F.0.0.1/", BAD_HOST},
    {"http://127.0.0.0x1/", BAD_HOST},
    {"http://017700000001/", BAD_HOST},
    {"http://0177.0.0.1/", BAD_HOST},
    {"http://127.0.0.01/", BAD_HOST},
    {"http://127.0.0.1./", BAD_HOST},
    {"http://127.0.0.256/", BAD_HOST},
    {"http://1.127.0.0.1/", BAD_HOST},
    {"http://example.1/", BAD_HOST},
    {"http://example.0x1/", BAD_HOST},
    {"http://[127.0.0.1]/", BAD_HOST},
    {"http://[::ffff:127.1]/", BAD_HOST},
    {"http://[]/", BAD_HOST},
    {"http://[v1.a]/", BAD_HOST},
    {"http://[[::1]]/", "its address is followed by no port"},
    {"http://[::1]x/", "its address is followed by no port"},
    {"http://[::1].example.com/", "its address is followed by no port"},
    {"http://[::1/", "its host is an address without ']'"},
    {"http://::1/", "its port is no number"},
};

Test(sink, is_refused_if_it_can_be_read_in_two_ways)
{
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        static const struct sink none;
        struct sink sink;
        struct error err = {0};

        memset(&sink, 'x', sizeof(sink));
        cr_expect(!sink_parse(span_of(refused[i].url), &sink, &err), "%s",
                  refused[i].url);
        cr_expect_str_eq(err.text, refused[i].message);
        cr_expect(memcmp(&sink, &none, sizeof(sink)) == 0, "%s",
                  refused[i].url);
    }
}

Test(sink, is_refused_with_a_zero_byte_in_it)
{
    struct sink sink;

    cr_expect(!sink_parse((struct span){"https://h\0/", 11}, &sink, NULL));
    cr_expect(!sink_parse((struct span){"https://h/\0", 11}, &sink, NULL));
    cr_expect(!sink_parse((struct span){NULL, 0}, &sink, NULL));
    cr_expect(sink_parse((struct span){"https://hi/", 9}, &sink, NULL));
    cr_expect_str_eq(sink.host, "h");
}

Test(sink, is_as_long_as_it_may_be_with_its_port)
{
    static const char *const begins[] = {"https://h:443/", "https://h/"};

    /* The second one becomes longer by ":443". */
    for (size_t i = 0; i < ARRAY_COUNT(begins); i++) {
        for (size_t length = SINK_URL_MAX - 8; length < SINK_URL_MAX + 8;
             length++) {
            bool fits = length + 4 * i <= SINK_URL_MAX;
            struct buf url = BUF_INIT;
            struct sink sink;
            struct error err = {0};

            buf_add_string(&url, begins[i]);
            while (url.length < length)
                buf_add_char(&url, 'p');
            cr_expect(sink_parse(buf_span(&url), &sink, &err) == fits, "%zu",
                      length);
            cr_expect_str_eq(err.text, fits ? "" : "longer than 2048 bytes");
            buf_fini(&url);
        }
    }
}

/* -- the list -------------------------------------------------------------- */

static bool
is_listed(const char *entry, const char *url)
{
    struct config_callback config = {.sink_count = 1, .sinks = &entry};
    struct error err = {0};
    struct sink sink;

    cr_assert(sink_parse(span_of(url), &sink, &err), "%s: %s", url, err.text);
    return sink_is_listed(&config, &sink);
}

Test(sink, is_listed_by_host_and_port)
{
    static const struct {
        const char *entry, *url;
        bool listed;
    } table[] = {
        {"mgmt.example.com", "https://mgmt.example.com/", true},
        {"mgmt.example.com", "https://MGMT.example.com:443/", true},
        {"mgmt.example.com", "http://mgmt.example.com/", true},
        {"mgmt.example.com", "http://mgmt.example.com:443/", false},
        {"mgmt.example.com", "https://mgmt.example.com:80/", false},
        {"mgmt.example.com", "https://mgmt.example.com:8443/", false},
        {"mgmt.example.com", "https://a.mgmt.example.com/", false},
        {"mgmt.example.com", "https://example.com/", false},
        {"mgmt.example.com", "https://mgmt.example.com.evil.example/", false},
        {"mgmt.example.com", "https://xmgmt.example.com/", false},
        {"mgmt.example.com:8443", "https://mgmt.example.com:8443/", true},
        {"mgmt.example.com:8443", "http://mgmt.example.com:8443/", true},
        {"mgmt.example.com:8443", "https://mgmt.example.com/", false},
        {"mgmt.example.com:8443", "https://mgmt.example.com:844/", false},
        {"mgmt.example.com:844", "https://mgmt.example.com:8443/", false},
        {"mgmt.example.com:443", "https://mgmt.example.com/", true},
        {"mgmt.example.com:443", "http://mgmt.example.com/", false},
        {"*.example.com", "https://a.example.com/", true},
        {"*.example.com", "https://a.b.c.example.com/", true},
        {"*.example.com", "https://example.com/", false},
        {"*.example.com", "https://aexample.com/", false},
        {"*.example.com", "https://a.example.com:8443/", false},
        {"*.example.com", "https://a.example.com.evil/", false},
        {"*.example.com", "https://a.example.org/", false},
        {"*.example.com:8443", "https://a.example.com:8443/", true},
        {"*.example.com:8443", "https://a.example.com/", false},
        {"*.example.com:8443", "https://example.com:8443/", false},
        {"192.0.2.7", "https://192.0.2.7/", true},
        {"192.0.2.7", "https://192.0.2.70/", false},
        {"192.0.2.7", "https://[::ffff:192.0.2.7]/", false},
        {"192.0.2.7:8443", "https://192.0.2.7:8443/", true},
        {"[2001:db8::7]", "https://[2001:db8::7]/", true},
        {"[2001:db8::7]", "https://[2001:0DB8::0:7]/", true},
        {"[2001:db8::7]", "https://[2001:db8::7]:8443/", false},
        {"[2001:db8::7]", "https://[2001:db8::70]/", false},
        {"[2001:db8::7]:8443", "https://[2001:db8::7]:8443/", true},
        {"[2001:db8::7]:8443", "https://[2001:db8::7]/", false},
        {"[2001:db8::7]:8443", "https://[2001:db8::7:8443]/", false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        cr_expect(is_listed(table[i].entry, table[i].url) == table[i].listed,
                  "%s in %s", table[i].url, table[i].entry);
}

Test(sink, is_listed_by_any_entry_and_by_no_empty_list)
{
    static const char *const entries[] = {"a.example", "b.example:8443"};
    struct config_callback config = {.sink_count = 2, .sinks = entries};
    struct sink sink;

    cr_assert(sink_parse(SPAN("https://b.example:8443/"), &sink, NULL));
    cr_expect(sink_is_listed(&config, &sink));
    config.sink_count = 1;
    cr_expect(!sink_is_listed(&config, &sink));
    config.sink_count = 0;
    config.sinks = NULL;
    cr_expect(!sink_is_listed(&config, &sink));
}
