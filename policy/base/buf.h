#ifndef POLICY_BASE_BUF_H
#define POLICY_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/span.h"

/*
 * A growing byte buffer.  Start with BUF_INIT, end with buf_fini.  data is
 * always NUL-terminated once something was appended.  Running out of memory
 * is remembered in `failed` and later appends do nothing, so that a caller
 * checks once at the end (buf_failed).
 */
struct buf {
    char *data;
    size_t length;
    size_t capacity;
    bool failed;
};

#define BUF_INIT ((struct buf){NULL, 0, 0, false})

void buf_fini(struct buf *b);
void buf_reset(struct buf *b); /* length 0, memory and failure kept */
bool buf_failed(const struct buf *b);
bool buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *bytes, size_t length);
void buf_add_char(struct buf *b, char c);
void buf_add_unsigned(struct buf *b, uint64_t n); /* decimal */
void buf_add_span(struct buf *b, struct span s);
void buf_add_string(struct buf *b, const char *s); /* NULL adds nothing */
void buf_addf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct span buf_span(const struct buf *b);
/* Takes the bytes out (malloc'ed, NUL-terminated, never NULL unless failed);
 * the buffer is empty afterwards. */
char *buf_take(struct buf *b);

/*
 * One-line JSON (RFC 8259) for records: access lines, events.  Keys are
 * literals of ours.  Control characters, quotes, DEL and invalid UTF-8 are
 * escaped, so that a record can never hold a raw newline (threat 27).
 *
 *     json_begin(&b);                      {
 *     json_string(&b, "user", s);          "user":"..."
 *     json_number(&b, "status", 200);      ,"status":200
 *     json_end(&b);                        }
 */
void json_begin(struct buf *b);
void json_string(struct buf *b, const char *key, struct span value);
void json_text(struct buf *b, const char *key, const char *value);
void json_number(struct buf *b, const char *key, int64_t value);
void json_bool(struct buf *b, const char *key, bool value);
void json_end(struct buf *b);
/* The quoted and escaped string alone. */
void json_quote(struct buf *b, struct span value);

#endif
