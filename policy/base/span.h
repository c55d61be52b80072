#ifndef POLICY_BASE_SPAN_H
#define POLICY_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A run of bytes owned by somebody else; not NUL-terminated.  {NULL, 0} is
 * "absent", {p, 0} is "empty"; both compare equal to each other.
 */
struct span {
    const char *data;
    size_t length;
};

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

struct span span_of(const char *string); /* NULL gives absent */
bool span_equal(struct span a, struct span b);
/* ASCII case only: names in MOF, HTTP header names (RFC 9110 5.1). */
bool span_equal_nocase(struct span a, struct span b);
int span_compare_nocase(struct span a, struct span b);
bool span_starts_nocase(struct span s, struct span prefix);
/* Secrets: takes as long whatever the bytes are; lengths are no secret. */
bool span_equal_secret(struct span a, struct span b);
/* The part before the first c; *rest is what follows it, absent if none. */
struct span span_cut(struct span s, char c, struct span *rest);
struct span span_trim(struct span s); /* spaces and tabs at both ends */
struct span span_skip(struct span s, size_t n);

/* Locale-free ASCII classes, safe on any char. */
char ascii_lower(char c);
bool ascii_is_alpha(char c);
bool ascii_is_digit(char c);
int ascii_hex_value(char c); /* 0..15, or -1 */
/* Eight characters at once. */
uint64_t ascii_lower_word(uint64_t word);

#endif
