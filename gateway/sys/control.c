#include "gateway/sys/sys.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int
control_address(const char *runtime_dir, struct sockaddr_un *out,
                struct error *err)
{
    int n;

    memset(out, 0, sizeof(*out));
    out->sun_family = AF_UNIX;
    n = snprintf(out->sun_path, sizeof(out->sun_path), "%s/%s", runtime_dir,
                 CONTROL_SOCKET);
    if (n < 0 || (size_t)n >= sizeof(out->sun_path))
        return error_set_errno(err, ENAMETOOLONG, "%s/%s", runtime_dir,
                               CONTROL_SOCKET);
    return 0;
}

/* Whoever answers decides what a compile believes: only root, and whoever
 * asks, may.  (A socket that another user has put there does not count.) */
static int
peer_check(int fd, const char *path, struct error *err)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
        return error_set_errno(err, errno, "%s", path);
    if (peer.uid == 0 || peer.uid == geteuid())
        return 0;
    return error_set_errno(err, EPERM, "%s is answered by uid %u, not by root",
                           path, (unsigned)peer.uid);
}

int
control_connect(const char *runtime_dir, struct error *err)
{
    struct sockaddr_un address;
    int fd;

    if (control_address(runtime_dir, &address, err) < 0)
        return -1;
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(err, errno, "socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        error_set_errno(err, errno, "%s", address.sun_path);
        close(fd);
        return -1;
    }
    if (peer_check(fd, address.sun_path, err) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Waits until fd is readable; -1 when it is not in time. */
static int
control_wait(int fd, unsigned timeout_ms, struct error *err)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint64_t end = clock_monotonic_ms() + timeout_ms;

    for (;;) {
        uint64_t now = clock_monotonic_ms();
        int n = poll(&p, 1, now < end ? (int)(end - now) : 0);

        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return error_set_errno(err, errno, "poll");
        if (n == 0)
            return error_set_errno(err, ETIMEDOUT,
                                   "the gateway did not answer");
    }
}

int
control_call(int fd, const char *request, unsigned timeout_ms,
             struct buf *reply, struct error *err)
{
    char *text;
    ssize_t n;
    int result = -1;

    if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
        return error_set_errno(err, errno, "the gateway");
    if (control_wait(fd, timeout_ms, err) < 0)
        return -1;
    text = malloc(CONTROL_REPLY_MAX);
    if (text == NULL)
        return error_set_errno(err, ENOMEM, "the gateway's answer");
    n = recv(fd, text, CONTROL_REPLY_MAX, 0);
    if (n < 0)
        error_set_errno(err, errno, "the gateway");
    else if (n == 0)
        error_set_errno(err, ECONNRESET, "the gateway");
    else if (text[0] == '-')
        error_set(err, "%.*s", (int)n - 1, text + 1);
    else if (text[0] != '+')
        error_set(err, "the gateway's answer is malformed");
    else
        result = 0;
    if (result == 0 && reply != NULL)
        buf_add(reply, text + 1, (size_t)n - 1);
    free(text);
    return result;
}

int
control_listen(const char *runtime_dir, struct error *err)
{
    struct sockaddr_un address;
    mode_t before;
    int fd, bound;

    if (control_address(runtime_dir, &address, err) < 0)
        return -1;
    fd = control_connect(runtime_dir, NULL);
    if (fd >= 0) {
        close(fd);
        return error_set(err, "%s: another gateway is running",
                         address.sun_path);
    }
    unlink(address.sun_path);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set_errno(err, errno, "socket");
    before = umask(0177);
    bound = bind(fd, (struct sockaddr *)&address, sizeof(address));
    umask(before);
    if (bound < 0 || listen(fd, 16) < 0) {
        error_set_errno(err, errno, "%s", address.sun_path);
        close(fd);
        return -1;
    }
    return fd;
}
