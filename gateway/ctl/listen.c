#include "gateway/ctl/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/ctl/ctl.h"
#include "gateway/http/http.h"
#include "gateway/sys/sys.h"

#define PEM_BYTES_MAX    ((size_t)1024 * 1024)
#define KEYTAB_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define BODY_BYTES_MAX   ((size_t)64 * 1024 * 1024)
#define IDLE_TIMEOUT_S   60
#define CONNECTIONS_MAX  256
/* How long the last answer may take to leave. */
#define GOODBYE_MS      2000
#define GOODBYE_LOOK_MS 20

struct listener {
    struct listen_options options;
    struct listen_sink sink;
    struct loop *loop;
    struct http_endpoint *endpoint;
    int fd;
    char rcache[64]; /* a directory of our own; "": none */
    bool ending, timed_out;
    uint64_t gone_ms; /* when not to wait any longer */
};

/* -- socket --------------------------------------------------------------- */

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* An address is bound as it is, localhost is loopback, and any other name is
 * every address: what it means here is often not what it means elsewhere. */
static socklen_t
address_make(const struct client_url *url, union address *out)
{
    const char *host =
        strcasecmp(url->host, "localhost") == 0 ? "127.0.0.1" : url->host;

    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, host, &out->in.sin_addr) == 1) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons(url->port);
        return sizeof(out->in);
    }
    if (inet_pton(AF_INET6, host, &out->in6.sin6_addr) != 1)
        out->in6.sin6_addr = in6addr_any;
    out->in6.sin6_family = AF_INET6;
    out->in6.sin6_port = htons(url->port);
    return sizeof(out->in6);
}

static int
bind_to(union address *a, socklen_t length)
{
    const int on = 1, off = 0;
    int fd = socket(a->any.sa_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int errnum;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (a->any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, &a->any, length) == 0 && listen(fd, 64) == 0 &&
        getsockname(fd, &a->any, &length) == 0)
        return fd;
    errnum = errno;
    close(fd);
    errno = errnum;
    return -1;
}

static int
socket_open(struct listener *l, struct error *err)
{
    struct client_url *url = &l->options.url;
    union address a;
    socklen_t length = address_make(url, &a);

    l->fd = bind_to(&a, length);
    if (l->fd < 0 && errno == EAFNOSUPPORT && a.any.sa_family == AF_INET6 &&
        IN6_IS_ADDR_UNSPECIFIED(&a.in6.sin6_addr))
    {
        a = (union address){
            .in = {.sin_family = AF_INET, .sin_port = htons(url->port)}};
        l->fd = bind_to(&a, sizeof(a.in));
    }
    if (l->fd < 0)
        return error_set_errno(err, errno, "%s port %u", url->host, url->port);
    url->port =
        ntohs(a.any.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
    return 0;
}

/* -- what it needs -------------------------------------------------------- */

static int
rcache_make(struct listener *l, struct error *err)
{
    const char *base = getenv("TMPDIR");
    char path[sizeof(l->rcache)];

    if (base == NULL || base[0] != '/' ||
        (size_t)snprintf(path, sizeof(path), "%s/nsgatectl.XXXXXX", base) >=
            sizeof(path))
        snprintf(path, sizeof(path), "/tmp/nsgatectl.XXXXXX");
    if (mkdtemp(path) == NULL) /* 0700 */
        return error_set_errno(err, errno, "%s", path);
    memcpy(l->rcache, path, sizeof(path));
    return 0;
}

static void
rcache_remove(const struct listener *l)
{
    char file[sizeof(l->rcache) + 32];

    if (l->rcache[0] == '\0')
        return;
    snprintf(file, sizeof(file), "%s/nsgate.rcache2", l->rcache);
    unlink(file);
    rmdir(l->rcache);
}

static int
acceptor_open(struct listener *l, struct error *err)
{
    const char *const names[] = {l->options.name};
    struct acceptor_options options = {
        .names = names, .name_count = 1, .rcache_dir = l->rcache};
    int result;

    if (rcache_make(l, err) < 0)
        return -1;
    options.keytab_fd =
        memory_file_read(l->options.keytab, KEYTAB_BYTES_MAX, err);
    if (options.keytab_fd < 0)
        return -1;
    result = acceptor_new(&options, &l->sink.acceptor, err);
    close(options.keytab_fd);
    return result < 0 ? error_prefix(err, "%s", l->options.keytab) : 0;
}

static int
tls_load(const struct listen_options *o, struct buf *certificate,
         struct buf *key, struct error *err)
{
    if (!o->url.tls)
        return 0;
    if (file_read(o->certificate, PEM_BYTES_MAX, certificate, err) < 0 ||
        file_read(o->key, PEM_BYTES_MAX, key, err) < 0)
        return -1;
    if (http_tls_check(certificate->data, key->data, err) < 0)
        return error_prefix(err, "%s with %s", o->certificate, o->key);
    return 0;
}

static int
endpoint_open(struct listener *l, struct error *err)
{
    struct buf certificate = BUF_INIT, key = BUF_INIT;
    struct http_endpoint_options options = {
        .name = "sink",
        .listen_fd = l->fd,
        .connections_max = CONNECTIONS_MAX,
        .idle_timeout_s = IDLE_TIMEOUT_S,
        .header_max = LISTEN_HEAD_BYTES_MAX,
        .body_max = BODY_BYTES_MAX,
    };
    struct http_handlers handlers;
    int result = -1;

    if (tls_load(&l->options, &certificate, &key, err) < 0)
        goto out;
    options.tls_certificate = certificate.data;
    options.tls_key = key.data;
    listen_sink_handlers(&l->sink, &handlers);
    result = http_endpoint_new(&options, &handlers, &l->endpoint, err);
out:
    buf_fini(&certificate);
    secret_fini(&key);
    return result;
}

/* -- the loop ------------------------------------------------------------- */

static void
endpoint_accept(void *arg, uint32_t events)
{
    (void)events;
    http_endpoint_accept(arg);
}

static void
endpoint_run(void *arg, uint32_t events)
{
    (void)events;
    http_endpoint_run(arg);
}

static int
before_wait(void *arg)
{
    struct http_endpoint *ep = arg;
    int ms = http_endpoint_timeout_ms(ep);

    if (ms == 0) {
        http_endpoint_run(ep);
        ms = http_endpoint_timeout_ms(ep);
    }
    return ms;
}

static void
goodbye_due(void *arg)
{
    struct listener *l = arg;

    if (http_endpoint_connections(l->endpoint) == 0 ||
        clock_monotonic_ms() >= l->gone_ms)
        loop_stop(l->loop);
}

/* Answers that are on their way still leave. */
static void
listener_end(void *arg)
{
    struct listener *l = arg;

    if (l->ending)
        return;
    l->ending = true;
    l->gone_ms = clock_monotonic_ms() + GOODBYE_MS;
    loop_remove(l->loop, l->fd);
    http_endpoint_drain(l->endpoint);
    if (loop_every(l->loop, GOODBYE_LOOK_MS, goodbye_due, l) == NULL)
        loop_stop(l->loop);
}

static void
signal_caught(void *arg, int signal)
{
    if (signal != SIGPIPE)
        listener_end(arg);
}

static void
timeout_due(void *arg)
{
    struct listener *l = arg;

    l->timed_out = !l->ending;
    listener_end(l);
}

static int
loop_open(struct listener *l, struct error *err)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGPIPE, 0};

    l->loop = loop_new(err);
    if (l->loop == NULL ||
        loop_signals(l->loop, signals, signal_caught, l, err) < 0 ||
        loop_add(l->loop, l->fd, EPOLLIN, endpoint_accept, l->endpoint, err) <
            0 ||
        loop_add(l->loop, http_endpoint_epoll_fd(l->endpoint), EPOLLIN,
                 endpoint_run, l->endpoint, err) < 0)
        return -1;
    loop_before_wait(l->loop, before_wait, l->endpoint);
    if (l->options.timeout_s != 0 &&
        loop_every(l->loop, l->options.timeout_s * 1000, timeout_due, l) ==
            NULL)
        return error_set_errno(err, ENOMEM, "timers");
    return 0;
}

/* -- life ----------------------------------------------------------------- */

static int
listener_open(struct listener *l, struct error *err)
{
    l->sink.options = &l->options;
    l->sink.end = listener_end;
    l->sink.arg = l;
    l->sink.keys = listen_keys_new();
    if (l->sink.keys == NULL)
        return error_set_errno(err, ENOMEM, "keys");
    if (acceptor_open(l, err) < 0 || socket_open(l, err) < 0 ||
        endpoint_open(l, err) < 0)
        return -1;
    return loop_open(l, err);
}

static void
listener_close(struct listener *l)
{
    l->ending = true;
    http_endpoint_free(l->endpoint);
    if (l->fd >= 0)
        close(l->fd);
    loop_free(l->loop);
    acceptor_free(l->sink.acceptor);
    listen_keys_free(l->sink.keys);
    rcache_remove(l);
}

/* The line that a script waits for. */
static void
say_ready(const struct listener *l)
{
    const struct client_url *u = &l->options.url;
    bool brackets = strchr(u->host, ':') != NULL;

    fprintf(stderr, "listening on %s://%s%s%s:%u", u->tls ? "https" : "http",
            brackets ? "[" : "", u->host, brackets ? "]" : "", u->port);
    ctl_print_text(stderr, span_of(u->target), false);
    fputc('\n', stderr);
    fflush(stderr);
}

/* What was asked for came, or nothing was and somebody said stop. */
static int
listener_status(const struct listener *l)
{
    unsigned wanted = l->options.count;

    if (l->timed_out && wanted == 0)
        wanted = 1;
    if (l->sink.failed)
        return CTL_FAILED;
    return l->sink.statuses >= wanted ? CTL_OK : CTL_UNREACHABLE;
}

int
ctl_listen(const struct ctl *ctl, int argc, char **argv)
{
    struct listener l = {.fd = -1};
    struct error err = {0, ""};
    int status;

    (void)ctl;
    status = listen_options_parse(&l.options, argc, argv);
    if (status != 0)
        return status;
    if (listener_open(&l, &err) < 0) {
        status = ctl_fail("listen: %s", err.text);
        goto out;
    }
    say_ready(&l);
    if (loop_run(l.loop, &err) < 0)
        status = ctl_fail("listen: %s", err.text);
    else
        status = listener_status(&l);
out:
    listener_close(&l);
    return status;
}
