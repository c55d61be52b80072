#include "gateway/server/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void
record_access(const struct request *r, uint64_t bytes, bool completed)
{
    const struct worker_boot *boot = r->worker->boot;
    char time[CLOCK_TEXT_MAX], flags[16];
    struct buf b = BUF_INIT;
    ssize_t ignored;

    if (boot->access_fd < 0)
        return;
    clock_format(r->began_us, time);
    json_begin(&b);
    json_text(&b, "time", time);
    json_text(&b, "requestId", r->id);
    json_text(&b, "listener", r->listener->config->name);
    json_text(&b, "client", r->client);
    if (r->auth.principal[0] != '\0')
        json_text(&b, "principal", r->auth.principal);
    json_text(&b, "method", request_method(r));
    json_string(&b, "target", http_request_target(r->http));
    if (r->soap != NULL && r->soap->asked.action[0] != '\0')
        json_text(&b, "action", r->soap->asked.action);
    if (r->forward.cim != NULL && r->forward.cim->method[0] != '\0')
        json_text(&b, "action", r->forward.cim->method);
    json_number(&b, "status", r->status);
    json_number(&b, "bytes", (int64_t)bytes);
    if (!completed)
        json_bool(&b, "aborted", true);
    if (r->auth.outcome == AUTH_OK) {
        snprintf(flags, sizeof(flags), "0x%04" PRIx32, r->auth.gss_flags);
        json_text(&b, "gssFlags", flags);
        json_text(&b, "declaredLevel", authn_level_name(r->declared));
        json_text(&b, "appliedLevel", authn_level_name(r->applied));
        json_text(&b, "effectiveLevel",
                  authn_level_name(authn_level_min(r->declared, r->applied)));
    }
    if (r->display[0] != '\0') {
        json_text(&b, "namespace", r->display);
        json_text(&b, "requiredLevel", authn_level_name(r->decision.required));
        json_number(&b, "generation", (int64_t)r->decision.generation);
    }
    json_text(&b, "channel", channel_kind_name(r->channel));
    json_text(&b, "binding", request_binding_name(r));
    if (r->session.used)
        json_bool(&b, "session", true);
    if (r->resource == RESOURCE_ROUTE)
        json_text(&b, "route", proxy_route_config(r->forward.route)->name);
    json_text(&b, "reason", r->reason);
    json_number(&b, "durationUs", clock_now_us() - r->began_us);
    json_end(&b);
    buf_add_char(&b, '\n');
    if (!buf_failed(&b)) {
        ignored = write(boot->access_fd, b.data, b.length);
        (void)ignored;
    }
    buf_fini(&b);
}

/* Levels that were not computed are left out. */
static struct span
level_span(enum authn_level level)
{
    if (level == AUTHN_LEVEL_DEFAULT)
        return (struct span){NULL, 0};
    return span_of(authn_level_name(level));
}

void
record_event(const struct request *r, enum event_id id, const char *reason,
             const char *detail, const char *remedy)
{
    struct event e = {.id = id,
                      .time_us = clock_now_us(),
                      .generation = r->decision.generation,
                      .worker = r->worker->boot->id};
    bool authenticated = r->auth.outcome == AUTH_OK;

    e.fields[EVENT_FIELD_REQUEST_ID] = span_of(r->id);
    e.fields[EVENT_FIELD_CLIENT] = span_of(r->client);
    e.fields[EVENT_FIELD_LISTENER] = span_of(r->listener->config->name);
    e.fields[EVENT_FIELD_METHOD] = span_of(request_method(r));
    e.fields[EVENT_FIELD_TARGET] = http_request_target(r->http);
    e.fields[EVENT_FIELD_CHANNEL] = span_of(channel_kind_name(r->channel));
    e.fields[EVENT_FIELD_REASON] = span_of(reason);
    e.fields[EVENT_FIELD_DETAIL] = span_of(detail);
    e.fields[EVENT_FIELD_REMEDY] = span_of(remedy);
    if (r->display[0] != '\0')
        e.fields[EVENT_FIELD_NAMESPACE] = span_of(r->display);
    if (r->auth.principal[0] != '\0')
        e.fields[EVENT_FIELD_PRINCIPAL] = span_of(r->auth.principal);
    if (authenticated) {
        e.fields[EVENT_FIELD_REQUIRED_LEVEL] =
            level_span(r->decision.required);
        e.fields[EVENT_FIELD_EFFECTIVE_LEVEL] =
            level_span(authn_level_min(r->declared, r->applied));
        e.fields[EVENT_FIELD_DECLARED_LEVEL] = level_span(r->declared);
        e.fields[EVENT_FIELD_APPLIED_LEVEL] = level_span(r->applied);
        e.fields[EVENT_FIELD_BINDING] = span_of(request_binding_name(r));
    }
    event_send(r->worker->events, &e);
}
