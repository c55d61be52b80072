/* The head of an upstream's answer. */
#include <stdlib.h>
#include <string.h>

#include "gateway/proxy/transfer.h"

struct head {
    struct proxy_transfer *transfer;
    int status;
    size_t count, passed;
    struct proxy_field fields[PROXY_ANSWER_FIELDS_MAX];
};

static bool
is_token(struct span s)
{
    for (size_t i = 0; i < s.length; i++) {
        char c = s.data[i];

        if (!ascii_is_alpha(c) && !ascii_is_digit(c) &&
            (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return s.length > 0;
}

static bool
is_value(struct span s)
{
    for (size_t i = 0; i < s.length; i++) {
        unsigned char c = (unsigned char)s.data[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* "HTTP/1.1 200 OK"; 0: it is none. */
static int
parse_status(struct span line)
{
    struct span rest, version = span_cut(line, ' ', &rest);
    int status = 0;

    if (!span_equal(version, SPAN("HTTP/1.1")) &&
        !span_equal(version, SPAN("HTTP/1.0")))
        return 0;
    if (rest.length < 3 || (rest.length > 3 && rest.data[3] != ' '))
        return 0;
    for (size_t i = 0; i < 3; i++) {
        if (!ascii_is_digit(rest.data[i]))
            return 0;
        status = status * 10 + (rest.data[i] - '0');
    }
    return status >= 100 && status <= 599 ? status : 0;
}

/* A line that begins with white space (RFC 9112 5.2) has no name. */
static bool
parse_field(struct head *h, struct span line)
{
    struct span value, name = span_cut(line, ':', &value);

    if (h->count == PROXY_ANSWER_FIELDS_MAX || value.data == NULL ||
        !is_token(name))
        return false;
    value = span_trim(value);
    if (!is_value(value))
        return false;
    h->fields[h->count++] = (struct proxy_field){name, value};
    return true;
}

static bool
parse_lines(struct head *h)
{
    struct span rest = buf_span(&h->transfer->lines);
    bool first = true;

    while (rest.length > 0) {
        struct span line = span_cut(rest, '\n', &rest);

        if (first)
            h->status = parse_status(line);
        else if (!parse_field(h, line))
            return false;
        first = false;
    }
    return h->status != 0;
}

/* -- Location ------------------------------------------------------------- */

/* What follows the upstream's own origin; absent: it names another. */
static struct span
location_path(const struct config_upstream *u, struct span value)
{
    struct buf origin = BUF_INIT;
    struct span none = {NULL, 0}, path = none;
    bool ipv6 = strchr(u->host, ':') != NULL;

    if (value.length > 0 && value.data[0] == '/')
        return value;
    buf_addf(&origin, "%s://%s%s%s", u->tls ? "https" : "http",
             ipv6 ? "[" : "", u->host, ipv6 ? "]" : "");
    if (!buf_failed(&origin) && span_starts_nocase(value, buf_span(&origin))) {
        struct span port;

        path = span_skip(value, origin.length);
        if (path.length > 0 && path.data[0] == ':') {
            span_cut(span_skip(path, 1), '/', &port);
            path = port.data != NULL
                       ? span_skip(path, (size_t)(port.data - 1 - path.data))
                       : none;
        }
        if (path.length > 0 && path.data[0] != '/')
            path = none;
    }
    buf_fini(&origin);
    return path;
}

/* An address at the upstream is one here: the base is the route's path. */
static void
location_rewrite(struct proxy_transfer *t, struct span *value)
{
    const struct config_upstream *u = t->upstream->config;
    struct span path = location_path(u, *value);
    struct span base = span_of(u->base);

    if (path.data == NULL || path.length == 0 ||
        (path.length > 1 && path.data[1] == '/'))
        return;
    buf_reset(&t->location);
    if (base.data != NULL) {
        if (path.length < base.length ||
            memcmp(path.data, base.data, base.length) != 0)
            return;
        buf_add_string(&t->location, t->route->config->path);
        path = span_skip(path, base.length);
    }
    buf_add_span(&t->location, path);
    if (!buf_failed(&t->location))
        *value = buf_span(&t->location);
}

/* -- the head as a whole -------------------------------------------------- */

/* An upstream that sets the gateway's session, also as the value of a cookie
 * without a name, which a browser sends back alike. */
static bool
is_own_cookie(const struct proxy_field *f)
{
    struct span text = f->value;

    while (text.length > 0 && (text.data[0] == '=' || text.data[0] == ' ' ||
                               text.data[0] == '\t'))
        text = span_skip(text, 1);
    return span_equal_nocase(f->name, SPAN("Set-Cookie")) &&
           span_starts_nocase(text, SPAN("__Host-nsgate"));
}

static void
filter(struct head *h)
{
    struct buf connection = BUF_INIT, *caching = &h->transfer->caching;
    struct span list;
    bool restricted = false;

    buf_reset(caching);
    caching_restrict(h->fields, h->count, caching);

    proxy_connection_list(h->fields, h->count, &connection);
    list =
        connection.length > 0 ? buf_span(&connection) : (struct span){NULL, 0};
    for (size_t i = 0; i < h->count; i++) {
        struct proxy_field *f = &h->fields[i];

        if (f->value.length == 0 || is_own_cookie(f) ||
            !proxy_answer_field_passes(f->name, list))
            continue;
        if (span_equal_nocase(f->name, SPAN("Location")))
            location_rewrite(h->transfer, &f->value);
        if (span_equal_nocase(f->name, SPAN("Cache-Control"))) {
            if (restricted)
                continue;
            f->value = buf_span(caching);
            restricted = true;
        }
        h->fields[h->passed++] = *f;
    }
    if (buf_failed(&connection) || buf_failed(caching))
        h->passed = 0;
    buf_fini(&connection);
}

static bool
say_head(struct head *h)
{
    struct proxy_transfer *t = h->transfer;
    curl_off_t length = -1;
    struct proxy_answer answer = {.fields = h->fields};

    if (!sign_verify(t, h->status, h->fields, h->count))
        return false;
    filter(h);
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    answer.status = h->status;
    answer.field_count = h->passed;
    answer.has_length = t->has_length = length >= 0;
    answer.length = t->length = length >= 0 ? (uint64_t)length : 0;
    t->head_said = true;
    t->handlers.head(t->handlers.arg, &answer);
    return !t->freed;
}

/* An interim answer has no body and must not say how long one is (RFC 9110
 * 8.6); 101 would make something else of the connection. */
static bool
is_interim_good(const struct head *h)
{
    if (h->status == 101)
        return false;
    for (size_t i = 0; i < h->count; i++) {
        if (span_equal_nocase(h->fields[i].name, SPAN("Content-Length")) ||
            span_equal_nocase(h->fields[i].name, SPAN("Transfer-Encoding")))
            return false;
    }
    return true;
}

/* An empty line: one more head, of which those below 200 are no answers. */
static bool
head_end(struct proxy_transfer *t)
{
    struct head *h = calloc(1, sizeof(*h));
    bool ok = h != NULL;

    if (!ok)
        return false;
    h->transfer = t;
    ok = parse_lines(h) && framing_is_plain(h->fields, h->count) &&
         (h->status >= 200 || is_interim_good(h));
    t->head_bad = !ok;
    if (ok && h->status >= 200)
        ok = say_head(h);
    free(h);
    buf_reset(&t->lines);
    return ok;
}

size_t
answer_line(char *bytes, size_t size, size_t count, void *arg)
{
    struct proxy_transfer *t = arg;
    struct span line = {bytes, size * count};

    t->head_bytes += line.length;
    if (t->freed || t->head_bytes > t->route->config->answer_header_max) {
        t->head_bad = true;
        return 0;
    }
    if (t->head_said) /* trailers end here */
        return size * count;
    if (line.length > 0 && line.data[line.length - 1] == '\n')
        line.length--;
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    if (line.length == 0)
        return head_end(t) ? size * count : 0;
    buf_add_span(&t->lines, line);
    buf_add_char(&t->lines, '\n');
    return buf_failed(&t->lines) ? 0 : size * count;
}
