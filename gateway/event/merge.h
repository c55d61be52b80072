#ifndef GATEWAY_EVENT_MERGE_H
#define GATEWAY_EVENT_MERGE_H

#include "gateway/event/event.h"

/*
 * Which row a repeated event belongs to (threat 35: a flood of denials must
 * not push everything else out of the log).  Bounded; forgetting an entry
 * only costs a row.
 */
#define MERGE_WINDOW_US (INT64_C(60) * 1000000)
/* So many in a window are rows of their own; what follows is a flood and is
 * counted in the last of them. */
#define MERGE_AFTER 10

struct merged {
    uint64_t key[2]; /* what makes two events repeats of one another */
    int64_t row;     /* 0: unused */
    int64_t first_us;
    unsigned rows;                      /* of this window */
    uint64_t hashes[EVENT_FIELD_COUNT]; /* of the row's fields */
};

struct merge_table;
struct merge_table *merge_table_new(void);
void merge_table_free(struct merge_table *t);
void merge_table_clear(struct merge_table *t);

/* NULL: e begins a row of its own. */
const struct merged *merge_find(struct merge_table *t, const struct event *e);
/* e was written as row; once there are MERGE_AFTER of them, what follows
 * within a minute belongs there. */
void merge_begin(struct merge_table *t, const struct event *e, int64_t row);
/* What e says otherwise than the row it was merged into, for event_overlay.
 * Its spans are e's. */
void merge_difference(struct merge_table *t, const struct merged *m,
                      const struct event *e, struct event *out);

#endif
