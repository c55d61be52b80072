#include <inttypes.h>
#include <stdio.h>

#include "gateway/callback/callback.h"

#define BACKOFF_FIRST_US INT64_C(1000000)
#define BACKOFF_MAX_US   (INT64_C(15) * 60 * 1000000)

static const char *const state_names[] = {
    [OPERATION_ACCEPTED] = "accepted",     [OPERATION_READY] = "ready",
    [OPERATION_DELIVERING] = "delivering", [OPERATION_DONE] = "done",
    [OPERATION_REFUSED] = "refused",       [OPERATION_DEAD] = "dead",
    [OPERATION_CANCELLED] = "cancelled",
};

/* [MS-WMI] 2.2.11, WBEMSTATUS. */
static const struct {
    uint32_t hresult;
    const char *symbol;
} symbols[] = {
    {0x00000000, "WBEM_S_NO_ERROR"},
    {0x80041001, "WBEM_E_FAILED"},
    {0x80041002, "WBEM_E_NOT_FOUND"},
    {0x80041003, "WBEM_E_ACCESS_DENIED"},
    {0x8004100E, "WBEM_E_INVALID_NAMESPACE"},
    {0x80041010, "WBEM_E_INVALID_CLASS"},
    {0x80041015, "WBEM_E_TRANSPORT_FAILURE"},
    {0x80041032, "WBEM_E_CALL_CANCELLED"},
    {0x8004103A, "WBEM_E_INVALID_OBJECT_PATH"},
    {0x8004106C, "WBEM_E_QUOTA_VIOLATION"},
};

const char *
operation_state_name(enum operation_state state)
{
    if ((unsigned)state >= ARRAY_COUNT(state_names) ||
        state_names[state] == NULL)
        return "unknown";
    return state_names[state];
}

enum operation_state
operation_state_find(struct span name)
{
    for (size_t i = OPERATION_ACCEPTED; i < ARRAY_COUNT(state_names); i++) {
        if (span_equal(name, span_of(state_names[i])))
            return (enum operation_state)i;
    }
    return OPERATION_STATE_NONE;
}

const char *
operation_symbol(uint32_t hresult)
{
    for (size_t i = 0; i < ARRAY_COUNT(symbols); i++) {
        if (symbols[i].hresult == hresult)
            return symbols[i].symbol;
    }
    return NULL;
}

static void
add_hresult(struct buf *out, uint32_t hresult)
{
    char text[16];

    snprintf(text, sizeof(text), "0x%08" PRIX32, hresult);
    json_text(out, "hresult", text);
    if (operation_symbol(hresult) != NULL)
        json_text(out, "symbol", operation_symbol(hresult));
}

static void
add_time(struct buf *out, const char *key, int64_t time_us)
{
    char text[CLOCK_TEXT_MAX];

    if (time_us == 0)
        return;
    clock_format(time_us, text);
    json_text(out, key, text);
}

static void
add_span(struct buf *out, const char *key, struct span text)
{
    if (text.length > 0)
        json_string(out, key, text);
}

void
operation_format_json(const struct operation *o, bool whole, struct buf *out)
{
    const struct operation_request *r = &o->request;
    bool under_way = o->state == OPERATION_DELIVERING;

    json_begin(out);
    json_text(out, "kind", "operation");
    json_text(out, "id", r->id);
    json_text(out, "state", operation_state_name(o->state));
    json_string(out, "namespace", r->display);
    json_string(out, "target", r->target);
    add_span(out, "sink", r->sink);
    if (whole) {
        json_string(out, "principal", r->principal);
        add_span(out, "requestId", r->request_id);
    }
    /* Before there is a result there is nothing to say "no error" of. */
    if (o->state != OPERATION_ACCEPTED || o->hresult != 0)
        add_hresult(out, o->hresult);
    add_span(out, "reason", o->reason);
    if (whole)
        add_span(out, "detail", o->detail);
    json_number(out, "batches", o->batches);
    json_number(out, "objects", o->objects);
    json_number(out, "delivered", o->sent);
    json_number(out, "attempts", o->attempts);
    add_time(out, "created", o->created_us);
    add_time(out, "nextAttempt", under_way ? o->next_us : 0);
    add_time(out, "giveUp", under_way ? o->give_up_us : 0);
    add_time(out, "finished", o->finished_us);
    add_time(out, "expires", o->expires_us);
    json_end(out);
}

int64_t
delivery_backoff_us(uint32_t attempts, uint64_t random)
{
    int64_t delay_us = BACKOFF_FIRST_US;

    for (uint32_t i = 1; i < attempts && delay_us < BACKOFF_MAX_US; i++)
        delay_us *= 2;
    if (delay_us > BACKOFF_MAX_US)
        delay_us = BACKOFF_MAX_US;
    return delay_us + (int64_t)(random % (uint64_t)(delay_us / 4 + 1));
}
