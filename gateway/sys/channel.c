#include "gateway/sys/sys.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct frame {
    uint32_t type;
    uint32_t length;
};

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

int
channel_pair(int fds_out[2], struct error *err)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   fds_out) < 0)
        return error_set_errno(err, errno, "socketpair");
    return 0;
}

int
channel_send(int fd, uint32_t type, const void *body, size_t length,
             int passed_fd)
{
    struct frame frame = {type, (uint32_t)length};
    struct iovec parts[2] = {{&frame, sizeof(frame)},
                             {(void *)(uintptr_t)body, length}};
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};
    union control control;

    if (type == 0 || length > CHANNEL_BODY_MAX) {
        errno = EMSGSIZE;
        return -1;
    }
    if (passed_fd >= 0) {
        struct cmsghdr *c;

        memset(&control, 0, sizeof(control));
        msg.msg_control = &control;
        msg.msg_controllen = sizeof(control.bytes);
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &passed_fd, sizeof(int));
    }
    return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/*
 * The passed descriptor, -1: none.  Alignment leaves room for a second one,
 * and the kernel fills it: whatever came is taken, and all but a single one
 * closed, so that nobody can fill our table.  False: there was more than one.
 */
static bool
received_fd(struct msghdr *msg, int *fd_out)
{
    size_t count = 0;
    int fds[sizeof(union control) / sizeof(int)];

    *fd_out = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
         c = CMSG_NXTHDR(msg, c))
    {
        size_t n;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n && count < ARRAY_COUNT(fds); i++)
            memcpy(&fds[count++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
    if (count == 1) {
        *fd_out = fds[0];
        return true;
    }
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    return count == 0;
}

int
channel_receive(int fd, struct channel_message *message_out)
{
    struct frame frame;
    struct iovec parts[2] = {{&frame, sizeof(frame)},
                             {message_out->body, sizeof(message_out->body)}};
    union control control;
    struct msghdr msg = {.msg_iov = parts,
                         .msg_iovlen = 2,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control.bytes)};
    bool sound;
    ssize_t n;

    message_out->type = 0;
    message_out->length = 0;
    message_out->fd = -1;
    do {
        n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    if (n <= 0)
        return -1;
    sound = received_fd(&msg, &message_out->fd);
    if (!sound || (size_t)n < sizeof(frame) || (msg.msg_flags & MSG_TRUNC) ||
        frame.type == 0 || frame.length != (size_t)n - sizeof(frame))
    {
        if (message_out->fd >= 0)
            close(message_out->fd);
        message_out->fd = -1;
        return -1;
    }
    message_out->type = frame.type;
    message_out->length = frame.length;
    return 1;
}
