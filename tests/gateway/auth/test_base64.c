#include "gateway/auth/base64.h"
#include "tests/support/support.h"

#include <stdlib.h>
#include <string.h>

SUITE(base64);

/* RFC 4648 10 */
static const struct {
    const char *plain, *encoded;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

Test(base64, knows_the_vectors_both_ways)
{
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        char *text = base64_encode(vectors[i].plain, strlen(vectors[i].plain));
        unsigned char out[16];
        size_t length;

        cr_assert_str_eq(text, vectors[i].encoded);
        cr_assert(base64_decode(span_of(text), out, &length));
        assert_span(((struct span){(char *)out, length}), vectors[i].plain);
        free(text);
    }
}

Test(base64, returns_every_byte)
{
    unsigned char all[256], out[256];
    size_t length;

    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (unsigned char)i;
    for (size_t n = 0; n <= sizeof(all); n++) {
        char *text = base64_encode(all, n);

        cr_assert_leq(n, base64_decoded_max(strlen(text)));
        cr_assert(base64_decode(span_of(text), out, &length));
        cr_assert_eq(length, n);
        cr_assert_eq(memcmp(out, all, n), 0);
        free(text);
    }
}

Test(base64, refuses_what_is_not_the_one_spelling)
{
    static const char *const bad[] = {
        "Z",     "Zg",       "Zg=",
        "Zg===", "=",        "==",
        "====",  "Z===",     "Zh==",
        "Zm9=",  "Zm=v",     "Zg==Zg==",
        "Zm 9",  "Zm9v\n",   "Zm9-",
        "Zm9_",  " Zm9v",    "Zm9v ",
        "Zm\t9", "Zm9v=",    "\xff\xff\xff\xff",
        "Zm9vZ", "Zm9vZ===",
    };

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        unsigned char out[16];
        size_t length = 99;

        cr_assert(!base64_decode(span_of(bad[i]), out, &length), "%s", bad[i]);
        cr_assert_eq(length, 0);
    }
    cr_assert(
        !base64_decode(SPAN("Zm9\0"), (unsigned char[8]){0}, &(size_t){0}));
}
