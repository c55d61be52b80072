#ifndef GATEWAY_AUTH_BASE64_H
#define GATEWAY_AUTH_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/base/base.h"

/*
 * RFC 4648 4, strict: the standard alphabet, full padding, no white space,
 * and unused bits zero, so that a token has one spelling only.
 */

/* Upper bound of the decoded size. */
size_t base64_decoded_max(size_t encoded_length);
/* False if text is not base64; out has room for base64_decoded_max. */
bool base64_decode(struct span text, unsigned char *out, size_t *length_out);
/* malloc'ed, NUL-terminated; NULL when out of memory. */
char *base64_encode(const void *bytes, size_t length);

#endif
