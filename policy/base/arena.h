#ifndef POLICY_BASE_ARENA_H
#define POLICY_BASE_ARENA_H

#include <stddef.h>

#include "policy/base/span.h"

/*
 * Memory that is freed all at once.  What a compile or a repository read
 * produces lives in one arena; nothing in it is freed singly.  Returned
 * memory is zeroed and aligned for any type; NULL when out of memory.
 */
struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* NULL is fine */
void *arena_alloc(struct arena *a, size_t size);
/* count * size, NULL on overflow. */
void *arena_array(struct arena *a, size_t count, size_t size);
/* A NUL-terminated copy. */
char *arena_copy(struct arena *a, struct span s);
/* The same as a span; absent when out of memory. */
struct span arena_span(struct arena *a, struct span s);
/* Bytes handed out so far, for limits and tests. */
size_t arena_used(const struct arena *a);

/* A point to go back to: what was handed out behind it is freed.  Of several
 * the last one taken is gone back to first. */
struct arena_mark {
    void *block, *large; /* the first of each list */
    size_t block_used, used;
};

struct arena_mark arena_mark(const struct arena *a);
void arena_release(struct arena *a, struct arena_mark mark);

#endif
