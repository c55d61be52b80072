#include "gateway/ctl/client.h"

#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

/* What the callbacks of one transfer fill. */
struct transfer {
    struct client_response *response;
    bool too_much;
};

static int
out_of_memory(struct error *err)
{
    return error_set(err, "out of memory");
}

int
client_url_parse(const char *url, char *host_out, size_t host_max,
                 bool *tls_out, struct error *err)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL;
    size_t length;
    int result = -1;

    if (u == NULL)
        return out_of_memory(err);
    if (curl_url_set(u, CURLUPART_URL, url, CURLU_PATH_AS_IS) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
    {
        error_set(err, "'%s' is no http or https URL", url);
        goto out;
    }
    length = strlen(host);
    if (length > 2 && host[0] == '[') {
        memmove(host, host + 1, length - 2);
        length -= 2;
        host[length] = '\0';
    }
    if (length >= host_max) {
        error_set(err, "the host name in the URL is too long");
        goto out;
    }
    memcpy(host_out, host, length + 1);
    *tls_out = strcmp(scheme, "https") == 0;
    result = 0;
out:
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(u);
    return result;
}

/* One part, absent allowed; false: it is there and does not fit. */
static bool
url_part(CURLU *u, CURLUPart part, unsigned flags, char *out, size_t max)
{
    char *text = NULL;
    bool fits = true;

    out[0] = '\0';
    if (curl_url_get(u, part, &text, flags) == CURLUE_OK) {
        fits = strlen(text) < max;
        if (fits)
            memcpy(out, text, strlen(text) + 1);
    }
    curl_free(text);
    return fits;
}

static bool
url_port(const char *text, uint16_t *out)
{
    unsigned long n = strtoul(text, NULL, 10);

    *out = (uint16_t)n;
    return text[0] != '\0' && n <= UINT16_MAX;
}

int
client_url_split(const char *url, struct client_url *out, struct error *err)
{
    char user[8], fragment[8], port[8], query[1024];
    CURLU *u;
    bool good;

    memset(out, 0, sizeof(*out));
    if (client_url_parse(url, out->host, sizeof(out->host), &out->tls, err) !=
        0)
        return -1;
    u = curl_url();
    if (u == NULL)
        return out_of_memory(err);
    good =
        curl_url_set(u, CURLUPART_URL, url, CURLU_PATH_AS_IS) == CURLUE_OK &&
        url_part(u, CURLUPART_USER, 0, user, sizeof(user)) &&
        user[0] == '\0' &&
        url_part(u, CURLUPART_FRAGMENT, 0, fragment, sizeof(fragment)) &&
        fragment[0] == '\0' &&
        url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)) &&
        url_port(port, &out->port) &&
        url_part(u, CURLUPART_PATH, 0, out->target,
                 sizeof(out->target) - sizeof(query)) &&
        url_part(u, CURLUPART_QUERY, 0, query, sizeof(query) - 1);
    curl_url_cleanup(u);
    if (!good)
        return error_set(
            err, "'%s' has a user, a fragment, or too long a part", url);
    if (query[0] != '\0') {
        strcat(out->target, "?");
        strcat(out->target, query);
    }
    return 0;
}

static size_t
take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t length = size * count;

    if (t->response->body.length + length > CLIENT_BODY_MAX) {
        t->too_much = true;
        return 0;
    }
    buf_add(&t->response->body, bytes, length);
    return buf_failed(&t->response->body) ? 0 : length;
}

static void
headers_clear(struct client_response *response)
{
    for (size_t i = 0; i < response->header_count; i++) {
        free(response->headers[i].name);
        free(response->headers[i].value);
    }
    response->header_count = 0;
}

bool
client_response_add(struct client_response *response, struct span name,
                    struct span value)
{
    struct client_header *h;

    if (response->headers == NULL)
        response->headers =
            calloc(CLIENT_HEADERS_MAX, sizeof(*response->headers));
    if (response->headers == NULL ||
        response->header_count == CLIENT_HEADERS_MAX)
        return false;
    h = &response->headers[response->header_count];
    h->name = strndup(name.data, name.length);
    h->value = strndup(value.data, value.length);
    if (h->name == NULL || h->value == NULL) {
        free(h->name);
        free(h->value);
        return false;
    }
    for (char *p = h->name; *p != '\0'; p++)
        *p = ascii_lower(*p);
    response->header_count++;
    return true;
}

/* A status line begins a new answer: what a 100 Continue said is dropped. */
static size_t
take_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    struct span line = {bytes, size * count}, name, value;

    if (span_starts_nocase(line, SPAN("HTTP/"))) {
        headers_clear(t->response);
        return line.length;
    }
    while (line.length > 0 && (line.data[line.length - 1] == '\n' ||
                               line.data[line.length - 1] == '\r'))
        line.length--;
    name = span_cut(line, ':', &value);
    if (value.data != NULL && name.length > 0 &&
        !client_response_add(t->response, name, span_trim(value)))
        return 0;
    return size * count;
}

/* curl's own list of a chain: the first certificate is the server's. */
static void
take_certificate(CURL *curl, struct buf *pem)
{
    struct curl_certinfo *info = NULL;

    buf_reset(pem);
    if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK ||
        info == NULL || info->num_of_certs < 1)
        return;
    for (struct curl_slist *s = info->certinfo[0]; s != NULL; s = s->next)
        if (strncmp(s->data, "Cert:", 5) == 0)
            buf_add_string(pem, s->data + 5);
}

static CURL *
handle_new(const struct client_request *request, char error_text[])
{
    CURL *curl = curl_easy_init();

    if (curl == NULL)
        return NULL;
    error_text[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (request->unix_path != NULL)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, request->unix_path);
    if (request->cacert != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, request->cacert);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    return curl;
}

static int
transfer_failed(CURLcode code, const char *error_text, const char *cacert,
                struct error *err)
{
    const char *text =
        error_text[0] != '\0' ? error_text : curl_easy_strerror(code);

    if (code == CURLE_PEER_FAILED_VERIFICATION &&
        strstr(text, "does not match") == NULL)
        return error_set(err, "%s (--cacert FILE names certificates to trust)",
                         text);
    if (code == CURLE_SSL_CACERT_BADFILE && cacert != NULL)
        return error_set(err, "%s: %s", cacert, text);
    return error_set(err, "%s", text);
}

int
client_certificate(const struct client_request *request, struct buf *pem,
                   struct error *err)
{
    char error_text[CURL_ERROR_SIZE];
    CURL *curl = handle_new(request, error_text);
    CURLcode code;
    int result = -1;

    if (curl == NULL)
        return out_of_memory(err);
    curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        transfer_failed(code, error_text, request->cacert, err);
        goto out;
    }
    take_certificate(curl, pem);
    if (pem->length == 0 || buf_failed(pem))
        error_set(err, "the server's certificate could not be read");
    else
        result = 0;
out:
    curl_easy_cleanup(curl);
    return result;
}

static bool
list_add(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

/* The caller's, and none of those that curl would add to a body. */
static bool
set_headers(CURL *curl, const struct client_request *request,
            struct curl_slist **list)
{
    bool typed = false;

    for (size_t i = 0; i < request->header_count; i++) {
        if (!list_add(list, request->headers[i]))
            return false;
        typed |= span_starts_nocase(span_of(request->headers[i]),
                                    SPAN("Content-Type:"));
    }
    if (!typed && !list_add(list, "Content-Type:"))
        return false;
    if (!list_add(list, "Expect:"))
        return false;
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *list);
    return true;
}

/* A method that usually has a body says Content-Length: 0 without one. */
static void
set_method(CURL *curl, const struct client_request *request)
{
    static const char *const with_body[] = {"POST", "PUT", "PATCH"};
    const char *body = request->body;

    for (size_t i = 0; i < ARRAY_COUNT(with_body) && body == NULL; i++)
        if (strcmp(request->method, with_body[i]) == 0)
            body = "";
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)strlen(body));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

int
client_send(const struct client_request *request,
            struct client_response *response, struct error *err)
{
    char error_text[CURL_ERROR_SIZE];
    struct transfer t = {response, false};
    struct curl_slist *headers = NULL;
    CURL *curl = handle_new(request, error_text);
    CURLcode code;
    int result = -1;

    memset(response, 0, sizeof(*response));
    if (curl == NULL || !set_headers(curl, request, &headers)) {
        out_of_memory(err);
        goto out;
    }
    set_method(curl, request);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &t);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &t);
    code = curl_easy_perform(curl);
    if (t.too_much) {
        error_set(err, "the answer is longer than %u MiB",
                  CLIENT_BODY_MAX >> 20);
        goto out;
    }
    if (code != CURLE_OK) {
        transfer_failed(code, error_text, request->cacert, err);
        goto out;
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response->status);
    take_certificate(curl, &response->certificate);
    result = 0;
out:
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (result != 0)
        client_response_fini(response);
    return result;
}

void
client_response_fini(struct client_response *response)
{
    headers_clear(response);
    free(response->headers);
    buf_fini(&response->body);
    buf_fini(&response->certificate);
    memset(response, 0, sizeof(*response));
}

const char *
client_header(const struct client_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (strcmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    return NULL;
}
