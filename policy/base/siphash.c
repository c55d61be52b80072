#include "policy/base/siphash.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "policy/base/span.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t
rotate(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline void
round_once(struct state *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline void
absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    round_once(s);
    round_once(s);
    s->v0 ^= word;
}

/* Up to eight bytes as a little-endian word. */
static inline uint64_t
load_word(const unsigned char *p, size_t n, int fold)
{
    uint64_t word = 0;

    memcpy(&word, p, n);
    word = le64toh(word);
    return fold ? ascii_lower_word(word) : word;
}

static inline uint64_t
hash(const struct siphash_key *key, const void *data, size_t length, int fold)
{
    const unsigned char *p = data;
    size_t left = length;
    struct state s = {
        0x736f6d6570736575ULL ^ key->k0,
        0x646f72616e646f6dULL ^ key->k1,
        0x6c7967656e657261ULL ^ key->k0,
        0x7465646279746573ULL ^ key->k1,
    };

    for (; left >= 8; p += 8, left -= 8)
        absorb(&s, load_word(p, 8, fold));
    /* An absent text has no bytes to point to. */
    absorb(&s,
           (left > 0 ? load_word(p, left, fold) : 0) | (uint64_t)length << 56);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        round_once(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t
siphash(const struct siphash_key *key, const void *data, size_t length)
{
    return hash(key, data, length, 0);
}

uint64_t
siphash_nocase(const struct siphash_key *key, const void *data, size_t length)
{
    return hash(key, data, length, 1);
}

void
siphash_key_random(struct siphash_key *key)
{
    if (getrandom(key, sizeof(*key), 0) != (ssize_t)sizeof(*key))
        abort();
}
