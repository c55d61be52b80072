#include <stdio.h>
#include <string.h>

#include "gateway/server/worker.h"

/*
 * The status listener: /healthz and /metrics, exactly these two, without
 * authentication and on their own address only (threat 25).
 */

static const struct metric {
    const char *name, *type, *help;
    size_t offset;
} metrics[] = {
#define METRIC(name, type, field, help)                                       \
    {                                                                         \
        "nsgate_" name, type, help, offsetof(struct worker_counters, field)   \
    }
    METRIC("requests_total", "counter", requests, "Requests received."),
    METRIC("allowed_total", "counter", allowed, "Requests served."),
    METRIC("denied_total", "counter", denied, "Requests refused with 403."),
    METRIC("unauthenticated_total", "counter", unauthenticated,
           "Requests answered 401."),
    METRIC("malformed_total", "counter", malformed,
           "Requests refused before authentication."),
    METRIC("unavailable_total", "counter", unavailable,
           "Requests answered 503 for want of a policy."),
    METRIC("policy_generation", "gauge", generation,
           "Generation of the policy the worker decides by, 0: none."),
    METRIC("connections", "gauge", connections, "Open connections."),
    METRIC("forwarded_total", "counter", forwarded,
           "Requests sent to upstreams."),
    METRIC("upstream_failures_total", "counter", upstream_failures,
           "Requests that no upstream answered to the end."),
    METRIC("upstream_active", "gauge", upstream_active,
           "Requests that upstreams are at."),
    METRIC("upstream_turned_total", "counter", upstream_turned,
           "Times that health checks took an upstream out or in."),
#undef METRIC
};

static void
metrics_format(const struct worker *w, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_COUNT(metrics); i++) {
        const struct metric *m = &metrics[i];

        buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help,
                 m->name, m->type);
        for (size_t slot = 0; slot < WORKER_SLOTS; slot++) {
            const struct worker_counters *c = &w->boot->slots[slot];
            const char *at = (const char *)c + m->offset;

            if (atomic_load(&c->pid) == 0)
                continue;
            buf_addf(out, "%s{worker=\"%zu\"} %llu\n", m->name, slot,
                     (unsigned long long)atomic_load(
                         (const _Atomic uint64_t *)(const void *)at));
        }
    }
}

/* As the text format has it. */
static void
label_add(struct buf *out, const char *name, const char *value)
{
    buf_addf(out, "%s=\"", name);
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            buf_add_string(out, "\\n");
            continue;
        }
        if (*value == '\\' || *value == '"')
            buf_add_char(out, '\\');
        buf_add_char(out, *value);
    }
    buf_add_char(out, '"');
}

static void
metrics_upstreams(const struct worker *w, struct buf *out)
{
    const struct config *c = w->boot->config;
    size_t at = 0;

    if (w->boot->upstreams->count == 0)
        return;
    buf_add_string(out,
                   "# HELP nsgate_upstream_up Whether no worker takes the"
                   " upstream for down.\n# TYPE nsgate_upstream_up gauge\n");
    for (size_t i = 0; i < c->route_count; i++) {
        for (size_t j = 0; j < c->routes[i].upstream_count; j++) {
            struct upstream_tally t =
                upstream_set_tally(w->boot->upstreams, at++);

            buf_add_string(out, "nsgate_upstream_up{");
            label_add(out, "route", c->routes[i].name);
            buf_add_char(out, ',');
            label_add(out, "upstream", c->routes[i].upstreams[j].url);
            buf_addf(out, "} %d\n", t.down == 0);
        }
    }
}

/* Of the outbox; left out while it cannot be read. */
static void
metrics_operations(struct worker *w, struct buf *out)
{
    struct outbox *outbox = worker_outbox(w);
    uint64_t counts[OPERATION_CANCELLED + 1] = {0};

    if (outbox == NULL || outbox_counts(outbox, counts, NULL) < 0)
        return;
    buf_add_string(out, "# HELP nsgate_operations Asynchronous operations.\n"
                        "# TYPE nsgate_operations gauge\n");
    for (int state = OPERATION_ACCEPTED; state <= OPERATION_CANCELLED; state++)
        buf_addf(out, "nsgate_operations{state=\"%s\"} %llu\n",
                 operation_state_name((enum operation_state)state),
                 (unsigned long long)counts[state]);
}

static void
status_respond(struct http_request *r, int status, const char *type,
               struct span body)
{
    const struct http_header headers[] = {{"Content-Type", type},
                                          {"Cache-Control", "no-store"}};
    const struct http_response response = {
        .status = status, .headers = headers, .header_count = 2, .body = body};

    http_respond(r, &response);
}

void
status_serve(struct worker *w, struct http_request *r)
{
    struct span target = http_request_target(r);
    const char *method = http_request_method(r);
    struct buf out = BUF_INIT;

    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        status_respond(r, 405, "text/plain", SPAN("read only\n"));
    } else if (span_equal(target, SPAN("/healthz"))) {
        if (w->policy.image != NULL && w->repository != NULL && !w->draining)
            status_respond(r, 200, "text/plain", SPAN("ok\n"));
        else
            status_respond(r, 503, "text/plain",
                           SPAN("no policy is in force\n"));
    } else if (span_equal(target, SPAN("/metrics"))) {
        metrics_format(w, &out);
        metrics_upstreams(w, &out);
        metrics_operations(w, &out);
        status_respond(r, 200, "text/plain; version=0.0.4", buf_span(&out));
    } else {
        status_respond(r, 404, "text/plain", SPAN("not here\n"));
    }
    buf_fini(&out);
}
