#ifndef POLICY_DECISION_IMAGE_H
#define POLICY_DECISION_IMAGE_H

#include "policy/decision/decision.h"

/*
 * The file format of the policy image, private to the folder and its tests.
 * Host byte order; a file of another order has a foreign magic.
 *
 *     struct image_header
 *     uint32_t index[bucket_count + 1]    padded to 8 bytes
 *     records, bucket after bucket
 *
 * A namespace's SipHash under the header's key names its bucket (high half)
 * and is kept in its record (low half).  index[b] .. index[b + 1] are the
 * records of bucket b in units of 8 bytes from records_offset.  A bucket
 * holds about IMAGE_BUCKET_LOAD records, which share a cache line or two, so
 * that the index stays small enough for the processor's own cache; none holds
 * more than IMAGE_BUCKET_MAX: a random key misses that bound practically never,
 * and then the builder takes another (threat 33).  A lookup touches one index
 * word and one run of records, and compares the whole path.
 */

#define IMAGE_MAGIC       UINT64_C(0x314c4f5045544147) /* "GATEPOL1" */
#define IMAGE_VERSION     1u
#define IMAGE_UNIT        8u
#define IMAGE_BUCKET_LOAD 4u
#define IMAGE_BUCKET_MAX  32u
#define IMAGE_COUNT_MAX   (UINT32_C(1) << 24)

struct image_header {
    uint64_t magic;
    uint64_t checksum; /* image_checksum of all bytes behind this field */
    uint32_t version;
    uint32_t header_size;
    uint64_t generation;
    uint64_t file_size;
    uint32_t count;        /* records */
    uint32_t bucket_count; /* at least 1 */
    uint64_t index_offset;
    uint64_t records_offset;
    struct siphash_key key;
};

/* Followed by length bytes of path, zero-padded to IMAGE_UNIT: the author's
 * spelling, hashed and compared without ASCII case, so that it is the
 * canonical path and its display in one. */
struct image_record {
    uint32_t tag; /* low half of the hash */
    uint16_t length;
    uint8_t required_level;
    uint8_t reserved; /* 0 */
    char path[];
};

#define IMAGE_NEW_FILE POLICY_IMAGE_FILE ".new"

uint64_t image_checksum(const void *file, size_t size);
uint32_t image_bucket(uint64_t hash, uint32_t bucket_count);
size_t image_record_size(size_t path_length);

/* Checks size bytes, 8-aligned and at most so many, from header to last
 * record; 0 if every lookup in them is safe and finds what was put in. */
int image_verify(const void *file, size_t size, struct error *err);
/* Lookup in verified bytes. */
bool image_find(const void *file, size_t size, struct span path,
                struct policy_entry *entry_out);
void image_each(const void *file, size_t size,
                bool (*visit)(void *arg, const struct policy_entry *entry),
                void *arg);

/* policy_image_open of another name in the directory. */
int image_open_file(const char *state_dir, const char *name,
                    struct policy_image **image_out, struct error *err);

#endif
