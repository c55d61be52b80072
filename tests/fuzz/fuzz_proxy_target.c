/* proxy_target_normalize: what is normal stays as it is, holds only what a
 * request line may, and decodes once to what the raw target decodes to. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/proxy/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                    \
    do {                                                                      \
        if (!(condition))                                                     \
            abort();                                                          \
    } while (0)

static void
decode(struct span s, struct buf *out)
{
    while (s.length > 0) {
        char c = s.data[0];
        size_t n = 1;

        if (c == '%' && s.length >= 3) {
            c = (char)(ascii_hex_value(s.data[1]) * 16 +
                       ascii_hex_value(s.data[2]));
            n = 3;
        }
        buf_add_char(out, c);
        s = span_skip(s, n);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span raw = {(const char *)data, size};
    struct buf normal = BUF_INIT, again = BUF_INIT, a = BUF_INIT, b = BUF_INIT;

    if (proxy_target_normalize(raw, &normal)) {
        for (size_t i = 0; i < normal.length; i++)
            REQUIRE(normal.data[i] > 0x20 && normal.data[i] < 0x7f);
        REQUIRE(proxy_target_normalize(buf_span(&normal), &again));
        REQUIRE(span_equal(buf_span(&normal), buf_span(&again)));
        decode(raw, &a);
        decode(buf_span(&normal), &b);
        REQUIRE(span_equal(buf_span(&a), buf_span(&b)));
    }
    buf_fini(&normal);
    buf_fini(&again);
    buf_fini(&a);
    buf_fini(&b);
    return 0;
}
