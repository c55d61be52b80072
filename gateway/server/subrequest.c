/*
 * /auth: the decision alone, for nginx's auth_request.  What is asked about is
 * in two headers, and nothing is forwarded.
 */
#include <string.h>

#include "gateway/server/request.h"

#define AUTH_PATH   "/auth"
#define LOGOUT_PATH "/auth/logout"

static enum step_result
refuse(struct request *r, const char *detail)
{
    r->reason = "no-route";
    atomic_fetch_add_explicit(&r->worker->counters->denied, 1,
                              memory_order_relaxed);
    record_event(r, EVENT_ACCESS_REFUSED, r->reason, detail, NULL);
    answer_problem(r, 403, "access-denied", "Access denied", detail, 0, NULL);
    return STEP_DONE;
}

/* As it stands, so that nginx and the gateway mean the same. */
static bool
is_canonical(struct span uri, struct http_target *out)
{
    struct buf normal = BUF_INIT;
    struct span query, path = span_cut(uri, '?', &query);
    bool ok = http_target_parse(uri, out) &&
              proxy_target_normalize(path, &normal) &&
              span_equal(path, buf_span(&normal));

    buf_fini(&normal);
    return ok;
}

static enum step_result
subrequest_route(struct request *r)
{
    struct span uri = http_request_header(r->http, "X-Original-URI");
    struct span method = http_request_header(r->http, "X-Original-Method");
    struct proxy_route_miss miss = {0};
    struct http_target target;
    char name[16];

    if (http_request_header_count(r->http, "X-Original-URI") != 1 ||
        http_request_header_count(r->http, "X-Original-Method") != 1 ||
        method.length == 0 || method.length >= sizeof(name))
        return refuse(r, "X-Original-URI and X-Original-Method must be there"
                         " exactly once");
    memcpy(name, method.data, method.length);
    name[method.length] = '\0';
    if (!is_canonical(uri, &target))
        return refuse(r, "X-Original-URI is not in canonical form");
    if (r->worker->proxy != NULL)
        r->forward.route = proxy_route_find(
            r->worker->proxy, (struct span){target.path, target.path_length},
            http_request_header(r->http, "Host"), name, &miss);
    if (miss.two_ways)
        return refuse(r, "X-Original-URI could be read in two ways");
    r->operation = forward_operation(name);
    if (r->forward.route == NULL || r->operation == OPERATION_NONE)
        return refuse(r, "no route has this path and method");
    if (proxy_route_config(r->forward.route)->protocol != ROUTE_HTTP)
        return refuse(r, "what requests of this route are about is in their"
                         " bodies, which nobody shows here");
    r->resource = RESOURCE_SUBREQUEST;
    r->route.namespace = proxy_route_config(r->forward.route)->namespace;
    return STEP_NEXT;
}

bool
subrequest_is_path(struct span path)
{
    return span_equal(path, SPAN(AUTH_PATH)) ||
           span_equal(path, SPAN(LOGOUT_PATH));
}

enum step_result
subrequest_find(struct request *r)
{
    struct span path = {r->target.path, r->target.path_length};

    if (span_equal(path, SPAN(LOGOUT_PATH))) {
        r->resource = RESOURCE_LOGOUT;
        r->operation = OPERATION_WRITE;
        return STEP_NEXT;
    }
    if (r->listener->config->channel != LISTENER_CHANNEL_PROXY) {
        r->reason = "no-such-resource";
        answer_problem(r, 404, "not-found", "Not found",
                       "There is no such resource on this listener.", 0, NULL);
        return STEP_DONE;
    }
    return subrequest_route(r);
}

enum step_result
subrequest_act(struct request *r)
{
    const struct http_header headers[] = {
        {"X-Remote-User", r->auth.principal},
        {"X-Remote-Realm", r->auth.realm},
        {"X-Nsgate-Level", authn_level_name(r->decision.effective)},
        {"X-Request-Id", r->id},
    };

    atomic_fetch_add_explicit(&r->worker->counters->allowed, 1,
                              memory_order_relaxed);
    answer_send(r, 200, NULL, (struct span){NULL, 0}, NULL, headers,
                ARRAY_COUNT(headers));
    return STEP_DONE;
}
