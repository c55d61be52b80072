#ifndef GATEWAY_REST_NODE_H
#define GATEWAY_REST_NODE_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "policy/base/base.h"

/*
 * cJSON with two differences: text is a span, escaped by our own writer (so
 * that NUL and malformed UTF-8 in a value survive or are replaced, never cut
 * it), and a failure can't leak.  A NULL node means "out of memory" and is
 * passed on: node_put(o, "k", node_string(s)) is false if either failed.
 */

cJSON *node_string(struct span text);
cJSON *node_text(const char *text);
/* printf of something that is JSON already. */
cJSON *node_raw(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Take item in every case.  key is a literal. */
bool node_put(cJSON *object, const char *key, cJSON *item);
bool node_put_name(cJSON *object, struct span key, cJSON *item);
bool node_push(cJSON *array, cJSON *item);

/* Appends the text; false when out of memory. */
bool node_print(const cJSON *node, struct buf *out);

#endif
