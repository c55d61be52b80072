/* What an address is to connect to. */
#include <netinet/in.h>
#include <string.h>

#include "gateway/config/config.h"

#define V4(a, b, c, d, prefix)                                                \
    {                                                                         \
        {[10] = 0xff, [11] = 0xff, a, b, c, d}, 96 + (prefix)                 \
    }

struct row {
    struct config_network network;
    enum address_kind kind;
};

/* The IANA special-purpose registry (RFC 6890) and what has been added to
 * it; the services of clouds as their manuals have them.  The first that
 * holds counts; what is in none is global. */
static const struct row ipv4[] = {
    {V4(0, 0, 0, 0, 8), ADDRESS_NONE},              /* RFC 791 3.2 */
    {V4(224, 0, 0, 0, 4), ADDRESS_NONE},            /* multicast (RFC 5771) */
    {V4(255, 255, 255, 255, 32), ADDRESS_NONE},     /* broadcast (RFC 919) */
    {V4(169, 254, 0, 0, 16), ADDRESS_DELICATE},     /* link-local (RFC 3927),
                                                     metadata services */
    {V4(100, 100, 100, 200, 32), ADDRESS_DELICATE}, /* Alibaba Cloud */
    {V4(168, 63, 129, 16, 32), ADDRESS_DELICATE},   /* Azure */
    {V4(192, 0, 0, 192, 32), ADDRESS_DELICATE},     /* Oracle Cloud */
    {V4(10, 0, 0, 0, 8), ADDRESS_SPECIAL},          /* private (RFC 1918) */
    {V4(100, 64, 0, 0, 10), ADDRESS_SPECIAL},       /* shared (RFC 6598) */
    {V4(127, 0, 0, 0, 8), ADDRESS_SPECIAL},         /* loopback (RFC 1122) */
    {V4(172, 16, 0, 0, 12), ADDRESS_SPECIAL},       /* private */
    {V4(192, 0, 0, 0, 24), ADDRESS_SPECIAL},        /* protocols (RFC 6890) */
    {V4(192, 0, 2, 0, 24), ADDRESS_SPECIAL},    /* documentation (RFC 5737) */
    {V4(192, 88, 99, 0, 24), ADDRESS_SPECIAL},  /* 6to4 relays (RFC 7526) */
    {V4(192, 168, 0, 0, 16), ADDRESS_SPECIAL},  /* private */
    {V4(198, 18, 0, 0, 15), ADDRESS_SPECIAL},   /* benchmarks (RFC 2544) */
    {V4(198, 51, 100, 0, 24), ADDRESS_SPECIAL}, /* documentation */
    {V4(203, 0, 113, 0, 24), ADDRESS_SPECIAL},  /* documentation */
    {V4(240, 0, 0, 0, 4), ADDRESS_SPECIAL},     /* reserved (RFC 1112) */
};

/* Behind them what is global unicast (RFC 4291 2.4, IANA), and the rest. */
static const struct row ipv6[] = {
    {{{0}, 128}, ADDRESS_NONE},             /* unspecified */
    {{{0xff}, 8}, ADDRESS_NONE},            /* multicast (RFC 4291 2.7) */
    {{{[15] = 1}, 128}, ADDRESS_SPECIAL},   /* loopback */
    {{{0}, 96}, ADDRESS_DELICATE},          /* IPv4-compatible: nobody
                                                  knows where they lead */
    {{{0xfe, 0x80}, 10}, ADDRESS_DELICATE}, /* link-local */
    {{{0xfd, 0x00, 0x0e, 0xc2}, 32}, ADDRESS_DELICATE}, /* Amazon EC2 */
    {{{0xfd, 0x20, 0x00, 0xce}, 32}, ADDRESS_DELICATE}, /* Google Cloud */
    /* Local NAT64 (RFC 8215): the place of the IPv4 address is anybody's
     * choice (RFC 6052 2.2). */
    {{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, ADDRESS_DELICATE},
    {{{0x20, 0x01}, 23}, ADDRESS_SPECIAL}, /* protocols (RFC 2928) */
    {{{0x20, 0x01, 0x0d, 0xb8}, 32}, ADDRESS_SPECIAL}, /* documentation
                                                          (RFC 3849) */
    {{{0x3f, 0xff}, 20}, ADDRESS_SPECIAL}, /* documentation (RFC 9637) */
    {{{0x20}, 3}, ADDRESS_GLOBAL},
    {{{0}, 0}, ADDRESS_SPECIAL},
};

/* Addresses that carry an IPv4 address: what reaches it is what counts. */
static const struct carrier {
    struct config_network network;
    unsigned offset; /* of the IPv4 address */
    uint8_t flip;    /* Teredo's obfuscation (RFC 4380 4) */
} carriers[] = {
    {V4(0, 0, 0, 0, 0), 12, 0},                 /* mapped (RFC 4291) */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12, 0},    /* NAT64 (RFC 6052) */
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

static enum address_kind
find(const struct row *rows, size_t count, const uint8_t address[16])
{
    for (size_t i = 0; i < count; i++) {
        if (config_network_holds(&rows[i].network, address))
            return rows[i].kind;
    }
    return ADDRESS_GLOBAL;
}

enum address_kind
config_address_kind(const struct sockaddr *address, uint8_t bytes_out[16])
{
    uint8_t bytes[16];
    enum address_kind kind = ADDRESS_NONE;

    if (read_address(address, bytes))
        kind = unwrap(bytes) ? find(ipv4, ARRAY_COUNT(ipv4), bytes)
                             : find(ipv6, ARRAY_COUNT(ipv6), bytes);
    if (bytes_out != NULL)
        memcpy(bytes_out, bytes, sizeof(bytes));
    return kind;
}
