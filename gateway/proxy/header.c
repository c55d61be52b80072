#include <string.h>

#include "gateway/proxy/proxy.h"

/* RFC 9110 7.6.1, and what older software takes for such. */
static const char *const hop_by_hop[] = {"Connection",
                                         "Keep-Alive",
                                         "Proxy-Authenticate",
                                         "TE",
                                         "Proxy-Connection",
                                         "Proxy-Authorization",
                                         "Trailer",
                                         "Transfer-Encoding",
                                         "Upgrade",
                                         "HTTP2-Settings"};

/* Made anew for each hop. */
static const char *const ours[] = {"Host", "Content-Length", "Expect",
                                   "Max-Forwards"};

/* Whole names, and the beginnings of names, that some server somewhere reads
 * as "this is who it is". */
static const char *const identities[] = {
    "Remote-User",    "Via",
    "Forwarded",      "X-Real-IP",
    "True-Client-IP", "From",
    "Proxy",          "X-Http-Method-Override",
    "X-Http-Method",  "X-Method-Override",
    "X-Original-URL", "X-Rewrite-URL",
    "X-Original-URI", "X-Original-Method",
    "X-Request-Id",   "Client-Cert",
    "X-Forwarded",    "X-Original-Host",
    "X-Host",         "Client-Cert-Chain"};
static const char *const identity_prefixes[] = {"X-Remote-",
                                                "X-Forwarded-",
                                                "X-Nsgate-",
                                                "X-Auth",
                                                "X-User",
                                                "X-Client-",
                                                "X-SSL-",
                                                "SSL-",
                                                "X-Webauth-",
                                                "X-Email",
                                                "X-Groups",
                                                "X-Principal",
                                                "X-Kerberos-",
                                                "Remote-",
                                                "X-MS-Client-Principal",
                                                "X-Impersonat",
                                                "Impersonate-",
                                                "Cf-Access-",
                                                "X-Goog-",
                                                "X-Amzn-Oidc-",
                                                "X-Trusted-",
                                                "X-Proxy-",
                                                "X-Cluster-Client",
                                                "X-Envoy-"};

/* Of an answer: challenges are for the gateway, and the rest would be obeyed
 * by a server in front of it. */
static const char *const answer_private[] = {
    "WWW-Authenticate",  "Authentication-Info",  "Proxy-Authentication-Info",
    "Content-Length",    "X-Sendfile",           "Clear-Site-Data",
    "Alt-Svc",           "X-Lighttpd-Send-File", "X-Reproxy-URL",
    "Surrogate-Control", "Edge-Control"};
static const char *const answer_private_prefixes[] = {"X-Accel-", "X-Nsgate-",
                                                      "Nsgate-"};

static bool
is_one_of(struct span name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal_nocase(name, span_of(names[i])))
            return true;
    }
    return false;
}

static bool
begins_with(struct span name, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_starts_nocase(name, span_of(prefixes[i])))
            return true;
    }
    return false;
}

/* Whether a Connection field's list has it. */
static bool
is_nominated(struct span name, struct span connection)
{
    while (connection.data != NULL) {
        struct span one = span_trim(span_cut(connection, ',', &connection));

        if (span_equal_nocase(one, name))
            return true;
    }
    return false;
}

void
proxy_connection_list(const struct proxy_field *fields, size_t count,
                      struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        if (!span_equal_nocase(fields[i].name, SPAN("Connection")))
            continue;
        if (out->length > 0)
            buf_add_char(out, ',');
        buf_add_span(out, fields[i].value);
    }
}

/* Some servers make '_' of every other byte: X.Remote.User is read as
 * X-Remote-User (CGI, RFC 3875 4.1.18). */
static bool
is_unmistakable(struct span name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];

        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-')
            return false;
    }
    return true;
}

bool
proxy_request_field_passes(struct span name, struct span connection,
                           bool forward_token)
{
    if (span_equal_nocase(name, SPAN("Authorization")))
        return forward_token;
    return is_unmistakable(name) &&
           !is_one_of(name, hop_by_hop, ARRAY_COUNT(hop_by_hop)) &&
           !is_one_of(name, ours, ARRAY_COUNT(ours)) &&
           !is_one_of(name, identities, ARRAY_COUNT(identities)) &&
           !begins_with(name, identity_prefixes,
                        ARRAY_COUNT(identity_prefixes)) &&
           !is_nominated(name, connection);
}

/* The gateway's session (RFC 6265 5.4 writes them so). */
void
proxy_cookie_strip(struct span value, struct buf *out)
{
    while (value.data != NULL) {
        struct span pair = span_trim(span_cut(value, ';', &value)), rest;

        if (pair.length == 0 ||
            span_equal(span_trim(span_cut(pair, '=', &rest)),
                       SPAN("__Host-nsgate")))
            continue;
        if (out->length > 0)
            buf_add_string(out, "; ");
        buf_add_span(out, pair);
    }
}

/* CDN-Cache-Control (RFC 9213) and the like, for one kind of cache. */
static bool
is_targeted(struct span name)
{
    struct span end = SPAN("-Cache-Control");

    return name.length >= end.length &&
           span_equal_nocase(span_skip(name, name.length - end.length), end);
}

bool
proxy_answer_field_passes(struct span name, struct span connection)
{
    return !is_one_of(name, hop_by_hop, ARRAY_COUNT(hop_by_hop)) &&
           !is_one_of(name, answer_private, ARRAY_COUNT(answer_private)) &&
           !begins_with(name, answer_private_prefixes,
                        ARRAY_COUNT(answer_private_prefixes)) &&
           !is_targeted(name) && !is_nominated(name, connection);
}
