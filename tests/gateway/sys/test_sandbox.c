/* What a process that was taken over can still do: each in a child of its
 * own, since there is no way out again. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/sys/sys.h"
#include "tests/support/support.h"

SUITE(sandbox);

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

/* 0: refused with EPERM; 1: allowed; 2: refused otherwise. */
static int
refused(long result)
{
    if (result >= 0)
        return 1;
    return errno == EPERM ? 0 : 2;
}

static int
in_child(int (*enter)(struct error *err), int (*attempt)(int fd), int fd)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(enter(NULL) < 0 ? 99 : attempt(fd));
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int
signal_brother(int fd)
{
    (void)fd;
    return refused(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int
signal_itself(int fd)
{
    (void)fd;
    return refused(syscall(SYS_tgkill, getpid(), getpid(), 0));
}

static int
shorten(int fd)
{
    return refused(ftruncate(fd, 0));
}

static int
punch(int fd)
{
    return refused(
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1));
}

static int
socket_inet(int fd)
{
    (void)fd;
    return refused(socket(AF_INET, SOCK_STREAM, 0));
}

static int
connect_by_sending(int fd)
{
    return refused(sendto(fd, "x", 1, MSG_FASTOPEN, NULL, 0));
}

static int
connect_by_message(int fd)
{
    const struct msghdr m = {0};

    return refused(sendmsg(fd, &m, MSG_FASTOPEN));
}

static int
call_connect(int fd)
{
    const struct sockaddr a = {.sa_family = AF_INET};

    return refused(connect(fd, &a, sizeof(a)));
}

Test(sandbox, a_worker_reaches_nobody_and_shortens_nothing)
{
    static int (*const attempts[])(int fd) = {signal_brother,
                                              shorten,
                                              punch,
                                              socket_inet,
                                              connect_by_sending,
                                              connect_by_message,
                                              call_connect};
    const char *directory = test_directory();
    char path[512];
    int file, inet;

#ifdef SANITIZED
    cr_skip_test("no filter in a build with sanitizers");
#endif
    snprintf(path, sizeof(path), "%s/log", directory);
    file = open(path, O_RDWR | O_CREAT, 0600);
    inet = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(file >= 0 && inet >= 0);
    for (size_t i = 0; i < ARRAY_COUNT(attempts); i++) {
        bool on_file = attempts[i] == shorten || attempts[i] == punch;

        cr_assert_eq(
            in_child(sandbox_worker, attempts[i], on_file ? file : inet), 0,
            "attempt %zu", i);
    }
    cr_assert_eq(in_child(sandbox_worker, signal_itself, -1), 1);
    close(file);
    close(inet);
}

Test(sandbox, a_store_has_no_network)
{
#ifdef SANITIZED
    cr_skip_test("no filter in a build with sanitizers");
#endif
    cr_assert_eq(in_child(sandbox_store, socket_inet, -1), 0);
    cr_assert_eq(in_child(sandbox_store, signal_brother, -1), 0);
}

Test(sandbox, a_courier_connects_and_writes_no_file)
{
    int inet = socket(AF_INET, SOCK_STREAM, 0);

#ifdef SANITIZED
    cr_skip_test("no filter in a build with sanitizers");
#endif
    cr_assert_eq(in_child(sandbox_courier, socket_inet, -1), 1);
    cr_assert_eq(in_child(sandbox_courier, shorten, inet), 0);
    cr_assert_eq(in_child(sandbox_courier, signal_brother, -1), 0);
    close(inet);
}

static int
make_memory_file(int fd)
{
    (void)fd;
    return memory_file_new("x", "x", 1, NULL) >= 0 ? 1 : 0;
}

Test(sandbox, a_clerk_connects_and_writes_to_memory_alone)
{
    int inet = socket(AF_INET, SOCK_STREAM, 0);

#ifdef SANITIZED
    cr_skip_test("no filter in a build with sanitizers");
#endif
    cr_assert_eq(in_child(sandbox_clerk, socket_inet, -1), 1);
    cr_assert_eq(in_child(sandbox_clerk, make_memory_file, -1), 1);
    cr_assert_eq(in_child(sandbox_clerk, shorten, inet), 0);
    cr_assert_eq(in_child(sandbox_clerk, signal_brother, -1), 0);
    close(inet);
}
