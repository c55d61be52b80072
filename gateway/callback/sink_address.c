/* Which addresses a sink's name may lead to (threat 28). */
#include <netinet/in.h>
#include <string.h>

#include "gateway/callback/callback.h"

#define V4(a, b, c, d, prefix)                                                \
    {                                                                         \
        {[10] = 0xff, [11] = 0xff, a, b, c, d}, 96 + (prefix)                 \
    }

/* Not for connections over the Internet: the IANA IPv4 special-purpose
 * registry (RFC 6890) and what has been added to it. */
static const struct config_network special_ipv4[] = {
    V4(0, 0, 0, 0, 8),        /* this network (RFC 791) */
    V4(10, 0, 0, 0, 8),       /* private (RFC 1918) */
    V4(100, 64, 0, 0, 10),    /* shared (RFC 6598) */
    V4(127, 0, 0, 0, 8),      /* loopback (RFC 1122) */
    V4(168, 63, 129, 16, 32), /* a metadata service in public space */
    V4(169, 254, 0, 0, 16),   /* link-local (RFC 3927), metadata services */
    V4(172, 16, 0, 0, 12),    /* private */
    V4(192, 0, 0, 0, 24),     /* protocol assignments (RFC 6890) */
    V4(192, 0, 2, 0, 24),     /* documentation (RFC 5737) */
    V4(192, 88, 99, 0, 24),   /* 6to4 relays (RFC 7526) */
    V4(192, 168, 0, 0, 16),   /* private */
    V4(198, 18, 0, 0, 15),    /* benchmarking (RFC 2544) */
    V4(198, 51, 100, 0, 24),  /* documentation */
    V4(203, 0, 113, 0, 24),   /* documentation */
    V4(224, 0, 0, 0, 4),      /* multicast (RFC 5771) */
    V4(240, 0, 0, 0, 4),      /* reserved, broadcast (RFC 1112) */
};

/* What of IPv6 is global unicast at all (RFC 4291 2.4, IANA), and what of it
 * is not. */
static const struct config_network global_ipv6 = {{0x20}, 3};
static const struct config_network special_ipv6[] = {
    {{0x20, 0x01}, 23},             /* protocol assignments (RFC 2928) */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation (RFC 3849) */
    {{0x3f, 0xff}, 20},             /* documentation (RFC 9637) */
};

/* Addresses that carry an IPv4 address: what reaches it is what counts. */
static const struct carrier {
    struct config_network network;
    unsigned offset; /* of the IPv4 address */
    uint8_t flip;    /* Teredo's obfuscation (RFC 4380 4) */
} carriers[] = {
    {V4(0, 0, 0, 0, 0), 12, 0},                 /* mapped (RFC 4291) */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12, 0},    /* RFC 6052 */
    {{{0x20, 0x02}, 16}, 2, 0},                 /* 6to4 (RFC 3056) */
    {{{0x20, 0x01, 0x00, 0x00}, 32}, 12, 0xff}, /* Teredo */
};

/* As 16 bytes, an IPv4 address as ::ffff:a.b.c.d. */
static bool
read_address(const struct sockaddr *address, uint8_t out[16])
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    memset(out, 0, 16);
    if (address->sa_family == AF_INET6) {
        memcpy(&in6, address, sizeof(in6));
        memcpy(out, &in6.sin6_addr, 16);
        return true;
    }
    if (address->sa_family != AF_INET)
        return false;
    memcpy(&in, address, sizeof(in));
    out[10] = out[11] = 0xff;
    memcpy(out + 12, &in.sin_addr, 4);
    return true;
}

/* The IPv4 address that is carried, in the place where a mapped one has it. */
static bool
unwrap(uint8_t address[16])
{
    uint8_t inner[16] = {[10] = 0xff, [11] = 0xff};

    for (size_t i = 0; i < ARRAY_COUNT(carriers); i++) {
        const struct carrier *c = &carriers[i];

        if (!config_network_holds(&c->network, address))
            continue;
        for (size_t j = 0; j < 4; j++)
            inner[12 + j] = address[c->offset + j] ^ c->flip;
        memcpy(address, inner, sizeof(inner));
        return true;
    }
    return false;
}

static bool
any_holds(const struct config_network *networks, size_t count,
          const uint8_t address[16])
{
    for (size_t i = 0; i < count; i++) {
        if (config_network_holds(&networks[i], address))
            return true;
    }
    return false;
}

bool
sink_address_is_allowed(const struct config_callback *config,
                        const struct sockaddr *address)
{
    uint8_t bytes[16];
    bool ipv4;

    if (!read_address(address, bytes))
        return false;
    ipv4 = unwrap(bytes);
    if (any_holds(config->networks, config->network_count, bytes))
        return true;
    if (ipv4)
        return !any_holds(special_ipv4, ARRAY_COUNT(special_ipv4), bytes);
    return config_network_holds(&global_ipv6, bytes) &&
           !any_holds(special_ipv6, ARRAY_COUNT(special_ipv6), bytes);
}
