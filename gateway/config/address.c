/* Hosts and networks as the configuration writes them. */
#include <arpa/inet.h>
#include <string.h>

#include "gateway/config/config.h"
#include "gateway/config/values.h"

/* Without its brackets, in the one spelling that inet_ntop gives. */
static bool
parse_ipv6(struct span text, char out[CONFIG_HOST_SIZE])
{
    unsigned char address[sizeof(struct in6_addr)];
    char copy[INET6_ADDRSTRLEN];

    if (text.length < 2 || text.data[text.length - 1] != ']' ||
        text.length - 2 >= sizeof(copy))
        return false;
    memcpy(copy, text.data + 1, text.length - 2);
    copy[text.length - 2] = '\0';
    return strlen(copy) == text.length - 2 &&
           inet_pton(AF_INET6, copy, address) == 1 &&
           inet_ntop(AF_INET6, address, out, CONFIG_HOST_SIZE) != NULL;
}

/* RFC 1123 2.1, and the underscore that Windows lets hosts have. */
static bool
is_label(struct span label)
{
    if (label.length == 0 || label.length > 63 || label.data[0] == '-' ||
        label.data[label.length - 1] == '-')
        return false;
    for (size_t i = 0; i < label.length; i++) {
        char c = label.data[i];

        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-' && c != '_')
            return false;
    }
    return true;
}

/* What inet_aton and browsers take for a part of an IPv4 address: 10, 012,
 * 0x7f. */
static bool
is_number(struct span label)
{
    bool hex = span_starts_nocase(label, SPAN("0x"));

    for (size_t i = hex ? 2 : 0; i < label.length; i++) {
        if (hex ? ascii_hex_value(label.data[i]) < 0
                : !ascii_is_digit(label.data[i]))
            return false;
    }
    return true;
}

bool
config_host_parse(struct span text, char out[CONFIG_HOST_SIZE])
{
    struct span rest = text, label = {NULL, 0};
    unsigned char address[sizeof(struct in_addr)];

    out[0] = '\0';
    if (text.length > 0 && text.data[0] == '[')
        return parse_ipv6(text, out);
    if (text.length == 0 || text.length > 253)
        return false;
    do {
        label = span_cut(rest, '.', &rest);
        if (!is_label(label))
            return false;
    } while (rest.data != NULL);
    for (size_t i = 0; i < text.length; i++)
        out[i] = ascii_lower(text.data[i]);
    out[text.length] = '\0';
    /* inet_pton takes four decimal numbers without leading zeros, no other
     * form. */
    if (!is_number(label) || inet_pton(AF_INET, out, address) == 1)
        return true;
    out[0] = '\0';
    return false;
}

static bool
parse_prefix(struct span text, unsigned max, unsigned *out)
{
    unsigned n = 0;

    if (text.length == 0 || text.length > 3 ||
        (text.length > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (!ascii_is_digit(text.data[i]))
            return false;
        n = n * 10 + (unsigned)(text.data[i] - '0');
    }
    *out = n;
    return n <= max;
}

/* Clears the bits beyond the prefix; whether all of them were clear. */
static bool
mask(struct config_network *n)
{
    bool clear = true;

    for (unsigned i = n->prefix; i < 128; i++) {
        uint8_t bit = (uint8_t)(0x80 >> (i % 8));

        clear = clear && !(n->address[i / 8] & bit);
        n->address[i / 8] &= (uint8_t)~bit;
    }
    return clear;
}

static void
network_format(const struct config_network *n, bool ipv4, char out[64])
{
    char text[INET6_ADDRSTRLEN] = "";

    inet_ntop(ipv4 ? AF_INET : AF_INET6, n->address + (ipv4 ? 12 : 0), text,
              sizeof(text));
    snprintf(out, 64, "%s/%u", text, n->prefix - (ipv4 ? 96 : 0));
}

int
config_network_parse(struct span text, struct config_network *out,
                     struct error *err)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct span prefix, host = span_cut(text, '/', &prefix);
    char copy[INET6_ADDRSTRLEN] = "", shown[64];
    bool ipv4 =
        text.length == 0 || memchr(text.data, ':', text.length) == NULL;
    unsigned bits = ipv4 ? 32 : 128;

    *out = (struct config_network){{0}, 128};
    if (host.length < sizeof(copy))
        memcpy(copy, host.data, host.length);
    if (strlen(copy) != host.length ||
        inet_pton(ipv4 ? AF_INET : AF_INET6, copy,
                  out->address + (ipv4 ? 12 : 0)) != 1 ||
        (prefix.data != NULL && !parse_prefix(prefix, bits, &bits)))
        return error_set(err,
                         "'%.*s' is no network, such as 10.0.0.0/8, "
                         "192.0.2.7 or fd00::/8",
                         (int)text.length, text.data);
    if (ipv4)
        memcpy(out->address, mapped, sizeof(mapped));
    out->prefix = bits + (ipv4 ? 96 : 0);
    if (mask(out))
        return 0;
    network_format(out, ipv4, shown);
    return error_set(err, "'%.*s' has bits beyond its prefix: %s would do",
                     (int)text.length, text.data, shown);
}

bool
config_network_holds(const struct config_network *n, const uint8_t address[16])
{
    unsigned bytes = n->prefix / 8, bits = n->prefix % 8;

    if (n->prefix > 128 || memcmp(n->address, address, bytes) != 0)
        return false;
    return bits == 0 ||
           ((n->address[bytes] ^ address[bytes]) >> (8 - bits)) == 0;
}

uint16_t
value_port(struct span text)
{
    unsigned n = 0;

    if (text.length == 0 || text.length > 5 || text.data[0] == '0')
        return 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!ascii_is_digit(text.data[i]))
            return 0;
        n = n * 10 + (unsigned)(text.data[i] - '0');
    }
    return n <= UINT16_MAX ? (uint16_t)n : 0;
}

struct span
value_cut_port(struct span text, struct span *port_out)
{
    const char *end = NULL;

    if (text.length == 0 || text.data[0] != '[')
        return span_cut(text, ':', port_out);
    end = memchr(text.data, ']', text.length);
    *port_out = (struct span){NULL, 0};
    if (end == NULL || end + 1 == text.data + text.length)
        return text;
    *port_out = span_skip(text, (size_t)(end + 1 - text.data));
    if (port_out->data[0] != ':')
        return text; /* no host */
    *port_out = span_skip(*port_out, 1);
    return (struct span){text.data, (size_t)(end + 1 - text.data)};
}
