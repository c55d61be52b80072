#include "gateway/server/request.h"

#include <stdio.h>

/* -- admit: what this kind of listener may be told ------------------------ */

/* Signs of a proxy on a listener that serves its own machine (threat 42). */
static const char *const proxy_signs[] = {"Via", "Forwarded", "X-Forwarded-",
                                          "X-Real-IP", "X-Nsgate-"};

static const char *
local_refusal(const struct request *r)
{
    for (size_t i = 0; i < ARRAY_COUNT(proxy_signs); i++) {
        if (http_request_header_prefix(r->http, proxy_signs[i]))
            return "a proxy in front of a listener with channel = local";
    }
    return NULL;
}

static bool
secret_matches(const struct request *r)
{
    const struct buf *secret = &r->listener->secret;
    struct span given = http_request_header(r->http, "X-Nsgate-Proxy-Secret");

    if (secret->length == 0)
        return r->listener->config->secret_file == NULL;
    if (http_request_header_count(r->http, "X-Nsgate-Proxy-Secret") != 1)
        return false;
    return span_equal_secret(given, buf_span(secret));
}

/* Parts of the names of suites without encryption, or with nobody at the
 * other end; OpenSSL calls the anonymous ones ADH and AECDH. */
static const struct span cipher_none[] = {
    {"null", 4},
    {"anon", 4},
    {"adh-", 4},
    {"aecdh-", 6},
};

static bool
cipher_is_none(struct span name)
{
    for (size_t at = 0; at < name.length; at++) {
        struct span rest = span_skip(name, at);

        for (size_t i = 0; i < ARRAY_COUNT(cipher_none); i++) {
            if (span_starts_nocase(rest, cipher_none[i]))
                return true;
        }
    }
    return false;
}

/* The declared headers of a trusted proxy (levels.md: each exactly once). */
static const char *
proxy_refusal(struct request *r)
{
    struct http_request *h = r->http;
    unsigned protocols = http_request_header_count(h, "X-Nsgate-Tls-Protocol");
    struct span protocol = http_request_header(h, "X-Nsgate-Tls-Protocol");
    struct span client = http_request_header(h, "X-Nsgate-Client-Addr");

    r->channel = CHANNEL_PROXY_CLEARTEXT;
    if (!secret_matches(r))
        return "the proxy's secret is missing or wrong";
    if (http_request_header_count(h, "X-Nsgate-Client-Addr") != 1 ||
        client.length == 0)
        return "the proxy does not say X-Nsgate-Client-Addr exactly once";
    if (protocols > 1 ||
        http_request_header_count(h, "X-Nsgate-Tls-Cipher") > 1)
        return "the proxy says X-Nsgate-Tls-Protocol or -Cipher twice";
    snprintf(r->client, sizeof(r->client), "%.*s via %s",
             (int)(client.length < 48 ? client.length : 48), client.data,
             http_request_peer(h)->text);
    if (protocols == 0)
        return NULL;
    if (!span_equal(protocol, SPAN("TLSv1.2")) &&
        !span_equal(protocol, SPAN("TLSv1.3")))
        return "X-Nsgate-Tls-Protocol is neither TLSv1.2 nor TLSv1.3";
    if (!cipher_is_none(http_request_header(h, "X-Nsgate-Tls-Cipher")))
        r->channel = CHANNEL_PROXY_TLS;
    return NULL;
}

static enum channel_kind
local_kind(const struct request *r)
{
    const struct config_listener *c = r->listener->config;
    const struct http_peer *peer = http_request_peer(r->http);

    for (size_t i = 0; peer->uid_known && i < c->local_user_count; i++) {
        if (c->local_uids[i] == peer->uid)
            return CHANNEL_LOCAL;
    }
    return CHANNEL_LOCAL_UNLISTED;
}

/* Sets r->channel; the reason of a 400, or NULL. */
static const char *
channel_admit(struct request *r)
{
    enum listener_channel kind = r->listener->config->channel;

    if (kind == LISTENER_CHANNEL_PROXY)
        return proxy_refusal(r);
    if (kind == LISTENER_CHANNEL_LOCAL) {
        r->channel = local_kind(r);
        return local_refusal(r);
    }
    if (kind == LISTENER_CHANNEL_ASSERTED)
        r->channel = CHANNEL_ASSERTED;
    else if (http_request_tls(r->http) != NULL)
        r->channel = CHANNEL_TLS;
    if (http_request_header_prefix(r->http, "X-Nsgate-"))
        return "X-Nsgate headers on a listener that is no proxy's";
    return NULL;
}

enum step_result
step_admit(struct request *r)
{
    const char *problem;

    snprintf(r->client, sizeof(r->client), "%s",
             http_request_peer(r->http)->text);
    problem = channel_admit(r);
    if (problem == NULL &&
        !http_target_parse(http_request_target(r->http), &r->target))
        problem = "the request target is not in canonical form";
    if (problem == NULL)
        return STEP_NEXT;
    atomic_fetch_add_explicit(&r->worker->counters->malformed, 1,
                              memory_order_relaxed);
    record_event(r, EVENT_REQUEST_MALFORMED, "malformed", problem, NULL);
    answer_malformed(r, problem);
    return STEP_DONE;
}
