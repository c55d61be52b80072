/*
 * Keep-alive requests per second and CPU time of one: an endpoint with a
 * handler that does nothing beside libmicrohttpd alone that answers the same,
 * in the same kind of loop.  What lies between them is the admission, and the
 * request that a handler sees.
 *
 *     bench_http [REQUESTS [ROUNDS [CONNECTIONS]]]
 *
 * A server is a process of its own; rounds take turns; medians are shown.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/http/http.h"

#define CONNECTIONS_MAX 1024
#define ROUNDS_MAX      51
#define BODY            "hello\n"

static void
die(const char *what)
{
    fprintf(stderr, "bench_http: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void
epoll_add(int epoll_fd, int fd, uint32_t tag)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = tag};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
        die("epoll_ctl");
}

/* -- servers: each runs until stop_fd is closed at the other end ---------- */

enum { TAG_STOP, TAG_LISTEN, TAG_WORK };

static void
handle_begin(void *arg, struct http_request *r)
{
    (void)arg, (void)r;
}

static void
handle_complete(void *arg, struct http_request *r)
{
    static const struct http_response response = {.status = 200,
                                                  .body = SPAN(BODY)};

    (void)arg;
    http_respond(r, &response);
}

static void
handle_finished(void *arg, struct http_request *r, int status, uint64_t bytes,
                bool completed)
{
    (void)arg, (void)r, (void)status, (void)bytes, (void)completed;
}

static void
serve_endpoint(int listen_fd, int stop_fd)
{
    const struct http_endpoint_options options = {
        .name = "bench",
        .listen_fd = listen_fd,
        .connections_max = CONNECTIONS_MAX,
        .connections_per_address_max = CONNECTIONS_MAX,
        .idle_timeout_s = 60,
        .header_max = 32768,
        .body_max = 65536,
    };
    const struct http_handlers handlers = {NULL, handle_begin, handle_complete,
                                           handle_finished, NULL};
    int epoll_fd = epoll_create1(0);
    struct http_endpoint *ep;
    struct error err;

    if (http_endpoint_new(&options, &handlers, &ep, &err) < 0)
        die(err.text);
    epoll_add(epoll_fd, stop_fd, TAG_STOP);
    epoll_add(epoll_fd, listen_fd, TAG_LISTEN);
    epoll_add(epoll_fd, http_endpoint_epoll_fd(ep), TAG_WORK);
    for (;;) {
        struct epoll_event e[8];
        int ms = http_endpoint_timeout_ms(ep);
        int count = epoll_wait(epoll_fd, e, 8, ms);

        for (int i = 0; i < count; i++) {
            if (e[i].data.u32 == TAG_STOP)
                goto out;
            if (e[i].data.u32 == TAG_LISTEN)
                http_endpoint_accept(ep);
        }
        http_endpoint_run(ep);
    }
out:
    http_endpoint_free(ep);
    close(epoll_fd);
}

static enum MHD_Result
bare_handler(void *arg, struct MHD_Connection *c, const char *url,
             const char *method, const char *version, const char *data,
             size_t *size, void **context)
{
    struct MHD_Response *response;
    enum MHD_Result result;

    (void)arg, (void)url, (void)method, (void)version, (void)data, (void)size;
    if (*context == NULL) {
        *context = c;
        return MHD_YES;
    }
    response = MHD_create_response_from_buffer(sizeof(BODY) - 1, (void *)BODY,
                                               MHD_RESPMEM_MUST_COPY);
    result = MHD_queue_response(c, 200, response);
    MHD_destroy_response(response);
    return result;
}

static void
serve_bare(int listen_fd, int stop_fd)
{
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, bare_handler, NULL,
        MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, 60u,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768, MHD_OPTION_END);
    int epoll_fd = epoll_create1(0);

    if (daemon == NULL)
        die("MHD_start_daemon");
    epoll_add(epoll_fd, stop_fd, TAG_STOP);
    epoll_add(epoll_fd,
              MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
              TAG_WORK);
    for (;;) {
        MHD_UNSIGNED_LONG_LONG ms;
        struct epoll_event e[8];
        bool timed = MHD_get_timeout(daemon, &ms) == MHD_YES;
        int count = epoll_wait(epoll_fd, e, 8, timed ? (int)ms : -1);

        for (int i = 0; i < count; i++) {
            if (e[i].data.u32 == TAG_STOP)
                goto out;
        }
        MHD_run(daemon);
    }
out:
    MHD_stop_daemon(daemon);
    close(epoll_fd);
}

/* -- the client ----------------------------------------------------------- */

static const char request[] = "GET /cim/root/cimv2 HTTP/1.1\r\n"
                              "Host: gw.example.com:8443\r\n"
                              "User-Agent: bench/1.0\r\n"
                              "Accept: application/json\r\n\r\n";

static void
ask(int fd)
{
    if (send(fd, request, sizeof(request) - 1, 0) !=
        (ssize_t)(sizeof(request) - 1))
        die("send");
}

/* One whole answer has come: small ones come in one piece. */
static void
take_answer(int fd)
{
    char answer[1024];
    ssize_t got = recv(fd, answer, sizeof(answer), 0);
    size_t end = sizeof(BODY) - 1;

    if (got < (ssize_t)end || memcmp(answer, "HTTP/1.1 200", 12) != 0 ||
        memcmp(answer + (size_t)got - end, BODY, end) != 0)
        die("answer");
}

static void
run_client(const struct sockaddr_in *to, unsigned requests,
           unsigned connections)
{
    int fds[CONNECTIONS_MAX];
    int epoll_fd = epoll_create1(0);
    unsigned asked = 0, answered = 0;

    for (unsigned i = 0; i < connections; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fds[i], (const void *)to, sizeof(*to)) < 0)
            die("connect");
        epoll_add(epoll_fd, fds[i], i);
        ask(fds[i]);
        asked++;
    }
    while (answered < asked) {
        struct epoll_event e[64];
        int count = epoll_wait(epoll_fd, e, 64, 10000);

        if (count <= 0)
            die("no answer");
        for (int i = 0; i < count; i++) {
            take_answer(fds[e[i].data.u32]);
            answered++;
            if (asked < requests) {
                ask(fds[e[i].data.u32]);
                asked++;
            }
        }
    }
    for (unsigned i = 0; i < connections; i++)
        close(fds[i]);
    close(epoll_fd);
}

/* -- rounds --------------------------------------------------------------- */

struct server {
    const char *name;
    void (*serve)(int listen_fd, int stop_fd);
    double rate[ROUNDS_MAX], cpu_us[ROUNDS_MAX];
};

static int
listen_anywhere(struct sockaddr_in *out)
{
    socklen_t length = sizeof(*out);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    *out = (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (bind(fd, (void *)out, length) < 0 || listen(fd, CONNECTIONS_MAX) < 0 ||
        getsockname(fd, (void *)out, &length) < 0)
        die("listen");
    return fd;
}

static void
run_round(struct server *s, unsigned round, unsigned requests,
          unsigned connections)
{
    struct sockaddr_in address;
    int listen_fd = listen_anywhere(&address);
    struct rusage usage;
    int64_t began, us;
    int stop[2], status;
    pid_t child;

    if (pipe(stop) < 0)
        die("pipe");
    child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        close(stop[1]);
        s->serve(listen_fd, stop[0]);
        _exit(0);
    }
    close(stop[0]);
    close(listen_fd);
    began = clock_now_us();
    run_client(&address, requests, connections);
    us = clock_now_us() - began;
    close(stop[1]);
    if (wait4(child, &status, 0, &usage) < 0 || status != 0)
        die("server");
    s->rate[round] = requests * 1e6 / (double)us;
    s->cpu_us[round] =
        ((double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)) /
        requests;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
median(double *values, unsigned count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

int
main(int argc, char **argv)
{
    struct server servers[] = {{.name = "libmicrohttpd", .serve = serve_bare},
                               {.name = "endpoint", .serve = serve_endpoint}};
    unsigned requests = argc > 1 ? (unsigned)atoi(argv[1]) : 100000;
    unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 5;
    unsigned connections = argc > 3 ? (unsigned)atoi(argv[3]) : 32;
    double rate[2], cpu_us[2];

    if (rounds < 1 || rounds > ROUNDS_MAX || connections < 1 ||
        connections > CONNECTIONS_MAX || requests < connections)
    {
        fprintf(stderr, "bench_http [REQUESTS [ROUNDS [CONNECTIONS]]]\n");
        return 2;
    }
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < ARRAY_COUNT(servers); i++)
            run_round(&servers[i], round, requests, connections);
    }
    for (size_t i = 0; i < ARRAY_COUNT(servers); i++) {
        rate[i] = median(servers[i].rate, rounds);
        cpu_us[i] = median(servers[i].cpu_us, rounds);
        printf("%-14s %8.0f requests/s  %6.2f CPU us/request\n",
               servers[i].name, rate[i], cpu_us[i]);
    }
    printf("%-14s %8.2f of the rate  %6.2f of the CPU time\n", "ratio",
           rate[1] / rate[0], cpu_us[1] / cpu_us[0]);
    return 0;
}
