#ifndef POLICY_MOFCOMP_JSON_H
#define POLICY_MOFCOMP_JSON_H

#include <cjson/cJSON.h>

#include "policy/base/base.h"

/*
 * A value as a line of JSON.  cJSON leaves DEL, C1 and characters that cannot
 * be seen as they are and knows nothing of bytes that are no UTF-8: those are
 * written as \u escapes and as U+FFFD.  value may be NULL (out of memory) and
 * is freed; false: out of memory.
 */
bool json_line(struct buf *out, cJSON *value);

/* Members; a failure is one of the object: check cJSON_* results with these.
 * False: out of memory. */
bool json_put_text(cJSON *object, const char *name, const char *text);
bool json_put_span(cJSON *object, const char *name, struct span text);
bool json_put_count(cJSON *object, const char *name, uint64_t value);
/* Takes value, which may be NULL. */
bool json_put(cJSON *object, const char *name, cJSON *value);

#endif
