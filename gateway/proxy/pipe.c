#include <stdlib.h>
#include <string.h>

#include "gateway/proxy/transfer.h"

size_t
pipe_room(const struct pipe *p)
{
    return PROXY_BUFFER - p->length;
}

size_t
pipe_put(struct pipe *p, const char *data, size_t size)
{
    if (p->data == NULL && (p->data = malloc(PROXY_BUFFER)) == NULL)
        return 0;
    if (p->start > 0 && p->start + p->length + size > PROXY_BUFFER) {
        memmove(p->data, p->data + p->start, p->length);
        p->start = 0;
    }
    if (size > pipe_room(p))
        size = pipe_room(p);
    memcpy(p->data + p->start + p->length, data, size);
    p->length += size;
    return size;
}

size_t
pipe_get(struct pipe *p, char *out, size_t max)
{
    if (max > p->length)
        max = p->length;
    if (max > 0)
        memcpy(out, p->data + p->start, max);
    p->length -= max;
    p->start = p->length > 0 ? p->start + max : 0;
    return max;
}

void
pipe_fini(struct pipe *p)
{
    free(p->data);
    *p = (struct pipe){0};
}
