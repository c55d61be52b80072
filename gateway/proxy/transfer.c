#include "gateway/proxy/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- time ----------------------------------------------------------------- */

static void
allow_s(struct proxy_transfer *t, unsigned seconds)
{
    t->deadline_ms = clock_monotonic_ms() + (uint64_t)seconds * 1000;
}

/* -- the body, to the upstream -------------------------------------------- */

size_t
transfer_give_body(char *out, size_t size, size_t count, void *arg)
{
    struct proxy_transfer *t = arg;
    size_t got;

    if (t->freed)
        return CURL_READFUNC_ABORT;
    got = pipe_get(&t->up, out, size * count);
    t->body_sent += got;
    if (got == 0 && !t->body_ended) {
        t->body_waits = true;
        t->deadline_ms = 0;
        return CURL_READFUNC_PAUSE;
    }
    if (t->body_ended && t->up.length == 0)
        allow_s(t, t->route->config->answer_timeout_s);
    else
        allow_s(t, t->route->config->stall_timeout_s);
    if (t->writer_waits && got > 0) {
        t->writer_waits = false;
        t->handlers.writable(t->handlers.arg);
    }
    return got;
}

void
transfer_unpause(struct proxy_transfer *t)
{
    struct proxy_route *r = t->route;
    int what = CURLPAUSE_CONT;

    if (t->held)
        what |= CURLPAUSE_RECV;
    if (t->body_waits)
        what |= CURLPAUSE_SEND;
    r->multi.inside++;
    curl_easy_pause(t->easy, what);
    r->multi.inside--;
    /* What ends with it is told from the loop. */
    r->multi.timer_ms = clock_monotonic_ms();
}

size_t
proxy_transfer_write(struct proxy_transfer *t, const char *data, size_t size)
{
    size_t took = 0, now;

    if (t->ended || !t->has_body)
        return size; /* nobody wants it any more */
    do {
        now = pipe_put(&t->up, data + took, size - took);
        took += now;
        if (now > 0 && t->body_waits) {
            t->body_waits = false;
            transfer_unpause(t);
        }
    } while (took < size && now > 0 && !t->ended);
    t->writer_waits = took < size;
    return took;
}

bool
proxy_transfer_wants_body(const struct proxy_transfer *t)
{
    return t->has_body && !t->ended;
}

void
proxy_transfer_write_end(struct proxy_transfer *t)
{
    t->body_ended = true;
    if (!t->ended && t->body_waits) {
        t->body_waits = false;
        transfer_unpause(t);
    }
}

/* -- the answer's body ---------------------------------------------------- */

size_t
transfer_take_answer(char *bytes, size_t size, size_t count, void *arg)
{
    struct proxy_transfer *t = arg;
    size_t length = size * count;

    if (t->freed || !t->head_said)
        return 0;
    /* An answer that comes while the request is sent: its connection still
     * counts as one that nobody uses. */
    if (!t->seen) {
        t->held = t->unseen = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (pipe_room(&t->down) < length) {
        t->held = true;
        /* Who reads nothing before it has been read must not wait for ever. */
        if (!t->has_body || t->body_ended)
            t->deadline_ms = 0;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (pipe_put(&t->down, bytes, length) != length)
        return 0;
    t->taken += length;
    allow_s(t, t->route->config->stall_timeout_s);
    if (t->reader_waits) {
        t->reader_waits = false;
        t->handlers.readable(t->handlers.arg);
    }
    return length;
}

long
proxy_transfer_read(struct proxy_transfer *t, char *out, size_t max)
{
    size_t got = pipe_get(&t->down, out, max);

    if (t->held && pipe_room(&t->down) >= PROXY_BUFFER / 2) {
        t->held = false;
        if (!t->ended) {
            allow_s(t, t->route->config->stall_timeout_s);
            transfer_unpause(t);
        }
        if (got == 0)
            got = pipe_get(&t->down, out, max);
    }
    if (got > 0)
        return (long)got;
    if (t->ended)
        return t->broken ? -1 : 0;
    t->reader_waits = true;
    return -2;
}

/* -- life ----------------------------------------------------------------- */

/* The base takes the place of the route's path. */
static bool
make_target(struct proxy_transfer *t, struct span target)
{
    const struct config_route *c = t->route->config;
    const char *base = c->upstreams[0].base;

    if (base != NULL) {
        if (target.length < strlen(c->path))
            return false;
        target = span_skip(target, strlen(c->path));
        buf_add_string(&t->target, base);
    }
    buf_add_span(&t->target, target);
    return !buf_failed(&t->target);
}

static bool
start(struct proxy_transfer *t)
{
    struct proxy_route *r = t->route;
    struct upstream *u = route_pick_upstream(r, t->tried);

    if (u == NULL)
        return false;
    t->upstream = u;
    place_leave(t->place);
    t->place = place_use(u->place);
    t->tried |= UINT64_C(1) << (u - r->upstreams);
    if (buf_failed(&t->target) ||
        !easy_aim(t->easy, u, buf_span(&t->target), true))
        return false;
    t->error[0] = '\0';
    t->refusal = PROXY_FAILURE_NONE;
    allow_s(t, r->config->answer_timeout_s);
    t->seen = false;
    t->added = multi_add(&r->multi, t->easy);
    return t->added;
}

/* Nothing was sent on the kept connection. */
static bool
start_afresh(struct proxy_transfer *t)
{
    t->stale = t->seen = false;
    t->fresh = true;
    t->error[0] = '\0';
    curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
    t->added = multi_add(&t->route->multi, t->easy);
    return t->added;
}

static bool
is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
           strcmp(method, "OPTIONS") == 0;
}

struct proxy_transfer *
proxy_send(const struct proxy_route *route, const struct proxy_request *q,
           const struct proxy_handlers *handlers)
{
    struct proxy_route *r = (struct proxy_route *)(uintptr_t)route;
    struct proxy_transfer *t;

    if (r->count >= r->config->waiting_max)
        return NULL;
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    t->route = r;
    t->handlers = *handlers;
    t->target = t->lines = t->location = t->caching = BUF_INIT;
    t->has_body = q->has_body;
    t->may_repeat = is_safe(q->method) && !q->has_body;
    TAILQ_INSERT_TAIL(&r->transfers, t, link);
    r->count++;
    r->proxy->counts.active++;
    t->easy = curl_easy_init();
    if (t->easy == NULL || !make_target(t, q->target) || !easy_add_lines(t, q))
    {
        transfer_destroy(t);
        return NULL;
    }
    easy_configure(t, q);
    if (!start(t)) {
        transfer_destroy(t);
        return NULL;
    }
    r->proxy->counts.sent++;
    return t;
}

static void
transfer_remove(struct proxy_transfer *t)
{
    if (t->added)
        curl_multi_remove_handle(t->route->multi.handle, t->easy);
    t->added = false;
}

void
transfer_destroy(struct proxy_transfer *t)
{
    struct proxy_route *r = t->route;

    TAILQ_REMOVE(&r->transfers, t, link);
    if (!t->freed)
        r->count--;
    r->proxy->counts.active--;
    transfer_remove(t);
    if (t->easy != NULL)
        curl_easy_cleanup(t->easy);
    sign_fini(t);
    curl_slist_free_all(t->headers);
    place_leave(t->place);
    buf_fini(&t->target);
    buf_fini(&t->lines);
    buf_fini(&t->location);
    buf_fini(&t->caching);
    pipe_fini(&t->up);
    pipe_fini(&t->down);
    free(t);
}

/* All has been said, but the library has not come to its end: it would close
 * the connection of a transfer that was taken from it now. */
static bool
is_whole(const struct proxy_transfer *t)
{
    return !t->ended && t->head_said && t->has_length &&
           t->taken == t->length &&
           (!t->has_body || (t->body_ended && t->up.length == 0));
}

void
proxy_transfer_free(struct proxy_transfer *t)
{
    if (t == NULL)
        return;
    /* What is due of the library runs before it is collected. */
    if (t->route->multi.inside > 0 || is_whole(t)) {
        t->freed = true;
        t->route->count--; /* nobody waits for it */
        t->route->multi.timer_ms = clock_monotonic_ms();
    } else {
        transfer_destroy(t);
    }
}

const char *
proxy_transfer_upstream(const struct proxy_transfer *t)
{
    return t->upstream->config->url;
}

/* -- the end -------------------------------------------------------------- */

static const struct {
    CURLcode code;
    enum proxy_failure failure;
} failures[] = {
    {CURLE_COULDNT_CONNECT, PROXY_FAILURE_UNREACHABLE},
    {CURLE_COULDNT_RESOLVE_HOST, PROXY_FAILURE_UNREACHABLE},
    {CURLE_SSL_CONNECT_ERROR, PROXY_FAILURE_UNREACHABLE},
    {CURLE_PEER_FAILED_VERIFICATION, PROXY_FAILURE_UNREACHABLE},
    {CURLE_SSL_ISSUER_ERROR, PROXY_FAILURE_UNREACHABLE},
    {CURLE_SSL_CERTPROBLEM, PROXY_FAILURE_UNREACHABLE},
    {CURLE_SSL_CACERT_BADFILE, PROXY_FAILURE_UNREACHABLE},
    {CURLE_OPERATION_TIMEDOUT, PROXY_FAILURE_UNREACHABLE}, /* to connect */
    {CURLE_GOT_NOTHING, PROXY_FAILURE_CLOSED},
    {CURLE_SEND_ERROR, PROXY_FAILURE_CLOSED},
    {CURLE_RECV_ERROR, PROXY_FAILURE_CLOSED},
    {CURLE_PARTIAL_FILE, PROXY_FAILURE_CLOSED},
    {CURLE_SEND_FAIL_REWIND, PROXY_FAILURE_CLOSED},
    {CURLE_OUT_OF_MEMORY, PROXY_FAILURE_MEMORY},
};

/* The library has a limit of its own for one line, and says that there is no
 * memory. */
static bool
is_line_too_long(const struct proxy_transfer *t, CURLcode code)
{
    curl_off_t sent_us = 0;

    return code == CURLE_OUT_OF_MEMORY &&
           curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us) ==
               CURLE_OK &&
           sent_us > 0;
}

static enum proxy_failure
failure_of(const struct proxy_transfer *t, CURLcode code)
{
    if (t->refusal != PROXY_FAILURE_NONE)
        return t->refusal;
    if (t->head_bad)
        return PROXY_FAILURE_ANSWER;
    for (size_t i = 0; i < ARRAY_COUNT(failures); i++) {
        if (failures[i].code == code)
            return failures[i].failure;
    }
    return PROXY_FAILURE_ANSWER;
}

/* Nothing reached the one that failed, or what did changes nothing. */
static bool
may_try_another(const struct proxy_transfer *t, enum proxy_failure failure)
{
    if (t->head_said || t->head_bytes > 0 || t->body_sent > 0)
        return false;
    return failure == PROXY_FAILURE_UNREACHABLE ||
           failure == PROXY_FAILURE_TICKET ||
           (failure == PROXY_FAILURE_CLOSED && t->may_repeat);
}

static void
transfer_end(struct proxy_transfer *t, enum proxy_failure failure,
             const char *detail)
{
    t->ended = true;
    t->broken = failure != PROXY_FAILURE_NONE;
    if (t->broken)
        t->route->proxy->counts.failed++;
    if (t->broken && !t->head_said) {
        t->head_said = true;
        t->handlers.failed(t->handlers.arg, failure, detail);
    } else if (t->reader_waits) {
        t->reader_waits = false;
        t->handlers.readable(t->handlers.arg);
    } else if (t->writer_waits) {
        t->writer_waits = false;
        t->handlers.writable(t->handlers.arg);
    }
}

void
transfer_done(struct proxy_transfer *t, CURLcode code)
{
    enum proxy_failure failure;
    const char *why;

    transfer_remove(t);
    if (t->freed || t->ended || (t->stale && start_afresh(t)))
        return;
    if (code == CURLE_OK) {
        transfer_end(t,
                     t->head_said ? PROXY_FAILURE_NONE : PROXY_FAILURE_ANSWER,
                     "no answer");
        return;
    }
    if (is_line_too_long(t, code)) {
        t->head_bad = true;
        snprintf(t->error, sizeof(t->error), "a line of it is too long");
    }
    failure = failure_of(t, code);
    why = t->refusal != PROXY_FAILURE_NONE ? t->why.text
          : t->error[0] != '\0'            ? t->error
                                           : curl_easy_strerror(code);
    if (failure == PROXY_FAILURE_UNREACHABLE ||
        failure == PROXY_FAILURE_CLOSED)
        upstream_failed(t->route, t->upstream, why);
    if (may_try_another(t, failure) && start(t))
        return;
    transfer_end(t, failure, why);
}

void
transfer_expire(struct proxy_transfer *t)
{
    static const char late[] = "the server did not go on in time";

    transfer_remove(t);
    t->route->proxy->counts.timed_out++;
    upstream_failed(t->route, t->upstream, late);
    transfer_end(t, PROXY_FAILURE_TIMEOUT, late);
}

const char *
proxy_failure_name(enum proxy_failure failure)
{
    static const char *const names[] = {
        [PROXY_FAILURE_NONE] = "none",
        [PROXY_FAILURE_UNREACHABLE] = "upstream-unreachable",
        [PROXY_FAILURE_CLOSED] = "upstream-closed",
        [PROXY_FAILURE_ANSWER] = "upstream-answer",
        [PROXY_FAILURE_TIMEOUT] = "upstream-timeout",
        [PROXY_FAILURE_TICKET] = "upstream-ticket",
        [PROXY_FAILURE_IDENTITY] = "upstream-identity",
        [PROXY_FAILURE_MEMORY] = "no-memory",
    };

    return names[failure];
}
