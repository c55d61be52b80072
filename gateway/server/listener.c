#include "gateway/server/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/server/server.h"
#include "gateway/sys/sys.h"

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
};

/* -- addresses ------------------------------------------------------------ */

static socklen_t
address_make(const struct config_listener *c, union address *out)
{
    memset(out, 0, sizeof(*out));
    if (c->unix_path != NULL) {
        out->un.sun_family = AF_UNIX;
        snprintf(out->un.sun_path, sizeof(out->un.sun_path), "%s",
                 c->unix_path);
        return sizeof(out->un);
    }
    if (inet_pton(AF_INET, c->host, &out->in.sin_addr) == 1) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons(c->port);
        return sizeof(out->in);
    }
    if (inet_pton(AF_INET6, c->host, &out->in6.sin6_addr) == 1) {
        out->in6.sin6_family = AF_INET6;
        out->in6.sin6_port = htons(c->port);
        return sizeof(out->in6);
    }
    return 0;
}

static bool
address_is_private(const union address *a)
{
    switch (a->any.sa_family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        return ntohl(a->in.sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr) != 0;
    default:
        return false;
    }
}

static bool
channel_is_private(enum listener_channel channel)
{
    return channel == LISTENER_CHANNEL_LOCAL ||
           channel == LISTENER_CHANNEL_PROXY;
}

/* Fills address and port from the socket itself, and checks that a local
 * listener or a proxy's really is one: the configuration was checked, but an
 * inherited socket is what somebody else bound. */
static int
address_read(struct listener *l, struct error *err)
{
    union address a;
    socklen_t length = sizeof(a);
    char host[INET6_ADDRSTRLEN] = "";

    if (getsockname(l->fd, &a.any, &length) < 0)
        return error_set_errno(err, errno, "getsockname");
    if ((a.any.sa_family == AF_UNIX) != (l->config->unix_path != NULL))
        return error_set(err,
                         "the socket passed for it is of another kind than"
                         " bind = %s",
                         l->config->bind);
    if (channel_is_private(l->config->channel) && !address_is_private(&a))
        return error_set(err, "channel = local and trusted_proxy need a Unix"
                              " socket or a loopback address");
    if (a.any.sa_family == AF_UNIX) {
        snprintf(l->address, sizeof(l->address), "unix:%.100s", a.un.sun_path);
    } else if (a.any.sa_family == AF_INET) {
        l->port = ntohs(a.in.sin_port);
        inet_ntop(AF_INET, &a.in.sin_addr, host, sizeof(host));
        snprintf(l->address, sizeof(l->address), "%s:%u", host, l->port);
    } else {
        l->port = ntohs(a.in6.sin6_port);
        inet_ntop(AF_INET6, &a.in6.sin6_addr, host, sizeof(host));
        snprintf(l->address, sizeof(l->address), "[%s]:%u", host, l->port);
    }
    return 0;
}

/* -- sockets -------------------------------------------------------------- */

/* Whether the socket file at path is certainly nobody's: anything but a
 * plain refusal (a full queue, a socket of another type) is somebody. */
static int
stale_ask(const char *path, bool *stale_out, struct error *err)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return error_set_errno(err, errno, "socket");
    snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    *stale_out = connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0 &&
                 errno == ECONNREFUSED;
    close(fd);
    return 0;
}

/* Removes a socket file that nobody answers on. */
static int
stale_remove(const char *path, struct error *err)
{
    struct stat st;
    bool stale = false;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : error_set_errno(err, errno, "%s", path);
    if (!S_ISSOCK(st.st_mode))
        return error_set(err, "%s: exists and is no socket", path);
    if (stale_ask(path, &stale, err) < 0)
        return -1;
    if (!stale)
        return error_set_errno(err, EADDRINUSE, "%s", path);
    if (unlink(path) < 0)
        return error_set_errno(err, errno, "%s", path);
    return 0;
}

/*
 * Owner and mode are set by path, and again at each reload: whoever could
 * put a link in the socket's place would have them set of any file.
 */
static int
unix_directory_check(const char *path, struct error *err)
{
    char directory[PATH_MAX];
    struct stat st;
    int n = snprintf(directory, sizeof(directory), "%s", path);
    char *slash = strrchr(directory, '/');

    if (n < 0 || (size_t)n >= sizeof(directory) || slash == NULL)
        return error_set_errno(err, ENAMETOOLONG, "%s", path);
    slash[slash == directory] = '\0';
    if (stat(directory, &st) < 0)
        return error_set_errno(err, errno, "%s", directory);
    if ((st.st_uid == 0 || st.st_uid == geteuid()) && (st.st_mode & 022) == 0)
        return 0;
    return error_set(err,
                     "%s: others than root can change the directory; use one"
                     " that is root's, with mode 0755",
                     directory);
}

/* 0600 and the proxy's user's, or mode and group of a local listener. */
static int
unix_owner_set(const struct config_listener *c, struct error *err)
{
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;

    if (c->channel == LISTENER_CHANNEL_PROXY)
        uid = c->trusted_proxy_uid;
    if (c->group != NULL) {
        struct group *gr = getgrnam(c->group);

        if (gr == NULL)
            return error_set(err, "there is no group '%s'", c->group);
        gid = gr->gr_gid;
    }
    if (uid == geteuid())
        uid = (uid_t)-1;
    if ((uid != (uid_t)-1 || gid != (gid_t)-1) &&
        chown(c->unix_path, uid, gid) < 0)
        return error_set_errno(err, errno, "%s", c->unix_path);
    if (chmod(c->unix_path, c->mode) < 0)
        return error_set_errno(err, errno, "%s", c->unix_path);
    return 0;
}

static int
socket_bind(int fd, const struct config_listener *c, struct error *err)
{
    union address a;
    socklen_t length = address_make(c, &a);
    const int on = 1, off = 0;
    mode_t before;
    int bound;

    if (a.any.sa_family == AF_UNIX) {
        if (unix_directory_check(c->unix_path, err) < 0 ||
            stale_remove(c->unix_path, err) < 0)
            return -1;
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (a.any.sa_family == AF_INET6)
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    }
    before = umask(0177);
    bound = bind(fd, &a.any, length);
    umask(before);
    if (bound < 0)
        return error_set_errno(err, errno, "%s", c->bind);
    return a.any.sa_family == AF_UNIX ? unix_owner_set(c, err) : 0;
}

static int
socket_new(const struct config_listener *c, struct error *err)
{
    union address a;
    int fd;

    if (address_make(c, &a) == 0)
        return error_set(err, "'%s' is no address", c->bind);
    fd =
        socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set_errno(err, errno, "socket");
    if (socket_bind(fd, c, err) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A socket that is there already: of the set before a reload, or passed by
 * the service manager.  l->fd -1: none. */
static void
socket_inherit(struct listener *l, const struct listener_set *previous)
{
    const struct config_listener *c = l->config;

    for (size_t i = 0; previous != NULL && i < previous->count; i++) {
        const struct listener *old = &previous->items[i];

        if (strcmp(old->config->name, c->name) == 0 &&
            strcmp(old->config->bind, c->bind) == 0)
        {
            l->fd = fcntl(old->fd, F_DUPFD_CLOEXEC, 3);
            l->passed = old->passed;
            return;
        }
    }
    if (previous == NULL)
        l->fd = service_socket(c->name);
    l->passed = l->fd >= 0;
}

static int
listener_open(struct listener *l, const struct config_listener *c,
              const struct listener_set *previous, struct error *err)
{
    l->config = c;
    socket_inherit(l, previous);
    if (l->fd < 0)
        l->fd = socket_new(c, err);
    if (l->fd < 0 || address_read(l, err) < 0)
        return config_blame_listener(c, NULL, err);
    return listener_files_load(l, err);
}

int
listener_set_open(const struct config *config,
                  const struct listener_set *previous,
                  struct listener_set *out, struct error *err)
{
    *out = (struct listener_set){
        0, calloc(config->listener_count + 1, sizeof(*out->items))};
    if (out->items == NULL)
        return error_set_errno(err, ENOMEM, "listeners");
    for (size_t i = 0; i < config->listener_count; i++) {
        out->items[i].fd = -1;
        out->count = i + 1;
        if (listener_open(&out->items[i], &config->listeners[i], previous,
                          err) < 0) {
            listener_set_close(out, previous, false);
            return -1;
        }
    }
    return 0;
}

void
listener_set_forget(struct listener_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        secret_fini(&set->items[i].key);
        secret_fini(&set->items[i].secret);
    }
}

int
listener_set_listen(const struct listener_set *set, struct error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct listener *l = &set->items[i];

        if (listen(l->fd, (int)l->config->backlog) < 0) {
            error_set_errno(err, errno, "%s", l->config->bind);
            return config_blame_listener(l->config, NULL, err);
        }
        if (l->config->unix_path != NULL && !l->passed &&
            unix_owner_set(l->config, err) < 0)
            return config_blame_listener(l->config, NULL, err);
    }
    return 0;
}

static bool
set_has_path(const struct listener_set *set, const char *path)
{
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        const char *p = set->items[i].config->unix_path;

        if (p != NULL && strcmp(p, path) == 0)
            return true;
    }
    return false;
}

void
listener_set_close(struct listener_set *set,
                   const struct listener_set *successor, bool keep_files)
{
    for (size_t i = 0; i < set->count; i++) {
        struct listener *l = &set->items[i];
        const char *path = l->config->unix_path;

        if (l->fd >= 0)
            close(l->fd);
        if (l->fd >= 0 && path != NULL && !l->passed && !keep_files &&
            !set_has_path(successor, path))
            unlink(path);
        listener_files_fini(l);
    }
    free(set->items);
    *set = (struct listener_set){0, NULL};
}

uint16_t
listener_set_tls_port(const struct listener_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].config->tls && !set->items[i].config->status)
            return set->items[i].port;
    }
    return 0;
}
