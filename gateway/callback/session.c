/*
 * One connection to a sink, with libcurl.  The library may open a connection
 * in one moment only: when the session is opened.  Later every attempt to do
 * so is refused, so that what it sends goes over the connection whose
 * certificate and whose authentication were looked at, or nowhere.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/callback/callback.h"

#define ANSWER_MAX    (64 * 1024)
#define ADDRESSES_MAX 16
#define ADDRESS_TEXT  64

struct sink_session {
    const struct config_callback *config;
    const struct sink_authenticator *authenticator;
    struct sink sink;
    CURL *easy;
    struct curl_slist *resolve; /* host:port:address,... */
    struct curl_slist *headers;
    bool opening;         /* connections may be made */
    bool address_refused; /* by our own rule, at the socket */
    bool another_refused; /* a connection after the one that was opened */
    bool failed;          /* *failure says why, more than the library knows */
    struct sink_failure *failure; /* of the call at work */
    struct buf reply; /* WWW-Authenticate: Negotiate, of the sign-in */
    bool replied;
    size_t answer_bytes, answer_max;
    struct sink_answer *answer; /* NULL: nobody wants it */
    char error[CURL_ERROR_SIZE];
};

static int
session_fail(struct sink_session *s, enum delivery_outcome outcome,
             const char *reason, const char *detail)
{
    struct sink_failure *f = s->failure;

    *f = (struct sink_failure){.outcome = outcome};
    snprintf(f->reason, sizeof(f->reason), "%s", reason);
    snprintf(f->detail, sizeof(f->detail), "%s", detail);
    s->failed = true;
    return -1;
}

/* -- where it goes ---------------------------------------------------------- */

static bool
resolve_add(struct buf *list, const struct addrinfo *a)
{
    char text[ADDRESS_TEXT];

    if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0,
                    NI_NUMERICHOST) != 0)
        return false;
    /* An IPv6 zone is no part of an address that may be connected to. */
    if (strchr(text, '%') != NULL)
        return false;
    buf_addf(list, "%s%s", list->length == 0 ? "" : ",", text);
    return true;
}

/* Of the addresses that the name leads to, those that are allowed. */
static int
resolve_filter(struct sink_session *s, const struct addrinfo *found,
               struct buf *list)
{
    size_t taken = 0;

    for (const struct addrinfo *a = found; a != NULL && taken < ADDRESSES_MAX;
         a = a->ai_next)
    {
        if (sink_address_is_allowed(s->config, a->ai_addr) &&
            resolve_add(list, a))
            taken++;
    }
    if (taken > 0)
        return 0;
    return session_fail(s, DELIVERY_REJECTED, "sink-address",
                        "the sink's name leads to no address that may be"
                        " connected to (sink_networks)");
}

static bool
host_is_address(const char *host)
{
    struct in6_addr ignored;

    return inet_pton(AF_INET, host, &ignored) == 1 ||
           inet_pton(AF_INET6, host, &ignored) == 1;
}

/* Here and not in the library, which would start threads for it. */
static int
session_resolve(struct sink_session *s)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    struct buf list = BUF_INIT, line = BUF_INIT;
    int code = getaddrinfo(s->sink.host, NULL, &hints, &found), result = -1;

    if (code != 0)
        return session_fail(s, DELIVERY_RETRY, "sink-name",
                            gai_strerror(code));
    if (resolve_filter(s, found, &list) < 0)
        goto out;
    if (host_is_address(s->sink.host)) { /* it is what it says */
        result = 0;
        goto out;
    }
    buf_addf(&line, "%s:%u:%s", s->sink.host, (unsigned)s->sink.port,
             list.length > 0 ? list.data : "");
    if (!buf_failed(&list) && !buf_failed(&line))
        s->resolve = curl_slist_append(NULL, line.data);
    result = s->resolve != NULL ? 0
                                : session_fail(s, DELIVERY_RETRY, "no-memory",
                                               "out of memory");
out:
    freeaddrinfo(found);
    buf_fini(&list);
    buf_fini(&line);
    return result;
}

/* The address that is really connected to. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct sink_session *s = arg;

    if (!s->opening || purpose != CURLSOCKTYPE_IPCXN) {
        s->another_refused = true;
        return CURL_SOCKET_BAD;
    }
    if (!sink_address_is_allowed(s->config, &address->addr)) {
        s->address_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}

/* -- answers ---------------------------------------------------------------- */

static size_t
take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct sink_session *s = arg;

    s->answer_bytes += size * count;
    if (s->answer_bytes <= s->answer_max) {
        if (s->answer != NULL)
            buf_add(&s->answer->body, bytes, size * count);
        return size * count;
    }
    session_fail(s, DELIVERY_RETRY, "sink-answer",
                 "the sink's answer is too long");
    return 0;
}

static size_t
take_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct sink_session *s = arg;
    struct span line = {bytes, size * count}, name, value;

    s->answer_bytes += line.length;
    if (s->answer_bytes > s->answer_max) {
        session_fail(s, DELIVERY_RETRY, "sink-answer",
                     "the sink's answer is too long");
        return 0;
    }
    while (line.length > 0 && (line.data[line.length - 1] == '\r' ||
                               line.data[line.length - 1] == '\n'))
        line.length--;
    name = span_cut(line, ':', &value);
    value = span_trim(value);
    if (s->answer != NULL && span_equal_nocase(name, SPAN("Content-Type")))
        snprintf(s->answer->type, sizeof(s->answer->type), "%.*s",
                 (int)value.length, value.data);
    if (!span_equal_nocase(name, SPAN("WWW-Authenticate")))
        return size * count;
    if (span_starts_nocase(value, SPAN("Negotiate "))) {
        buf_reset(&s->reply);
        s->replied = true;
        value = span_trim(span_skip(value, sizeof("Negotiate ") - 1));
        buf_add(&s->reply, value.data, value.length);
    }
    return size * count;
}

static bool
header_add(struct sink_session *s, const char *line)
{
    struct curl_slist *longer = curl_slist_append(s->headers, line);

    if (longer == NULL)
        return false;
    s->headers = longer;
    return true;
}

static void
headers_clear(struct sink_session *s)
{
    curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(s->headers);
    s->headers = NULL;
}

/* -- failures ---------------------------------------------------------------- */

static const struct {
    CURLcode code;
    enum delivery_outcome outcome;
    bool unsecured;
    const char *reason;
} failures[] = {
    {CURLE_PEER_FAILED_VERIFICATION, DELIVERY_INSECURE, true,
     "sink-certificate"},
    {CURLE_SSL_ISSUER_ERROR, DELIVERY_INSECURE, true, "sink-certificate"},
    /* Also how a connection that is cut in the handshake is told. */
    {CURLE_SSL_CONNECT_ERROR, DELIVERY_RETRY, true, "sink-tls"},
    {CURLE_SSL_CACERT_BADFILE, DELIVERY_RETRY, true, "sink-ca"},
    {CURLE_COULDNT_CONNECT, DELIVERY_RETRY, false, "sink-unreachable"},
    {CURLE_OPERATION_TIMEDOUT, DELIVERY_RETRY, false, "sink-timeout"},
    {CURLE_GOT_NOTHING, DELIVERY_RETRY, false, "sink-closed"},
    {CURLE_SEND_ERROR, DELIVERY_RETRY, false, "sink-closed"},
    {CURLE_RECV_ERROR, DELIVERY_RETRY, false, "sink-closed"},
};

static int
session_fail_curl(struct sink_session *s, CURLcode code)
{
    const char *text =
        s->error[0] != '\0' ? s->error : curl_easy_strerror(code);

    if (s->failed)
        return -1;
    if (s->address_refused)
        return session_fail(s, DELIVERY_REJECTED, "sink-address",
                            "the sink's address may not be connected to"
                            " (sink_networks)");
    /* Told by the library as one that could not be made. */
    if (s->another_refused)
        return session_fail(s, DELIVERY_RETRY, "sink-closed",
                            "the sink closed the connection");
    for (size_t i = 0; i < ARRAY_COUNT(failures); i++) {
        if (failures[i].code == code) {
            session_fail(s, failures[i].outcome, failures[i].reason, text);
            s->failure->unsecured = failures[i].unsecured;
            return -1;
        }
    }
    return session_fail(s, DELIVERY_RETRY, "sink-failed", text);
}

/* -- one exchange ------------------------------------------------------------ */

static int
session_perform(struct sink_session *s, long *status_out)
{
    CURLcode code;

    s->failed = false;
    s->answer_bytes = 0;
    s->replied = false;
    s->error[0] = '\0';
    buf_reset(&s->reply);
    code = curl_easy_perform(s->easy);
    s->opening = false;
    if (code != CURLE_OK)
        return session_fail_curl(s, code);
    if (curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, status_out) !=
        CURLE_OK)
        return session_fail(s, DELIVERY_RETRY, "sink-failed", "no status");
    return 0;
}

/* What a status but 2xx means; before the sign-in is complete a refusal is
 * one to authenticate. */
static int
session_fail_status(struct sink_session *s, long status, bool signing_in)
{
    char detail[96];

    snprintf(detail, sizeof(detail), "the sink answered %ld%s", status,
             signing_in ? " to the sign-in" : "");
    if (status >= 500 || status == 408 || status == 425 || status == 429)
        return session_fail(s, DELIVERY_RETRY, "sink-answer", detail);
    if (status >= 300 && status < 400) {
        session_fail(s, signing_in ? DELIVERY_INSECURE : DELIVERY_REJECTED,
                     "sink-redirects", detail);
        return -1;
    }
    if (status == 410 && !signing_in)
        return session_fail(s, DELIVERY_CANCELLED, "sink-cancelled", detail);
    if (signing_in)
        return session_fail(s, DELIVERY_INSECURE, "sink-authentication",
                            detail);
    /* It has forgotten who we are: another session, later. */
    if (status == 401)
        return session_fail(s, DELIVERY_RETRY, "sink-answer", detail);
    return session_fail(s, DELIVERY_REJECTED, "sink-answer", detail);
}

/* -- sign-in ------------------------------------------------------------------ */

/* The library's list of the chain: the first is the sink's own. */
static struct span
session_certificate(struct sink_session *s)
{
    struct curl_certinfo *info = NULL;

    if (!s->sink.tls ||
        curl_easy_getinfo(s->easy, CURLINFO_CERTINFO, &info) != CURLE_OK ||
        info == NULL || info->num_of_certs < 1)
        return (struct span){NULL, 0};
    for (struct curl_slist *l = info->certinfo[0]; l != NULL; l = l->next) {
        if (strncmp(l->data, "Cert:", 5) == 0)
            return span_of(l->data + 5);
    }
    return (struct span){NULL, 0};
}

/*
 * The connection stands, and nothing was sent on it: now the token can be
 * made for it.  After this moment no other connection is opened.
 */
static int
connection_stands(void *arg, char *peer, char *local, int peer_port,
                  int local_port)
{
    struct sink_session *s = arg;
    struct span pem = session_certificate(s);
    struct buf line = BUF_INIT;
    bool ok = false;

    (void)peer;
    (void)local;
    (void)peer_port;
    (void)local_port;
    s->opening = false;
    if (s->sink.tls && pem.data == NULL) {
        session_fail(s, DELIVERY_INSECURE, "sink-certificate",
                     "the sink's certificate could not be read");
        return CURL_PREREQFUNC_ABORT;
    }
    buf_add_string(&line, "Authorization: Negotiate ");
    if (s->authenticator->token(s->authenticator->arg, s->sink.host, pem,
                                &line, s->failure) < 0)
        s->failed = true;
    else
        ok = !buf_failed(&line) && header_add(s, line.data);
    if (ok)
        ok = curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers) ==
             CURLE_OK;
    buf_fini(&line);
    return ok ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static int
session_sign_in(struct sink_session *s)
{
    struct span reply = {NULL, 0};
    long status = 0;
    int result;

    if (!header_add(s, "Content-Type:") || !header_add(s, "Expect:"))
        return session_fail(s, DELIVERY_RETRY, "no-memory", "out of memory");
    curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, "");
    s->opening = true;
    result = session_perform(s, &status);
    curl_easy_setopt(s->easy, CURLOPT_PREREQFUNCTION, NULL);
    headers_clear(s);
    if (result < 0)
        return -1;
    if (status < 200 || status > 299)
        return session_fail_status(s, status, true);
    if (buf_failed(&s->reply))
        return session_fail(s, DELIVERY_RETRY, "no-memory", "out of memory");
    if (s->replied)
        reply = buf_span(&s->reply);
    return s->authenticator->finish(s->authenticator->arg, reply, s->failure);
}

/* -- life ---------------------------------------------------------------------- */

static void
session_configure(struct sink_session *s)
{
    CURL *c = s->easy;
    long timeout_ms = (long)s->config->sink_timeout_s * 1000;

    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->error);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_URL, s->sink.url);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(c, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(c, CURLOPT_MAXCONNECTS, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "nsgate/" NSGATE_VERSION);
    curl_easy_setopt(c, CURLOPT_POST, 1L);
    curl_easy_setopt(c, CURLOPT_RESOLVE, s->resolve);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, s);
    curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, connection_stands);
    curl_easy_setopt(c, CURLOPT_PREREQDATA, s);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, s);
    if (s->config->sink_ca != NULL) {
        curl_easy_setopt(c, CURLOPT_CAINFO, s->config->sink_ca);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
}

int
sink_session_open(const struct config_callback *config,
                  const struct sink *sink,
                  const struct sink_authenticator *authenticator,
                  struct sink_session **out, struct sink_failure *failure)
{
    struct sink_session *s = calloc(1, sizeof(*s));

    *out = NULL;
    *failure = (struct sink_failure){.outcome = DELIVERY_RETRY,
                                     .reason = "no-memory"};
    if (s == NULL)
        return -1;
    s->config = config;
    s->authenticator = authenticator;
    s->sink = *sink;
    s->failure = failure;
    s->answer_max = ANSWER_MAX;
    s->easy = curl_easy_init();
    if (s->easy == NULL || session_resolve(s) < 0) {
        sink_session_close(s);
        return -1;
    }
    session_configure(s);
    if (session_sign_in(s) < 0) {
        sink_session_close(s);
        return -1;
    }
    s->failure = NULL;
    *out = s;
    return 0;
}

/* The same server, on which any path may be asked for. */
static bool
session_serves(const struct sink_session *s, const struct sink *sink)
{
    return s->sink.tls == sink->tls && s->sink.port == sink->port &&
           strcmp(s->sink.host, sink->host) == 0;
}

int
sink_session_exchange(struct sink_session *s, const struct sink *sink,
                      const char *const *headers, size_t header_count,
                      struct span body, struct sink_answer *answer,
                      struct sink_failure *failure)
{
    bool ok = header_add(s, "Expect:");
    int result;

    *failure = (struct sink_failure){.outcome = DELIVERY_RETRY};
    answer->status = 0;
    answer->type[0] = '\0';
    buf_reset(&answer->body);
    s->failure = failure;
    s->answer = answer;
    if (answer->max > 0)
        s->answer_max = answer->max;
    for (size_t i = 0; ok && i < header_count; i++)
        ok = header_add(s, headers[i]);
    ok = ok && session_serves(s, sink) &&
         curl_easy_setopt(s->easy, CURLOPT_URL, sink->url) == CURLE_OK;
    if (ok) {
        curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
        curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)body.length);
        curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, body.data);
        result = session_perform(s, &answer->status);
    } else {
        result = session_fail(s, DELIVERY_RETRY, "no-memory", "out of memory");
    }
    headers_clear(s);
    s->answer = NULL;
    s->failure = NULL;
    return result;
}

int
sink_session_judge(long status, struct sink_failure *failure)
{
    struct sink_session s = {.failure = failure};

    if (status >= 200 && status <= 299)
        return 0;
    return session_fail_status(&s, status, false);
}

bool
sink_session_is_alive(const struct sink_session *s)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    struct pollfd p;

    if (curl_easy_getinfo(s->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK ||
        fd == CURL_SOCKET_BAD)
        return false;
    /* Nothing is to come of its own accord but the end. */
    p = (struct pollfd){.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 0;
}

void
sink_session_close(struct sink_session *s)
{
    if (s == NULL)
        return;
    if (s->easy != NULL)
        curl_easy_cleanup(s->easy);
    curl_slist_free_all(s->resolve);
    curl_slist_free_all(s->headers);
    buf_fini(&s->reply);
    free(s);
}
