/* A transfer as the library is told of it. */
#include "gateway/proxy/transfer.h"

#include <string.h>
#include <sys/socket.h>

/* -- the connection ------------------------------------------------------- */

bool
proxy_upstream_may_be_at(const struct config_upstream *u,
                         const struct sockaddr *address)
{
    enum address_kind kind = config_address_kind(address, NULL);

    if (u->unix_path != NULL)
        return address->sa_family == AF_UNIX;
    return kind >= (u->numeric ? ADDRESS_DELICATE : ADDRESS_SPECIAL);
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    const struct config_upstream *u = arg;

    if (purpose != CURLSOCKTYPE_IPCXN ||
        !proxy_upstream_may_be_at(u, &address->addr))
        return CURL_SOCKET_BAD;
    return socket(address->family,
                  address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                  address->protocol);
}

static bool
set_url(CURL *easy, const struct config_upstream *u, struct span target)
{
    bool ipv6 = strchr(u->host, ':') != NULL;
    struct buf url = BUF_INIT;
    bool ok;

    buf_addf(&url, "%s://%s%s%s", u->tls ? "https" : "http", ipv6 ? "[" : "",
             u->host, ipv6 ? "]" : "");
    if (u->unix_path == NULL && u->port != (u->tls ? 443 : 80))
        buf_addf(&url, ":%u", (unsigned)u->port);
    buf_add_span(&url, target);
    ok = !buf_failed(&url) &&
         curl_easy_setopt(easy, CURLOPT_URL, url.data) == CURLE_OK;
    buf_fini(&url);
    return ok;
}

/* What is different for each upstream. */
bool
easy_aim(CURL *easy, const struct upstream *u, struct span target, bool kept)
{
    struct place *place = u->place;
    const struct config_upstream *c = u->config;

    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, c->unix_path);
    curl_easy_setopt(easy, CURLOPT_RESOLVE,
                     place == NULL ? NULL
                     : kept        ? place->resolve
                                   : place->plain);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO,
                     place != NULL && kept ? place->connect_to : NULL);
    if (place != NULL && kept)
        place->told = true;
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, c);
    return set_url(easy, c, target);
}

void
easy_prepare(CURL *e, const struct config_route *c, char *error)
{
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, error);
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
    curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    /* Read anew for each connection: changed ones need no reload. */
    if (c->upstream_ca != NULL) {
        curl_easy_setopt(e, CURLOPT_CAINFO, c->upstream_ca);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(e, CURLOPT_SSLCERT, c->upstream_certificate);
    curl_easy_setopt(e, CURLOPT_SSLKEY, c->upstream_key);
}

/* A connection is there, and nothing is sent yet: the library has one callback
 * for it. */
static int
before_request(void *arg, char *to, char *from, int to_port, int from_port)
{
    struct proxy_transfer *t = arg;

    (void)to, (void)from, (void)to_port, (void)from_port;
    return socket_is_fit(t) &&
                   (!t->route->config->negotiate || sign_request(t))
               ? CURL_PREREQFUNC_OK
               : CURL_PREREQFUNC_ABORT;
}

void
easy_configure(struct proxy_transfer *t, const struct proxy_request *q)
{
    bool head = strcmp(q->method, "HEAD") == 0;
    CURL *e = t->easy;

    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    easy_prepare(e, t->route->config, t->error);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, answer_line);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, transfer_take_answer);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
    if (head)
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    else if (q->has_body)
        curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
    if (q->has_body) {
        curl_easy_setopt(e, CURLOPT_READFUNCTION, transfer_give_body);
        curl_easy_setopt(e, CURLOPT_READDATA, t);
        curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE,
                         q->has_length ? (curl_off_t)q->length
                                       : (curl_off_t)-1);
    }
    if (!head)
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, q->method);
    /* The library repeats what a kept connection has swallowed (RFC 9110
     * 9.2.2 lets it only where that is safe).  Who needs a connection of its
     * own leaves none behind: some servers have a process for each. */
    t->fresh = !t->may_repeat;
    if (t->fresh) {
        curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
    }
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
bool
easy_add_lines(struct proxy_transfer *t, const struct proxy_request *q)
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
