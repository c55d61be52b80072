#include <stdlib.h>
#include <string.h>

#include "policy/mof/binary.h"

/*
 * The packed data, whose form binary_unpack.c tells.  The longest copy that a
 * short search finds is taken; none crosses the end of a block of 512 bytes,
 * behind which a mark stands.
 */

#define STREAM_MAGIC 0x01005344u
#define BLOCK        512u
#define MARK         4415u
#define LENGTH_LEAST 2u
#define SEARCH_MAX   64u
#define HEADS        65536u /* one for each pair of bytes */
#define NOWHERE      UINT32_MAX

struct packer {
    struct buf *out;
    uint64_t bits; /* not yet out, the first lowest */
    unsigned count;
    const unsigned char *in;
    uint32_t size;
    uint32_t *heads; /* the last place of each pair of bytes */
    uint32_t *links; /* the place before, of the pair that is here */
};

static void
put(struct packer *p, uint32_t value, unsigned count)
{
    p->bits |= (uint64_t)value << p->count;
    p->count += count;
    while (p->count >= 8) {
        buf_add_char(p->out, (char)(p->bits & 0xff));
        p->bits >>= 8;
        p->count -= 8;
    }
}

static void
put_back(struct packer *p, uint32_t back)
{
    if (back < 64) {
        put(p, 0, 2);
        put(p, back, 6);
    } else if (back < 320) {
        put(p, 3, 3);
        put(p, back - 64, 8);
    } else {
        put(p, 7, 3);
        put(p, back - 320, 12);
    }
}

static void
put_copy(struct packer *p, uint32_t back, uint32_t length)
{
    unsigned zeros = 0;

    while ((length - 1) >> (zeros + 1) != 0)
        zeros++;
    put_back(p, back);
    put(p, 1u << zeros, zeros + 1);
    put(p, length - 1 - (1u << zeros), zeros);
}

static void
put_literal(struct packer *p, unsigned char byte)
{
    put(p, byte & 0x80 ? 1 : 2, 2);
    put(p, byte & 0x7f, 7);
}

static uint32_t
pair_at(const struct packer *p, uint32_t at)
{
    return (uint32_t)p->in[at] | (uint32_t)p->in[at + 1] << 8;
}

static void
remember(struct packer *p, uint32_t at)
{
    if (at + 1 >= p->size)
        return;
    p->links[at] = p->heads[pair_at(p, at)];
    p->heads[pair_at(p, at)] = at;
}

/* The longest of the copies looked at for the bytes at `at`. */
static uint32_t
search(const struct packer *p, uint32_t at, uint32_t most, uint32_t *back_out)
{
    uint32_t best = 0, from;

    if (most < LENGTH_LEAST)
        return 0;
    from = p->heads[pair_at(p, at)];
    for (unsigned n = 0; n < SEARCH_MAX && from != NOWHERE && at - from < MARK;
         n++)
    {
        uint32_t length = 0;

        while (length < most && p->in[from + length] == p->in[at + length])
            length++;
        if (length > best) {
            best = length;
            *back_out = at - from;
        }
        from = p->links[from];
    }
    return best;
}

static void
pack(struct packer *p)
{
    uint32_t at = 0, back = 0;

    put(p, STREAM_MAGIC & 0xffff, 16);
    put(p, STREAM_MAGIC >> 16, 16);
    while (at < p->size) {
        uint32_t block = (at / BLOCK + 1) * BLOCK;
        uint32_t end = block < p->size ? block : p->size;
        uint32_t length = search(p, at, end - at, &back);

        if (length < LENGTH_LEAST) {
            put_literal(p, p->in[at]);
            length = 1;
        } else {
            put_copy(p, back, length);
        }
        while (length-- > 0)
            remember(p, at++);
        if (at % BLOCK == 0 && at < p->size)
            put_back(p, MARK);
    }
    put_back(p, MARK);
    put(p, 0, (8 - p->count) % 8);
}

static void
number_set(char *to, uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (char)(number >> (8 * i) & 0xff);
}

bool
binary_pack(struct buf *out, struct span unpacked)
{
    struct packer p = {.out = out,
                       .in = (const unsigned char *)unpacked.data,
                       .size = (uint32_t)unpacked.length};
    size_t start = out->length;
    char header[BINARY_HEADER] = BINARY_MAGIC;

    if (unpacked.length > BINARY_UNPACKED_MAX)
        return false;
    p.heads = malloc(HEADS * sizeof(*p.heads));
    p.links = malloc((unpacked.length + 1) * sizeof(*p.links));
    buf_add(out, header, sizeof(header));
    if (p.heads != NULL && p.links != NULL) {
        memset(p.heads, 0xff, HEADS * sizeof(*p.heads));
        pack(&p);
    } else {
        out->failed = true;
    }
    free(p.heads);
    free(p.links);
    if (buf_failed(out) ||
        out->length - start - BINARY_HEADER > BINARY_PACKED_MAX)
        return false;
    number_set(out->data + start + 4, 1);
    number_set(out->data + start + 8,
               (uint32_t)(out->length - start - BINARY_HEADER));
    number_set(out->data + start + 12, p.size);
    return true;
}
