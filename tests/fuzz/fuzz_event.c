/* What a taken-over worker may send to the recorder. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/event/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_again(const struct event *e)
{
    char bytes[16384];
    struct event again;
    size_t length;

    if (event_encode(e, bytes, sizeof(bytes), &length) < 0 ||
        event_decode(bytes, length, &again) < 0 || again.id != e->id)
        abort();
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        if (!span_equal(e->fields[i], again.fields[i]))
            abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out = BUF_INIT;
    struct event e;

    if (event_decode(data, size, &e) < 0)
        return 0;
    check_again(&e);
    event_format_line(&e, &out);
    event_format_json(&e, 1, &out);
    if (out.data != NULL && memchr(out.data, '\n', out.length) != NULL)
        abort();
    buf_fini(&out);
    return 0;
}
