#include "tests/support/support.h"

#include <errno.h>
#include <sys/socket.h>
#include <string.h>
#include <unistd.h>

#include "gateway/sys/sys.h"

SUITE(channel);

Test(channel, delivers_a_message_whole_with_its_descriptor)
{
    struct channel_message m;
    int ends[2], pipe_ends[2];
    char c = 0;

    cr_assert_eq(channel_pair(ends, NULL), 0);
    cr_assert_eq(pipe(pipe_ends), 0);
    cr_assert_eq(channel_receive(ends[1], &m), 0);
    cr_assert_eq(channel_send(ends[0], 7, "hello", 5, pipe_ends[0]), 0);
    cr_assert_eq(channel_receive(ends[1], &m), 1);
    cr_assert_eq(m.type, 7);
    cr_assert_eq(m.length, 5);
    cr_assert_arr_eq(m.body, "hello", 5);
    cr_assert_geq(m.fd, 0);
    cr_assert_eq(write(pipe_ends[1], "x", 1), 1);
    cr_assert_eq(read(m.fd, &c, 1), 1);
    cr_assert_eq(c, 'x');
    close(m.fd);
    close(ends[0]);
    cr_assert_eq(channel_receive(ends[1], &m), -1);
}

Test(channel, refuses_what_breaks_the_frame)
{
    static const struct {
        uint32_t frame[2];
        size_t length;
    } bad[] = {
        {{0, 0}, 8},          /* no type */
        {{1, 1}, 8},          /* announces more than it holds */
        {{1, 0}, 4},          /* half a header */
        {{1, UINT32_MAX}, 8}, /* absurd */
    };
    struct channel_message m;
    int ends[2];

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        cr_assert_eq(channel_pair(ends, NULL), 0);
        cr_assert_eq(send(ends[0], bad[i].frame, bad[i].length, 0),
                     (ssize_t)bad[i].length);
        cr_assert_eq(channel_receive(ends[1], &m), -1, "row %zu", i);
        close(ends[0]);
        close(ends[1]);
    }
}

Test(channel, never_blocks_on_a_peer_that_does_not_read)
{
    char body[CHANNEL_BODY_MAX] = {0};
    int ends[2], n = 0;

    cr_assert_eq(channel_pair(ends, NULL), 0);
    while (n < 100000 && channel_send(ends[0], 1, body, sizeof(body), -1) == 0)
        n++;
    cr_assert_gt(n, 0);
    cr_assert_lt(n, 100000);
    cr_assert_eq(errno, EAGAIN);
    cr_assert_eq(channel_send(ends[0], 1, body, sizeof(body) + 1, -1), -1);
    cr_assert_eq(errno, EMSGSIZE);
    close(ends[0]);
    close(ends[1]);
}

/* Alignment leaves room for two where one is meant. */
Test(channel, descriptors_that_nobody_asked_for_are_closed)
{
    struct {
        uint32_t type, length;
    } frame = {1, 0};
    struct iovec part = {&frame, sizeof(frame)};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(3 * sizeof(int))];
    } control;
    struct channel_message m;
    int ends[2], fds[3], before, after;

    cr_assert_eq(channel_pair(ends, NULL), 0);
    before = dup(STDIN_FILENO);
    close(before);
    for (int i = 0; i < 3; i++)
        fds[i] = STDIN_FILENO;
    for (size_t count = 2; count <= 3; count++) {
        struct msghdr msg = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen =
                                 CMSG_SPACE(count * sizeof(int))};
        struct cmsghdr *c;

        memset(&control, 0, sizeof(control));
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, count * sizeof(int));
        cr_assert_eq(sendmsg(ends[0], &msg, 0), sizeof(frame));
        cr_assert_eq(channel_receive(ends[1], &m), -1);
        cr_assert_eq(m.fd, -1);
    }
    after = dup(STDIN_FILENO);
    close(after);
    cr_assert_eq(after, before, "a descriptor stayed open");
    close(ends[0]);
    close(ends[1]);
}
