#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policy/mof/binary.h"
#include "policy/mof/parser.h"
#include "policy/mof/report.h"

#define DAMAGE_TEXT_MAX 300

bool
mof_is_binary(const void *bytes, size_t length)
{
    return length >= 4 && memcmp(bytes, BINARY_MAGIC, 4) == 0;
}

bool
binary_damage(struct binary_reader *r, uint32_t offset, const char *format,
              ...)
{
    char text[DAMAGE_TEXT_MAX];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    report_error(r->c, (struct at){r->source, offset, 1}, CODE_INVALID_FILE,
                 "this binary MOF is damaged: %s", text);
    return false;
}

/* -- the list of flavors ---------------------------------------------------- */

static int
flavor_compare(const void *a, const void *b)
{
    const struct binary_flavor *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Where a qualifier comes from, which says nothing in a file. */
#define ORIGIN_BITS 0x60u

static uint32_t
known_bits(void)
{
    uint32_t bits = ORIGIN_BITS;

    for (size_t i = 0; i < BINARY_FLAVOR_ROWS; i++)
        bits |= binary_flavors[i].bit;
    return bits;
}

static bool
flavors_fill(struct binary_reader *r, struct region from)
{
    for (size_t i = 0; i < r->flavor_count; i++) {
        struct binary_flavor *f = &r->flavors[i];
        uint32_t at = from.at;

        if (!binary_take_number(r, &from, &f->offset) ||
            !binary_take_number(r, &from, &f->bits))
            return false;
        if ((f->bits & ~known_bits()) != 0)
            return binary_damage(r, at, "0x%x are no flavors", f->bits);
    }
    if (r->flavor_count > 1)
        qsort(r->flavors, r->flavor_count, sizeof(*r->flavors),
              flavor_compare);
    for (size_t i = 1; i < r->flavor_count; i++) {
        if (r->flavors[i].offset == r->flavors[i - 1].offset)
            return binary_damage(r, from.at, "flavors twice for one place");
    }
    return true;
}

static bool
flavors_read(struct binary_reader *r, struct region from)
{
    uint32_t start = from.at, count;

    if (from.at == from.end)
        return true;
    if (from.end - from.at < BINARY_FLAVOR_HEADER ||
        memcmp(r->source->text + from.at, BINARY_FLAVOR_MAGIC, 16) != 0)
        return binary_damage(r, from.at,
                             "something other than the list of flavors");
    from.at += 16;
    if (!binary_take_number(r, &from, &count))
        return false;
    if (count != (from.end - from.at) / BINARY_FLAVOR ||
        (from.end - from.at) % BINARY_FLAVOR != 0)
        return binary_damage(r, start + 16, "%u flavors in %u bytes", count,
                             from.end - from.at);
    r->flavors = compilation_array(r->c, count, sizeof(*r->flavors));
    if (r->flavors == NULL)
        return false;
    r->flavor_count = count;
    return flavors_fill(r, from);
}

/* A flavor for something that is no qualifier is a sign of damage. */
static bool
flavors_check(struct binary_reader *r)
{
    for (size_t i = 0; i < r->flavor_count; i++) {
        if (!r->flavors[i].used)
            return binary_damage(r, r->flavors[i].offset,
                                 "flavors where no qualifier starts");
    }
    return true;
}

/* -- all of it -------------------------------------------------------------- */

static bool
root_check(struct binary_reader *r, struct region *from, uint32_t *count_out)
{
    uint32_t one, another;

    if (!binary_take_number(r, from, &one) ||
        !binary_take_number(r, from, &another) ||
        !binary_take_number(r, from, count_out))
        return false;
    return (one == 1 && another == 1) ||
           binary_damage(r, from->at - 12, "%u and %u where 1 is expected",
                         one, another);
}

static bool
objects_read(struct binary_reader *r, struct region from)
{
    struct region one;
    uint32_t count;

    if (!root_check(r, &from, &count))
        return false;
    for (uint32_t i = 0; i < count && !compilation_is_over(r->c); i++) {
        if (!binary_take_element(r, &from, 8, &one) ||
            !binary_add_object(r, one))
            return false;
    }
    return compilation_is_over(r->c) || from.at == from.end ||
           binary_damage(r, from.at, "bytes behind the last object");
}

static bool
unpacked_read(struct binary_reader *r)
{
    struct region all = {4, r->source->length};
    uint32_t length;

    if (r->source->length < BINARY_ROOT_HEADER ||
        memcmp(r->source->text, BINARY_MAGIC, 4) != 0)
        return binary_damage(r, 0, "the unpacked data do not begin with FOMB");
    if (!binary_take_number(r, &all, &length))
        return false;
    if (length < BINARY_ROOT_HEADER || length > r->source->length)
        return binary_damage(r, 4, "objects of %u bytes in %u", length,
                             r->source->length);
    return flavors_read(r, (struct region){length, r->source->length}) &&
           objects_read(r, (struct region){8, length}) && flavors_check(r);
}

void
binary_read(struct mof_compilation *c, struct source *s, const void *bytes,
            size_t length)
{
    struct binary_reader r = {.c = c, .source = s};
    struct binary_problem problem;
    char *unpacked;
    uint32_t size;

    s->kind = SOURCE_PACKED;
    if (!binary_unpack(bytes, length, &unpacked, &size, &problem)) {
        if (problem.text == NULL)
            report_memory(c);
        else
            binary_damage(&r, problem.offset, "%s", problem.text);
        return;
    }
    s->kind = SOURCE_UNPACKED;
    s->text = unpacked;
    s->length = size;
    r.aliases = compilation_map_new(c, &c->alias_maps);
    if (r.aliases != NULL)
        unpacked_read(&r);
    buf_fini(&r.text);
}
