#include "gateway/server/tickets.h"

#include <stdint.h>
#include <string.h>

static void
part_add(struct buf *out, struct span part)
{
    uint32_t length = (uint32_t)part.length;

    buf_add(out, &length, sizeof(length));
    buf_add_span(out, part);
}

static bool
part_next(struct span *rest, struct span *out)
{
    uint32_t length;

    if (rest->length < sizeof(length))
        return false;
    memcpy(&length, rest->data, sizeof(length));
    if (rest->length - sizeof(length) < length)
        return false;
    *out = (struct span){rest->data + sizeof(length), length};
    *rest = span_skip(*rest, sizeof(length) + length);
    return true;
}

void
ticket_entry_add(struct buf *out, const struct ticket_entry *e)
{
    part_add(out, e->service);
    part_add(out, e->ticket);
    part_add(out, e->failure);
}

bool
ticket_entry_next(struct span *rest, struct ticket_entry *out)
{
    struct span at = *rest;

    if (!part_next(&at, &out->service) || !part_next(&at, &out->ticket) ||
        !part_next(&at, &out->failure))
        return false;
    *rest = at;
    return true;
}
