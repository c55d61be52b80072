#include "policy/base/strmap.h"

#include <stdint.h>
#include <stdlib.h>

#include "policy/base/siphash.h"

struct slot {
    uint64_t hash; /* 0 is an unused slot */
    struct span key;
    void *value; /* NULL in a used slot marks a removed entry */
};

struct strmap {
    struct siphash_key key;
    struct slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t used;     /* slots with a hash, removed ones included */
    size_t count;
};

struct strmap *
strmap_new(void)
{
    struct strmap *m = calloc(1, sizeof(*m));

    if (m != NULL)
        siphash_key_random(&m->key);
    return m;
}

void
strmap_free(struct strmap *m)
{
    if (m == NULL)
        return;
    free(m->slots);
    free(m);
}

static uint64_t
hash_of(const struct strmap *m, struct span key)
{
    uint64_t h = siphash_nocase(&m->key, key.data, key.length);

    return h ? h : 1;
}

/* The slot that holds key, or the unused one where it would go. */
static struct slot *
find(const struct strmap *m, uint64_t hash, struct span key)
{
    size_t i = hash & (m->capacity - 1);

    while (m->slots[i].hash != 0) {
        if (m->slots[i].value != NULL && m->slots[i].hash == hash &&
            span_equal_nocase(m->slots[i].key, key))
            break;
        i = (i + 1) & (m->capacity - 1);
    }
    return &m->slots[i];
}

static bool
grow(struct strmap *m)
{
    struct strmap bigger = *m;

    bigger.capacity = m->count * 4 < 16 ? 16 : m->capacity;
    while (bigger.capacity < m->count * 4)
        bigger.capacity *= 2;
    bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
    if (bigger.slots == NULL)
        return false;
    bigger.used = 0;
    for (size_t i = 0; i < m->capacity; i++) {
        if (m->slots[i].value == NULL)
            continue;
        *find(&bigger, m->slots[i].hash, m->slots[i].key) = m->slots[i];
        bigger.used++;
    }
    free(m->slots);
    *m = bigger;
    return true;
}

void *
strmap_get(const struct strmap *m, struct span key)
{
    if (m->capacity == 0)
        return NULL;
    return find(m, hash_of(m, key), key)->value;
}

bool
strmap_put(struct strmap *m, struct span key, void *value)
{
    uint64_t hash = hash_of(m, key);
    struct slot *slot;

    if (value == NULL || (m->used * 2 >= m->capacity && !grow(m)))
        return false;
    slot = find(m, hash, key);
    if (slot->hash == 0)
        m->used++;
    if (slot->value == NULL)
        m->count++;
    *slot = (struct slot){hash, key, value};
    return true;
}

void *
strmap_remove(struct strmap *m, struct span key)
{
    struct slot *slot;
    void *value;

    if (m->capacity == 0)
        return NULL;
    slot = find(m, hash_of(m, key), key);
    value = slot->value;
    if (value != NULL) {
        slot->value = NULL;
        slot->key = (struct span){NULL, 0}; /* may be freed now */
        m->count--;
    }
    return value;
}

size_t
strmap_count(const struct strmap *m)
{
    return m->count;
}

bool
strmap_next(const struct strmap *m, size_t *cursor, struct span *key,
            void **value)
{
    for (; *cursor < m->capacity; (*cursor)++) {
        const struct slot *slot = &m->slots[*cursor];

        if (slot->value == NULL)
            continue;
        *key = slot->key;
        *value = slot->value;
        (*cursor)++;
        return true;
    }
    return false;
}
