#ifndef POLICY_BASE_VISIBLE_H
#define POLICY_BASE_VISIBLE_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/buf.h"
#include "policy/base/span.h"

/*
 * Strangers' text where a person reads it.  What a terminal would obey (C0,
 * DEL, C1) or a reader could not see (bidirectional controls, joiners, tags,
 * the byte order mark, what Unicode has not assigned) is written as <U+202E>,
 * a byte that is no UTF-8 as <FF>.  A line end counts as such a control: the
 * result is one line.
 *
 *     visible_begin(&v);
 *     visible_add(&v, &out, text);
 *     visible_end(&v);
 *
 * Between begin and end the calling thread's locale is C.UTF-8, whose tables
 * say how wide a character is; where the system has none, each is one column
 * wide and nothing above U+00FF is taken for unassigned.
 */
struct visible {
    locale_t tables; /* 0: none */
    locale_t before;
};

void visible_begin(struct visible *v);
void visible_end(struct visible *v);

/* Columns of a code point on a terminal (0, 1 or 2); -1: it is not shown as
 * it stands. */
int visible_width(const struct visible *v, uint32_t code_point);
/* Adds the character at the start of s, or what stands for it; *used_out is
 * its bytes in s.  Columns that it takes. */
unsigned visible_add_one(const struct visible *v, struct buf *out,
                         struct span s, size_t *used_out);
void visible_add(const struct visible *v, struct buf *out, struct span s);
/* All of it for one text. */
void visible_text(struct buf *out, struct span s);

#endif
