/* The servers behind the gateway: what their routes name, and whether they
 * can be reached as a worker would reach them. */
#include "gateway/ctl/doctor.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/http/http.h"
#include "gateway/proxy/proxy.h"
#include "gateway/sys/sys.h"

#define PEM_MAX            (4u << 20)
#define CONNECT_TIMEOUT_MS 3000L

/* -- files ---------------------------------------------------------------- */

static void
look_at_file(struct doctor *d, const struct config_route *r, const char *key,
             const char *path, int (*check)(const char *pem, struct error *))
{
    struct buf pem = BUF_INIT;
    struct error err = {0, ""};
    struct account user;
    struct stat st;

    if (path == NULL)
        return;
    if (file_read(path, PEM_MAX, &pem, &err) != 0)
        doctor_say(d, doctor_unseen(-err.code), "route",
                   err.code == -EACCES ? "Run doctor as root"
                                       : "See nsgate.conf",
                   "%s: %s: %s", r->name, key, err.text);
    else if (check(pem.data, &err) != 0)
        doctor_say(d, FINDING_FAIL, "route", "It must be PEM",
                   "%s: %s: %s: %s", r->name, key, path, err.text);
    else if (account_find(d->config->user, &user, NULL) == 0 &&
             stat(path, &st) == 0 && !doctor_may_read(&st, &user))
        doctor_say(d, FINDING_FAIL, "route",
                   "Give it to the group of user, and chmod g+r",
                   "%s: %s: %s cannot be read by %s", r->name, key, path,
                   user.name);
    else
        doctor_say(d, FINDING_OK, "route", NULL, "%s: %s = %s", r->name, key,
                   path);
    secret_fini(&pem);
}

/* -- connections ---------------------------------------------------------- */

struct attempt {
    const struct config_upstream *upstream;
    bool refused; /* an address that the name must not lead to */
};

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct attempt *a = arg;

    (void)purpose;
    if (proxy_upstream_may_be_at(a->upstream, &address->addr))
        return socket(address->family, address->socktype | SOCK_CLOEXEC,
                      address->protocol);
    a->refused = true;
    return CURL_SOCKET_BAD;
}

static const struct {
    CURLcode code;
    const char *remedy;
} remedies[] = {
    {CURLE_COULDNT_RESOLVE_HOST, "See its name, and the name servers"},
    {CURLE_COULDNT_CONNECT, "Start the server, or correct upstream"},
    {CURLE_OPERATION_TIMEDOUT, "See the server, and packet filters before it"},
    {CURLE_PEER_FAILED_VERIFICATION,
     "See the server's certificate, and upstream_ca"},
    {CURLE_SSL_CACERT_BADFILE, "See upstream_ca"},
    {CURLE_SSL_CERTPROBLEM, "See upstream_certificate and upstream_key"},
};

static const char *
remedy_of(CURLcode code)
{
    for (size_t i = 0; i < ARRAY_COUNT(remedies); i++) {
        if (remedies[i].code == code)
            return remedies[i].remedy;
    }
    return "See the log of the server";
}

static void
say_upstream(struct doctor *d, const struct config_route *r,
             const struct attempt *a, CURLcode code, const char *text)
{
    const char *url = a->upstream->url;

    if (code == CURLE_OK)
        doctor_say(d, FINDING_OK, "route", NULL, "%s: %s %s", r->name, url,
                   a->upstream->tls
                       ? "can be connected to, and proves who it is"
                       : "can be connected to");
    else if (a->refused)
        doctor_say(d, FINDING_FAIL, "route",
                   "The address of such a server is written as a number",
                   "%s: %s leads to a link-local address or a metadata "
                   "service",
                   r->name, url);
    else
        doctor_say(d, FINDING_FAIL, "route", remedy_of(code), "%s: %s: %s",
                   r->name, url, text);
}

/* With the settings of gateway/proxy/easy.c, as far as they are about who may
 * be connected to. */
static void
look_at_upstream(struct doctor *d, const struct config_route *r,
                 const struct config_upstream *u)
{
    struct attempt a = {.upstream = u};
    char url[CONFIG_HOST_SIZE + 32], text[CURL_ERROR_SIZE] = "";
    bool ipv6 = strchr(u->host, ':') != NULL;
    CURL *e = curl_easy_init();
    CURLcode code;

    if (e == NULL)
        return;
    snprintf(url, sizeof(url), "%s://%s%s%s:%u/", u->tls ? "https" : "http",
             ipv6 ? "[" : "", u->host, ipv6 ? "]" : "",
             u->unix_path != NULL ? 80u : (unsigned)u->port);
    curl_easy_setopt(e, CURLOPT_URL, url);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, text);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, CONNECT_TIMEOUT_MS);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, u->unix_path);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, &a);
    if (r->upstream_ca != NULL) {
        curl_easy_setopt(e, CURLOPT_CAINFO, r->upstream_ca);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(e, CURLOPT_SSLCERT, r->upstream_certificate);
    curl_easy_setopt(e, CURLOPT_SSLKEY, r->upstream_key);
    code = curl_easy_perform(e);
    say_upstream(d, r, &a, code,
                 text[0] != '\0' ? text : curl_easy_strerror(code));
    curl_easy_cleanup(e);
}

void
doctor_routes(struct doctor *d)
{
    for (size_t i = 0; i < d->config->route_count; i++) {
        const struct config_route *r = &d->config->routes[i];

        look_at_file(d, r, "upstream_ca", r->upstream_ca,
                     http_tls_check_certificate);
        look_at_file(d, r, "upstream_certificate", r->upstream_certificate,
                     http_tls_check_certificate);
        look_at_file(d, r, "upstream_key", r->upstream_key,
                     http_tls_check_key);
        for (size_t j = 0; j < r->upstream_count; j++)
            look_at_upstream(d, r, &r->upstreams[j]);
    }
}
