/* Requests for the servers behind the gateway. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/server/identity.h"
#include "gateway/server/forward.h"

/* -- route ---------------------------------------------------------------- */

static enum step_result
forward_not_allowed(struct request *r, const struct config_route *route)
{
    struct buf methods = BUF_INIT;

    for (size_t i = 0; i < route->method_count; i++)
        buf_addf(&methods, "%s%s", i > 0 ? ", " : "", route->methods[i]);
    answer_method_not_allowed(
        r, methods.length > 0 && !buf_failed(&methods) ? methods.data : "");
    buf_fini(&methods);
    return STEP_DONE;
}

/* What OPTIONS tells is the server's, and so under its policy. */
static const struct {
    const char *method;
    enum operation_kind operation;
} operations[] = {
    {"GET", OPERATION_READ},     {"HEAD", OPERATION_READ},
    {"OPTIONS", OPERATION_READ}, {"POST", OPERATION_WRITE},
    {"PUT", OPERATION_WRITE},    {"PATCH", OPERATION_WRITE},
    {"DELETE", OPERATION_WRITE},
};

enum operation_kind
forward_operation(const char *method)
{
    for (size_t i = 0; i < ARRAY_COUNT(operations); i++) {
        if (strcmp(operations[i].method, method) == 0)
            return operations[i].operation;
    }
    return OPERATION_NONE;
}

static enum step_result
forward_two_ways(struct request *r)
{
    answer_malformed(r, "The path could be read in two ways.");
    return STEP_DONE;
}

enum step_result
forward_route(struct request *r)
{
    struct proxy_route_miss miss;
    struct span path = {r->target.path, r->target.path_length};

    if (r->worker->proxy == NULL)
        return STEP_NEXT;
    r->forward.route =
        proxy_route_find(r->worker->proxy, path, request_header(r, "Host"),
                         request_method(r), &miss);
    /* Without a server it is there for /auth alone. */
    if (r->forward.route != NULL &&
        proxy_route_config(r->forward.route)->upstream_count == 0)
        return STEP_NEXT;
    if (miss.two_ways)
        return forward_two_ways(r);
    if (r->forward.route == NULL)
        return miss.other != NULL ? forward_not_allowed(r, miss.other)
                                  : STEP_NEXT;
    buf_reset(&r->forward.target);
    if (!proxy_target_normalize(http_request_target(r->http),
                                &r->forward.target))
        return forward_two_ways(r);
    r->resource = RESOURCE_ROUTE;
    if (proxy_route_config(r->forward.route)->protocol != ROUTE_HTTP)
        return protocol_route(r);
    r->route.namespace = proxy_route_config(r->forward.route)->namespace;
    r->operation = forward_operation(request_method(r));
    return STEP_NEXT;
}

bool
forward_is_read(const struct request *r)
{
    return r->sealed.open ||
           (r->forward.route != NULL &&
            proxy_route_config(r->forward.route)->protocol != ROUTE_HTTP);
}

/* -- the client's body ---------------------------------------------------- */

/* Before there is a transfer nothing is taken, afterwards as much as it
 * can. */
static size_t
forward_take(void *arg, const char *data, size_t size)
{
    struct request *r = arg;
    size_t took;

    if (r->forward.over)
        return HTTP_BODY_UNWANTED;
    if (r->forward.transfer == NULL)
        return 0;
    if (!proxy_transfer_wants_body(r->forward.transfer))
        return HTTP_BODY_UNWANTED;
    r->forward.received += size;
    if (r->forward.received > proxy_route_config(r->forward.route)->body_max) {
        forward_end(r);
        answer_problem(r, 413, "too-large", "Too large",
                       "The body is larger than this route takes.", 0, NULL);
        return HTTP_BODY_UNWANTED;
    }
    took = proxy_transfer_write(r->forward.transfer, data, size);
    r->forward.received -= size - took;
    return took;
}

/* Also of one that was answered before: an upstream may begin its answer
 * early and end it only when it has read all. */
static void
forward_take_end(void *arg)
{
    struct request *r = arg;

    if (r->forward.transfer != NULL)
        proxy_transfer_write_end(r->forward.transfer);
}

enum step_result
forward_body(struct request *r)
{
    const struct config_route *c = proxy_route_config(r->forward.route);
    const struct http_body_taker taker = {.arg = r,
                                          .take = forward_take,
                                          .end = forward_take_end,
                                          .drop_max = c->body_max};
    uint64_t length = 0;

    if (request_header_count(r, "Upgrade") > 0 &&
        !span_equal_nocase(request_header(r, "Upgrade"), SPAN("h2c")))
    {
        r->reason = "upgrade";
        answer_problem(r, 501, "upgrade-not-supported", "Not implemented",
                       "Connections are not upgraded here: what follows could"
                       " be judged by nobody.",
                       0, NULL);
        return STEP_DONE;
    }
    if (r->sealed.open || r->complete)
        return STEP_NEXT;
    if (http_request_body_length(r->http, &length) && length > c->body_max) {
        r->reason = "too-large";
        answer_problem(r, 413, "too-large", "Too large",
                       "The body is larger than this route takes.", 0, NULL);
        return STEP_DONE;
    }
    http_request_take_body(r->http, &taker);
    return STEP_NEXT;
}

/* What is here as a whole. */
static void
forward_write_read(struct request *r)
{
    struct span body = request_body(r);
    struct span rest = span_skip(body, r->forward.received);

    r->forward.received +=
        proxy_transfer_write(r->forward.transfer, rest.data, rest.length);
    if (r->forward.received == body.length)
        proxy_transfer_write_end(r->forward.transfer);
}

static void
forward_writable(void *arg)
{
    struct request *r = arg;

    if (forward_is_read(r))
        forward_write_read(r);
    else
        http_request_take_more(r->http);
}

/* -- sending --------------------------------------------------------------- */

/* All of them: a request with more was not admitted. */
static size_t
fields_of(const struct request *r, struct proxy_field out[HTTP_FIELDS_MAX])
{
    size_t n = 0;

    if (r->sealed.inner != NULL) {
        for (; n < r->sealed.inner->field_count; n++)
            out[n] = (struct proxy_field){r->sealed.inner->fields[n].name,
                                          r->sealed.inner->fields[n].value};
        return n;
    }
    while (n < HTTP_FIELDS_MAX &&
           http_request_field(r->http, n, &out[n].name, &out[n].value))
        n++;
    return n;
}

/* Whom the client's address is: a trusted proxy's word, or the peer's. */
static void
client_address(const struct request *r, char out[64])
{
    const struct http_peer *peer = http_request_peer(r->http);
    struct span said = http_request_header(r->http, "X-Nsgate-Client-Addr");

    if (r->listener->config->channel == LISTENER_CHANNEL_PROXY)
        snprintf(out, 64, "%.*s", (int)(said.length < 63 ? said.length : 63),
                 said.data);
    else
        snprintf(out, 64, "%s", peer->address);
}

static bool
forward_send(struct request *r)
{
    struct proxy_field fields[HTTP_FIELDS_MAX];
    char address[64];
    const struct proxy_handlers handlers = {
        .arg = r,
        .head = forward_head,
        .failed = forward_failed,
        .readable = forward_readable,
        .writable = forward_writable,
    };
    struct proxy_request q = {
        .method = request_method(r),
        .target = buf_span(&r->forward.target),
        .fields = fields,
        .field_count = fields_of(r, fields),
        .identity = {.principal = r->auth.principal,
                     .realm = r->auth.realm,
                     .level = authn_level_name(r->decision.effective),
                     .request_id = r->id,
                     .client = address,
                     .proto = r->channel == CHANNEL_TLS ||
                                      r->channel == CHANNEL_PROXY_TLS
                                  ? "https"
                                  : "http"},
        .has_length = true,
    };

    client_address(r, address);
    q.field_count = protocol_fields(r, fields, q.field_count);
    if (forward_is_read(r)) {
        q.length = request_body(r).length;
        q.has_body = q.length > 0;
    } else if (!r->complete) {
        q.has_body = true;
        q.has_length = http_request_body_length(r->http, &q.length);
    }
    r->forward.transfer = proxy_send(r->forward.route, &q, &handlers);
    return r->forward.transfer != NULL;
}

/* -- act -------------------------------------------------------------------- */

/* What must be private on the way to the gateway must be so behind it
 * (threat 29). */
static bool
hop_is_private_enough(const struct request *r)
{
    return r->decision.required != AUTHN_LEVEL_PKT_PRIVACY ||
           proxy_route_is_private(proxy_route_config(r->forward.route));
}

static enum step_result
forward_refuse_hop(struct request *r)
{
    const struct config_route *c = proxy_route_config(r->forward.route);
    char detail[256];

    snprintf(detail, sizeof(detail), "the upstream %s of route '%s'",
             proxy_route_open_upstream(c)->url, c->name);
    r->forward.over = true;
    r->reason = "upstream-not-private";
    atomic_fetch_add_explicit(&r->worker->counters->denied, 1,
                              memory_order_relaxed);
    record_event(r, EVENT_ENCRYPTION_REQUIRED, r->reason, detail,
                 "Reach the server by https or a Unix socket; http to the"
                 " loopback address needs channel = local in the route.");
    answer_hop_refused(r);
    return STEP_DONE;
}

/* Nothing is asked here, and nobody waits for a KDC: only for the clerk's
 * first word, and not long. */
static enum step_result
forward_await_ticket(struct request *r)
{
    const struct config_route *c = proxy_route_config(r->forward.route);
    struct buf detail = BUF_INIT;

    if (identity_is_awaited(r->worker->identity, c))
        return STEP_WAIT;
    identity_describe(r->worker->identity, c, &detail);
    r->forward.over = true;
    forward_refused(r, proxy_failure_name(PROXY_FAILURE_TICKET),
                    buf_failed(&detail) ? "" : detail.data);
    buf_fini(&detail);
    forward_answer_failure(r, PROXY_FAILURE_TICKET);
    return STEP_DONE;
}

enum step_result
forward_act(struct request *r)
{
    /* Its body has come to its end, or is no longer wanted. */
    if (r->forward.transfer != NULL || r->forward.over)
        return STEP_DONE;
    if (!hop_is_private_enough(r))
        return forward_refuse_hop(r);
    if (!proxy_route_is_ready(r->forward.route))
        return forward_await_ticket(r);
    atomic_fetch_add_explicit(&r->worker->counters->allowed, 1,
                              memory_order_relaxed);
    if (!proxy_route_leads_anywhere(r->forward.route)) {
        forward_end(r);
        forward_refused(r, proxy_failure_name(PROXY_FAILURE_UNREACHABLE),
                        "the names of its servers are not found");
        forward_answer_failure(r, PROXY_FAILURE_UNREACHABLE);
        return STEP_DONE;
    }
    if (!forward_send(r)) {
        r->forward.over = true;
        r->reason = "route-busy";
        answer_busy(r);
        return STEP_DONE;
    }
    if (forward_is_read(r) && request_body(r).length > 0)
        forward_write_read(r);
    else if (!r->complete)
        http_request_take_more(r->http);
    return STEP_DONE;
}

void
forward_fini(struct request *r)
{
    proxy_transfer_free(r->forward.transfer);
    r->forward.transfer = NULL;
    protocol_fini(r);
    buf_fini(&r->forward.target);
    buf_fini(&r->forward.head);
    secret_fini(&r->forward.body);
}
