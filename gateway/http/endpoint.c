#include "gateway/http/endpoint.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/http/peer.h"
#include "gateway/http/request.h"

#define ACCEPTS_PER_CALL 16
#define EVENTS_PER_CALL  64
#define LINGER_MS        2000
#define REST_MS          1000

/* -- the library's daemon ------------------------------------------------- */

/* The library decodes the target for the handler; we use the raw one. */
static size_t
leave_escaped(void *arg, struct MHD_Connection *mhd, char *text)
{
    (void)arg, (void)mhd;
    return strlen(text);
}

static void library_says(void *arg, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void
library_says(void *arg, const char *format, va_list args)
{
    struct http_endpoint *ep = arg;

    if (ep->mhd == NULL) {
        vsnprintf(ep->complaint, sizeof(ep->complaint), format, args);
        ep->complaint[strcspn(ep->complaint, "\n")] = '\0';
    } else if (strstr(format, "Content-Length' header") != NULL) {
        refusal_of_lengths(ep);
    } else if (strstr(format, "to parse cookies") != NULL) {
        refusal_of_cookies(ep);
    } else if (strstr(format, "HTTP response code is %u") != NULL) {
        ep->said_status = va_arg(args, unsigned);
    }
}

static int
daemon_start(struct http_endpoint *ep, const struct http_endpoint_options *o,
             struct error *err)
{
    const char *priorities =
        o->tls_priorities != NULL ? o->tls_priorities : tls_priorities_default;
    bool tls = ep->certificate != NULL;
    /* Each session gets its own certificate (connection_notify), so that the
     * library holds none that would outlive a change. */
    const struct MHD_OptionItem tls_options[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, tls_refuse_callback()},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)priorities},
        {MHD_OPTION_TLS_NO_ALPN, 1, NULL}, /* tls_session_prepare's */
        {MHD_OPTION_END, 0, NULL},
    };
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    const union MHD_DaemonInfo *info;

    /* In TURBO it closes without a shutdown before: then there is still time
     * for an answer where it gives none (connection_notify). */
    ep->mhd = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
            MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : MHD_USE_TURBO),
        0, NULL, NULL, request_handle, ep, MHD_OPTION_EXTERNAL_LOGGER,
        library_says, ep, MHD_OPTION_URI_LOG_CALLBACK, request_line, ep,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, request_completed, ep,
        MHD_OPTION_NOTIFY_CONNECTION, connection_notify, ep,
        /* Who is ENDING is still counted there, but no more by us; and time
         * is ours, too. */
        MHD_OPTION_CONNECTION_LIMIT, 2 * ep->options.connections_max + 64,
        MHD_OPTION_CONNECTION_TIMEOUT, 0, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        ep->options.header_max, MHD_OPTION_ARRAY, tls ? tls_options : none,
        MHD_OPTION_END);
    if (ep->mhd == NULL)
        return error_set(err, "%s: %s", ep->name,
                         ep->complaint[0] != '\0'
                             ? ep->complaint
                             : "the HTTP library does not start");
    info = MHD_get_daemon_info(ep->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    ep->mhd_fd = info->epoll_fd;
    return 0;
}

static int
epoll_open(struct http_endpoint *ep, struct error *err)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};

    ep->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (ep->epoll_fd < 0 ||
        epoll_ctl(ep->epoll_fd, EPOLL_CTL_ADD, ep->mhd_fd, &e) < 0)
        return error_set_errno(err, errno, "epoll");
    return 0;
}

/* -- life ----------------------------------------------------------------- */

static void
times_set(struct http_endpoint *ep, const struct http_endpoint_options *o)
{
    uint64_t idle_ms = (uint64_t)o->idle_timeout_s * 1000;
    uint64_t rest_ms = idle_ms > 2 * (uint64_t)REST_MS ? REST_MS : idle_ms / 2;
    const struct {
        enum connection_state state;
        unsigned seconds;
    } rows[] = {
        {CONNECTION_WAITING, o->first_byte_timeout_s},
        {CONNECTION_HEAD, o->header_timeout_s},
        {CONNECTION_BODY, o->body_timeout_s},
        {CONNECTION_SENDING, o->write_timeout_s},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        ep->allowed_ms[rows[i].state] =
            rows[i].seconds != 0 ? (uint64_t)rows[i].seconds * 1000 : idle_ms;
    ep->allowed_ms[CONNECTION_RESTING] = rest_ms;
    ep->allowed_ms[CONNECTION_IDLE] = idle_ms - rest_ms;
    ep->allowed_ms[CONNECTION_LINGERING] = LINGER_MS;
}

static void
options_copy(struct http_endpoint *ep, const struct http_endpoint_options *o)
{
    ep->options = *o;
    ep->options.name = NULL;
    ep->options.tls_certificate = NULL;
    ep->options.tls_key = NULL;
    ep->options.tls_priorities = NULL;
    if (ep->options.connections_max == 0)
        ep->options.connections_max = 1024;
    if (ep->options.header_max < 1024)
        ep->options.header_max = (size_t)32 * 1024;
    times_set(ep, o);
}

int
http_endpoint_new(const struct http_endpoint_options *options,
                  const struct http_handlers *handlers,
                  struct http_endpoint **out, struct error *err)
{
    struct http_endpoint *ep = calloc(1, sizeof(*ep));

    *out = NULL;
    if (ep == NULL)
        return error_set_errno(err, ENOMEM, "HTTP endpoint");
    for (int s = 0; s < CONNECTION_STATES; s++)
        TAILQ_INIT(&ep->lists[s]);
    ep->epoll_fd = ep->diag_fd = -1;
    ep->handlers = *handlers;
    options_copy(ep, options);
    ep->name = strdup(options->name != NULL ? options->name : "");
    ep->addresses = strmap_new();
    if (options->need_peer_uid)
        ep->diag_fd = peer_diag_open();
    if (ep->name == NULL || ep->addresses == NULL) {
        error_set_errno(err, ENOMEM, "HTTP endpoint");
        goto fail;
    }
    if (options->tls_certificate != NULL && options->tls_key != NULL &&
        http_endpoint_set_certificate(ep, options->tls_certificate,
                                      options->tls_key, err) < 0)
    {
        error_prefix(err, "%s", ep->name);
        goto fail;
    }
    if (daemon_start(ep, options, err) < 0 || epoll_open(ep, err) < 0)
        goto fail;
    *out = ep;
    return 0;

fail:
    http_endpoint_free(ep);
    return -1;
}

int
http_endpoint_set_certificate(struct http_endpoint *ep,
                              const char *certificate, const char *key,
                              struct error *err)
{
    struct tls_certificate *t;

    if (tls_certificate_new(certificate, key, &t, err) < 0)
        return -1;
    tls_certificate_unref(ep->certificate);
    ep->certificate = t;
    return 0;
}

static void
free_list(struct http_endpoint *ep, enum connection_state state)
{
    struct connection *c;

    while ((c = TAILQ_FIRST(&ep->lists[state])) != NULL)
        connection_free(c);
}

void
http_endpoint_free(struct http_endpoint *ep)
{
    struct connection *c;

    if (ep == NULL)
        return;
    ep->stopping = true;
    /* The library does not stop over a suspended connection. */
    TAILQ_FOREACH(c, &ep->lists[CONNECTION_ANSWERING], link)
    {
        if (c->request != NULL)
            request_abort(c->request);
    }
    if (ep->mhd != NULL)
        MHD_stop_daemon(ep->mhd);
    free_list(ep, CONNECTION_WAITING);
    free_list(ep, CONNECTION_LINGERING);
    if (ep->epoll_fd >= 0)
        close(ep->epoll_fd);
    if (ep->diag_fd >= 0)
        close(ep->diag_fd);
    strmap_free(ep->addresses);
    tls_certificate_unref(ep->certificate);
    free(ep->name);
    free(ep);
}

/* -- the loop's side ------------------------------------------------------ */

int
http_endpoint_listen_fd(const struct http_endpoint *ep)
{
    return ep->options.listen_fd;
}

int
http_endpoint_epoll_fd(const struct http_endpoint *ep)
{
    return ep->epoll_fd;
}

void
http_endpoint_accept(struct http_endpoint *ep)
{
    for (int i = 0; i < ACCEPTS_PER_CALL && http_endpoint_has_room(ep); i++) {
        struct sockaddr_storage address = {0};
        socklen_t length = sizeof(address);
        int fd = accept4(ep->options.listen_fd, (struct sockaddr *)&address,
                         &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            connection_open(ep, fd, &address);
        } else if (errno == EMFILE || errno == ENFILE) {
            /* The descriptor of one that the library has to close is free
             * after its next turn. */
            if (!room_make(ep, NULL))
                ep->starved_ms = clock_monotonic_ms() + ROOM_LOOK_MS;
            if (ep->wake)
                return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

void
http_endpoint_run(struct http_endpoint *ep)
{
    struct epoll_event events[EVENTS_PER_CALL];
    int count = epoll_wait(ep->epoll_fd, events, EVENTS_PER_CALL, 0);

    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr != NULL)
            connection_ready(events[i].data.ptr, events[i].events);
    }
    ep->wake = false;
    MHD_run(ep->mhd);
    connection_expire(ep);
}

int
http_endpoint_timeout_ms(const struct http_endpoint *ep)
{
    MHD_UNSIGNED_LONG_LONG library_ms;
    int ms;

    if (ep->wake)
        return 0;
    ms = connection_next_ms(ep);
    if (MHD_get_timeout(ep->mhd, &library_ms) == MHD_YES &&
        (ms < 0 || library_ms < (unsigned)ms))
        ms = library_ms < 3600000 ? (int)library_ms : 3600000;
    return ms;
}

void
http_endpoint_drain(struct http_endpoint *ep)
{
    static const enum connection_state idle[] = {
        CONNECTION_HEAD, CONNECTION_RESTING, CONNECTION_IDLE};
    struct connection *c;

    ep->draining = true;
    free_list(ep, CONNECTION_WAITING);
    /* The end of what they send, as the library sees it: it closes them. */
    for (size_t i = 0; i < ARRAY_COUNT(idle); i++) {
        TAILQ_FOREACH(c, &ep->lists[idle[i]], link)
        {
            if (c->request == NULL)
                shutdown(c->fd, SHUT_RD);
        }
    }
}

unsigned
http_endpoint_connections(const struct http_endpoint *ep)
{
    return ep->connections;
}

const char *
http_endpoint_name(const struct http_endpoint *ep)
{
    return ep->name;
}

void
http_endpoint_set_context(struct http_endpoint *ep, void *context)
{
    ep->context = context;
}

void *
http_endpoint_context(const struct http_endpoint *ep)
{
    return ep->context;
}
