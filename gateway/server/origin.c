/*
 * Requests that a browser makes for somebody else's page (threat 14): it adds
 * the ticket or the cookie by itself, so that whoever made the page would act
 * as the user.  Browsers say whose page it is; other clients say nothing.
 */
#include <string.h>

#include "gateway/server/request.h"

/* The port that clients know is the proxy's, if there is one. */
static bool
is_own_name(const struct request *r, struct span authority)
{
    const struct config *c = r->worker->boot->config;
    struct span port, host = span_cut(authority, ':', &port);

    for (size_t i = 0; i < c->acceptor_count; i++) {
        const char *name = strchr(c->acceptors[i], '@');

        if (name != NULL && span_equal_nocase(host, span_of(name + 1)))
            return r->listener->config->channel == LISTENER_CHANNEL_PROXY;
    }
    return false;
}

/* "https://host[:port]" of this gateway, as the client named it (in Host, of
 * which a browser makes no other) or behind a proxy by one of its names; http
 * is another site than https. */
static bool
is_own_origin(const struct request *r, struct span origin)
{
    bool tls = r->channel == CHANNEL_TLS || r->channel == CHANNEL_PROXY_TLS;
    struct span scheme = tls ? SPAN("https://") : SPAN("http://");
    struct span authority;

    if (!span_starts_nocase(origin, scheme))
        return false;
    authority = span_skip(origin, scheme.length);
    return span_equal_nocase(authority, request_header(r, "Host")) ||
           is_own_name(r, authority);
}

static bool
is_cross_site(const struct request *r)
{
    struct span site = request_header(r, "Sec-Fetch-Site");
    struct span origin = request_header(r, "Origin");

    if (request_header_count(r, "Sec-Fetch-Site") > 1 ||
        request_header_count(r, "Origin") > 1)
        return true;
    if (site.data != NULL && !span_equal_nocase(site, SPAN("same-origin")) &&
        !span_equal_nocase(site, SPAN("none")))
        return true;
    return origin.data != NULL && !is_own_origin(r, origin);
}

enum step_result
step_origin(struct request *r)
{
    if (r->operation != OPERATION_WRITE || !is_cross_site(r))
        return r->resource == RESOURCE_LOGOUT ? session_logout(r) : STEP_NEXT;
    r->reason = "cross-site";
    atomic_fetch_add_explicit(&r->worker->counters->denied, 1,
                              memory_order_relaxed);
    record_event(r, EVENT_ACCESS_REFUSED, r->reason,
                 "a browser sent it for a page of another site",
                 "Requests that change something come from pages of this"
                 " gateway, or from clients that are no browsers.");
    answer_problem(r, 403, "cross-site", "Access denied",
                   "A page of another site may not change anything here.",
                   0x80041003, "WBEM_E_ACCESS_DENIED");
    return STEP_DONE;
}
