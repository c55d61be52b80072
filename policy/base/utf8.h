#ifndef POLICY_BASE_UTF8_H
#define POLICY_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/span.h"

/* Strict UTF-8 (RFC 3629): no overlong form, no surrogate, <= U+10FFFF. */

/* Bytes of the well-formed sequence at the start of s (1..4), 0 if there is
 * none. */
size_t utf8_sequence_length(struct span s);
bool utf8_is_valid(struct span s);
/* The code point at the start of s, which must be well-formed. */
uint32_t utf8_decode(struct span s);
/* Writes 1..4 bytes; returns how many, 0 if cp can't be encoded. */
size_t utf8_encode(uint32_t cp, char out[4]);
/* Code points in s, counting each malformed byte as one. */
size_t utf8_count(struct span s);

#endif
