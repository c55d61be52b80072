/* Where a client wants its result: a URL that has one meaning (threat 28). */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "gateway/callback/callback.h"

#define HTTPS_PORT 443
#define HTTP_PORT  80

struct parts {
    bool tls;
    struct span host; /* an IPv6 address with its brackets */
    struct span port; /* absent: the scheme's */
};

static int
check_characters(struct span url, struct error *err)
{
    for (size_t i = 0; i < url.length; i++) {
        char c = url.data[i];

        if (c == '#')
            return error_set(err, "a fragment has no place in it");
        /* Outside of RFC 3986's alphabet, and read differently by different
         * parsers: '\' is '/' to some. */
        if (c < 0x21 || c > 0x7e || strchr("\"<>\\^`{|}", c) != NULL)
            return error_set(err, "byte 0x%02x has no place in it",
                             (unsigned char)c);
    }
    return 0;
}

/* scheme://host[:port], by nobody's leave but RFC 3986's. */
static int
split(struct span url, struct parts *out, struct error *err)
{
    struct span rest, tail;

    out->tls = span_starts_nocase(url, SPAN("https://"));
    if (!out->tls && !span_starts_nocase(url, SPAN("http://")))
        return error_set(err, "must begin with https:// or http://");
    rest = span_skip(url, out->tls ? 8 : 7);
    rest = span_cut(span_cut(rest, '/', &tail), '?', &tail);
    if (memchr(rest.data, '@', rest.length) != NULL)
        return error_set(err, "a user has no place in it");
    if (memchr(rest.data, '%', rest.length) != NULL)
        return error_set(err, "its host must be written without '%%'");
    out->host = span_cut(rest, ':', &out->port);
    if (rest.length > 0 && rest.data[0] == '[') {
        struct span inside = span_cut(rest, ']', &out->port);

        out->host = (struct span){rest.data, inside.length + 1};
        if (out->port.data == NULL)
            return error_set(err, "its host is an address without ']'");
        if (out->port.length == 0)
            out->port = (struct span){NULL, 0};
        else if (out->port.data[0] != ':')
            return error_set(err, "its address is followed by no port");
        else
            out->port = span_skip(out->port, 1);
    }
    return 0;
}

static int
read_port(const struct parts *parts, uint16_t *out, struct error *err)
{
    struct span text = parts->port;
    unsigned n = 0;

    *out = parts->tls ? HTTPS_PORT : HTTP_PORT;
    if (text.data == NULL)
        return 0;
    for (size_t i = 0; i < text.length && i < 6; i++) {
        if (!ascii_is_digit(text.data[i]))
            return error_set(err, "its port is no number");
        n = n * 10 + (unsigned)(text.data[i] - '0');
    }
    if (text.length == 0 || text.data[0] == '0' || n > UINT16_MAX)
        return error_set(err, "its port must be a number from 1 to 65535");
    *out = (uint16_t)n;
    return 0;
}

/* A part as libcurl reads it; empty: there is none. */
static bool
get(CURLU *u, CURLUPart part, char *out, size_t size)
{
    char *text = NULL;
    CURLUcode rc = curl_url_get(u, part, &text, CURLU_DEFAULT_PORT);
    bool fits = rc == CURLUE_NO_QUERY || rc == CURLUE_NO_ZONEID ||
                rc == CURLUE_NO_USER;

    out[0] = '\0';
    if (rc == CURLUE_OK) {
        fits = strlen(text) < size;
        if (fits)
            memcpy(out, text, strlen(text) + 1);
    }
    curl_free(text);
    return fits;
}

/* Whether libcurl, which will connect, sees the host and the port that will
 * be judged. */
static bool
agrees(CURLU *u, const struct sink *sink)
{
    char scheme[16], host[CONFIG_HOST_SIZE], same[CONFIG_HOST_SIZE];
    char port[16], wanted[16], user[8], zone[8];

    snprintf(wanted, sizeof(wanted), "%u", sink->port);
    return get(u, CURLUPART_SCHEME, scheme, sizeof(scheme)) &&
           get(u, CURLUPART_HOST, host, sizeof(host)) &&
           get(u, CURLUPART_PORT, port, sizeof(port)) &&
           get(u, CURLUPART_USER, user, sizeof(user)) &&
           get(u, CURLUPART_ZONEID, zone, sizeof(zone)) &&
           strcmp(scheme, sink->tls ? "https" : "http") == 0 &&
           config_host_parse(span_of(host), same) &&
           strcmp(same, sink->host) == 0 && strcmp(port, wanted) == 0 &&
           user[0] == '\0' && zone[0] == '\0';
}

static int
put_together(CURLU *u, struct sink *sink, struct error *err)
{
    char path[SINK_URL_MAX + 1], query[SINK_URL_MAX + 1];
    bool ipv6 = strchr(sink->host, ':') != NULL;
    int length;

    if (!get(u, CURLUPART_PATH, path, sizeof(path)) ||
        !get(u, CURLUPART_QUERY, query, sizeof(query)) || path[0] != '/')
        return error_set(err, "its path cannot be read");
    length = snprintf(sink->url, sizeof(sink->url), "%s://%s%s%s:%u%s%s%s",
                      sink->tls ? "https" : "http", ipv6 ? "[" : "",
                      sink->host, ipv6 ? "]" : "", sink->port, path,
                      query[0] != '\0' ? "?" : "", query);
    if (length < 0 || (size_t)length >= sizeof(sink->url))
        return error_set(err, "longer than %d bytes", SINK_URL_MAX);
    return 0;
}

/* text: the URL, NUL-terminated. */
static int
read_with_curl(const char *text, struct sink *sink, struct error *err)
{
    CURLU *u = curl_url();
    int rc = -1;

    if (u == NULL)
        return error_set(err, "out of memory");
    if (curl_url_set(u, CURLUPART_URL, text, CURLU_DISALLOW_USER) !=
            CURLUE_OK ||
        !agrees(u, sink))
        error_set(err, "its host can be read in more than one way");
    else
        rc = put_together(u, sink, err);
    curl_url_cleanup(u);
    return rc;
}

static int
parse(struct span url, struct sink *out, struct error *err)
{
    char text[SINK_URL_MAX + 1];
    struct parts parts = {0};

    if (url.length == 0)
        return error_set(err, "empty");
    if (url.length > SINK_URL_MAX)
        return error_set(err, "longer than %d bytes", SINK_URL_MAX);
    if (check_characters(url, err) < 0 || split(url, &parts, err) < 0 ||
        read_port(&parts, &out->port, err) < 0)
        return -1;
    if (!config_host_parse(parts.host, out->host))
        return error_set(err, "its host must be a name, a dotted quad or an "
                              "IPv6 address in brackets");
    out->tls = parts.tls;
    memcpy(text, url.data, url.length);
    text[url.length] = '\0';
    return read_with_curl(text, out, err);
}

bool
sink_parse(struct span url, struct sink *out, struct error *err)
{
    memset(out, 0, sizeof(*out));
    if (parse(url, out, err) == 0)
        return true;
    memset(out, 0, sizeof(*out));
    return false;
}

/* -- the list -------------------------------------------------------------- */

/* Whether the host part of an entry names the sink's host. */
static bool
names_host(struct span entry, struct span host)
{
    size_t below;

    if (entry.length > 2 && entry.data[0] == '[')
        return span_equal((struct span){entry.data + 1, entry.length - 2},
                          host);
    if (entry.length <= 2 || entry.data[0] != '*' || entry.data[1] != '.')
        return span_equal(entry, host);
    /* ".example.com" at the end, and something before it. */
    entry = span_skip(entry, 1);
    if (host.length <= entry.length)
        return false;
    below = host.length - entry.length;
    return span_equal(span_skip(host, below), entry);
}

static bool
entry_names(const char *entry, const struct sink *sink)
{
    const char *colon = strrchr(entry, ':');
    struct span host = span_of(entry);
    char port[16];

    /* The last colon of "[2001:db8::7]" begins no port. */
    if (colon != NULL && strchr(colon, ']') != NULL)
        colon = NULL;
    if (colon == NULL)
        return sink->port == (sink->tls ? HTTPS_PORT : HTTP_PORT) &&
               names_host(host, span_of(sink->host));
    host.length = (size_t)(colon - entry);
    snprintf(port, sizeof(port), "%u", sink->port);
    return strcmp(colon + 1, port) == 0 &&
           names_host(host, span_of(sink->host));
}

bool
sink_is_listed(const struct config_callback *config, const struct sink *sink)
{
    for (size_t i = 0; i < config->sink_count; i++) {
        if (sink->host[0] != '\0' && entry_names(config->sinks[i], sink))
            return true;
    }
    return false;
}

const char *
sink_target(const struct sink *sink)
{
    const char *authority = strstr(sink->url, "://");
    const char *path = authority != NULL ? strchr(authority + 3, '/') : NULL;

    return path != NULL ? path : "/";
}
