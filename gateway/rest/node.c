#include "gateway/rest/node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAW_MAX 64

cJSON *
node_string(struct span text)
{
    struct buf quoted = BUF_INIT;
    cJSON *node = NULL;

    json_quote(&quoted, text);
    if (!buf_failed(&quoted))
        node = cJSON_CreateRaw(quoted.data);
    buf_fini(&quoted);
    /* An item without its text prints as nothing: as good as no item. */
    if (node != NULL && node->valuestring == NULL) {
        cJSON_Delete(node);
        node = NULL;
    }
    return node;
}

cJSON *
node_text(const char *text)
{
    return node_string(span_of(text));
}

cJSON *
node_raw(const char *format, ...)
{
    char text[RAW_MAX];
    cJSON *node;
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    node = cJSON_CreateRaw(text);
    if (node != NULL && node->valuestring == NULL) {
        cJSON_Delete(node);
        node = NULL;
    }
    return node;
}

bool
node_put(cJSON *object, const char *key, cJSON *item)
{
    if (item != NULL && object != NULL &&
        cJSON_AddItemToObjectCS(object, key, item))
        return true;
    cJSON_Delete(item);
    return false;
}

bool
node_put_name(cJSON *object, struct span key, cJSON *item)
{
    struct buf name = BUF_INIT;
    bool ok;

    buf_add_span(&name, key);
    ok = item != NULL && object != NULL && !buf_failed(&name) &&
         cJSON_AddItemToObject(object, name.data != NULL ? name.data : "",
                               item);
    if (!ok)
        cJSON_Delete(item);
    buf_fini(&name);
    return ok;
}

bool
node_push(cJSON *array, cJSON *item)
{
    if (item != NULL && array != NULL && cJSON_AddItemToArray(array, item))
        return true;
    cJSON_Delete(item);
    return false;
}

bool
node_print(const cJSON *node, struct buf *out)
{
    char *text = cJSON_PrintUnformatted(node);

    if (text == NULL)
        return false;
    buf_add_string(out, text);
    cJSON_free(text);
    return !buf_failed(out);
}
