/*
 * Keeps CONNECTIONS connections to 127.0.0.1:PORT busy, one request on each
 * at a time, until COUNT of them have been answered with STATUS.
 *
 *     load PORT PATH STATUS CONNECTIONS COUNT [CCACHE|- [LINES]]
 *
 * With CCACHE every request has a token of its own, made before the clock
 * starts.  LINES are header lines for each, with their ends.  Prints, as JSON, the seconds and the latency of one request.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/rig.h"

#define ANSWER_MAX  16384
#define REQUEST_MAX 65536
#define WAIT_MS     10000

struct client {
    int fd;
    double asked; /* when */
    size_t length;
    char answer[ANSWER_MAX + 1];
};

struct load {
    const char *path, *status, *lines;
    char **tokens; /* NULL: none */
    size_t asked, answered, count;
    double *latency;
};

static void
client_ask(struct client *c, struct load *load)
{
    static char request[REQUEST_MAX];
    const char *token = load->tokens ? load->tokens[load->asked] : NULL;
    int length = snprintf(request, sizeof(request),
                          "GET %s HTTP/1.1\r\nHost: localhost\r\n"
                          "User-Agent: bench/1.0\r\nAccept: */*\r\n"
                          "%s%s%s%s\r\n",
                          load->path, load->lines,
                          token ? "Authorization: Negotiate " : "",
                          token ? token : "", token ? "\r\n" : "");

    if (length >= REQUEST_MAX)
        rig_die("request");
    load->asked++;
    c->length = 0;
    c->asked = rig_now();
    if (send(c->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        rig_die("send");
}

/* Whether the answer is whole; all of ours tell their length. */
static int
client_take(struct client *c, const struct load *load)
{
    ssize_t got =
        recv(c->fd, c->answer + c->length, ANSWER_MAX - c->length, 0);
    const char *end, *length;

    if (got <= 0)
        rig_die("the connection ended");
    c->length += (size_t)got;
    c->answer[c->length] = '\0';
    end = strstr(c->answer, "\r\n\r\n");
    if (end == NULL)
        return 0;
    length = strcasestr(c->answer, "\r\nContent-Length:");
    if (strncmp(c->answer + 9, load->status, 3) != 0 || length == NULL ||
        length > end)
    {
        fprintf(stderr, "%s\n", c->answer);
        rig_die("answer");
    }
    return c->length >=
           (size_t)(end + 4 - c->answer) + strtoul(length + 17, NULL, 10);
}

static void
client_open(struct client *c, uint16_t port, int epoll_fd)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    const int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e) < 0)
        rig_die("connect");
}

/* Returns the seconds. */
static double
run(struct load *load, struct client *clients, size_t connections,
    int epoll_fd)
{
    double began = rig_now();

    for (size_t i = 0; i < connections && load->asked < load->count; i++)
        client_ask(&clients[i], load);
    while (load->answered < load->count) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll_fd, events, 64, WAIT_MS);

        if (n <= 0)
            rig_die("no answer");
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;

            if (!client_take(c, load))
                continue;
            load->latency[load->answered++] = rig_now() - c->asked;
            if (load->asked < load->count)
                client_ask(c, load);
        }
    }
    return rig_now() - began;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
    struct load load = {0};
    struct client *clients;
    size_t connections;
    int epoll_fd = epoll_create1(0);
    double seconds;

    if (argc < 6) {
        fprintf(stderr, "load PORT PATH STATUS CONNECTIONS COUNT"
                        " [CCACHE|- [LINES]]\n");
        return 2;
    }
    load.path = argv[2];
    load.status = argv[3];
    connections = rig_number(argv[4]);
    load.count = rig_number(argv[5]);
    load.tokens = argc > 6 && strcmp(argv[6], "-") != 0
                      ? rig_tokens(argv[6], load.count)
                      : NULL;
    load.lines = argc > 7 ? argv[7] : "";
    load.latency = calloc(load.count, sizeof(double));
    clients = calloc(connections, sizeof(*clients));
    if (epoll_fd < 0 || load.latency == NULL || clients == NULL)
        rig_die("load");
    for (size_t i = 0; i < connections; i++)
        client_open(&clients[i], (uint16_t)rig_number(argv[1]), epoll_fd);
    seconds = run(&load, clients, connections, epoll_fd);
    qsort(load.latency, load.count, sizeof(double), compare);
    printf("{\"seconds\": %f, \"p50_us\": %.0f, \"p99_us\": %.0f}\n", seconds,
           load.latency[load.count / 2] * 1e6,
           load.latency[load.count * 99 / 100] * 1e6);
    for (size_t i = 0; i < connections; i++)
        close(clients[i].fd);
    free(clients);
    free(load.latency);
    close(epoll_fd);
    return 0;
}
