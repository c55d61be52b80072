#ifndef POLICY_BASE_SIPHASH_H
#define POLICY_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0, k1;
};

/* SipHash-2-4 (Aumasson, Bernstein 2012), 64-bit result. */
uint64_t siphash(const struct siphash_key *key, const void *data,
                 size_t length);
/* The same over the ASCII lower case of data. */
uint64_t siphash_nocase(const struct siphash_key *key, const void *data,
                        size_t length);
/* A key from the kernel's random source. */
void siphash_key_random(struct siphash_key *key);

#endif
