#include "policy/decision/image.h"

#include <string.h>

/* Not a secret: it finds damage, not forgery.  Who may write the file is the
 * file system's matter. */
static const struct siphash_key checksum_key = {UINT64_C(0x6e73676174652031),
                                                UINT64_C(0x696d616765207631)};

#define CHECKSUM_FROM (offsetof(struct image_header, checksum) + 8)

uint64_t
image_checksum(const void *file, size_t size)
{
    return siphash(&checksum_key, (const char *)file + CHECKSUM_FROM,
                   size - CHECKSUM_FROM);
}

uint32_t
image_bucket(uint64_t hash, uint32_t bucket_count)
{
    return (uint32_t)(((hash >> 32) * bucket_count) >> 32);
}

size_t
image_record_size(size_t path_length)
{
    size_t size = sizeof(struct image_record) + path_length;

    return (size + IMAGE_UNIT - 1) / IMAGE_UNIT * IMAGE_UNIT;
}

/* The records of a verified, or at least header-checked, file. */
struct table {
    const struct image_header *header;
    const uint32_t *index;
    const char *records;
    size_t records_size;
};

static struct table
table_of(const void *file, size_t size)
{
    const struct image_header *h = file;
    const char *bytes = file;

    return (struct table){h, (const uint32_t *)(bytes + h->index_offset),
                          bytes + h->records_offset, size - h->records_offset};
}

static int
header_verify(const void *file, size_t size, struct error *err)
{
    const struct image_header *h = file;
    uint64_t index_size;

    if (size < sizeof(*h) || h->magic != IMAGE_MAGIC)
        return error_set(err, "this is no policy image");
    if (h->version != IMAGE_VERSION || h->header_size != sizeof(*h))
        return error_set(err, "a policy image of format %u, not %u",
                         h->version, IMAGE_VERSION);
    if (h->file_size != size || size % IMAGE_UNIT != 0)
        return error_set(err, "%zu bytes long instead of %llu", size,
                         (unsigned long long)h->file_size);
    if (h->checksum != image_checksum(file, size))
        return error_set(err, "the checksum does not match");
    if (h->count > IMAGE_COUNT_MAX || h->bucket_count == 0 ||
        h->bucket_count > IMAGE_COUNT_MAX)
        return error_set(err, "%u namespaces in %u buckets", h->count,
                         h->bucket_count);
    index_size = ((uint64_t)h->bucket_count + 1) * sizeof(uint32_t);
    index_size = (index_size + IMAGE_UNIT - 1) / IMAGE_UNIT * IMAGE_UNIT;
    if (h->index_offset != sizeof(*h) ||
        h->records_offset != sizeof(*h) + index_size ||
        h->records_offset > size)
        return error_set(err, "the index does not fit the file");
    return 0;
}

/* The record at *at of a run that ends at end, *at moved behind it; NULL if
 * it is not wholly inside. */
static const struct image_record *
record_next(const struct table *t, size_t *at, size_t end)
{
    const struct image_record *r;
    size_t left = end - *at, size;

    if (left < sizeof(*r))
        return NULL;
    r = (const struct image_record *)(t->records + *at);
    size = image_record_size(r->length);
    if (size > left)
        return NULL;
    *at += size;
    return r;
}

static struct span
record_path(const struct image_record *r)
{
    return (struct span){r->path, r->length};
}

static bool
level_is_storable(unsigned level)
{
    return level == AUTHN_LEVEL_CONNECT || level == AUTHN_LEVEL_PKT_PRIVACY;
}

/* In the right bucket under the right hash, so that a lookup finds it. */
static bool
record_is_sound(const struct table *t, uint32_t bucket,
                const struct image_record *r)
{
    uint64_t hash = siphash_nocase(&t->header->key, r->path, r->length);

    return r->length > 0 && r->length <= NAMESPACE_PATH_MAX &&
           r->reserved == 0 && level_is_storable(r->required_level) &&
           r->tag == (uint32_t)hash &&
           image_bucket(hash, t->header->bucket_count) == bucket;
}

/* One bucket: its run of records, none twice.  False: damaged. */
static bool
bucket_verify(const struct table *t, uint32_t bucket, uint32_t *count)
{
    const struct image_record *seen[IMAGE_BUCKET_MAX];
    size_t at = (size_t)t->index[bucket] * IMAGE_UNIT;
    size_t end = (size_t)t->index[bucket + 1] * IMAGE_UNIT;
    unsigned n = 0;

    if (at > end || end > t->records_size)
        return false;
    while (at < end) {
        const struct image_record *r = record_next(t, &at, end);

        if (r == NULL || n == IMAGE_BUCKET_MAX ||
            !record_is_sound(t, bucket, r))
            return false;
        for (unsigned i = 0; i < n; i++) {
            if (span_equal_nocase(record_path(seen[i]), record_path(r)))
                return false;
        }
        seen[n++] = r;
    }
    *count += n;
    return true;
}

int
image_verify(const void *file, size_t size, struct error *err)
{
    struct table t;
    uint32_t count = 0;

    if (header_verify(file, size, err) < 0)
        return -1;
    t = table_of(file, size);
    if (t.index[0] != 0 ||
        (uint64_t)t.index[t.header->bucket_count] * IMAGE_UNIT !=
            t.records_size)
        return error_set(err, "the index does not cover the records");
    for (uint32_t b = 0; b < t.header->bucket_count; b++) {
        if (!bucket_verify(&t, b, &count))
            return error_set(err, "bucket %u is damaged", b);
    }
    if (count != t.header->count)
        return error_set(err, "%u namespaces instead of %u", count,
                         t.header->count);
    return 0;
}

/* The record's spelling against a canonical path, whose letters are lower
 * case; without branches, because it is on every request's way. */
static bool
record_is(const struct image_record *r, struct span path)
{
    unsigned difference = 0;

    if (r->length != path.length)
        return false;
    for (size_t i = 0; i < path.length; i++) {
        unsigned char c = (unsigned char)r->path[i];

        c = (unsigned char)(c + ((unsigned)c - 'A' < 26 ? 'a' - 'A' : 0));
        difference |= c ^ (unsigned char)path.data[i];
    }
    return difference == 0;
}

/*
 * The offsets were verified, yet they are checked again where they are used:
 * the cost is nothing beside the memory access, and a page of a file can
 * change under a mapping.
 */
/* Anything but Connect demands the most. */
static struct policy_entry
entry_of(const struct image_record *r)
{
    return (struct policy_entry){r->required_level == AUTHN_LEVEL_CONNECT
                                     ? AUTHN_LEVEL_CONNECT
                                     : AUTHN_LEVEL_PKT_PRIVACY,
                                 record_path(r)};
}

bool
image_find(const void *file, size_t size, struct span path,
           struct policy_entry *entry_out)
{
    struct table t = table_of(file, size);
    /* A canonical path is in lower case already. */
    uint64_t hash = siphash(&t.header->key, path.data, path.length);
    uint32_t bucket = image_bucket(hash, t.header->bucket_count);
    size_t at = (size_t)t.index[bucket] * IMAGE_UNIT;
    size_t end = (size_t)t.index[bucket + 1] * IMAGE_UNIT;

    *entry_out = (struct policy_entry){AUTHN_LEVEL_PKT_PRIVACY, {NULL, 0}};
    if (end > t.records_size)
        return false;
    for (unsigned n = 0; n < IMAGE_BUCKET_MAX && at < end; n++) {
        const struct image_record *r = record_next(&t, &at, end);

        if (r == NULL)
            return false;
        if (r->tag != (uint32_t)hash || !record_is(r, path))
            continue;
        *entry_out = entry_of(r);
        return true;
    }
    return false;
}

void
image_each(const void *file, size_t size,
           bool (*visit)(void *arg, const struct policy_entry *entry),
           void *arg)
{
    struct table t = table_of(file, size);
    const struct image_record *r;
    size_t at = 0;

    while (at < t.records_size &&
           (r = record_next(&t, &at, t.records_size)) != NULL)
    {
        struct policy_entry entry = entry_of(r);

        if (!visit(arg, &entry))
            break;
    }
}
