/* Refusals as problem+json (RFC 9457), their keys in one fixed order. */
#include <stdio.h>

#include "gateway/rest/rest.h"

#define PROBLEM_URN "urn:nsgate:problem:"

static void
put_text(struct buf *out, const char *key, const char *value)
{
    if (value != NULL)
        json_text(out, key, value);
}

static void
put_level(struct buf *out, const char *key, enum authn_level level)
{
    if (level != AUTHN_LEVEL_DEFAULT)
        json_text(out, key, authn_level_name(level));
}

static void
put_type(struct buf *out, const char *type)
{
    struct buf urn = BUF_INIT;

    /* RFC 9457 4.2.1: about:blank has no more to say than the status. */
    if (type == NULL) {
        json_text(out, "type", "about:blank");
        return;
    }
    buf_add_string(&urn, PROBLEM_URN);
    buf_add_string(&urn, type);
    json_string(out, "type", buf_span(&urn));
    out->failed = out->failed || buf_failed(&urn);
    buf_fini(&urn);
}

bool
rest_problem_format(const struct rest_problem *p, struct buf *out)
{
    char hresult[16];

    json_begin(out);
    put_type(out, p->type);
    put_text(out, "title", p->title);
    json_number(out, "status", p->status);
    put_text(out, "detail", p->detail);
    put_text(out, "secureUri", p->secure_uri);
    put_text(out, "namespace", p->namespace);
    if (p->hresult != 0) {
        snprintf(hresult, sizeof(hresult), "0x%08X", p->hresult);
        json_text(out, "hresult", hresult);
    }
    put_text(out, "symbol", p->symbol);
    put_level(out, "requiredLevel", p->required);
    put_level(out, "effectiveLevel", p->effective);
    put_level(out, "declaredLevel", p->declared);
    put_level(out, "appliedLevel", p->applied);
    put_text(out, "channel", p->channel);
    put_text(out, "binding", p->binding);
    put_text(out, "reason", p->reason);
    if (p->event_id != 0)
        json_number(out, "eventId", p->event_id);
    put_text(out, "requestId", p->request_id);
    json_end(out);
    return !buf_failed(out);
}
