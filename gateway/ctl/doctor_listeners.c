#include "gateway/ctl/doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 2000

union address {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* 0: connected.  Otherwise an errno. */
static int
try_connect(const union address *a, socklen_t length)
{
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    socklen_t size = sizeof(int);
    int result = 0;

    if (fd < 0)
        return errno;
    if (connect(fd, &a->any, length) != 0)
        result = errno;
    if (result == EINPROGRESS) {
        if (poll(&p, 1, CONNECT_TIMEOUT_MS) != 1)
            result = ETIMEDOUT;
        else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size) != 0)
            result = errno;
    }
    close(fd);
    return result;
}

static int
connect_unix(const char *path)
{
    union address a;
    size_t length = strlen(path);

    memset(&a, 0, sizeof(a));
    a.local.sun_family = AF_UNIX;
    if (length >= sizeof(a.local.sun_path))
        return ENAMETOOLONG;
    memcpy(a.local.sun_path, path, length);
    return try_connect(&a, sizeof(a.local));
}

/* A wildcard address is reached by its loopback. */
static int
connect_tcp(const char *host, unsigned port)
{
    union address a;

    memset(&a, 0, sizeof(a));
    if (inet_pton(AF_INET, host, &a.v4.sin_addr) == 1) {
        a.v4.sin_family = AF_INET;
        a.v4.sin_port = htons((uint16_t)port);
        if (a.v4.sin_addr.s_addr == htonl(INADDR_ANY))
            a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return try_connect(&a, sizeof(a.v4));
    }
    if (inet_pton(AF_INET6, host, &a.v6.sin6_addr) != 1)
        return EAFNOSUPPORT;
    a.v6.sin6_family = AF_INET6;
    a.v6.sin6_port = htons((uint16_t)port);
    if (IN6_IS_ADDR_UNSPECIFIED(&a.v6.sin6_addr))
        a.v6.sin6_addr = in6addr_loopback;
    return try_connect(&a, sizeof(a.v6));
}

/* The port in "127.0.0.1:40123"; 0: none. */
static unsigned
address_port(const char *address)
{
    const char *colon = strrchr(address, ':');
    unsigned port = 0;

    if (colon == NULL || sscanf(colon + 1, "%u", &port) != 1)
        return 0;
    return port;
}

static const char *
running_address(const struct doctor *d, const char *name)
{
    const cJSON *l;

    cJSON_ArrayForEach(
        l, cJSON_GetObjectItemCaseSensitive(d->status, "listeners"))
    {
        const char *n =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(l, "name"));

        if (n != NULL && strcmp(n, name) == 0)
            return cJSON_GetStringValue(
                cJSON_GetObjectItemCaseSensitive(l, "address"));
    }
    return NULL;
}

static void
say_listener(struct doctor *d, const char *name, const char *where, int code)
{
    if (d->hidden)
        doctor_say(d, FINDING_WARN, "listener", "Run doctor as root",
                   "%s: %s at %s, and the gateway could not be asked", name,
                   code == 0 ? "something answers" : "nobody answers", where);
    else if (d->status == NULL && code == 0)
        doctor_say(d, FINDING_FAIL, "listener",
                   "Stop that program (ss -lntxp shows it), or change bind",
                   "%s: another program answers at %s", name, where);
    else if (d->status == NULL)
        doctor_say(d, FINDING_OK, "listener", NULL, "%s: %s is free", name,
                   where);
    else if (code != 0)
        doctor_say(d, FINDING_FAIL, "listener",
                   "See the log of nsgated, and a packet filter",
                   "%s: nobody answers at %s: %s", name, where,
                   strerror(code));
    else
        doctor_say(d, FINDING_OK, "listener", NULL,
                   "%s: the gateway answers at %s", name, where);
}

static void
look_at_listener(struct doctor *d, const struct config_listener *l)
{
    const char *running = running_address(d, l->name);
    unsigned port;

    if (d->status != NULL && running == NULL) {
        doctor_say(d, FINDING_WARN, "listener", "Run nsgatectl reload",
                   "%s: configured, but not in the running gateway", l->name);
        return;
    }
    if (l->unix_path != NULL) {
        say_listener(d, l->name, l->unix_path, connect_unix(l->unix_path));
        return;
    }
    port = running != NULL ? address_port(running) : l->port;
    if (port != 0)
        say_listener(d, l->name, running != NULL ? running : l->bind,
                     connect_tcp(l->host, port));
}

void
doctor_listeners(struct doctor *d)
{
    bool private = false;

    for (size_t i = 0; i < d->config->listener_count; i++) {
        const struct config_listener *l = &d->config->listeners[i];

        look_at_listener(d, l);
        private |=
            !l->status && (l->tls || l->channel != LISTENER_CHANNEL_DIRECT);
    }
    if (!private)
        doctor_say(d, FINDING_WARN, "listener",
                   "Give one tls_certificate and tls_key",
                   "none is private: nobody reaches a namespace that "
                   "requires encryption");
}
