#include "gateway/sys/sys.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

/* What libc, the loop and the libraries need to go on serving. */
static const int common_calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(close),
    SCMP_SYS(stat),
    SCMP_SYS(fstat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(lseek),
    SCMP_SYS(fcntl),
    SCMP_SYS(flock),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(fadvise64),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(mprotect),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(shutdown),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(futex),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getresuid),
    SCMP_SYS(getresgid),
    SCMP_SYS(getcwd),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(prlimit64),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(dup),
    SCMP_SYS(umask),
    SCMP_SYS(getrusage),
};

/* Connections, and the replay cache's files.  No file is made shorter: the
 * access log is open for writing. */
static const int worker_calls[] = {
    SCMP_SYS(accept4),     SCMP_SYS(accept),     SCMP_SYS(getsockname),
    SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
    SCMP_SYS(bind),        SCMP_SYS(ioctl),      SCMP_SYS(sendfile),
    SCMP_SYS(fchmod),      SCMP_SYS(chmod),
};

/* Connections to upstreams, as well. */
static const int forwarding_calls[] = {SCMP_SYS(connect),
                                       SCMP_SYS(socketpair)};

/* Connections to sinks, KDCs and name servers; nothing is written. */
static const int courier_calls[] = {
    SCMP_SYS(connect),     SCMP_SYS(bind),        SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),  SCMP_SYS(getsockname), SCMP_SYS(sendmmsg),
    SCMP_SYS(getpeername), SCMP_SYS(recvmmsg),    SCMP_SYS(socketpair),
    SCMP_SYS(ioctl),
};

/* Connections to KDCs and name servers, and memory files for what they say. */
static const int clerk_calls[] = {SCMP_SYS(memfd_create), SCMP_SYS(fchmod)};

/* A store's files come and go: journal, image. */
static const int store_calls[] = {
    SCMP_SYS(unlink),    SCMP_SYS(unlinkat),  SCMP_SYS(rename),
    SCMP_SYS(renameat),  SCMP_SYS(renameat2), SCMP_SYS(fchmod),
    SCMP_SYS(fchown),    SCMP_SYS(chmod),     SCMP_SYS(fallocate),
    SCMP_SYS(msync),     SCMP_SYS(utimensat), SCMP_SYS(ioctl),
    SCMP_SYS(ftruncate),
};

static int
allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);

        if (result < 0)
            return result;
    }
    return 0;
}

/* Calls that are allowed in part. */
static int
allow_in_part(scmp_filter_ctx filter)
{
    /* Signals to itself only (abort), not to a brother. */
    const struct scmp_arg_cmp self = {
        .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)getpid()};
    /* With MSG_FASTOPEN sending is connecting. */
    const struct scmp_arg_cmp to = {
        .arg = 3, .op = SCMP_CMP_MASKED_EQ, .datum_a = MSG_FASTOPEN};
    const struct scmp_arg_cmp message = {
        .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = MSG_FASTOPEN};
    int result;

    result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill),
                                    1, &self);
    if (result == 0)
        result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
                                        SCMP_SYS(sendto), 1, &to);
    if (result == 0)
        result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
                                        SCMP_SYS(sendmsg), 1, &message);
    return result;
}

/* Sockets of these families only; 0 ends. */
static int
allow_sockets(scmp_filter_ctx filter, const int *families)
{
    int result = 0;

    for (; result == 0 && *families != 0; families++) {
        const struct scmp_arg_cmp family = {
            .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)*families};

        result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
                                        SCMP_SYS(socket), 1, &family);
    }
    return result;
}

static int
sandbox_enter(const int *extra, size_t extra_count, const int *families,
              struct error *err)
{
    scmp_filter_ctx filter;
    int result;

#ifdef SANITIZED
    (void)extra;
    (void)extra_count;
    (void)families;
    return 0;
#endif
    filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL)
        return error_set(err, "seccomp_init failed");
    result = allow(filter, common_calls, ARRAY_COUNT(common_calls));
    if (result == 0)
        result = allow(filter, extra, extra_count);
    if (result == 0)
        result = allow_in_part(filter);
    if (result == 0)
        result = allow_sockets(filter, families);
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS,
                                  SCMP_SYS(execve), 0);
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS,
                                  SCMP_SYS(execveat), 0);
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    return result < 0 ? error_set_errno(err, -result, "seccomp") : 0;
}

int
sandbox_worker(struct error *err)
{
    static const int families[] = {AF_UNIX, AF_NETLINK, 0};

    return sandbox_enter(worker_calls, ARRAY_COUNT(worker_calls), families,
                         err);
}

int
sandbox_forwarding_worker(struct error *err)
{
    static const int families[] = {AF_UNIX, AF_NETLINK, AF_INET, AF_INET6, 0};
    int calls[ARRAY_COUNT(worker_calls) + ARRAY_COUNT(forwarding_calls)];

    memcpy(calls, worker_calls, sizeof(worker_calls));
    memcpy(calls + ARRAY_COUNT(worker_calls), forwarding_calls,
           sizeof(forwarding_calls));
    return sandbox_enter(calls, ARRAY_COUNT(calls), families, err);
}

int
sandbox_store(struct error *err)
{
    static const int families[] = {0};

    return sandbox_enter(store_calls, ARRAY_COUNT(store_calls), families, err);
}

int
sandbox_courier(struct error *err)
{
    static const int families[] = {AF_UNIX, AF_NETLINK, AF_INET, AF_INET6, 0};

    return sandbox_enter(courier_calls, ARRAY_COUNT(courier_calls), families,
                         err);
}

int
sandbox_clerk(struct error *err)
{
    static const int families[] = {AF_UNIX, AF_NETLINK, AF_INET, AF_INET6, 0};
    int calls[ARRAY_COUNT(courier_calls) + ARRAY_COUNT(clerk_calls)];

    memcpy(calls, courier_calls, sizeof(courier_calls));
    memcpy(calls + ARRAY_COUNT(courier_calls), clerk_calls,
           sizeof(clerk_calls));
    return sandbox_enter(calls, ARRAY_COUNT(calls), families, err);
}
