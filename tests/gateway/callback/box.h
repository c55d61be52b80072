#ifndef TESTS_GATEWAY_CALLBACK_BOX_H
#define TESTS_GATEWAY_CALLBACK_BOX_H

#include "gateway/callback/callback.h"

/* An outbox in a directory of the test's own.  Times count from START. */
#define START  INT64_C(1700000000000000)
#define SECOND INT64_C(1000000)

/* 32 digits of n. */
const char *box_id(unsigned n); /* a static buffer */
/* alice's, to a sink, with room for everything; gives up after 100 s, is kept
 * for 200 s, dead for 300 s. */
struct operation_request box_request(unsigned n);

struct outbox *box_open(const char *dir, enum outbox_mode mode);
void box_commit(struct outbox *b);
enum outbox_add box_add(struct outbox *b, const struct operation_request *r);
/* Adds box_request(n), and a result of `batches` batches, "n.1" and so on. */
void box_add_result(struct outbox *b, unsigned n, unsigned batches);
void box_end(struct outbox *b, unsigned n, enum operation_state end);

/* Spans in it live until the end of the test's next box_find; NONE: none. */
struct operation box_find(struct outbox *b, unsigned n);
enum operation_state box_state(struct outbox *b, unsigned n);
/* The ids of those due, as "3 1 2". */
const char *box_due(struct outbox *b, enum operation_state state,
                    int64_t now_us, size_t limit); /* a static buffer */
/* 1 and the body equal, else 0. */
bool box_batch_is(struct outbox *b, unsigned n, uint32_t number,
                  struct span body);
uint64_t box_count(struct outbox *b, enum operation_state state);

#endif
