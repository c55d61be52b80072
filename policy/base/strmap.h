#ifndef POLICY_BASE_STRMAP_H
#define POLICY_BASE_STRMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/base/span.h"

/*
 * A hash table from names to pointers; ASCII case does not matter.  Keys are
 * borrowed: they must live as long as their entry (an arena's, usually).  Hashing
 * is SipHash with a random key, so that names chosen by a stranger do not
 * collide on purpose (threat 33).
 */
struct strmap;

struct strmap *strmap_new(void);
void strmap_free(struct strmap *m); /* keys and values are left alone */
void *strmap_get(const struct strmap *m, struct span key);
/* Adds or replaces; false when out of memory. */
bool strmap_put(struct strmap *m, struct span key, void *value);
/* The old value, NULL if there was none. */
void *strmap_remove(struct strmap *m, struct span key);
size_t strmap_count(const struct strmap *m);
/* Visits in unspecified order; *cursor starts at 0. */
bool strmap_next(const struct strmap *m, size_t *cursor, struct span *key,
                 void **value);

#endif
