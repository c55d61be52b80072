#include "gateway/ctl/listen.h"

#include "gateway/ctl/ctl.h"

const char *
listen_binding_name(const struct listen_sender *s)
{
    return s->bound ? "bound" : "absent";
}

/* -- JSON ----------------------------------------------------------------- */

/* cJSON escapes what ends a line, and leaves what drives a terminal: DEL, C1
 * and the two separators of Unicode (threat 27). */
static void
add_escaped(struct buf *b, struct span json)
{
    while (json.length > 0) {
        size_t n = utf8_sequence_length(json);
        uint32_t cp = n > 0 ? utf8_decode(json) : 0xfffd;

        if (n == 0)
            n = 1;
        if ((cp >= 0x7f && cp <= 0x9f) || cp == 0x2028 || cp == 0x2029 ||
            cp == 0xfffd)
            buf_addf(b, "\\u%04x", (unsigned)cp);
        else
            buf_add(b, json.data, n);
        json = span_skip(json, n);
    }
}

static void
add_level(struct buf *b, const char *key, enum authn_level level)
{
    json_text(b, key, authn_level_name(level));
}

static bool
format_json(const struct listen_delivery *d, const char *time, struct buf *b)
{
    const struct listen_sender *s = d->sender;
    char *message = cJSON_PrintUnformatted(d->message->json);

    if (message == NULL)
        return false;
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
    add_escaped(b, span_of(message));
    json_end(b);
    buf_add_char(b, '\n');
    cJSON_free(message);
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
             : s->bound                      ? "bound"
                                             : "not bound",
             m->operation);
    if (m->kind == LISTEN_INDICATE)
        buf_addf(b, "%s batch %u, objects: %u", m->namespace, m->batch,
                 m->objects);
    else
        buf_addf(b, "status 0x%08x%s%s, batches: %u, objects: %u", m->hresult,
                 m->symbol != NULL ? " " : "",
                 m->symbol != NULL ? m->symbol : "", m->batches, m->objects);
    if (d->duplicate)
        buf_add_string(b, ", a duplicate");
    if (d->answer != 204)
        buf_addf(b, ", answered %d", d->answer);
}

static bool
print_objects(const cJSON *objects, FILE *out)
{
    const cJSON *object;

    cJSON_ArrayForEach(object, objects)
    {
        char *text = cJSON_PrintUnformatted(object);

        if (text == NULL)
            return false;
        fputs("    ", out);
        ctl_print_text(out, span_of(text), false);
        fputc('\n', out);
        cJSON_free(text);
    }
    return true;
}

static bool
print_text(const struct listen_delivery *d, struct buf *head, FILE *out)
{
    if (buf_failed(head))
        return false;
    ctl_print_text(out, buf_span(head), false);
    fputc('\n', out);
    /* What a status calls "objects" is their number. */
    return d->duplicate || d->message->kind != LISTEN_INDICATE ||
           print_objects(
               cJSON_GetObjectItemCaseSensitive(d->message->json, "objects"),
               out);
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
        good = print_text(d, &b, out);
    }
    buf_fini(&b);
    return fflush(out) == 0 && ferror(out) == 0 && good ? 0 : -1;
}
