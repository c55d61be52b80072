#include "gateway/ctl/listen.h"

#include "gateway/ctl/ctl.h"

const char *
listen_binding_name(const struct listen_sender *s)
{
    return s->bound ? "bound" : "absent";
}

/* -- JSON ----------------------------------------------------------------- */

static void
add_level(struct buf *b, const char *key, enum authn_level level)
{
    json_text(b, key, authn_level_name(level));
}

static bool
format_json(const struct listen_delivery *d, const char *time, struct buf *b)
{
    const struct listen_sender *s = d->sender;

    json_begin(b);
    json_text(b, "time", time);
    json_text(b, "principal", s->principal);
    json_bool(b, "gatewayChecked", d->gateway_checked);
    add_level(b, "declaredLevel", s->declared);
    add_level(b, "appliedLevel", s->applied);
    add_level(b, "effectiveLevel", s->effective);
    json_text(b, "binding", listen_binding_name(s));
    json_text(b, "channel", channel_kind_name(s->channel));
    json_text(b, "key", d->message->key);
    json_bool(b, "duplicate", d->duplicate);
    json_number(b, "answer", d->answer);
    buf_add_string(b, ",\"message\":");
    buf_add_span(b, buf_span(&d->message->text));
    json_end(b);
    buf_add_char(b, '\n');
    return !buf_failed(b);
}

/* -- for people ----------------------------------------------------------- */

static void
format_head(const struct listen_delivery *d, const char *time, struct buf *b)
{
    const struct listen_sender *s = d->sender;
    const struct listen_message *m = d->message;

    buf_addf(b, "%s %s%s %s (declared %s, applied %s), %s, %.8s: ", time,
             s->principal, d->gateway_checked ? "" : " (not checked)",
             authn_level_name(s->effective), authn_level_name(s->declared),
             authn_level_name(s->applied),
             s->channel == CHANNEL_CLEARTEXT ? "cleartext"
             : s->channel == CHANNEL_SEALED  ? "sealed"
             : s->bound                      ? "bound"
                                             : "not bound",
             m->operation);
    if (m->kind == LISTEN_INDICATE)
        buf_addf(b, "%s batch %u, objects: %u", m->namespace, m->batch,
                 m->objects);
    else
        buf_addf(b, "status 0x%08X%s%s, batches: %u, objects: %u", m->hresult,
                 m->symbol != NULL ? " " : "",
                 m->symbol != NULL ? m->symbol : "", m->batches, m->objects);
    if (d->duplicate)
        buf_add_string(b, ", a duplicate");
    if (d->answer != 204)
        buf_addf(b, ", answered %d", d->answer);
}

/* What a status calls "objects" is their number. */
static void
print_objects(const struct listen_message *m, FILE *out)
{
    struct span array = listen_text_member(buf_span(&m->text), "objects");
    struct span elements = span_skip(array, 1), object;

    while (m->kind == LISTEN_INDICATE && listen_text_next(&elements, &object))
    {
        fputs("    ", out);
        ctl_print_text(out, object, false);
        fputc('\n', out);
    }
}

int
listen_report(const struct listen_delivery *d, bool json, FILE *out)
{
    char time[CLOCK_TEXT_MAX];
    struct buf b = BUF_INIT;
    bool good;

    clock_format(clock_now_us(), time);
    if (json) {
        good = format_json(d, time, &b);
        if (good)
            fwrite(b.data, 1, b.length, out);
    } else {
        format_head(d, time, &b);
        good = !buf_failed(&b);
        ctl_print_text(out, buf_span(&b), false);
        fputc('\n', out);
        if (!d->duplicate)
            print_objects(d->message, out);
    }
    buf_fini(&b);
    return fflush(out) == 0 && ferror(out) == 0 && good ? 0 : -1;
}
