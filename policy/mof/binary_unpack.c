#include <stdlib.h>
#include <string.h>

#include "policy/mof/binary.h"

/*
 * The packed data: a "DS" stream, version 0.1, of Microsoft's DoubleSpace.
 * Bits from the lowest of each byte; two choose what follows:
 *
 *     1, 2   a byte: 7 bits, with the highest set (1) or clear (2)
 *     0      a copy from 6 bits back
 *     3      a copy: 0 and 8 bits + 64 back, or 1 and 12 bits + 320
 *
 * A copy's length is a run of n zeros (at most 8), a one, n bits: 2^n + 1 +
 * them.  4415 back is no copy but a mark that stands behind each 512 bytes
 * and behind the last.
 */

#define STREAM_MAGIC 0x01005344u
#define BLOCK        512u
#define MARK         4415u
#define LENGTH_ZEROS 8u
#define PADDING_BITS 32u /* behind the last mark at most */

struct unpacker {
    const unsigned char *bytes;
    size_t bit, bits; /* next, all of them */
    unsigned char *out;
    uint32_t used, size;
    const char *problem; /* the first one */
};

static bool
fail(struct unpacker *u, const char *text)
{
    if (u->problem == NULL)
        u->problem = text;
    return false;
}

/* count bits, at most 24; 0 with a problem behind the end. */
static uint32_t
take(struct unpacker *u, unsigned count)
{
    uint32_t value = 0;
    size_t at = u->bit / 8, last = (u->bits + 7) / 8;

    if (count > u->bits - u->bit) {
        u->bit = u->bits;
        fail(u, "the packed data end early");
        return 0;
    }
    for (unsigned i = 0; i < 4 && at + i < last; i++)
        value |= (uint32_t)u->bytes[at + i] << (8 * i);
    value >>= u->bit % 8;
    u->bit += count;
    return value & ((1u << count) - 1);
}

static uint32_t
take_length(struct unpacker *u)
{
    unsigned zeros = 0;

    while (take(u, 1) == 0 && u->problem == NULL) {
        if (++zeros > LENGTH_ZEROS) {
            fail(u, "a copy has no length");
            return 0;
        }
    }
    return (1u << zeros) + 1 + take(u, zeros);
}

static bool
copy(struct unpacker *u, uint32_t back)
{
    uint32_t length = take_length(u);

    if (u->problem != NULL)
        return false;
    if (back == 0 || back > u->used)
        return fail(u, "a copy from before the start of the data");
    if (length > u->size - u->used)
        return fail(u, "more data than the header says");
    while (length-- > 0) {
        u->out[u->used] = u->out[u->used - back];
        u->used++;
    }
    return true;
}

static bool
literal(struct unpacker *u, uint32_t high)
{
    uint32_t byte = take(u, 7) | high;

    if (u->problem != NULL)
        return false;
    if (u->used == u->size)
        return fail(u, "more data than the header says");
    u->out[u->used++] = (unsigned char)byte;
    return true;
}

/* One item; *ended when it was the last mark. */
static bool
step(struct unpacker *u, bool *ended)
{
    uint32_t kind = take(u, 2), back;

    *ended = false;
    if (u->problem != NULL)
        return false;
    if (kind == 1 || kind == 2)
        return literal(u, kind == 1 ? 0x80 : 0);
    if (kind == 0)
        back = take(u, 6);
    else if (take(u, 1) == 0)
        back = take(u, 8) + 64;
    else
        back = take(u, 12) + 320;
    if (back != MARK)
        return copy(u, back);
    *ended = u->used == u->size;
    if (!*ended && u->used % BLOCK != 0)
        return fail(u, "a mark that is not at the end of a block");
    return true;
}

static bool
stream_unpack(struct unpacker *u)
{
    bool ended = false;

    if (take(u, 16) != (STREAM_MAGIC & 0xffff) ||
        take(u, 16) != STREAM_MAGIC >> 16)
        return fail(u, "the packed data do not begin with DS, 0, 1");
    while (!ended) {
        if (!step(u, &ended))
            return false;
    }
    if (u->bits - u->bit > PADDING_BITS)
        return fail(u, "bytes behind the end of the packed data");
    return true;
}

static uint32_t
number_at(const unsigned char *bytes, size_t offset)
{
    return (uint32_t)bytes[offset] | (uint32_t)bytes[offset + 1] << 8 |
           (uint32_t)bytes[offset + 2] << 16 |
           (uint32_t)bytes[offset + 3] << 24;
}

static bool
header_fail(struct binary_problem *problem, uint32_t offset, const char *text)
{
    *problem = (struct binary_problem){text, offset};
    return false;
}

static bool
header_check(const unsigned char *bytes, size_t length,
             struct binary_problem *problem)
{
    if (length < BINARY_HEADER)
        return header_fail(problem, 0, "the file ends inside its header");
    if (number_at(bytes, 4) != 1)
        return header_fail(problem, 4, "only version 1 is known");
    if (number_at(bytes, 8) > length - BINARY_HEADER)
        return header_fail(problem, 8,
                           "the packed data are longer than the file");
    if (number_at(bytes, 8) < length - BINARY_HEADER)
        return header_fail(problem, 8,
                           "the packed data are shorter than the file");
    if (number_at(bytes, 8) > BINARY_PACKED_MAX)
        return header_fail(problem, 8,
                           "the packed data are longer than 8 MiB");
    if (number_at(bytes, 12) > BINARY_UNPACKED_MAX)
        return header_fail(problem, 12,
                           "the unpacked data are longer than 32 MiB");
    return true;
}

bool
binary_unpack(const unsigned char *bytes, size_t length, char **out,
              uint32_t *length_out, struct binary_problem *problem)
{
    struct unpacker u = {.bytes = bytes + BINARY_HEADER};

    *out = NULL;
    *length_out = 0;
    if (!header_check(bytes, length, problem))
        return false;
    u.bits = (length - BINARY_HEADER) * 8;
    u.size = number_at(bytes, 12);
    u.out = malloc((size_t)u.size + 1);
    if (u.out == NULL)
        return header_fail(problem, 0, NULL);
    if (!stream_unpack(&u)) {
        free(u.out);
        return header_fail(problem, BINARY_HEADER + (uint32_t)(u.bit / 8),
                           u.problem);
    }
    u.out[u.size] = '\0';
    *out = (char *)u.out;
    *length_out = u.size;
    return true;
}
