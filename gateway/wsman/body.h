#ifndef GATEWAY_WSMAN_BODY_H
#define GATEWAY_WSMAN_BODY_H

#include "gateway/wsman/wsman.h"

/* What stands in the body, by its first element. */
enum body_id {
    BODY_EMPTY = 0,
    BODY_IDENTIFY,
    BODY_ENUMERATE,
    BODY_PULL,
    BODY_RELEASE,
    BODY_OTHER,
    BODY_MIXED, /* more than one element */
};

enum body_id body_find(const char *namespace, const char *name);

/* The parts of an enumeration's bodies: their index, or -1. */
int body_part_find(enum body_id body, const char *namespace, const char *name);
#define BODY_PARTS_MAX 32

/* Reads the text of one part; NULL, or what is wrong and *fault_out. */
const char *body_part_take(int part, struct span text,
                           struct wsman_enumeration *out,
                           enum wsman_fault_kind *fault_out);
bool body_part_is_context(int part);
/* Whether anything is read of it; else it may hold what it likes. */
bool body_part_is_read(int part);
/* An EnumerationContext, as body_part_take reads it. */
#define BODY_CONTEXT_MAX 63
void body_context_format(enum wsman_items items, int64_t after,
                         char out[BODY_CONTEXT_MAX + 1]);

/* Decimal digits, at least 1; above SIZE_MAX it is that. False: no number. */
bool body_number_read(struct span text, size_t *out);

#endif
