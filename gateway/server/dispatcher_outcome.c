/* What became of a delivery: written down, and told where it failed. */
#include "gateway/server/dispatcher.h"

#include <stdio.h>
#include <string.h>

#define UNAVAILABLE_US 1000000
#define OVERDUE_PAGE   32

#define TRANSPORT_FAILURE 0x80041015u /* WBEM_E_TRANSPORT_FAILURE */
#define ACCESS_DENIED     0x80041003u /* WBEM_E_ACCESS_DENIED */

/* -- events ------------------------------------------------------------------ */

static struct span
level_span(unsigned level)
{
    if (level == AUTHN_LEVEL_DEFAULT)
        return (struct span){NULL, 0};
    return span_of(authn_level_name((enum authn_level)level));
}

static void
delivery_event(struct dispatcher *d, enum event_id id,
               const struct operation *o, const struct operation_note *n)
{
    struct event e = {.id = id,
                      .time_us = clock_now_us(),
                      .generation = o->generation,
                      .worker = -1};
    char detail[EVENT_TEXT_MAX];

    snprintf(
        detail, sizeof(detail), "operation %s, sink %.*s: %s", n->id,
        (int)(o->request.sink.length > 160 ? 160 : o->request.sink.length),
        o->request.sink.data, n->detail);
    e.fields[EVENT_FIELD_REQUEST_ID] = o->request.request_id;
    e.fields[EVENT_FIELD_NAMESPACE] = o->request.display;
    e.fields[EVENT_FIELD_PRINCIPAL] = o->request.principal;
    e.fields[EVENT_FIELD_TARGET] = o->request.target;
    e.fields[EVENT_FIELD_REQUIRED_LEVEL] = level_span(n->required);
    e.fields[EVENT_FIELD_EFFECTIVE_LEVEL] = level_span(n->effective);
    e.fields[EVENT_FIELD_DECLARED_LEVEL] = level_span(n->declared);
    e.fields[EVENT_FIELD_APPLIED_LEVEL] = level_span(n->applied);
    e.fields[EVENT_FIELD_REASON] = span_of(n->reason);
    e.fields[EVENT_FIELD_DETAIL] = span_of(detail);
    e.fields[EVENT_FIELD_REMEDY] =
        SPAN("docs/asynchronous.md has what a sink must offer; nsgatectl"
             " listen is one that does.");
    event_send(d->events, &e);
}

/* -- what became of a delivery ------------------------------------------------ */

struct ending {
    enum operation_state state;
    uint32_t hresult;
    enum event_id event;
};

static struct ending
ending_of(const struct operation_note *n)
{
    switch ((enum delivery_outcome)n->outcome) {
    case DELIVERY_INSECURE:
        return (struct ending){OPERATION_REFUSED, ACCESS_DENIED,
                               EVENT_CALLBACK_NOT_SECURE};
    case DELIVERY_DENIED:
        return (struct ending){OPERATION_REFUSED,
                               n->hresult != 0 ? n->hresult : ACCESS_DENIED,
                               EVENT_ACCESS_REFUSED};
    case DELIVERY_REJECTED:
        return (struct ending){OPERATION_DEAD, TRANSPORT_FAILURE,
                               EVENT_CALLBACK_FAILED};
    case DELIVERY_CANCELLED:
        return (struct ending){OPERATION_CANCELLED, CALL_CANCELLED,
                               EVENT_NONE};
    case DELIVERY_DONE:
        return (struct ending){OPERATION_DONE, 0, EVENT_NONE};
    default:
        return (struct ending){OPERATION_STATE_NONE, 0, EVENT_NONE};
    }
}

static int
delivery_end(struct dispatcher *d, const struct operation *o,
             const struct operation_note *n, struct ending end,
             struct error *err)
{
    /* Told first: if we die in between it is told twice, but never not. */
    if (end.event != EVENT_NONE)
        delivery_event(d, end.event, o, n);
    return outbox_set_end(d->outbox, n->id, end.state, end.hresult,
                          span_of(n->reason), span_of(n->detail),
                          clock_now_us(), err);
}

/* Later, or never again. */
static int
delivery_again(struct dispatcher *d, const struct operation *o,
               const struct operation_note *n, struct error *err)
{
    int64_t now = clock_now_us(), next;

    next = now + delivery_backoff_us(o->attempts + 1, ++d->random);
    if (now >= o->give_up_us) {
        struct ending end = {OPERATION_DEAD, TRANSPORT_FAILURE,
                             EVENT_CALLBACK_FAILED};

        if (n->unsecured != 0)
            end = (struct ending){OPERATION_DEAD, ACCESS_DENIED,
                                  EVENT_CALLBACK_NOT_SECURE};
        return delivery_end(d, o, n, end, err);
    }
    /* The last attempt comes at the end of the time, not after it. */
    if (next > o->give_up_us)
        next = o->give_up_us;
    return outbox_set_retry(d->outbox, n->id, next, span_of(n->reason),
                            span_of(n->detail), err);
}

void
outcome_take(struct dispatcher *d, struct source *s,
             const struct operation_note *n)
{
    struct ending end = ending_of(n);
    struct arena *arena = arena_new();
    struct error err = {0, ""};
    struct operation o;
    int result = 0;

    if (n->outcome == DELIVERY_RETRY) {
        trouble_add(d,
                    strcmp(n->reason, "sink-answer") == 0 ? s->url : s->sink);
    } else if (n->outcome == DELIVERY_DONE) {
        trouble_remove(d, s->sink);
        trouble_remove(d, s->url);
    }
    if (strcmp(s->job, n->id) == 0)
        s->job[0] = '\0';
    s->strange = false;
    d->look = true;
    if (arena != NULL && outbox_find(d->outbox, n->id, arena, &o, &err) == 1 &&
        o.state == OPERATION_DELIVERING)
    {
        if (end.state != OPERATION_STATE_NONE)
            result = delivery_end(d, &o, n, end, &err);
        else if (n->outcome == DELIVERY_UNAVAILABLE)
            result = outbox_set_wait(
                d->outbox, n->id, clock_now_us() + UNAVAILABLE_US,
                span_of(n->reason), span_of(n->detail), &err);
        else
            result = delivery_again(d, &o, n, &err);
    }
    if (result < 0)
        log_write(LOG_LEVEL_ERROR, "outbox: %s", err.text);
    arena_free(arena);
}

/* -- without couriers ----------------------------------------------------------- */

/* Where no courier is, the time to give up still comes: the configuration may
 * not list sinks any more. */
static bool
overdue_visit(void *arg, const char *id, struct span sink)
{
    struct dispatcher *d = arg;
    struct arena *arena = arena_new();
    struct operation_note n;
    struct error err = {0, ""};
    struct operation o;

    (void)sink;
    memset(&n, 0, sizeof(n));
    snprintf(n.id, sizeof(n.id), "%s", id);
    snprintf(n.reason, sizeof(n.reason), "no-courier");
    snprintf(n.detail, sizeof(n.detail),
             "nothing is delivered: there is no"
             " [callback] with sinks");
    if (arena != NULL && outbox_find(d->outbox, id, arena, &o, &err) == 1 &&
        clock_now_us() >= o.give_up_us)
        delivery_again(d, &o, &n, &err);
    arena_free(arena);
    if (err.text[0] != '\0')
        log_write(LOG_LEVEL_ERROR, "outbox: %s", err.text);
    return true;
}

int
outcome_overdue(struct dispatcher *d, struct error *err)
{
    if (couriers_count(d) > 0)
        return 0;
    return outbox_due(d->outbox, OPERATION_DELIVERING, clock_now_us(),
                      OVERDUE_PAGE, overdue_visit, d, err);
}
