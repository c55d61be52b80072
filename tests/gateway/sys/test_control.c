#include "tests/support/support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/sys/sys.h"

SUITE(control);

/* One side of a conversation in a child: answers each request in turn. */
static void
answer(int listening, const char *const *answers)
{
    char text[CONTROL_REQUEST_MAX];
    int fd;

    if (fork() != 0)
        return;
    do
        fd = accept(listening, NULL, NULL);
    while (fd < 0 && errno == EAGAIN);
    for (; *answers != NULL; answers++) {
        if (recv(fd, text, sizeof(text), 0) <= 0)
            _exit(1);
        send(fd, *answers, strlen(*answers), 0);
    }
    recv(fd, text, sizeof(text), 0); /* until it hangs up, or silence */
    _exit(0);
}

Test(control, tells_yes_no_and_nonsense_apart)
{
    static const char *const answers[] = {"+{\"a\":1}", "-no such thing",
                                          "what", NULL};
    const char *dir = test_directory();
    struct buf reply = BUF_INIT;
    struct error err;
    struct stat st;
    char path[512];
    int listening = control_listen(dir, &err), fd;

    cr_assert_geq(listening, 0, "%s", err.text);
    snprintf(path, sizeof(path), "%s/%s", dir, CONTROL_SOCKET);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    answer(listening, answers);
    fd = control_connect(dir, &err);
    cr_assert_geq(fd, 0, "%s", err.text);
    cr_assert_eq(control_call(fd, "x", 5000, &reply, &err), 0);
    cr_assert_str_eq(reply.data, "{\"a\":1}");
    cr_assert_eq(control_call(fd, "x", 5000, &reply, &err), -1);
    cr_assert_str_eq(err.text, "no such thing");
    cr_assert_eq(control_call(fd, "x", 5000, &reply, &err), -1);
    cr_assert_not_null(strstr(err.text, "malformed"));
    cr_assert_eq(control_call(fd, "x", 1, &reply, &err), -1);
    close(fd);
    close(listening);
    buf_fini(&reply);
}

Test(control, says_when_nobody_is_there)
{
    const char *dir = test_directory();
    struct error err;
    int listening;

    cr_assert_eq(control_connect(dir, &err), -1);
    cr_assert_eq(err.code, -ENOENT);
    listening = control_listen(dir, &err);
    cr_assert_geq(listening, 0);
    cr_assert_eq(control_listen(dir, &err), -1, "a second gateway");
    cr_assert_not_null(strstr(err.text, "another gateway"));
    close(listening);
    cr_assert_eq(control_connect(dir, &err), -1);
    cr_assert_eq(err.code, -ECONNREFUSED);
    listening = control_listen(dir, &err);
    cr_assert_geq(listening, 0, "a stale socket is replaced: %s", err.text);
    close(listening);
}
