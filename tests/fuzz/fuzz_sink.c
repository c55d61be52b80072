/* sink_parse: what is accepted has one form, which is itself accepted and
 * names the same host; only a list that names it lets it pass.  Sixteen bytes
 * are an address: whatever form it has, an IPv4 address that is refused is
 * refused in all of them. */
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/callback/callback.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                    \
    do {                                                                      \
        if (!(condition))                                                     \
            abort();                                                          \
    } while (0)

static void
check_list(const struct sink *s)
{
    struct config_callback config = {0};
    char entry[300];
    const char *const entries[] = {entry};
    bool ipv6 = strchr(s->host, ':') != NULL;

    REQUIRE(!sink_is_listed(&config, s));
    config.sinks = entries;
    config.sink_count = 1;
    snprintf(entry, sizeof(entry), "%s%s%s:%u", ipv6 ? "[" : "", s->host,
             ipv6 ? "]" : "", s->port);
    REQUIRE(sink_is_listed(&config, s));
    snprintf(entry, sizeof(entry), "%s%s%s", ipv6 ? "[" : "", s->host,
             ipv6 ? "]" : "");
    REQUIRE(sink_is_listed(&config, s) == (s->port == (s->tls ? 443 : 80)));
    snprintf(entry, sizeof(entry), "*.%s", s->host);
    REQUIRE(!sink_is_listed(&config, s));
}

static void
check_sink(struct span url)
{
    static const struct sink none;
    static struct sink s, again;
    struct error err = {0};

    if (!sink_parse(url, &s, &err)) {
        REQUIRE(err.text[0] != '\0' && memcmp(&s, &none, sizeof(s)) == 0);
        return;
    }
    REQUIRE(s.host[0] != '\0' && s.port != 0);
    for (const char *p = s.host; *p != '\0'; p++)
        REQUIRE(ascii_lower(*p) == *p && strchr("@%/?#[]\\ ", *p) == NULL);
    for (const char *p = s.url; *p != '\0'; p++)
        REQUIRE(*p > 0x20 && *p < 0x7f && *p != '#' && *p != '\\');
    REQUIRE(strncmp(s.url, s.tls ? "https://" : "http://", 7 + s.tls) == 0);
    REQUIRE(sink_parse(span_of(s.url), &again, &err));
    REQUIRE(again.tls == s.tls && again.port == s.port);
    REQUIRE(strcmp(again.host, s.host) == 0);
    REQUIRE(strcmp(again.url, s.url) == 0);
    check_list(&s);
}

static bool
is_allowed(const uint8_t bytes[16])
{
    static const struct config_callback config;
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    memcpy(&in6.sin6_addr, bytes, 16);
    return sink_address_is_allowed(&config, (struct sockaddr *)&in6);
}

static void
check_address(const uint8_t bytes[16])
{
    static const struct config_callback config;
    struct sockaddr_in in = {.sin_family = AF_INET};
    uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};
    uint8_t translated[16] = {0x00, 0x64, 0xff, 0x9b};
    uint8_t sixtofour[16] = {0x20, 0x02}, teredo[16] = {0x20, 0x01};
    bool allowed;

    if (is_allowed(bytes))
        REQUIRE((bytes[0] & 0xe0) == 0x20 || bytes[0] == 0);
    memcpy(&in.sin_addr, bytes + 12, 4);
    allowed = sink_address_is_allowed(&config, (struct sockaddr *)&in);
    for (size_t i = 0; i < 4; i++) {
        mapped[12 + i] = translated[12 + i] = bytes[12 + i];
        sixtofour[2 + i] = bytes[12 + i];
        teredo[12 + i] = (uint8_t)~bytes[12 + i];
    }
    memcpy(sixtofour + 6, bytes, 10);
    memcpy(teredo + 4, bytes, 8);
    REQUIRE(is_allowed(mapped) == allowed);
    REQUIRE(is_allowed(translated) == allowed);
    REQUIRE(is_allowed(sixtofour) == allowed);
    REQUIRE(is_allowed(teredo) == allowed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *url = malloc(size + (size == 0));

    if (url == NULL)
        return 0;
    memcpy(url, data, size);
    check_sink((struct span){url, size});
    if (size == 16)
        check_address(data);
    free(url);
    return 0;
}
