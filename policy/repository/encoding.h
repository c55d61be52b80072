#ifndef POLICY_REPOSITORY_ENCODING_H
#define POLICY_REPOSITORY_ENCODING_H

#include "policy/base/base.h"

/*
 * Class declarations, instances and declarations of qualifiers as the store
 * keeps them: one byte of format version, then the fields of struct cim_class,
 * cim_instance or cim_qualifier_declaration in their order.
 *
 *     number    LEB128: seven bits a byte, the lowest first, bit 7 = more
 *     sint      a number, zigzag: 0, -1, 1, -2, ...
 *     real      the 8 bytes of an IEEE 754 double, lowest first
 *     text      a number, 0 for absent, else length + 1; then the bytes
 *     list      a number, then so many items
 *     value     type, flags (ENCODING_*), count if an array, the NULL map of
 *               an array (one byte an element), the scalars that are there
 *
 * The decoder takes no number on trust: a count is never larger than the
 * bytes that are left, embedded instances nest ENCODING_DEPTH_MAX deep at
 * most, and bytes that remain are an error.
 */
#define ENCODING_VERSION   1
#define ENCODING_DEPTH_MAX 128

enum {
    ENCODING_NULL = 1 << 0,
    ENCODING_ARRAY = 1 << 1,
    ENCODING_NULL_ITEMS = 1 << 2,
    ENCODING_FLAGS = 7,
};

/* Appends; memory problems show in buf_failed, too deep an instance is -1. */
int encode_class(struct buf *b, const struct cim_class *c);
int encode_instance(struct buf *b, const struct cim_instance *instance);
void encode_qualifier_declaration(struct buf *b,
                                  const struct cim_qualifier_declaration *q);
/* A value alone, to compare. */
int encode_value_bytes(struct buf *b, const struct cim_value *v);

/* In arena, copying what they keep.  NULL: damaged, or out of memory. */
struct cim_class *decode_class(struct span bytes, struct arena *arena);
struct cim_instance *decode_instance(struct span bytes, struct arena *arena);
struct cim_qualifier_declaration *
decode_qualifier_declaration(struct span bytes, struct arena *arena);

#endif
