#include "policy/decision/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/decision/image_file.h"

#define KEYS_TRIED_MAX 64

struct added {
    size_t path; /* in paths */
    uint16_t length;
    uint8_t required_level;
    uint64_t hash; /* under the key being tried */
};

struct policy_image_builder {
    struct buf paths;
    size_t count, capacity;
    struct added *items;
};

struct policy_image_builder *
policy_image_builder_new(void)
{
    return calloc(1, sizeof(struct policy_image_builder));
}

void
policy_image_builder_free(struct policy_image_builder *b)
{
    if (b == NULL)
        return;
    buf_fini(&b->paths);
    free(b->items);
    free(b);
}

static bool
items_reserve(struct policy_image_builder *b)
{
    size_t capacity = b->capacity == 0 ? 64 : b->capacity * 2;
    struct added *items;

    if (b->count < b->capacity)
        return true;
    items = reallocarray(b->items, capacity, sizeof(*items));
    if (items == NULL)
        return false;
    b->items = items;
    b->capacity = capacity;
    return true;
}

int
policy_image_builder_add(struct policy_image_builder *b,
                         const struct namespace_path *ns,
                         const struct policy_entry *entry, struct error *err)
{
    struct span display =
        entry->display.data != NULL ? entry->display : namespace_path_span(ns);
    enum authn_level level = entry->required_level;

    if (ns->length == 0)
        return error_set(err, "no namespace");
    if (level != AUTHN_LEVEL_CONNECT && level != AUTHN_LEVEL_PKT_PRIVACY)
        return error_set(err, "%s: %s can't be required", ns->text,
                         authn_level_name(level));
    if (!span_equal_nocase(display, namespace_path_span(ns)))
        return error_set(err, "%s is spelled as another namespace", ns->text);
    if (b->count >= IMAGE_COUNT_MAX)
        return error_set(err, "more than %u namespaces", IMAGE_COUNT_MAX);
    if (!items_reserve(b) || !buf_reserve(&b->paths, ns->length))
        return error_set_errno(err, ENOMEM, "policy image");
    b->items[b->count++] =
        (struct added){b->paths.length, ns->length, (uint8_t)level, 0};
    buf_add_span(&b->paths, display);
    return 0;
}

static uint32_t
bucket_count_for(size_t count)
{
    return (uint32_t)(count / IMAGE_BUCKET_LOAD) + 1;
}

/* Hashes all under key and sums up the buckets: ends[b] is the size, in
 * units, of the records up to and including bucket b.  False: some bucket is
 * too long. */
static bool
buckets_sum(struct policy_image_builder *b, const struct siphash_key *key,
            uint32_t *ends, uint8_t *lengths, uint32_t buckets)
{
    memset(ends, 0, buckets * sizeof(*ends));
    memset(lengths, 0, buckets);
    for (size_t i = 0; i < b->count; i++) {
        struct added *a = &b->items[i];
        uint32_t bucket;

        a->hash = siphash_nocase(key, b->paths.data + a->path, a->length);
        bucket = image_bucket(a->hash, buckets);
        if (++lengths[bucket] > IMAGE_BUCKET_MAX)
            return false;
        ends[bucket] += (uint32_t)(image_record_size(a->length) / IMAGE_UNIT);
    }
    for (uint32_t i = 1; i < buckets; i++)
        ends[i] += ends[i - 1];
    return true;
}

static int
key_find(struct policy_image_builder *b, struct siphash_key *key_out,
         uint32_t *ends, uint32_t buckets, struct error *err)
{
    uint8_t *lengths = malloc(buckets);
    int r = -1;

    if (lengths == NULL)
        return error_set_errno(err, ENOMEM, "policy image");
    for (unsigned i = 0; i < KEYS_TRIED_MAX && r < 0; i++) {
        siphash_key_random(key_out);
        if (buckets_sum(b, key_out, ends, lengths, buckets))
            r = 0;
    }
    free(lengths);
    if (r < 0)
        error_set(err, "no hash key spreads these namespaces evenly; is one "
                       "of them there many times?");
    return r;
}

/* Lays the records down, the last of a bucket first; *starts* becomes the
 * finished index by that. */
static void
records_place(const struct policy_image_builder *b,
              const struct image_header *h, char *file, uint32_t *starts)
{
    char *records = file + h->records_offset;

    for (size_t i = b->count; i-- > 0;) {
        const struct added *a = &b->items[i];
        uint32_t bucket = image_bucket(a->hash, h->bucket_count);
        struct image_record *r;

        starts[bucket] -=
            (uint32_t)(image_record_size(a->length) / IMAGE_UNIT);
        r = (struct image_record *)(records +
                                    (size_t)starts[bucket] * IMAGE_UNIT);
        r->tag = (uint32_t)a->hash;
        r->length = a->length;
        r->required_level = a->required_level;
        memcpy(r->path, b->paths.data + a->path, a->length);
    }
}

static struct image_header
header_for(const struct policy_image_builder *b, uint32_t units,
           uint64_t generation, const struct siphash_key *key)
{
    struct image_header h = {.magic = IMAGE_MAGIC,
                             .version = IMAGE_VERSION,
                             .header_size = sizeof(h),
                             .generation = generation,
                             .count = (uint32_t)b->count,
                             .bucket_count = bucket_count_for(b->count),
                             .index_offset = sizeof(h),
                             .key = *key};
    uint64_t index = ((uint64_t)h.bucket_count + 1) * sizeof(uint32_t);

    h.records_offset =
        sizeof(h) + (index + IMAGE_UNIT - 1) / IMAGE_UNIT * IMAGE_UNIT;
    h.file_size = h.records_offset + (uint64_t)units * IMAGE_UNIT;
    return h;
}

/* The whole file in memory, malloc'ed; NULL with err filled. */
static char *
file_build(struct policy_image_builder *b, uint64_t generation,
           size_t *size_out, struct error *err)
{
    uint32_t buckets = bucket_count_for(b->count);
    uint32_t *ends = calloc(buckets, sizeof(*ends)), units;
    struct image_header h;
    struct siphash_key key;
    char *file = NULL;

    if (ends == NULL) {
        error_set_errno(err, ENOMEM, "policy image");
        return NULL;
    }
    if (key_find(b, &key, ends, buckets, err) < 0)
        goto out;
    units = ends[buckets - 1];
    h = header_for(b, units, generation, &key);
    file = calloc(1, h.file_size);
    if (file == NULL) {
        error_set_errno(err, ENOMEM, "policy image");
        goto out;
    }
    records_place(b, &h, file, ends);
    memcpy(file + h.index_offset, ends, buckets * sizeof(*ends));
    memcpy(file + h.index_offset + buckets * sizeof(*ends), &units,
           sizeof(units));
    memcpy(file, &h, sizeof(h));
    h.checksum = image_checksum(file, h.file_size);
    memcpy(file, &h, sizeof(h));
    *size_out = h.file_size;
out:
    free(ends);
    return file;
}

int
policy_image_builder_write(struct policy_image_builder *b,
                           const char *state_dir, uint64_t generation,
                           struct error *err)
{
    size_t size;
    char *file = file_build(b, generation, &size, err);
    struct policy_image *image = NULL;
    int r;

    if (file == NULL)
        return -1;
    r = image_file_write(state_dir, IMAGE_NEW_FILE, file, size, err);
    free(file);
    if (r == 0)
        r = image_open_file(state_dir, IMAGE_NEW_FILE, &image, err);
    if (r < 0)
        image_file_remove(state_dir, IMAGE_NEW_FILE);
    policy_image_unref(image);
    return r;
}
