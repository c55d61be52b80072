#include "gateway/event/merge.h"

#include <stdlib.h>
#include <string.h>

#define SETS 1024
#define WAYS 4

/* A place has the choice of a few slots and takes the oldest: no memory is
 * ever asked for, and a flood of different events only pushes out others. */
struct merge_table {
    /* Two keys: 128 bits that nobody outside can aim at. */
    struct siphash_key keys[2];
    struct merged slots[SETS][WAYS];
};

struct merge_table *
merge_table_new(void)
{
    struct merge_table *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    siphash_key_random(&t->keys[0]);
    siphash_key_random(&t->keys[1]);
    return t;
}

void
merge_table_clear(struct merge_table *t)
{
    memset(t->slots, 0, sizeof(t->slots));
}

void
merge_table_free(struct merge_table *t)
{
    free(t);
}

/* "192.0.2.1:50000" without its port: a client has many of them. */
static struct span
client_address(struct span client)
{
    size_t n = client.length;

    while (n > 0 && ascii_is_digit(client.data[n - 1]))
        n--;
    if (n > 1 && n < client.length && client.data[n - 1] == ':')
        client.length = n - 1;
    return client;
}

static void
add_part(struct buf *b, struct span part)
{
    uint32_t length = (uint32_t)part.length;

    buf_add(b, &length, sizeof(length));
    buf_add_span(b, part);
}

/* False when out of memory. */
static bool
make_key(const struct merge_table *t, const struct event *e, uint64_t out[2])
{
    static const enum event_field same[] = {
        EVENT_FIELD_NAMESPACE, EVENT_FIELD_PRINCIPAL, EVENT_FIELD_REASON};
    struct buf b = BUF_INIT;
    bool made;

    buf_add(&b, &e->id, sizeof(e->id));
    for (size_t i = 0; i < ARRAY_COUNT(same); i++)
        add_part(&b, e->fields[same[i]]);
    add_part(&b, client_address(e->fields[EVENT_FIELD_CLIENT]));
    made = !buf_failed(&b);
    for (size_t i = 0; made && i < 2; i++)
        out[i] = siphash(&t->keys[i], b.data, b.length);
    buf_fini(&b);
    return made;
}

static bool
within_window(const struct merged *m, int64_t time_us)
{
    return time_us - m->first_us < MERGE_WINDOW_US &&
           m->first_us - time_us < MERGE_WINDOW_US;
}

/* The slot of key, or the one to take for it. */
static struct merged *
slot_of(struct merge_table *t, const uint64_t key[2])
{
    struct merged *set = t->slots[key[0] % SETS], *oldest = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].row != 0 && set[i].key[0] == key[0] &&
            set[i].key[1] == key[1])
            return &set[i];
        if (set[i].row < oldest->row)
            oldest = &set[i];
    }
    return oldest;
}

const struct merged *
merge_find(struct merge_table *t, const struct event *e)
{
    const struct merged *m;
    uint64_t key[2];

    if (!make_key(t, e, key))
        return NULL;
    m = slot_of(t, key);
    if (m->row == 0 || m->key[0] != key[0] || m->key[1] != key[1])
        return NULL;
    if (m->rows < MERGE_AFTER || !within_window(m, e->time_us))
        return NULL;
    return m;
}

void
merge_begin(struct merge_table *t, const struct event *e, int64_t row)
{
    struct merged *m;
    uint64_t key[2];

    if (!make_key(t, e, key))
        return;
    m = slot_of(t, key);
    if (m->row == 0 || m->key[0] != key[0] || m->key[1] != key[1] ||
        !within_window(m, e->time_us))
    {
        memcpy(m->key, key, sizeof(m->key));
        m->first_us = e->time_us;
        m->rows = 0;
    }
    m->rows++;
    m->row = row;
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++)
        m->hashes[i] =
            siphash(&t->keys[0], e->fields[i].data, e->fields[i].length);
}

void
merge_difference(struct merge_table *t, const struct merged *m,
                 const struct event *e, struct event *out)
{
    *out = *e;
    out->fields[EVENT_FIELD_REQUEST_ID] = (struct span){NULL, 0};
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct span field = e->fields[i];

        if (i == EVENT_FIELD_REQUEST_ID)
            continue;
        if (siphash(&t->keys[0], field.data, field.length) == m->hashes[i])
            out->fields[i] = (struct span){NULL, 0};
        else if (field.data == NULL)
            out->fields[i] = SPAN("");
    }
}
