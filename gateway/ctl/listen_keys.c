#include "gateway/ctl/listen.h"

#include <stdlib.h>
#include <string.h>

/* A ring, so that the oldest goes first.  Keys are each principal's own:
 * nobody can make another's result look like one that was here before. */
struct listen_keys {
    struct strmap *places; /* text -> its place in the ring */
    char **ring;
    size_t next;
};

struct listen_keys *
listen_keys_new(void)
{
    struct listen_keys *k = calloc(1, sizeof(*k));

    if (k == NULL)
        return NULL;
    k->places = strmap_new();
    k->ring = calloc(LISTEN_KEYS_MAX, sizeof(*k->ring));
    if (k->places != NULL && k->ring != NULL)
        return k;
    listen_keys_free(k);
    return NULL;
}

void
listen_keys_free(struct listen_keys *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; k->ring != NULL && i < LISTEN_KEYS_MAX; i++)
        free(k->ring[i]);
    free(k->ring);
    strmap_free(k->places);
    free(k);
}

/* No principal that was taken has a line feed in it. */
static void
join(struct buf *b, const char *principal, const char *key)
{
    buf_add_string(b, key);
    buf_add_char(b, '\n');
    buf_add_string(b, principal);
}

static char **
place_find(const struct listen_keys *k, struct span text)
{
    char **place = strmap_get(k->places, text);

    /* The table does not tell upper case from lower. */
    return place != NULL && span_equal(span_of(*place), text) ? place : NULL;
}

static void
place_clear(struct listen_keys *k, char **place)
{
    if (*place == NULL)
        return;
    if (strmap_get(k->places, span_of(*place)) == place)
        strmap_remove(k->places, span_of(*place));
    free(*place);
    *place = NULL;
}

bool
listen_keys_has(const struct listen_keys *k, const char *principal,
                const char *key)
{
    struct buf b = BUF_INIT;
    bool has;

    join(&b, principal, key);
    has = !buf_failed(&b) && place_find(k, buf_span(&b)) != NULL;
    buf_fini(&b);
    return has;
}

bool
listen_keys_add(struct listen_keys *k, const char *principal, const char *key)
{
    char **place = &k->ring[k->next];
    struct buf b = BUF_INIT;
    char **other;

    join(&b, principal, key);
    place_clear(k, place);
    *place = buf_take(&b);
    if (*place == NULL)
        return false;
    other = strmap_get(k->places, span_of(*place));
    if (other != NULL)
        place_clear(k, other);
    if (!strmap_put(k->places, span_of(*place), place)) {
        free(*place);
        *place = NULL;
        return false;
    }
    k->next = (k->next + 1) % LISTEN_KEYS_MAX;
    return true;
}

void
listen_keys_remove(struct listen_keys *k, const char *principal,
                   const char *key)
{
    struct buf b = BUF_INIT;
    char **place;

    join(&b, principal, key);
    place = buf_failed(&b) ? NULL : place_find(k, buf_span(&b));
    if (place != NULL)
        place_clear(k, place);
    buf_fini(&b);
}
