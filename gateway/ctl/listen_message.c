#include "gateway/ctl/listen.h"

#include <string.h>

static const cJSON *
member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* Behind the one value nothing but white space; no NUL, no byte order mark,
 * no invalid UTF-8 anywhere. */
static cJSON *
parse_whole(struct span body)
{
    const char *end = NULL;
    cJSON *json;

    if (!utf8_is_valid(body) ||
        (body.length > 0 && (unsigned char)body.data[0] == 0xef) ||
        memchr(body.data, '\0', body.length) != NULL)
        return NULL;
    json = cJSON_ParseWithLengthOpts(body.data, body.length, &end, false);
    if (json == NULL)
        return NULL;
    while (end < body.data + body.length && strchr(" \t\r\n", *end) != NULL)
        end++;
    if (end == body.data + body.length && cJSON_IsObject(json))
        return json;
    cJSON_Delete(json);
    return NULL;
}

/* A whole number. */
static bool
take_count(const cJSON *object, const char *key, uint32_t *out)
{
    const cJSON *value = member(object, key);

    if (!cJSON_IsNumber(value) || value->valuedouble < 0 ||
        value->valuedouble > UINT32_MAX)
        return false;
    *out = (uint32_t)value->valuedouble;
    return (double)*out == value->valuedouble;
}

/* 128 bits in lower case hex. */
static bool
take_operation(struct listen_message *m)
{
    const char *text = cJSON_GetStringValue(member(m->json, "operation"));

    if (text == NULL || strlen(text) != sizeof(m->operation) - 1 ||
        strspn(text, "0123456789abcdef") != sizeof(m->operation) - 1)
        return false;
    memcpy(m->operation, text, sizeof(m->operation));
    return true;
}

static bool
take_indicate(struct listen_message *m)
{
    const cJSON *objects = member(m->json, "objects");

    m->namespace = cJSON_GetStringValue(member(m->json, "namespace"));
    if (m->namespace == NULL || !cJSON_IsArray(objects) ||
        !take_count(m->json, "batch", &m->batch) || m->batch == 0)
        return false;
    m->objects = (uint32_t)cJSON_GetArraySize(objects);
    snprintf(m->key, sizeof(m->key), "\"%s-%u\"", m->operation, m->batch);
    return true;
}

static bool
take_hresult(struct listen_message *m)
{
    const char *text = cJSON_GetStringValue(member(m->json, "hresult"));

    if (text == NULL || strlen(text) != 10 || text[0] != '0' || text[1] != 'x')
        return false;
    for (const char *p = text + 2; *p != '\0'; p++) {
        int digit = ascii_hex_value(*p);

        if (digit < 0)
            return false;
        m->hresult = m->hresult << 4 | (uint32_t)digit;
    }
    return true;
}

static bool
take_setstatus(struct listen_message *m)
{
    m->symbol = cJSON_GetStringValue(member(m->json, "symbol"));
    snprintf(m->key, sizeof(m->key), "\"%s-status\"", m->operation);
    return take_hresult(m) && take_count(m->json, "batches", &m->batches) &&
           take_count(m->json, "objects", &m->objects);
}

static const struct {
    const char *name;
    enum listen_kind kind;
    bool (*take)(struct listen_message *m);
} kinds[] = {
    {"indicate", LISTEN_INDICATE, take_indicate},
    {"setstatus", LISTEN_SETSTATUS, take_setstatus},
};

int
listen_message_parse(struct span body, struct listen_message *out,
                     struct error *err)
{
    const char *kind;

    *out = (struct listen_message){.text = BUF_INIT};
    out->json = body.data != NULL ? parse_whole(body) : NULL;
    if (out->json == NULL)
        return error_set(err, "the body is no JSON object");
    listen_text_compact(body, &out->text);
    if (buf_failed(&out->text)) {
        error_set(err, "out of memory");
        goto fail;
    }
    kind = cJSON_GetStringValue(member(out->json, "kind"));
    for (size_t i = 0; kind != NULL && i < ARRAY_COUNT(kinds); i++) {
        if (strcmp(kind, kinds[i].name) != 0)
            continue;
        out->kind = kinds[i].kind;
        if (take_operation(out) && kinds[i].take(out))
            return 0;
        error_set(err, "a member of %s is missing or of another type", kind);
        goto fail;
    }
    error_set(err, "the kind is neither indicate nor setstatus");
fail:
    listen_message_fini(out);
    return -1;
}

void
listen_message_fini(struct listen_message *m)
{
    cJSON_Delete(m->json);
    buf_fini(&m->text);
    memset(m, 0, sizeof(*m));
}
