#include "gateway/event/merge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 4096

struct merge_table {
    struct strmap *map;
    /* Two keys: 128 bits that nobody outside can aim at. */
    struct siphash_key keys[2];
};

struct merge_table *
merge_table_new(void)
{
    struct merge_table *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->map = strmap_new();
    if (t->map == NULL) {
        free(t);
        return NULL;
    }
    siphash_key_random(&t->keys[0]);
    siphash_key_random(&t->keys[1]);
    return t;
}

void
merge_table_clear(struct merge_table *t)
{
    size_t cursor;
    struct span key;
    void *value;

    for (;;) {
        cursor = 0;
        if (!strmap_next(t->map, &cursor, &key, &value))
            return;
        strmap_remove(t->map, key);
        free(value);
    }
}

void
merge_table_free(struct merge_table *t)
{
    if (t == NULL)
        return;
    merge_table_clear(t);
    strmap_free(t->map);
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
make_key(struct merge_table *t, const struct event *e, char out[33])
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
    if (made)
        snprintf(out, 33, "%016" PRIx64 "%016" PRIx64,
                 siphash(&t->keys[0], b.data, b.length),
                 siphash(&t->keys[1], b.data, b.length));
    buf_fini(&b);
    return made;
}

static bool
within_window(const struct merged *m, int64_t time_us)
{
    return time_us - m->first_us < MERGE_WINDOW_US &&
           m->first_us - time_us < MERGE_WINDOW_US;
}

const struct merged *
merge_find(struct merge_table *t, const struct event *e)
{
    const struct merged *m;
    char key[33];

    if (!make_key(t, e, key))
        return NULL;
    m = strmap_get(t->map, span_of(key));
    return m != NULL && within_window(m, e->time_us) ? m : NULL;
}

/* Drops what is too old to be merged with; everything if that is not
 * enough. */
static void
make_room(struct merge_table *t, int64_t now_us)
{
    struct merged *old[256];
    size_t cursor = 0, count = 0;
    struct span key;
    void *value;

    if (strmap_count(t->map) < ENTRIES_MAX)
        return;
    while (count < ARRAY_COUNT(old) &&
           strmap_next(t->map, &cursor, &key, &value)) {
        if (!within_window(value, now_us))
            old[count++] = value;
    }
    for (size_t i = 0; i < count; i++) {
        strmap_remove(t->map, span_of(old[i]->key));
        free(old[i]);
    }
    if (count == 0)
        merge_table_clear(t);
}

void
merge_begin(struct merge_table *t, const struct event *e, int64_t row)
{
    struct merged *m;
    char key[33];

    if (!make_key(t, e, key))
        return;
    m = strmap_get(t->map, span_of(key));
    if (m == NULL) {
        make_room(t, e->time_us);
        m = calloc(1, sizeof(*m));
        if (m == NULL)
            return;
        memcpy(m->key, key, sizeof(key));
        if (!strmap_put(t->map, span_of(m->key), m)) {
            free(m);
            return;
        }
    }
    m->row = row;
    m->first_us = e->time_us;
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
