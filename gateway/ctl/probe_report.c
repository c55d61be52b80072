#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "gateway/ctl/ctl.h"
#include "gateway/ctl/probe.h"

/* What an answer tells of its decision: a problem (docs/levels.md), or the
 * caller's part of a namespace's page. */
struct told {
    const char *key; /* in the JSON of the answer */
    const char *label;
};

static const struct told told_rows[] = {
    {"requiredLevel", "required"}, {"declaredLevel", "declared"},
    {"appliedLevel", "applied"},   {"effectiveLevel", "effective"},
    {"channel", "channel"},        {"binding", "binding"},
    {"reason", "reason"},          {"detail", "detail"},
    {"secureUri", "secure URI"},   {"requestId", "request id"},
};

static cJSON *
body_parse(const struct probe_result *r)
{
    const char *type = client_header(&r->response, "content-type");

    if (type == NULL || strstr(type, "json") == NULL)
        return NULL;
    return cJSON_ParseWithLength(
        r->response.body.data != NULL ? r->response.body.data : "",
        r->response.body.length);
}

static const char *
body_text(const cJSON *body, const char *key)
{
    const cJSON *caller = cJSON_GetObjectItemCaseSensitive(body, "caller");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(body, key);

    if (value == NULL)
        value = cJSON_GetObjectItemCaseSensitive(caller, key);
    return cJSON_GetStringValue(value);
}

static void __attribute__((format(printf, 3, 4)))
line(FILE *out, const char *label, const char *format, ...)
{
    char text[2048];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    fprintf(out, "  %-13s ", label);
    ctl_print_text(out, span_of(text), false);
    fputc('\n', out);
}

static const char *
flags_text(uint32_t flags, struct buf *b)
{
    buf_reset(b);
    gss_flags_format(flags, b);
    return b->data != NULL && b->data[0] != '\0' ? b->data : "none";
}

static void
print_context(const struct probe_result *r, FILE *out)
{
    const struct probe_options *o = r->options;
    struct buf b = BUF_INIT;

    if (r->spn[0] == '\0') {
        line(out, "asked", "None: no token is sent");
        return;
    }
    line(out, "service", "%s", r->spn);
    line(out, "principal", "%s", r->principal);
    line(out, "asked", "%s: flags 0x%04x (%s)%s",
         o->flags_given ? "exact flags" : authn_level_name(o->level), o->flags,
         flags_text(o->flags, &b),
         o->library_flags ? ", and what the library adds" : "");
    line(out, "context", "%s, flags 0x%04x (%s), declares %s",
         o->raw_krb5 ? "krb5" : "SPNEGO", r->flags, flags_text(r->flags, &b),
         authn_level_name(r->declared));
    buf_fini(&b);
}

static void
print_connection(const struct probe_result *r, FILE *out)
{
    line(out, "connection", "%s%s%s, %s", r->tls ? "https" : "http",
         r->options->unix_path != NULL ? " on " : "",
         r->options->unix_path != NULL ? r->options->unix_path : "",
         r->binding.length > 0 ? "token bound to its certificate"
                               : "token not bound");
    if (r->options->message_encryption)
        line(out, "message", "sealed; the answer is %s",
             r->sealed ? "sealed too" : "in clear");
    if (r->certificate_changed)
        line(out, "", "the server's certificate changed before the request");
}

static void
print_aprep(const struct probe_result *r, FILE *out)
{
    static const char *const words[] = {
        [PROBE_APREP_MISSING] = "missing: the server did not prove itself",
        [PROBE_APREP_NOT_ASKED] = "not asked for",
        [PROBE_APREP_COMPLETE] = "valid",
        [PROBE_APREP_INVALID] = "invalid",
    };

    if (r->spn[0] == '\0')
        return;
    line(out, "server token", "%s%s%s", words[r->aprep],
         r->aprep == PROBE_APREP_INVALID ? ": " : "", r->aprep_error.text);
}

static void
print_headers(const struct probe_result *r, FILE *out)
{
    fputc('\n', out);
    for (size_t i = 0; i < r->response.header_count; i++) {
        fprintf(out, "  ");
        ctl_print_text(out, span_of(r->response.headers[i].name), false);
        fprintf(out, ": ");
        ctl_print_text(out, span_of(r->response.headers[i].value), false);
        fputc('\n', out);
    }
}

void
probe_print_text(const struct probe_result *r, FILE *out)
{
    cJSON *body = body_parse(r);
    const char *text;

    fprintf(out, "%s %s\n", r->options->method, r->options->url);
    print_context(r, out);
    print_connection(r, out);
    line(out, "answer", "%ld%s", r->response.status,
         r->response.status >= 200 && r->response.status < 300
             ? " admitted"
             : " not admitted");
    for (size_t i = 0; i < ARRAY_COUNT(told_rows); i++) {
        text = body_text(body, told_rows[i].key);
        if (text != NULL)
            line(out, told_rows[i].label, "%s", text);
    }
    print_aprep(r, out);
    cJSON_Delete(body);
    if (!r->options->verbose)
        return;
    print_headers(r, out);
    fputc('\n', out);
    ctl_print_text(out, buf_span(&r->response.body), true);
    fputc('\n', out);
}

/* -- JSON ---------------------------------------------------------------- */

/* Invalid UTF-8 would make the whole object invalid. */
static cJSON *
clean_string(struct span s)
{
    char *text = malloc(s.length + 1);
    cJSON *result = NULL;
    size_t n = 0;

    if (text == NULL)
        return NULL;
    while (s.length > 0) {
        size_t step = utf8_sequence_length(s);

        if (step == 0 || s.data[0] == '\0') {
            text[n++] = '?';
            step = 1;
        } else {
            memcpy(text + n, s.data, step);
            n += step;
        }
        s = span_skip(s, step);
    }
    text[n] = '\0';
    result = cJSON_CreateString(text);
    free(text);
    return result;
}

/* A header that came twice is an array. */
static bool
add_header(cJSON *headers, const struct client_header *h)
{
    cJSON *value = clean_string(span_of(h->value)), *present, *list;

    if (value == NULL)
        return false;
    present = cJSON_GetObjectItemCaseSensitive(headers, h->name);
    if (present == NULL)
        return cJSON_AddItemToObject(headers, h->name, value);
    if (cJSON_IsArray(present))
        return cJSON_AddItemToArray(present, value);
    list = cJSON_CreateArray();
    if (list == NULL) {
        cJSON_Delete(value);
        return false;
    }
    cJSON_AddItemToArray(list, cJSON_Duplicate(present, true));
    cJSON_AddItemToArray(list, value);
    return cJSON_ReplaceItemInObjectCaseSensitive(headers, h->name, list);
}

static bool
add_answer(cJSON *object, const struct probe_result *r)
{
    cJSON *headers = cJSON_AddObjectToObject(object, "headers");
    cJSON *body = body_parse(r);
    const char *text;
    bool ok = headers != NULL;

    for (size_t i = 0; ok && i < r->response.header_count; i++)
        ok = add_header(headers, &r->response.headers[i]);
    for (size_t i = 0; ok && i < ARRAY_COUNT(told_rows); i++) {
        text = body_text(body, told_rows[i].key);
        if (text != NULL &&
            cJSON_GetObjectItemCaseSensitive(object, told_rows[i].key) == NULL)
            ok = cJSON_AddStringToObject(object, told_rows[i].key, text);
    }
    /* As it came: cJSON's numbers would lose digits beyond 2^53. */
    if (ok && body != NULL)
        ok = cJSON_AddRawToObject(object, "body", r->response.body.data);
    else if (ok)
        ok = cJSON_AddItemToObject(object, "body",
                                   clean_string(buf_span(&r->response.body)));
    cJSON_Delete(body);
    return ok;
}

static bool
add_text(cJSON *object, const char *key, const char *text)
{
    return cJSON_AddStringToObject(object, key, text) != NULL;
}

static bool
add_flags(cJSON *object, const char *key, const char *names_key,
          uint32_t flags)
{
    struct buf names = BUF_INIT;
    char hex[16];
    bool ok;

    snprintf(hex, sizeof(hex), "0x%04x", flags);
    gss_flags_format(flags, &names);
    ok = add_text(object, key, hex) &&
         add_text(object, names_key, names.data != NULL ? names.data : "");
    buf_fini(&names);
    return ok;
}

static bool
add_context(cJSON *object, const struct probe_result *r)
{
    const struct probe_options *o = r->options;

    if (r->spn[0] == '\0')
        return true;
    return add_text(object, "spn", r->spn) &&
           add_text(object, "principal", r->principal) &&
           add_text(object, "mechanism", o->raw_krb5 ? "krb5" : "SPNEGO") &&
           add_flags(object, "flagsRequested", "flagNamesRequested",
                     o->flags) &&
           add_flags(object, "flags", "flagNames", r->flags) &&
           add_text(object, "contextLevel", authn_level_name(r->declared)) &&
           cJSON_AddBoolToObject(object, "tokenBound",
                                 r->binding.length > 0) &&
           (!r->options->message_encryption ||
            cJSON_AddBoolToObject(object, "sealed", r->sealed) != NULL) &&
           add_text(object, "serverToken", probe_aprep_name(r->aprep)) &&
           (r->aprep != PROBE_APREP_INVALID ||
            add_text(object, "serverTokenError", r->aprep_error.text));
}

int
probe_print_json(const struct probe_result *r, FILE *out)
{
    const struct probe_options *o = r->options;
    cJSON *object = cJSON_CreateObject();
    char *text = NULL;

    if (object != NULL && add_text(object, "url", o->url) &&
        add_text(object, "method", o->method) &&
        add_text(object, "level",
                 o->flags_given ? "exact flags"
                                : authn_level_name(o->level)) &&
        add_context(object, r) &&
        cJSON_AddBoolToObject(object, "tls", r->tls) &&
        cJSON_AddNumberToObject(object, "status",
                                (double)r->response.status) &&
        add_answer(object, r))
        text = cJSON_PrintUnformatted(object);
    if (text != NULL)
        fprintf(out, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(object);
    return text != NULL ? 0 : -1;
}
