#include "gateway/server/addresses.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static bool
add(const struct addrinfo *found, struct buf *out)
{
    char text[INET6_ADDRSTRLEN];
    const struct sockaddr_in *in = (const void *)found->ai_addr;
    const struct sockaddr_in6 *in6 = (const void *)found->ai_addr;
    bool ipv6 = found->ai_family == AF_INET6;

    if (inet_ntop(found->ai_family,
                  ipv6 ? (const void *)&in6->sin6_addr
                       : (const void *)&in->sin_addr,
                  text, sizeof(text)) == NULL)
        return false;
    buf_addf(out, "%s%s%s%s", out->length > 0 ? "," : "", ipv6 ? "[" : "",
             text, ipv6 ? "]" : "");
    return true;
}

void
addresses_find(const char *host, struct buf *out, const char **why)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    unsigned count = 0;
    int rc = getaddrinfo(host, NULL, &hints, &found);

    *why = rc != 0 ? gai_strerror(rc) : "it has no address";
    if (rc != 0)
        return;
    for (const struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        if (count < ADDRESSES_MAX)
            count += add(a, out);
    }
    freeaddrinfo(found);
}

static bool
is_address(struct span text)
{
    bool ipv6 = text.length > 2 && text.data[0] == '[' &&
                text.data[text.length - 1] == ']';
    unsigned char address[sizeof(struct in6_addr)];
    char copy[INET6_ADDRSTRLEN];

    if (ipv6)
        text = (struct span){text.data + 1, text.length - 2};
    if (text.length == 0 || text.length >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    return inet_pton(ipv6 ? AF_INET6 : AF_INET, copy, address) == 1;
}

bool
addresses_are_sound(const char *text)
{
    struct span rest = span_of(text);
    unsigned count = 0;

    do {
        if (!is_address(span_cut(rest, ',', &rest)) || ++count > ADDRESSES_MAX)
            return false;
    } while (rest.data != NULL);
    return true;
}

static bool
holds_all_of(const char *a, const char *b)
{
    struct span wanted = span_of(b);

    while (wanted.data != NULL) {
        struct span one = span_cut(wanted, ',', &wanted), rest = span_of(a);
        bool found = false;

        while (!found && rest.data != NULL)
            found = span_equal(span_cut(rest, ',', &rest), one);
        if (!found)
            return false;
    }
    return true;
}

bool
addresses_are_same(const char *a, const char *b)
{
    return holds_all_of(a, b) && holds_all_of(b, a);
}
