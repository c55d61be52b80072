#include "policy/base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)64 * 1024)

struct block {
    struct block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char bytes[];
};

struct arena {
    struct block *blocks; /* the one being filled is first */
    struct block *large;  /* of one request each, the newest first */
    size_t used;
};

struct arena *
arena_new(void)
{
    return calloc(1, sizeof(struct arena));
}

/* Frees from the front up to, not including, last. */
static void
blocks_free(struct block **list, const struct block *last)
{
    while (*list != last) {
        struct block *next = (*list)->next;

        free(*list);
        *list = next;
    }
}

void
arena_free(struct arena *a)
{
    if (a == NULL)
        return;
    blocks_free(&a->blocks, NULL);
    blocks_free(&a->large, NULL);
    free(a);
}

struct arena_mark
arena_mark(const struct arena *a)
{
    return (struct arena_mark){
        a->blocks, a->large, a->blocks != NULL ? a->blocks->used : 0, a->used};
}

void
arena_release(struct arena *a, struct arena_mark mark)
{
    blocks_free(&a->blocks, mark.block);
    blocks_free(&a->large, mark.large);
    if (a->blocks != NULL)
        a->blocks->used = mark.block_used;
    a->used = mark.used;
}

static struct block *
block_new(size_t size)
{
    struct block *b = malloc(sizeof(*b) + size);

    if (b == NULL)
        return NULL;
    b->next = NULL;
    b->used = 0;
    b->size = size;
    return b;
}

/* The block with room for size bytes; a large request that does not fit gets
 * one of its own. */
static struct block *
block_with_room(struct arena *a, size_t size)
{
    bool is_large = size > BLOCK_BYTES / 4;
    struct block **list = is_large ? &a->large : &a->blocks, *b;

    if (a->blocks != NULL && a->blocks->size - a->blocks->used >= size)
        return a->blocks;
    b = block_new(is_large ? size : BLOCK_BYTES);
    if (b == NULL)
        return NULL;
    b->next = *list;
    *list = b;
    return b;
}

void *
arena_alloc(struct arena *a, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct block *b;
    void *p;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + align - 1) / align * align;
    if (size == 0)
        size = align;
    b = block_with_room(a, size);
    if (b == NULL)
        return NULL;
    p = b->bytes + b->used;
    b->used += size;
    a->used += size;
    return memset(p, 0, size);
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / 2 / size)
        return NULL;
    return arena_alloc(a, count * size);
}

char *
arena_copy(struct arena *a, struct span s)
{
    char *copy = arena_alloc(a, s.length + 1);

    if (copy != NULL && s.length > 0)
        memcpy(copy, s.data, s.length);
    return copy;
}

struct span
arena_span(struct arena *a, struct span s)
{
    char *copy = arena_copy(a, s);

    return (struct span){copy, copy != NULL ? s.length : 0};
}

size_t
arena_used(const struct arena *a)
{
    return a->used;
}
