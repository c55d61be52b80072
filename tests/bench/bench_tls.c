/*
 * TLS: keep-alive requests per second and CPU time of one, and the CPU time
 * of a connection with its handshake; an endpoint beside libmicrohttpd alone
 * and nginx (`return 200`), all with the same certificate (tls: RSA-2048, or
 * ecdsa: P-256) and TLS 1.3.
 *
 *     bench_tls [REQUESTS [HANDSHAKES [ROUNDS [tls|ecdsa]]]]
 *
 * Each server is one process on core 0, the client is on core 1; rounds take
 * turns; medians are shown.  Where the client is what keeps the rate low, CPU
 * time tells more.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/http/http.h"
#include "gateway/sys/sys.h"
#include "tests/bench/rig.h"
#include "tests/bench/tls_client.h"

#define ROUNDS_MAX 51

static char dir[64];
static const char *kind = "tls";
static struct buf certificate, key;

static void
core_take(int core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static void
epoll_add(int epoll_fd, int fd, uint32_t tag)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = tag};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
        rig_die("epoll_ctl");
}

/* -- servers: each runs until stop_fd is closed, or it is told to end ------ */

enum { TAG_STOP, TAG_LISTEN, TAG_WORK };

static void
handle_begin(void *arg, struct http_request *r)
{
    (void)arg, (void)r;
}

static void
handle_complete(void *arg, struct http_request *r)
{
    static const struct http_response response = {
        .status = 200, .body = SPAN(TLS_CLIENT_BODY)};

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
        .tls_certificate = certificate.data,
        .tls_key = key.data,
        .connections_max = 1024,
        .connections_per_address_max = 1024,
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
        rig_die(err.text);
    epoll_add(epoll_fd, stop_fd, TAG_STOP);
    epoll_add(epoll_fd, listen_fd, TAG_LISTEN);
    epoll_add(epoll_fd, http_endpoint_epoll_fd(ep), TAG_WORK);
    for (;;) {
        struct epoll_event e[8];
        int count = epoll_wait(epoll_fd, e, 8, http_endpoint_timeout_ms(ep));

        for (int i = 0; i < count; i++) {
            if (e[i].data.u32 == TAG_STOP)
                return;
            if (e[i].data.u32 == TAG_LISTEN)
                http_endpoint_accept(ep);
        }
        http_endpoint_run(ep);
    }
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
    response = MHD_create_response_from_buffer(sizeof(TLS_CLIENT_BODY) - 1,
                                               (void *)TLS_CLIENT_BODY,
                                               MHD_RESPMEM_MUST_COPY);
    result = MHD_queue_response(c, 200, response);
    MHD_destroy_response(response);
    return result;
}

static void
serve_bare(int listen_fd, int stop_fd)
{
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_TLS, 0, NULL, NULL, bare_handler, NULL,
        MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT,
        1024u, MHD_OPTION_CONNECTION_TIMEOUT, 60u,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768,
        MHD_OPTION_HTTPS_MEM_CERT, certificate.data, MHD_OPTION_HTTPS_MEM_KEY,
        key.data, MHD_OPTION_HTTPS_PRIORITIES, "NORMAL:-VERS-ALL:+VERS-TLS1.3",
        MHD_OPTION_END);
    int epoll_fd = epoll_create1(0);

    if (daemon == NULL)
        rig_die("MHD_start_daemon");
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
                return;
        }
        MHD_run(daemon);
    }
}

static void
nginx_configure(int port)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/nginx.conf", dir);
    f = fopen(path, "w");
    if (f == NULL)
        rig_die(path);
    fprintf(f,
            "daemon off; worker_processes 1; pid %s/pid;\n"
            "events { worker_connections 1024; }\n"
            "http { access_log off; keepalive_requests 100000000;\n"
            " client_body_temp_path %s/a; proxy_temp_path %s/b;\n"
            " fastcgi_temp_path %s/c; uwsgi_temp_path %s/d;\n"
            " scgi_temp_path %s/e;\n"
            " server { listen 127.0.0.1:%d ssl; ssl_protocols TLSv1.3;\n"
            "  ssl_session_tickets off;\n"
            "  ssl_certificate %s/%s.crt; ssl_certificate_key %s/%s.key;\n"
            "  location / { return 200 \"hello\\n\"; } } }\n",
            dir, dir, dir, dir, dir, dir, port, dir, kind, dir, kind);
    fclose(f);
}

/* It binds the port by itself (nginx_configure). */
static void
serve_nginx(int listen_fd, int stop_fd)
{
    char conf[128], log[128];

    (void)listen_fd, (void)stop_fd;
    snprintf(conf, sizeof(conf), "%s/nginx.conf", dir);
    snprintf(log, sizeof(log), "%s/log", dir);
    setenv("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin", 1);
    execlp("nginx", "nginx", "-c", conf, "-p", dir, "-e", log, (char *)NULL);
    _exit(127);
}

/* -- rounds ---------------------------------------------------------------- */

enum { KEEP_ALIVE, HANDSHAKES, WAYS };

struct server {
    const char *name;
    void (*serve)(int listen_fd, int stop_fd);
    double rate[WAYS][ROUNDS_MAX], cpu_us[WAYS][ROUNDS_MAX];
};

static int
listen_anywhere(struct sockaddr_in *out)
{
    socklen_t length = sizeof(*out);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    *out = (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (bind(fd, (void *)out, length) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (void *)out, &length) < 0)
        rig_die("listen");
    return fd;
}

/* Of a process that runs, and its only child if it has one. */
static double
cpu_us_of(pid_t pid)
{
    char path[64];
    unsigned long long ns = 0;
    int child = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
             (int)pid);
    f = fopen(path, "r");
    if (f != NULL && fscanf(f, "%d", &child) == 1)
        pid = child;
    if (f != NULL)
        fclose(f);
    snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
    f = fopen(path, "r");
    if (f == NULL || fscanf(f, "%llu", &ns) != 1)
        rig_die(path);
    fclose(f);
    return (double)ns / 1000;
}

/* Its rate and what it costs the server, without its beginning. */
static void
measure(struct server *s, int way, unsigned round, unsigned count,
        const struct sockaddr_in *address, pid_t pid)
{
    double cpu_us;
    int64_t began, us;

    tls_client_connections(address, 1);
    cpu_us = cpu_us_of(pid);
    began = clock_now_us();
    if (way == KEEP_ALIVE)
        tls_client_keep_alive(address, count);
    else
        tls_client_connections(address, count);
    us = clock_now_us() - began;
    s->rate[way][round] = count * 1e6 / (double)us;
    s->cpu_us[way][round] = (cpu_us_of(pid) - cpu_us) / count;
}

static void
run_round(struct server *s, int way, unsigned round, unsigned count)
{
    struct sockaddr_in address;
    int listen_fd = listen_anywhere(&address), stop[2], status;
    pid_t child;

    if (s->serve == serve_nginx) {
        close(listen_fd);
        nginx_configure(ntohs(address.sin_port));
        listen_fd = -1;
    }
    if (pipe2(stop, O_CLOEXEC) < 0)
        rig_die("pipe");
    child = fork();
    if (child < 0)
        rig_die("fork");
    if (child == 0) {
        close(stop[1]);
        core_take(0);
        s->serve(listen_fd, stop[0]);
        _exit(0);
    }
    close(stop[0]);
    if (listen_fd >= 0)
        close(listen_fd);
    measure(s, way, round, count, &address, child);
    close(stop[1]);
    if (s->serve == serve_nginx)
        kill(child, SIGTERM);
    if (waitpid(child, &status, 0) < 0 || status != 0)
        rig_die(s->name);
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

static void
show(struct server *servers, size_t count, unsigned rounds)
{
    for (int way = 0; way < WAYS; way++) {
        double rate = 0, cpu_us = 0;

        printf("%s\n", way == KEEP_ALIVE ? "requests on kept connections"
                                         : "connections, one after another");
        for (size_t i = 0; i < count; i++) {
            double r = median(servers[i].rate[way], rounds);
            double c = median(servers[i].cpu_us[way], rounds);

            if (i == 0) {
                rate = r;
                cpu_us = c;
            }
            printf("  %-14s %8.0f/s  %8.2f CPU us   ratios %5.2f %5.2f\n",
                   servers[i].name, r, c, r / rate, c / cpu_us);
        }
    }
}

static void
files_make(void)
{
    const char *source = getenv("NSGATE_SRCDIR");
    char text[512];
    struct error err;

    snprintf(dir, sizeof(dir), "/tmp/nsgate-bench.XXXXXX");
    if (mkdtemp(dir) == NULL)
        rig_die("mkdtemp");
    snprintf(text, sizeof(text), "sh %s/tests/realm/tls.sh %s >/dev/null",
             source != NULL ? source : ".", dir);
    if (system(text) != 0)
        rig_die("tls.sh");
    snprintf(text, sizeof(text), "%s/%s.crt", dir, kind);
    if (file_read(text, 65536, &certificate, &err) < 0)
        rig_die(err.text);
    snprintf(text, sizeof(text), "%s/%s.key", dir, kind);
    if (file_read(text, 65536, &key, &err) < 0)
        rig_die(err.text);
}

int
main(int argc, char **argv)
{
    struct server servers[] = {{.name = "libmicrohttpd", .serve = serve_bare},
                               {.name = "endpoint", .serve = serve_endpoint},
                               {.name = "nginx", .serve = serve_nginx}};
    unsigned requests = argc > 1 ? (unsigned)atoi(argv[1]) : 50000;
    unsigned connections = argc > 2 ? (unsigned)atoi(argv[2]) : 500;
    unsigned rounds = argc > 3 ? (unsigned)atoi(argv[3]) : 5;
    char text[128];

    if (argc > 4)
        kind = argv[4];
    if (rounds < 1 || rounds > ROUNDS_MAX ||
        requests < TLS_CLIENT_CONNECTIONS || connections < 1)
    {
        fprintf(stderr,
                "bench_tls [REQUESTS [HANDSHAKES [ROUNDS [tls|ecdsa]]]]\n");
        return 2;
    }
    files_make();
    tls_client_init();
    core_take(1);
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < ARRAY_COUNT(servers); i++) {
            run_round(&servers[i], KEEP_ALIVE, round, requests);
            run_round(&servers[i], HANDSHAKES, round, connections);
        }
    }
    show(servers, ARRAY_COUNT(servers), rounds);
    snprintf(text, sizeof(text), "rm -rf %s", dir);
    return system(text) != 0;
}
