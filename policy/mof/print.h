#ifndef POLICY_MOF_PRINT_H
#define POLICY_MOF_PRINT_H

#include "policy/mof/mof.h"

/*
 * The pieces of canonical MOF that print.c puts together; each adds to out,
 * which remembers when memory ran out.  indent is the column that a
 * continued line starts at; 0 keeps a string in one piece.
 */

/* "text", with the escapes of DSP0004 A.1 where they are needed. */
void print_string(struct buf *out, struct span text, unsigned indent);
/* A literal, a list in braces, NULL, or an instance. */
void print_value(struct buf *out, const struct cim_value *v, unsigned indent);
/* `[a(1), b{2} : ToSubclass]` and a line end; nothing when there are none. */
void print_qualifiers(struct buf *out, const struct cim_qualifiers *set,
                      unsigned indent);
/* Words of the set flavors, each behind `before`. */
void print_flavors(struct buf *out, unsigned flavors, const char *before);
/* `{`, the properties, `}` of an instance, embedded or not. */
void print_instance_body(struct buf *out, const struct cim_instance *i,
                         unsigned indent);
void print_spaces(struct buf *out, unsigned n);

#endif
