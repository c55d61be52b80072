#include "policy/mofcomp/json.h"

#include <string.h>

#include "policy/mof/mof.h"
#include "policy/mofcomp/say.h"

/* -- text ------------------------------------------------------------------- */

static void
add_escape(struct buf *out, uint32_t cp)
{
    if (cp >= 0x10000) {
        cp -= 0x10000;
        buf_addf(out, "\\u%04x", 0xd800 + (unsigned)(cp >> 10));
        cp = 0xdc00 + (cp & 0x3ff);
    }
    buf_addf(out, "\\u%04x", (unsigned)cp);
}

bool
json_line(struct buf *out, cJSON *value)
{
    char *text = value != NULL ? cJSON_PrintUnformatted(value) : NULL;
    struct span rest = span_of(text);
    struct visible v;

    visible_begin(&v);
    while (rest.length > 0) {
        size_t n = utf8_sequence_length(rest);
        uint32_t cp = n > 0 ? utf8_decode(rest) : 0xfffd;

        /* Outside of strings JSON is ASCII without control characters. */
        if (n > 0 && visible_width(&v, cp) >= 0)
            buf_add(out, rest.data, n);
        else
            add_escape(out, cp);
        rest = span_skip(rest, n > 0 ? n : 1);
    }
    visible_end(&v);
    buf_add_char(out, '\n');
    if (text == NULL)
        out->failed = true;
    cJSON_free(text);
    cJSON_Delete(value);
    return !buf_failed(out);
}

bool
json_put(cJSON *object, const char *name, cJSON *value)
{
    if (value != NULL && cJSON_AddItemToObject(object, name, value))
        return true;
    cJSON_Delete(value);
    return false;
}

bool
json_put_text(cJSON *object, const char *name, const char *text)
{
    return json_put(object, name, cJSON_CreateString(text));
}

bool
json_put_span(cJSON *object, const char *name, struct span text)
{
    struct buf copy = BUF_INIT;
    bool ok;

    buf_add_span(&copy, text);
    ok = !buf_failed(&copy) &&
         json_put_text(object, name, copy.data != NULL ? copy.data : "");
    buf_fini(&copy);
    return ok;
}

bool
json_put_count(cJSON *object, const char *name, uint64_t value)
{
    return json_put(object, name, cJSON_CreateNumber((double)value));
}

/* -- diagnostics ------------------------------------------------------------ */

static const char *const severities[] = {
    [MOF_NOTE] = "note", [MOF_WARNING] = "warning", [MOF_ERROR] = "error"};
static const char *const phases[] = {[MOF_PHASE_SYNTAX] = "syntax",
                                     [MOF_PHASE_ARGUMENT] = "argument",
                                     [MOF_PHASE_STORE] = "store"};

static bool
put_location(cJSON *o, const struct mof_location *where)
{
    if (where->file[0] == '\0')
        return true;
    if (!json_put_text(o, "file", where->file))
        return false;
    if (where->kind != MOF_LOCATION_TEXT)
        return json_put_count(
            o, where->kind == MOF_LOCATION_FILE ? "offset" : "unpackedOffset",
            where->offset);
    return where->line == 0 || (json_put_count(o, "line", where->line) &&
                                json_put_count(o, "column", where->column));
}

static bool
put_end(cJSON *o, const struct mof_diagnostic *d)
{
    cJSON *end = cJSON_CreateObject();

    return json_put_count(end, "line", d->end_line) &&
                   json_put_count(end, "column", d->end_column)
               ? json_put(o, "end", end)
               : (cJSON_Delete(end), false);
}

static bool
put_code(cJSON *o, const struct mof_diagnostic *d)
{
    const char *symbol = mof_code_symbol(d->code);
    char code[16];

    snprintf(code, sizeof(code), "0x%08X", d->code);
    return json_put_text(o, "code", code) &&
           (symbol == NULL || json_put_text(o, "name", symbol));
}

static bool
put_included(cJSON *o, const struct mof_include *i)
{
    cJSON *list = cJSON_CreateArray();
    bool ok = true;

    for (; ok && i != NULL; i = i->from) {
        cJSON *place = cJSON_CreateObject();

        ok = put_location(place, &i->where) &&
             cJSON_AddItemToArray(list, place);
        if (!ok)
            cJSON_Delete(place);
    }
    if (ok)
        return json_put(o, "included", list);
    cJSON_Delete(list);
    return false;
}

static cJSON *diagnostic_json(const struct mof_diagnostic *d);

static bool
put_notes(cJSON *o, const struct mof_diagnostic *d)
{
    cJSON *list = cJSON_CreateArray();
    bool ok = true;

    for (; ok && d != NULL; d = d->detail) {
        struct mof_diagnostic alone = *d;
        cJSON *note;

        alone.detail = NULL;
        note = diagnostic_json(&alone);
        ok = note != NULL && cJSON_AddItemToArray(list, note);
        if (!ok)
            cJSON_Delete(note);
    }
    if (ok)
        return json_put(o, "notes", list);
    cJSON_Delete(list);
    return false;
}

static cJSON *
diagnostic_json(const struct mof_diagnostic *d)
{
    cJSON *o = cJSON_CreateObject();
    bool ok;

    ok = json_put_text(o, "severity", severities[d->severity]) &&
         (d->code == 0 || put_code(o, d)) &&
         (d->phase == MOF_PHASE_NONE ||
          json_put_text(o, "phase", phases[d->phase])) &&
         (d->warning == NULL || json_put_text(o, "class", d->warning)) &&
         put_location(o, &d->where) && (d->end_line == 0 || put_end(o, d)) &&
         json_put_text(o, "message", d->text) &&
         (d->meant == NULL || json_put_text(o, "meant", d->meant)) &&
         (d->included == NULL || put_included(o, d->included)) &&
         (d->detail == NULL || put_notes(o, d->detail));
    if (ok)
        return o;
    cJSON_Delete(o);
    return NULL;
}

bool
json_diagnostic(struct buf *out, const struct mof_diagnostic *d)
{
    return json_line(out, diagnostic_json(d));
}
