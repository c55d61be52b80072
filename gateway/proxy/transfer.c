#include "gateway/proxy/transfer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* -- time ----------------------------------------------------------------- */

static void
allow_s(struct proxy_transfer *t, unsigned seconds)
{
    t->deadline_ms = clock_monotonic_ms() + (uint64_t)seconds * 1000;
}

/* -- the body, to the upstream -------------------------------------------- */

static size_t
give_body(char *out, size_t size, size_t count, void *arg)
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

static void
transfer_unpause(struct proxy_transfer *t)
{
    struct proxy_route *r = t->route;
    int what = CURLPAUSE_CONT;

    if (t->held)
        what |= CURLPAUSE_RECV;
    if (t->body_waits)
        what |= CURLPAUSE_SEND;
    r->inside++;
    curl_easy_pause(t->easy, what);
    r->inside--;
    /* What ends with it is told from the loop. */
    r->timer_ms = clock_monotonic_ms();
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

static size_t
take_answer(char *bytes, size_t size, size_t count, void *arg)
{
    struct proxy_transfer *t = arg;
    size_t length = size * count;

    if (t->freed || !t->head_said)
        return 0;
    if (pipe_room(&t->down) < length) {
        t->held = true;
        /* Who reads nothing before it has been read must not wait for ever. */
        if (!t->has_body || t->body_ended)
            t->deadline_ms = 0;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (pipe_put(&t->down, bytes, length) != length)
        return 0;
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

/* -- the connection ------------------------------------------------------- */

/* Networks that no configured name may lead to (threat 28): metadata services
 * answer there. */
static bool
address_is_delicate(const struct sockaddr *address)
{
    const struct sockaddr_in6 *in6 = (const void *)address;
    const struct sockaddr_in *in = (const void *)address;

    if (address->sa_family == AF_INET)
        return ntohl(in->sin_addr.s_addr) >> 16 == 0xa9fe;
    if (address->sa_family != AF_INET6)
        return false;
    return IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) &&
            in6->sin6_addr.s6_addr[12] == 0xa9 &&
            in6->sin6_addr.s6_addr[13] == 0xfe);
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct proxy_transfer *t = arg;

    if (purpose != CURLSOCKTYPE_IPCXN ||
        (!t->upstream->config->numeric && address_is_delicate(&address->addr)))
        return CURL_SOCKET_BAD;
    return socket(address->family,
                  address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                  address->protocol);
}

static bool
set_url(struct proxy_transfer *t)
{
    const struct config_upstream *u = t->upstream->config;
    bool ipv6 = strchr(u->host, ':') != NULL;
    struct buf url = BUF_INIT;
    bool ok;

    buf_addf(&url, "%s://%s%s%s", u->tls ? "https" : "http", ipv6 ? "[" : "",
             u->host, ipv6 ? "]" : "");
    if (u->unix_path == NULL && u->port != (u->tls ? 443 : 80))
        buf_addf(&url, ":%u", (unsigned)u->port);
    buf_add_span(&url, buf_span(&t->target));
    ok = !buf_failed(&url) && !buf_failed(&t->target) &&
         curl_easy_setopt(t->easy, CURLOPT_URL, url.data) == CURLE_OK;
    buf_fini(&url);
    return ok;
}

/* What is different for each upstream. */
static bool
aim(struct proxy_transfer *t)
{
    const struct config_upstream *u = t->upstream->config;

    curl_easy_setopt(t->easy, CURLOPT_UNIX_SOCKET_PATH, u->unix_path);
    curl_easy_setopt(t->easy, CURLOPT_RESOLVE, t->upstream->resolve);
    t->tried |= UINT64_C(1) << (t->upstream - t->route->upstreams);
    return set_url(t);
}

static void
configure(struct proxy_transfer *t, const struct proxy_request *q)
{
    const struct config_route *c = t->route->config;
    bool head = strcmp(q->method, "HEAD") == 0;
    CURL *e = t->easy;

    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)c->connect_timeout_s * 1000);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, answer_line);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    /* Read anew for each connection: changed ones need no reload. */
    if (c->upstream_ca != NULL) {
        curl_easy_setopt(e, CURLOPT_CAINFO, c->upstream_ca);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(e, CURLOPT_SSLCERT, c->upstream_certificate);
    curl_easy_setopt(e, CURLOPT_SSLKEY, c->upstream_key);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
    if (head)
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    else if (q->has_body)
        curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
    if (q->has_body) {
        curl_easy_setopt(e, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(e, CURLOPT_READDATA, t);
        curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE,
                         q->has_length ? (curl_off_t)q->length
                                       : (curl_off_t)-1);
    }
    if (!head)
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, q->method);
    /* The library repeats what a kept connection has swallowed (RFC 9110
     * 9.2.2 lets it only where that is safe). */
    if (!t->may_repeat)
        curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
}

/* -- header lines --------------------------------------------------------- */

static bool
add_line(struct proxy_transfer *t, struct buf *line, const char *name,
         struct span value)
{
    struct curl_slist *longer;

    buf_reset(line);
    buf_add_string(line, name);
    buf_add_string(line, value.length > 0 ? ": " : ":");
    buf_add_span(line, value);
    if (buf_failed(line))
        return false;
    longer = curl_slist_append(t->headers, line->data);
    if (longer == NULL)
        return false;
    t->headers = longer;
    return true;
}

static bool
is_fit(const char *value)
{
    if (value == NULL || *value == '\0')
        return false;
    for (; *value != '\0'; value++) {
        if ((unsigned char)*value < 0x20 || *value == 0x7f)
            return false;
    }
    return true;
}

static bool
add_own_lines(struct proxy_transfer *t, const struct proxy_request *q,
              struct buf *line)
{
    const struct proxy_identity *i = &q->identity;
    const struct {
        const char *name, *value;
    } rows[] = {
        {"X-Remote-User", i->principal}, {"X-Remote-Realm", i->realm},
        {"X-Nsgate-Level", i->level},    {"X-Request-Id", i->request_id},
        {"X-Forwarded-For", i->client},  {"X-Forwarded-Proto", i->proto},
    };

    for (size_t n = 0; n < ARRAY_COUNT(rows); n++) {
        if (is_fit(rows[n].value) &&
            !add_line(t, line, rows[n].name, span_of(rows[n].value)))
            return false;
    }
    return true;
}

/* The client's first, without what the library would add by itself. */
static bool
add_lines(struct proxy_transfer *t, const struct proxy_request *q)
{
    struct buf line = BUF_INIT, connection = BUF_INIT, name = BUF_INIT,
               cookies = BUF_INIT;
    struct span list = {NULL, 0};
    bool ok = true, accepts = false;

    proxy_connection_list(q->fields, q->field_count, &connection);
    if (connection.length > 0)
        list = buf_span(&connection);
    for (size_t i = 0; ok && i < q->field_count; i++) {
        const struct proxy_field *f = &q->fields[i];
        struct span value;

        if (f->value.length == 0 ||
            !proxy_request_field_passes(f->name, list,
                                        t->route->config->forward_token))
            continue;
        accepts |= span_equal_nocase(f->name, SPAN("Accept"));
        buf_reset(&name);
        buf_add_span(&name, f->name);
        value = f->value;
        if (span_equal_nocase(f->name, SPAN("Cookie"))) {
            buf_reset(&cookies);
            proxy_cookie_strip(f->value, &cookies);
            value = buf_span(&cookies);
        }
        ok = !buf_failed(&name) && !buf_failed(&cookies) &&
             (value.length == 0 || add_line(t, &line, name.data, value));
    }
    ok = ok && !buf_failed(&connection) && add_own_lines(t, q, &line) &&
         add_line(t, &line, "Expect", (struct span){NULL, 0}) &&
         (accepts || add_line(t, &line, "Accept", (struct span){NULL, 0}));
    /* A method that may have a body, and has none (RFC 9110 8.6). */
    if (ok && !q->has_body &&
        (strcmp(q->method, "POST") == 0 || strcmp(q->method, "PUT") == 0 ||
         strcmp(q->method, "PATCH") == 0))
        ok = add_line(t, &line, "Content-Length", SPAN("0"));
    buf_fini(&line);
    buf_fini(&connection);
    buf_fini(&name);
    buf_fini(&cookies);
    return ok;
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
    if (!aim(t))
        return false;
    t->error[0] = '\0';
    allow_s(t, r->config->answer_timeout_s);
    r->inside++;
    t->added = curl_multi_add_handle(r->multi, t->easy) == CURLM_OK;
    r->inside--;
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
    t->target = t->lines = t->location = BUF_INIT;
    t->has_body = q->has_body;
    t->may_repeat = is_safe(q->method) && !q->has_body;
    TAILQ_INSERT_TAIL(&r->transfers, t, link);
    r->count++;
    r->proxy->counts.active++;
    t->easy = curl_easy_init();
    if (t->easy == NULL || !make_target(t, q->target) || !add_lines(t, q)) {
        transfer_destroy(t);
        return NULL;
    }
    configure(t, q);
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
        curl_multi_remove_handle(t->route->multi, t->easy);
    t->added = false;
}

void
transfer_destroy(struct proxy_transfer *t)
{
    struct proxy_route *r = t->route;

    TAILQ_REMOVE(&r->transfers, t, link);
    r->count--;
    r->proxy->counts.active--;
    transfer_remove(t);
    if (t->easy != NULL)
        curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    buf_fini(&t->target);
    buf_fini(&t->lines);
    buf_fini(&t->location);
    pipe_fini(&t->up);
    pipe_fini(&t->down);
    free(t);
}

void
proxy_transfer_free(struct proxy_transfer *t)
{
    if (t == NULL)
        return;
    if (t->route->inside > 0) {
        t->freed = true;
        t->route->timer_ms = clock_monotonic_ms();
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

static enum proxy_failure
failure_of(const struct proxy_transfer *t, CURLcode code)
{
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

    transfer_remove(t);
    if (t->freed || t->ended)
        return;
    if (code == CURLE_OK) {
        transfer_end(t,
                     t->head_said ? PROXY_FAILURE_NONE : PROXY_FAILURE_ANSWER,
                     "no answer");
        return;
    }
    failure = failure_of(t, code);
    if (failure == PROXY_FAILURE_UNREACHABLE ||
        failure == PROXY_FAILURE_CLOSED)
        upstream_failed(t->route, t->upstream);
    if (may_try_another(t, failure) && start(t))
        return;
    transfer_end(t, failure,
                 t->error[0] != '\0' ? t->error : curl_easy_strerror(code));
}

void
transfer_expire(struct proxy_transfer *t)
{
    transfer_remove(t);
    t->route->proxy->counts.timed_out++;
    upstream_failed(t->route, t->upstream);
    transfer_end(t, PROXY_FAILURE_TIMEOUT, "the server did not go on in time");
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
        [PROXY_FAILURE_MEMORY] = "no-memory",
    };

    return names[failure];
}
