#include <inttypes.h>
#include <string.h>

#include "gateway/event/event.h"

static const char *
severity_name(enum event_severity severity)
{
    switch (severity) {
    case EVENT_INFORMATION:
        return "information";
    case EVENT_WARNING:
        return "warning";
    case EVENT_ERROR:
        return "error";
    }
    return "error";
}

/* Needs no quotes: no space, '=', '"' or anything beyond ASCII. */
static bool
is_plain(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c <= ' ' || c > '~' || c == '"' || c == '=')
            return false;
    }
    return text.length > 0;
}

/* Characters that a terminal or an editor takes for the end of a line, for a
 * command, or for a change of direction. */
static bool
is_unsafe(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x61c ||
           (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
           (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

static void
add_quoted(struct buf *out, struct span text)
{
    buf_add_char(out, '"');
    while (text.length > 0) {
        size_t n = utf8_sequence_length(text);

        if (n == 0) {
            buf_addf(out, "\\x%02x", (unsigned char)text.data[0]);
            n = 1;
        } else if (is_unsafe(utf8_decode(text))) {
            buf_addf(out, "\\u%04x", utf8_decode(text));
        } else {
            if (text.data[0] == '"' || text.data[0] == '\\')
                buf_add_char(out, '\\');
            buf_add(out, text.data, n);
        }
        text = span_skip(text, n);
    }
    buf_add_char(out, '"');
}

void
event_format_line(const struct event *e, struct buf *out)
{
    const struct event_type *type = event_type(e->id);
    char time[CLOCK_TEXT_MAX];

    clock_format(e->time_us, time);
    buf_addf(out, "%s %d %s %s: %s", time, (int)e->id,
             severity_name(type != NULL ? type->severity : EVENT_ERROR),
             type != NULL ? type->name : "unknown",
             type != NULL ? type->summary : "an event of a later version");
    if (e->count > 1)
        buf_addf(out, " count=%" PRIu32, e->count);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct span text = e->fields[i];

        if (text.data == NULL)
            continue;
        buf_addf(out, " %s=", event_field_name((enum event_field)i));
        if (is_plain(text))
            buf_add_span(out, text);
        else
            add_quoted(out, text);
    }
    if (e->generation != 0)
        buf_addf(out, " generation=%" PRIu64, e->generation);
}

void
event_format_json(const struct event *e, int64_t row, struct buf *out)
{
    const struct event_type *type = event_type(e->id);
    char time[CLOCK_TEXT_MAX];

    clock_format(e->time_us, time);
    json_begin(out);
    json_number(out, "id", (int64_t)e->id);
    json_text(out, "name", type != NULL ? type->name : "unknown");
    json_text(out, "severity",
              severity_name(type != NULL ? type->severity : EVENT_ERROR));
    json_text(out, "time", time);
    if (row != 0)
        json_number(out, "row", row);
    json_number(out, "count", e->count > 0 ? e->count : 1);
    json_number(out, "generation", (int64_t)e->generation);
    json_number(out, "worker", e->worker);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        if (e->fields[i].data != NULL)
            json_string(out, event_field_name((enum event_field)i),
                        e->fields[i]);
    }
    json_end(out);
}
