/* What the dispatcher takes from workers and couriers. */
#include <stdlib.h>
#include <string.h>

#include "gateway/callback/callback.h"
#include "gateway/sys/sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char again[CHANNEL_BODY_MAX];
    struct operation_request r;
    struct operation_note n;
    size_t length;

    if (size > CHANNEL_BODY_MAX)
        return 0;
    /* What is taken is what encoding it makes. */
    if (operation_request_decode(data, size, &r) == 0) {
        if (operation_request_encode(&r, again, sizeof(again), &length) < 0 ||
            length != size)
            abort();
    }
    if (operation_note_decode(data, size, &n) &&
        (strlen(n.id) != OPERATION_ID_TEXT - 1 ||
         strlen(n.detail) >= sizeof(n.detail)))
        abort();
    return 0;
}
