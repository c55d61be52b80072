/*
 * The library's connections in the caller's loop, each for as long as it is
 * open: one that waits for its next request is looked after as well.
 */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/proxy/transfer.h"

/* A descriptor of the library's. */
struct socket_watch {
    struct multi *multi;
    curl_socket_t fd;
    bool added; /* to the loop */
    bool idle;  /* kept for the next request */
};

/* -- those that wait for a request ---------------------------------------- */

/*
 * What comes when nobody has asked is no answer (RFC 9112 9.2), and must not
 * be that of the next request, who may be somebody else's: such a connection
 * is over, as is one that the server closed.  The library finds it so.
 */
static bool
end_if_not_silent(struct socket_watch *w)
{
    char byte;

    if (recv(w->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
        (errno == EAGAIN || errno == EINTR))
        return false;
    shutdown(w->fd, SHUT_RDWR);
    return true;
}

/* -- events ---------------------------------------------------------------- */

static void
socket_ready(void *arg, uint32_t events)
{
    struct socket_watch *w = arg;
    struct multi *m = w->multi;
    int mask = 0, running;

    if (w->idle) {
        if (end_if_not_silent(w)) {
            loop_remove(m->loop, w->fd);
            w->added = false;
        }
        return;
    }
    if (events & EPOLLIN)
        mask |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        mask |= CURL_CSELECT_OUT;
    if (events & (EPOLLERR | EPOLLHUP))
        mask |= CURL_CSELECT_ERR;
    m->inside++;
    curl_multi_socket_action(m->handle, w->fd, mask, &running);
    m->inside--;
    m->collect(m->arg);
}

static uint32_t
epoll_events(int what)
{
    return (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
           (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
}

static int
socket_watch(struct socket_watch *w, uint32_t events)
{
    struct loop *loop = w->multi->loop;

    if (w->added)
        return loop_change(loop, w->fd, events, NULL);
    w->added = loop_add(loop, w->fd, events, socket_ready, w, NULL) == 0;
    return w->added ? 0 : -1;
}

static void
socket_unwatch(struct socket_watch *w)
{
    if (w->added)
        loop_remove(w->multi->loop, w->fd);
    w->added = false;
}

/* The library wants nothing of it for the moment: a transfer that is held
 * up, or that has ended. */
static void
socket_rests(struct socket_watch *w, const struct proxy_transfer *t)
{
    w->idle = t == NULL || !(t->held || t->body_waits);
    if (!w->idle || end_if_not_silent(w))
        socket_unwatch(w);
    else
        socket_watch(w, EPOLLIN);
}

/* -- what the library calls ------------------------------------------------ */

/* Its place; NULL: no memory. */
static struct socket_watch **
find(struct multi *m, curl_socket_t fd)
{
    size_t wanted = ((size_t)fd | 63) + 1;
    struct socket_watch **more;

    if (wanted > m->socket_count) {
        more = realloc(m->sockets, wanted * sizeof(struct socket_watch *));
        if (more == NULL)
            return NULL;
        for (size_t i = m->socket_count; i < wanted; i++)
            more[i] = NULL;
        m->sockets = more;
        m->socket_count = wanted;
    }
    return &m->sockets[fd];
}

static struct socket_watch *
watch_new(struct multi *m, curl_socket_t fd)
{
    struct socket_watch *w = calloc(1, sizeof(*w));

    if (w != NULL)
        *w = (struct socket_watch){.multi = m, .fd = fd};
    return w;
}

static void
watch_free(struct socket_watch *w)
{
    socket_unwatch(w);
    w->multi->sockets[w->fd] = NULL;
    free(w);
}

int
socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct multi *m = arg;
    struct socket_watch **at = find(m, fd);
    struct proxy_transfer *t = NULL;

    (void)known;
    if (m->has_transfers)
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
    if (t != NULL)
        t->seen = true;
    if (at == NULL)
        return -1;
    if (what == CURL_POLL_REMOVE) {
        if (*at != NULL)
            socket_rests(*at, t);
        return 0;
    }
    if (*at == NULL && (*at = watch_new(m, fd)) == NULL)
        return -1;
    (*at)->idle = false;
    return socket_watch(*at, epoll_events(what));
}

/* Looked after from the beginning: a request may be over before the library
 * wants anything of its socket. */
int
socket_open(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    struct multi *m = arg;
    struct socket_watch **at = find(m, fd);

    (void)purpose;
    if (at == NULL || (*at = watch_new(m, fd)) == NULL)
        return CURL_SOCKOPT_ERROR;
    (*at)->idle = true;
    return socket_watch(*at, EPOLLIN) == 0 ? CURL_SOCKOPT_OK
                                           : CURL_SOCKOPT_ERROR;
}

/* What came in one piece of TLS with the answer before is no longer in the
 * socket. */
static bool
tls_is_silent(CURL *easy)
{
    const struct curl_tlssessioninfo *tls = NULL;

    return curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK ||
           tls == NULL || tls->internals == NULL ||
           (tls->backend == CURLSSLBACKEND_GNUTLS &&
            gnutls_record_check_pending(tls->internals) == 0);
}

bool
socket_is_fit(struct proxy_transfer *t)
{
    t->stale = !t->fresh && !tls_is_silent(t->easy);
    return !t->stale;
}

int
socket_close(void *arg, curl_socket_t fd)
{
    struct multi *m = arg;

    if ((size_t)fd < m->socket_count && m->sockets[fd] != NULL)
        watch_free(m->sockets[fd]);
    return close(fd);
}
