/* The library's multi interface in the caller's loop. */
#include <errno.h>
#include <stdlib.h>

#include "gateway/proxy/transfer.h"

static int
timer_wanted(CURLM *handle, long timeout_ms, void *arg)
{
    struct multi *m = arg;

    (void)handle;
    m->timer_ms =
        timeout_ms < 0 ? 0 : clock_monotonic_ms() + (uint64_t)timeout_ms;
    return 0;
}

int
multi_open(struct multi *m, struct loop *loop, void (*collect)(void *arg),
           void *arg, struct error *err)
{
    *m = (struct multi){.handle = curl_multi_init(),
                        .loop = loop,
                        .collect = collect,
                        .arg = arg};
    if (m->handle == NULL)
        return error_set_errno(err, ENOMEM, "connections");
    curl_multi_setopt(m->handle, CURLMOPT_SOCKETFUNCTION, socket_wanted);
    curl_multi_setopt(m->handle, CURLMOPT_SOCKETDATA, m);
    curl_multi_setopt(m->handle, CURLMOPT_TIMERFUNCTION, timer_wanted);
    curl_multi_setopt(m->handle, CURLMOPT_TIMERDATA, m);
    curl_multi_setopt(m->handle, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return 0;
}

void
multi_close(struct multi *m)
{
    if (m->handle != NULL)
        curl_multi_cleanup(m->handle);
    m->handle = NULL;
    free(m->sockets);
    m->sockets = NULL;
    m->socket_count = 0;
}

void
multi_run(struct multi *m, uint64_t now_ms)
{
    int running;

    if (m->timer_ms == 0 || m->timer_ms > now_ms)
        return;
    m->timer_ms = 0;
    m->inside++;
    curl_multi_socket_action(m->handle, CURL_SOCKET_TIMEOUT, 0, &running);
    m->inside--;
    m->collect(m->arg);
}

bool
multi_add(struct multi *m, CURL *easy)
{
    bool added;

    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, socket_open);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, m);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, socket_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, m);
    m->inside++;
    added = curl_multi_add_handle(m->handle, easy) == CURLM_OK;
    m->inside--;
    return added;
}

void *
multi_ended(struct multi *m, CURLcode *code_out)
{
    struct CURLMsg *msg;
    void *owner;
    int left;

    while ((msg = curl_multi_info_read(m->handle, &left)) != NULL) {
        *code_out = msg->data.result;
        if (msg->msg == CURLMSG_DONE &&
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &owner) ==
                CURLE_OK)
            return owner;
    }
    return NULL;
}
