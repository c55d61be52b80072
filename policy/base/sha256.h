#ifndef POLICY_BASE_SHA256_H
#define POLICY_BASE_SHA256_H

#include <stddef.h>

#define SHA256_TEXT_LENGTH 64

/* The digest of FIPS 180-4 as 64 hexadecimal digits and a NUL. */
void sha256_text(const void *bytes, size_t length,
                 char text_out[SHA256_TEXT_LENGTH + 1]);

#endif
